/*
 * What is kept of a request with an Idempotency-Key, for a day: a digest of
 * what was asked, and
 *
 *     DIGEST MS NONCE                          while it is done, since MS
 *     DIGEST =STATUS LF LOCATION LF ETAG LF BODY   once it is; BODY is sealed
 *
 * A refused request keeps nothing.  One that failed, or whose worker died, may
 * have been done: it is done again with the same NONCE, which names what it
 * creates.
 */

#include "ngx_http_notify_api_once.h"
#include "ngx_http_notify_exit_hold.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_seal.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_ONCE_DIGEST  32
#define NGX_HTTP_NOTIFY_API_ONCE_BUSY    120000     /* ms */
#define NGX_HTTP_NOTIFY_API_ONCE_DAY     "86400000"
/* a larger answer is not kept: the request is done again */
#define NGX_HTTP_NOTIFY_API_ONCE_BODY    (128 * 1024)


struct ngx_http_notify_api_once_s {
    ngx_http_notify_api_resource_t  *resource;
    ngx_str_t                        digest;    /* of the key */
    ngx_str_t                        print;     /* of what is asked */
    ngx_str_t                        nonce;
    ngx_uint_t                       own;       /* unsigned  own:1; */
};


static ngx_int_t ngx_http_notify_api_once_create(ngx_http_notify_api_t *api,
    ngx_http_notify_api_resource_t *resource, const ngx_str_t *header);
static ngx_http_notify_redis_handler_t  ngx_http_notify_api_once_asked;
static void ngx_http_notify_api_once_known(ngx_http_notify_api_t *api,
    const ngx_str_t *value);
static void ngx_http_notify_api_once_busy(ngx_http_notify_api_t *api,
    const ngx_str_t *value);
static void ngx_http_notify_api_once_again(ngx_http_notify_api_t *api,
    const ngx_str_t *value);
static ngx_int_t ngx_http_notify_api_once_line(ngx_str_t *text,
    ngx_str_t *line);
static ngx_int_t ngx_http_notify_api_once_claim(ngx_http_notify_api_t *api,
    uint64_t since, ngx_str_t *value);
static void ngx_http_notify_api_once_answer(ngx_http_notify_api_t *api,
    ngx_uint_t status, const ngx_str_t *json);
static ngx_int_t ngx_http_notify_api_once_text(ngx_http_notify_api_t *api,
    ngx_uint_t status, const ngx_str_t *json, ngx_str_t *value);
static void ngx_http_notify_api_once_put(ngx_http_notify_api_t *api,
    const ngx_str_t *value);
static ngx_http_notify_redis_handler_t  ngx_http_notify_api_once_kept;


ngx_int_t
ngx_http_notify_api_once(ngx_http_notify_api_t *api,
    ngx_http_notify_api_resource_t *resource)
{
    ngx_str_t                   header, claim;
    ngx_http_notify_command_t  *command;

    if (resource->repeats == NGX_HTTP_NOTIFY_API_KEY_IGNORED
        || ngx_http_notify_api_request_header(api, "Idempotency-Key", &header)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (header.len == 0 || header.len > NGX_HTTP_NOTIFY_API_ONCE_KEY) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_idempotency_key",
                                    "Idempotency-Key must have 1 to %d "
                                    "bytes", NGX_HTTP_NOTIFY_API_ONCE_KEY);
        return NGX_DONE;
    }

    if (ngx_http_notify_api_once_create(api, resource, &header) != NGX_OK) {
        goto failed;
    }

    /* a publish and its name are one script */

    if (resource->repeats == NGX_HTTP_NOTIFY_API_KEY_OWN
        && api->nsegments == 0)
    {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_api_once_claim(api, ngx_http_notify_api_now(),
                                       &claim)
        != NGX_OK)
    {
        goto failed;
    }

    command = ngx_http_notify_command_start(api->channel->redis, "SET",
                                    ngx_http_notify_api_once_asked,
                                    ngx_http_notify_api_suspended_begin(api));

    ngx_http_notify_command_key_of(command, &api->channel->keys, "once",
                                   &api->once->digest);
    ngx_http_notify_command_arg(command, &claim);
    ngx_http_notify_command_text(command, "NX");
    ngx_http_notify_command_text(command, "GET");
    ngx_http_notify_command_text(command, "PX");
    ngx_http_notify_command_text(command, NGX_HTTP_NOTIFY_API_ONCE_DAY);

    ngx_http_notify_api_command_send(api, command);

    return NGX_DONE;

failed:

    api->once = NULL;
    ngx_http_notify_api_failed(api);

    return NGX_DONE;
}


void
ngx_http_notify_api_once_names(ngx_http_notify_api_t *api, ngx_str_t *name,
    ngx_str_t *print)
{
    if (api->once) {
        *name = api->once->digest;
        *print = api->once->print;
    }
}


static ngx_int_t
ngx_http_notify_api_once_create(ngx_http_notify_api_t *api,
    ngx_http_notify_api_resource_t *resource, const ngx_str_t *header)
{
    u_char                      *p;
    ngx_str_t                    parts[3 + NGX_HTTP_NOTIFY_API_SEGMENTS];
    ngx_uint_t                   i, n;
    ngx_pool_t                  *pool;
    ngx_http_notify_api_once_t  *once;

    pool = api->request->pool;

    once = ngx_pcalloc(pool, sizeof(ngx_http_notify_api_once_t));
    p = ngx_pnalloc(pool, 2 * NGX_HTTP_NOTIFY_API_ONCE_DIGEST);

    if (once == NULL || p == NULL) {
        return NGX_ERROR;
    }

    api->once = once;
    api->answering = ngx_http_notify_api_once_answer;
    once->resource = resource;

    once->digest.data = p;
    once->digest.len = NGX_HTTP_NOTIFY_API_ONCE_DIGEST;
    once->print.data = p + NGX_HTTP_NOTIFY_API_ONCE_DIGEST;
    once->print.len = NGX_HTTP_NOTIFY_API_ONCE_DIGEST;

    n = 0;
    parts[n++] = api->tenant;
    parts[n++] = *header;
    parts[n++] = resource->name;

    for (i = 0; i < api->nsegments; i++) {
        parts[n++] = api->segments[i];
    }

    if (ngx_http_notify_id_digest(parts, n, once->digest.data) != NGX_OK) {
        return NGX_ERROR;
    }

    parts[0] = api->body;
    parts[1] = api->request->args;
    parts[2] = api->content_type;

    if (ngx_http_notify_id_digest(parts, 3, once->print.data) != NGX_OK
        || ngx_http_notify_id_random(pool, "", &once->nonce) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_notify_api_once_asked(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_api_t       *api;
    ngx_http_notify_api_once_t  *once;

    api = ngx_http_notify_api_suspended_resume(data);
    if (api == NULL) {
        return;
    }

    once = api->once;
    api->once = NULL;

    if (ngx_http_notify_api_reply(api, resp, "idempotency") != NGX_OK) {
        return;
    }

    api->once = once;

    if (resp->type == NGX_HTTP_NOTIFY_RESP_STRING) {
        ngx_http_notify_api_once_known(api, &resp->str);
        return;
    }

    once->own = 1;
    once->resource->handler(api);
}


static void
ngx_http_notify_api_once_known(ngx_http_notify_api_t *api,
    const ngx_str_t *value)
{
    ngx_str_t                    rest;
    ngx_http_notify_api_once_t  *once;

    once = api->once;

    if (value->len < once->print.len + 2
        || ngx_memcmp(value->data, once->print.data, once->print.len) != 0)
    {
        api->once = NULL;
        ngx_http_notify_api_problem(api, 422, "idempotency_conflict",
                                    "the key was used with another body "
                                    "within the last 24 hours");
        return;
    }

    rest.data = value->data + once->print.len + 1;
    rest.len = value->len - once->print.len - 1;

    if (rest.data[0] == '=') {
        ngx_http_notify_api_once_again(api, &rest);
        return;
    }

    ngx_http_notify_api_once_busy(api, &rest);
}


static void
ngx_http_notify_api_once_busy(ngx_http_notify_api_t *api,
    const ngx_str_t *value)
{
    u_char                      *p, *last;
    uint64_t                     since;
    ngx_str_t                    claim;
    ngx_http_notify_api_once_t  *once;

    once = api->once;

    last = value->data + value->len;
    since = 0;

    for (p = value->data; p < last && *p >= '0' && *p <= '9'; p++) {
        since = since * 10 + (*p - '0');
    }

    if (ngx_http_notify_api_now() < since + NGX_HTTP_NOTIFY_API_ONCE_BUSY) {
        api->once = NULL;
        ngx_http_notify_api_problem(api, NGX_HTTP_CONFLICT,
                                    "idempotency_busy",
                                    "a request with this key is being done");
        return;
    }

    if (last - p == (ssize_t) once->nonce.len + 1) {
        ngx_memcpy(once->nonce.data, p + 1, once->nonce.len);
    }

    if (ngx_http_notify_api_once_claim(api, ngx_http_notify_api_now(), &claim)
        != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    once->own = 1;
    ngx_http_notify_api_once_put(api, &claim);

    once->resource->handler(api);
}


static void
ngx_http_notify_api_once_again(ngx_http_notify_api_t *api,
    const ngx_str_t *value)
{
    ngx_int_t                    status;
    ngx_str_t                    text, head, location, etag, body;
    ngx_pool_t                  *pool;
    ngx_http_request_t          *r;
    ngx_http_notify_api_once_t  *once;

    r = api->request;
    pool = r->pool;
    once = api->once;
    api->once = NULL;

    text.len = value->len;
    text.data = ngx_pstrdup(pool, (ngx_str_t *) value);

    if (text.data == NULL
        || ngx_http_notify_api_once_line(&text, &head) != NGX_OK
        || ngx_http_notify_api_once_line(&text, &location) != NGX_OK
        || ngx_http_notify_api_once_line(&text, &etag) != NGX_OK
        || ngx_http_notify_seal_unwrap(pool, &api->channel->keys, &once->digest,
                                       &text, &body)
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    status = ngx_atoi(head.data + 1, head.len - 1);

    if (status < NGX_HTTP_OK || status >= NGX_HTTP_SPECIAL_RESPONSE
        || (location.len
            && ngx_http_notify_reply_header(r, "Location", &location)
               != NGX_OK)
        || (etag.len
            && ngx_http_notify_reply_header(r, "ETag", &etag) != NGX_OK)
        || ngx_http_notify_reply_header_text(r, "Idempotent-Replayed", "true")
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_api_send(api, status, body.len ? &body : NULL);
}


static ngx_int_t
ngx_http_notify_api_once_line(ngx_str_t *text, ngx_str_t *line)
{
    u_char  *p;

    p = ngx_strlchr(text->data, text->data + text->len, LF);
    if (p == NULL) {
        return NGX_ERROR;
    }

    line->data = text->data;
    line->len = p - text->data;

    text->len -= line->len + 1;
    text->data = p + 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_once_claim(ngx_http_notify_api_t *api, uint64_t since,
    ngx_str_t *value)
{
    ngx_http_notify_api_once_t  *once;

    once = api->once;

    return ngx_http_notify_memory_printf(api->request->pool, value,
                                         "%V %uL %V", &once->print, since,
                                         &once->nonce);
}


static void
ngx_http_notify_api_once_answer(ngx_http_notify_api_t *api,
    ngx_uint_t status, const ngx_str_t *json)
{
    ngx_int_t                    rc;
    ngx_str_t                    value;
    ngx_http_notify_api_once_t  *once;

    once = api->once;

    if (once == NULL || !once->own) {
        return;
    }

    if (status < NGX_HTTP_SPECIAL_RESPONSE
        && (json == NULL || json->len <= NGX_HTTP_NOTIFY_API_ONCE_BODY))
    {
        rc = ngx_http_notify_api_once_text(api, status, json, &value);

    } else if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        rc = ngx_http_notify_api_once_claim(api, 0, &value);

    } else {
        rc = NGX_DECLINED;
    }

    ngx_http_notify_api_once_put(api, rc == NGX_OK ? &value : NULL);
}


static ngx_int_t
ngx_http_notify_api_once_text(ngx_http_notify_api_t *api, ngx_uint_t status,
    const ngx_str_t *json, ngx_str_t *value)
{
    ngx_str_t                    body, location, *etag;
    ngx_uint_t                   i;
    ngx_pool_t                  *pool;
    ngx_list_part_t             *part;
    ngx_table_elt_t             *h;
    ngx_http_request_t          *r;
    ngx_http_notify_api_once_t  *once;

    static ngx_str_t  none = ngx_null_string;

    r = api->request;
    pool = r->pool;
    once = api->once;

    ngx_str_null(&location);
    etag = r->headers_out.etag ? &r->headers_out.etag->value : &none;

    part = &r->headers_out.headers.part;

    for ( /* void */ ; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (ngx_http_notify_text_is(&h[i].key, "Location")) {
                location = h[i].value;
            }
        }
    }

    if (ngx_http_notify_seal_wrap(pool, &api->channel->keys, &once->digest,
                                  json ? json : &none, &body)
        != NGX_OK)
    {
        return NGX_ERROR;
    }


    return ngx_http_notify_memory_printf(pool, value,
                                         "%V =%ui" "\n%V" "\n%V" "\n%V",
                                         &once->print, status, &location, etag,
                                         &body);
}


/* nobody waits for it; NULL: as if it had not been asked */

static void
ngx_http_notify_api_once_put(ngx_http_notify_api_t *api,
    const ngx_str_t *value)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_start(api->channel->redis,
                                            value ? "SET" : "DEL",
                                            ngx_http_notify_api_once_kept,
                                            api->channel->redis);

    ngx_http_notify_command_key_of(command, &api->channel->keys, "once",
                                   &api->once->digest);

    if (value) {
        ngx_http_notify_command_arg(command, value);
        ngx_http_notify_command_text(command, "PX");
        ngx_http_notify_command_text(command, NGX_HTTP_NOTIFY_API_ONCE_DAY);
    }

    if (ngx_http_notify_redis_send(command) == NGX_OK) {
        ngx_http_notify_exit_hold_begin();
    }
}


static void
ngx_http_notify_api_once_kept(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_exit_hold_end();

    (void) ngx_http_notify_script_verdict(data, resp, "idempotency");
}


ngx_int_t
ngx_http_notify_api_once_id(ngx_http_notify_api_t *api, const char *prefix,
    ngx_str_t *id)
{
    if (api->once == NULL) {
        return ngx_http_notify_id_random(api->request->pool, prefix, id);
    }

    return ngx_http_notify_memory_printf(api->request->pool, id, "%s%V",
                                         prefix, &api->once->nonce);
}
