/*
 * The directives of notify_channel.  Run while the configuration is read, fill
 * the structure that is read-only from then on.  Must not know who asks.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_channel_schema.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_CHANNEL_CONF_ATTRIBUTE      64    /* of its name */
#define NGX_HTTP_NOTIFY_CHANNEL_CONF_ERROR          128   /* of its code */
#define NGX_HTTP_NOTIFY_CHANNEL_CONF_SUBSCRIPTIONS  1000000
#define NGX_HTTP_NOTIFY_CHANNEL_CONF_SIZE_MIN       1024
#define NGX_HTTP_NOTIFY_CHANNEL_CONF_SIZE_MAX       (16 * 1024 * 1024)
#define NGX_HTTP_NOTIFY_CHANNEL_CONF_HOPS           5
#define NGX_HTTP_NOTIFY_CHANNEL_CONF_PARTITIONS     256
#define NGX_HTTP_NOTIFY_CHANNEL_CONF_RETENTION                                \
    ((int64_t) 3650 * 86400 * 1000)


static ngx_http_notify_args_cmd_t  ngx_http_notify_channel_conf_event;
static char *ngx_http_notify_channel_conf_event_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, ngx_str_t *name, const char *more);
static ngx_http_notify_args_set_t  ngx_http_notify_channel_conf_error;
static ngx_http_notify_args_cmd_t  ngx_http_notify_channel_conf_attribute;
static char *ngx_http_notify_channel_conf_attribute_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, ngx_str_t *name);
static ngx_http_notify_args_set_t  ngx_http_notify_channel_conf_event_alias;
static ngx_http_notify_args_set_t
    ngx_http_notify_channel_conf_attribute_alias;
static ngx_http_notify_args_set_t  ngx_http_notify_channel_conf_pattern;
static ngx_http_notify_args_set_t  ngx_http_notify_channel_conf_schema;
static ngx_http_notify_args_cmd_t  ngx_http_notify_channel_conf_profile;
static ngx_http_notify_args_cmd_t  ngx_http_notify_channel_conf_retention;
static ngx_http_notify_args_cmd_t  ngx_http_notify_channel_conf_compress;


static ngx_http_notify_args_param_t
    ngx_http_notify_channel_conf_event_params[] =
{
    ngx_http_notify_args_flag("sync", ngx_http_notify_channel_event_t, sync),
    ngx_http_notify_args_flag("iframe", ngx_http_notify_channel_event_t,
                              iframe),
    ngx_http_notify_args_flag("own", ngx_http_notify_channel_event_t, own),
    ngx_http_notify_args_flag("entity", ngx_http_notify_channel_event_t,
                              entity),
    ngx_http_notify_args_flag("off", ngx_http_notify_channel_event_t, off),

    { ngx_string("error="),
      ngx_http_notify_channel_conf_error,
      offsetof(ngx_http_notify_channel_event_t, error),
      0, 0, NULL, 0 },

    { ngx_string("alias="),
      ngx_http_notify_channel_conf_event_alias,
      0,
      0, 0, NULL, 1 },

    { ngx_string("schema="),
      ngx_http_notify_channel_conf_schema,
      0,
      0, 0, NULL, 0 },

    ngx_http_notify_args_end
};

static ngx_http_notify_args_param_t
    ngx_http_notify_channel_conf_attribute_params[] =
{
    ngx_http_notify_args_flag("required", ngx_http_notify_channel_attribute_t,
                              required),

    { ngx_string("error="),
      ngx_http_notify_channel_conf_error,
      offsetof(ngx_http_notify_channel_attribute_t, error),
      0, 0, NULL, 0 },

    { ngx_string("pattern="),
      ngx_http_notify_channel_conf_pattern,
      0,
      0, 0, NULL, 0 },

    { ngx_string("alias="),
      ngx_http_notify_channel_conf_attribute_alias,
      0,
      0, 0, NULL, 1 },

    ngx_http_notify_args_end
};

static ngx_http_notify_args_param_t
    ngx_http_notify_channel_conf_retention_param =
{
    ngx_string("time"), NULL, 0,
    1000, NGX_HTTP_NOTIFY_CHANNEL_CONF_RETENTION, "1s to 3650d, as \"15d\"", 0
};

static ngx_http_notify_args_param_t
    ngx_http_notify_channel_conf_compress_params[] =
{
    { ngx_string("after="),
      ngx_http_notify_args_time,
      offsetof(ngx_http_notify_channel_t, compress),
      1000, NGX_HTTP_NOTIFY_CHANNEL_CONF_RETENTION,
      "1s to 3650d, as \"1h\"", 0 },

    ngx_http_notify_args_end
};

static ngx_http_notify_args_param_t  ngx_http_notify_channel_conf_max_size = {
    ngx_string("size"), NULL, 0,
    0, NGX_MAX_SIZE_T_VALUE, "\"off\" or at least 1, as \"512m\"", 0
};

static ngx_http_notify_args_param_t
    ngx_http_notify_channel_conf_subscriptions_max =
{
    ngx_string("number"), NULL, 0,
    1, NGX_HTTP_NOTIFY_CHANNEL_CONF_SUBSCRIPTIONS, NULL, 0
};

static ngx_http_notify_args_param_t
    ngx_http_notify_channel_conf_subscription_size =
{
    ngx_string("size"), NULL, 0,
    NGX_HTTP_NOTIFY_CHANNEL_CONF_SIZE_MIN,
    NGX_HTTP_NOTIFY_CHANNEL_CONF_SIZE_MAX, "1k to 16m", 0
};

static ngx_http_notify_args_param_t  ngx_http_notify_channel_conf_partitions = {
    ngx_string("number"), NULL, 0,
    1, NGX_HTTP_NOTIFY_CHANNEL_CONF_PARTITIONS, NULL, 0
};

static ngx_http_notify_args_param_t  ngx_http_notify_channel_conf_hops = {
    ngx_string("number"), NULL, 0, 1, NGX_HTTP_NOTIFY_CHANNEL_CONF_HOPS, NULL, 0
};


static ngx_command_t  ngx_http_notify_channel_commands[] = {

    { ngx_string("event"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_1MORE,
      ngx_http_notify_channel_conf_event,
      ngx_http_notify_block_whole },

    { ngx_string("attribute"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_1MORE,
      ngx_http_notify_channel_conf_attribute,
      ngx_http_notify_block_whole },

    { ngx_string("profile"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_1MORE,
      ngx_http_notify_channel_conf_profile,
      ngx_http_notify_block_whole },

    { ngx_string("retention"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_channel_conf_retention,
      ngx_http_notify_block_whole },

    { ngx_string("compress"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_channel_conf_compress,
      ngx_http_notify_block_whole },

    { ngx_string("partitions"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_args_number_slot,
      ngx_http_notify_block_field(ngx_http_notify_channel_t, partitions),
      &ngx_http_notify_channel_conf_partitions },

    { ngx_string("max_size"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_args_size_slot,
      ngx_http_notify_block_field(ngx_http_notify_channel_t, max_size),
      &ngx_http_notify_channel_conf_max_size },

    { ngx_string("subscriptions_max"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_args_number_slot,
      ngx_http_notify_block_field(ngx_http_notify_channel_t, subscriptions_max),
      &ngx_http_notify_channel_conf_subscriptions_max },

    { ngx_string("subscription_size"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_args_size_slot,
      ngx_http_notify_block_field(ngx_http_notify_channel_t, subscription_size),
      &ngx_http_notify_channel_conf_subscription_size },

    { ngx_string("hops"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_args_number_slot,
      ngx_http_notify_block_field(ngx_http_notify_channel_t, hops_max),
      &ngx_http_notify_channel_conf_hops },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_channel_module =
    ngx_http_notify_block_module(ngx_http_notify_channel_commands);


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
    ngx_http_notify_channel_event_t  *event;

    args = cf->args->elts;

    if (ngx_http_notify_channel_conf_event_name(cf, channel, &args[1], ".-")
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    event = ngx_http_notify_memory_push(cf->pool, &channel->events,
        sizeof(ngx_http_notify_channel_event_t));
    if (event == NULL) {
        return NGX_CONF_ERROR;
    }

    event->name = args[1];
    event->channel = channel;

    rv = ngx_http_notify_args_parse(cf, 2,
                                    ngx_http_notify_channel_conf_event_params,
                                    event);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (event->error.len && !event->entity) {
        return "has \"error\" without \"entity\"";
    }

    return NGX_CONF_OK;
}


/* a partner's own name for the event may have spaces and a "+" */

static char *
ngx_http_notify_channel_conf_event_alias(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    ngx_http_notify_channel_event_t *event = field;

    if (ngx_http_notify_channel_conf_event_name(cf, event->channel, value,
                                                ".- +")
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_args_append(cf, &event->aliases, value);
}


static char *
ngx_http_notify_channel_conf_schema(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    return ngx_http_notify_channel_schema(cf, field, value);
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
ngx_http_notify_channel_conf_error(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    if (!ngx_http_notify_channel_chars(value,
                                       NGX_HTTP_NOTIFY_CHANNEL_CONF_ERROR,
                                       ".-"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid error code \"%V\", it must be 1 to %d "
                           "characters of [A-Za-z0-9_.-]",
                           value, NGX_HTTP_NOTIFY_CHANNEL_CONF_ERROR);
        return NGX_CONF_ERROR;
    }

    *(ngx_str_t *) field = *value;

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
    ngx_http_notify_channel_attribute_t  *attribute;

    args = cf->args->elts;

    if (ngx_http_notify_channel_conf_attribute_name(cf, channel, &args[1])
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    attribute = ngx_http_notify_memory_push(cf->pool, &channel->attributes,
        sizeof(ngx_http_notify_channel_attribute_t));
    if (attribute == NULL) {
        return NGX_CONF_ERROR;
    }

    attribute->name = args[1];
    attribute->channel = channel;

    rv = ngx_http_notify_args_parse(cf, 2,
                                ngx_http_notify_channel_conf_attribute_params,
                                attribute);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (attribute->error.len && !attribute->required) {
        return "has \"error\" without \"required\"";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_channel_conf_attribute_alias(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    ngx_http_notify_channel_attribute_t *attribute = field;

    if (ngx_http_notify_channel_conf_attribute_name(cf, attribute->channel,
                                                    value)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_args_append(cf, &attribute->aliases, value);
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
    const ngx_http_notify_args_param_t *param, ngx_str_t *pattern, void *field)
{
    ngx_http_notify_channel_attribute_t *attribute = field;

    u_char     errstr[NGX_MAX_CONF_ERRSTR];
    ngx_str_t  error;

    if (pattern->len == 0) {
        return "has an empty \"pattern\"";
    }

    error.data = errstr;

    attribute->regex = ngx_http_notify_pattern_compile(cf->pool, pattern, 0,
                                                       &error);
    if (attribute->regex == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"pattern\" of attribute \"%V\": %V",
                           &attribute->name, &error);
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

    ngx_str_t  *args;

    if (channel->retention) {
        return "is duplicate";
    }

    args = cf->args->elts;

    return ngx_http_notify_args_time(cf,
                                &ngx_http_notify_channel_conf_retention_param,
                                &args[1], &channel->retention);
}


/* compress after=TIME | off */

static char *
ngx_http_notify_channel_conf_compress(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    ngx_str_t  *args;

    if (channel->compress_given) {
        return "is duplicate";
    }

    channel->compress_given = 1;

    args = cf->args->elts;

    if (ngx_http_notify_text_is(&args[1], "off")) {
        return NGX_CONF_OK;
    }

    return ngx_http_notify_args_parse(cf, 1,
                                 ngx_http_notify_channel_conf_compress_params,
                                 channel);
}
