/*
 * The attributes and settings that profiles, providers and `unchanged` name:
 * a name that no channel declares is a mistake that nobody would see, as its
 * value is always absent.
 */

#include "ngx_http_notify_channel_names.h"
#include "ngx_http_notify_provider.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_unchanged.h"


typedef struct {
    ngx_conf_t                       *cf;
    const ngx_array_t                *channels;
    const ngx_http_notify_profile_t  *profile;  /* NULL: all channels */
} ngx_http_notify_channel_names_t;


static ngx_int_t ngx_http_notify_channel_names_profile(
    ngx_http_notify_channel_names_t *names,
    const ngx_http_notify_call_conf_t *call);
static ngx_int_t ngx_http_notify_channel_names_one(void *data,
    const ngx_str_t *name, ngx_uint_t setting, const u_char *file,
    ngx_uint_t line);
static ngx_uint_t ngx_http_notify_channel_names_lists(
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_profile_t *profile);
static ngx_uint_t ngx_http_notify_channel_names_declares(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *name,
    ngx_uint_t setting);


char *
ngx_http_notify_channel_names(ngx_conf_t *cf, const ngx_array_t *channels,
    const ngx_array_t *profiles, const ngx_array_t *providers)
{
    ngx_uint_t                        i, k;
    ngx_array_t                       one;
    ngx_http_notify_channel_t       **channel;
    ngx_http_notify_profile_t       **profile;
    ngx_http_notify_provider_t      **provider;
    ngx_http_notify_channel_names_t   names;

    names.cf = cf;
    names.channels = channels;

    profile = profiles->elts;

    for (i = 0; i < profiles->nelts; i++) {
        names.profile = profile[i];

        if (ngx_http_notify_channel_names_profile(&names, &profile[i]->call)
            != NGX_OK
            || ngx_http_notify_payload_named(profile[i]->order,
                                             ngx_http_notify_channel_names_one,
                                             &names)
               != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    names.profile = NULL;
    provider = providers ? providers->elts : NULL;

    for (i = 0; provider && i < providers->nelts; i++) {

        for (k = 0; k < 4; k++) {
            if (ngx_http_notify_channel_names_profile(&names,
                                           &provider[i]->call[k / 2][k % 2])
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }
        }
    }

    channel = channels->elts;

    for (i = 0; i < channels->nelts; i++) {
        one = *channels;
        one.elts = &channel[i];
        one.nelts = 1;
        names.channels = &one;

        if (ngx_http_notify_unchanged_named(channel[i],
                                            ngx_http_notify_channel_names_one,
                                            &names)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_notify_channel_names_profile(ngx_http_notify_channel_names_t *names,
    const ngx_http_notify_call_conf_t *call)
{
    if (ngx_http_notify_payload_conf_named(&call->payload,
                                           ngx_http_notify_channel_names_one,
                                           names)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_sign_conf_named(&call->sign,
                                           ngx_http_notify_channel_names_one,
                                           names);
}


/* one of the channels must declare it, if there is any */

static ngx_int_t
ngx_http_notify_channel_names_one(void *data, const ngx_str_t *name,
    ngx_uint_t setting, const u_char *file, ngx_uint_t line)
{
    ngx_http_notify_channel_names_t *names = data;

    ngx_uint_t                    i, listed;
    ngx_http_notify_channel_t   **channel;

    listed = 0;
    channel = names->channels->elts;

    for (i = 0; i < names->channels->nelts; i++) {

        if (names->profile
            && !ngx_http_notify_channel_names_lists(channel[i],
                                                    names->profile))
        {
            continue;
        }

        listed = 1;

        if (ngx_http_notify_channel_names_declares(channel[i], name, setting))
        {
            return NGX_OK;
        }
    }

    if (!listed) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, names->cf->log, 0,
                  "unknown variable \"$notify_%s_%V\": no notify_channel that "
                  "uses it has %s \"%V\" in %s:%ui",
                  setting ? "setting" : "attribute", name,
                  setting ? "a setting" : "an attribute", name, file, line);

    return NGX_ERROR;
}


static ngx_uint_t
ngx_http_notify_channel_names_lists(const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_profile_t *profile)
{
    ngx_uint_t                   i;
    ngx_http_notify_profile_t  **listed;

    listed = channel->profiles->elts;

    for (i = 0; i < channel->profiles->nelts; i++) {
        if (listed[i] == profile) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_notify_channel_names_declares(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *name,
    ngx_uint_t setting)
{
    const ngx_array_t  *declared;

    declared = setting ? channel->settings : channel->attributes;

    return declared
           && ngx_http_notify_text_find_same_name(name, declared->elts,
                                                  declared->nelts,
                                                  declared->size);
}
