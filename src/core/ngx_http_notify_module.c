/*
 * The module: its directives at the http level, and what is checked when
 * http {} has been read.  Must not know endpoints.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_channel_names.h"
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_module.h"
#include "ngx_http_notify_provider_block.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_setting.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_unchanged.h"
#include "ngx_http_notify_version.h"
#include "ngx_http_notify_worker.h"


#define NGX_HTTP_NOTIFY_MODULE_NAME_MAX   64    /* of a channel, a profile */
#define NGX_HTTP_NOTIFY_MODULE_NONCE      8     /* bytes, before hex */
#define NGX_HTTP_NOTIFY_MODULE_ZONE       (2 * 1024 * 1024)
#define NGX_HTTP_NOTIFY_MODULE_ZONE_MIN   8     /* pages */


typedef struct {
    ngx_str_t                    name;
    ngx_http_notify_channel_t  **channel;
    u_char                      *file;
    ngx_uint_t                   line;
} ngx_http_notify_module_ref_t;


static void *ngx_http_notify_module_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_notify_module_init_main_conf(ngx_conf_t *cf,
    void *conf);
static char *ngx_http_notify_module_init_channels(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf);
static char *ngx_http_notify_module_init_parts(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf);
static void ngx_http_notify_module_check_resolver(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf);
static char *ngx_http_notify_module_init_nonce(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf);
static ngx_http_notify_args_cmd_t  ngx_http_notify_module_set_redis;
static ngx_http_notify_args_cmd_t  ngx_http_notify_module_set_zone;
static ngx_http_notify_args_cmd_t  ngx_http_notify_module_set_profile;
static ngx_http_notify_args_cmd_t  ngx_http_notify_module_set_provider;
static ngx_http_notify_args_cmd_t  ngx_http_notify_module_set_channel;
static char *ngx_http_notify_module_check_name(ngx_conf_t *cf,
    const ngx_str_t *name);
static ngx_http_notify_profile_t *ngx_http_notify_module_add_profile(
    ngx_conf_t *cf, ngx_http_notify_main_conf_t *mcf, const ngx_str_t *name);
static char *ngx_http_notify_module_read_profile(ngx_conf_t *cf,
    ngx_http_notify_profile_t *profile, ngx_uint_t block);
static ngx_http_notify_channel_t *ngx_http_notify_module_find_channel(
    ngx_http_notify_main_conf_t *mcf, const ngx_str_t *name);

static ngx_int_t ngx_http_notify_module_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_notify_module_init_process(ngx_cycle_t *cycle);
static void ngx_http_notify_module_exit_process(ngx_cycle_t *cycle);


static ngx_str_t  ngx_http_notify_module_standard = ngx_string("standard");


static ngx_command_t  ngx_http_notify_module_commands[] = {

    { ngx_string("notify_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_notify_module_set_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_notify_main_conf_t, redis),
      NULL },

    { ngx_string("notify_secret_key"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_notify_seal_conf_set,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_notify_main_conf_t, seal),
      NULL },

    { ngx_string("notify_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_module_set_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_notify_main_conf_t, zone_size),
      NULL },

    { ngx_string("notify_profile"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_notify_module_set_profile,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("notify_provider"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_notify_module_set_provider,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("notify_channel"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_notify_module_set_channel,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_notify_module_ctx = {
    NULL,                                   /* preconfiguration */
    NULL,                                   /* postconfiguration */

    ngx_http_notify_module_create_main_conf,
    ngx_http_notify_module_init_main_conf,

    NULL,                                   /* create server configuration */
    NULL,                                   /* merge server configuration */

    NULL,                                   /* create location configuration */
    NULL                                    /* merge location configuration */
};


ngx_module_t  ngx_http_notify_module = {
    NGX_MODULE_V1,
    &ngx_http_notify_module_ctx,            /* module context */
    ngx_http_notify_module_commands,        /* module directives */
    NGX_HTTP_MODULE,                        /* module type */
    NULL,                                   /* init master */
    ngx_http_notify_module_init_module,     /* init module */
    ngx_http_notify_module_init_process,    /* init process */
    NULL,                                   /* init thread */
    NULL,                                   /* exit thread */
    ngx_http_notify_module_exit_process,    /* exit process */
    NULL,                                   /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_notify_module_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_notify_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    mcf->zone_size = NGX_CONF_UNSET_SIZE;

    mcf->profiles = ngx_array_create(cf->pool, 4,
                                     sizeof(ngx_http_notify_profile_t *));
    mcf->channels = ngx_array_create(cf->pool, 4,
                                     sizeof(ngx_http_notify_channel_t *));
    mcf->parts = ngx_array_create(cf->pool, 4,
                                  sizeof(ngx_http_notify_channel_t *));
    mcf->references = ngx_array_create(cf->pool, 8,
                                       sizeof(ngx_http_notify_module_ref_t));

    if (mcf->profiles == NULL
        || mcf->channels == NULL
        || mcf->parts == NULL
        || mcf->references == NULL)
    {
        return NULL;
    }

    return mcf;
}


/* http {} has been read as a whole, servers and locations are not merged yet */
static char *
ngx_http_notify_module_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_notify_main_conf_t *mcf = conf;

    ngx_http_notify_profile_t  *profile;

    mcf->resolved = 1;

    if (!mcf->used) {
        return NGX_CONF_OK;
    }

    ngx_conf_init_size_value(mcf->zone_size, NGX_HTTP_NOTIFY_MODULE_ZONE);

    if (ngx_http_notify_redis_conf_init(cf, &mcf->redis) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_profile_find(mcf->profiles,
                                     &ngx_http_notify_module_standard)
        == NULL)
    {
        profile = ngx_http_notify_module_add_profile(cf, mcf,
                                             &ngx_http_notify_module_standard);

        if (profile == NULL
            || ngx_http_notify_module_read_profile(cf, profile, 0)
               != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_notify_module_init_channels(cf, mcf) != NGX_CONF_OK
        || ngx_http_notify_provider_block_init(cf, mcf) != NGX_CONF_OK
        || ngx_http_notify_channel_names(cf, mcf->channels, mcf->profiles,
                                         mcf->providers)
           != NGX_CONF_OK
        || ngx_http_notify_module_init_parts(cf, mcf) != NGX_CONF_OK
        || ngx_http_notify_module_init_nonce(cf, mcf) != NGX_CONF_OK
        || ngx_http_notify_script_init(cf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_http_notify_module_check_resolver(cf, mcf);

    mcf->zone = ngx_http_notify_metrics_zone(cf, mcf->zone_size,
                                             &ngx_http_notify_module);
    if (mcf->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_module_init_channels(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf)
{
    ngx_uint_t                      i;
    ngx_http_notify_channel_t     **channel;
    ngx_http_notify_module_ref_t   *ref;

    channel = mcf->channels->elts;

    for (i = 0; i < mcf->channels->nelts; i++) {

        if (ngx_http_notify_channel_init(cf, channel[i], mcf->profiles)
            != NGX_CONF_OK
            || ngx_http_notify_setting_init(cf, channel[i]) != NGX_CONF_OK
            || ngx_http_notify_unchanged_init(cf, channel[i]) != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    ref = mcf->references->elts;

    for (i = 0; i < mcf->references->nelts; i++) {

        *ref[i].channel = ngx_http_notify_module_find_channel(mcf,
                                                              &ref[i].name);

        if (*ref[i].channel == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "unknown notify_channel \"%V\" in %s:%ui",
                          &ref[i].name, ref[i].file, ref[i].line);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* last: each partition has a copy of its channel */
static char *
ngx_http_notify_module_init_parts(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf)
{
    ngx_uint_t                   i;
    ngx_http_notify_channel_t  **channel;

    channel = mcf->channels->elts;

    for (i = 0; i < mcf->channels->nelts; i++) {
        if (ngx_http_notify_channel_split(cf, channel[i], &mcf->redis.prefix,
                                          mcf->parts)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* calls have no server of their own: the resolver is that of http {} */
static void
ngx_http_notify_module_check_resolver(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* by now http {} has one without servers, where none was configured */

    if (mcf->subscribable == NULL
        || (clcf->resolver && clcf->resolver->connections.nelts))
    {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "no \"resolver\" in http {}: subscribers can be called by "
                  "address only, not by name, in %s:%ui",
                  mcf->subscribable, mcf->subscribable_line);
}


static char *
ngx_http_notify_module_init_nonce(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf)
{
    u_char  bytes[NGX_HTTP_NOTIFY_MODULE_NONCE];

    if (ngx_http_notify_crypto_random(bytes, sizeof(bytes)) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "notify module: no random bytes");
        return NGX_CONF_ERROR;
    }

    mcf->nonce.len = 2 * sizeof(bytes);
    mcf->nonce.data = ngx_pnalloc(cf->pool, mcf->nonce.len);
    if (mcf->nonce.data == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_hex_dump(mcf->nonce.data, bytes, sizeof(bytes));

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_module_set_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_main_conf_t *mcf = conf;

    mcf->used = 1;

    return ngx_http_notify_redis_conf_set(cf, cmd, conf);
}


static char *
ngx_http_notify_module_set_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_main_conf_t *mcf = conf;

    char       *rv;
    ngx_str_t  *value;

    mcf->used = 1;

    rv = ngx_conf_set_size_slot(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (mcf->zone_size < NGX_HTTP_NOTIFY_MODULE_ZONE_MIN * ngx_pagesize) {
        value = cf->args->elts;

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone size \"%V\" is too small, it must be "
                           "at least %uz", &value[1],
                           (size_t) NGX_HTTP_NOTIFY_MODULE_ZONE_MIN
                           * ngx_pagesize);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_module_set_profile(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_main_conf_t *mcf = conf;

    ngx_str_t                  *value;
    ngx_http_notify_profile_t  *profile;

    value = cf->args->elts;

    mcf->used = 1;

    if (ngx_http_notify_module_check_name(cf, &value[1]) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    profile = ngx_http_notify_profile_find(mcf->profiles, &value[1]);

    if (profile) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate notify_profile \"%V\", first in %s:%ui",
                           &value[1], profile->file, profile->line);
        return NGX_CONF_ERROR;
    }

    profile = ngx_http_notify_module_add_profile(cf, mcf, &value[1]);
    if (profile == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_module_read_profile(cf, profile, 1);
}


static char *
ngx_http_notify_module_set_provider(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_main_conf_t *mcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    mcf->used = 1;

    if (ngx_http_notify_module_check_name(cf, &value[1]) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_provider_block(cf, mcf, &value[1]);
}


static char *
ngx_http_notify_module_set_channel(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_main_conf_t *mcf = conf;

    ngx_str_t                  *value;
    ngx_http_notify_channel_t  *channel, **entry;

    value = cf->args->elts;

    mcf->used = 1;

    if (ngx_http_notify_module_check_name(cf, &value[1]) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    channel = ngx_http_notify_module_find_channel(mcf, &value[1]);

    if (channel) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate notify_channel \"%V\", first in %s:%ui",
                           &value[1], channel->file, channel->line);
        return NGX_CONF_ERROR;
    }

    if (mcf->channels->nelts == NGX_HTTP_NOTIFY_METRICS_CHANNELS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d channels",
                           NGX_HTTP_NOTIFY_METRICS_CHANNELS);
        return NGX_CONF_ERROR;
    }

    channel = ngx_http_notify_channel_create(cf, &value[1]);
    if (channel == NULL) {
        return NGX_CONF_ERROR;
    }

    channel->file = cf->conf_file->file.name.data;
    channel->line = cf->conf_file->line;

    entry = ngx_array_push(mcf->channels);
    if (entry == NULL) {
        return NGX_CONF_ERROR;
    }

    *entry = channel;

    return ngx_http_notify_block_parse(cf, NGX_HTTP_NOTIFY_CHANNEL_CONF,
                                       channel);
}


/* names go into Redis keys and URLs */
static char *
ngx_http_notify_module_check_name(ngx_conf_t *cf, const ngx_str_t *name)
{
    if (ngx_http_notify_channel_chars(name, NGX_HTTP_NOTIFY_MODULE_NAME_MAX,
                                      "-"))
    {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid name \"%V\", it must be 1 to %d characters "
                       "of [A-Za-z0-9_-]",
                       name, NGX_HTTP_NOTIFY_MODULE_NAME_MAX);

    return NGX_CONF_ERROR;
}


static ngx_http_notify_profile_t *
ngx_http_notify_module_add_profile(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf, const ngx_str_t *name)
{
    ngx_http_notify_profile_t  *profile, **entry;

    profile = ngx_http_notify_profile_create(cf, name);
    if (profile == NULL) {
        return NULL;
    }

    profile->file = cf->conf_file->file.name.data;
    profile->line = cf->conf_file->line;

    entry = ngx_array_push(mcf->profiles);
    if (entry == NULL) {
        return NULL;
    }

    *entry = profile;

    return profile;
}


/* block: there is one to read, else the profile is the built-in one */
static char *
ngx_http_notify_module_read_profile(ngx_conf_t *cf,
    ngx_http_notify_profile_t *profile, ngx_uint_t block)
{
    char        *rv;
    ngx_uint_t   line;

    if (block
        && ngx_http_notify_block_parse(cf, NGX_HTTP_NOTIFY_PROFILE_CONF,
                                       profile)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    /* `sign standard` is on in "standard"; a block may say so again */

    if (ngx_http_notify_text_equal(&profile->name,
                                   &ngx_http_notify_module_standard)
        && ngx_http_notify_sign_conf_standard(cf, &profile->call.sign)
           == NGX_CONF_ERROR)
    {
        return NGX_CONF_ERROR;
    }

    /* what is wrong with the whole is said of the line where it begins */

    line = cf->conf_file->line;
    cf->conf_file->line = profile->line;

    rv = ngx_http_notify_profile_init(cf, profile);

    if (rv != NGX_CONF_OK && rv != NGX_CONF_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "notify_profile \"%V\" %s",
                           &profile->name, rv);
        rv = NGX_CONF_ERROR;
    }

    cf->conf_file->line = line;

    return rv;
}


static ngx_http_notify_channel_t *
ngx_http_notify_module_find_channel(ngx_http_notify_main_conf_t *mcf,
    const ngx_str_t *name)
{
    ngx_uint_t                   i;
    ngx_http_notify_channel_t  **channel;

    channel = mcf->channels->elts;

    for (i = 0; i < mcf->channels->nelts; i++) {

        if (ngx_http_notify_text_equal(&channel[i]->name, name)) {
            return channel[i];
        }
    }

    return NULL;
}


char *
ngx_http_notify_module_channel(ngx_conf_t *cf, const ngx_str_t *name,
    ngx_http_notify_channel_t **channel)
{
    ngx_http_notify_main_conf_t   *mcf;
    ngx_http_notify_module_ref_t  *ref;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_notify_module);

    *channel = ngx_http_notify_module_find_channel(mcf, name);

    if (*channel) {
        return NGX_CONF_OK;
    }

    if (mcf->resolved) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown notify_channel \"%V\"", name);
        return NGX_CONF_ERROR;
    }

    mcf->used = 1;

    ref = ngx_array_push(mcf->references);
    if (ref == NULL) {
        return NGX_CONF_ERROR;
    }

    ref->name = *name;
    ref->channel = channel;
    ref->file = cf->conf_file->file.name.data;
    ref->line = cf->conf_file->line;

    return NGX_CONF_OK;
}


/* once: a reload keeps the object that was loaded at the start */
static ngx_int_t
ngx_http_notify_module_init_module(ngx_cycle_t *cycle)
{
    ngx_http_notify_main_conf_t  *mcf;

    static ngx_uint_t  said;

    if (said || ngx_test_config) {
        return NGX_OK;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_notify_module);

    if (mcf && mcf->used) {
        said = 1;
        ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                      "notify module: version " NGX_HTTP_NOTIFY_VERSION);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_module_init_process(ngx_cycle_t *cycle)
{
    return ngx_http_notify_worker_init(cycle,
                    ngx_http_cycle_get_module_main_conf(cycle,
                                                      ngx_http_notify_module));
}


static void
ngx_http_notify_module_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_notify_worker_exit(cycle,
                    ngx_http_cycle_get_module_main_conf(cycle,
                                                      ngx_http_notify_module));
}
