/*
 * Requests of fuzz targets: made in memory, answered into memory.
 */

#include "fuzz_request.h"
#include <ngx_event.h>
#include "ngx_http_notify_json.h"


fuzz_answer_t  fuzz_answered;

/* so many of them have configurations and contexts */
static ngx_uint_t  fuzz_modules;


static void
fuzz_start(ngx_log_t *log)
{
    ngx_uint_t  i;

    for (i = 0; ngx_modules[i]; i++) {
        ngx_modules[i]->index = i;

        if (ngx_modules[i]->type == NGX_HTTP_MODULE) {
            ngx_modules[i]->ctx_index = fuzz_modules++;
        }
    }

    fuzz_check(ngx_event_timer_init(log) == NGX_OK);
    ngx_http_notify_api_suspended_init();
}


static void fuzz_request_cleanup(void *data);


static ngx_int_t
fuzz_header(ngx_http_request_t *r)
{
    fuzz_answered.n++;
    fuzz_answered.status = r->headers_out.status;
    r->header_sent = 1;

    return NGX_OK;
}


static ngx_int_t
fuzz_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    fuzz_check(in->next == NULL && in->buf->last_in_chain);

    fuzz_answered.body = fuzz_copy(r->pool, in->buf->pos,
                                   in->buf->last - in->buf->pos);

    return NGX_OK;
}


ngx_http_request_t *
fuzz_request(ngx_pool_t *pool)
{
    ngx_http_request_t         *r;
    ngx_http_core_main_conf_t  *cmcf;

    if (fuzz_modules == 0) {
        fuzz_start(pool->log);
    }

    ngx_http_top_header_filter = fuzz_header;
    ngx_http_top_body_filter = fuzz_body;
    ngx_queue_init(&ngx_posted_events);

    ngx_memzero(&fuzz_answered, sizeof(fuzz_answer_t));

    r = ngx_pcalloc(pool, sizeof(ngx_http_request_t));
    fuzz_check(r != NULL);

    r->pool = pool;
    r->main = r;
    r->connection = ngx_pcalloc(pool, sizeof(ngx_connection_t));
    r->ctx = ngx_pcalloc(pool, fuzz_modules * sizeof(void *));
    r->main_conf = ngx_pcalloc(pool, fuzz_modules * sizeof(void *));
    r->srv_conf = ngx_pcalloc(pool, fuzz_modules * sizeof(void *));
    r->loc_conf = ngx_pcalloc(pool, fuzz_modules * sizeof(void *));
    r->variables = ngx_pcalloc(pool, sizeof(ngx_http_variable_value_t));
    cmcf = ngx_pcalloc(pool, sizeof(ngx_http_core_main_conf_t));

    fuzz_check(r->connection && r->ctx && r->main_conf && r->srv_conf
               && r->loc_conf && r->variables && cmcf);

    r->connection->log = pool->log;
    r->main_conf[ngx_http_core_module.ctx_index] = cmcf;

    /* one is asked for, $request_id */

    r->variables->not_found = 1;

    fuzz_check(ngx_array_init(&cmcf->variables, pool, 1,
                              sizeof(ngx_http_variable_t))
               == NGX_OK);
    ngx_memzero(ngx_array_push(&cmcf->variables),
                sizeof(ngx_http_variable_t));

    fuzz_check(ngx_list_init(&r->headers_in.headers, pool, 4,
                             sizeof(ngx_table_elt_t))
               == NGX_OK);
    fuzz_check(ngx_list_init(&r->headers_out.headers, pool, 4,
                             sizeof(ngx_table_elt_t))
               == NGX_OK);

    return r;
}


void
fuzz_request_header(ngx_http_request_t *r, const char *name,
    const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    fuzz_check(h != NULL);

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;

    if (ngx_strcmp(name, "Content-Type") == 0) {
        r->headers_in.content_type = h;
    }
}


ngx_http_notify_api_t *
fuzz_request_api(ngx_http_request_t *r, ngx_http_notify_channel_t *channel,
    ngx_uint_t method)
{
    ngx_pool_cleanup_t     *cln;
    ngx_http_notify_api_t  *api;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_notify_api_t));
    fuzz_check(cln != NULL);

    cln->handler = fuzz_request_cleanup;
    api = cln->data;
    ngx_memzero(api, sizeof(ngx_http_notify_api_t));

    api->request = r;
    api->channel = channel;
    api->method = method;
    api->invalid.pool = r->pool;
    api->end.data = api;
    api->end.log = r->pool->log;

    fuzz_check(ngx_http_notify_api_suspended_create(api) == NGX_OK);

    return api;
}


static void
fuzz_request_cleanup(void *data)
{
    ngx_http_notify_api_suspended_destroy(data);
}


ngx_http_core_main_conf_t *
fuzz_request_conf(ngx_conf_t *cf, ngx_http_request_t *r)
{
    ngx_http_conf_ctx_t        *ctx;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    cmcf->variables_keys = ngx_pcalloc(r->pool, sizeof(ngx_hash_keys_arrays_t));
    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_conf_ctx_t));
    fuzz_check(cmcf->variables_keys && ctx);

    cmcf->variables_keys->pool = r->pool;
    cmcf->variables_keys->temp_pool = r->pool;

    fuzz_check(ngx_hash_keys_array_init(cmcf->variables_keys, NGX_HASH_SMALL)
               == NGX_OK);
    fuzz_check(ngx_array_init(&cmcf->prefix_variables, r->pool, 4,
                              sizeof(ngx_http_variable_t))
               == NGX_OK);

    ctx->main_conf = r->main_conf;
    ctx->srv_conf = r->srv_conf;
    ctx->loc_conf = r->loc_conf;

    ngx_memzero(cf, sizeof(ngx_conf_t));

    cf->pool = r->pool;
    cf->temp_pool = r->pool;
    cf->log = r->pool->log;
    cf->ctx = ctx;

    return cmcf;
}


void
fuzz_request_refused(ngx_pool_t *pool, ngx_uint_t min, ngx_uint_t max)
{
    ngx_str_t                      text;
    ngx_http_notify_json_t        *problem;
    ngx_http_notify_json_error_t   error;

    fuzz_check(fuzz_answered.n == 1);
    fuzz_check(fuzz_answered.status >= min && fuzz_answered.status <= max);

    problem = ngx_http_notify_json_parse(pool, &fuzz_answered.body, &error);
    fuzz_check(problem != NULL);

    text = ngx_http_notify_json_string(ngx_http_notify_json_get(problem,
                                                                "detail"));
    fuzz_check(text.len > 0);
}
