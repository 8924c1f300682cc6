/*
 * The memory of `once=`.  A value is held in Redis while the backend works,
 * and settled by its answer: remembered after a success or a refusal, forgotten
 * after a failure, so that the sender's retry is let in.  The record outlives
 * the request until Redis has it.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
#include "ngx_http_notify_exit_hold.h"
#include "ngx_http_notify_body.h"
#include "ngx_http_notify_connections.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_module.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_timer.h"
#include "ngx_http_notify_verify.h"


#define NGX_HTTP_NOTIFY_VERIFY_ONCE_MIN    86400          /* s */
#define NGX_HTTP_NOTIFY_VERIFY_ONCE_MAX    3153600000LL   /* s, 100 years */

/* how long a value is held for a worker that is gone, and how often a worker
 * that lives says so */
#define NGX_HTTP_NOTIFY_VERIFY_ONCE_HOLD   "60000"
#define NGX_HTTP_NOTIFY_VERIFY_ONCE_RENEW  20000

#define NGX_HTTP_NOTIFY_VERIFY_ONCE_AGAIN  1000
#define NGX_HTTP_NOTIFY_VERIFY_ONCE_TRIES  50

#define NGX_HTTP_NOTIFY_VERIFY_ONCE_KEYS   2
#define NGX_HTTP_NOTIFY_VERIFY_ONCE_NONCE  16


/* ident: the timer's place in a connection, for the debug log */
struct ngx_http_notify_verify_once_s {
    void                          *dummy[3];
    ngx_socket_t                   ident;
    ngx_queue_t                    queue;
    ngx_event_t                    timer;
    ngx_http_notify_verify_ctx_t  *ctx;         /* NULL: settled, or gone */
    ngx_uint_t                     calls;       /* of scripts, under way */
    ngx_uint_t                     tries;
    const char                    *settle;      /* the script's word; NULL */
    u_char                         mine[2 * NGX_HTTP_NOTIFY_VERIFY_ONCE_NONCE
                                        + 1];
    int64_t                        ttl;         /* ms */
    ngx_uint_t                     nkeys;
    ngx_str_t                      keys[NGX_HTTP_NOTIFY_VERIFY_ONCE_KEYS];
};


static ngx_int_t ngx_http_notify_verify_once_digests(
    ngx_http_notify_verify_ctx_t *ctx, u_char digests[][32], ngx_uint_t *n);
static ngx_http_notify_verify_ctx_t *ngx_http_notify_verify_once_twin(
    ngx_http_notify_verify_ctx_t *ctx,
    const ngx_http_notify_verify_ctx_t *previous);
static void ngx_http_notify_verify_once_ended(
    ngx_http_notify_verify_ctx_t *ctx);
static ngx_int_t ngx_http_notify_verify_once_tell(
    ngx_http_notify_verify_ctx_t *ctx);
static ngx_http_notify_verify_once_t *ngx_http_notify_verify_once_create(
    ngx_http_notify_verify_ctx_t *ctx, u_char digests[][32], ngx_uint_t n);
static ngx_int_t ngx_http_notify_verify_once_call(
    ngx_http_notify_verify_once_t *once, const char *op,
    ngx_http_notify_redis_handler_pt handler);
static ngx_http_notify_redis_handler_t  ngx_http_notify_verify_once_taken;
static void ngx_http_notify_verify_once_settle(
    ngx_http_notify_verify_once_t *once, const char *op);
static void ngx_http_notify_verify_once_send(
    ngx_http_notify_verify_once_t *once);
static ngx_http_notify_redis_handler_t  ngx_http_notify_verify_once_settled;
static ngx_http_notify_redis_handler_t  ngx_http_notify_verify_once_renewed;
static void ngx_http_notify_verify_once_timer(ngx_event_t *ev);
static void ngx_http_notify_verify_once_free(
    ngx_http_notify_verify_once_t *once);


/* of this worker */
static ngx_queue_t  ngx_http_notify_verify_onces = {
    &ngx_http_notify_verify_onces, &ngx_http_notify_verify_onces
};


ngx_int_t
ngx_http_notify_verify_once(ngx_http_notify_verify_ctx_t *ctx)
{
    u_char                          digests[NGX_HTTP_NOTIFY_VERIFY_ONCE_KEYS]
                                           [32];
    ngx_int_t                       rc;
    ngx_uint_t                      n;
    ngx_http_notify_verify_ctx_t   *other;
    ngx_http_notify_verify_once_t  *once;

    rc = ngx_http_notify_verify_once_digests(ctx, digests, &n);

    if (rc == NGX_DECLINED) {
        ctx->state = NGX_HTTP_NOTIFY_VERIFY_REFUSED;
        ngx_log_error(NGX_LOG_INFO, ctx->request->connection->log, 0,
                      "notify verify: refused, \"once=\" has no value");
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    /* once a client's request, not once a subrequest of it */

    ngx_memcpy(ctx->id, digests[0], sizeof(ctx->id));

    other = ngx_http_notify_verify_once_twin(ctx, NULL);

    if (other) {
        ctx->state = other->state;
        return ctx->state == NGX_HTTP_NOTIFY_VERIFY_WAIT ? NGX_AGAIN : NGX_OK;
    }

    once = ngx_http_notify_verify_once_create(ctx, digests, n);
    if (once == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_verify_once_call(once, "take",
                                         ngx_http_notify_verify_once_taken)
        != NGX_OK)
    {
        ngx_http_notify_verify_once_free(once);
        ctx->state = NGX_HTTP_NOTIFY_VERIFY_AWAY;
        return NGX_OK;
    }

    ngx_http_notify_exit_hold_begin();

    ctx->once = once;
    ctx->ended = ngx_http_notify_verify_once_ended;
    ctx->state = NGX_HTTP_NOTIFY_VERIFY_WAIT;

    return NGX_AGAIN;
}


/*
 * What is remembered: the value, or what is signed where the value is the
 * signature itself, which has many forms (ECDSA's s and n - s, hex in either
 * case, a list in another order).  Where the texts of data= can pass from one
 * to the next, what is signed is remembered beside the value.
 */

static ngx_int_t
ngx_http_notify_verify_once_digests(ngx_http_notify_verify_ctx_t *ctx,
    u_char digests[][32], ngx_uint_t *n)
{
    ngx_int_t                       rc;
    ngx_str_t                       parts[3];
    ngx_uint_t                      nparts;
    ngx_http_notify_verify_conf_t  *verify;

    verify = ctx->verify;

    parts[0] = verify->scope;
    nparts = 2;
    *n = 1;

    if (verify->once_jti) {
        rc = ngx_http_notify_verify_token_id(ctx->request->pool,
                                             &ctx->proof.claims, &parts[1],
                                             &parts[2]);
        if (rc != NGX_OK) {
            return rc;
        }

        nparts = 3;

    } else if (verify->once_signed) {
        parts[1] = ctx->proof.message;

    } else if (ngx_http_complex_value(ctx->request, verify->once, &parts[1])
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (parts[1].len == 0) {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_id_digest(parts, nparts, digests[0]) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!verify->adjacent || verify->once_signed) {
        return NGX_OK;
    }

    ngx_str_set(&parts[1], "signed");
    parts[2] = ctx->proof.message;
    *n = 2;

    return ngx_http_notify_id_digest(parts, 3, digests[1]);
}


/* the same value in another part of the client's request, after `previous` */

static ngx_http_notify_verify_ctx_t *
ngx_http_notify_verify_once_twin(ngx_http_notify_verify_ctx_t *ctx,
    const ngx_http_notify_verify_ctx_t *previous)
{
    ngx_http_notify_verify_ctx_t  *other;

    other = (ngx_http_notify_verify_ctx_t *) previous;

    while ((other = ngx_http_notify_verify_ctx_next(ctx->request, other))) {

        if (other != ctx
            && other->verify == ctx->verify
            && (other->state == NGX_HTTP_NOTIFY_VERIFY_PASS
                || other->state == NGX_HTTP_NOTIFY_VERIFY_WAIT)
            && ngx_memcmp(other->id, ctx->id, sizeof(ctx->id)) == 0)
        {
            return other;
        }
    }

    return NULL;
}


/* parts of the same client's request that wait for the same answer */

static ngx_int_t
ngx_http_notify_verify_once_tell(ngx_http_notify_verify_ctx_t *ctx)
{
    ngx_http_notify_verify_ctx_t  *other;

    other = NULL;

    while ((other = ngx_http_notify_verify_once_twin(ctx, other))) {

        if (other->state != NGX_HTTP_NOTIFY_VERIFY_WAIT) {
            continue;
        }

        other->state = ctx->state;
        other->request->write_event_handler = ngx_http_core_run_phases;

        if (ngx_http_post_request(other->request, NULL) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_http_notify_verify_once_t *
ngx_http_notify_verify_once_create(ngx_http_notify_verify_ctx_t *ctx,
    u_char digests[][32], ngx_uint_t n)
{
    u_char                         *p;
    int64_t                         ttl;
    ngx_uint_t                      i;
    ngx_http_notify_main_conf_t    *mcf;
    ngx_http_notify_verify_once_t  *once;
    u_char                          nonce[NGX_HTTP_NOTIFY_VERIFY_ONCE_NONCE];

    mcf = ngx_http_get_module_main_conf(ctx->request, ngx_http_notify_module);

    if (ngx_http_notify_crypto_random(nonce, sizeof(nonce)) != NGX_OK) {
        return NULL;
    }

    once = ngx_calloc(sizeof(ngx_http_notify_verify_once_t)
                      + n * (mcf->redis.prefix.len + sizeof("{once}:") + 32),
                      ctx->request->connection->log);
    if (once == NULL) {
        return NULL;
    }

    once->ident = (ngx_socket_t) -1;
    once->ctx = ctx;
    once->nkeys = n;

    once->mine[0] = 'w';
    (void) ngx_hex_dump(&once->mine[1], nonce, sizeof(nonce));

    p = (u_char *) &once[1];

    for (i = 0; i < n; i++) {
        once->keys[i].data = p;
        p = ngx_sprintf(p, "%V{once}:%*s", &mcf->redis.prefix, (size_t) 32,
                        digests[i]);
        once->keys[i].len = p - once->keys[i].data;
    }

    ttl = ngx_max(NGX_HTTP_NOTIFY_VERIFY_ONCE_MIN,
                  ngx_max((int64_t) ctx->verify->window,
                          ctx->proof.until - (int64_t) ngx_time()));
    ttl = ngx_min(ttl, NGX_HTTP_NOTIFY_VERIFY_ONCE_MAX);

    once->ttl = ttl * 1000;

    ngx_http_notify_timer_idle(&once->timer, ngx_http_notify_verify_once_timer,
                               once, ngx_cycle->log);

    ngx_queue_insert_tail(&ngx_http_notify_verify_onces, &once->queue);

    return once;
}


static ngx_int_t
ngx_http_notify_verify_once_call(ngx_http_notify_verify_once_t *once,
    const char *op, ngx_http_notify_redis_handler_pt handler)
{
    ngx_uint_t                  i;
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_script(
                  ngx_http_notify_connections_redis(),
                  &ngx_http_notify_script_once, handler, once);

    for (i = 0; i < once->nkeys; i++) {
        ngx_http_notify_command_key_text(command, &once->keys[i]);
    }

    ngx_http_notify_command_text(command, op);
    ngx_http_notify_command_printf(command, "%*s", sizeof(once->mine),
                                   once->mine);
    ngx_http_notify_command_number(command, once->ttl);
    ngx_http_notify_command_text(command, NGX_HTTP_NOTIFY_VERIFY_ONCE_HOLD);

    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        return NGX_ERROR;
    }

    once->calls++;

    return NGX_OK;
}


static void
ngx_http_notify_verify_once_taken(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_verify_once_t *once = data;

    ngx_connection_t              *c;
    ngx_http_request_t            *r;
    ngx_http_notify_verify_ctx_t  *ctx;

    ctx = once->ctx;

    once->calls--;
    ngx_http_notify_exit_hold_end();

    if (ctx == NULL) {

        /* the client has gone; what was taken for it is given back */

        ngx_http_notify_verify_once_settle(once, "forget");
        return;
    }

    r = ctx->request;

    if (ngx_http_notify_script_verdict(ngx_http_notify_connections_redis(),
                                       resp, "verify")
        != NGX_OK)
    {
        /* it may have been done all the same */

        ctx->state = NGX_HTTP_NOTIFY_VERIFY_AWAY;
        ngx_http_notify_verify_once_settle(once, "forget");

    } else if (ngx_http_notify_script_says(resp, "taken")) {
        ctx->state = NGX_HTTP_NOTIFY_VERIFY_PASS;
        ngx_add_timer(&once->timer, NGX_HTTP_NOTIFY_VERIFY_ONCE_RENEW);

    } else {
        ctx->once = NULL;
        ctx->state = NGX_HTTP_NOTIFY_VERIFY_REFUSED;

        if (ngx_http_notify_script_says(resp, "done")) {

            /* a subrequest cannot keep its main request from the backend */

            if (r == r->main) {
                ctx->state = NGX_HTTP_NOTIFY_VERIFY_DONE;
            }

        } else if (ngx_http_notify_script_says(resp, "busy")) {
            ctx->state = NGX_HTTP_NOTIFY_VERIFY_BUSY;
        }

        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "notify verify: %s, it has been here before",
                      ctx->state == NGX_HTTP_NOTIFY_VERIFY_DONE
                          ? "answered again"
                          : ctx->state == NGX_HTTP_NOTIFY_VERIFY_BUSY
                              ? "not yet answered" : "refused");

        ngx_http_notify_verify_once_free(once);
    }

    if (ngx_http_notify_verify_once_tell(ctx) != NGX_OK) {
        c = r->connection;
        ngx_http_finalize_request(r, NGX_ERROR);
        ngx_http_run_posted_requests(c);
        return;
    }

    ngx_http_notify_body_go_on(r);
}


/* what the client was told is what its sender knows */

static void
ngx_http_notify_verify_once_ended(ngx_http_notify_verify_ctx_t *ctx)
{
    ngx_http_request_t  *r;

    r = ctx->request->main;

    ngx_http_notify_verify_once_end(ctx->once, r->header_sent
                                               ? r->headers_out.status : 0);
}


void
ngx_http_notify_verify_once_end(ngx_http_notify_verify_once_t *once,
    ngx_uint_t status)
{
    const char  *op;

    if (!once->timer.timer_set) {

        /* Redis has not answered yet */

        once->ctx->once = NULL;
        once->ctx = NULL;
        return;
    }

    if (ngx_http_notify_verify_once_fails(status)) {
        op = "forget";

    } else if (status >= 200 && status < 300) {
        op = "done";

    } else {
        op = "refused";
    }

    ngx_http_notify_verify_once_settle(once, op);
}


ngx_uint_t
ngx_http_notify_verify_once_fails(ngx_uint_t status)
{
    return status == 0 || status >= 500
           || status == NGX_HTTP_REQUEST_TIME_OUT
           || status == NGX_HTTP_NOTIFY_VERIFY_TOO_EARLY
           || status == NGX_HTTP_TOO_MANY_REQUESTS;
}


static void
ngx_http_notify_verify_once_settle(ngx_http_notify_verify_once_t *once,
    const char *op)
{
    if (once->ctx) {
        once->ctx->once = NULL;
        once->ctx = NULL;
    }

    once->settle = op;

    ngx_http_notify_verify_once_send(once);
}


static void
ngx_http_notify_verify_once_send(ngx_http_notify_verify_once_t *once)
{
    ngx_http_notify_timer_stop(&once->timer);

    if (ngx_http_notify_verify_once_call(once, once->settle,
                                         ngx_http_notify_verify_once_settled)
        == NGX_OK)
    {
        ngx_http_notify_exit_hold_begin();
        return;
    }

    ngx_add_timer(&once->timer, NGX_HTTP_NOTIFY_VERIFY_ONCE_AGAIN);
}


/* tried again for as long as the value is held, or nearly */

static void
ngx_http_notify_verify_once_settled(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_verify_once_t *once = data;

    once->calls--;
    ngx_http_notify_exit_hold_end();

    if (ngx_http_notify_script_verdict(ngx_http_notify_connections_redis(),
                                       resp, "verify")
        != NGX_OK)
    {
        if (++once->tries < NGX_HTTP_NOTIFY_VERIFY_ONCE_TRIES) {
            ngx_add_timer(&once->timer, NGX_HTTP_NOTIFY_VERIFY_ONCE_AGAIN);
            return;
        }

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "notify verify: Redis could not be told how a call of "
                      "\"once=\" ended (%s)", once->settle);
    }

    if (once->calls == 0) {
        ngx_http_notify_verify_once_free(once);
    }
}


static void
ngx_http_notify_verify_once_renewed(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_verify_once_t *once = data;

    once->calls--;

    if (once->settle == NULL || once->timer.timer_set || once->calls) {
        return;
    }

    ngx_http_notify_verify_once_free(once);
}


static void
ngx_http_notify_verify_once_timer(ngx_event_t *ev)
{
    ngx_http_notify_verify_once_t *once = ev->data;

    if (once->settle) {
        ngx_http_notify_verify_once_send(once);
        return;
    }

    (void) ngx_http_notify_verify_once_call(once, "renew",
                                          ngx_http_notify_verify_once_renewed);

    ngx_add_timer(ev, NGX_HTTP_NOTIFY_VERIFY_ONCE_RENEW);
}


static void
ngx_http_notify_verify_once_free(ngx_http_notify_verify_once_t *once)
{
    ngx_http_notify_timer_stop(&once->timer);

    ngx_queue_remove(&once->queue);
    ngx_free(once);
}


void
ngx_http_notify_verify_once_exit_process(ngx_cycle_t *cycle)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&ngx_http_notify_verify_onces)) {
        q = ngx_queue_head(&ngx_http_notify_verify_onces);

        ngx_http_notify_verify_once_free(
                    ngx_queue_data(q, ngx_http_notify_verify_once_t, queue));
    }
}
