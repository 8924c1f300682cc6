/*
 * Requests that wait: a callback holds this in place of a request, which may
 * be gone by then.  It outlives its request, not its worker.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_exit_hold.h"


struct ngx_http_notify_api_suspended_s {
    ngx_queue_t                   queue;
    ngx_http_notify_api_t        *api;      /* NULL: the request is gone */
    ngx_http_notify_api_reply_pt  reply;    /* of _ask() */
    ngx_uint_t                    begun;    /* unsigned  begun:1; a callback
                                               has it */
};


static void ngx_http_notify_api_suspended_end(
    ngx_http_notify_api_suspended_t *suspended);
static void ngx_http_notify_api_suspended_free(
    ngx_http_notify_api_suspended_t *suspended);


/* all of the worker, which frees what is left when it exits */
static ngx_queue_t  ngx_http_notify_api_suspended_all;


ngx_int_t
ngx_http_notify_api_suspended_create(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_suspended_t  *suspended;

    suspended = ngx_alloc(sizeof(ngx_http_notify_api_suspended_t),
                          api->request->connection->log);
    if (suspended == NULL) {
        return NGX_ERROR;
    }

    suspended->api = api;
    suspended->begun = 0;

    ngx_queue_insert_tail(&ngx_http_notify_api_suspended_all,
                          &suspended->queue);
    api->suspended = suspended;

    return NGX_OK;
}


void
ngx_http_notify_api_suspended_destroy(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_suspended_t  *suspended;

    suspended = api->suspended;

    if (suspended == NULL) {
        return;
    }

    suspended->api = NULL;

    if (!suspended->begun) {
        ngx_http_notify_api_suspended_free(suspended);
    }
}


/* a client that leaves is noticed by the reading */

void
ngx_http_notify_api_suspended_wait(ngx_http_notify_api_t *api)
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

        if ((api->once || api->whole) && !r->discard_body) {
            r->read_event_handler = ngx_http_block_reading;
        }
    }
}


void *
ngx_http_notify_api_suspended_begin(ngx_http_notify_api_t *api)
{
    api->suspended->begun = 1;
    ngx_http_notify_exit_hold_begin();

    ngx_http_notify_api_suspended_wait(api);

    return api->suspended;
}


void
ngx_http_notify_api_suspended_began(ngx_http_notify_api_t *api, ngx_int_t rc)
{
    if (rc != NGX_OK) {
        ngx_http_notify_api_suspended_cancel(api);
        ngx_http_notify_api_failed(api);
    }
}


void
ngx_http_notify_api_suspended_cancel(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_suspended_end(api->suspended);
}


ngx_http_notify_api_t *
ngx_http_notify_api_suspended_resume(void *data)
{
    ngx_http_notify_api_suspended_t *suspended = data;

    ngx_http_notify_api_t  *api;

    api = suspended->api;

    ngx_http_notify_api_suspended_end(suspended);

    if (api == NULL) {
        ngx_http_notify_api_suspended_free(suspended);
        return NULL;
    }

    ngx_http_set_log_request(api->request->connection->log, api->request);

    return api;
}


ngx_http_notify_api_t *
ngx_http_notify_api_suspended_reply(void *data,
    const ngx_http_notify_resp_t *resp, const char *name)
{
    ngx_http_notify_api_t  *api;

    api = ngx_http_notify_api_suspended_resume(data);

    if (api == NULL || ngx_http_notify_api_reply(api, resp, name) != NGX_OK) {
        return NULL;
    }

    return api;
}


void *
ngx_http_notify_api_ask(ngx_http_notify_api_t *api,
    ngx_http_notify_api_reply_pt handler)
{
    api->suspended->reply = handler;

    return ngx_http_notify_api_suspended_begin(api);
}


void
ngx_http_notify_api_asked(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_api_t            *api;
    ngx_http_notify_api_reply_pt      reply;
    ngx_http_notify_api_suspended_t  *suspended;

    suspended = data;
    reply = suspended->reply;

    api = ngx_http_notify_api_suspended_reply(data, resp, "api");

    if (api) {
        reply(api, resp);
    }
}


ngx_http_notify_command_t *
ngx_http_notify_api_command(ngx_http_notify_api_t *api, const char *name,
    ngx_http_notify_api_reply_pt handler)
{
    return ngx_http_notify_command_start(api->channel->redis, name,
                                         ngx_http_notify_api_asked,
                                         ngx_http_notify_api_ask(api, handler));
}


ngx_http_notify_command_t *
ngx_http_notify_api_script(ngx_http_notify_api_t *api,
    const ngx_http_notify_script_t *script,
    ngx_http_notify_api_reply_pt handler)
{
    return ngx_http_notify_command_script(api->channel->redis, script,
                                          ngx_http_notify_api_asked,
                                          ngx_http_notify_api_ask(api,
                                                                  handler));
}


void
ngx_http_notify_api_command_send(ngx_http_notify_api_t *api,
    ngx_http_notify_command_t *command)
{
    ngx_http_notify_api_suspended_began(api,
                                        ngx_http_notify_redis_send(command));
}


static void
ngx_http_notify_api_suspended_end(ngx_http_notify_api_suspended_t *suspended)
{
    if (suspended->begun) {
        suspended->begun = 0;
        ngx_http_notify_exit_hold_end();
    }
}


static void
ngx_http_notify_api_suspended_free(ngx_http_notify_api_suspended_t *suspended)
{
    ngx_queue_remove(&suspended->queue);
    ngx_free(suspended);
}


void
ngx_http_notify_api_suspended_init(void)
{
    ngx_queue_init(&ngx_http_notify_api_suspended_all);
}


void
ngx_http_notify_api_suspended_exit(void)
{
    ngx_queue_t                      *q;
    ngx_http_notify_api_suspended_t  *suspended;

    /* not initialized in cache processes */

    if (ngx_http_notify_api_suspended_all.next == NULL) {
        return;
    }

    while (!ngx_queue_empty(&ngx_http_notify_api_suspended_all)) {
        q = ngx_queue_head(&ngx_http_notify_api_suspended_all);
        suspended = ngx_queue_data(q, ngx_http_notify_api_suspended_t, queue);

        ngx_http_notify_api_suspended_end(suspended);

        if (suspended->api) {
            suspended->api->suspended = NULL;
        }

        ngx_http_notify_api_suspended_free(suspended);
    }
}
