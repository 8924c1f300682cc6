/*
 * One stored subscription: read, and written with the version that was read,
 * again when another writer came between.  Must not know why.
 */

#include "ngx_http_notify_api_subscriptions.h"
#include "ngx_http_notify_sync_registry.h"
#include "ngx_http_notify_subscription_form.h"
#include "ngx_http_notify_text.h"


/* how often a change is made again on what another writer has left */
#define NGX_HTTP_NOTIFY_API_STORED_WRITES  5


static ngx_uint_t ngx_http_notify_api_stored_tags(const ngx_str_t *tags);
static u_char *ngx_http_notify_api_stored_tag(u_char *p, u_char *last);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_stored_loaded;
static ngx_int_t ngx_http_notify_api_stored_take(
    ngx_http_notify_api_subscription_t *call,
    const ngx_http_notify_resp_t *resp);
static ngx_int_t ngx_http_notify_api_stored_field(ngx_pool_t *pool,
    const ngx_http_notify_resp_t *resp, ngx_uint_t i, ngx_str_t *text);
static void ngx_http_notify_api_stored_written(
    const ngx_http_notify_subscriptions_result_t *result, void *data);
static void ngx_http_notify_api_stored_settled(ngx_int_t rc, void *data);
static void ngx_http_notify_api_stored_changed(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_stored_named(
    ngx_http_notify_api_subscription_t *call, const ngx_str_t *other);


void
ngx_http_notify_api_stored_load(
    ngx_http_notify_api_subscription_t *call)
{
    ngx_http_notify_api_t  *api;

    api = call->api;
    api->data = call;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_subscriptions_get(
            api->channel->redis, &api->channel->keys, &call->id,
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api, ngx_http_notify_api_stored_loaded)));
}


static void
ngx_http_notify_api_stored_loaded(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_int_t                            rc;
    const char                          *reason;
    ngx_http_notify_api_subscription_t  *call;

    call = api->data;

    rc = ngx_http_notify_api_stored_take(call, resp);

    if (rc == NGX_ERROR) {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (rc == NGX_DECLINED) {

        if (api->method == NGX_HTTP_DELETE) {
            ngx_http_notify_api_send(api, NGX_HTTP_NO_CONTENT, NULL);
            return;
        }

        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    "there is no such subscription");
        return;
    }

    if (call->if_match.len
        && !ngx_http_notify_api_stored_match(&call->if_match,
                                                    call->version))
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_PRECONDITION_FAILED,
                                    "version_mismatch",
                                    "the subscription has changed since the "
                                    "version in If-Match");
        return;
    }

    reason = ngx_http_notify_seal_reason(call->document);

    if (reason && !(api->method & (NGX_HTTP_GET|NGX_HTTP_DELETE))) {

        /* what cannot be read would be lost in what is written */

        ngx_http_notify_api_problem(api, NGX_HTTP_CONFLICT, "unreadable",
                                    "the subscription cannot be changed or "
                                    "used, only deleted: %s", reason);
        return;
    }

    call->act(call);
}


ngx_int_t
ngx_http_notify_api_stored_if_match(ngx_http_notify_api_subscription_t *call)
{
    if (ngx_http_notify_api_request_header(call->api, "If-Match",
                                           &call->if_match)
        != NGX_OK
        || ngx_http_notify_api_stored_tags(&call->if_match))
    {
        return NGX_OK;
    }

    ngx_http_notify_api_problem(call->api, NGX_HTTP_BAD_REQUEST,
                                "invalid_parameter",
                                "If-Match must be an ETag as it was given "
                                "out, with its quotes, as \"1\"");
    return NGX_DECLINED;
}


/* RFC 9110, 13.1.1: "*", or entity tags with commas between them */

static ngx_uint_t
ngx_http_notify_api_stored_tags(const ngx_str_t *tags)
{
    u_char  *p, *last;

    p = tags->data;
    last = p + tags->len;

    if (tags->len == 1 && *p == '*') {
        return 1;
    }

    while ((p = ngx_http_notify_api_stored_tag(p, last)) != NULL) {

        if (*p != '"') {
            return 0;
        }

        p = ngx_strlchr(p + 1, last, '"');
        if (p == NULL) {
            return 0;
        }

        p++;
    }

    return 1;
}


/* where the next one begins, without its W/; NULL: there is none */

static u_char *
ngx_http_notify_api_stored_tag(u_char *p, u_char *last)
{
    while (p < last && (*p == ' ' || *p == '\t' || *p == ',')) {
        p++;
    }

    if (last - p > 2 && p[0] == 'W' && p[1] == '/') {
        p += 2;
    }

    return p < last ? p : NULL;
}


/* NGX_DECLINED: it does not exist for this tenant */

static ngx_int_t
ngx_http_notify_api_stored_take(
    ngx_http_notify_api_subscription_t *call,
    const ngx_http_notify_resp_t *resp)
{
    ngx_str_t                      tenant;
    ngx_pool_t                    *pool;
    ngx_http_notify_resp_t        *text;
    ngx_http_notify_json_error_t   error;

    pool = call->api->request->pool;

    text = ngx_http_notify_resp_at(resp, 0);

    if (text == NULL || text->type != NGX_HTTP_NOTIFY_RESP_STRING) {
        return NGX_DECLINED;
    }

    call->text.data = ngx_pstrdup(pool, &text->str);
    call->text.len = text->str.len;

    if (ngx_http_notify_api_stored_field(pool, resp, 1, &call->cursor)
        != NGX_OK
        || ngx_http_notify_api_stored_field(pool, resp, 3, &call->health)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (call->text.data == NULL) {
        return NGX_ERROR;
    }

    call->document = ngx_http_notify_subscriptions_document(pool,
                         &call->api->channel->keys, &call->text,
                         &call->version, &error);
    if (call->document == NULL) {
        return NGX_ERROR;
    }

    tenant = ngx_http_notify_json_get_string(call->document, "tenant");

    if (!ngx_http_notify_api_owns(call->api, &tenant)) {
        return NGX_DECLINED;
    }

    /* a target is the operator's, who changes it by the settings */

    call->target = (ngx_http_notify_json_type(
                        ngx_http_notify_json_get(call->document, "internal"))
                    == NGX_HTTP_NOTIFY_JSON_TRUE);

    if (call->target && ngx_http_notify_api_mount(call->api)->partner) {
        return NGX_DECLINED;
    }

    call->enabled = ngx_http_notify_subscriptions_enabled(call->document);
    call->follows = ngx_http_notify_subscription_document_follows(
                        call->document);
    call->url = ngx_http_notify_json_get_string(call->document, "url");
    call->url.data = ngx_pstrdup(pool, &call->url);

    call->profile = ngx_http_notify_json_get_string(call->document, "profile");
    call->profile.data = ngx_pstrdup(pool, &call->profile);

    if (call->url.data == NULL || call->profile.data == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_notify_subscription_document_selects(pool, call->document,
                                                     &call->selects);
}


/* empty where there is none */

static ngx_int_t
ngx_http_notify_api_stored_field(ngx_pool_t *pool,
    const ngx_http_notify_resp_t *resp, ngx_uint_t i, ngx_str_t *text)
{
    ngx_http_notify_resp_t  *field;

    ngx_str_null(text);

    field = ngx_http_notify_resp_at(resp, i);

    if (field == NULL || field->type != NGX_HTTP_NOTIFY_RESP_STRING) {
        return NGX_OK;
    }

    text->data = ngx_pstrdup(pool, &field->str);
    text->len = field->str.len;

    return text->data ? NGX_OK : NGX_ERROR;
}


/*
 * RFC 9110, 13.1.1: a list of entity tags, or "*".  A weak tag is taken as the
 * strong one: filters (gzip) weaken ours, but it still names the version.
 */

ngx_uint_t
ngx_http_notify_api_stored_match(const ngx_str_t *tags,
    uint64_t version)
{
    u_char  *p, *last, *end;
    size_t   len;
    u_char   tag[NGX_INT64_LEN + 2];

    len = ngx_sprintf(tag, "\"%uL\"", version) - tag;

    p = tags->data;
    last = p + tags->len;

    if (tags->len == 1 && *p == '*') {
        return 1;
    }

    while ((p = ngx_http_notify_api_stored_tag(p, last)) != NULL) {

        end = ngx_strlchr(p, last, ',');
        if (end == NULL) {
            end = last;
        }

        if ((size_t) (end - p) >= len
            && ngx_memcmp(p, tag, len) == 0
            && ((size_t) (end - p) == len || p[len] == ' '))
        {
            return 1;
        }

        p = end;
    }

    return 0;
}


void
ngx_http_notify_api_stored_save(
    ngx_http_notify_api_subscription_t *call)
{
    u_char                                 *p;
    ngx_str_t                               selects, url;
    ngx_pool_t                             *pool;
    ngx_http_notify_api_t                  *api;
    ngx_http_notify_subscriptions_write_t   write;

    api = call->api;
    api->data = call;
    pool = api->request->pool;

    ngx_memzero(&write, sizeof(ngx_http_notify_subscriptions_write_t));

    url = ngx_http_notify_json_get_string(call->document, "url");
    write.moved = (call->version
                   && !ngx_http_notify_text_equal(&url, &call->url));

    /* what held up the former URL is not for the new one */

    if (write.moved
        && ngx_http_notify_json_remove(call->document, "pausedUntil")
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (ngx_http_notify_json_set_integer(call->document, "updatedAt",
                                         ngx_http_notify_api_now())
           != NGX_OK
        || ngx_http_notify_subscription_document_claim(pool, call->document,
                                                   &write.sync)
           != NGX_OK
        || ngx_http_notify_subscription_document_selects(pool, call->document,
                                                     &selects)
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    write.id = call->id;
    write.document = call->document;
    write.tenant = api->tenant;
    write.expected = call->version;
    write.max = api->channel->subscriptions_max;
    write.follows = ngx_http_notify_subscription_document_follows(
                        call->document);
    write.followed = call->follows;

    if (write.moved || (write.follows && !write.followed)) {

        /* as the script does: what follows the first is over */

        p = ngx_strlchr(call->health.data,
                        call->health.data + call->health.len, ' ');
        call->health.len = p ? (size_t) (p - call->health.data) : 0;
    }

    if (!ngx_http_notify_text_equal(&call->selects, &selects)) {
        write.former = call->selects;
    }

    write.ask = call->confirm;
    write.uid = ngx_http_notify_json_get_string(call->document, "uid");

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_subscriptions_write(
            api->channel->redis, &api->channel->keys, &write,
            ngx_http_notify_api_stored_written,
            ngx_http_notify_api_suspended_begin(api)));
}


static void
ngx_http_notify_api_stored_written(
    const ngx_http_notify_subscriptions_result_t *result, void *data)
{
    ngx_http_notify_api_t               *api;
    ngx_http_notify_api_subscription_t  *call;

    api = ngx_http_notify_api_suspended_resume(data);
    if (api == NULL) {
        return;
    }

    call = api->data;

    switch (result->status) {

    case NGX_HTTP_NOTIFY_SUBSCRIPTIONS_OK:
        call->version = result->version;

        if (result->sync) {
            ngx_http_notify_api_stored_settle(call);
            return;
        }

        call->done(call);
        return;

    case NGX_HTTP_NOTIFY_SUBSCRIPTIONS_NOT_FOUND:
        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    call->target
                                    ? "it is no subscription of a client: the "
                                      "target is changed by the settings"
                                    : "there is no such subscription");
        return;

    case NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANGED:

        /* created already, by a request with the same Idempotency-Key */

        if (call->version == 0) {
            call->act = call->done;
            ngx_http_notify_api_stored_load(call);
            return;
        }

        ngx_http_notify_api_stored_changed(call);
        return;

    case NGX_HTTP_NOTIFY_SUBSCRIPTIONS_LIMIT:
        ngx_http_notify_api_problem(api, NGX_HTTP_CONFLICT,
                                    "too_many_subscriptions",
                                    "there are as many subscriptions as "
                                    "subscriptions_max allows, %ui",
                                    api->channel->subscriptions_max);
        return;

    case NGX_HTTP_NOTIFY_SUBSCRIPTIONS_TAKEN:
        ngx_http_notify_api_problem_extra(api, NGX_HTTP_CONFLICT,
                                          "sync_taken", "subscription",
                                          &result->other,
                                          "the subscription \"%V\" answers "
                                          "this sync event already",
                                          &result->other);
        return;

    case NGX_HTTP_NOTIFY_SUBSCRIPTIONS_NAMED:
        ngx_http_notify_api_stored_named(call, &result->other);
        return;

    case NGX_HTTP_NOTIFY_SUBSCRIPTIONS_FULL:
        ngx_http_notify_api_problem(api, NGX_HTTP_INSUFFICIENT_STORAGE,
                                    "storage_full",
                                    "the store is out of memory");
        return;

    default:
        ngx_http_notify_api_unavailable(api);
    }
}


/* a gate of this worker knows of it before the client does */

void
ngx_http_notify_api_stored_settle(ngx_http_notify_api_subscription_t *call)
{
    ngx_http_notify_api_t  *api;

    api = call->api;

    if (ngx_http_notify_sync_registry_settle(api->channel,
            ngx_http_notify_api_stored_settled,
            ngx_http_notify_api_suspended_begin(api))
        != NGX_OK)
    {
        ngx_http_notify_api_suspended_cancel(api);
        call->done(call);
    }
}


static void
ngx_http_notify_api_stored_settled(ngx_int_t rc, void *data)
{
    ngx_http_notify_api_t               *api;
    ngx_http_notify_api_subscription_t  *call;

    /* it was written, whether it could be read again or not */

    api = ngx_http_notify_api_suspended_resume(data);

    if (api) {
        call = api->data;
        call->done(call);
    }
}


/* another writer came between the read and the write */

static void
ngx_http_notify_api_stored_changed(
    ngx_http_notify_api_subscription_t *call)
{
    if (call->if_match.len) {
        ngx_http_notify_api_problem(call->api, NGX_HTTP_PRECONDITION_FAILED,
                                    "version_mismatch",
                                    "the subscription has changed since the "
                                    "version in If-Match");
        return;
    }

    if (call->version == 0
        || ++call->writes == NGX_HTTP_NOTIFY_API_STORED_WRITES)
    {
        ngx_http_notify_api_problem(call->api, NGX_HTTP_CONFLICT,
                                    "concurrent_change",
                                    "the subscription is being changed by "
                                    "others; try again");
        return;
    }

    ngx_http_notify_api_stored_load(call);
}


/* of one that is made: it may be the same */

static void
ngx_http_notify_api_stored_named(ngx_http_notify_api_subscription_t *call,
    const ngx_str_t *other)
{
    if (call->named == NULL) {
        ngx_http_notify_api_problem_extra(call->api, NGX_HTTP_CONFLICT,
                                          "uid_taken", "subscription", other,
                                          "the subscription \"%V\" has this "
                                          "\"uid\"", other);
        return;
    }

    call->data = call->document;
    call->act = call->named;

    call->id.len = other->len;
    call->id.data = ngx_pstrdup(call->api->request->pool, (ngx_str_t *) other);

    if (call->id.data == NULL) {
        ngx_http_notify_api_failed(call->api);
        return;
    }

    ngx_http_notify_api_stored_load(call);
}
