/*
 * One question to the one subscriber of an event.  What the call needs is
 * copied: it may outlive nothing of the request, and the request ends it.
 * Must not know what the response leads to.
 */

#include "ngx_http_notify_ask.h"
#include "ngx_http_notify_context.h"
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_iframe.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_tenants.h"
#include "ngx_http_notify_trusted.h"


#define NGX_HTTP_NOTIFY_ASK_FIELDS  12  /* of an entry, beside attributes */


/* an event as an entry of the log has it */
typedef struct {
    ngx_uint_t                 n;
    ngx_http_notify_resp_t    *values;
    ngx_http_notify_resp_t   **elts;
} ngx_http_notify_ask_fields_t;


static ngx_int_t ngx_http_notify_ask_whom(ngx_http_notify_ask_t *ask,
    const ngx_http_notify_subscription_t *subscription);
static ngx_int_t ngx_http_notify_ask_iframe(ngx_http_notify_ask_t *ask,
    ngx_http_notify_claim_t *claim);
static ngx_int_t ngx_http_notify_ask_call(ngx_http_notify_ask_t *ask,
    ngx_http_notify_claim_t *claim);
static ngx_int_t ngx_http_notify_ask_fail(ngx_http_notify_ask_t *ask,
    ngx_uint_t status, const char *code, const char *text);
static ngx_http_notify_event_t *ngx_http_notify_ask_event(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event);
static ngx_int_t ngx_http_notify_ask_fields(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event,
    ngx_http_notify_ask_fields_t *fields);
static void ngx_http_notify_ask_field(ngx_http_notify_ask_fields_t *fields,
    u_char *name, size_t len, const ngx_str_t *value);
static void ngx_http_notify_ask_done(
    const ngx_http_notify_call_result_t *result, void *data);
static void ngx_http_notify_ask_cleanup(void *data);


ngx_int_t
ngx_http_notify_ask(ngx_http_notify_ask_t *ask,
    ngx_http_notify_claim_t *claim)
{
    if (ask->event->hops == NGX_HTTP_NOTIFY_TRUSTED_LOOP) {
        ngx_http_notify_tenants_add(ask->channel->metrics,
                                    &ask->event->tenant,
                                    NGX_HTTP_NOTIFY_METRICS_HOPS, 1);

        return ngx_http_notify_ask_fail(ask, NGX_HTTP_NOTIFY_SYNC_RESULT_LOOP,
                   "NOTIFICATION_LOOP",
                   "the request has come through too many notifications");
    }

    if (ngx_http_notify_ask_whom(ask, claim->subscription) != NGX_OK) {
        return NGX_ERROR;
    }

    if (claim->subscription->mode == NGX_HTTP_NOTIFY_MODE_IFRAME) {
        return ngx_http_notify_ask_iframe(ask, claim);
    }

    if (claim->target == NULL) {
        return ngx_http_notify_ask_fail(ask, NGX_HTTP_BAD_GATEWAY,
                                        claim->conf
                                            ? "NOTIFICATION_ADDRESS_REFUSED"
                                            : "NOTIFICATION_NOT_SENT",
                                        claim->reason);
    }

    return ngx_http_notify_ask_call(ask, claim);
}


/* for the log: the claim may be gone when the answer comes */

static ngx_int_t
ngx_http_notify_ask_whom(ngx_http_notify_ask_t *ask,
    const ngx_http_notify_subscription_t *subscription)
{
    ngx_str_t    id, host;
    ngx_pool_t  *pool;

    pool = ask->request->pool;

    id = subscription->id;
    host = ngx_http_notify_context_host(&subscription->url);

    ask->subscription.len = id.len;
    ask->subscription.data = ngx_pstrdup(pool, &id);

    ask->host.len = host.len;
    ask->host.data = ngx_pstrdup(pool, &host);

    return ask->subscription.data && ask->host.data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_notify_ask_iframe(ngx_http_notify_ask_t *ask,
    ngx_http_notify_claim_t *claim)
{
    ngx_pool_t                  *pool;
    ngx_http_notify_sync_result_t  *response;

    if (ask->gate) {
        return ngx_http_notify_ask_fail(ask, NGX_HTTP_BAD_GATEWAY,
                   "NOTIFICATION_IFRAME_AT_GATE",
                   "the subscriber shows a page and cannot be asked here");
    }

    pool = ask->request->pool;
    response = &ask->response;

    switch (ngx_http_notify_iframe(pool, claim->subscription, ask->event,
                                   &response->data))
    {
    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_http_notify_ask_fail(ask, NGX_HTTP_BAD_GATEWAY,
                                        "NOTIFICATION_NOT_SENT",
                                        "the subscription has no secret to "
                                        "sign with");
    default:
        return NGX_ERROR;
    }

    ngx_str_set(&response->message, "null");
    ngx_str_set(&response->code, "null");
    response->level = NGX_HTTP_NOTIFY_SYNC_RESULT_OK;
    response->success = 1;
    response->status = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_ask_call(ngx_http_notify_ask_t *ask,
    ngx_http_notify_claim_t *claim)
{
    ngx_pool_cleanup_t       *cln;
    ngx_http_notify_event_t  *event;

    if (ngx_http_notify_call_full()
        || ngx_http_notify_call_target_room(claim->target) == 0)
    {
        return ngx_http_notify_ask_fail(ask, NGX_HTTP_BAD_GATEWAY,
                                        "NOTIFICATION_TOO_MANY_CALLS",
                                        "too many calls are under way");
    }

    cln = ngx_pool_cleanup_add(ask->request->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    event = ngx_http_notify_ask_event(ask->request->pool, ask->event);
    if (event == NULL) {
        return NGX_ERROR;
    }

    /* taken over when the call starts */
    claim->conf->response_limit = ask->limit;

    ask->call = ngx_http_notify_call_start(claim->target, event, NULL,
                                           &ask->channel->name,
                                           ask->channel->hops, 1,
                                           ask->timeout,
                                           ngx_http_notify_ask_done, ask);
    ngx_http_notify_log_unref(event);

    if (ask->call == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_notify_ask_cleanup;
    cln->data = ask;

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_notify_ask_fail(ngx_http_notify_ask_t *ask, ngx_uint_t status,
    const char *code, const char *text)
{
    return ngx_http_notify_sync_result_fail(ask->request->pool, &ask->response,
                                            status, code, "%s", text);
}


/* with a memory of its own, as if it had been read from the log */

static ngx_http_notify_event_t *
ngx_http_notify_ask_event(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event)
{
    ngx_http_notify_id_t           id;
    ngx_http_notify_resp_t         top, name, list;
    ngx_http_notify_resp_t        *pair[2];
    ngx_http_notify_ask_fields_t   fields;
    u_char                         place[NGX_HTTP_NOTIFY_ID_LEN];

    id.ms = event->time;
    id.seq = 0;

    if (ngx_http_notify_crypto_random((u_char *) &id.seq, 4) != NGX_OK
        || ngx_http_notify_ask_fields(pool, event, &fields) != NGX_OK)
    {
        return NULL;
    }

    ngx_memzero(&top, sizeof(ngx_http_notify_resp_t));
    name = top;
    list = top;

    name.type = NGX_HTTP_NOTIFY_RESP_STRING;
    name.str.data = place;
    name.str.len = ngx_http_notify_id_print(place, &id) - place;

    list.type = NGX_HTTP_NOTIFY_RESP_ARRAY;
    list.nelts = fields.n;
    list.elts = fields.elts;

    pair[0] = &name;
    pair[1] = &list;

    top.type = NGX_HTTP_NOTIFY_RESP_ARRAY;
    top.nelts = 2;
    top.elts = pair;

    return ngx_http_notify_log_event(&top, ngx_cycle->log);
}


static ngx_int_t
ngx_http_notify_ask_fields(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event,
    ngx_http_notify_ask_fields_t *fields)
{
    u_char           *p;
    ngx_str_t         time, hops;
    ngx_uint_t        i, n;
    const ngx_str_t  *name;

    n = 2 * (NGX_HTTP_NOTIFY_ASK_FIELDS + event->nattributes);

    fields->n = 0;
    fields->values = ngx_pcalloc(pool, n * sizeof(ngx_http_notify_resp_t));
    fields->elts = ngx_palloc(pool, n * sizeof(ngx_http_notify_resp_t *));
    p = ngx_pnalloc(pool, 2 * NGX_INT64_LEN);

    if (fields->values == NULL || fields->elts == NULL || p == NULL) {
        return NGX_ERROR;
    }

    time.data = p;
    time.len = ngx_sprintf(p, "%uL", event->time) - p;

    hops.data = p + NGX_INT64_LEN;
    hops.len = ngx_sprintf(hops.data, "%ui", event->hops) - hops.data;

    ngx_http_notify_ask_field(fields, (u_char *) "t", 1, &event->type);
    ngx_http_notify_ask_field(fields, (u_char *) "n", 1, &event->tenant);
    ngx_http_notify_ask_field(fields, (u_char *) "w", 1, &time);
    ngx_http_notify_ask_field(fields, (u_char *) "e", 1,
                              &event->entity_type_id);
    ngx_http_notify_ask_field(fields, (u_char *) "i", 1, &event->entity_id);
    ngx_http_notify_ask_field(fields, (u_char *) "d", 1, &event->data);
    ngx_http_notify_ask_field(fields, (u_char *) "s", 1, &event->session_id);
    ngx_http_notify_ask_field(fields, (u_char *) "c", 1, &event->customer_id);
    ngx_http_notify_ask_field(fields, (u_char *) "v", 1,
                              &event->conversation_id);
    ngx_http_notify_ask_field(fields, (u_char *) "h", 1, &hops);
    ngx_http_notify_ask_field(fields, (u_char *) "p", 1, &event->traceparent);
    ngx_http_notify_ask_field(fields, (u_char *) "q", 1, &event->tracestate);

    for (i = 0; i < event->nattributes; i++) {
        name = &event->attributes[i].key;

        p = ngx_pnalloc(pool, 2 + name->len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        p[0] = 'a';
        p[1] = ':';
        ngx_memcpy(&p[2], name->data, name->len);

        ngx_http_notify_ask_field(fields, p, 2 + name->len,
                                  &event->attributes[i].value);
    }

    return NGX_OK;
}


/* absent ones are not stored */

static void
ngx_http_notify_ask_field(ngx_http_notify_ask_fields_t *fields, u_char *name,
    size_t len, const ngx_str_t *value)
{
    ngx_http_notify_resp_t  *resp;

    if (value->len == 0) {
        return;
    }

    resp = &fields->values[fields->n];

    resp[0].type = NGX_HTTP_NOTIFY_RESP_STRING;
    resp[0].str.data = name;
    resp[0].str.len = len;

    resp[1].type = NGX_HTTP_NOTIFY_RESP_STRING;
    resp[1].str = *value;

    fields->elts[fields->n] = &resp[0];
    fields->elts[fields->n + 1] = &resp[1];
    fields->n += 2;
}


static void
ngx_http_notify_ask_done(const ngx_http_notify_call_result_t *result,
    void *data)
{
    ngx_http_notify_ask_t *ask = data;

    ask->call = NULL;

    if (ngx_http_notify_sync_result_make(ask->request->pool, result,
                                         &ask->response)
        != NGX_OK)
    {
        ask->failed = 1;
    }

    if (ask->response.status == NGX_HTTP_NOTIFY_SYNC_RESULT_LOOP) {
        ngx_http_notify_metrics_add(ask->channel->metrics,
                                    NGX_HTTP_NOTIFY_METRICS_HOPS, 1);
    }

    ngx_http_set_log_request(ask->request->connection->log, ask->request);

    ask->handler(ask);
}


static void
ngx_http_notify_ask_cleanup(void *data)
{
    ngx_http_notify_ask_t *ask = data;

    if (ask->call) {
        ngx_http_notify_call_abort(ask->call);
    }
}
