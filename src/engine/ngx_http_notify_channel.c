/*
 * notify_channel: its directives, and what may be asked of it while events and
 * subscriptions are checked.  Parsed while the configuration is read, read-only
 * from then on.  Must not know Redis, nor who asks.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_channel.h"


#define NGX_HTTP_NOTIFY_CHANNEL_ATTRIBUTE_MAX      64
#define NGX_HTTP_NOTIFY_CHANNEL_SUBSCRIPTIONS_MAX  1000000
#define NGX_HTTP_NOTIFY_CHANNEL_RETENTION          ((int64_t) 15 * 86400 * 1000)
#define NGX_HTTP_NOTIFY_CHANNEL_RETENTION_MAX      ((int64_t) 3650 * 86400 * 1000)


/* what a `profile` directive names, until all profiles are known */
typedef struct {
    ngx_str_t    name;
    u_char      *file;
    ngx_uint_t   line;
} ngx_http_notify_channel_ref_t;


static char *ngx_http_notify_channel_set_event(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_channel_event_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, ngx_str_t *name);
static char *ngx_http_notify_channel_set_attribute(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_channel_attribute_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, ngx_str_t *name);
static char *ngx_http_notify_channel_attribute_pattern(ngx_conf_t *cf,
    ngx_http_notify_channel_attribute_t *attribute, ngx_str_t *pattern);
static char *ngx_http_notify_channel_set_profile(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_channel_set_retention(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_channel_set_max_size(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_channel_set_subscriptions(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static ngx_http_notify_profile_t *ngx_http_notify_channel_find_profile(
    const ngx_array_t *profiles, const ngx_str_t *name);
static const ngx_http_notify_channel_event_t *
    ngx_http_notify_channel_find_event(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *text);
static ngx_uint_t ngx_http_notify_channel_chars(const ngx_str_t *text,
    size_t max, const char *more);
static ngx_uint_t ngx_http_notify_channel_reserved(const ngx_str_t *name);
static char *ngx_http_notify_channel_alias(ngx_conf_t *cf,
    ngx_array_t **aliases, const ngx_str_t *alias);


ngx_command_t  ngx_http_notify_channel_commands[] = {

    { ngx_string("event"),
      NGX_CONF_1MORE,
      ngx_http_notify_channel_set_event,
      0,
      0,
      NULL },

    { ngx_string("attribute"),
      NGX_CONF_1MORE,
      ngx_http_notify_channel_set_attribute,
      0,
      0,
      NULL },

    { ngx_string("profile"),
      NGX_CONF_1MORE,
      ngx_http_notify_channel_set_profile,
      0,
      0,
      NULL },

    { ngx_string("retention"),
      NGX_CONF_TAKE1,
      ngx_http_notify_channel_set_retention,
      0,
      0,
      NULL },

    { ngx_string("max_size"),
      NGX_CONF_TAKE1,
      ngx_http_notify_channel_set_max_size,
      0,
      0,
      NULL },

    { ngx_string("subscriptions_max"),
      NGX_CONF_TAKE1,
      ngx_http_notify_channel_set_subscriptions,
      0,
      0,
      NULL },

      ngx_null_command
};


/*
 * Members of events and subscriptions, and arguments of queries: an attribute
 * of such a name, in any case, could not be told from them.
 */
static const char  *ngx_http_notify_channel_members[] = {
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


ngx_http_notify_channel_t *
ngx_http_notify_channel_create(ngx_conf_t *cf, const ngx_str_t *name)
{
    ngx_http_notify_channel_t  *channel;

    channel = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_channel_t));
    if (channel == NULL) {
        return NULL;
    }

    channel->name = *name;
    channel->max_size = NGX_CONF_UNSET_SIZE;
    channel->subscriptions_max = NGX_CONF_UNSET_UINT;
    channel->metrics = NGX_ERROR;

    return channel;
}


char *
ngx_http_notify_channel_init(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, const ngx_array_t *profiles,
    const ngx_str_t *redis_prefix)
{
    ngx_str_t                        standard = ngx_string("standard");
    ngx_uint_t                       i, n;
    ngx_http_notify_profile_t       *profile, **entry;
    ngx_http_notify_channel_ref_t   *refs;

    if (channel->retention == 0) {
        channel->retention = NGX_HTTP_NOTIFY_CHANNEL_RETENTION;
    }

    ngx_conf_init_size_value(channel->max_size, 0);
    ngx_conf_init_uint_value(channel->subscriptions_max, 1000);

    refs = channel->profile_names ? channel->profile_names->elts : NULL;
    n = channel->profile_names ? channel->profile_names->nelts : 1;

    channel->profiles = ngx_array_create(cf->pool, n,
                                         sizeof(ngx_http_notify_profile_t *));
    if (channel->profiles == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < n; i++) {

        profile = ngx_http_notify_channel_find_profile(profiles,
                                             refs ? &refs[i].name : &standard);

        if (profile == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "unknown profile \"%V\" in %s:%ui",
                          refs ? &refs[i].name : &standard,
                          refs ? refs[i].file : channel->file,
                          refs ? refs[i].line : channel->line);
            return NGX_CONF_ERROR;
        }

        entry = ngx_array_push(channel->profiles);
        if (entry == NULL) {
            return NGX_CONF_ERROR;
        }

        *entry = profile;
    }

    if (ngx_http_notify_keys_init(cf->pool, &channel->keys, redis_prefix,
                                  &channel->name)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* event NAME [sync] [iframe] [alias=NAME]... [off] */
static char *
ngx_http_notify_channel_set_event(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    ngx_str_t                        *args, alias;
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

    if (ngx_http_notify_channel_event_name(cf, channel, &args[1])
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

        if (ngx_strcmp(args[i].data, "sync") == 0) {
            event->sync = 1;

        } else if (ngx_strcmp(args[i].data, "iframe") == 0) {
            event->iframe = 1;

        } else if (ngx_strcmp(args[i].data, "off") == 0) {
            event->off = 1;

        } else if (ngx_strncmp(args[i].data, "alias=", 6) == 0) {
            alias.data = args[i].data + 6;
            alias.len = args[i].len - 6;

            if (ngx_http_notify_channel_event_name(cf, channel, &alias)
                != NGX_CONF_OK
                || ngx_http_notify_channel_alias(cf, &event->aliases, &alias)
                   != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

        } else if (ngx_strncmp(args[i].data, "schema=", 7) == 0) {
            return "parameter \"schema\" is not supported yet";

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &args[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* of an event or an alias that is being declared */
static char *
ngx_http_notify_channel_event_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, ngx_str_t *name)
{
    if (!ngx_http_notify_channel_chars(name, NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX,
                                       ".-"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid event name \"%V\", it must be 1 to %d "
                           "characters of [A-Za-z0-9_.-]",
                           name, NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_channel_reserved(name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "event name \"%V\" begins with the reserved "
                           "\"notify.\"", name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_channel_find_event(channel, name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate event \"%V\" in notify_channel \"%V\"",
                           name, &channel->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* attribute NAME [required] [pattern=REGEX] [alias=NAME]... */
static char *
ngx_http_notify_channel_set_attribute(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    char                                 *rv;
    ngx_str_t                            *args, value;
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

    if (ngx_http_notify_channel_attribute_name(cf, channel, &args[1])
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

        if (ngx_strcmp(args[i].data, "required") == 0) {
            attribute->required = 1;
            continue;
        }

        if (ngx_strncmp(args[i].data, "pattern=", 8) == 0) {
            value.data = args[i].data + 8;
            value.len = args[i].len - 8;

            rv = ngx_http_notify_channel_attribute_pattern(cf, attribute,
                                                           &value);

        } else if (ngx_strncmp(args[i].data, "alias=", 6) == 0) {
            value.data = args[i].data + 6;
            value.len = args[i].len - 6;

            rv = ngx_http_notify_channel_attribute_name(cf, channel, &value);

            if (rv == NGX_CONF_OK) {
                rv = ngx_http_notify_channel_alias(cf, &attribute->aliases,
                                                   &value);
            }

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &args[i]);
            return NGX_CONF_ERROR;
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


/*
 * Of an attribute or an alias that is being declared.  A "." or a "-" would
 * end the name of the variable $notify_attribute_NAME.
 */
static char *
ngx_http_notify_channel_attribute_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, ngx_str_t *name)
{
    const char  **member;

    if (!ngx_http_notify_channel_chars(name,
                                       NGX_HTTP_NOTIFY_CHANNEL_ATTRIBUTE_MAX,
                                       ""))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid attribute name \"%V\", it must be 1 to %d "
                           "characters of [A-Za-z0-9_]",
                           name, NGX_HTTP_NOTIFY_CHANNEL_ATTRIBUTE_MAX);
        return NGX_CONF_ERROR;
    }

    for (member = ngx_http_notify_channel_members; *member; member++) {

        if (ngx_strlen(*member) == name->len
            && ngx_strncasecmp(name->data, (u_char *) *member, name->len) == 0)
        {
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
ngx_http_notify_channel_attribute_pattern(ngx_conf_t *cf,
    ngx_http_notify_channel_attribute_t *attribute, ngx_str_t *pattern)
{
#if (NGX_PCRE)

    u_char               errstr[NGX_MAX_CONF_ERRSTR];
    ngx_regex_compile_t  rc;

    if (attribute->pattern.len) {
        return "has more than one \"pattern\"";
    }

    if (pattern->len == 0) {
        return "has an empty \"pattern\"";
    }

    ngx_memzero(&rc, sizeof(ngx_regex_compile_t));

    rc.pattern = *pattern;
    rc.pool = cf->pool;
    rc.err.len = NGX_MAX_CONF_ERRSTR;
    rc.err.data = errstr;

    if (ngx_regex_compile(&rc) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%V", &rc.err);
        return NGX_CONF_ERROR;
    }

    attribute->regex = rc.regex;
    attribute->pattern = *pattern;

    return NGX_CONF_OK;

#else

    return "parameter \"pattern\" requires PCRE library";

#endif
}


/* profile NAME... */
static char *
ngx_http_notify_channel_set_profile(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    ngx_str_t                      *args;
    ngx_uint_t                      i, k;
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

        ref = channel->profile_names->elts;

        for (k = 0; k < channel->profile_names->nelts; k++) {

            if (ref[k].name.len == args[i].len
                && ngx_strcmp(ref[k].name.data, args[i].data) == 0)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "duplicate profile \"%V\"", &args[i]);
                return NGX_CONF_ERROR;
            }
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
ngx_http_notify_channel_set_retention(ngx_conf_t *cf, ngx_command_t *cmd,
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

    if (ms < 1000 || ms > NGX_HTTP_NOTIFY_CHANNEL_RETENTION_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid retention \"%V\", it must be 1s to 3650d",
                           &args[1]);
        return NGX_CONF_ERROR;
    }

    channel->retention = (uint64_t) ms;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_channel_set_max_size(ngx_conf_t *cf, ngx_command_t *cmd,
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
                           "invalid size \"%V\", it must be \"off\" or "
                           "at least 1", &args[1]);
        return NGX_CONF_ERROR;
    }

    channel->max_size = (size_t) size;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_channel_set_subscriptions(ngx_conf_t *cf, ngx_command_t *cmd,
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

    if (n < 1 || n > NGX_HTTP_NOTIFY_CHANNEL_SUBSCRIPTIONS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number \"%V\", it must be 1 to %d",
                           &args[1],
                           NGX_HTTP_NOTIFY_CHANNEL_SUBSCRIPTIONS_MAX);
        return NGX_CONF_ERROR;
    }

    channel->subscriptions_max = (ngx_uint_t) n;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_notify_channel_event(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *text, ngx_str_t *name,
    const ngx_http_notify_channel_event_t **event)
{
    const ngx_http_notify_channel_event_t  *found;

    found = NULL;

    if (channel->events) {
        found = ngx_http_notify_channel_find_event(channel, text);

        if (found == NULL) {
            return NGX_DECLINED;
        }

        *name = found->name;

    } else {

        if (!ngx_http_notify_channel_chars(text,
                                         NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX,
                                         ".-")
            || ngx_http_notify_channel_reserved(text))
        {
            return NGX_DECLINED;
        }

        *name = *text;
    }

    if (event) {
        *event = found;
    }

    return NGX_OK;
}


const ngx_http_notify_channel_attribute_t *
ngx_http_notify_channel_attribute(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *text)
{
    ngx_str_t                                  *alias;
    ngx_uint_t                                  i, k;
    const ngx_http_notify_channel_attribute_t  *attribute;

    if (channel->attributes == NULL) {
        return NULL;
    }

    attribute = channel->attributes->elts;

    for (i = 0; i < channel->attributes->nelts; i++) {

        if (attribute[i].name.len == text->len
            && ngx_strncasecmp(attribute[i].name.data, text->data, text->len)
               == 0)
        {
            return &attribute[i];
        }

        if (attribute[i].aliases == NULL) {
            continue;
        }

        alias = attribute[i].aliases->elts;

        for (k = 0; k < attribute[i].aliases->nelts; k++) {

            if (alias[k].len == text->len
                && ngx_strncasecmp(alias[k].data, text->data, text->len) == 0)
            {
                return &attribute[i];
            }
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_notify_channel_attribute_check(
    const ngx_http_notify_channel_attribute_t *attribute,
    const ngx_str_t *value, ngx_log_t *log)
{
#if (NGX_PCRE)

    ngx_int_t  rc;

    if (attribute->regex == NULL) {
        return NGX_OK;
    }

    rc = ngx_regex_exec(attribute->regex, (ngx_str_t *) value, NULL, 0);

    if (rc >= 0) {
        return NGX_OK;
    }

    if (rc != NGX_REGEX_NO_MATCHED) {
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "notify channel: " ngx_regex_exec_n " failed: %i "
                      "for the pattern of attribute \"%V\"",
                      rc, &attribute->name);
    }

    return NGX_DECLINED;

#else

    return NGX_OK;

#endif
}


ngx_http_notify_profile_t *
ngx_http_notify_channel_profile(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *name)
{
    ngx_http_notify_profile_t  **first;

    if (name->len == 0) {
        first = channel->profiles->elts;
        return first[0];
    }

    return ngx_http_notify_channel_find_profile(channel->profiles, name);
}


static ngx_http_notify_profile_t *
ngx_http_notify_channel_find_profile(const ngx_array_t *profiles,
    const ngx_str_t *name)
{
    ngx_uint_t                   i;
    ngx_http_notify_profile_t  **profile;

    profile = profiles->elts;

    for (i = 0; i < profiles->nelts; i++) {

        if (profile[i]->name.len == name->len
            && ngx_memcmp(profile[i]->name.data, name->data, name->len) == 0)
        {
            return profile[i];
        }
    }

    return NULL;
}


static const ngx_http_notify_channel_event_t *
ngx_http_notify_channel_find_event(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *text)
{
    ngx_str_t                              *alias;
    ngx_uint_t                              i, k;
    const ngx_http_notify_channel_event_t  *event;

    event = channel->events->elts;

    for (i = 0; i < channel->events->nelts; i++) {

        if (event[i].name.len == text->len
            && ngx_memcmp(event[i].name.data, text->data, text->len) == 0)
        {
            return &event[i];
        }

        if (event[i].aliases == NULL) {
            continue;
        }

        alias = event[i].aliases->elts;

        for (k = 0; k < event[i].aliases->nelts; k++) {

            if (alias[k].len == text->len
                && ngx_memcmp(alias[k].data, text->data, text->len) == 0)
            {
                return &event[i];
            }
        }
    }

    return NULL;
}


/* 1 to max letters, digits, underscores, and whatever is in `more` */
static ngx_uint_t
ngx_http_notify_channel_chars(const ngx_str_t *text, size_t max,
    const char *more)
{
    u_char  ch, c;
    size_t  i;

    if (text->len == 0 || text->len > max) {
        return 0;
    }

    for (i = 0; i < text->len; i++) {
        ch = text->data[i];
        c = (u_char) (ch | 0x20);

        if ((c >= 'a' && c <= 'z') || (ch >= '0' && ch <= '9') || ch == '_') {
            continue;
        }

        if (ch == '\0' || ngx_strchr(more, ch) == NULL) {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_http_notify_channel_reserved(const ngx_str_t *name)
{
    return name->len >= 7
           && ngx_strncasecmp(name->data, (u_char *) "notify.", 7) == 0;
}


static char *
ngx_http_notify_channel_alias(ngx_conf_t *cf, ngx_array_t **aliases,
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
