/*
 * Long poll: a reader that has found nothing waits for what comes.  Lives in
 * the request's pool; costs no connection to Redis.
 */

#include "ngx_http_notify_api_deltas.h"
#include "ngx_http_notify_log_listener.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_timer.h"


struct ngx_http_notify_api_wait_s {
    ngx_http_notify_log_listener_waiter_t  waiter;
    ngx_http_notify_api_deltas_t    *deltas;
    ngx_event_t                      timer;
};


static ngx_http_notify_api_wait_t *ngx_http_notify_api_wait_create(
    ngx_http_notify_api_deltas_t *deltas);
static void ngx_http_notify_api_wait_handler(
    ngx_http_notify_log_listener_waiter_t *waiter,
    const ngx_http_notify_log_listener_batch_t *batch);
static ngx_int_t ngx_http_notify_api_wait_take(
    ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_log_listener_batch_t *batch);
static void ngx_http_notify_api_wait_timer(ngx_event_t *ev);
static void ngx_http_notify_api_wait_cleanup(void *data);


void
ngx_http_notify_api_wait(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_http_notify_id_t    at;
    ngx_http_notify_api_t  *api;

    api = deltas->api;

    if (deltas->waiting == NULL) {
        deltas->waiting = ngx_http_notify_api_wait_create(deltas);

        if (deltas->waiting == NULL) {
            ngx_http_notify_api_failed(api);
            return;
        }
    }

    at = ngx_http_notify_api_deltas_wait_at(deltas, &deltas->from);

    switch (ngx_http_notify_log_listener_join(&deltas->waiting->waiter,
                                              api->channel,
                                              api->channel->store, &at,
                                              &deltas->seen))
    {
    case NGX_OK:
        ngx_http_notify_api_suspended_wait(api);
        return;

    case NGX_AGAIN:

        if (deltas->scanned < NGX_HTTP_NOTIFY_API_DELTAS_SCAN
            && deltas->rounds++ < NGX_HTTP_NOTIFY_API_DELTAS_ROUNDS)
        {
            ngx_http_notify_api_deltas_read(deltas);
            return;
        }

        deltas->more = 1;
        break;

    case NGX_DECLINED:
        break;

    default:
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_api_deltas_send(deltas);
}


static ngx_http_notify_api_wait_t *
ngx_http_notify_api_wait_create(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_http_request_t          *r;
    ngx_http_notify_api_wait_t  *wait;

    r = deltas->api->request;

    wait = ngx_http_notify_memory_owned(r->pool,
                                        sizeof(ngx_http_notify_api_wait_t),
                                        ngx_http_notify_api_wait_cleanup);
    if (wait == NULL) {
        return NULL;
    }

    wait->deltas = deltas;
    wait->waiter.handler = ngx_http_notify_api_wait_handler;
    wait->waiter.data = wait;
    ngx_http_notify_timer_init(&wait->timer, ngx_http_notify_api_wait_timer,
                               wait, r->connection->log);

    ngx_add_timer(&wait->timer, deltas->wait);

    return wait;
}


static void
ngx_http_notify_api_wait_handler(ngx_http_notify_log_listener_waiter_t *waiter,
    const ngx_http_notify_log_listener_batch_t *batch)
{
    ngx_http_notify_api_wait_t *wait = waiter->data;

    ngx_http_notify_api_t         *api;
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = wait->deltas;
    api = deltas->api;

    ngx_http_set_log_request(api->request->connection->log, api->request);

    switch (batch->why) {

    case NGX_HTTP_NOTIFY_LOG_LISTENER_EVENTS:

        if (ngx_http_notify_api_wait_take(deltas, batch) != NGX_OK) {
            ngx_http_notify_log_listener_leave(waiter);
            ngx_http_notify_api_failed(api);
            return;
        }

        if (deltas->entries.nelts == 0) {
            return;
        }

        break;

    case NGX_HTTP_NOTIFY_LOG_LISTENER_RESET:
        ngx_http_notify_log_listener_leave(waiter);
        deltas->placed = !ngx_http_notify_id_is_time(&deltas->from);
        ngx_http_notify_api_deltas_begin(deltas);
        return;

    default: /* NGX_HTTP_NOTIFY_LOG_LISTENER_QUIT */
        break;
    }

    ngx_http_notify_log_listener_leave(waiter);
    ngx_http_notify_api_deltas_send(deltas);
}


static ngx_int_t
ngx_http_notify_api_wait_take(ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_log_listener_batch_t *batch)
{
    ngx_uint_t                i;
    ngx_http_notify_event_t  *event;

    for (i = 0; i < batch->n; i++) {
        event = batch->events[i];

        if (ngx_http_notify_id_compare(&event->id, &deltas->from) <= 0) {
            continue;
        }

        switch (ngx_http_notify_api_deltas_event(deltas, event)) {

        case NGX_OK:
            deltas->from = event->id;
            break;

        case NGX_DONE:
            deltas->more = 1;
            return NGX_OK;

        default:
            return NGX_ERROR;
        }
    }

    if (ngx_http_notify_id_compare(&deltas->from, &batch->last) < 0) {
        deltas->from = batch->last;
    }

    return NGX_OK;
}


static void
ngx_http_notify_api_wait_timer(ngx_event_t *ev)
{
    ngx_http_notify_api_wait_t *wait = ev->data;

    ngx_http_request_t  *r;

    r = wait->deltas->api->request;

    ngx_http_set_log_request(r->connection->log, r);

    if (wait->waiter.watch) {
        ngx_http_notify_log_listener_leave(&wait->waiter);
        ngx_http_notify_api_deltas_send(wait->deltas);
        return;
    }

    /* it reads: that answers, whatever it finds */

    wait->deltas->wait = 0;
}


static void
ngx_http_notify_api_wait_cleanup(void *data)
{
    ngx_http_notify_api_wait_t *wait = data;

    ngx_http_notify_log_listener_leave(&wait->waiter);

    ngx_http_notify_timer_stop(&wait->timer);
}
