/*
 * A subscription by its owner's own id: in a path, and one that is made again.
 * Must not know what is done with it.
 */

#include "ngx_http_notify_api_subscriptions.h"
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_sign.h"
#include "ngx_http_notify_subscription_form.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_UID  "uid:"


typedef struct {
    void   (*handler)(ngx_http_notify_api_t *api);
} ngx_http_notify_api_uid_path_t;


static ngx_http_notify_api_reply_t  ngx_http_notify_api_uid_found;
static ngx_uint_t ngx_http_notify_api_uid_secret(
    const ngx_http_notify_api_subscription_t *call,
    const ngx_http_notify_json_t *made);
static ngx_uint_t ngx_http_notify_api_uid_enabled(
    const ngx_http_notify_api_subscription_t *call,
    const ngx_http_notify_json_t *made);
static ngx_uint_t ngx_http_notify_api_uid_members(
    const ngx_http_notify_json_t *a, const ngx_http_notify_json_t *b);
static ngx_uint_t ngx_http_notify_api_uid_compared(const ngx_str_t *name);


ngx_uint_t
ngx_http_notify_api_uid_used(const ngx_http_notify_api_t *api)
{
    return api->nsegments
           && ngx_http_notify_text_starts(&api->segments[0],
                                          NGX_HTTP_NOTIFY_API_UID);
}


void
ngx_http_notify_api_uid(ngx_http_notify_api_t *api,
    void (*handler)(ngx_http_notify_api_t *api))
{
    ngx_str_t                        uid;
    ngx_http_notify_api_uid_path_t  *path;

    path = ngx_palloc(api->request->pool,
                      sizeof(ngx_http_notify_api_uid_path_t));
    if (path == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    path->handler = handler;
    api->data = path;

    uid = api->segments[0];
    uid.data += sizeof(NGX_HTTP_NOTIFY_API_UID) - 1;
    uid.len -= sizeof(NGX_HTTP_NOTIFY_API_UID) - 1;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_subscriptions_named(
            api->channel->redis, &api->channel->keys, &api->tenant, &uid,
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api, ngx_http_notify_api_uid_found)));
}


static void
ngx_http_notify_api_uid_found(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_str_t                        id;
    ngx_http_notify_api_uid_path_t  *path;

    if (resp->type != NGX_HTTP_NOTIFY_RESP_STRING || resp->str.len == 0) {

        if (api->method == NGX_HTTP_DELETE) {
            ngx_http_notify_api_send(api, NGX_HTTP_NO_CONTENT, NULL);
            return;
        }

        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    "there is no such subscription");
        return;
    }

    id.len = resp->str.len;
    id.data = ngx_pstrdup(api->request->pool, &resp->str);

    if (id.data == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    path = api->data;

    api->segments[0] = id;
    path->handler(api);
}


ngx_uint_t
ngx_http_notify_api_uid_same(const ngx_http_notify_api_subscription_t *call)
{
    const ngx_http_notify_json_t  *made = call->data;

    return ngx_http_notify_api_uid_members(made, call->document)
           && ngx_http_notify_api_uid_members(call->document, made)
           && ngx_http_notify_api_uid_secret(call, made)
           && ngx_http_notify_api_uid_enabled(call, made);
}


/* what was made for want of one says nothing */

static ngx_uint_t
ngx_http_notify_api_uid_secret(
    const ngx_http_notify_api_subscription_t *call,
    const ngx_http_notify_json_t *made)
{
    ngx_str_t                secret, other;
    ngx_http_notify_json_t  *given;

    secret = ngx_http_notify_subscription_secret(made);
    other = ngx_http_notify_subscription_secret(call->document);

    given = ngx_http_notify_json_get_nocase(call->input, "secret");

    if (ngx_http_notify_json_string(given).len) {
        return ngx_http_notify_crypto_equal(&secret, &other);
    }

    given = ngx_http_notify_json_get_nocase(call->input, "signature");

    return ngx_http_notify_json_string(given).len == 0
           || ngx_http_notify_sign_secret_ed25519(&secret)
              == ngx_http_notify_sign_secret_ed25519(&other);
}


/* one that was disabled meanwhile is the same still */

static ngx_uint_t
ngx_http_notify_api_uid_enabled(
    const ngx_http_notify_api_subscription_t *call,
    const ngx_http_notify_json_t *made)
{
    return ngx_http_notify_json_get_nocase(call->input, "enabled") == NULL
           || ngx_http_notify_subscriptions_enabled(made)
              == ngx_http_notify_subscriptions_enabled(call->document);
}


static ngx_uint_t
ngx_http_notify_api_uid_members(const ngx_http_notify_json_t *a,
    const ngx_http_notify_json_t *b)
{
    void                    *cursor;
    ngx_str_t                name;
    ngx_http_notify_json_t  *value, *other;

    cursor = NULL;

    for ( ;; ) {
        value = ngx_http_notify_json_member(a, &cursor, &name);

        if (value == NULL) {
            return 1;
        }

        if (!ngx_http_notify_api_uid_compared(&name)) {
            continue;
        }

        other = ngx_http_notify_json_get(b, (char *) name.data);

        if (other == NULL || !ngx_http_notify_json_equal(value, other)) {
            return 0;
        }
    }
}


/* of the document: not what is made with it, nor what comes of it */

static ngx_uint_t
ngx_http_notify_api_uid_compared(const ngx_str_t *name)
{
    const char  **own;

    static const char  *owns[] = { "id", "secrets", "enabled", "reason",
                                   "pausedUntil", "unconfirmed",
                                   "allowedRate", "createdAt", "updatedAt",
                                   NULL };

    for (own = owns; *own; own++) {
        if (ngx_http_notify_text_is(name, *own)) {
            return 0;
        }
    }

    return 1;
}
