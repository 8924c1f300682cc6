/*
 * The arguments of a read of deltas.  Must not know what becomes of them.
 */

#include "ngx_http_notify_api_deltas.h"
#include "ngx_http_notify_entity_type.h"
#include "ngx_http_notify_event_name.h"
#include "ngx_http_notify_text.h"


/* of a long poll: proxies give up later */
#define NGX_HTTP_NOTIFY_API_DELTAS_WAIT  (5 * 60 * 1000)


typedef ngx_int_t (*ngx_http_notify_api_deltas_arg_pt)(
    ngx_http_notify_api_deltas_t *deltas);


static ngx_int_t ngx_http_notify_api_deltas_arg_since(
    ngx_http_notify_api_deltas_t *deltas);
static ngx_int_t ngx_http_notify_api_deltas_arg_type(
    ngx_http_notify_api_deltas_t *deltas);
static ngx_int_t ngx_http_notify_api_deltas_arg_entity(
    ngx_http_notify_api_deltas_t *deltas);
static ngx_int_t ngx_http_notify_api_deltas_arg_missed(
    ngx_http_notify_api_deltas_t *deltas);
static ngx_int_t ngx_http_notify_api_deltas_arg_wait(
    ngx_http_notify_api_deltas_t *deltas);
static ngx_int_t ngx_http_notify_api_deltas_arg_consumer(
    ngx_http_notify_api_deltas_t *deltas);
static ngx_int_t ngx_http_notify_api_deltas_arg_stream(
    ngx_http_notify_api_deltas_t *deltas);
static ngx_uint_t ngx_http_notify_api_deltas_accepts(u_char *p,
    u_char *last);
static ngx_uint_t ngx_http_notify_api_deltas_refuses(u_char *p,
    u_char *last);
static ngx_int_t ngx_http_notify_api_deltas_refuse(
    ngx_http_notify_api_deltas_t *deltas, const char *text);


/* in this order: the later ones look at what the earlier ones have found */

static ngx_http_notify_api_deltas_arg_pt  ngx_http_notify_api_deltas_takes[] = {
    ngx_http_notify_api_deltas_arg_since,
    ngx_http_notify_api_deltas_arg_type,
    ngx_http_notify_api_deltas_arg_entity,
    ngx_http_notify_api_deltas_arg_consumer,
    ngx_http_notify_api_deltas_arg_wait,
    ngx_http_notify_api_deltas_arg_stream,
    ngx_http_notify_api_deltas_arg_missed,
    NULL
};


ngx_int_t
ngx_http_notify_api_deltas_args(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_uint_t              i;
    ngx_http_notify_api_t  *api;

    api = deltas->api;

    if (ngx_http_notify_api_limit(api, &deltas->limit) != NGX_OK
        || ngx_http_notify_api_arg(api, "cursor", &deltas->cursor)
           == NGX_ABORT)
    {
        return NGX_ABORT;
    }

    for (i = 0; ngx_http_notify_api_deltas_takes[i]; i++) {
        if (ngx_http_notify_api_deltas_takes[i](deltas) == NGX_ABORT) {
            return NGX_ABORT;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_api_deltas_place(ngx_http_notify_api_t *api,
    const ngx_str_t *cursor, const char *what,
    ngx_http_notify_crypto_hmac_t *hmac, ngx_http_notify_id_t *place)
{
    switch (ngx_http_notify_id_cursor_parse(cursor, &api->tenant, hmac,
                                            place))
    {
    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_cursor",
                                    "%s was not given out here", what);
        return NGX_ABORT;

    default:
        ngx_http_notify_api_failed(api);
        return NGX_ABORT;
    }
}


static ngx_int_t
ngx_http_notify_api_deltas_refuse(ngx_http_notify_api_deltas_t *deltas,
    const char *text)
{
    ngx_http_notify_api_problem(deltas->api, NGX_HTTP_BAD_REQUEST,
                                "invalid_parameter", "%s", text);

    return NGX_ABORT;
}


/* from that time on, or what came after that event */

static ngx_int_t
ngx_http_notify_api_deltas_arg_since(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_int_t               rc;
    ngx_str_t               value;
    ngx_http_notify_id_t    id;
    ngx_http_notify_api_t  *api;

    api = deltas->api;

    rc = ngx_http_notify_api_arg(api, "since", &value);

    if (rc != NGX_OK || value.len == 0) {
        return rc == NGX_ABORT ? NGX_ABORT : NGX_OK;
    }

    deltas->since = 1;

    if (ngx_http_notify_id_event_parse(&value, &deltas->from) == NGX_OK) {
        return NGX_OK;
    }

    if (ngx_http_notify_id_time_parse(&value, &id.ms) != NGX_OK) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"since\" must be an RFC 3339 time or "
                                    "the id of an event");
        return NGX_ABORT;
    }

    id.seq = 0;
    deltas->from = ngx_http_notify_id_before(&id);

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_deltas_arg_type(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_int_t               rc;
    ngx_str_t               value, all;
    ngx_http_notify_api_t  *api;

    api = deltas->api;

    rc = ngx_http_notify_api_arg(api, "eventType", &value);

    if (rc != NGX_OK) {
        return rc == NGX_ABORT ? NGX_ABORT : NGX_OK;
    }

    if (ngx_http_notify_channel_operator(api->channel, &value)
        && value.data[value.len - 1] != '*')
    {
        deltas->want.event_type = value;
        return NGX_OK;
    }

    if (value.len == 0
        || ngx_http_notify_channel_event(api->channel, &value,
                                         &deltas->want.event_type, NULL)
           != NGX_OK)
    {
        all = ngx_http_notify_event_name_all(api->channel, api->request->pool);

        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"eventType\" is \"%V\", which is not "
                                    "an event of this channel, event-types "
                                    "lists them%V", &value, &all);
        return NGX_ABORT;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_deltas_arg_entity(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_int_t               rc;
    ngx_str_t               value;
    const ngx_str_t        *type;
    ngx_http_notify_api_t  *api;

    static const ngx_str_t  any = ngx_string("*");

    api = deltas->api;

    rc = ngx_http_notify_api_arg(api, "entityTypeID", &value);

    if (rc != NGX_OK || value.len == 0) {
        return rc == NGX_ABORT ? NGX_ABORT : NGX_OK;
    }

    type = deltas->want.event_type.len ? &deltas->want.event_type : &any;

    if (ngx_http_notify_json_int64(&value, NULL) == NGX_OK) {
        deltas->want.entity_type = value;
        return NGX_OK;
    }

    rc = ngx_http_notify_entity_type_id(api->channel, type, &value,
                                        &deltas->want.entity_type);
    if (rc == NGX_OK) {
        return NGX_OK;
    }

    if (rc == NGX_ABORT) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"entityTypeID\" is the name of several: "
                                    "give the number");
        return NGX_ABORT;
    }

    if (ngx_http_notify_json_quote(api->request->pool, &value,
                                   &deltas->want.entity_type)
        != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return NGX_ABORT;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_deltas_arg_consumer(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_int_t  rc;

    rc = ngx_http_notify_api_arg(deltas->api, "consumer", &deltas->consumer);

    if (rc == NGX_ABORT) {
        return NGX_ABORT;
    }

    if (rc == NGX_OK
        && !ngx_http_notify_api_deltas_name(&deltas->consumer))
    {
        return ngx_http_notify_api_deltas_refuse(deltas,
                   "\"consumer\" must be 1 to 128 characters of "
                   "[A-Za-z0-9_.-]");
    }

    if ((deltas->cursor.len != 0) + deltas->since
        + (deltas->consumer.len != 0) > 1)
    {
        return ngx_http_notify_api_deltas_refuse(deltas,
                   "\"since\", \"cursor\" and \"consumer\" exclude each "
                   "other");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_deltas_arg_wait(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_int_t  rc, wait;
    ngx_str_t  value;

    rc = ngx_http_notify_api_arg(deltas->api, "wait", &value);

    if (rc != NGX_OK) {
        return rc;
    }

    wait = ngx_parse_time(&value, 0);

    if (value.len == 0 || wait < 0 || wait > NGX_HTTP_NOTIFY_API_DELTAS_WAIT) {
        return ngx_http_notify_api_deltas_refuse(deltas,
                   "\"wait\" must be a time of at most 5m, as 30s");
    }

    deltas->wait = wait;

    return NGX_OK;
}


/* WHATWG HTML, 9.2: server-sent events */

static ngx_int_t
ngx_http_notify_api_deltas_arg_stream(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_str_t               value;
    ngx_http_notify_api_t  *api;

    api = deltas->api;

    if (ngx_http_notify_api_request_header(api, "Accept", &value) != NGX_OK
        || !ngx_http_notify_api_deltas_accepts(value.data,
                                               value.data + value.len)
        || api->request != api->request->main)
    {
        return NGX_OK;
    }

    deltas->stream = 1;
    deltas->wait = 0;

    /* a client that comes again asks for the same URL as before */

    if (ngx_http_notify_api_request_header(api, "Last-Event-ID", &value)
        == NGX_OK
        && value.len)
    {
        deltas->cursor = value;
        deltas->resumed = 1;
        deltas->since = 0;
        ngx_str_null(&deltas->consumer);
    }

    return NGX_OK;
}


/* RFC 9110, 12.5.1: ranges with commas between them */

static ngx_uint_t
ngx_http_notify_api_deltas_accepts(u_char *p, u_char *last)
{
    u_char  *end, *name, *next;

    static const size_t  len = sizeof("text/event-stream") - 1;

    for ( /* void */ ; p < last; p = next + 1) {

        next = ngx_strlchr(p, last, ',');
        if (next == NULL) {
            next = last;
        }

        for (name = p; name < next && (*name == ' ' || *name == '\t'); name++)
        {
            /* void */
        }

        for (end = name;
             end < next && *end != ';' && *end != ' ' && *end != '\t';
             end++)
        {
            /* void */
        }

        if ((size_t) (end - name) == len
            && ngx_strncasecmp(name, (u_char *) "text/event-stream", len) == 0
            && !ngx_http_notify_api_deltas_refuses(end, next))
        {
            return 1;
        }
    }

    return 0;
}


/* 12.4.2: whether the weight among these parameters is 0 */

static ngx_uint_t
ngx_http_notify_api_deltas_refuses(u_char *p, u_char *last)
{
    while ((p = ngx_strlchr(p, last, ';')) != NULL) {

        do {
            p++;
        } while (p < last && (*p == ' ' || *p == '\t'));

        if (last - p < 3 || (*p | 0x20) != 'q' || p[1] != '=' || p[2] != '0') {
            continue;
        }

        for (p += 3; p < last && (*p == '.' || *p == '0'); p++) {
            /* void */
        }

        return p == last || *p == ' ' || *p == '\t' || *p == ';';
    }

    return 0;
}


static ngx_int_t
ngx_http_notify_api_deltas_arg_missed(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_int_t  rc;
    ngx_str_t  value;

    rc = ngx_http_notify_api_arg(deltas->api, "subscription",
                                 &deltas->subscription);

    if (rc == NGX_ABORT
        || ngx_http_notify_api_arg(deltas->api, "missed", &value)
           == NGX_ABORT)
    {
        return NGX_ABORT;
    }

    if (rc == NGX_OK && deltas->subscription.len == 0) {
        return ngx_http_notify_api_deltas_refuse(deltas,
                   "\"subscription\" must be the id of a subscription");
    }

    rc = ngx_http_notify_api_arg(deltas->api, "missed", &value);

    if (rc == NGX_DECLINED
        || ngx_http_notify_text_is(&value, "false"))
    {
        return NGX_OK;
    }

    if (!ngx_http_notify_text_is(&value, "true")) {
        return ngx_http_notify_api_deltas_refuse(deltas,
                   "\"missed\" must be true or false");
    }

    if (deltas->subscription.len == 0) {
        return ngx_http_notify_api_deltas_refuse(deltas,
                   "\"missed\" goes with a \"subscription\"");
    }

    if (deltas->wait || deltas->stream) {
        return ngx_http_notify_api_deltas_refuse(deltas,
                   "\"missed\" does not wait: what is yet to come is not "
                   "missed");
    }

    deltas->missed = 1;

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_api_deltas_name(const ngx_str_t *name)
{
    return ngx_http_notify_channel_chars(name,
                                         NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX,
                                         ".-");
}
