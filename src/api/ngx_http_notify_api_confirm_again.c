/*
 * Endpoints that were asked whether they agree and have not answered are asked
 * again: when that is due stands in Redis, so that it does not matter who has
 * asked.  The workers take turns to look.
 */

#include "ngx_http_notify_api_confirm.h"
#include "ngx_http_notify_module.h"
#include "ngx_http_notify_profile.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_subscriptions.h"
#include "ngx_http_notify_timer.h"


/* ms, from the look of one worker to that of the next */
#define NGX_HTTP_NOTIFY_API_CONFIRM_AGAIN_EVERY  1000


static ngx_uint_t ngx_http_notify_api_confirm_again_asks(
    const ngx_http_notify_channel_t *channel);
static void ngx_http_notify_api_confirm_again_timer(ngx_event_t *ev);
static ngx_http_notify_redis_handler_t  ngx_http_notify_api_confirm_again_due;


/* of the worker, until it exits */
static ngx_event_t       ngx_http_notify_api_confirm_again_event;
static ngx_connection_t  ngx_http_notify_api_confirm_again_dumb;
static ngx_array_t      *ngx_http_notify_api_confirm_again_parts;


ngx_int_t
ngx_http_notify_api_confirm_again_init(ngx_cycle_t *cycle)
{
    ngx_uint_t                    i;
    ngx_event_t                  *ev;
    ngx_http_notify_channel_t   **part, **asks;
    ngx_http_notify_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_notify_module);

    ngx_http_notify_api_confirm_again_parts = NULL;

    if (mcf == NULL || mcf->parts == NULL) {
        return NGX_OK;
    }

    ngx_http_notify_api_confirm_again_parts =
        ngx_array_create(cycle->pool, 1, sizeof(ngx_http_notify_channel_t *));
    if (ngx_http_notify_api_confirm_again_parts == NULL) {
        return NGX_ERROR;
    }

    part = mcf->parts->elts;

    for (i = 0; i < mcf->parts->nelts; i++) {

        if (part[i]->redis == NULL      /* not a worker */
            || !ngx_http_notify_api_confirm_again_asks(part[i]))
        {
            continue;
        }

        asks = ngx_array_push(ngx_http_notify_api_confirm_again_parts);
        if (asks == NULL) {
            return NGX_ERROR;
        }

        *asks = part[i];
    }

    if (ngx_http_notify_api_confirm_again_parts->nelts == 0) {
        return NGX_OK;
    }

    ev = &ngx_http_notify_api_confirm_again_event;

    ngx_memzero(ev, sizeof(ngx_event_t));

    ngx_http_notify_api_confirm_again_dumb.fd = (ngx_socket_t) -1;

    ngx_http_notify_timer_idle(ev, ngx_http_notify_api_confirm_again_timer,
                               &ngx_http_notify_api_confirm_again_dumb,
                               cycle->log);

    ngx_add_timer(ev, NGX_HTTP_NOTIFY_API_CONFIRM_AGAIN_EVERY
                      * (ngx_worker + 1));

    return NGX_OK;
}


void
ngx_http_notify_api_confirm_again_exit(void)
{
    ngx_http_notify_timer_stop(&ngx_http_notify_api_confirm_again_event);
}


static ngx_uint_t
ngx_http_notify_api_confirm_again_asks(
    const ngx_http_notify_channel_t *channel)
{
    ngx_uint_t                   i;
    ngx_http_notify_profile_t  **profile;

    profile = channel->profiles->elts;

    for (i = 0; i < channel->profiles->nelts; i++) {
        if (profile[i]->call.confirm != NGX_HTTP_NOTIFY_CONFIRM_OFF) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_notify_api_confirm_again_timer(ngx_event_t *ev)
{
    ngx_uint_t                   i;
    ngx_core_conf_t             *ccf;
    ngx_http_notify_channel_t  **part;

    if (ngx_exiting || ngx_quit || ngx_terminate) {
        return;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    ngx_add_timer(ev, NGX_HTTP_NOTIFY_API_CONFIRM_AGAIN_EVERY
                      * ngx_max(ccf->worker_processes, 1));

    part = ngx_http_notify_api_confirm_again_parts->elts;

    for (i = 0; i < ngx_http_notify_api_confirm_again_parts->nelts; i++) {
        (void) ngx_http_notify_subscriptions_unasked(part[i]->redis,
                                        &part[i]->keys,
                                        ngx_http_notify_api_confirm_again_due,
                                        part[i]);
    }
}


/* ids and documents; nobody else asks these meanwhile */

static void
ngx_http_notify_api_confirm_again_due(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_channel_t *channel = data;

    ngx_uint_t               i;
    ngx_http_notify_resp_t  *id, *text;

    if (ngx_http_notify_script_verdict(channel->redis, resp, "confirm")
        != NGX_OK)
    {
        return;
    }

    for (i = 0; /* void */ ; i += 2) {
        id = ngx_http_notify_resp_at(resp, i);
        text = ngx_http_notify_resp_at(resp, i + 1);

        if (id == NULL || text == NULL) {
            break;
        }

        (void) ngx_http_notify_api_confirm_text(channel, &id->str, &text->str,
                                                NULL);
    }
}
