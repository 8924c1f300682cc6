/*
 * A channel as it is after its block has been read, and what is asked of it
 * while events and subscriptions are checked.  Read-only after start.  Must not
 * know Redis, nor who asks.
 */

#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_CHANNEL_RETENTION  ((int64_t) 15 * 86400 * 1000)

#define NGX_HTTP_NOTIFY_CHANNEL_COMPRESS   ((uint64_t) 3600 * 1000)

static const ngx_http_notify_channel_event_t *
    ngx_http_notify_channel_find_event(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *text,
    ngx_uint_t ignore_case);
static ngx_uint_t ngx_http_notify_channel_same(const ngx_str_t *name,
    const ngx_array_t *aliases, const ngx_str_t *text, ngx_uint_t ignore_case);


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
    channel->sessions_max = NGX_CONF_UNSET_UINT;
    channel->tenant_share = NGX_CONF_UNSET_UINT;
    channel->publish_rate.rate = NGX_CONF_UNSET_UINT;
    channel->subscription_size = NGX_CONF_UNSET_SIZE;
    channel->hops_max = NGX_CONF_UNSET_UINT;
    channel->partitions = NGX_CONF_UNSET_UINT;
    channel->operator_events = NGX_CONF_UNSET;
    channel->metrics = NGX_ERROR;

    return channel;
}


char *
ngx_http_notify_channel_init(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, const ngx_array_t *profiles)
{
    ngx_str_t                        standard = ngx_string("standard");
    ngx_uint_t                       i, n;
    ngx_http_notify_profile_t       *profile, **entry;
    ngx_http_notify_channel_ref_t   *refs;

    if (channel->retention == 0) {
        channel->retention = NGX_HTTP_NOTIFY_CHANNEL_RETENTION;
    }

    if (!channel->compress_given) {
        channel->compress = NGX_HTTP_NOTIFY_CHANNEL_COMPRESS;
    }

    ngx_conf_init_size_value(channel->max_size, 0);
    ngx_conf_init_uint_value(channel->subscriptions_max, 1000);
    ngx_conf_init_uint_value(channel->sessions_max, 100000);
    ngx_conf_init_uint_value(channel->tenant_share, 50);
    ngx_conf_init_uint_value(channel->publish_rate.rate, 0);
    ngx_conf_init_size_value(channel->subscription_size, 64 * 1024);
    ngx_conf_init_uint_value(channel->hops_max, 1);
    ngx_conf_init_uint_value(channel->partitions, 1);
    ngx_conf_init_value(channel->operator_events, 0);

    refs = channel->profile_names ? channel->profile_names->elts : NULL;
    n = channel->profile_names ? channel->profile_names->nelts : 1;

    channel->profiles = ngx_array_create(cf->pool, n,
                                         sizeof(ngx_http_notify_profile_t *));
    if (channel->profiles == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < n; i++) {

        profile = ngx_http_notify_profile_find(profiles,
                                             refs ? &refs[i].name : &standard);

        if (profile == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "unknown profile \"%V\" in %s:%ui",
                          refs ? &refs[i].name : &standard,
                          refs ? refs[i].file : channel->file,
                          refs ? refs[i].line : channel->line);
            return NGX_CONF_ERROR;
        }

        /* retention ends them */

        if (profile->retry.until > channel->retention) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "profile \"%V\" has a \"retry\" with an \"until\" "
                          "above the \"retention\" of notify_channel \"%V\", "
                          "which ends the retries in %s:%ui",
                          &profile->name, &channel->name,
                          refs ? refs[i].file : channel->file,
                          refs ? refs[i].line : channel->line);
        }

        entry = ngx_array_push(channel->profiles);
        if (entry == NULL) {
            return NGX_CONF_ERROR;
        }

        *entry = profile;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_notify_channel_split(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, const ngx_str_t *redis_prefix,
    ngx_array_t *parts)
{
    ngx_uint_t                   i;
    ngx_http_notify_channel_t   *part, **entry;

    channel->parts = ngx_palloc(cf->pool,
                    channel->partitions * sizeof(ngx_http_notify_channel_t *));
    if (channel->parts == NULL) {
        return NGX_ERROR;
    }

    if (channel->max_size) {
        channel->max_size = ngx_max(channel->max_size / channel->partitions,
                                    1);
    }

    for (i = 0; i < channel->partitions; i++) {

        part = channel;

        if (i > 0) {
            part = ngx_palloc(cf->pool, sizeof(ngx_http_notify_channel_t));
            if (part == NULL) {
                return NGX_ERROR;
            }

            *part = *channel;
            part->part = i;
        }

        channel->parts[i] = part;

        entry = ngx_array_push(parts);
        if (entry == NULL) {
            return NGX_ERROR;
        }

        *entry = part;

        if (ngx_http_notify_keys_init(cf->pool, &part->keys, redis_prefix,
                                      &channel->name, i)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_http_notify_channel_t *
ngx_http_notify_channel_of(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *tenant)
{
    ngx_uint_t  part;

    /* most have one */

    part = 0;

    if (channel->partitions > 1) {
        part = ngx_http_notify_keys_crc16(tenant->data,
                                          tenant->data + tenant->len)
               % channel->partitions;
    }

    return channel->parts[part];
}


ngx_http_notify_channel_t *
ngx_http_notify_channel_next(const ngx_http_notify_channel_t *part)
{
    return part->part + 1 < part->partitions ? part->parts[part->part + 1]
                                             : NULL;
}


ngx_int_t
ngx_http_notify_channel_event(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *text, ngx_str_t *name,
    const ngx_http_notify_channel_event_t **event)
{
    const ngx_http_notify_channel_event_t  *found;

    found = NULL;

    if (channel->events) {
        found = ngx_http_notify_channel_find_event(channel, text, 0);

        if (found == NULL) {
            found = ngx_http_notify_channel_find_event(channel, text, 1);
        }

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
    ngx_uint_t                                  i;
    const ngx_http_notify_channel_attribute_t  *attribute;

    if (channel->attributes == NULL) {
        return NULL;
    }

    attribute = channel->attributes->elts;

    for (i = 0; i < channel->attributes->nelts; i++) {
        if (ngx_http_notify_channel_same(&attribute[i].name,
                                         attribute[i].aliases, text, 1))
        {
            return &attribute[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_notify_channel_attribute_check(
    const ngx_http_notify_channel_attribute_t *attribute,
    const ngx_str_t *value)
{
    if (attribute->regex == NULL) {
        return NGX_OK;
    }

    return ngx_http_notify_pattern_match(attribute->regex, value);
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

    return ngx_http_notify_profile_find(channel->profiles, name);
}


const ngx_http_notify_channel_event_t *
ngx_http_notify_channel_declared(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *text)
{
    if (channel->events == NULL) {
        return NULL;
    }

    return ngx_http_notify_channel_find_event(channel, text, 0);
}


static const ngx_http_notify_channel_event_t *
ngx_http_notify_channel_find_event(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *text, ngx_uint_t ignore_case)
{
    ngx_uint_t                              i;
    const ngx_http_notify_channel_event_t  *event;

    event = channel->events->elts;

    for (i = 0; i < channel->events->nelts; i++) {
        if (ngx_http_notify_channel_same(&event[i].name, event[i].aliases,
                                         text, ignore_case))
        {
            return &event[i];
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_notify_channel_same(const ngx_str_t *name, const ngx_array_t *aliases,
    const ngx_str_t *text, ngx_uint_t ignore_case)
{
    if (ignore_case) {
        return ngx_http_notify_text_equal_nocase(name, text)
               || (aliases
                   && ngx_http_notify_text_find_array_nocase(text, aliases));
    }

    return ngx_http_notify_text_equal(name, text)
           || (aliases && ngx_http_notify_text_find_array(text, aliases));
}


ngx_uint_t
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


ngx_uint_t
ngx_http_notify_channel_reserved(const ngx_str_t *name)
{
    return ngx_http_notify_text_starts_nocase(name, "notify.");
}


ngx_uint_t
ngx_http_notify_channel_operator(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *name)
{
    static const ngx_str_t  names[] = {
        ngx_string("notify.subscription.disabled"),
        ngx_string("notify.subscription.failing"),
        ngx_string("notify.subscription.recovered"),
        ngx_string("notify.subscription.overtaken"),
        ngx_string("notify.delivery.given_up"),
        ngx_string("notify.subscription.*"),
        ngx_string("notify.delivery.*"),
        ngx_string("notify.*")
    };

    return channel->operator_events
           && ngx_http_notify_text_find_in(name, names);
}
