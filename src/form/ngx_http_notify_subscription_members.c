/*
 * The members of a subscription that stand for themselves: each is checked
 * and put into the document.  What depends on several is in subscription_form.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_filter.h"
#include "ngx_http_notify_subscription_form.h"


#define NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_KEY        1024
#define NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_NAME       256
#define NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_IN_FLIGHT  10000
#define NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_RATE       1000000


ngx_int_t
ngx_http_notify_subscription_form_text(ngx_http_notify_invalid_t *invalid,
    const ngx_str_t *name, const ngx_http_notify_json_t *value, size_t max,
    ngx_str_t *text)
{
    size_t  i;

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_STRING) {
        ngx_http_notify_invalid_add(invalid, name, "must be a string");
        return NGX_DECLINED;
    }

    *text = ngx_http_notify_json_string(value);

    if (text->len > max) {
        ngx_http_notify_invalid_add(invalid, name,
                                    "is longer than %uz bytes", max);
        return NGX_DECLINED;
    }

    for (i = 0; i < text->len; i++) {
        if (text->data[i] < 0x20 || text->data[i] == 0x7f) {
            ngx_http_notify_invalid_add(invalid, name,
                                        "has control characters");
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/* form and reachability are checked with the profile, when that is known */

ngx_int_t
ngx_http_notify_subscription_members_url(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value)
{
    ngx_str_t  text;

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_STRING) {
        text.data = (u_char *) "";
        text.len = 0;
        ngx_http_notify_invalid_add(form->invalid, name, "must be a string");

    } else {
        text = ngx_http_notify_json_string(value);
    }

    return ngx_http_notify_json_set_string(form->document, "url", &text);
}


ngx_int_t
ngx_http_notify_subscription_members_entity_type(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value)
{
    int64_t    n;
    ngx_str_t  text;

    if (ngx_http_notify_json_integer(value, &n) == NGX_OK) {
        return ngx_http_notify_json_set_integer(form->document,
                                                "entityTypeID", n);
    }

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_STRING) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be an integer or a string");
        return NGX_OK;
    }

    if (ngx_http_notify_subscription_form_text(form->invalid, name, value,
            NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_NAME, &text)
        != NGX_OK)
    {
        return NGX_OK;
    }

    if (text.len == 0) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must not be empty");
        return NGX_OK;
    }

    if (ngx_http_notify_json_int64(&text, &n) == NGX_OK) {
        return ngx_http_notify_json_set_integer(form->document,
                                                "entityTypeID", n);
    }

    return ngx_http_notify_json_set_string(form->document, "entityTypeID",
                                           &text);
}


ngx_int_t
ngx_http_notify_subscription_members_mode(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value)
{
    ngx_str_t    text;
    ngx_uint_t   i;

    static ngx_str_t  modes[] = {
        ngx_string("webhook"),
        ngx_string("sync"),
        ngx_string("iframe")
    };

    if (ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_STRING) {
        text = ngx_http_notify_json_string(value);

        for (i = 0; i < 3; i++) {
            if (text.len == modes[i].len
                && ngx_strncmp(text.data, modes[i].data, text.len) == 0)
            {
                return ngx_http_notify_json_set_string(form->document, "mode",
                                                       &modes[i]);
            }
        }
    }

    ngx_http_notify_invalid_add(form->invalid, name,
                                "must be \"webhook\", \"sync\" or "
                                "\"iframe\"");
    return NGX_OK;
}


ngx_int_t
ngx_http_notify_subscription_members_api_key(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value)
{
    ngx_str_t  text;

    if (ngx_http_notify_subscription_form_text(form->invalid, name, value,
            NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_KEY, &text)
        != NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_http_notify_json_set_string(form->document, "apiKey", &text);
}


/* the profile and the mode say later whether it can be used */

ngx_int_t
ngx_http_notify_subscription_members_secret(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value)
{
    if (ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_NULL) {
        return NGX_OK;
    }

    if (ngx_http_notify_subscription_form_text(form->invalid, name, value,
            NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_KEY, &form->secret)
        == NGX_OK
        && form->secret.len == 0)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "cannot be used: the secret must have 1 "
                                    "to 512 bytes");
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_subscription_members_signature(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value)
{
    ngx_str_t  text;

    if (ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_NULL) {
        return NGX_OK;
    }

    text = ngx_http_notify_json_string(value);

    if ((text.len == 7 && ngx_strncmp(text.data, "ed25519", 7) == 0)
        || (text.len == 4 && ngx_strncmp(text.data, "hmac", 4) == 0))
    {
        form->signature = text;
        return NGX_OK;
    }

    ngx_http_notify_invalid_add(form->invalid, name,
                                "must be \"ed25519\" or \"hmac\"");
    return NGX_OK;
}


ngx_int_t
ngx_http_notify_subscription_members_name(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value)
{
    ngx_str_t  text;

    if (ngx_http_notify_subscription_form_text(form->invalid, name, value,
            NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_NAME, &text)
        != NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_http_notify_json_set_string(form->document, "name", &text);
}


ngx_int_t
ngx_http_notify_subscription_members_profile(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value)
{
    ngx_str_t  text;

    if (ngx_http_notify_subscription_form_text(form->invalid, name, value,
            NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_NAME, &text)
        != NGX_OK)
    {
        return NGX_OK;
    }

    if (text.len == 0
        || ngx_http_notify_channel_profile(form->channel, &text) == NULL)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "is not a profile of this channel");
        return NGX_OK;
    }

    return ngx_http_notify_json_set_string(form->document, "profile", &text);
}


ngx_int_t
ngx_http_notify_subscription_members_filter(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value)
{
    ngx_str_t                  text, pointer, prefix;
    ngx_uint_t                 i, n;
    const char                *reason;
    const ngx_str_t           *attribute;
    ngx_http_notify_filter_t  *filter;

    if (ngx_http_notify_json_dump(form->pool, value, 0, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    reason = NULL;
    ngx_str_null(&pointer);

    filter = ngx_http_notify_filter_compile_new(form->pool, &text, &reason,
                                                &pointer);
    if (filter == NULL) {
        if (reason == NULL) {
            return NGX_ERROR;
        }

        prefix = form->invalid->prefix;

        form->invalid->prefix.len = 1 + name->len + pointer.len;
        form->invalid->prefix.data = ngx_pnalloc(form->pool,
                                             form->invalid->prefix.len);
        if (form->invalid->prefix.data == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_sprintf(form->invalid->prefix.data, "/%V%V", name,
                           &pointer);

        ngx_http_notify_invalid_add(form->invalid, NULL, "%s", reason);

        form->invalid->prefix = prefix;

        return NGX_OK;
    }

    for (i = 0; /* void */ ; i++) {
        n = i;

        attribute = ngx_http_notify_filter_attributes(filter, &n);
        if (attribute == NULL) {
            break;
        }

        if (!ngx_http_notify_channel_attribute(form->channel, attribute)) {
            ngx_http_notify_invalid_add(form->invalid, name,
                                        "begins a path with \"%V\", which no "
                                        "event has", attribute);
            return NGX_OK;
        }
    }

    value = ngx_http_notify_json_copy(form->pool, value);
    if (value == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_notify_json_set(form->document, "filter", value);
}


/* "10r/s", "30r/m", or a number a second; stored per 1,000 seconds */

ngx_int_t
ngx_http_notify_subscription_members_rate(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value)
{
    double     d;
    int64_t    rate;
    ngx_int_t  n;
    ngx_str_t  text;

    rate = 0;

    if (ngx_http_notify_json_real(value, &d) == NGX_OK) {

        if (d > 0 && d <= NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_RATE) {
            rate = (int64_t) (d * 1000 + 0.5);
        }

    } else if (ngx_http_notify_json_type(value)
               == NGX_HTTP_NOTIFY_JSON_STRING)
    {
        text = ngx_http_notify_json_string(value);

        if (text.len > 3) {
            n = ngx_atoi(text.data, text.len - 3);

            if (n > 0 && n <= NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_RATE) {

                if (ngx_strncmp(text.data + text.len - 3, "r/s", 3) == 0) {
                    rate = (int64_t) n * 1000;

                } else if (ngx_strncmp(text.data + text.len - 3, "r/m", 3)
                           == 0)
                {
                    rate = ((int64_t) n * 1000 + 30) / 60;
                }
            }
        }
    }

    if (rate == 0) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be like \"10r/s\" or \"30r/m\", or "
                                    "a number per second");
        return NGX_OK;
    }

    return ngx_http_notify_json_set_integer(form->document, "rate", rate);
}


ngx_int_t
ngx_http_notify_subscription_members_in_flight(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value)
{
    int64_t  n;

    if (ngx_http_notify_json_integer(value, &n) != NGX_OK
        || n < 1
        || n > NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_IN_FLIGHT)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be an integer from 1 to %d",
                                NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_IN_FLIGHT);
        return NGX_OK;
    }

    return ngx_http_notify_json_set_integer(form->document, "inFlight", n);
}


ngx_int_t
ngx_http_notify_subscription_members_enabled(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value)
{
    ngx_uint_t                   enabled;
    ngx_http_notify_json_kind_e  kind;

    kind = ngx_http_notify_json_type(value);

    if (kind != NGX_HTTP_NOTIFY_JSON_TRUE
        && kind != NGX_HTTP_NOTIFY_JSON_FALSE
        && kind != NGX_HTTP_NOTIFY_JSON_NULL)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be true or false");
        return NGX_OK;
    }

    enabled = (kind != NGX_HTTP_NOTIFY_JSON_FALSE);

    if (ngx_http_notify_subscription_form_enabled(form->document) == enabled)
    {
        return NGX_OK;
    }

    return ngx_http_notify_subscription_form_enable(form->document, enabled);
}
