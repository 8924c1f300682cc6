/*
 * The members of a subscription that stand in place of directives of its
 * profile: taken where that has them in `customize`.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_custom.h"
#include "ngx_http_notify_subscription_form.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_tls.h"


#define NGX_HTTP_NOTIFY_SUBSCRIPTION_CUSTOM_TLS  (32 * 1024)


static const ngx_http_notify_profile_t *
    ngx_http_notify_subscription_custom_profile(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name);
static ngx_uint_t ngx_http_notify_subscription_custom_attribute(
    const void *data, const ngx_str_t *name);
static ngx_int_t ngx_http_notify_subscription_custom_copy(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    ngx_http_notify_json_t *value);
static ngx_http_notify_json_t *ngx_http_notify_subscription_custom_merged(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
static ngx_int_t ngx_http_notify_subscription_custom_text(
    ngx_http_notify_subscription_form_t *form, ngx_http_notify_json_t *tls,
    const ngx_str_t *name, const ngx_http_notify_json_t *value);
static ngx_int_t ngx_http_notify_subscription_custom_usable(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_profile_t *profile,
    const ngx_http_notify_json_t *json);


/* NULL: it may not be set, as is noted; or the profile is wrong itself */

static const ngx_http_notify_profile_t *
ngx_http_notify_subscription_custom_profile(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name)
{
    ngx_str_t                         text;
    const ngx_http_notify_profile_t  *profile;

    text = ngx_http_notify_json_string(
               ngx_http_notify_json_get(form->document, "profile"));

    profile = ngx_http_notify_channel_profile(form->channel, &text);

    if (profile && !(profile->call.customize & member->max)) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "cannot be set: the profile has no "
                                    "\"customize %s\"", member->name);
        return NULL;
    }

    return profile;
}


ngx_int_t
ngx_http_notify_subscription_custom_payload(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    const char                       *reason;
    ngx_http_notify_json_kind_e       kind;
    const ngx_http_notify_profile_t  *profile;
    ngx_http_notify_payload_conf_t    payload;

    profile = ngx_http_notify_subscription_custom_profile(form, member, name);

    if (profile == NULL) {
        return NGX_OK;
    }

    kind = ngx_http_notify_json_type(value);

    if (kind != NGX_HTTP_NOTIFY_JSON_STRING
        && kind != NGX_HTTP_NOTIFY_JSON_OBJECT
        && kind != NGX_HTTP_NOTIFY_JSON_ARRAY)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be \"raw\", \"cloudevents\", "
                                    "\"cloudevents binary\" or a template");
        return NGX_OK;
    }

    reason = NULL;

    switch (ngx_http_notify_custom_payload(form->pool, &profile->call.payload,
                value, ngx_http_notify_subscription_custom_attribute,
                form->channel, &payload, &reason))
    {

    case NGX_OK:
        return ngx_http_notify_subscription_custom_copy(form, member, value);

    case NGX_DECLINED:
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be \"raw\", \"cloudevents\", "
                                    "\"cloudevents binary\" or a template: "
                                    "%s", reason);
        return NGX_OK;

    default:
        return NGX_ERROR;
    }
}


static ngx_uint_t
ngx_http_notify_subscription_custom_attribute(const void *data,
    const ngx_str_t *name)
{
    return ngx_http_notify_channel_attribute(data, name) != NULL;
}


ngx_int_t
ngx_http_notify_subscription_custom_retry(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    uint64_t    ms;
    ngx_uint_t  i, n;

    if (ngx_http_notify_subscription_custom_profile(form, member, name)
        == NULL)
    {
        return NGX_OK;
    }

    n = ngx_http_notify_json_size(value);

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_ARRAY) {
        n = 0;
    }

    for (i = 0; i < n; i++) {
        if (ngx_http_notify_custom_time(ngx_http_notify_json_at(value, i),
                                        &ms)
            != NGX_OK)
        {
            n = 0;
        }
    }

    if (n == 0 || n > NGX_HTTP_NOTIFY_BACKOFF_STEPS) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be 1 to %d times of 1ms to 365d, "
                                    "like [\"5s\",\"1m\"]",
                                    NGX_HTTP_NOTIFY_BACKOFF_STEPS);
        return NGX_OK;
    }

    return ngx_http_notify_subscription_custom_copy(form, member, value);
}


ngx_int_t
ngx_http_notify_subscription_custom_timeout(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    uint64_t                          ms;
    const ngx_http_notify_profile_t  *profile;

    profile = ngx_http_notify_subscription_custom_profile(form, member, name);

    if (profile == NULL) {
        return NGX_OK;
    }

    if (ngx_http_notify_custom_time(value, &ms) != NGX_OK
        || ms > profile->call.timeout)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be a time like \"10s\", at most the "
                                    "profile's %Mms", profile->call.timeout);
        return NGX_OK;
    }

    return ngx_http_notify_subscription_custom_copy(form, member, value);
}


static ngx_int_t
ngx_http_notify_subscription_custom_copy(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    ngx_http_notify_json_t *value)
{
    value = ngx_http_notify_json_copy(form->pool, value);

    if (value == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_notify_json_set(form->document, member->stored, value);
}


ngx_int_t
ngx_http_notify_subscription_custom_tls(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    ngx_int_t                         rc;
    ngx_str_t                         prefix;
    ngx_uint_t                        n;
    ngx_http_notify_json_t           *tls;
    const ngx_http_notify_profile_t  *profile;

    form->tls = 1;

    profile = ngx_http_notify_subscription_custom_profile(form, member, name);

    if (profile == NULL) {
        return NGX_OK;
    }

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be an object");
        return NGX_OK;
    }

    prefix = form->invalid->prefix;
    n = ngx_http_notify_invalid_n(form->invalid);

    form->invalid->prefix.len = 1 + name->len;
    form->invalid->prefix.data = ngx_pnalloc(form->pool, 1 + name->len);

    if (form->invalid->prefix.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(form->invalid->prefix.data, "/%V", name);

    tls = ngx_http_notify_subscription_custom_merged(form, name, value);

    rc = NGX_ERROR;

    if (tls && ngx_http_notify_invalid_n(form->invalid) == n) {
        rc = ngx_http_notify_subscription_custom_usable(form, profile, tls);

        if (rc == NGX_OK) {
            rc = ngx_http_notify_json_set(form->document, member->stored, tls);
        }

    } else if (tls) {
        rc = NGX_DECLINED;
    }

    form->invalid->prefix = prefix;

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/*
 * A PATCH changes what it has.  The key is not shown: it stays with its
 * certificate.  NULL: memory.
 */

static ngx_http_notify_json_t *
ngx_http_notify_subscription_custom_merged(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value)
{
    void                    *cursor;
    ngx_str_t                member, text, old;
    ngx_http_notify_json_t  *tls, *stored, *given;

    stored = ngx_http_notify_json_get(form->document, "tls");

    tls = (stored && form->merge)
          ? ngx_http_notify_json_copy(form->pool, stored)
          : ngx_http_notify_json_new_object(form->pool);

    if (tls == NULL) {
        return NULL;
    }

    cursor = NULL;

    for ( ;; ) {
        given = ngx_http_notify_json_member(value, &cursor, &member);

        if (given == NULL) {
            break;
        }

        if (ngx_http_notify_subscription_custom_text(form, tls, &member,
                                                     given)
            != NGX_OK)
        {
            return NULL;
        }
    }

    text = ngx_http_notify_json_string(
               ngx_http_notify_json_get(tls, "certificate"));
    old = ngx_http_notify_json_string(
              ngx_http_notify_json_get(stored, "certificate"));

    if (stored == NULL || text.len == 0
        || ngx_http_notify_json_get_nocase(value, "key")
        || !ngx_http_notify_text_equal(&text, &old))
    {
        return tls;
    }

    text = ngx_http_notify_json_string(ngx_http_notify_json_get(stored,
                                                                "key"));

    return ngx_http_notify_json_set_string(tls, "key", &text) == NGX_OK
           ? tls : NULL;
}


static ngx_int_t
ngx_http_notify_subscription_custom_text(
    ngx_http_notify_subscription_form_t *form, ngx_http_notify_json_t *tls,
    const ngx_str_t *name, const ngx_http_notify_json_t *value)
{
    ngx_str_t     text;
    const char  **member;

    static const char  *members[] = { "ca", "certificate", "key",
                                      "serverName", NULL };

    for (member = members; *member; member++) {
        if (ngx_http_notify_text_is_nocase(name, *member)) {
            break;
        }
    }

    if (*member == NULL) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "is none of ca, certificate, key and "
                                    "serverName");
        return NGX_OK;
    }

    if (ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_NULL) {
        return ngx_http_notify_json_remove(tls, *member);
    }

    text = ngx_http_notify_json_string(value);

    if (text.len == 0 || text.len > NGX_HTTP_NOTIFY_SUBSCRIPTION_CUSTOM_TLS) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be a text of 1 to %d bytes",
                                    NGX_HTTP_NOTIFY_SUBSCRIPTION_CUSTOM_TLS);
        return NGX_OK;
    }

    return ngx_http_notify_json_set_string(tls, *member, &text);
}


static ngx_int_t
ngx_http_notify_subscription_custom_usable(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_profile_t *profile,
    const ngx_http_notify_json_t *json)
{
    ngx_int_t                      rc;
    ngx_str_t                      name;
    ngx_pool_t                    *pool;
    const char                    *member, *reason;
    ngx_http_notify_tls_t          tls;
    ngx_http_notify_call_state_t  *state;

    /* the context goes at once */

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, form->pool->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    ngx_http_notify_tls_read(json, &tls);

    rc = ngx_http_notify_tls_state(pool, &profile->call, &tls, &state, &member,
                                   &reason);
    if (rc == NGX_DECLINED) {
        name.data = (u_char *) member;
        name.len = ngx_strlen(member);

        ngx_http_notify_invalid_add(form->invalid, &name, "%s", reason);
    }

    ngx_destroy_pool(pool);

    return rc;
}


ngx_int_t
ngx_http_notify_subscription_custom_kept(
    ngx_http_notify_subscription_form_t *form)
{
    if (form->merge || form->tls) {
        return NGX_OK;
    }

    return ngx_http_notify_json_remove(form->document, "tls");
}
