/*
 * The members of a subscription that stand in place of its profile's
 * directives.  A template of a client sees no setting, which is the operator's.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_custom.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_CUSTOM_VARIABLES  32


typedef struct {
    ngx_pool_t                            *pool;
    ngx_http_notify_custom_attribute_pt    attribute;
    const void                            *data;
    const char                            *reason;
} ngx_http_notify_custom_template_t;


static ngx_int_t ngx_http_notify_custom_template(
    ngx_http_notify_custom_template_t *ctx, const ngx_str_t *text,
    ngx_http_notify_payload_conf_t *payload);
static ngx_int_t ngx_http_notify_custom_named(void *data,
    const ngx_str_t *name, ngx_uint_t setting, const u_char *file,
    ngx_uint_t line);


ngx_int_t
ngx_http_notify_custom_time(const ngx_http_notify_json_t *value, uint64_t *ms)
{
    int64_t    n;
    ngx_int_t  time;
    ngx_str_t  text;

    if (ngx_http_notify_json_integer(value, &n) == NGX_OK) {

        if (n < 1 || n > 365 * 86400) {
            return NGX_DECLINED;
        }

        *ms = (uint64_t) n * 1000;
        return NGX_OK;
    }

    text = ngx_http_notify_json_string(value);

    if (text.len == 0) {
        return NGX_DECLINED;
    }

    time = ngx_parse_time(&text, 0);

    if (time < 1 || time > (ngx_int_t) 365 * 86400 * 1000) {
        return NGX_DECLINED;
    }

    *ms = time;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_custom_payload(ngx_pool_t *pool,
    const ngx_http_notify_payload_conf_t *base,
    const ngx_http_notify_json_t *value,
    ngx_http_notify_custom_attribute_pt attribute, const void *data,
    ngx_http_notify_payload_conf_t *payload, const char **reason)
{
    ngx_int_t                          rc;
    ngx_str_t                          text;
    ngx_http_notify_custom_template_t  ctx;

    *payload = *base;
    ngx_str_set(&payload->content_type, "application/json");

    text = ngx_http_notify_json_string(value);

    if (ngx_http_notify_text_is(&text, "raw")) {
        payload->kind = NGX_HTTP_NOTIFY_PAYLOAD_RAW;
        ngx_http_notify_batch_type(payload);
        return NGX_OK;
    }

    if (ngx_http_notify_text_is(&text, "cloudevents")) {
        payload->kind = NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS;
        ngx_str_set(&payload->content_type, "application/cloudevents+json");
        ngx_http_notify_batch_type(payload);
        return NGX_OK;
    }

    if (ngx_http_notify_text_is(&text, "cloudevents binary")) {

        if (payload->batch.max) {
            *reason = "the headers of \"binary\" are of one event, and "
                      "the profile has \"batch\"";
            return NGX_DECLINED;
        }

        payload->kind = NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS_BINARY;
        return NGX_OK;
    }

    if (text.len == 0
        && ngx_http_notify_json_dump(pool, value, 0, &text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx.pool = pool;
    ctx.attribute = attribute;
    ctx.data = data;
    ctx.reason = NULL;

    rc = ngx_http_notify_custom_template(&ctx, &text, payload);

    *reason = ctx.reason;

    return rc;
}


static ngx_int_t
ngx_http_notify_custom_template(ngx_http_notify_custom_template_t *ctx,
    const ngx_str_t *text, ngx_http_notify_payload_conf_t *payload)
{
    size_t           i;
    ngx_uint_t       n;
    ngx_conf_t       cf;
    ngx_conf_file_t  file;

    /* each may be as long as the data */

    for (i = 0, n = 0; i < text->len; i++) {
        n += (text->data[i] == '$');
    }

    if (n > NGX_HTTP_NOTIFY_CUSTOM_VARIABLES) {
        ctx->reason = "more than 32 variables";
        return NGX_DECLINED;
    }

    ngx_memzero(&cf, sizeof(ngx_conf_t));
    ngx_memzero(&file, sizeof(ngx_conf_file_t));

    ngx_str_set(&file.file.name, "a subscription");

    cf.pool = ctx->pool;
    cf.temp_pool = ctx->pool;
    cf.log = ctx->pool->log;
    cf.conf_file = &file;

    payload->kind = NGX_HTTP_NOTIFY_PAYLOAD_JSON;
    payload->json = ngx_http_notify_payload_compile_json(&cf, text, 1,
                                                         &ctx->reason);
    if (payload->json == NULL) {
        return ctx->reason ? NGX_DECLINED : NGX_ERROR;
    }

    return ngx_http_notify_payload_named(payload->json,
                                         ngx_http_notify_custom_named, ctx);
}


static ngx_int_t
ngx_http_notify_custom_named(void *data, const ngx_str_t *name,
    ngx_uint_t setting, const u_char *file, ngx_uint_t line)
{
    ngx_http_notify_custom_template_t *ctx = data;

    u_char  *p;

    if (setting) {
        ctx->reason = "a setting cannot be read here";
        return NGX_DECLINED;
    }

    if (ctx->attribute == NULL || ctx->attribute(ctx->data, name)) {
        return NGX_OK;
    }

    p = ngx_pnalloc(ctx->pool, sizeof("no attribute \"\"") + name->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    *ngx_sprintf(p, "no attribute \"%V\"", name) = '\0';
    ctx->reason = (const char *) p;

    return NGX_DECLINED;
}


const ngx_http_notify_backoff_t *
ngx_http_notify_custom_retry(
    const ngx_http_notify_subscription_t *subscription,
    const ngx_http_notify_call_conf_t *conf,
    const ngx_http_notify_backoff_t *base)
{
    ngx_uint_t                  i, n;
    ngx_http_notify_json_t     *steps;
    ngx_http_notify_backoff_t  *backoff;

    steps = ngx_http_notify_json_get(subscription->document, "retry");
    n = ngx_http_notify_json_size(steps);

    if (!(conf->customize & NGX_HTTP_NOTIFY_CUSTOM_RETRY) || n == 0) {
        return base;
    }

    backoff = ngx_palloc(subscription->pool,
                         sizeof(ngx_http_notify_backoff_t));
    if (backoff == NULL) {
        return NULL;
    }

    *backoff = *base;
    backoff->nsteps = 0;

    for (i = 0; i < n && i < NGX_HTTP_NOTIFY_BACKOFF_STEPS; i++) {
        if (ngx_http_notify_custom_time(ngx_http_notify_json_at(steps, i),
                                        &backoff->steps[backoff->nsteps])
            == NGX_OK)
        {
            backoff->nsteps++;
        }
    }

    return backoff->nsteps ? backoff : base;
}
