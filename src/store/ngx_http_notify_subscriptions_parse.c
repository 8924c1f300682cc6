/*
 * From the document of a subscription to the structure, which lives in a pool
 * of its own with the document beside it.
 * Must not judge what a client sends: only that nothing is missing or strange.
 */

#include "ngx_http_notify_seal.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_subscriptions.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SUBSCRIPTIONS_PARSE_POOL  1024


/* a member of the document and of the structure */
typedef struct {
    const char              *name;
    size_t                   offset;
} ngx_http_notify_subscriptions_parse_member_t;


typedef struct {
    const char              *name;
    ngx_http_notify_mode_e   mode;
} ngx_http_notify_subscriptions_parse_mode_t;


static ngx_int_t ngx_http_notify_subscriptions_parse_members(
    ngx_http_notify_subscription_t *s);
static ngx_int_t ngx_http_notify_subscriptions_parse_mode(
    ngx_http_notify_subscription_t *s);
static ngx_int_t ngx_http_notify_subscriptions_parse_events(
    ngx_http_notify_subscription_t *s);
static ngx_int_t ngx_http_notify_subscriptions_parse_secrets(
    ngx_http_notify_subscription_t *s);
static ngx_int_t ngx_http_notify_subscriptions_parse_pairs(
    ngx_http_notify_subscription_t *s, const char *name, ngx_uint_t *n,
    ngx_keyval_t **pairs);
static ngx_int_t ngx_http_notify_subscriptions_parse_text(
    ngx_http_notify_subscription_t *s, const char *name, ngx_str_t *text);
static ngx_str_t ngx_http_notify_subscriptions_parse_string(
    const ngx_http_notify_json_t *object, const char *name);
static uint64_t ngx_http_notify_subscriptions_parse_number(
    const ngx_http_notify_json_t *object, const char *name);


#define ngx_http_notify_subscriptions_parse_at(s, offset, type)               \
    (*(type *) ((u_char *) (s) + (offset)))

static const ngx_http_notify_subscriptions_parse_member_t
    ngx_http_notify_subscriptions_parse_strings[] =
{
    { "id",        offsetof(ngx_http_notify_subscription_t, id) },
    { "tenant",    offsetof(ngx_http_notify_subscription_t, tenant) },
    { "url",       offsetof(ngx_http_notify_subscription_t, url) },
    { "apiKey",    offsetof(ngx_http_notify_subscription_t, api_key) },
    { "name",      offsetof(ngx_http_notify_subscription_t, name) },
    { "profile",   offsetof(ngx_http_notify_subscription_t, profile) },
    { "provider",  offsetof(ngx_http_notify_subscription_t, provider) },
    { "reason",    offsetof(ngx_http_notify_subscription_t, reason) },
    { NULL, 0 }
};

/* of any type, kept as JSON text */
static const ngx_http_notify_subscriptions_parse_member_t
    ngx_http_notify_subscriptions_parse_texts[] =
{
    { "entityTypeID",
                   offsetof(ngx_http_notify_subscription_t, entity_type_id) },
    { "filter",    offsetof(ngx_http_notify_subscription_t, filter) },
    { NULL, 0 }
};

static const ngx_http_notify_subscriptions_parse_mode_t
    ngx_http_notify_subscriptions_parse_modes[] =
{
    { "webhook",   NGX_HTTP_NOTIFY_MODE_WEBHOOK },
    { "sync",      NGX_HTTP_NOTIFY_MODE_SYNC },
    { "iframe",    NGX_HTTP_NOTIFY_MODE_IFRAME },
    { NULL, NGX_HTTP_NOTIFY_MODE_WEBHOOK }
};


ngx_http_notify_json_t *
ngx_http_notify_subscriptions_document(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *text,
    uint64_t *version, ngx_http_notify_json_error_t *error)
{
    off_t                    n;
    u_char                  *p;
    ngx_str_t                json;
    ngx_http_notify_json_t  *document;

    error->reason = "no version before it";

    p = ngx_strlchr(text->data, text->data + text->len, ' ');
    if (p == NULL) {
        return NULL;
    }

    n = ngx_atoof(text->data, p - text->data);
    if (n == NGX_ERROR) {
        return NULL;
    }

    *version = n;

    json.data = p + 1;
    json.len = text->data + text->len - json.data;

    document = ngx_http_notify_json_parse(pool, &json, error);

    if (document && keys
        && ngx_http_notify_seal_open(pool, keys, document) != NGX_OK)
    {
        error->reason = "no memory to decrypt it";
        return NULL;
    }

    return document;
}


ngx_http_notify_subscription_t *
ngx_http_notify_subscriptions_parse(const ngx_http_notify_keys_t *keys,
    const ngx_str_t *text, ngx_log_t *log)
{
    ngx_str_t                        id;
    ngx_pool_t                      *pool;
    ngx_http_notify_json_error_t     error;
    ngx_http_notify_subscription_t  *s;

    s = ngx_http_notify_memory_pool(&pool,
                                    NGX_HTTP_NOTIFY_SUBSCRIPTIONS_PARSE_POOL,
                                    sizeof(ngx_http_notify_subscription_t),
                                    log);
    if (s == NULL) {
        return NULL;
    }

    s->pool = pool;
    s->document = ngx_http_notify_subscriptions_document(pool, keys, text,
                                                         &s->version, &error);
    if (s->document == NULL) {
        goto invalid;
    }

    s->unreadable = ngx_http_notify_seal_reason(s->document);

    switch (ngx_http_notify_subscriptions_parse_members(s)) {

    case NGX_OK:
        return s;

    case NGX_DECLINED:
        error.reason = "id, url, events or mode is not as it should be";
        goto invalid;

    default:
        goto failed;
    }

invalid:

    id = ngx_http_notify_json_get_string(s->document, "id");

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "notify subscriptions: the document of \"%V\" was skipped: "
                  "%s", &id, error.reason);

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


static ngx_int_t
ngx_http_notify_subscriptions_parse_members(ngx_http_notify_subscription_t *s)
{
    ngx_int_t                                            rc;
    ngx_http_notify_json_t                              *json;
    const ngx_http_notify_subscriptions_parse_member_t  *m;

    json = s->document;

    for (m = ngx_http_notify_subscriptions_parse_strings; m->name; m++) {
        ngx_http_notify_subscriptions_parse_at(s, m->offset, ngx_str_t) =
            ngx_http_notify_subscriptions_parse_string(json, m->name);
    }

    if (s->id.len == 0 || (s->url.len == 0 && s->provider.len == 0)) {
        return NGX_DECLINED;
    }

    for (m = ngx_http_notify_subscriptions_parse_texts; m->name; m++) {
        rc = ngx_http_notify_subscriptions_parse_text(s, m->name,
                 &ngx_http_notify_subscriptions_parse_at(s, m->offset,
                                                         ngx_str_t));
        if (rc != NGX_OK) {
            return rc;
        }
    }

    s->rate = ngx_http_notify_subscriptions_parse_number(json, "rate");
    s->in_flight = ngx_http_notify_subscriptions_parse_number(json,
                                                              "inFlight");
    s->paused_until = ngx_http_notify_subscriptions_paused(json);
    s->created = ngx_http_notify_subscriptions_parse_number(json, "createdAt");
    s->updated = ngx_http_notify_subscriptions_parse_number(json, "updatedAt");

    s->internal = (ngx_http_notify_json_type(
                       ngx_http_notify_json_get(json, "internal"))
                   == NGX_HTTP_NOTIFY_JSON_TRUE);

    s->enabled = ngx_http_notify_subscriptions_enabled(json)
                 && !ngx_http_notify_subscriptions_unconfirmed(json);
    s->allowed_rate = ngx_http_notify_subscriptions_parse_number(json,
                                                             "allowedRate");

    rc = ngx_http_notify_subscriptions_parse_mode(s);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_subscriptions_parse_events(s);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_subscriptions_parse_secrets(s);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_subscriptions_parse_pairs(s, "attributes",
                 &s->nattributes, &s->attributes);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_subscriptions_parse_pairs(s, "headers",
                 &s->nheaders, &s->headers);
    }

    return rc;
}


ngx_uint_t
ngx_http_notify_subscriptions_unconfirmed(
    const ngx_http_notify_json_t *document)
{
    return ngx_http_notify_json_type(
               ngx_http_notify_json_get(document, "unconfirmed"))
           == NGX_HTTP_NOTIFY_JSON_TRUE;
}


uint64_t
ngx_http_notify_subscriptions_paused(const ngx_http_notify_json_t *document)
{
    ngx_http_notify_json_t  *value;

    value = ngx_http_notify_json_get(document, "pausedUntil");

    if (value
        && ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_NULL)
    {
        return NGX_HTTP_NOTIFY_SUBSCRIPTIONS_FOREVER;
    }

    return ngx_http_notify_subscriptions_parse_number(document,
                                                      "pausedUntil");
}


ngx_uint_t
ngx_http_notify_subscriptions_enabled(const ngx_http_notify_json_t *document)
{
    ngx_str_t  reason;

    if (ngx_http_notify_json_type(ngx_http_notify_json_get(document,
                                                           "enabled"))
        != NGX_HTTP_NOTIFY_JSON_FALSE)
    {
        return 1;
    }

    reason = ngx_http_notify_subscriptions_parse_string(document, "reason");

    return ngx_http_notify_text_is(&reason, "profile");
}


static ngx_int_t
ngx_http_notify_subscriptions_parse_mode(ngx_http_notify_subscription_t *s)
{
    ngx_str_t                                          mode;
    const ngx_http_notify_subscriptions_parse_mode_t  *m;

    mode = ngx_http_notify_subscriptions_parse_string(s->document, "mode");

    if (mode.len == 0) {
        return NGX_OK;
    }

    for (m = ngx_http_notify_subscriptions_parse_modes; m->name; m++) {
        if (ngx_http_notify_text_is(&mode, m->name)) {
            s->mode = m->mode;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_notify_subscriptions_parse_events(ngx_http_notify_subscription_t *s)
{
    ngx_str_t                name;
    ngx_uint_t               i, n;
    ngx_http_notify_json_t  *array;

    array = ngx_http_notify_json_get(s->document, "events");

    if (array == NULL
        || ngx_http_notify_json_type(array) != NGX_HTTP_NOTIFY_JSON_ARRAY)
    {
        return NGX_DECLINED;
    }

    n = ngx_http_notify_json_size(array);

    if (n == 0) {
        return NGX_DECLINED;
    }

    s->events = ngx_palloc(s->pool, n * sizeof(ngx_str_t));
    if (s->events == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        name = ngx_http_notify_json_string(ngx_http_notify_json_at(array, i));

        if (name.len == 0) {
            return NGX_DECLINED;
        }

        s->events[s->nevents++] = name;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_subscriptions_parse_secrets(ngx_http_notify_subscription_t *s)
{
    ngx_str_t                  text;
    ngx_uint_t                 i, n;
    ngx_http_notify_json_t    *array, *element;
    ngx_http_notify_secret_t  *secret;

    array = ngx_http_notify_json_get(s->document, "secrets");

    if (array == NULL
        || ngx_http_notify_json_type(array) != NGX_HTTP_NOTIFY_JSON_ARRAY)
    {
        return NGX_OK;
    }

    n = ngx_http_notify_json_size(array);

    if (n == 0) {
        return NGX_OK;
    }

    s->secrets = ngx_palloc(s->pool, n * sizeof(ngx_http_notify_secret_t));
    if (s->secrets == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        element = ngx_http_notify_json_at(array, i);

        text = ngx_http_notify_subscriptions_parse_string(element, "text");

        if (text.len == 0) {
            continue;
        }

        secret = &s->secrets[s->nsecrets++];

        secret->text = text;
        secret->standard = ngx_http_notify_json_type(
                               ngx_http_notify_json_get(element, "standard"))
                           == NGX_HTTP_NOTIFY_JSON_TRUE;
        secret->expires = ngx_http_notify_subscriptions_parse_number(element,
                                                               "expires");
    }

    return NGX_OK;
}


/* the members of an object whose values are strings */

static ngx_int_t
ngx_http_notify_subscriptions_parse_pairs(ngx_http_notify_subscription_t *s,
    const char *name, ngx_uint_t *n, ngx_keyval_t **pairs)
{
    void                    *cursor;
    ngx_str_t                key;
    ngx_array_t              array;
    ngx_keyval_t            *pair;
    ngx_http_notify_json_t  *object, *value;

    object = ngx_http_notify_json_get(s->document, name);

    if (object == NULL
        || ngx_http_notify_json_type(object) != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        return NGX_OK;
    }

    if (ngx_array_init(&array, s->pool, 4, sizeof(ngx_keyval_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    cursor = NULL;

    for ( ;; ) {
        value = ngx_http_notify_json_member(object, &cursor, &key);

        if (value == NULL) {
            break;
        }

        if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_STRING) {
            continue;
        }

        pair = ngx_array_push(&array);
        if (pair == NULL) {
            return NGX_ERROR;
        }

        pair->key = key;
        pair->value = ngx_http_notify_json_string(value);
    }

    *n = array.nelts;
    *pairs = array.elts;

    return NGX_OK;
}


/* a member of any type as JSON text; null is absent */

static ngx_int_t
ngx_http_notify_subscriptions_parse_text(ngx_http_notify_subscription_t *s,
    const char *name, ngx_str_t *text)
{
    ngx_http_notify_json_t  *value;

    value = ngx_http_notify_json_get(s->document, name);

    if (value == NULL
        || ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_NULL)
    {
        return NGX_OK;
    }

    return ngx_http_notify_json_dump(s->pool, value, 0, text);
}


static ngx_str_t
ngx_http_notify_subscriptions_parse_string(
    const ngx_http_notify_json_t *object, const char *name)
{
    ngx_str_t                empty;
    ngx_http_notify_json_t  *value;

    value = ngx_http_notify_json_get(object, name);

    if (value == NULL) {
        ngx_str_null(&empty);
        return empty;
    }

    return ngx_http_notify_json_string(value);
}


static uint64_t
ngx_http_notify_subscriptions_parse_number(
    const ngx_http_notify_json_t *object, const char *name)
{
    int64_t                  n;
    ngx_http_notify_json_t  *value;

    value = ngx_http_notify_json_get(object, name);

    if (value == NULL
        || ngx_http_notify_json_integer(value, &n) != NGX_OK
        || n < 0)
    {
        return 0;
    }

    return n;
}
