/*
 * The resource `deltas`: the log, pulled.  A request looks at a bounded number
 * of entries and gives back where it came to; cursors are signed and carry the
 * tenant.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_api_cursor.h"
#include "ngx_http_notify_entity_type.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_payload.h"


#define NGX_HTTP_NOTIFY_API_DELTAS_SCAN   5000
#define NGX_HTTP_NOTIFY_API_DELTAS_PAGE   500
#define NGX_HTTP_NOTIFY_API_DELTAS_FIRST  100
/* of an answer; the entry that passes it is the last */
#define NGX_HTTP_NOTIFY_API_DELTAS_BYTES  (8 * 1024 * 1024)
/* what one page should not exceed by far */
#define NGX_HTTP_NOTIFY_API_DELTAS_CHUNK  (2 * 1024 * 1024)


typedef struct {
    ngx_uint_t                       limit;
    ngx_str_t                        cursor;        /* as given, or empty */
    ngx_uint_t                       since;         /* from was given so */
    ngx_str_t                        event_type;    /* or empty */
    ngx_str_t                        entity_type;   /* JSON text, or empty */
    ngx_http_notify_crypto_hmac_t   *hmac;

    ngx_http_notify_id_t             from;          /* looked at so far */
    ngx_uint_t                       page;          /* entries asked for */
    ngx_uint_t                       scanned;
    size_t                           bytes;         /* of what was scanned */
    ngx_uint_t                       more;
    ngx_array_t                      entries;       /* of ngx_str_t, JSON */
    size_t                           size;          /* of these */
} ngx_http_notify_api_deltas_t;


/* what there is of a log, and was */
typedef struct {
    int64_t                          length;
    int64_t                          added;
    ngx_http_notify_id_t             first;
    ngx_http_notify_id_t             last;          /* ever */
    ngx_http_notify_id_t             deleted;       /* the last one that is */
} ngx_http_notify_api_kept_t;


static ngx_uint_t ngx_http_notify_api_deltas_methods(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_deltas_handler(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_deltas_args(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_deltas_arg_since(
    ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_deltas_arg_type(
    ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_deltas_arg_entity(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_deltas_ready(ngx_http_notify_api_t *api,
    ngx_http_notify_crypto_hmac_t *hmac);
static void ngx_http_notify_api_deltas_info(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_int_t ngx_http_notify_api_deltas_start(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *info);
static void ngx_http_notify_api_deltas_kept(
    const ngx_http_notify_resp_t *info, ngx_http_notify_api_kept_t *kept);
static void ngx_http_notify_api_deltas_gone(ngx_http_notify_api_t *api,
    const ngx_http_notify_id_t *id);
static void ngx_http_notify_api_deltas_read(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_deltas_page(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_int_t ngx_http_notify_api_deltas_entry(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *entry);
static ngx_uint_t ngx_http_notify_api_deltas_wanted(
    ngx_http_notify_api_t *api, const ngx_http_notify_event_t *event);
static void ngx_http_notify_api_deltas_send(ngx_http_notify_api_t *api);


ngx_http_notify_api_resource_t  ngx_http_notify_api_deltas = {
    ngx_string("deltas"),
    ngx_http_notify_api_deltas_methods,
    ngx_http_notify_api_deltas_handler,
    0
};


static ngx_uint_t
ngx_http_notify_api_deltas_methods(ngx_http_notify_api_t *api)
{
    return api->nsegments == 0 ? NGX_HTTP_GET : 0;
}


static void
ngx_http_notify_api_deltas_handler(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = ngx_pcalloc(api->request->pool,
                         sizeof(ngx_http_notify_api_deltas_t));

    if (deltas == NULL
        || ngx_array_init(&deltas->entries, api->request->pool, 16,
                          sizeof(ngx_str_t))
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    api->data = deltas;

    if (ngx_http_notify_api_deltas_args(api) == NGX_OK) {
        ngx_http_notify_api_cursor(api, ngx_http_notify_api_deltas_ready);
    }
}


/* NGX_ABORT, of this and the following: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_deltas_args(ngx_http_notify_api_t *api)
{
    ngx_int_t                      rc;
    ngx_str_t                      value;
    ngx_uint_t                     i;
    ngx_http_notify_api_deltas_t  *deltas;

    static const char  *later[] = {
        "wait", "consumer", "missed", "subscription", NULL
    };

    deltas = api->data;

    for (i = 0; later[i]; i++) {
        rc = ngx_http_notify_api_arg(api, later[i], &value);

        if (rc == NGX_ABORT) {
            return NGX_ABORT;
        }

        if (rc == NGX_OK) {
            ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                        "not_supported",
                                        "\"%s\" is not supported yet",
                                        later[i]);
            return NGX_ABORT;
        }
    }

    if (ngx_http_notify_api_limit(api, &deltas->limit) != NGX_OK
        || ngx_http_notify_api_arg(api, "cursor", &deltas->cursor)
           == NGX_ABORT
        || ngx_http_notify_api_deltas_arg_since(api) == NGX_ABORT
        || ngx_http_notify_api_deltas_arg_type(api) == NGX_ABORT
        || ngx_http_notify_api_deltas_arg_entity(api) == NGX_ABORT)
    {
        return NGX_ABORT;
    }

    if (deltas->since && deltas->cursor.len) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"since\" and \"cursor\" exclude each "
                                    "other");
        return NGX_ABORT;
    }

    return NGX_OK;
}


/* from that time on, or what came after that event */

static ngx_int_t
ngx_http_notify_api_deltas_arg_since(ngx_http_notify_api_t *api)
{
    ngx_int_t                      rc;
    ngx_str_t                      value;
    ngx_http_notify_id_t           id;
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = api->data;

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
ngx_http_notify_api_deltas_arg_type(ngx_http_notify_api_t *api)
{
    ngx_int_t                      rc;
    ngx_str_t                      value;
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = api->data;

    rc = ngx_http_notify_api_arg(api, "eventType", &value);

    if (rc != NGX_OK) {
        return rc == NGX_ABORT ? NGX_ABORT : NGX_OK;
    }

    if (ngx_http_notify_channel_operator(api->channel, &value)
        && value.data[value.len - 1] != '*')
    {
        deltas->event_type = value;
        return NGX_OK;
    }

    if (value.len == 0
        || ngx_http_notify_channel_event(api->channel, &value,
                                         &deltas->event_type, NULL)
           != NGX_OK)
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"eventType\" is not an event of this "
                                    "channel");
        return NGX_ABORT;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_deltas_arg_entity(ngx_http_notify_api_t *api)
{
    ngx_int_t                      rc;
    ngx_str_t                      value;
    const ngx_str_t               *type;
    ngx_http_notify_api_deltas_t  *deltas;

    static const ngx_str_t  any = ngx_string("*");

    deltas = api->data;

    rc = ngx_http_notify_api_arg(api, "entityTypeID", &value);

    if (rc != NGX_OK || value.len == 0) {
        return rc == NGX_ABORT ? NGX_ABORT : NGX_OK;
    }

    type = deltas->event_type.len ? &deltas->event_type : &any;

    if (ngx_http_notify_json_int64(&value, NULL) == NGX_OK) {
        deltas->entity_type = value;
        return NGX_OK;
    }

    rc = ngx_http_notify_entity_type_id(api->channel, type, &value,
                                        &deltas->entity_type);
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
                                   &deltas->entity_type)
        != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return NGX_ABORT;
    }

    return NGX_OK;
}


/* what is kept of the log is asked first: a cursor may be older */

static void
ngx_http_notify_api_deltas_ready(ngx_http_notify_api_t *api,
    ngx_http_notify_crypto_hmac_t *hmac)
{
    ngx_str_t                      argv[3];
    ngx_http_notify_api_box_t     *box;
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = api->data;
    deltas->hmac = hmac;

    if (deltas->cursor.len) {

        switch (ngx_http_notify_id_cursor_parse(&deltas->cursor,
                                                &api->tenant, hmac,
                                                &deltas->from))
        {
        case NGX_OK:
            break;

        case NGX_DECLINED:
            ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                        "invalid_cursor",
                                        "the cursor was not given out here");
            return;

        default:
            ngx_http_notify_api_failed(api);
            return;
        }
    }

    ngx_str_set(&argv[0], "XINFO");
    ngx_str_set(&argv[1], "STREAM");
    argv[2] = ngx_http_notify_keys_name(api->request->pool,
                                        &api->channel->keys, "log", NULL);

    box = argv[2].data ? ngx_http_notify_api_box(api) : NULL;
    if (box == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (ngx_http_notify_redis_submit(ngx_http_notify_module_redis(), argv, 3,
                                     0, ngx_http_notify_api_deltas_info, box)
        == NULL)
    {
        ngx_http_notify_api_discard(box);
        ngx_http_notify_api_failed(api);
    }
}


static void
ngx_http_notify_api_deltas_info(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_api_t  *api;

    api = ngx_http_notify_api_open(data);
    if (api == NULL) {
        return;
    }

    /* "ERR no such key": nothing was published yet */

    if (resp && ngx_http_notify_resp_is_error(resp, "ERR")) {
        ngx_http_notify_api_deltas_send(api);
        return;
    }

    if (ngx_http_notify_api_reply(api, resp, "api") != NGX_OK) {
        return;
    }

    if (ngx_http_notify_api_deltas_start(api, resp) == NGX_OK) {
        ngx_http_notify_api_deltas_read(api);
    }
}


/*
 * A cursor is too old when something behind it is gone.  XTRIM alone does not
 * say what it took (see trim.lua): then, when anything is gone and the log
 * begins behind the cursor.
 */

static ngx_int_t
ngx_http_notify_api_deltas_start(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *info)
{
    ngx_uint_t                     lost;
    ngx_http_notify_id_t           first;
    ngx_http_notify_api_kept_t     kept;
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = api->data;

    ngx_http_notify_api_deltas_kept(info, &kept);
    first = kept.first;

    /* an empty log goes on behind what it had */

    if (kept.length == 0) {
        first = ngx_http_notify_id_after(&kept.last);
    }

    if (deltas->cursor.len == 0) {

        if (!deltas->since && kept.length == 0) {
            deltas->from = kept.last;
        }

        return NGX_OK;
    }

    first = ngx_http_notify_id_before(&first);

    if (ngx_http_notify_id_compare(&deltas->from, &kept.last) >= 0
        || ngx_http_notify_id_compare(&deltas->from, &first) >= 0)
    {
        return NGX_OK;
    }

    lost = (kept.deleted.ms || kept.deleted.seq)
               ? ngx_http_notify_id_compare(&kept.deleted, &deltas->from) > 0
               : kept.added > kept.length;

    if (!lost) {
        return NGX_OK;
    }

    ngx_http_notify_api_deltas_gone(api, &first);

    return NGX_DECLINED;
}


/* XINFO STREAM */

static void
ngx_http_notify_api_deltas_kept(const ngx_http_notify_resp_t *info,
    ngx_http_notify_api_kept_t *kept)
{
    ngx_uint_t               i;
    ngx_http_notify_resp_t  *name, *value;

    ngx_memzero(kept, sizeof(ngx_http_notify_api_kept_t));

    for (i = 0; i + 1 < info->nelts; i += 2) {
        name = info->elts[i];
        value = info->elts[i + 1];

        if (name->type != NGX_HTTP_NOTIFY_RESP_STRING) {
            continue;
        }

        if (ngx_strcmp(name->str.data, "length") == 0) {
            kept->length = value->integer;

        } else if (ngx_strcmp(name->str.data, "entries-added") == 0) {
            kept->added = value->integer;

        } else if (ngx_strcmp(name->str.data, "last-generated-id") == 0) {
            (void) ngx_http_notify_id_parse(&value->str, &kept->last);

        } else if (ngx_strcmp(name->str.data, "max-deleted-entry-id") == 0) {
            (void) ngx_http_notify_id_parse(&value->str, &kept->deleted);

        } else if (ngx_strcmp(name->str.data, "first-entry") == 0
                   && value->type == NGX_HTTP_NOTIFY_RESP_ARRAY)
        {
            (void) ngx_http_notify_log_entry_id(value, &kept->first);
        }
    }
}


static void
ngx_http_notify_api_deltas_gone(ngx_http_notify_api_t *api,
    const ngx_http_notify_id_t *id)
{
    ngx_str_t                      oldest;
    ngx_http_notify_api_deltas_t  *deltas;
    u_char                         buf[NGX_HTTP_NOTIFY_ID_CURSOR_LEN];
    u_char                        *p;

    deltas = api->data;

    p = ngx_http_notify_id_cursor(buf, id, &api->tenant, deltas->hmac);
    if (p == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    oldest.data = buf;
    oldest.len = p - buf;

    ngx_http_notify_api_problem_extra(api, 410, "cursor_expired", "oldest",
                                      &oldest,
                                      "events behind the cursor are gone; "
                                      "\"oldest\" is the cursor of what is "
                                      "left");
}


static void
ngx_http_notify_api_deltas_read(ngx_http_notify_api_t *api)
{
    size_t                         average;
    ngx_uint_t                     page;
    ngx_http_notify_id_t           to;
    ngx_http_notify_api_box_t     *box;
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = api->data;

    page = ngx_min(deltas->limit + 1, NGX_HTTP_NOTIFY_API_DELTAS_FIRST);

    if (deltas->scanned) {
        average = deltas->bytes / deltas->scanned + 1;
        page = NGX_HTTP_NOTIFY_API_DELTAS_CHUNK / average + 1;
        page = ngx_min(page, NGX_HTTP_NOTIFY_API_DELTAS_PAGE);
    }

    deltas->page = ngx_min(page, NGX_HTTP_NOTIFY_API_DELTAS_SCAN
                                 - deltas->scanned);

    to.ms = (uint64_t) -1;
    to.seq = (uint64_t) -1;

    box = ngx_http_notify_api_box(api);
    if (box == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (ngx_http_notify_log_range(ngx_http_notify_module_redis(),
                                  &api->channel->keys, &deltas->from, 0, &to,
                                  deltas->page,
                                  ngx_http_notify_api_deltas_page, box)
        == NULL)
    {
        ngx_http_notify_api_discard(box);
        ngx_http_notify_api_failed(api);
    }
}


static void
ngx_http_notify_api_deltas_page(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ngx_http_notify_api_t         *api;
    ngx_http_notify_api_deltas_t  *deltas;

    api = ngx_http_notify_api_open(data);

    if (api == NULL
        || ngx_http_notify_api_reply(api, resp, "api") != NGX_OK)
    {
        return;
    }

    deltas = api->data;

    for (i = 0; i < resp->nelts; i++) {

        rc = ngx_http_notify_api_deltas_entry(api, resp->elts[i]);

        if (rc == NGX_DONE) {
            deltas->more = 1;
            ngx_http_notify_api_deltas_send(api);
            return;
        }

        if (rc != NGX_OK) {
            ngx_http_notify_api_failed(api);
            return;
        }
    }

    if (resp->nelts < deltas->page) {
        ngx_http_notify_api_deltas_send(api);
        return;
    }

    if (deltas->scanned >= NGX_HTTP_NOTIFY_API_DELTAS_SCAN) {
        deltas->more = 1;
        ngx_http_notify_api_deltas_send(api);
        return;
    }

    ngx_http_notify_api_deltas_read(api);
}


/* NGX_DONE: the answer is full, this entry is for the next one */

static ngx_int_t
ngx_http_notify_api_deltas_entry(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *entry)
{
    ngx_int_t                      rc;
    ngx_str_t                     *json;
    ngx_http_notify_id_t           id;
    ngx_http_notify_event_t       *event;
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = api->data;

    if (deltas->entries.nelts == deltas->limit
        || deltas->size >= NGX_HTTP_NOTIFY_API_DELTAS_BYTES)
    {
        return NGX_DONE;
    }

    if (ngx_http_notify_log_entry_id(entry, &id) != NGX_OK) {
        return NGX_ERROR;
    }

    deltas->from = id;
    deltas->scanned++;

    event = ngx_http_notify_log_event(entry,
                                      api->request->connection->log);
    if (event == NULL) {
        return NGX_OK;
    }

    deltas->bytes += event->size;
    rc = NGX_OK;

    if (ngx_http_notify_api_deltas_wanted(api, event)) {

        json = ngx_array_push(&deltas->entries);

        if (json == NULL
            || ngx_http_notify_payload_call(api->request->pool, event, 1,
                                            json)
               != NGX_OK)
        {
            rc = NGX_ERROR;

        } else {
            deltas->size += json->len + 1;
        }
    }

    ngx_http_notify_log_unref(event);

    return rc;
}


static ngx_uint_t
ngx_http_notify_api_deltas_wanted(ngx_http_notify_api_t *api,
    const ngx_http_notify_event_t *event)
{
    ngx_str_t                     *type, *entity;
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = api->data;
    type = &deltas->event_type;
    entity = &deltas->entity_type;

    if (!ngx_http_notify_api_owns(api, &event->tenant)) {
        return 0;
    }

    if (type->len
        && (event->type.len != type->len
            || ngx_memcmp(event->type.data, type->data, type->len) != 0))
    {
        return 0;
    }

    return entity->len == 0
           || (event->entity_type_id.len == entity->len
               && ngx_memcmp(event->entity_type_id.data, entity->data,
                             entity->len)
                  == 0);
}


static void
ngx_http_notify_api_deltas_send(ngx_http_notify_api_t *api)
{
    u_char                        *p;
    ngx_str_t                      json, *entry;
    ngx_uint_t                     i;
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = api->data;

    json.len = sizeof("{\"data\":[],\"cursor\":\"\",\"hasMore\":false}")
               + deltas->size + NGX_HTTP_NOTIFY_ID_CURSOR_LEN;

    json.data = ngx_pnalloc(api->request->pool, json.len);
    if (json.data == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    p = ngx_cpymem(json.data, "{\"data\":[", sizeof("{\"data\":[") - 1);

    entry = deltas->entries.elts;

    for (i = 0; i < deltas->entries.nelts; i++) {
        if (i) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, entry[i].data, entry[i].len);
    }

    p = ngx_cpymem(p, "],\"cursor\":\"", sizeof("],\"cursor\":\"") - 1);

    p = ngx_http_notify_id_cursor(p, &deltas->from, &api->tenant,
                                  deltas->hmac);
    if (p == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    p = ngx_sprintf(p, "\",\"hasMore\":%s}", deltas->more ? "true" : "false");

    json.len = p - json.data;

    ngx_http_notify_api_send(api, NGX_HTTP_OK, &json);
}
