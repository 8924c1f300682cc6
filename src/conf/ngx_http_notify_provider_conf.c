/*
 * The directives of notify_provider, and what a provider becomes: a profile
 * with a body of its own, four ways to call, and nodes.  Runs while the
 * configuration is read.  Must not know sessions.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_provider.h"
#include "ngx_http_notify_text.h"


static ngx_http_notify_args_cmd_t  ngx_http_notify_provider_set_url;
static ngx_http_notify_args_cmd_t  ngx_http_notify_provider_set_message;
static ngx_http_notify_args_cmd_t  ngx_http_notify_provider_set_retry;
static ngx_http_notify_args_cmd_t  ngx_http_notify_provider_set_group;
static char *ngx_http_notify_provider_trust(ngx_conf_t *cf,
    ngx_http_notify_guard_conf_t *guard);
static char *ngx_http_notify_provider_check(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider, ngx_uint_t debug,
    ngx_http_notify_guard_url_t *url);
static ngx_http_notify_provider_node_t *ngx_http_notify_provider_node(
    ngx_conf_t *cf, ngx_http_notify_provider_t *provider);
static char *ngx_http_notify_provider_group(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider,
    ngx_http_notify_provider_group_t *group);
static char *ngx_http_notify_provider_server(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider,
    ngx_http_notify_provider_group_t *group,
    const ngx_http_upstream_server_t *server, ngx_addr_t *addr);
static ngx_int_t ngx_http_notify_provider_at(ngx_conf_t *cf,
    const ngx_http_notify_guard_url_t *url,
    const ngx_http_upstream_server_t *server, ngx_addr_t *addr,
    ngx_str_t *text);
static ngx_http_upstream_srv_conf_t *ngx_http_notify_provider_upstream(
    ngx_conf_t *cf, const ngx_str_t *name);


static ngx_command_t  ngx_http_notify_provider_commands[] = {

    { ngx_string("url"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_provider_set_url,
      NGX_HTTP_NOTIFY_BLOCK_OFFSET,
      offsetof(ngx_http_notify_provider_t, url[0]),
      NULL },

    { ngx_string("debug_url"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_provider_set_url,
      NGX_HTTP_NOTIFY_BLOCK_OFFSET,
      offsetof(ngx_http_notify_provider_t, url[1]),
      NULL },

    { ngx_string("message"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_provider_set_message,
      NGX_HTTP_NOTIFY_BLOCK_OFFSET,
      offsetof(ngx_http_notify_provider_t, message[0]),
      NULL },

    { ngx_string("debug_message"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_provider_set_message,
      NGX_HTTP_NOTIFY_BLOCK_OFFSET,
      offsetof(ngx_http_notify_provider_t, message[1]),
      NULL },

    { ngx_string("payload"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      ngx_http_notify_block_field(ngx_http_notify_provider_t, payload),
      NULL },

    { ngx_string("group"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_1MORE,
      ngx_http_notify_provider_set_group,
      ngx_http_notify_block_whole },

    { ngx_string("retry"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_1MORE,
      ngx_http_notify_provider_set_retry,
      ngx_http_notify_block_whole },

    { ngx_string("order"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_1MORE,
      ngx_http_notify_block_refuse,
      NGX_HTTP_NOTIFY_BLOCK_OFFSET,
      0,
      "cannot be in notify_provider: nothing is sent again" },

    { ngx_string("sign"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_1MORE,
      ngx_http_notify_block_refuse,
      NGX_HTTP_NOTIFY_BLOCK_OFFSET,
      0,
      "cannot be in notify_provider, which has no subscription's secret: "
      "use \"jwt\"" },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_provider_module =
    ngx_http_notify_block_module(ngx_http_notify_provider_commands);


/* judged at the end of the block, when "allow" and "ports" are known */

static char *
ngx_http_notify_provider_set_url(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_provider_t *provider = conf;

    ngx_uint_t  debug;

    debug = (cmd->offset != offsetof(ngx_http_notify_provider_t, url[0]));
    provider->line[debug] = cf->conf_file->line;

    return ngx_conf_set_str_slot(cf, cmd, conf);
}


static char *
ngx_http_notify_provider_set_message(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char       *rv;
    ngx_str_t  *value;

    rv = ngx_conf_set_str_slot(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    value = cf->args->elts;

    return ngx_http_notify_provider_message(cf, &value[1],
                                            NGX_HTTP_NOTIFY_PROVIDER_HTTP, 0)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* whether it may be there is known at the end of the block */

static char *
ngx_http_notify_provider_set_retry(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_provider_t *provider = conf;

    provider->retry_line = cf->conf_file->line;

    return ngx_http_notify_profile_set_retry(cf, cmd, conf);
}


static char *
ngx_http_notify_provider_set_group(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_provider_t *provider = conf;

    ngx_str_t                         *value;
    ngx_uint_t                         i, j;
    ngx_http_notify_provider_group_t  *group;

    if (provider->groups != NULL) {
        return "is duplicate";
    }

    provider->groups = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                     sizeof(ngx_http_notify_provider_group_t));
    if (provider->groups == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        for (j = 1; j < i; j++) {
            if (ngx_http_notify_text_equal(&value[i], &value[j])) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "duplicate group \"%V\"", &value[i]);
                return NGX_CONF_ERROR;
            }
        }

        group = ngx_array_push(provider->groups);
        if (group == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(group, sizeof(ngx_http_notify_provider_group_t));

        group->name = value[i];
        group->file = cf->conf_file->file.name.data;
        group->line = cf->conf_file->line;
    }

    return NGX_CONF_OK;
}


ngx_http_notify_provider_t *
ngx_http_notify_provider_create(ngx_conf_t *cf, const ngx_str_t *name)
{
    ngx_http_notify_profile_t   *profile;
    ngx_http_notify_provider_t  *provider;

    provider = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_provider_t));
    profile = ngx_http_notify_profile_create(cf, name);

    if (provider == NULL || profile == NULL) {
        return NULL;
    }

    provider->profile = *profile;
    provider->payload = NGX_CONF_UNSET;

    if (ngx_http_notify_memory_printf(cf->pool, &provider->id,
                                      NGX_HTTP_NOTIFY_PROVIDER_ID "%V", name)
        != NGX_OK)
    {
        return NULL;
    }

    return provider;
}


char *
ngx_http_notify_provider_init(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider)
{
    char                         *rv;
    ngx_uint_t                    debug, payload;
    ngx_http_notify_guard_url_t   url;
    ngx_http_notify_call_conf_t  *call;

    ngx_conf_init_value(provider->payload, 0);

    rv = ngx_http_notify_provider_type(cf, provider);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (provider->message[0].data == NULL
        && (provider->profile.call.fcm == NULL
            || provider->profile.call.fcm->data.len == 0))
    {
        ngx_str_set(&provider->message[0], "$notify_event_type");
    }

    if (provider->url[1].data == NULL) {
        provider->url[1] = provider->url[0];
        provider->line[1] = provider->line[0];
    }

    if (provider->message[1].data == NULL) {
        provider->message[1] = provider->message[0];
    }

    if (provider->url[0].data
        && ngx_http_notify_provider_trust(cf, &provider->profile.call.guard)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (debug = 0; provider->url[0].data && debug < 2; debug++) {
        if (ngx_http_notify_provider_check(cf, provider, debug, &url)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    rv = ngx_http_notify_profile_init(cf, &provider->profile);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    for (debug = 0; debug < 2; debug++) {
        for (payload = 0; payload < 2; payload++) {

            call = &provider->call[debug][payload];

            *call = provider->profile.call;
            call->payload.kind = NGX_HTTP_NOTIFY_PAYLOAD_JSON;

            if (provider->type == NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH) {
                ngx_str_set(&call->payload.content_type,
                            "application/octet-stream");
            }

            call->payload.json = ngx_http_notify_provider_body(cf, provider,
                                                              debug, payload);
            if (call->payload.json == NULL) {
                return NGX_CONF_ERROR;
            }
        }
    }

    return NGX_CONF_OK;
}


/* the operator has written these addresses: what the block does not deny */

static char *
ngx_http_notify_provider_trust(ngx_conf_t *cf,
    ngx_http_notify_guard_conf_t *guard)
{
    ngx_http_notify_cidr_rule_t  *rule;

    rule = ngx_http_notify_memory_push(cf->pool, &guard->rules,
                                       sizeof(ngx_http_notify_cidr_rule_t));
    if (rule == NULL) {
        return NGX_CONF_ERROR;
    }

    guard->any_port = (guard->ports == NULL);
    guard->own = 1;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_provider_check(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider, ngx_uint_t debug,
    ngx_http_notify_guard_url_t *url)
{
    ngx_uint_t   line;
    const char  *reason;

    if (ngx_http_notify_guard_url(cf->pool, &provider->url[debug],
                                  &provider->profile.call.guard, url, &reason)
        == NGX_OK)
    {
        return NGX_CONF_OK;
    }

    line = cf->conf_file->line;
    cf->conf_file->line = provider->line[debug];

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid URL \"%V\": %s",
                       &provider->url[debug], reason);

    cf->conf_file->line = line;

    return NGX_CONF_ERROR;
}


char *
ngx_http_notify_provider_resolve(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider, ngx_uint_t *nodes)
{
    ngx_uint_t                         i;
    ngx_http_notify_provider_node_t   *node;
    ngx_http_notify_provider_group_t  *group;

    provider->index = *nodes;

    provider->nodes = ngx_array_create(cf->pool, 4,
                                      sizeof(ngx_http_notify_provider_node_t));
    if (provider->nodes == NULL) {
        return NGX_CONF_ERROR;
    }

    if (provider->groups == NULL) {

        node = ngx_http_notify_provider_node(cf, provider);
        if (node == NULL) {
            return NGX_CONF_ERROR;
        }

        node->call[0].url = provider->url[0];
        node->call[1].url = provider->url[1];

        *nodes += 1;

        return NGX_CONF_OK;
    }

    group = provider->groups->elts;

    for (i = 0; i < provider->groups->nelts; i++) {

        group[i].first = provider->nodes->nelts;

        if (ngx_http_notify_provider_group(cf, provider, &group[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        group[i].n = provider->nodes->nelts - group[i].first;
    }

    *nodes += provider->nodes->nelts;

    return NGX_CONF_OK;
}


static ngx_http_notify_provider_node_t *
ngx_http_notify_provider_node(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider)
{
    ngx_uint_t                        i;
    ngx_http_notify_provider_node_t  *node;

    node = ngx_array_push(provider->nodes);
    if (node == NULL) {
        return NULL;
    }

    ngx_memzero(node, sizeof(ngx_http_notify_provider_node_t));

    for (i = 0; i < 2; i++) {
        node->call[i].pool = cf->pool;
        node->call[i].id = provider->id;
        node->call[i].name = provider->profile.name;
        node->call[i].enabled = 1;
    }

    return node;
}


static char *
ngx_http_notify_provider_group(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider,
    ngx_http_notify_provider_group_t *group)
{
    ngx_uint_t                        i, j;
    ngx_http_upstream_server_t       *server;
    ngx_http_upstream_srv_conf_t     *upstream;

    upstream = ngx_http_notify_provider_upstream(cf, &group->name);

    if (upstream == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "unknown upstream \"%V\" in %s:%ui", &group->name,
                      group->file, group->line);
        return NGX_CONF_ERROR;
    }

    server = upstream->servers->elts;

    for (i = 0; i < upstream->servers->nelts; i++) {

        /* with "resolve" there is a port at most */

        if (server[i].naddrs == 0 || server[i].addrs[0].name.len == 0) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "server \"%V\" of upstream \"%V\" cannot be "
                          "called, its addresses are not known yet "
                          "(\"resolve\"), in %s:%ui", &server[i].name,
                          &group->name, group->file, group->line);
            return NGX_CONF_ERROR;
        }

        for (j = 0; j < server[i].naddrs; j++) {

            if (ngx_http_notify_provider_server(cf, provider, group,
                                                &server[i],
                                                &server[i].addrs[j])
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_provider_server(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider,
    ngx_http_notify_provider_group_t *group,
    const ngx_http_upstream_server_t *server, ngx_addr_t *addr)
{
    ngx_str_t                         text;
    ngx_uint_t                        debug;
    const char                       *reason;
    ngx_http_notify_guard_url_t       url;
    ngx_http_notify_provider_node_t  *node;

    node = ngx_http_notify_provider_node(cf, provider);
    if (node == NULL) {
        return NGX_CONF_ERROR;
    }

    node->name = addr->name;
    node->addr = addr;
    node->weight = server->weight;
    node->max_fails = server->max_fails;
    node->fail_timeout = (ngx_msec_t) server->fail_timeout * 1000;
    node->backup = server->backup;
    node->down = server->down;

    for (debug = 0; debug < 2; debug++) {

        reason = "it has no address with a port";

        if (ngx_http_notify_provider_check(cf, provider, debug, &url)
            != NGX_CONF_OK
            || ngx_http_notify_provider_at(cf, &url, server, addr, &text)
               == NGX_ERROR)
        {
            return NGX_CONF_ERROR;
        }

        node->call[debug].url = text;

        if (text.len == 0
            || ngx_http_notify_guard_url(cf->pool, &text,
                                         &provider->profile.call.guard, &url,
                                         &reason)
               != NGX_OK
            || ngx_http_notify_cidr_check(provider->profile.call.guard.rules,
                                          addr->sockaddr, &reason)
               != NGX_OK)
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "server \"%V\" of upstream \"%V\" cannot be "
                          "called, %s, in %s:%ui", &server->name,
                          &group->name, reason, group->file, group->line);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* the URL with the server in its authority; empty: it has no port */

static ngx_int_t
ngx_http_notify_provider_at(ngx_conf_t *cf,
    const ngx_http_notify_guard_url_t *url,
    const ngx_http_upstream_server_t *server, ngx_addr_t *addr,
    ngx_str_t *text)
{
    u_char     *p, *last;
    in_port_t   port;

    ngx_str_null(text);

    port = ngx_inet_get_port(addr->sockaddr);

    if (port == 0) {
        return NGX_OK;
    }

    p = server->name.data;
    last = p + server->name.len;

    if (p < last && *p == '[') {
        p = ngx_strlchr(p, last, ']');

    } else {
        p = ngx_strlchr(p, last, ':');
    }

    last = (p == NULL) ? last : p + (*p == ']');

    return ngx_http_notify_memory_printf(cf->pool, text, "%s://%*s:%d%s%V",
                                         url->ssl ? "https" : "http",
                                         (size_t) (last - server->name.data),
                                         server->name.data, (int) port,
                                         url->uri.data[0] == '/' ? "" : "/",
                                         &url->uri);
}


static ngx_http_upstream_srv_conf_t *
ngx_http_notify_provider_upstream(ngx_conf_t *cf, const ngx_str_t *name)
{
    ngx_uint_t                       i;
    ngx_http_upstream_srv_conf_t   **upstream;
    ngx_http_upstream_main_conf_t   *umcf;

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);
    upstream = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        /* what proxy_pass names without a block has no servers */

        if ((upstream[i]->flags & NGX_HTTP_UPSTREAM_CREATE)
            && upstream[i]->servers != NULL
            && ngx_http_notify_text_equal_nocase(&upstream[i]->host, name))
        {
            return upstream[i];
        }
    }

    return NULL;
}
