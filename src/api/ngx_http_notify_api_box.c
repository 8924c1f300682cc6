/*
 * Requests that wait: a box is what a callback of Redis holds instead of a
 * request, which may be gone by then.  A box outlives its request, not its
 * worker.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_exit_hold.h"


struct ngx_http_notify_api_box_s {
    ngx_queue_t                        queue;
    ngx_http_notify_api_t             *api;
    ngx_pool_cleanup_t                *cleanup;
};


static void ngx_http_notify_api_box_cleanup(void *data);


/* the boxes that are closed yet, to free them when the worker exits */
static ngx_queue_t  ngx_http_notify_api_boxes;


ngx_http_notify_api_box_t *
ngx_http_notify_api_box(ngx_http_notify_api_t *api)
{
    ngx_pool_cleanup_t         *cln;
    ngx_http_request_t         *r;
    ngx_http_notify_api_box_t  *box;

    r = api->request;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    box = ngx_alloc(sizeof(ngx_http_notify_api_box_t), r->connection->log);
    if (box == NULL) {
        return NULL;
    }

    box->api = api;
    box->cleanup = cln;

    cln->handler = ngx_http_notify_api_box_cleanup;
    cln->data = box;

    ngx_queue_insert_tail(&ngx_http_notify_api_boxes, &box->queue);
    ngx_http_notify_exit_hold_begin();

    ngx_http_notify_api_suspend(api);

    return box;
}


/* a client that leaves is noticed by the reading */

void
ngx_http_notify_api_suspend(ngx_http_notify_api_t *api)
{
    ngx_http_request_t  *r;

    r = api->request;

    /* the parent of a subrequest may run it meanwhile */
    r->write_event_handler = ngx_http_request_empty_handler;

    if (r == r->main) {
        r->read_event_handler = r->discard_body
                                    ? ngx_http_discarded_request_body_handler
                                    : ngx_http_test_reading;

        /* what is done once is done to its end */

        if (api->once) {
            r->read_event_handler = ngx_http_block_reading;
        }
    }
}


ngx_http_notify_api_t *
ngx_http_notify_api_open(ngx_http_notify_api_box_t *box)
{
    ngx_http_notify_api_t  *api;

    api = box->api;

    ngx_http_notify_api_discard(box);

    if (api) {
        ngx_http_set_log_request(api->request->connection->log, api->request);
    }

    return api;
}


void
ngx_http_notify_api_discard(ngx_http_notify_api_box_t *box)
{
    if (box->api) {
        box->cleanup->handler = NULL;
    }

    ngx_http_notify_exit_hold_end();
    ngx_queue_remove(&box->queue);
    ngx_free(box);
}


static void
ngx_http_notify_api_box_cleanup(void *data)
{
    ngx_http_notify_api_box_t *box = data;

    box->api = NULL;
}


void
ngx_http_notify_api_box_init(void)
{
    ngx_queue_init(&ngx_http_notify_api_boxes);
}


void
ngx_http_notify_api_box_exit(void)
{
    ngx_queue_t                *q;
    ngx_http_notify_api_box_t  *box;

    /* not initialized in cache processes */

    if (ngx_http_notify_api_boxes.next == NULL) {
        return;
    }

    while (!ngx_queue_empty(&ngx_http_notify_api_boxes)) {
        q = ngx_queue_head(&ngx_http_notify_api_boxes);
        box = ngx_queue_data(q, ngx_http_notify_api_box_t, queue);

        ngx_http_notify_api_discard(box);
    }
}
