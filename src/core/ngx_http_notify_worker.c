/*
 * The start and the end of a worker: what of the layers below begins and ends
 * with it.
 */

#include "ngx_http_notify_connections.h"
#include "ngx_http_notify_engine.h"
#include "ngx_http_notify_log_publish.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_worker.h"


static void ngx_http_notify_worker_init_metrics(ngx_cycle_t *cycle,
    ngx_http_notify_main_conf_t *mcf);


/* of the worker; read when a worker starts, gone when it exits */
static ngx_uint_t                ngx_http_notify_worker_started;


ngx_int_t
ngx_http_notify_worker_init(ngx_cycle_t *cycle,
    ngx_http_notify_main_conf_t *mcf)
{
    u_char                    *p;
    ngx_str_t                  owner;
    ngx_http_conf_ctx_t       *ctx;
    ngx_http_core_loc_conf_t  *clcf;

    /* not in the cache manager and loader, which are helpers */

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    if (mcf == NULL || (mcf->channels->nelts == 0 && !mcf->commands)) {
        return NGX_OK;
    }

    ngx_http_notify_worker_init_metrics(cycle, mcf);
    ngx_http_notify_seal_use(&mcf->seal);

    owner.data = ngx_pnalloc(cycle->pool,
                             mcf->nonce.len + 5 + NGX_INT_T_LEN);
    if (owner.data == NULL) {
        return NGX_ERROR;
    }

    /* "2:", it finds events in segments, "3:", and names among others, see
     * pack.lua and known.lua */

    p = ngx_sprintf(owner.data, "2:3:%V-%ui", &mcf->nonce, ngx_worker);
    owner.len = p - owner.data;

    ngx_http_notify_worker_started = 1;

    /* the resolver of Redis' nodes and of detached calls */

    ctx = (ngx_http_conf_ctx_t *) cycle->conf_ctx[ngx_http_module.index];
    clcf = ctx->loc_conf[ngx_http_core_module.ctx_index];

    mcf->redis.resolver = clcf->resolver;

    if (ngx_http_notify_connections_init(cycle, &mcf->redis, mcf->parts)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_notify_call_init_process(cycle, clcf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_notify_engine_init_process(cycle, mcf->parts,
                                         ngx_http_notify_connections_redis(),
                                         &owner);
}


static void
ngx_http_notify_worker_init_metrics(ngx_cycle_t *cycle,
    ngx_http_notify_main_conf_t *mcf)
{
    ngx_uint_t                   i, n;
    ngx_http_notify_channel_t  **channel;

    ngx_http_notify_metrics_attach(mcf->zone);

    if (ngx_http_notify_metrics_join(NGX_HTTP_NOTIFY_METRICS_ALL) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                      "notify module: notify_zone is full, "
                      "this worker is not measured");
    }

    channel = mcf->channels->elts;

    for (i = 0; i < mcf->channels->nelts; i++) {
        channel[i]->metrics = ngx_http_notify_metrics_channel(
                                                            &channel[i]->name);

        if (channel[i]->metrics == NGX_ERROR) {
            ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                          "notify module: notify_zone is full, "
                          "channel \"%V\" has no counters",
                          &channel[i]->name);

        } else if (ngx_http_notify_metrics_join(channel[i]->metrics)
                   != NGX_OK)
        {
            ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                          "notify module: notify_zone is full, "
                          "channel \"%V\" is not measured in this worker",
                          &channel[i]->name);
        }

        for (n = 1; n < channel[i]->partitions; n++) {
            channel[i]->parts[n]->metrics = channel[i]->metrics;
        }
    }
}


void
ngx_http_notify_worker_exit(ngx_cycle_t *cycle,
    ngx_http_notify_main_conf_t *mcf)
{
    if (!ngx_http_notify_worker_started) {
        return;
    }

    ngx_http_notify_worker_started = 0;

    ngx_http_notify_engine_exit_process(cycle);
    ngx_http_notify_call_exit_process(cycle);

    ngx_http_notify_connections_exit(mcf->parts);
    ngx_http_notify_log_publish_exit();

    ngx_http_notify_metrics_leave();
}
