/*
 * One call: address found, upstream run, verdict told.  A call and all of its
 * memory are one pool, which goes when the handler returns.
 * Must not know what a verdict leads to.
 */

#include "ngx_http_notify_call_internal.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_timer.h"


#define ngx_http_notify_call_late(call)                                       \
    ((call)->target->conf->way.proxy && !(call)->target->url.ssl)

#define NGX_HTTP_NOTIFY_CALL_BUFFER  8192
#define NGX_HTTP_NOTIFY_CALL_TURN    64     /* starts a turn of the loop */
#define NGX_HTTP_NOTIFY_CALL_AHEAD   512    /* of answers, in 10 ms */


static void ngx_http_notify_call_begin(ngx_http_notify_call_t *call);
static void ngx_http_notify_call_token(ngx_http_notify_token_wait_t *wait,
    ngx_int_t rc);
static void ngx_http_notify_call_send(ngx_http_notify_call_t *call);
static void ngx_http_notify_call_resolved(ngx_http_notify_peer_t *peer,
    ngx_int_t rc);
static void ngx_http_notify_call_peer(ngx_http_notify_call_t *call);
static void ngx_http_notify_call_upstream(ngx_http_request_t *r);
static ngx_int_t ngx_http_notify_call_create_request(ngx_http_request_t *r);
static ngx_int_t ngx_http_notify_call_reinit_request(ngx_http_request_t *r);
static ngx_int_t ngx_http_notify_call_process(ngx_http_request_t *r);
static void ngx_http_notify_call_abort_request(ngx_http_request_t *r);
static void ngx_http_notify_call_finalize_request(ngx_http_request_t *r,
    ngx_int_t rc);
static void ngx_http_notify_call_deadline(ngx_event_t *ev);
static void ngx_http_notify_call_ended(ngx_event_t *ev);
static void ngx_http_notify_call_done(void *data);
static void ngx_http_notify_call_stop(ngx_http_notify_call_t *call);
static void ngx_http_notify_call_destroy(ngx_http_notify_call_t *call);
static void ngx_http_notify_call_turn(ngx_event_t *ev);


static struct {
    ngx_queue_t    calls;
    ngx_uint_t     active;
    ngx_uint_t     started;         /* in this turn of the event loop */
    ngx_uint_t     ahead;           /* since then, and not ended */
    ngx_msec_t     since;
    ngx_event_t    turn;
    u_char        *buffer;          /* answers are read through it */
} ngx_http_notify_calls;


ngx_int_t
ngx_http_notify_call_init_process(ngx_cycle_t *cycle,
    ngx_http_core_loc_conf_t *clcf)
{
    ngx_memzero(&ngx_http_notify_calls, sizeof(ngx_http_notify_calls));

    ngx_queue_init(&ngx_http_notify_calls.calls);

    ngx_http_notify_calls.turn.handler = ngx_http_notify_call_turn;
    ngx_http_notify_calls.turn.log = cycle->log;

    ngx_http_notify_calls.buffer = ngx_alloc(NGX_HTTP_NOTIFY_CALL_BUFFER,
                                             cycle->log);
    if (ngx_http_notify_calls.buffer == NULL) {
        return NGX_ERROR;
    }

    ngx_http_notify_host_init_process();
    ngx_http_notify_share_init_process();
    ngx_http_notify_peer_init_process(clcf);

    return ngx_http_notify_detached_init_process(cycle, clcf);
}


void
ngx_http_notify_call_exit_process(ngx_cycle_t *cycle)
{
    if (ngx_http_notify_calls.buffer == NULL) {
        return;
    }

    ngx_http_notify_call_abort_all();

    if (ngx_http_notify_calls.turn.posted) {
        ngx_delete_posted_event(&ngx_http_notify_calls.turn);
    }

    ngx_http_notify_host_exit_process();
    ngx_http_notify_detached_exit_process();

    ngx_http_notify_call_pool_exit();

    ngx_free(ngx_http_notify_calls.buffer);
    ngx_http_notify_calls.buffer = NULL;
}


ngx_uint_t
ngx_http_notify_call_full(void)
{
    return ngx_http_notify_calls.active >= ngx_cycle->connection_n / 2;
}


/* answers that come all at once would make everybody else wait */

ngx_uint_t
ngx_http_notify_call_room(void)
{
    ngx_uint_t  n, room;

    if (ngx_http_notify_call_full()
        || ngx_http_notify_calls.started >= NGX_HTTP_NOTIFY_CALL_TURN)
    {
        return 0;
    }

    if (ngx_current_msec - ngx_http_notify_calls.since >= 10) {
        ngx_http_notify_calls.since = ngx_current_msec;
        ngx_http_notify_calls.ahead = 0;
    }

    if (ngx_http_notify_calls.ahead >= NGX_HTTP_NOTIFY_CALL_AHEAD) {
        return 0;
    }

    n = ngx_cycle->connection_n / 2 - ngx_http_notify_calls.active;
    room = NGX_HTTP_NOTIFY_CALL_TURN - ngx_http_notify_calls.started;
    room = ngx_min(room, NGX_HTTP_NOTIFY_CALL_AHEAD
                         - ngx_http_notify_calls.ahead);

    return ngx_min(n, room);
}


ngx_uint_t
ngx_http_notify_call_next_turn(void)
{
    return ngx_http_notify_calls.active < ngx_cycle->connection_n / 2
           && ngx_http_notify_calls.ahead < NGX_HTTP_NOTIFY_CALL_AHEAD;
}


ngx_uint_t
ngx_http_notify_call_share_room(const ngx_http_notify_share_t *share)
{
    return ngx_http_notify_share_room(share, ngx_cycle->connection_n / 2,
                                      ngx_http_notify_calls.active);
}


ngx_uint_t
ngx_http_notify_call_target_room(const ngx_http_notify_target_t *target)
{
    return ngx_http_notify_call_share_room(target->share);
}


static void
ngx_http_notify_call_turn(ngx_event_t *ev)
{
    ngx_http_notify_calls.started = 0;
}


ngx_http_notify_call_t *
ngx_http_notify_call_start(ngx_http_notify_target_t *target,
    ngx_http_notify_event_t *event, ngx_http_notify_batch_t *batch,
    const ngx_str_t *channel, ngx_http_notify_hops_t *hops,
    ngx_uint_t attempt, ngx_msec_t timeout, ngx_http_notify_call_pt handler,
    void *data)
{
    ngx_pool_t              *pool;
    ngx_http_notify_call_t  *call;

    if (ngx_http_notify_call_full() && !target->conf->first) {
        return NULL;
    }

    pool = ngx_http_notify_call_pool_get();
    if (pool == NULL) {
        return NULL;
    }

    call = ngx_pcalloc(pool, sizeof(ngx_http_notify_call_t));
    if (call == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    call->pool = pool;
    call->target = target;
    call->event = event;
    call->batch = batch;
    call->channel = channel;
    call->hops = hops;
    call->attempt = attempt;
    call->handler = handler;
    call->data = data;
    call->start = ngx_current_msec;
    call->verdict = NGX_HTTP_NOTIFY_CALL_RETRY;

    ngx_http_notify_log_ref(event);
    target->calls++;

    if (target->share) {
        target->share->held++;
    }

    ngx_queue_insert_tail(&ngx_http_notify_calls.calls, &call->queue);
    ngx_http_notify_calls.active++;
    ngx_http_notify_calls.ahead++;

    if (ngx_http_notify_calls.started++ == 0) {
        ngx_post_event(&ngx_http_notify_calls.turn, &ngx_posted_next_events);
    }

    ngx_http_notify_timer_init(&call->ended, ngx_http_notify_call_ended, call,
                               ngx_cycle->log);

    /* one deadline for all of it; not cancelable: an exiting worker waits */

    ngx_http_notify_timer_init(&call->deadline, ngx_http_notify_call_deadline,
                               call, ngx_cycle->log);

    ngx_add_timer(&call->deadline, timeout ? timeout : target->timeout);

    ngx_http_notify_call_begin(call);

    return call;
}


/* also once more, with another token */

static void
ngx_http_notify_call_begin(ngx_http_notify_call_t *call)
{
    ngx_int_t                        rc;
    const ngx_http_notify_target_t  *target;

    target = call->target;

    ngx_http_notify_http_response_init(&call->answer, call->pool,
                                       target->conf->response_limit,
                                       target->conf->response_header_limit);
    ngx_http_notify_call_peer(call);

    if (target->token == NULL) {
        ngx_http_notify_call_send(call);
        return;
    }

    ngx_memzero(&call->token, sizeof(ngx_http_notify_token_wait_t));

    call->token.pool = call->pool;
    call->token.handler = ngx_http_notify_call_token;

    rc = target->token->get(target->token, &call->token);

    if (rc != NGX_AGAIN) {
        ngx_http_notify_call_token(&call->token, rc);
    }
}


static void
ngx_http_notify_call_token(ngx_http_notify_token_wait_t *wait, ngx_int_t rc)
{
    ngx_http_notify_call_t  *call;

    call = (ngx_http_notify_call_t *)
               ((u_char *) wait - offsetof(ngx_http_notify_call_t, token));

    if (rc == NGX_OK) {
        ngx_http_notify_call_send(call);
        return;
    }

    call->peer.detail = wait->detail;

    /* that of a subscription's own is a part of its endpoint */

    ngx_http_notify_call_result_fail(call,
                                     call->target->token
                                     == call->target->conf->token
                                     ? NGX_HTTP_NOTIFY_CALL_NO_TOKEN
                                     : NGX_HTTP_NOTIFY_CALL_RETRY,
                                     wait->error, NULL);
}


static void
ngx_http_notify_call_send(ngx_http_notify_call_t *call)
{
    ngx_int_t  rc;

    if (!ngx_http_notify_call_late(call)
        && ngx_http_notify_call_request(call) != NGX_OK)
    {
        return;
    }

    rc = ngx_http_notify_peer_resolve(&call->peer);

    if (rc != NGX_AGAIN) {
        ngx_http_notify_call_resolved(&call->peer, rc);
    }
}


static void
ngx_http_notify_call_peer(ngx_http_notify_call_t *call)
{
    ngx_http_notify_target_t  *target;

    target = call->target;

    ngx_http_notify_peer_cancel(&call->peer);
    ngx_memzero(&call->peer, sizeof(ngx_http_notify_peer_t));

    call->peer.fresh = call->fresh;
    call->peer.way = &target->conf->way;
    call->peer.timeout = target->conf->connect_timeout;

    call->peer.host = target->host;
    call->peer.url = &target->url;
    call->peer.guard = &target->conf->guard;
    call->peer.answer = &call->answer;
    call->peer.detached = &call->detached;
    call->peer.pool = call->pool;
    call->peer.name = target->server_name;
    call->peer.verify = target->verify;
    call->peer.once = target->conf->once;
    call->peer.resolved = ngx_http_notify_call_resolved;
}


static void
ngx_http_notify_call_resolved(ngx_http_notify_peer_t *peer, ngx_int_t rc)
{
    ngx_http_notify_call_t  *call;

    call = (ngx_http_notify_call_t *)
               ((u_char *) peer - offsetof(ngx_http_notify_call_t, peer));

    if (rc == NGX_OK) {
        rc = ngx_http_notify_peer_way(peer);

        if (rc == NGX_AGAIN) {
            return;
        }
    }

    /* its head has the address */

    if (rc == NGX_OK && ngx_http_notify_call_late(call)
        && ngx_http_notify_call_request(call) != NGX_OK)
    {
        return;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_detached_run(&call->detached, call->pool,
                                          ngx_http_notify_call_upstream,
                                          ngx_http_notify_call_done, call);
        if (rc != NGX_OK) {
            ngx_http_notify_call_result_fail(call, NGX_HTTP_NOTIFY_CALL_RETRY,
                                             "no memory", NULL);
        }

        return;
    }

    if (rc == NGX_DECLINED) {
        call->verdict = NGX_HTTP_NOTIFY_CALL_BLOCKED;

    } else if (rc == NGX_ABORT) {
        call->verdict = NGX_HTTP_NOTIFY_CALL_NO_RESOLVER;
    }

    ngx_post_event(&call->ended, &ngx_posted_events);
}


/* in place of the content phase */

static void
ngx_http_notify_call_upstream(ngx_http_request_t *r)
{
    ngx_connection_t              *c;
    ngx_http_upstream_t           *u;
    ngx_http_notify_call_t        *call;
    ngx_http_notify_target_t      *target;
    ngx_http_notify_call_state_t  *state;

    call = ngx_http_notify_detached_get(r)->data;
    call->detached.about = ngx_http_notify_call_result_about;
    target = call->target;
    state = target->state;

    if (ngx_http_upstream_create(r) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    u = r->upstream;

    u->conf = (target->url.literal && target->server_name.len == 0)
              ? &state->literal : &state->upstream;
    u->ssl = target->url.ssl;
    ngx_str_set(&u->schema, "notify://");

    /* with tag 0 our buffers would be taken for recycled ones */
    u->output.tag = (ngx_buf_tag_t) &ngx_http_notify_call_upstream;

    u->create_request = ngx_http_notify_call_create_request;
    u->reinit_request = ngx_http_notify_call_reinit_request;
    u->process_header = ngx_http_notify_call_process;
    u->abort_request = ngx_http_notify_call_abort_request;
    u->finalize_request = ngx_http_notify_call_finalize_request;

    /* shared by all calls: what is read is taken out of it at once */

    u->buffer.start = ngx_http_notify_calls.buffer;
    u->buffer.end = u->buffer.start + NGX_HTTP_NOTIFY_CALL_BUFFER;
    u->buffer.pos = u->buffer.start;
    u->buffer.last = u->buffer.start;
    u->buffer.temporary = 1;
    u->buffer.tag = u->output.tag;

    u->peer.data = &call->peer;

    ngx_http_upstream_init(r);

    /* a signed call is often longer than one segment */

    c = u->peer.connection;

    if (c && !call->peer.cached) {
        (void) ngx_tcp_nodelay(c);
    }

    /* a timer of an earlier call, while this one is still being sent */

    if (c && c->write->timer_set && c->read->timer_set) {
        ngx_del_timer(c->read);
    }
}


static ngx_int_t
ngx_http_notify_call_create_request(ngx_http_request_t *r)
{
    ngx_http_notify_call_t  *call;

    call = ngx_http_notify_detached_get(r)->data;

    r->upstream->request_bufs = &call->out[0];

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_call_reinit_request(ngx_http_request_t *r)
{
    ngx_http_notify_call_t  *call;

    call = ngx_http_notify_detached_get(r)->data;

    ngx_http_notify_http_response_init(&call->answer, call->pool,
                                    call->target->conf->response_limit,
                                    call->target->conf->response_header_limit);

    return NGX_OK;
}


/*
 * Takes headers and body alike.  Where all is read, or nothing may be read, it
 * says NGX_ERROR: upstream then closes or keeps the connection and finalizes,
 * and no filter of any module gets to see an answer that has no client.
 */

static ngx_int_t
ngx_http_notify_call_process(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_buf_t                 *b;
    ngx_connection_t          *c;
    ngx_http_upstream_t       *u;
    ngx_http_notify_call_t    *call;
    ngx_http_notify_http_response_t  *a;

    call = ngx_http_notify_detached_get(r)->data;

    a = &call->answer;
    u = r->upstream;
    c = u->peer.connection;
    b = &u->buffer;

    /* what came before the handshake ended is nobody's, CVE-2026-1642 */

    if (!u->request_sent
        || (u->ssl && (c->ssl == NULL || !c->ssl->handshaked)))
    {
        call->peer.error = u->ssl ? "tls handshake failed"
                                  : "malformed answer";
        ngx_str_set(&call->peer.detail, "answer before the request");

        return NGX_ERROR;
    }

    rc = ngx_http_notify_http_response_parse(a, b->pos, b->last);

    b->pos = b->start;
    b->last = b->start;

    if (rc == NGX_AGAIN) {

        if (c->read->timer_set) {
            ngx_add_timer(c->read, u->conf->read_timeout);
        }

        return NGX_AGAIN;
    }

    if (rc == NGX_OK) {
        u->keepalive = a->keepalive;
        return NGX_ERROR;
    }

    call->peer.error = "malformed answer";
    call->peer.detail = ngx_http_notify_text(a->error);

    return NGX_ERROR;
}


static void
ngx_http_notify_call_abort_request(ngx_http_request_t *r)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "abort notify call");
}


static void
ngx_http_notify_call_finalize_request(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "finalize notify call: %i", rc);
}


static void
ngx_http_notify_call_deadline(ngx_event_t *ev)
{
    ngx_http_notify_call_t  *call;

    call = ev->data;

    /* it may have ended in this very turn */

    if (!call->answer.done && call->peer.error == NULL) {
        call->peer.error = "timeout";
    }

    ngx_http_notify_call_done(call);
}


static void
ngx_http_notify_call_ended(ngx_event_t *ev)
{
    ngx_http_notify_call_done(ev->data);
}


static void
ngx_http_notify_call_done(void *data)
{
    ngx_http_notify_call_t *call = data;

    ngx_http_notify_call_result_t  result;

    if (ngx_http_notify_call_result_again(call)) {
        ngx_http_notify_detached_close(&call->detached);
        ngx_http_notify_call_begin(call);
        return;
    }

    ngx_http_notify_call_stop(call);

    ngx_http_notify_call_result(call, &result);

    call->handler(&result, call->data);

    ngx_http_notify_call_destroy(call);
}


void
ngx_http_notify_call_abort(ngx_http_notify_call_t *call)
{
    ngx_http_notify_call_stop(call);
    ngx_http_notify_call_destroy(call);
}


void
ngx_http_notify_call_abort_all(void)
{
    ngx_queue_t  *calls;

    calls = &ngx_http_notify_calls.calls;

    while (!ngx_queue_empty(calls)) {
        ngx_http_notify_call_abort(ngx_queue_data(ngx_queue_head(calls),
                                                  ngx_http_notify_call_t,
                                                  queue));
    }
}


/* nothing happens to the call behind this */

static void
ngx_http_notify_call_stop(ngx_http_notify_call_t *call)
{
    ngx_http_notify_timer_stop(&call->deadline);

    if (call->ended.posted) {
        ngx_delete_posted_event(&call->ended);
    }

    if (call->token.source) {
        call->token.source->cancel(&call->token);
    }

    ngx_http_notify_peer_cancel(&call->peer);
    ngx_http_notify_detached_close(&call->detached);

    ngx_queue_remove(&call->queue);
    ngx_http_notify_calls.active--;

    if (call->target->share) {
        call->target->share->held--;
    }

    if (ngx_http_notify_calls.ahead
        && (ngx_msec_int_t) (call->start - ngx_http_notify_calls.since) >= 0)
    {
        ngx_http_notify_calls.ahead--;
    }
}


static void
ngx_http_notify_call_destroy(ngx_http_notify_call_t *call)
{
    ngx_http_notify_target_t  *target;

    target = call->target;

    if (call->batch) {
        ngx_http_notify_batch_destroy(call->batch);
    }

    ngx_http_notify_log_unref(call->event);
    ngx_http_notify_call_pool_free(call->pool);

    ngx_http_notify_call_target_unref(target);
}
