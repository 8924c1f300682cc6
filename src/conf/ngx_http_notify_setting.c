/*
 * The directive `setting` and look-ups in what it declared.  Run while the
 * configuration is read, and by the engine for the subscription of a target.
 * Must not know how values come and where they are kept.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_setting.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SETTING_NAME  64


static ngx_http_notify_args_cmd_t  ngx_http_notify_setting;
static char *ngx_http_notify_setting_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, ngx_str_t *name);


static ngx_http_notify_args_param_t  ngx_http_notify_setting_params[] = {

    ngx_http_notify_args_flag("target", ngx_http_notify_setting_t, target),
    ngx_http_notify_args_flag("secret", ngx_http_notify_setting_t, secret),
    ngx_http_notify_args_flag("optional", ngx_http_notify_setting_t, optional),

    { ngx_string("unit="),
      ngx_http_notify_args_time,
      offsetof(ngx_http_notify_setting_t, unit),
      1, NGX_HTTP_NOTIFY_ARGS_YEAR, NGX_HTTP_NOTIFY_ARGS_TIME, 0 },

    ngx_http_notify_args_end
};


static ngx_command_t  ngx_http_notify_setting_commands[] = {

    { ngx_string("setting"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_1MORE,
      ngx_http_notify_setting,
      ngx_http_notify_block_whole },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_setting_module =
    ngx_http_notify_block_module(ngx_http_notify_setting_commands);


/* members of the resource that are no settings */
static const char  *ngx_http_notify_setting_members[] = {
    "flags", "effective", NULL
};


static char *
ngx_http_notify_setting(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    char                       *rv;
    ngx_str_t                  *args;
    ngx_http_notify_setting_t  *setting, parsed;

    args = cf->args->elts;

    if (ngx_http_notify_setting_name(cf, channel, &args[1]) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (channel->settings
        && channel->settings->nelts == NGX_HTTP_NOTIFY_SETTING_MAX)
    {
        return "is one more than the 32 that a channel may have";
    }

    ngx_memzero(&parsed, sizeof(ngx_http_notify_setting_t));

    parsed.name = args[1];
    parsed.file = cf->conf_file->file.name.data;
    parsed.line = cf->conf_file->line;

    rv = ngx_http_notify_args_parse(cf, 2, ngx_http_notify_setting_params,
                                    &parsed);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (parsed.target && ngx_http_notify_setting_target(channel)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate \"target\" in notify_channel \"%V\"",
                           &channel->name);
        return NGX_CONF_ERROR;
    }

    if (parsed.target && (parsed.unit || parsed.secret)) {
        return "cannot be a \"target\" and have \"unit\" or \"secret\" too";
    }

    setting = ngx_http_notify_memory_push(cf->pool, &channel->settings,
                                          sizeof(ngx_http_notify_setting_t));
    if (setting == NULL) {
        return NGX_CONF_ERROR;
    }

    *setting = parsed;

    return NGX_CONF_OK;
}


/* a "." or a "-" would end the name of the variable $notify_setting_NAME */

static char *
ngx_http_notify_setting_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, ngx_str_t *name)
{
    const char  **member;

    if (!ngx_http_notify_channel_chars(name, NGX_HTTP_NOTIFY_SETTING_NAME,
                                       ""))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid setting name \"%V\", it must be 1 to %d "
                           "characters of [A-Za-z0-9_]",
                           name, NGX_HTTP_NOTIFY_SETTING_NAME);
        return NGX_CONF_ERROR;
    }

    for (member = ngx_http_notify_setting_members; *member; member++) {

        if (ngx_strcasecmp(name->data, (u_char *) *member) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "setting name \"%V\" is reserved", name);
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_notify_setting_find(channel, name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate setting \"%V\" in "
                           "notify_channel \"%V\"", name, &channel->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


const ngx_http_notify_setting_t *
ngx_http_notify_setting_find(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *text)
{
    return channel->settings
           ? ngx_http_notify_text_find_array_nocase(text, channel->settings)
           : NULL;
}


char *
ngx_http_notify_setting_init(ngx_conf_t *cf,
    const ngx_http_notify_channel_t *channel)
{
    ngx_http_notify_profile_t        **profile;
    const ngx_http_notify_setting_t   *target;

    target = ngx_http_notify_setting_target(channel);
    if (target == NULL) {
        return NGX_CONF_OK;
    }

    profile = channel->profiles->elts;

    if (!ngx_http_notify_sign_secret_used(&profile[0]->call.sign)) {
        return NGX_CONF_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "profile \"%V\" cannot \"sign\" the calls of setting "
                  "\"%V\" in notify_channel \"%V\", a target has no secret; "
                  "put a profile without \"sign\" first in %s:%ui",
                  &profile[0]->name, &target->name, &channel->name,
                  target->file, target->line);

    return NGX_CONF_ERROR;
}


const ngx_http_notify_setting_t *
ngx_http_notify_setting_target(const ngx_http_notify_channel_t *channel)
{
    ngx_uint_t                        i;
    const ngx_http_notify_setting_t  *setting;

    if (channel->settings == NULL) {
        return NULL;
    }

    setting = channel->settings->elts;

    for (i = 0; i < channel->settings->nelts; i++) {
        if (setting[i].target) {
            return &setting[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_notify_setting_names(ngx_pool_t *pool,
    const ngx_http_notify_channel_t *channel,
    ngx_http_notify_settings_write_t *write)
{
    ngx_uint_t                  i, n;
    ngx_http_notify_setting_t  *setting;

    ngx_memzero(write, sizeof(ngx_http_notify_settings_write_t));

    if (channel->settings == NULL) {
        return NGX_OK;
    }

    setting = channel->settings->elts;
    n = channel->settings->nelts;

    write->declared = ngx_palloc(pool, 2 * n * sizeof(ngx_str_t));
    if (write->declared == NULL) {
        return NGX_ERROR;
    }

    write->mandatory = write->declared + n;

    for (i = 0; i < n; i++) {
        write->declared[write->ndeclared++] = setting[i].name;

        if (!setting[i].optional) {
            write->mandatory[write->nmandatory++] = setting[i].name;
        }

        if (setting[i].target) {
            write->target = setting[i].name;
        }
    }

    return NGX_OK;
}


void
ngx_http_notify_setting_copy(const ngx_http_notify_channel_t *part,
    ngx_http_notify_settings_copy_t *copy)
{
    copy->from = part->parts[0]->redis;
    copy->from_keys = &part->parts[0]->keys;
    copy->to = part->redis;
    copy->to_keys = &part->keys;
    copy->part = part->part;
    copy->partitions = part->partitions;
}


uint64_t
ngx_http_notify_setting_until(const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_subscription_t *subscription)
{
    int64_t                           n;
    uint64_t                          until;
    ngx_uint_t                        i;
    ngx_http_notify_json_t           *values;
    const ngx_http_notify_setting_t  *setting;

    until = NGX_HTTP_NOTIFY_SETTING_FOREVER;

    if (!subscription->internal || channel->settings == NULL) {
        return until;
    }

    values = ngx_http_notify_json_get(subscription->document, "settings");
    if (values == NULL) {
        return until;
    }

    setting = channel->settings->elts;

    for (i = 0; i < channel->settings->nelts; i++) {

        /* the name ends with a NUL, as every argument of a directive */

        if (setting[i].unit == 0
            || ngx_http_notify_json_integer(
                   ngx_http_notify_json_get(values,
                                            (char *) setting[i].name.data),
                   &n)
               != NGX_OK
            || n < 0
            || (uint64_t) n
               > NGX_HTTP_NOTIFY_SETTING_TIME_MAX / setting[i].unit)
        {
            continue;
        }

        until = ngx_min(until, (uint64_t) n * setting[i].unit);
    }

    return until;
}
