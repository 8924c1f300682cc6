/*
 * The members of a subscription that stand in place of directives of its
 * profile: taken where that has them in `customize`.
 */

#include "ngx_http_notify_custom.h"
#include "ngx_http_notify_guard.h"
#include "ngx_http_notify_subscription_form.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_tls.h"


#define NGX_HTTP_NOTIFY_SUBSCRIPTION_CUSTOM_TLS  (32 * 1024)


/* a member that is an object of texts, one of which is write-only */
typedef struct {
    const char  **members;
    const char   *list;         /* of these, as a phrase */
    const char   *secret;
    const char  **bound;        /* while these are the same it stays */
    ngx_int_t   (*usable)(ngx_http_notify_subscription_form_t *form,
                          const ngx_http_notify_profile_t *profile,
                          const ngx_http_notify_json_t *json);
} ngx_http_notify_subscription_object_t;


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
static ngx_int_t ngx_http_notify_subscription_custom_object(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value,
    const ngx_http_notify_subscription_object_t *object);
static ngx_int_t ngx_http_notify_subscription_custom_prefix(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name);
static ngx_http_notify_json_t *ngx_http_notify_subscription_custom_merged(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    ngx_http_notify_json_t *value,
    const ngx_http_notify_subscription_object_t *object);
static ngx_int_t ngx_http_notify_subscription_custom_text(
    ngx_http_notify_subscription_form_t *form, ngx_http_notify_json_t *json,
    const ngx_str_t *name, const ngx_http_notify_json_t *value,
    const ngx_http_notify_subscription_object_t *object);
static ngx_int_t ngx_http_notify_subscription_custom_granted(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_profile_t *profile,
    const ngx_http_notify_json_t *json);
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

    text = ngx_http_notify_json_get_string(form->document, "profile");

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
        form->body = 1;
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
    static const char  *members[] = { "ca", "certificate", "key",
                                      "serverName", NULL };
    static const char  *bound[] = { "certificate", NULL };

    static const ngx_http_notify_subscription_object_t  object = {
        members, "ca, certificate, key and serverName", "key", bound,
        ngx_http_notify_subscription_custom_usable
    };

    form->tls = 1;

    return ngx_http_notify_subscription_custom_object(form, member, name,
                                                      value, &object);
}


ngx_int_t
ngx_http_notify_subscription_custom_oauth2(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    static const char  *members[] = { "tokenUrl", "clientId", "clientSecret",
                                      "scope", "audience", NULL };
    static const char  *bound[] = { "tokenUrl", "clientId", NULL };

    static const ngx_http_notify_subscription_object_t  object = {
        members, "tokenUrl, clientId, clientSecret, scope and audience",
        "clientSecret", bound, ngx_http_notify_subscription_custom_granted
    };

    form->oauth2 = 1;

    return ngx_http_notify_subscription_custom_object(form, member, name,
                                                      value, &object);
}


static ngx_int_t
ngx_http_notify_subscription_custom_object(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value,
    const ngx_http_notify_subscription_object_t *object)
{
    ngx_int_t                         rc;
    ngx_str_t                         prefix;
    ngx_uint_t                        n;
    ngx_http_notify_json_t           *json;
    const ngx_http_notify_profile_t  *profile;

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

    if (ngx_http_notify_subscription_custom_prefix(form, name) != NGX_OK) {
        return NGX_ERROR;
    }

    json = ngx_http_notify_subscription_custom_merged(form, member, value,
                                                      object);
    rc = json ? NGX_OK : NGX_ERROR;

    if (json && ngx_http_notify_invalid_n(form->invalid) == n) {
        rc = object->usable(form, profile, json);

        if (rc == NGX_OK) {
            rc = ngx_http_notify_json_set(form->document, member->stored,
                                          json);
        }
    }

    form->invalid->prefix = prefix;

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* of pointers to the members of that one */

static ngx_int_t
ngx_http_notify_subscription_custom_prefix(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name)
{
    u_char  *p;

    p = ngx_pnalloc(form->pool, 1 + name->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    form->invalid->prefix.data = p;
    form->invalid->prefix.len = 1 + name->len;

    *p++ = '/';
    ngx_memcpy(p, name->data, name->len);

    return NGX_OK;
}


/*
 * A PATCH changes what it has.  The secret is not shown: it stays with what it
 * is for.  NULL: memory.
 */

static ngx_http_notify_json_t *
ngx_http_notify_subscription_custom_merged(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    ngx_http_notify_json_t *value,
    const ngx_http_notify_subscription_object_t *object)
{
    void                     *cursor;
    ngx_str_t                 name, text, old;
    const char              **bound;
    ngx_http_notify_json_t   *json, *stored, *given;

    stored = ngx_http_notify_json_get(form->document, member->stored);

    json = (stored && form->merge)
           ? ngx_http_notify_json_copy(form->pool, stored)
           : ngx_http_notify_json_new_object(form->pool);

    if (json == NULL
        || (ngx_http_notify_json_get_nocase(value, object->secret) == NULL
            && ngx_http_notify_json_remove(json, object->secret) != NGX_OK))
    {
        return NULL;
    }

    cursor = NULL;

    for ( ;; ) {
        given = ngx_http_notify_json_member(value, &cursor, &name);

        if (given == NULL) {
            break;
        }

        if (ngx_http_notify_subscription_custom_text(form, json, &name, given,
                                                     object)
            != NGX_OK)
        {
            return NULL;
        }
    }

    if (stored == NULL
        || ngx_http_notify_json_get_nocase(value, object->secret))
    {
        return json;
    }

    for (bound = object->bound; *bound; bound++) {
        text = ngx_http_notify_json_get_string(json, *bound);
        old = ngx_http_notify_json_get_string(stored, *bound);

        if (text.len == 0 || !ngx_http_notify_text_equal(&text, &old)) {
            return json;
        }
    }

    text = ngx_http_notify_json_get_string(stored, object->secret);

    return ngx_http_notify_json_set_string(json, object->secret, &text)
           == NGX_OK ? json : NULL;
}


static ngx_int_t
ngx_http_notify_subscription_custom_text(
    ngx_http_notify_subscription_form_t *form, ngx_http_notify_json_t *json,
    const ngx_str_t *name, const ngx_http_notify_json_t *value,
    const ngx_http_notify_subscription_object_t *object)
{
    ngx_str_t     text;
    const char  **member;

    for (member = object->members; *member; member++) {
        if (ngx_http_notify_text_is_nocase(name, *member)) {
            break;
        }
    }

    if (*member == NULL) {
        ngx_http_notify_invalid_add(form->invalid, name, "is none of %s",
                                    object->list);
        return NGX_OK;
    }

    if (ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_NULL) {
        return ngx_http_notify_json_remove(json, *member);
    }

    text = ngx_http_notify_json_string(value);

    if (text.len == 0 || text.len > NGX_HTTP_NOTIFY_SUBSCRIPTION_CUSTOM_TLS) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be a text of 1 to %d bytes",
                                    NGX_HTTP_NOTIFY_SUBSCRIPTION_CUSTOM_TLS);
        return NGX_OK;
    }

    return ngx_http_notify_json_set_string(json, *member, &text);
}


/* its token endpoint is an address as any other */

static ngx_int_t
ngx_http_notify_subscription_custom_granted(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_profile_t *profile,
    const ngx_http_notify_json_t *json)
{
    size_t                        len;
    ngx_int_t                     rc;
    ngx_str_t                     text, name;
    const char                  **member, *reason;
    ngx_http_notify_guard_url_t   url;

    static const char  *needed[] = { "tokenUrl", "clientId", "clientSecret",
                                     NULL };

    for (member = needed; *member; member++) {
        text = ngx_http_notify_json_get_string(json, *member);
        if (text.len == 0) {
            name = ngx_http_notify_text(*member);

            ngx_http_notify_invalid_add(form->invalid, &name, "is missing");
            return NGX_DECLINED;
        }
    }

    text = ngx_http_notify_json_get_string(json, "tokenUrl");
    reason = NULL;

    rc = ngx_http_notify_guard_url(form->pool, &text, &profile->call.guard,
                                   &url, &reason);

    if (rc == NGX_DECLINED) {

        if (reason == NULL) {
            reason = "invalid";
        }

        len = ngx_http_notify_json_get(form->document, "tenant")
              ? ngx_http_notify_guard_public(reason) : ngx_strlen(reason);

        ngx_str_set(&name, "tokenUrl");
        ngx_http_notify_invalid_add(form->invalid, &name,
                                    "is not acceptable: %*s", len, reason);
    }

    return rc;
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
        name = ngx_http_notify_text(member);

        ngx_http_notify_invalid_add(form->invalid, &name, "%s", reason);
    }

    ngx_destroy_pool(pool);

    return rc;
}


ngx_int_t
ngx_http_notify_subscription_custom_kept(
    ngx_http_notify_subscription_form_t *form)
{
    if (form->merge) {
        return NGX_OK;
    }

    if (!form->tls
        && ngx_http_notify_json_remove(form->document, "tls") != NGX_OK)
    {
        return NGX_ERROR;
    }

    return form->oauth2 ? NGX_OK
                        : ngx_http_notify_json_remove(form->document,
                                                      "oauth2");
}


ngx_int_t
ngx_http_notify_subscription_custom_batch(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    ngx_int_t                         rc;
    ngx_str_t                         text, prefix;
    const char                       *part, *reason;
    ngx_http_notify_json_t           *json;
    const ngx_http_notify_profile_t  *profile;
    ngx_http_notify_batch_conf_t      batch;

    profile = ngx_http_notify_subscription_custom_profile(form, member, name);

    if (profile == NULL) {
        return NGX_OK;
    }

    /* a PATCH changes what it has */

    json = ngx_http_notify_json_get(form->document, member->stored);

    if (form->merge
        && ngx_http_notify_json_type(json) == NGX_HTTP_NOTIFY_JSON_OBJECT
        && ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        json = ngx_http_notify_json_copy(form->pool, json);

        if (json && ngx_http_notify_json_merge(json, value) != NGX_OK) {
            return NGX_ERROR;
        }

    } else {
        json = ngx_http_notify_json_copy(form->pool, value);
    }

    if (json == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_custom_batch(form->pool, &profile->call.payload.batch,
                                      json, &batch, &part, &reason);
    if (rc == NGX_OK) {
        form->body = 1;
        return ngx_http_notify_json_set(form->document, member->stored, json);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (part == NULL) {
        ngx_http_notify_invalid_add(form->invalid, name, "%s", reason);
        return NGX_OK;
    }

    prefix = form->invalid->prefix;

    if (ngx_http_notify_subscription_custom_prefix(form, name) != NGX_OK) {
        return NGX_ERROR;
    }

    text = ngx_http_notify_text(part);

    ngx_http_notify_invalid_add(form->invalid, &text, "%s", reason);

    form->invalid->prefix = prefix;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_subscription_custom_together(
    ngx_http_notify_subscription_form_t *form)
{
    ngx_str_t                         text;
    const char                       *reason;
    const ngx_http_notify_profile_t  *profile;
    ngx_http_notify_payload_conf_t    payload;

    text = ngx_http_notify_json_get_string(form->document, "profile");

    profile = ngx_http_notify_channel_profile(form->channel, &text);

    if (!form->body || profile == NULL) {
        return NGX_OK;
    }

    switch (ngx_http_notify_custom_body(form->pool, &profile->call,
                                        form->document, &payload, &reason))
    {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return NGX_OK;

    default:
        return NGX_ERROR;
    }

    if (reason) {
        ngx_str_set(&text, "payload");

        if (ngx_http_notify_json_get(form->document, "batch")) {
            ngx_str_set(&text, "batch");
        }

        ngx_http_notify_invalid_add(form->invalid, &text,
                                    "a batch does not go with %s", reason);
    }

    return NGX_OK;
}
