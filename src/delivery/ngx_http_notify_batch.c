/*
 * Batches: what one call carries of several events, and what the answer says
 * of each.  Must not know who puts which events together.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_batch.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_sign_conf.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_BATCH_ID    (sizeof("batch_") - 1 + 32)

/* bytes of events, which are as many as a retry fetches together */
#define NGX_HTTP_NOTIFY_BATCH_RAW   (2 * 1024 * 1024)


typedef struct {
    ngx_http_notify_event_t               *event;
    ngx_str_t                              text;
} ngx_http_notify_batch_one_t;

struct ngx_http_notify_batch_s {
    ngx_pool_t                            *pool;
    const ngx_http_notify_payload_conf_t  *conf;
    ngx_array_t                            ones;
    size_t                                 size;    /* of the body */
    size_t                                 raw;     /* of the events */
    ngx_uint_t                             hops;
};


static int ngx_libc_cdecl ngx_http_notify_batch_compare(const void *one,
    const void *two);
static ngx_int_t ngx_http_notify_batch_id(ngx_pool_t *pool,
    const ngx_http_notify_batch_t *batch, ngx_str_t *id);
static u_char *ngx_http_notify_batch_line(u_char *p, const ngx_str_t *text);
static ngx_http_notify_args_cmd_t  ngx_http_notify_batch_set;
static ngx_http_notify_args_set_t  ngx_http_notify_batch_set_size;


static ngx_http_notify_args_param_t  ngx_http_notify_batch_number = {
    ngx_string("number"), NULL, 0, 2, NGX_HTTP_NOTIFY_BATCH_MAX,
    "\"off\" or 2 to 1000", 0
};

static ngx_http_notify_args_param_t  ngx_http_notify_batch_params[] = {

    { ngx_string("wait="),
      ngx_http_notify_args_msec,
      offsetof(ngx_http_notify_batch_conf_t, wait),
      1, NGX_HTTP_NOTIFY_BATCH_WAIT_MAX,
      "a time of 1ms to 1m, as \"500ms\"", 0 },

    { ngx_string("size="),
      ngx_http_notify_batch_set_size,
      offsetof(ngx_http_notify_batch_conf_t, size),
      NGX_HTTP_NOTIFY_BATCH_SIZE_MIN, 16 * 1024 * 1024,
      "a size of 1k to 16m", 0 },

    ngx_http_notify_args_end
};


static ngx_command_t  ngx_http_notify_batch_commands[] = {

    { ngx_string("batch"),
      NGX_HTTP_NOTIFY_PROFILE_CONF|NGX_CONF_TAKE123,
      ngx_http_notify_batch_set,
      ngx_http_notify_block_whole },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_batch_module =
    ngx_http_notify_block_module(ngx_http_notify_batch_commands);


ngx_http_notify_batch_t *
ngx_http_notify_batch_create(const ngx_http_notify_payload_conf_t *conf,
    ngx_log_t *log)
{
    ngx_pool_t               *pool;
    ngx_http_notify_batch_t  *batch;

    pool = ngx_create_pool(4096, log);
    if (pool == NULL) {
        return NULL;
    }

    batch = ngx_pcalloc(pool, sizeof(ngx_http_notify_batch_t));

    if (batch == NULL
        || ngx_array_init(&batch->ones, pool, 16,
                          sizeof(ngx_http_notify_batch_one_t))
           != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return NULL;
    }

    batch->pool = pool;
    batch->conf = conf;
    batch->size = sizeof("[]") - 1;

    return batch;
}


void
ngx_http_notify_batch_destroy(ngx_http_notify_batch_t *batch)
{
    ngx_destroy_pool(batch->pool);
}


ngx_int_t
ngx_http_notify_batch_add(ngx_http_notify_batch_t *batch,
    ngx_http_notify_payload_context_t *context)
{
    ngx_str_t                     text;
    ngx_http_notify_event_t      *event;
    ngx_http_notify_batch_one_t  *one;

    event = (ngx_http_notify_event_t *) context->event;

    if (batch->ones.nelts
        && (ngx_http_notify_batch_full(batch)
            || batch->raw + event->size > NGX_HTTP_NOTIFY_BATCH_RAW))
    {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_payload_body(batch->pool, batch->conf, context, &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (batch->ones.nelts
        && batch->size + text.len + 1 > batch->conf->batch.size)
    {
        return NGX_DECLINED;
    }

    one = ngx_array_push(&batch->ones);
    if (one == NULL) {
        return NGX_ERROR;
    }

    one->event = event;
    one->text = text;

    batch->size += text.len + 1;
    batch->raw += event->size;
    batch->hops = ngx_max(batch->hops, event->hops);

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_batch_full(const ngx_http_notify_batch_t *batch)
{
    return batch->ones.nelts >= batch->conf->batch.max;
}


ngx_uint_t
ngx_http_notify_batch_hops(const ngx_http_notify_batch_t *batch)
{
    return batch->hops;
}


ngx_http_notify_event_t *
ngx_http_notify_batch_first(ngx_http_notify_batch_t *batch)
{
    ngx_http_notify_batch_one_t  *one;

    one = batch->ones.elts;

    ngx_qsort(one, batch->ones.nelts, sizeof(ngx_http_notify_batch_one_t),
              ngx_http_notify_batch_compare);

    return one[0].event;
}


static int ngx_libc_cdecl
ngx_http_notify_batch_compare(const void *one, const void *two)
{
    return (int) ngx_http_notify_id_compare(
        &((const ngx_http_notify_batch_one_t *) one)->event->id,
        &((const ngx_http_notify_batch_one_t *) two)->event->id);
}


ngx_int_t
ngx_http_notify_batch_body(ngx_pool_t *pool,
    const ngx_http_notify_payload_conf_t *conf, ngx_http_notify_batch_t *batch,
    ngx_http_notify_payload_context_t *context, ngx_str_t *body)
{
    u_char                       *p;
    ngx_uint_t                    i, lines;
    ngx_http_notify_batch_t       single;
    ngx_http_notify_batch_one_t  *one;

    if (batch == NULL) {
        batch = &single;

        ngx_memzero(batch, sizeof(ngx_http_notify_batch_t));

        batch->pool = pool;
        batch->conf = conf;
        batch->size = sizeof("[]") - 1;

        if (ngx_array_init(&batch->ones, pool, 1,
                           sizeof(ngx_http_notify_batch_one_t))
            != NGX_OK
            || ngx_http_notify_batch_add(batch, context) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_notify_batch_id(pool, batch, &context->batch) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(pool, batch->size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    lines = (conf->kind == NGX_HTTP_NOTIFY_PAYLOAD_RAW);
    one = batch->ones.elts;

    for (i = 0; i < batch->ones.nelts; i++) {

        if (lines) {
            p = ngx_http_notify_batch_line(p, &one[i].text);
            continue;
        }

        *p++ = i ? ',' : '[';
        p = ngx_cpymem(p, one[i].text.data, one[i].text.len);
    }

    if (!lines) {
        *p++ = ']';
    }

    body->len = p - body->data;
    context->payload = *body;

    return NGX_OK;
}


/* the same for the same events, which are sorted */

static ngx_int_t
ngx_http_notify_batch_id(ngx_pool_t *pool,
    const ngx_http_notify_batch_t *batch, ngx_str_t *id)
{
    u_char                       *p;
    ngx_str_t                     ids;
    ngx_uint_t                    i, n;
    ngx_http_notify_batch_one_t  *one;

    one = batch->ones.elts;
    n = batch->ones.nelts;

    p = ngx_pnalloc(pool, NGX_HTTP_NOTIFY_BATCH_ID
                          + n * NGX_HTTP_NOTIFY_ID_EVENT_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    id->data = p;
    id->len = NGX_HTTP_NOTIFY_BATCH_ID;

    ids.data = p + NGX_HTTP_NOTIFY_BATCH_ID;
    p = ids.data;

    for (i = 0; i < n; i++) {
        p = ngx_http_notify_id_event(p, &one[i].event->id);
    }

    ids.len = p - ids.data;

    p = ngx_cpymem(id->data, "batch_", sizeof("batch_") - 1);

    return ngx_http_notify_id_digest(&ids, 1, p);
}


/* in JSON a line's end is white space between values, and nothing else */

static u_char *
ngx_http_notify_batch_line(u_char *p, const ngx_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {
        *p++ = (text->data[i] == LF || text->data[i] == CR) ? ' '
                                                            : text->data[i];
    }

    *p++ = LF;

    return p;
}


ngx_int_t
ngx_http_notify_batch_answer(ngx_pool_t *pool, const ngx_str_t *body,
    ngx_str_t *failed)
{
    ngx_int_t                     rc;
    ngx_str_t                     answer, name;
    ngx_http_notify_json_error_t  error;

    ngx_str_null(failed);

    if (ngx_http_notify_json_scan(body, &answer, &error) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_str_set(&name, "failed");

    rc = ngx_http_notify_json_find(pool, &answer, &name, failed);

    if (rc != NGX_OK
        || ngx_http_notify_json_kind(failed) != NGX_HTTP_NOTIFY_JSON_ARRAY)
    {
        ngx_str_null(failed);
    }

    return rc;
}


ngx_uint_t
ngx_http_notify_batch_failed(const ngx_str_t *failed,
    const ngx_http_notify_id_t *id)
{
    ngx_str_t                     name, value, text;
    ngx_http_notify_json_iter_t   it;
    u_char                        buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN];

    if (failed->len == 0) {
        return 0;
    }

    text.data = buf;
    text.len = ngx_http_notify_id_event(buf, id) - buf;

    ngx_http_notify_json_iter(&it, failed);

    while (ngx_http_notify_json_next(&it, &name, &value) == NGX_OK) {

        if (value.len == text.len + 2
            && ngx_memcmp(value.data + 1, text.data, text.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_notify_batch_type(ngx_http_notify_payload_conf_t *conf)
{
    ngx_str_set(&conf->content_type, "application/json");

    if (conf->kind == NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS) {
        ngx_str_set(&conf->content_type, "application/cloudevents+json");
    }

    if (conf->batch.max == 0) {
        return;
    }

    if (conf->kind == NGX_HTTP_NOTIFY_PAYLOAD_RAW) {
        ngx_str_set(&conf->content_type, "application/x-ndjson");

    } else if (conf->kind == NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS) {
        ngx_str_set(&conf->content_type, "application/cloudevents-batch+json");
    }
}


char *
ngx_http_notify_batch_conf_init(ngx_conf_t *cf,
    ngx_http_notify_payload_conf_t *conf,
    const ngx_http_notify_sign_conf_t *sign)
{
    u_char      *p;
    const char  *reason;

    if (conf->batch.max == 0) {
        return NGX_CONF_OK;
    }

    reason = ngx_http_notify_batch_against(conf, sign);

    if (reason) {
        p = ngx_pnalloc(cf->pool, sizeof("has \"batch\" and ")
                                  + ngx_strlen(reason));
        if (p == NULL) {
            return NGX_CONF_ERROR;
        }

        *ngx_sprintf(p, "has \"batch\" and %s", reason) = '\0';

        return (char *) p;
    }

    ngx_http_notify_batch_type(conf);

    return NGX_CONF_OK;
}


const char *
ngx_http_notify_batch_against(const ngx_http_notify_payload_conf_t *conf,
    const ngx_http_notify_sign_conf_t *sign)
{
    ngx_uint_t                      i;
    ngx_http_notify_sign_scheme_t  *scheme;

    if (conf->kind == NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS_BINARY) {
        return "\"payload cloudevents binary\", whose headers are of one "
               "event";
    }

    scheme = sign->schemes.elts;

    for (i = 0; i < sign->schemes.nelts; i++) {

        if (scheme[i].data == NULL) {
            continue;
        }

        if (scheme[i].kind == NGX_HTTP_NOTIFY_SIGN_STANDARD) {
            return "\"sign standard id=\", the id is that of the batch";
        }

        if (scheme[i].kind == NGX_HTTP_NOTIFY_SIGN_HMAC
            && ngx_http_notify_payload_eventful(scheme[i].data))
        {
            return "\"sign hmac data=\" of an event's members";
        }
    }

    return NULL;
}


/* batch N [wait=TIME] [size=SIZE] | off */
static char *
ngx_http_notify_batch_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    char                          *rv;
    ngx_str_t                     *args;
    ngx_http_notify_batch_conf_t  *batch;

    batch = &ccf->payload.batch;

    if (batch->given) {
        return "is duplicate";
    }

    batch->given = 1;

    args = cf->args->elts;

    if (ngx_http_notify_text_is(&args[1], "off")) {
        return cf->args->nelts == 2 ? NGX_CONF_OK
                                    : "has parameters after \"off\"";
    }

    batch->wait = NGX_HTTP_NOTIFY_BATCH_WAIT;
    batch->size = NGX_HTTP_NOTIFY_BATCH_SIZE;

    rv = ngx_http_notify_args_number(cf, &ngx_http_notify_batch_number,
                                     &args[1], &batch->max);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_notify_args_parse(cf, 2, ngx_http_notify_batch_params,
                                      batch);
}


static char *
ngx_http_notify_batch_set_size(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    size_t *size = field;

    ssize_t  n;

    n = ngx_parse_size(value);

    if (n < (ssize_t) param->min || n > (ssize_t) param->max) {
        return ngx_http_notify_args_invalid(cf, param, value);
    }

    *size = (size_t) n;

    return NGX_CONF_OK;
}
