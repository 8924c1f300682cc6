/*
 * The members of a subscription that stand in place of its profile's
 * directives.  A template of a client sees no setting, which is the operator's.
 */

#include "ngx_http_notify_custom.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_CUSTOM_VARIABLES  32


typedef struct {
    ngx_pool_t                            *pool;
    ngx_http_notify_custom_attribute_pt    attribute;
    const void                            *data;
    const char                            *reason;
} ngx_http_notify_custom_template_t;


typedef enum {
    NGX_HTTP_NOTIFY_CUSTOM_NUMBER = 0,
    NGX_HTTP_NOTIFY_CUSTOM_TIME,            /* ms */
    NGX_HTTP_NOTIFY_CUSTOM_SIZE
} ngx_http_notify_custom_kind_e;

typedef struct {
    const char                            *name;
    ngx_http_notify_custom_kind_e          kind;
    int64_t                                min;
    int64_t                                max;
    ngx_uint_t                             value;
} ngx_http_notify_custom_bound_t;


static ngx_int_t ngx_http_notify_custom_bounds(ngx_pool_t *pool,
    const ngx_http_notify_json_t *object,
    ngx_http_notify_custom_bound_t *bound, const char **member,
    const char **reason);
static ngx_int_t ngx_http_notify_custom_bound(ngx_pool_t *pool,
    const ngx_http_notify_json_t *value,
    ngx_http_notify_custom_bound_t *bound, const char **reason);
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


ngx_int_t
ngx_http_notify_custom_body(ngx_pool_t *pool,
    const ngx_http_notify_call_conf_t *conf,
    const ngx_http_notify_json_t *document,
    ngx_http_notify_payload_conf_t *payload, const char **reason)
{
    ngx_int_t                      rc;
    const char                    *member, *why;
    const ngx_http_notify_json_t  *own, *batch;

    own = (conf->customize & NGX_HTTP_NOTIFY_CUSTOM_PAYLOAD)
          ? ngx_http_notify_json_get(document, "payload") : NULL;
    batch = (conf->customize & NGX_HTTP_NOTIFY_CUSTOM_BATCH)
            ? ngx_http_notify_json_get(document, "batch") : NULL;

    *payload = conf->payload;
    *reason = NULL;

    if (own) {
        rc = ngx_http_notify_custom_payload(pool, &conf->payload, own, NULL,
                                            NULL, payload, reason);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (batch
        && ngx_http_notify_custom_batch(pool, &conf->payload.batch, batch,
                                        &payload->batch, &member, &why)
           == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    if (own || batch) {

        if (payload->batch.max) {
            *reason = ngx_http_notify_batch_against(payload, &conf->sign);
        }

        if (*reason) {
            payload->batch.max = 0;
        }

        ngx_http_notify_batch_type(payload);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_custom_batch(ngx_pool_t *pool,
    const ngx_http_notify_batch_conf_t *base,
    const ngx_http_notify_json_t *value, ngx_http_notify_batch_conf_t *batch,
    const char **member, const char **reason)
{
    ngx_http_notify_custom_bound_t  bound[3];

    bound[0].name = "events";
    bound[0].kind = NGX_HTTP_NOTIFY_CUSTOM_NUMBER;
    bound[0].min = 2;
    bound[0].max = NGX_HTTP_NOTIFY_BATCH_MAX;
    bound[0].value = 0;

    bound[1].name = "wait";
    bound[1].kind = NGX_HTTP_NOTIFY_CUSTOM_TIME;
    bound[1].min = 1;
    bound[1].max = NGX_HTTP_NOTIFY_BATCH_WAIT_MAX;
    bound[1].value = NGX_HTTP_NOTIFY_BATCH_WAIT;

    bound[2].name = "size";
    bound[2].kind = NGX_HTTP_NOTIFY_CUSTOM_SIZE;
    bound[2].min = NGX_HTTP_NOTIFY_BATCH_SIZE_MIN;
    bound[2].max = NGX_HTTP_NOTIFY_BATCH_SIZE;
    bound[2].value = NGX_HTTP_NOTIFY_BATCH_SIZE;

    if (base->max) {
        bound[0].max = bound[0].value = base->max;
        bound[1].max = bound[1].value = base->wait;
        bound[2].max = bound[2].value = base->size;
    }

    *batch = *base;
    *member = NULL;
    *reason = NULL;

    switch (ngx_http_notify_json_type(value)) {

    case NGX_HTTP_NOTIFY_JSON_FALSE:
        batch->max = 0;
        return NGX_OK;

    case NGX_HTTP_NOTIFY_JSON_OBJECT:
        if (ngx_http_notify_custom_bounds(pool, value, bound, member, reason)
            == NGX_ERROR)
        {
            return NGX_ERROR;
        }

        break;

    default:
        if (ngx_http_notify_custom_bound(pool, value, &bound[0], reason)
            == NGX_ERROR)
        {
            return NGX_ERROR;
        }
    }

    batch->max = bound[0].value;
    batch->wait = bound[1].value;
    batch->size = bound[2].value;

    return *reason ? NGX_DECLINED : NGX_OK;
}


/* the members of an object; the first that is wrong is told */

static ngx_int_t
ngx_http_notify_custom_bounds(ngx_pool_t *pool,
    const ngx_http_notify_json_t *object,
    ngx_http_notify_custom_bound_t *bound, const char **member,
    const char **reason)
{
    void                          *cursor;
    ngx_str_t                      name;
    ngx_uint_t                     i;
    const char                    *why;
    const ngx_http_notify_json_t  *value;

    cursor = NULL;

    for ( ;; ) {
        value = ngx_http_notify_json_member(object, &cursor, &name);

        if (value == NULL) {
            break;
        }

        for (i = 0; i < 3; i++) {
            if (ngx_http_notify_text_is_nocase(&name, bound[i].name)) {
                break;
            }
        }

        if (i == 3) {
            *reason = "has members other than events, wait and size";
            continue;
        }

        why = NULL;

        if (ngx_http_notify_custom_bound(pool, value, &bound[i], &why)
            == NGX_ERROR)
        {
            return NGX_ERROR;
        }

        if (why && *reason == NULL) {
            *member = bound[i].name;
            *reason = why;
        }
    }

    if (bound[0].value == 0 && *reason == NULL) {
        *member = bound[0].name;
        *reason = "is missing";
    }

    return NGX_OK;
}


/* keeps the bound's value where it is no such value at all */

static ngx_int_t
ngx_http_notify_custom_bound(ngx_pool_t *pool,
    const ngx_http_notify_json_t *value,
    ngx_http_notify_custom_bound_t *bound, const char **reason)
{
    u_char     *p;
    size_t      len;
    int64_t     n;
    uint64_t    ms;
    ngx_str_t   text;

    n = -1;
    ms = 0;
    text = ngx_http_notify_json_string(value);

    switch (bound->kind) {

    case NGX_HTTP_NOTIFY_CUSTOM_TIME:
        if (ngx_http_notify_custom_time(value, &ms) == NGX_OK) {
            n = (int64_t) ms;
        }

        break;

    case NGX_HTTP_NOTIFY_CUSTOM_SIZE:
        if (text.len) {
            n = ngx_parse_size(&text);
            break;
        }

        /* fall through */

    default:
        (void) ngx_http_notify_json_integer(value, &n);
    }

    if (n >= bound->min && n <= bound->max) {
        bound->value = (ngx_uint_t) n;
        return NGX_OK;
    }

    if (n > bound->max) {
        bound->value = (ngx_uint_t) bound->max;
    }

    len = sizeof("must be a size of  to  bytes, like \"256k\"")
          + 2 * NGX_INT64_LEN;

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    *reason = (const char *) p;

    switch (bound->kind) {

    case NGX_HTTP_NOTIFY_CUSTOM_TIME:
        p = ngx_snprintf(p, len - 1, "must be a time of %Lms to %Lms",
                         bound->min, bound->max);
        break;

    case NGX_HTTP_NOTIFY_CUSTOM_SIZE:
        p = ngx_snprintf(p, len - 1,
                         "must be a size of %L to %L bytes, like \"256k\"",
                         bound->min, bound->max);
        break;

    default:
        p = ngx_snprintf(p, len - 1, "must be %L to %L events",
                         bound->min, bound->max);
    }

    *p = '\0';

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
