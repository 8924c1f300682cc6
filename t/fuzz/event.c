/*
 * What a publisher says of an event: taken or refused with reasons; what is
 * taken is sent on as JSON.
 */

#include "fuzz.h"
#include "ngx_http_notify_event_form.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_payload.h"


static ngx_http_notify_channel_event_t      fuzz_events[2];
static ngx_http_notify_channel_attribute_t  fuzz_attributes[2];

static ngx_array_t  fuzz_list[] = {
    { fuzz_events, 2, sizeof(fuzz_events[0]), 2, NULL },
    { fuzz_attributes, 2, sizeof(fuzz_attributes[0]), 2, NULL }
};


static void
fuzz_channel(ngx_http_notify_channel_t *channel, ngx_uint_t choice)
{
    ngx_memzero(channel, sizeof(ngx_http_notify_channel_t));
    ngx_str_set(&channel->name, "retail");

    ngx_str_set(&fuzz_events[0].name, "document.pricing");
    ngx_str_set(&fuzz_events[1].name, "contact.search");
    fuzz_events[1].off = 1;

    if (choice & 1) {
        channel->events = &fuzz_list[0];
    }

    ngx_str_set(&fuzz_attributes[0].name, "country");
    ngx_str_set(&fuzz_attributes[1].name, "shop");
    fuzz_attributes[1].required = (choice & 2) ? 1 : 0;
    channel->attributes = &fuzz_list[1];
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_int_t                      rc;
    ngx_str_t                      object, text, scanned;
    ngx_uint_t                     extra;
    ngx_http_notify_event_t        event;
    ngx_http_notify_channel_t      channel;
    ngx_http_notify_invalid_t      invalid;
    ngx_http_notify_event_form_t   form;
    ngx_http_notify_json_error_t   error;

    if (ngx_http_notify_json_scan(input, &object, &error) != NGX_OK
        || ngx_http_notify_json_kind(&object) != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        return;
    }

    fuzz_channel(&channel, choice);

    ngx_memzero(&event, sizeof(ngx_http_notify_event_t));
    ngx_memzero(&invalid, sizeof(ngx_http_notify_invalid_t));
    invalid.pool = pool;

    ngx_memzero(&form, sizeof(ngx_http_notify_event_form_t));
    form.pool = pool;
    form.channel = &channel;
    form.invalid = &invalid;
    form.event = &event;

    rc = ngx_http_notify_event_form(&form, &object);

    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED || rc == NGX_ABORT);

    if (rc == NGX_DECLINED) {
        fuzz_check(ngx_http_notify_invalid_n(&invalid) > 0);
    }

    if (rc != NGX_OK) {
        return;
    }

    fuzz_check(event.type.len > 0
               && event.type.len <= NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX);
    fuzz_check(event.nattributes <= 2);

    for (extra = 0; extra < 2; extra++) {
        fuzz_check(ngx_http_notify_payload_call(pool, &event, extra, &text)
                   == NGX_OK);
        fuzz_check(ngx_http_notify_json_scan(&text, &scanned, &error)
                   == NGX_OK);
        fuzz_check(ngx_http_notify_json_unique(&scanned, NULL)
                   == NGX_OK);
    }
}
