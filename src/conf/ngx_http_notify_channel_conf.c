/*
 * The directives of notify_channel.  Run while the configuration is read, fill
 * the structure that is read-only from then on.  Must not know who asks.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_channel_schema.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_CHANNEL_CONF_ATTRIBUTE      64    /* of its name */
#define NGX_HTTP_NOTIFY_CHANNEL_CONF_ERROR          128   /* of its code */
#define NGX_HTTP_NOTIFY_CHANNEL_CONF_SUBSCRIPTIONS  1000000
#define NGX_HTTP_NOTIFY_CHANNEL_CONF_SIZE_MIN       1024
#define NGX_HTTP_NOTIFY_CHANNEL_CONF_SIZE_MAX       (16 * 1024 * 1024)
#define NGX_HTTP_NOTIFY_CHANNEL_CONF_HOPS           5
#define NGX_HTTP_NOTIFY_CHANNEL_CONF_RETENTION                                \
    ((int64_t) 3650 * 86400 * 1000)


static char *ngx_http_notify_channel_conf_event(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_channel_conf_event_param(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel,
    ngx_http_notify_channel_event_t *event, ngx_str_t *arg);
static char *ngx_http_notify_channel_conf_event_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, ngx_str_t *name, const char *more);
static char *ngx_http_notify_channel_conf_error(ngx_conf_t *cf,
    ngx_str_t *error, const ngx_str_t *arg);
static char *ngx_http_notify_channel_conf_attribute(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_channel_conf_attribute_param(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel,
    ngx_http_notify_channel_attribute_t *attribute, ngx_str_t *arg);
static char *ngx_http_notify_channel_conf_attribute_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, ngx_str_t *name);
static char *ngx_http_notify_channel_conf_pattern(ngx_conf_t *cf,
    ngx_http_notify_channel_attribute_t *attribute, ngx_str_t *pattern);
static char *ngx_http_notify_channel_conf_alias(ngx_conf_t *cf,
    ngx_array_t **aliases, const ngx_str_t *alias);
static char *ngx_http_notify_channel_conf_profile(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_channel_conf_retention(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_channel_conf_max_size(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_channel_conf_subscriptions(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_channel_conf_subscription_size(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_channel_conf_hops(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);


ngx_command_t  ngx_http_notify_channel_commands[] = {

    { ngx_string("event"),
      NGX_CONF_1MORE,
      ngx_http_notify_channel_conf_event,
      0,
      0,
      NULL },

    { ngx_string("attribute"),
      NGX_CONF_1MORE,
      ngx_http_notify_channel_conf_attribute,
      0,
      0,
      NULL },

    { ngx_string("profile"),
      NGX_CONF_1MORE,
      ngx_http_notify_channel_conf_profile,
      0,
      0,
      NULL },

    { ngx_string("retention"),
      NGX_CONF_TAKE1,
      ngx_http_notify_channel_conf_retention,
      0,
      0,
      NULL },

    { ngx_string("max_size"),
      NGX_CONF_TAKE1,
      ngx_http_notify_channel_conf_max_size,
      0,
      0,
      NULL },

    { ngx_string("subscriptions_max"),
      NGX_CONF_TAKE1,
      ngx_http_notify_channel_conf_subscriptions,
      0,
      0,
      NULL },

    { ngx_string("subscription_size"),
      NGX_CONF_TAKE1,
      ngx_http_notify_channel_conf_subscription_size,
      0,
      0,
      NULL },

    { ngx_string("hops"),
      NGX_CONF_TAKE1,
      ngx_http_notify_channel_conf_hops,
      0,
      0,
      NULL },

      ngx_null_command
};


/*
 * Members of events and subscriptions, and arguments of queries: an attribute
 * of such a name, in any case, could not be told from them.
 */
static const char  *ngx_http_notify_channel_conf_members[] = {
    "id", "uid", "eventType", "objectType", "action", "entityType",
    "entityTypeID", "entity_type_id", "entityID", "entity_id", "data",
    "sessionId", "session_id", "customerId", "customer_id", "conversationId",
    "conversation_id", "time", "tenant", "url", "callbackUrl", "event",
    "events", "mode", "apiKey", "secret", "name", "profile", "headers",
    "filter", "rate", "inFlight", "enabled", "metadata", "status", "reason",
    "createdAt", "updatedAt", "cursor", "since", "until", "limit", "missed",
    "wait", "consumer", "subscription", "hops", "attempt", "payload", "on",
    "if", "commit", "on_error", "timeout", "refused", "presence", "grace",
    "ttl", "provider", NULL
};


/*
 * event NAME [sync] [iframe] [own] [entity] [error=CODE] [alias=NAME]...
 *       [schema=FILE] [off]
 */
static char *
ngx_http_notify_channel_conf_event(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    char                             *rv;
    ngx_str_t                        *args;
    ngx_uint_t                        i;
    ngx_http_notify_channel_event_t  *event;

    if (channel->events == NULL) {
        channel->events = ngx_array_create(cf->pool, 8,
                                      sizeof(ngx_http_notify_channel_event_t));
        if (channel->events == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    args = cf->args->elts;

    if (ngx_http_notify_channel_conf_event_name(cf, channel, &args[1], ".-")
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    event = ngx_array_push(channel->events);
    if (event == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(event, sizeof(ngx_http_notify_channel_event_t));

    event->name = args[1];

    for (i = 2; i < cf->args->nelts; i++) {

        rv = ngx_http_notify_channel_conf_event_param(cf, channel, event,
                                                      &args[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (event->error.len && !event->entity) {
        return "has \"error\" without \"entity\"";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_channel_conf_event_param(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel,
    ngx_http_notify_channel_event_t *event, ngx_str_t *arg)
{
    ngx_str_t  alias;

    if (!event->sync && ngx_strcmp(arg->data, "sync") == 0) {
        event->sync = 1;
        return NGX_CONF_OK;
    }

    if (!event->iframe && ngx_strcmp(arg->data, "iframe") == 0) {
        event->iframe = 1;
        return NGX_CONF_OK;
    }

    if (!event->own && ngx_strcmp(arg->data, "own") == 0) {
        event->own = 1;
        return NGX_CONF_OK;
    }

    if (!event->entity && ngx_strcmp(arg->data, "entity") == 0) {
        event->entity = 1;
        return NGX_CONF_OK;
    }

    if (!event->off && ngx_strcmp(arg->data, "off") == 0) {
        event->off = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(arg->data, "error=", 6) == 0) {
        return ngx_http_notify_channel_conf_error(cf, &event->error, arg);
    }

    if (ngx_strncmp(arg->data, "alias=", 6) == 0) {
        alias.data = arg->data + 6;
        alias.len = arg->len - 6;

        /* a partner's own name for the event may have spaces and a "+" */

        if (ngx_http_notify_channel_conf_event_name(cf, channel, &alias,
                                                    ".- +")
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        return ngx_http_notify_channel_conf_alias(cf, &event->aliases, &alias);
    }

    if (ngx_strncmp(arg->data, "schema=", 7) == 0) {
        alias.data = arg->data + 7;
        alias.len = arg->len - 7;

        return ngx_http_notify_channel_schema(cf, event, &alias);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" in \"%V\"", arg,
                       (ngx_str_t *) cf->args->elts);

    return NGX_CONF_ERROR;
}


/* of an event or an alias that is being declared */
static char *
ngx_http_notify_channel_conf_event_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, ngx_str_t *name, const char *more)
{
    if (!ngx_http_notify_channel_chars(name, NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX,
                                       more))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid event name \"%V\", it must be 1 to %d "
                           "characters of [A-Za-z0-9_%s]",
                           name, NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX, more);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_channel_reserved(name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "event name \"%V\" begins with the reserved "
                           "\"notify.\"", name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_channel_declared(channel, name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate event \"%V\" in notify_channel \"%V\"",
                           name, &channel->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* CODE of error=CODE */
static char *
ngx_http_notify_channel_conf_error(ngx_conf_t *cf, ngx_str_t *error,
    const ngx_str_t *arg)
{
    ngx_str_t  code;

    code.data = arg->data + 6;
    code.len = arg->len - 6;

    if (!ngx_http_notify_channel_chars(&code,
                                       NGX_HTTP_NOTIFY_CHANNEL_CONF_ERROR,
                                       ".-"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid error code \"%V\", it must be 1 to %d "
                           "characters of [A-Za-z0-9_.-]",
                           &code, NGX_HTTP_NOTIFY_CHANNEL_CONF_ERROR);
        return NGX_CONF_ERROR;
    }

    *error = code;

    return NGX_CONF_OK;
}


/* attribute NAME [required] [error=CODE] [pattern=REGEX] [alias=NAME]... */
static char *
ngx_http_notify_channel_conf_attribute(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    char                                 *rv;
    ngx_str_t                            *args;
    ngx_uint_t                            i;
    ngx_http_notify_channel_attribute_t  *attribute;

    if (channel->attributes == NULL) {
        channel->attributes = ngx_array_create(cf->pool, 4,
                                  sizeof(ngx_http_notify_channel_attribute_t));
        if (channel->attributes == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    args = cf->args->elts;

    if (ngx_http_notify_channel_conf_attribute_name(cf, channel, &args[1])
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    attribute = ngx_array_push(channel->attributes);
    if (attribute == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(attribute, sizeof(ngx_http_notify_channel_attribute_t));

    attribute->name = args[1];

    for (i = 2; i < cf->args->nelts; i++) {

        rv = ngx_http_notify_channel_conf_attribute_param(cf, channel,
                                                          attribute, &args[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (attribute->error.len && !attribute->required) {
        return "has \"error\" without \"required\"";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_channel_conf_attribute_param(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel,
    ngx_http_notify_channel_attribute_t *attribute, ngx_str_t *arg)
{
    ngx_str_t  value;

    if (!attribute->required && ngx_strcmp(arg->data, "required") == 0) {
        attribute->required = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(arg->data, "error=", 6) == 0) {
        return ngx_http_notify_channel_conf_error(cf, &attribute->error, arg);
    }

    if (ngx_strncmp(arg->data, "pattern=", 8) == 0) {
        value.data = arg->data + 8;
        value.len = arg->len - 8;

        return ngx_http_notify_channel_conf_pattern(cf, attribute, &value);
    }

    if (ngx_strncmp(arg->data, "alias=", 6) == 0) {
        value.data = arg->data + 6;
        value.len = arg->len - 6;

        if (ngx_http_notify_channel_conf_attribute_name(cf, channel, &value)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        return ngx_http_notify_channel_conf_alias(cf, &attribute->aliases,
                                                  &value);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" in \"%V\"", arg,
                       (ngx_str_t *) cf->args->elts);

    return NGX_CONF_ERROR;
}


/*
 * Of an attribute or an alias that is being declared.  A "." or a "-" would
 * end the name of the variable $notify_attribute_NAME.
 */
static char *
ngx_http_notify_channel_conf_attribute_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, ngx_str_t *name)
{
    const char  **member;

    if (!ngx_http_notify_channel_chars(name,
                                       NGX_HTTP_NOTIFY_CHANNEL_CONF_ATTRIBUTE,
                                       ""))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid attribute name \"%V\", it must be 1 to %d "
                           "characters of [A-Za-z0-9_]",
                           name, NGX_HTTP_NOTIFY_CHANNEL_CONF_ATTRIBUTE);
        return NGX_CONF_ERROR;
    }

    for (member = ngx_http_notify_channel_conf_members; *member; member++) {

        if (ngx_http_notify_text_is_nocase(name, *member)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "attribute name \"%V\" is reserved", name);
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_notify_channel_attribute(channel, name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate attribute \"%V\" in "
                           "notify_channel \"%V\"", name, &channel->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_channel_conf_pattern(ngx_conf_t *cf,
    ngx_http_notify_channel_attribute_t *attribute, ngx_str_t *pattern)
{
    u_char     errstr[NGX_MAX_CONF_ERRSTR];
    ngx_str_t  error;

    if (attribute->pattern.len) {
        return "has more than one \"pattern\"";
    }

    if (pattern->len == 0) {
        return "has an empty \"pattern\"";
    }

    error.data = errstr;

    attribute->regex = ngx_http_notify_pattern_compile(cf->pool, pattern, 0,
                                                       &error);
    if (attribute->regex == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%V", &error);
        return NGX_CONF_ERROR;
    }

    attribute->pattern = *pattern;

    return NGX_CONF_OK;
}


/* profile NAME... */
static char *
ngx_http_notify_channel_conf_profile(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    ngx_str_t                      *args;
    ngx_uint_t                      i;
    ngx_http_notify_channel_ref_t  *ref;

    if (channel->profile_names) {
        return "is duplicate";
    }

    args = cf->args->elts;

    channel->profile_names = ngx_array_create(cf->pool, cf->args->nelts,
                                        sizeof(ngx_http_notify_channel_ref_t));
    if (channel->profile_names == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_notify_text_find_array(&args[i], channel->profile_names)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate profile \"%V\"", &args[i]);
            return NGX_CONF_ERROR;
        }

        ref = ngx_array_push(channel->profile_names);
        if (ref == NULL) {
            return NGX_CONF_ERROR;
        }

        ref->name = args[i];
        ref->file = cf->conf_file->file.name.data;
        ref->line = cf->conf_file->line;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_channel_conf_retention(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    ngx_int_t   ms;
    ngx_str_t  *args;

    if (channel->retention) {
        return "is duplicate";
    }

    args = cf->args->elts;

    ms = ngx_parse_time(&args[1], 0);

    if (ms < 1000 || ms > NGX_HTTP_NOTIFY_CHANNEL_CONF_RETENTION) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid retention \"%V\", it must be a time of "
                           "1s to 3650d, as \"15d\"", &args[1]);
        return NGX_CONF_ERROR;
    }

    channel->retention = (uint64_t) ms;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_channel_conf_max_size(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    off_t       size;
    ngx_str_t  *args;

    if (channel->max_size != NGX_CONF_UNSET_SIZE) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (ngx_strcmp(args[1].data, "off") == 0) {
        channel->max_size = 0;
        return NGX_CONF_OK;
    }

    size = ngx_parse_offset(&args[1]);

    if (size < 1 || (uint64_t) size > NGX_MAX_SIZE_T_VALUE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size \"%V\" in \"max_size\", it must be "
                           "\"off\" or at least 1, as \"512m\"", &args[1]);
        return NGX_CONF_ERROR;
    }

    channel->max_size = (size_t) size;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_channel_conf_subscriptions(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    ngx_int_t   n;
    ngx_str_t  *args;

    if (channel->subscriptions_max != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;

    n = ngx_atoi(args[1].data, args[1].len);

    if (n < 1 || n > NGX_HTTP_NOTIFY_CHANNEL_CONF_SUBSCRIPTIONS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number \"%V\" in \"subscriptions_max\", "
                           "it must be 1 to %d", &args[1],
                           NGX_HTTP_NOTIFY_CHANNEL_CONF_SUBSCRIPTIONS);
        return NGX_CONF_ERROR;
    }

    channel->subscriptions_max = (ngx_uint_t) n;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_channel_conf_subscription_size(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    ssize_t     size;
    ngx_str_t  *args;

    if (channel->subscription_size != NGX_CONF_UNSET_SIZE) {
        return "is duplicate";
    }

    args = cf->args->elts;

    size = ngx_parse_size(&args[1]);

    if (size < NGX_HTTP_NOTIFY_CHANNEL_CONF_SIZE_MIN
        || size > NGX_HTTP_NOTIFY_CHANNEL_CONF_SIZE_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size \"%V\", it must be 1k to 16m",
                           &args[1]);
        return NGX_CONF_ERROR;
    }

    channel->subscription_size = (size_t) size;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_channel_conf_hops(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    ngx_int_t   n;
    ngx_str_t  *args;

    if (channel->hops_max != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;

    n = ngx_atoi(args[1].data, args[1].len);

    if (n < 1 || n > NGX_HTTP_NOTIFY_CHANNEL_CONF_HOPS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number \"%V\" in \"hops\", it must be "
                           "1 to %d", &args[1],
                           NGX_HTTP_NOTIFY_CHANNEL_CONF_HOPS);
        return NGX_CONF_ERROR;
    }

    channel->hops_max = (ngx_uint_t) n;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_channel_conf_alias(ngx_conf_t *cf, ngx_array_t **aliases,
    const ngx_str_t *alias)
{
    ngx_str_t  *entry;

    if (*aliases == NULL) {
        *aliases = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));
        if (*aliases == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    entry = ngx_array_push(*aliases);
    if (entry == NULL) {
        return NGX_CONF_ERROR;
    }

    *entry = *alias;

    return NGX_CONF_OK;
}
