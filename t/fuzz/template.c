/*
 * Templates of payloads and headers: whatever a template and an event are, a
 * JSON template makes JSON, and its size is what was reckoned.
 */

#include "fuzz.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_payload.h"


static ngx_conf_file_t  fuzz_file;


/* JSON texts stay JSON: an event has passed the scanner */

static ngx_str_t
fuzz_value(ngx_pool_t *pool, ngx_str_t *input)
{
    ngx_str_t                      text, value;
    ngx_http_notify_json_error_t   error;

    text = fuzz_cut(pool, input, '\0');

    if (ngx_http_notify_json_scan(&text, &value, &error) != NGX_OK) {
        ngx_str_set(&value, "");
    }

    return value;
}


/* plain texts are UTF-8 */

static ngx_str_t
fuzz_text(ngx_pool_t *pool, ngx_str_t *input)
{
    u_char     *p, *last;
    size_t      n;
    ngx_str_t   text;

    text = fuzz_cut(pool, input, '\0');
    last = text.data + text.len;

    for (p = text.data; p < last; p += n) {
        n = ngx_http_notify_text_char(p, last);

        if (n == 0) {
            ngx_str_set(&text, "");
            break;
        }
    }

    return text;
}


static void
fuzz_event(ngx_pool_t *pool, ngx_str_t *input, ngx_http_notify_event_t *event)
{
    ngx_keyval_t  *attribute;

    ngx_memzero(event, sizeof(ngx_http_notify_event_t));

    event->id.ms = input->len;
    event->time = (uint64_t) FUZZ_TIME * 1000;
    ngx_str_set(&event->type, "document.pricing");
    event->data = fuzz_value(pool, input);
    event->entity_id = fuzz_value(pool, input);
    event->entity_type_id = fuzz_value(pool, input);
    event->session_id = fuzz_text(pool, input);
    event->tenant = fuzz_text(pool, input);

    attribute = ngx_palloc(pool, sizeof(ngx_keyval_t));
    fuzz_check(attribute != NULL);

    ngx_str_set(&attribute->key, "country");
    attribute->value = fuzz_text(pool, input);
    event->attributes = attribute;
    event->nattributes = 1;
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_str_t                           text, made, scanned;
    ngx_conf_t                          cf;
    const char                         *reason;
    ngx_http_notify_event_t             event;
    ngx_http_notify_template_t         *t;
    ngx_http_notify_json_error_t        error;
    ngx_http_notify_subscription_t      subscription;
    ngx_http_notify_payload_context_t   context;

    ngx_memzero(&cf, sizeof(ngx_conf_t));
    cf.pool = pool;
    cf.log = pool->log;
    cf.conf_file = &fuzz_file;

    text = fuzz_cut(pool, input, '\0');
    fuzz_event(pool, input, &event);

    ngx_memzero(&subscription, sizeof(ngx_http_notify_subscription_t));
    ngx_str_set(&subscription.id, "sub_1");
    subscription.api_key = fuzz_text(pool, input);

    ngx_memzero(&context, sizeof(ngx_http_notify_payload_context_t));
    context.event = &event;
    context.subscription = &subscription;
    context.attempt = choice;
    context.timestamp = FUZZ_TIME;

    reason = NULL;

    t = (choice & 1)
        ? ngx_http_notify_payload_compile_json(&cf, &text, choice & 2, &reason)
        : ngx_http_notify_payload_compile(&cf, &text, &reason);

    if (t == NULL) {
        fuzz_check(reason != NULL);
        return;
    }

    (void) ngx_http_notify_payload_constant(t);

    fuzz_check(ngx_http_notify_payload_text(pool, t, &context, &made)
               == NGX_OK);

    if (choice & 1) {
        fuzz_check(ngx_http_notify_json_scan(&made, &scanned, &error)
                   == NGX_OK);
    }

    if (ngx_http_notify_payload_call(pool, &event, choice & 4, &made)
        == NGX_OK)
    {
        fuzz_check(ngx_http_notify_json_scan(&made, &scanned, &error)
                   == NGX_OK);
    }
}
