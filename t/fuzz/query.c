/*
 * What a URL and the headers ask of the API: arguments are taken or refused
 * with one answer, and a list of entity tags has the version that it names.
 */

#include "fuzz_request.h"
#include "ngx_http_notify_api_deltas.h"
#include "ngx_http_notify_api_subscriptions.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_text.h"


static ngx_http_notify_channel_event_t  fuzz_events[2];

static ngx_array_t  fuzz_list = {
    fuzz_events, 2, sizeof(ngx_http_notify_channel_event_t), 2, NULL
};

static ngx_http_notify_channel_t  fuzz_channel;


/* arguments, Accept, Last-Event-ID */

static void
fuzz_deltas(ngx_http_notify_api_t *api, ngx_str_t *input)
{
    ngx_int_t                      rc;
    ngx_str_t                      value;
    ngx_pool_t                    *pool;
    ngx_http_notify_api_deltas_t   deltas;

    pool = api->request->pool;

    value = fuzz_cut(pool, input, '\0');
    fuzz_request_header(api->request, "Accept", &value);
    value = fuzz_copy(pool, input->data, input->len);
    fuzz_request_header(api->request, "Last-Event-ID", &value);

    ngx_memzero(&deltas, sizeof(ngx_http_notify_api_deltas_t));
    deltas.api = api;

    rc = ngx_http_notify_api_deltas_args(&deltas);

    if (rc != NGX_OK) {
        fuzz_check(rc == NGX_ABORT);
        fuzz_request_refused(pool, 400, 400);
        return;
    }

    fuzz_check(fuzz_answered.n == 0);
    fuzz_check(deltas.limit >= 1 && deltas.limit <= 250);
    fuzz_check(deltas.wait <= 300000);
    fuzz_check(!deltas.missed || deltas.subscription.len);
    fuzz_check((deltas.cursor.len != 0) + deltas.since
               + (deltas.consumer.len != 0) <= 1);
    fuzz_check(deltas.consumer.len == 0
               || ngx_http_notify_api_deltas_name(&deltas.consumer));
    fuzz_check(deltas.subscription.len == 0
               || ngx_http_notify_text_utf8(&deltas.subscription));
    fuzz_check(deltas.want.entity_type.len == 0
               || ngx_http_notify_text_utf8(&deltas.want.entity_type));
}


/* a sample answers by itself, at once or with a delay */

static void
fuzz_sample(ngx_http_notify_api_t *api, ngx_str_t *input)
{
    ngx_str_t                      scanned;
    ngx_pool_t                    *pool;
    ngx_http_notify_json_error_t   error;

    pool = api->request->pool;

    api->method = NGX_HTTP_POST;
    api->nsegments = 1;
    api->segments[0] = fuzz_cut(pool, input, '\0');
    api->body = fuzz_copy(pool, input->data, input->len);

    ngx_http_notify_api_samples.handler(api);

    fuzz_check(fuzz_answered.n <= 1);

    if (fuzz_answered.n && fuzz_answered.body.len) {
        fuzz_check(ngx_http_notify_json_scan(&fuzz_answered.body, &scanned,
                                             &error)
                   == NGX_OK);
    }
}


/* NAME=VALUE, its value escaped, is found again behind other arguments */

static void
fuzz_escaped(ngx_http_notify_api_t *api, ngx_str_t *input)
{
    u_char      *p;
    ngx_int_t    rc;
    ngx_str_t    args, value;
    ngx_pool_t  *pool;

    pool = api->request->pool;

    args.data = ngx_pnalloc(pool, 3 * input->len + 16);
    fuzz_check(args.data != NULL);

    p = ngx_cpymem(args.data, "limit=1&&Cursor=", 16);
    p = (u_char *) ngx_escape_uri(p, input->data, input->len,
                                  NGX_ESCAPE_URI_COMPONENT);
    api->request->args = fuzz_copy(pool, args.data, p - args.data);

    rc = ngx_http_notify_api_arg(api, "cursor", &value);

    if (rc == NGX_OK) {
        fuzz_check(fuzz_answered.n == 0);
        fuzz_check(fuzz_same(&value, input));
        return;
    }

    fuzz_check(rc == NGX_ABORT);
    fuzz_request_refused(pool, 400, 400);
    fuzz_check(!ngx_http_notify_text_utf8(input)
               || ngx_strlchr(input->data, input->data + input->len, '\0'));
}


static void
fuzz_tags(ngx_pool_t *pool, uint64_t version, ngx_str_t *input)
{
    u_char      *p;
    ngx_str_t    tag, list;
    ngx_uint_t   found;

    list.data = ngx_pnalloc(pool, input->len + NGX_INT64_LEN + 8);
    fuzz_check(list.data != NULL);

    tag.data = list.data;
    tag.len = ngx_sprintf(tag.data, "\"%uL\"", version) - tag.data;
    tag = fuzz_copy(pool, tag.data, tag.len);

    found = ngx_http_notify_api_stored_match(input, version);

    fuzz_check(!found
               || (input->len == 1 && input->data[0] == '*')
               || memmem(input->data, input->len, tag.data, tag.len));

    /* behind what else may be in the list, and weak */

    p = ngx_cpymem(list.data, input->data, input->len);
    p = ngx_sprintf(p, ", W/%V ", &tag);
    list = fuzz_copy(pool, list.data, p - list.data);

    fuzz_check(ngx_http_notify_api_stored_match(&list, version));
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_int_t                        rc;
    ngx_http_request_t              *r;
    ngx_http_notify_api_t           *api;
    ngx_http_notify_api_resource_t  *resource;

    if (choice % 8 == 0) {
        fuzz_tags(pool, choice * choice * choice, input);
        return;
    }

    ngx_str_set(&fuzz_channel.name, "retail");
    ngx_str_set(&fuzz_events[0].name, "document.pricing");
    ngx_str_set(&fuzz_events[1].name, "contact.search");
    fuzz_channel.events = (choice & 16) ? &fuzz_list : NULL;
    fuzz_channel.operator_events = (choice & 32) ? 1 : 0;

    r = fuzz_request(pool);
    api = fuzz_request_api(r, &fuzz_channel, NGX_HTTP_GET);

    if (choice % 8 == 1) {
        fuzz_escaped(api, input);
        return;
    }

    r->args = fuzz_cut(pool, input, '\0');

    switch (choice % 8) {

    case 2:
        resource = (choice & 64) ? &ngx_http_notify_api_deltas
                                 : &ngx_http_notify_api_subscriptions;

        rc = ngx_http_notify_api_params(api, resource);

        if (rc == NGX_OK) {
            fuzz_check(fuzz_answered.n == 0);

        } else {
            fuzz_check(rc == NGX_DECLINED);
            fuzz_request_refused(pool, 400, 400);
        }

        return;

    case 3:
        fuzz_sample(api, input);
        return;

    default:
        fuzz_deltas(api, input);
    }
}
