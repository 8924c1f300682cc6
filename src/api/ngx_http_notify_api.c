/*
 * notify_api: the directive, and the way from a URI to a resource.  Knows no
 * resource's members.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_api_confirm.h"
#include "ngx_http_notify_api_cursor.h"
#include "ngx_http_notify_http_module.h"
#include "ngx_http_notify_serve.h"
#include "ngx_http_notify_stream.h"
#include "ngx_http_notify_log_listener.h"
#include "ngx_http_notify_text.h"


static ngx_int_t ngx_http_notify_api_handler(ngx_http_request_t *r);
static ngx_http_notify_api_resource_t *ngx_http_notify_api_route(
    ngx_http_notify_api_loc_conf_t *alcf, ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_split(ngx_http_notify_api_t *api,
    u_char *p, u_char *last);
static void *ngx_http_notify_api_create_srv_conf(ngx_conf_t *cf);
static void *ngx_http_notify_api_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_notify_api_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_notify_api_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_api_args(ngx_conf_t *cf,
    ngx_http_notify_api_mount_t *mount);
static char *ngx_http_notify_api_unknown(ngx_conf_t *cf,
    const ngx_http_notify_api_mount_t *mount, const ngx_str_t *name);
static char *ngx_http_notify_api_security(ngx_conf_t *cf,
    ngx_http_notify_api_mount_t *mount, const ngx_str_t *arg);
static char *ngx_http_notify_api_role_arg(ngx_conf_t *cf,
    ngx_http_notify_api_mount_t *mount, const ngx_str_t *arg);
static ngx_int_t ngx_http_notify_api_init_process(ngx_cycle_t *cycle);
static void ngx_http_notify_api_exit_process(ngx_cycle_t *cycle);


static ngx_http_notify_api_resource_t  *ngx_http_notify_api_resources[] = {
    &ngx_http_notify_api_subscriptions,
    &ngx_http_notify_api_events,
    &ngx_http_notify_api_deltas,
    &ngx_http_notify_api_deliveries,
    &ngx_http_notify_api_settings,
    &ngx_http_notify_api_sessions,
    &ngx_http_notify_api_sync,
    &ngx_http_notify_api_filter,
    &ngx_http_notify_api_redeliver,
    &ngx_http_notify_api_redeliveries,
    &ngx_http_notify_api_samples,
    &ngx_http_notify_api_event_types,
    &ngx_http_notify_api_health,
    &ngx_http_notify_api_stats,
    &ngx_http_notify_api_jwks,
    &ngx_http_notify_api_vapid,
    &ngx_http_notify_api_openapi,
    NULL
};


static ngx_command_t  ngx_http_notify_api_commands[] = {

    { ngx_string("notify_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1234,
      ngx_http_notify_api_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_notify_api_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_notify_api_large_init,        /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_http_notify_api_create_srv_conf,   /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_notify_api_create_loc_conf,   /* create location configuration */
    ngx_http_notify_api_merge_loc_conf     /* merge location configuration */
};


ngx_module_t  ngx_http_notify_api_module =
    ngx_http_notify_http_module_process(&ngx_http_notify_api_module_ctx,
                                        ngx_http_notify_api_commands,
                                        ngx_http_notify_api_init_process,
                                        ngx_http_notify_api_exit_process);


/*
 * Every path from here ends in one answer, whose end gives back the reference
 * that is taken here (or by the reading of the body).
 */

static ngx_int_t
ngx_http_notify_api_handler(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    ngx_http_notify_api_t           *api;
    ngx_http_notify_api_resource_t  *resource;
    ngx_http_notify_api_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_api_module);

    api = ngx_http_notify_api_create(r);
    if (api == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    resource = ngx_http_notify_api_route(alcf, api);

    if (api->method & ngx_http_notify_api_allowed(api, resource)
        & (NGX_HTTP_POST|NGX_HTTP_PUT|NGX_HTTP_PATCH))
    {
        api->data = resource;

        rc = ngx_http_read_client_request_body(r,
                                            ngx_http_notify_api_body_handler);

        if (rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
            return ngx_http_notify_api_large(api);
        }

        return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    r->main->count++;

    if (ngx_http_notify_api_admit(api, resource) == NGX_OK) {
        resource->handler(api);
    }

    return NGX_DONE;
}


/* the resource and the path behind it; NULL: none is there */

static ngx_http_notify_api_resource_t *
ngx_http_notify_api_route(ngx_http_notify_api_loc_conf_t *alcf,
    ngx_http_notify_api_t *api)
{
    u_char                          *p, *last;
    ngx_str_t                        name;
    ngx_http_request_t              *r;
    ngx_http_notify_api_resource_t  *resource;

    r = api->request;

    if (r->uri.len < alcf->mount->prefix.len
        || ngx_filename_cmp(r->uri.data, alcf->mount->prefix.data,
                            alcf->mount->prefix.len)
           != 0)
    {
        return NULL;
    }

    p = r->uri.data + alcf->mount->prefix.len;
    last = r->uri.data + r->uri.len;

    if (p < last && p > r->uri.data && p[-1] != '/' && *p != '/') {
        return NULL;
    }

    resource = alcf->mount->resource;

    if (resource == NULL) {

        if (p < last && *p == '/') {
            p++;
        }

        name.data = p;

        while (p < last && *p != '/') {
            p++;
        }

        name.len = p - name.data;

        resource = ngx_http_notify_api_resource(alcf->mount->resources, &name);

        /* samples are nobody's business where they are not asked for */

        if (resource == NULL || resource == &ngx_http_notify_api_samples) {
            return NULL;
        }
    }

    api->base.data = r->uri.data;
    api->base.len = p - r->uri.data;

    if (api->base.len && p[-1] == '/') {
        api->base.len--;
    }

    return ngx_http_notify_api_split(api, p, last) == NGX_OK ? resource : NULL;
}


static ngx_int_t
ngx_http_notify_api_split(ngx_http_notify_api_t *api, u_char *p, u_char *last)
{
    ngx_str_t  *segment;

    if (p < last && *p == '/') {
        p++;
    }

    while (p < last) {

        if (api->nsegments == NGX_HTTP_NOTIFY_API_SEGMENTS) {
            return NGX_DECLINED;
        }

        segment = &api->segments[api->nsegments];
        segment->data = p;

        while (p < last && *p != '/') {
            p++;
        }

        segment->len = p - segment->data;

        /* segments go into keys of Redis and into answers */

        if (segment->len == 0
            || segment->len > 512
            || !ngx_http_notify_text_utf8(segment)
            || ngx_strlchr(segment->data, p, '\0') != NULL)
        {
            return NGX_DECLINED;
        }

        api->nsegments++;
        p++;
    }

    return NGX_OK;
}


static void *
ngx_http_notify_api_create_srv_conf(ngx_conf_t *cf)
{
    ngx_http_notify_api_srv_conf_t  *ascf;

    ascf = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_api_srv_conf_t));

    if (ascf == NULL
        || ngx_array_init(&ascf->mounts, cf->pool, 4,
                          sizeof(ngx_http_notify_api_mount_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return ascf;
}


static void *
ngx_http_notify_api_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_api_loc_conf_t));
}


static char *
ngx_http_notify_api_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_notify_api_loc_conf_t *prev = parent;
    ngx_http_notify_api_loc_conf_t *alcf = child;

    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* limit_except and `if` are the location still */

    if (clcf->noname && alcf->mount == NULL && prev->mount
        && (clcf->handler == NULL
            || clcf->handler == ngx_http_notify_api_handler))
    {
        *alcf = *prev;

        if (clcf->lmt_excpt) {
            clcf->handler = ngx_http_notify_api_handler;
        }
    }

    if (alcf->mount
        && ngx_http_notify_api_large_conf(cf, alcf->mount) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_api_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_api_loc_conf_t *alcf = conf;

    char                             *rv;
    ngx_str_t                        *value;
    ngx_http_core_loc_conf_t         *clcf;
    ngx_http_notify_main_conf_t      *mcf;
    ngx_http_notify_api_mount_t      *mount, **slot;
    ngx_http_notify_api_srv_conf_t   *ascf;

    static ngx_str_t  request_id = ngx_string("request_id");

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->named || clcf->noname
#if (NGX_PCRE)
        || clcf->regex
#endif
       )
    {
        return "cannot be used in a regex or named location";
    }

    rv = ngx_http_notify_serve(cf, ngx_http_notify_api_handler);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    mount = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_api_mount_t));
    if (mount == NULL) {
        return NGX_CONF_ERROR;
    }

    mount->resources = ngx_http_notify_api_resources;

    rv = ngx_http_notify_api_args(cf, mount);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    value = cf->args->elts;

    alcf->mount = mount;
    mount->prefix = clcf->name;
    mount->loc_conf = clcf->loc_conf;

    alcf->request_id = ngx_http_get_variable_index(cf, &request_id);
    if (alcf->request_id == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_notify_module);

    if (mcf->subscribable == NULL
        && (mount->resource == NULL
            || mount->resource == &ngx_http_notify_api_subscriptions
            || mount->resource == &ngx_http_notify_api_settings))
    {
        mcf->subscribable = cf->conf_file->file.name.data;
        mcf->subscribable_line = cf->conf_file->line;
    }

    ascf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_notify_api_module);

    slot = ngx_array_push(&ascf->mounts);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = mount;

    return ngx_http_notify_module_channel(cf, &value[1], &mount->channel);
}


/* what comes after the channel */

static char *
ngx_http_notify_api_args(ngx_conf_t *cf, ngx_http_notify_api_mount_t *mount)
{
    char        *rv;
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "security=", 9) == 0
            || ngx_strncmp(value[i].data, "role=", 5) == 0)
        {
            rv = (value[i].data[0] == 's')
                 ? ngx_http_notify_api_security(cf, mount, &value[i])
                 : ngx_http_notify_api_role_arg(cf, mount, &value[i]);

            if (rv != NGX_CONF_OK) {
                return rv;
            }

            continue;
        }

        if (i > 2) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        mount->resource = ngx_http_notify_api_resource(mount->resources,
                                                       &value[i]);

        if (mount->resource == NULL) {
            return ngx_http_notify_api_unknown(cf, mount, &value[i]);
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_api_unknown(ngx_conf_t *cf,
    const ngx_http_notify_api_mount_t *mount, const ngx_str_t *name)
{
    u_char      *p;
    ngx_uint_t   i;
    u_char       buf[512];

    p = buf;

    for (i = 0; mount->resources[i]; i++) {
        p = ngx_slprintf(p, buf + sizeof(buf), "%s%V", i ? ", " : "",
                         &mount->resources[i]->name);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown resource \"%V\" in \"notify_api\", it must "
                       "be one of %*s", name, (size_t) (p - buf), buf);

    return NGX_CONF_ERROR;
}


/* security=none|basic|bearer: what openapi.json says, nothing else */

static char *
ngx_http_notify_api_security(ngx_conf_t *cf,
    ngx_http_notify_api_mount_t *mount, const ngx_str_t *arg)
{
    if (mount->security) {
        return "has more than one \"security\"";
    }

    if (ngx_strcmp(arg->data, "security=basic") == 0) {
        mount->security = "basic";
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(arg->data, "security=bearer") == 0) {
        mount->security = "bearer";
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(arg->data, "security=none") == 0) {
        mount->security = "";
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid \"%V\", it must be \"security=none\", "
                       "\"security=basic\" or \"security=bearer\"", arg);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_notify_api_role_arg(ngx_conf_t *cf,
    ngx_http_notify_api_mount_t *mount, const ngx_str_t *arg)
{
    if (mount->role) {
        return "has more than one \"role\"";
    }

    mount->role = 1;

    if (ngx_strcmp(arg->data, "role=partner") == 0) {
        mount->partner = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(arg->data, "role=operator") == 0) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid \"%V\", it must be \"role=operator\" or "
                       "\"role=partner\"", arg);

    return NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_notify_api_init_process(ngx_cycle_t *cycle)
{
    ngx_http_notify_api_suspended_init();

    return ngx_http_notify_api_confirm_again_init(cycle);
}


static void
ngx_http_notify_api_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_notify_api_confirm_again_exit();
    ngx_http_notify_stream_exit();
    ngx_http_notify_log_listener_exit();
    ngx_http_notify_api_cursor_exit();
    ngx_http_notify_api_suspended_exit();
}
