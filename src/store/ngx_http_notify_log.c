/*
 * The log of a channel: events to and from stream entries, publishing, ranges.
 * A publish lives until Redis has answered, whether or not its caller does.
 * Must not know who publishes or reads, nor look into an event's data.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_log_wait.h"
#include "ngx_http_notify_script.h"


#define NGX_HTTP_NOTIFY_LOG_PUBLISH_MAX  1000
/* name and value of every field but the attributes, and what is in front */
#define NGX_HTTP_NOTIFY_LOG_HEAD         5
#define NGX_HTTP_NOTIFY_LOG_ARGS         (NGX_HTTP_NOTIFY_LOG_HEAD + 2 * 11)


/* one allocation, the ids behind the structure */
struct ngx_http_notify_log_publish_s {
    ngx_http_notify_log_wait_t       wait;      /* the first member */
    ngx_http_notify_log_published_t  published;
    ngx_http_notify_redis_t         *redis;
    ngx_http_notify_log_publish_pt   handler;   /* NULL: cancelled */
    void                            *data;
    ngx_uint_t                       n;
    ngx_http_notify_id_t             ids[1];
};


static ngx_int_t ngx_http_notify_log_measure(
    const ngx_http_notify_resp_t *fields, size_t *bytes,
    ngx_uint_t *nattributes);
static void ngx_http_notify_log_fill(ngx_http_notify_event_t *event,
    const ngx_http_notify_resp_t *fields, u_char *p);
static ngx_str_t *ngx_http_notify_log_member(ngx_http_notify_event_t *event,
    u_char letter);
static ngx_uint_t ngx_http_notify_log_is_attribute(const ngx_str_t *name);
static ngx_int_t ngx_http_notify_log_arguments(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_log_publisher_t *publisher,
    const ngx_http_notify_log_entry_t *entries, ngx_uint_t n, size_t max_size,
    ngx_array_t *names, ngx_array_t *args);
static ngx_int_t ngx_http_notify_log_name(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const char *kind,
    const ngx_str_t *name, ngx_array_t *names);
static ngx_int_t ngx_http_notify_log_entry(ngx_pool_t *pool,
    const ngx_http_notify_log_entry_t *entry, ngx_array_t *args);
static ngx_int_t ngx_http_notify_log_fields(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_array_t *args);
static ngx_int_t ngx_http_notify_log_attribute(ngx_pool_t *pool,
    const ngx_keyval_t *attribute, ngx_str_t *arg);
static ngx_int_t ngx_http_notify_log_number(ngx_pool_t *pool, uint64_t n,
    ngx_str_t *arg);
static void ngx_http_notify_log_publish_answer(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_log_publish_waited(ngx_int_t rc,
    ngx_http_notify_log_wait_t *wait);
static void ngx_http_notify_log_publish_end(ngx_http_notify_log_publish_t *p);
static ngx_int_t ngx_http_notify_log_id(const ngx_str_t *text,
    ngx_http_notify_id_t *id);
static ngx_http_notify_log_status_e ngx_http_notify_log_publish_result(
    ngx_http_notify_log_publish_t *p, const ngx_http_notify_resp_t *resp,
    ngx_http_notify_log_published_t *published);


/* the fields that are strings, each named by one letter */
static u_char  ngx_http_notify_log_letters[] = "tneidscvu";

static ngx_str_t  ngx_http_notify_log_flags[] = {
    ngx_null_string,        /* NGX_HTTP_NOTIFY_LOG_FREE */
    ngx_string("1"),        /* NGX_HTTP_NOTIFY_LOG_ON */
    ngx_string("0")         /* NGX_HTTP_NOTIFY_LOG_OFF */
};

static ngx_str_t  ngx_http_notify_log_words[] = {
    ngx_string("off"),      /* NGX_HTTP_NOTIFY_LOG_IS_OFF */
    ngx_string("unchanged"),
    ngx_string("done")
};


ngx_http_notify_event_t *
ngx_http_notify_log_event(const ngx_http_notify_resp_t *entry, ngx_log_t *log)
{
    size_t                         bytes;
    u_char                        *p;
    ngx_uint_t                     nattributes;
    ngx_http_notify_id_t           id;
    ngx_http_notify_event_t       *event;
    const ngx_http_notify_resp_t  *fields;

    if (ngx_http_notify_log_entry_id(entry, &id) != NGX_OK
        || entry->nelts != 2)
    {
        return NULL;
    }

    fields = entry->elts[1];

    if (ngx_http_notify_log_measure(fields, &bytes, &nattributes) != NGX_OK) {
        return NULL;
    }

    bytes += sizeof(ngx_http_notify_event_t)
             + nattributes * sizeof(ngx_keyval_t);

    event = ngx_alloc(bytes, log);
    if (event == NULL) {
        return NULL;
    }

    ngx_memzero(event, sizeof(ngx_http_notify_event_t));

    event->id = id;
    event->time = id.ms;
    event->attributes = (ngx_keyval_t *) &event[1];
    event->size = bytes;
    event->refs = 1;

    p = (u_char *) &event->attributes[nattributes];

    ngx_http_notify_log_fill(event, fields, p);

    if (event->type.len == 0) {
        ngx_free(event);
        return NULL;
    }

    return event;
}


static ngx_int_t
ngx_http_notify_log_measure(const ngx_http_notify_resp_t *fields,
    size_t *bytes, ngx_uint_t *nattributes)
{
    size_t       size;
    ngx_uint_t   i, n;
    ngx_str_t   *name;

    if (fields->type != NGX_HTTP_NOTIFY_RESP_ARRAY || fields->nelts % 2) {
        return NGX_DECLINED;
    }

    size = 0;
    n = 0;

    for (i = 0; i < fields->nelts; i += 2) {

        if (fields->elts[i]->type != NGX_HTTP_NOTIFY_RESP_STRING
            || fields->elts[i + 1]->type != NGX_HTTP_NOTIFY_RESP_STRING)
        {
            return NGX_DECLINED;
        }

        name = &fields->elts[i]->str;

        if (ngx_http_notify_log_is_attribute(name)) {
            size += name->len - 2;
            n++;

        } else if (name->len != 1) {
            continue;
        }

        size += fields->elts[i + 1]->str.len;
    }

    *bytes = size;
    *nattributes = n;

    return NGX_OK;
}


static void
ngx_http_notify_log_fill(ngx_http_notify_event_t *event,
    const ngx_http_notify_resp_t *fields, u_char *p)
{
    off_t          time;
    ngx_int_t      hops;
    ngx_uint_t     i;
    ngx_str_t     *name, *value, *member;
    ngx_keyval_t  *attribute;

    for (i = 0; i < fields->nelts; i += 2) {

        name = &fields->elts[i]->str;
        value = &fields->elts[i + 1]->str;

        if (ngx_http_notify_log_is_attribute(name)) {
            attribute = &event->attributes[event->nattributes++];

            attribute->key.len = name->len - 2;
            attribute->key.data = p;
            p = ngx_cpymem(p, name->data + 2, name->len - 2);

            member = &attribute->value;

        } else if (name->len != 1) {
            continue;

        } else if (name->data[0] == 'w') {
            time = ngx_atoof(value->data, value->len);

            if (time != NGX_ERROR) {
                event->time = time;
            }

            continue;

        } else if (name->data[0] == 'h') {
            hops = ngx_atoi(value->data, value->len);

            if (hops != NGX_ERROR) {
                event->hops = hops;
            }

            continue;

        } else {
            member = ngx_http_notify_log_member(event, name->data[0]);

            if (member == NULL) {
                continue;
            }
        }

        member->len = value->len;
        member->data = p;
        p = ngx_cpymem(p, value->data, value->len);
    }
}


static ngx_str_t *
ngx_http_notify_log_member(ngx_http_notify_event_t *event, u_char letter)
{
    switch (letter) {

    case 't':
        return &event->type;

    case 'n':
        return &event->tenant;

    case 'e':
        return &event->entity_type_id;

    case 'i':
        return &event->entity_id;

    case 'd':
        return &event->data;

    case 's':
        return &event->session_id;

    case 'c':
        return &event->customer_id;

    case 'v':
        return &event->conversation_id;

    case 'u':
        return &event->uid;

    default:
        return NULL;
    }
}


static ngx_uint_t
ngx_http_notify_log_is_attribute(const ngx_str_t *name)
{
    return name->len > 2 && name->data[0] == 'a' && name->data[1] == ':';
}


ngx_int_t
ngx_http_notify_log_entry_id(const ngx_http_notify_resp_t *entry,
    ngx_http_notify_id_t *id)
{
    ngx_http_notify_resp_t  *resp;

    resp = ngx_http_notify_resp_at(entry, 0);

    if (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_STRING) {
        return NGX_DECLINED;
    }

    return ngx_http_notify_id_parse(&resp->str, id);
}


void
ngx_http_notify_log_ref(ngx_http_notify_event_t *event)
{
    event->refs++;
}


void
ngx_http_notify_log_unref(ngx_http_notify_event_t *event)
{
    if (--event->refs) {
        return;
    }

    if (event->shared.data) {
        ngx_free(event->shared.data);
    }

    if (event->kept) {
        ngx_free(event->kept);
    }

    ngx_free(event);
}


ngx_http_notify_log_publish_t *
ngx_http_notify_log_publish(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_log_entry_t *entries, ngx_uint_t n, size_t max_size,
    ngx_http_notify_log_publish_pt handler, void *data)
{
    return ngx_http_notify_log_publish_numbered(redis, keys, NULL, entries, n,
                                                max_size, handler, data);
}


ngx_http_notify_log_publish_t *
ngx_http_notify_log_publish_numbered(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_log_publisher_t *publisher,
    const ngx_http_notify_log_entry_t *entries, ngx_uint_t n, size_t max_size,
    ngx_http_notify_log_publish_pt handler, void *data)
{
    ngx_pool_t                     *pool;
    ngx_array_t                     names, args;
    ngx_http_notify_log_publish_t  *p;

    if (n == 0 || n > NGX_HTTP_NOTIFY_LOG_PUBLISH_MAX) {
        return NULL;
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    p = ngx_alloc(offsetof(ngx_http_notify_log_publish_t, ids)
                  + n * sizeof(ngx_http_notify_id_t), ngx_cycle->log);
    if (p == NULL) {
        goto failed;
    }

    p->redis = redis;
    p->handler = handler;
    p->data = data;
    p->n = n;

    if (ngx_http_notify_log_arguments(pool, keys, publisher, entries, n,
                                      max_size, &names, &args)
        != NGX_OK)
    {
        goto failed;
    }

    if (ngx_http_notify_script_call(redis, &ngx_http_notify_script_publish,
                                    names.elts, names.nelts,
                                    args.elts, args.nelts,
                                    ngx_http_notify_log_publish_answer, p)
        != NGX_OK)
    {
        goto failed;
    }

    ngx_destroy_pool(pool);

    return p;

failed:

    if (p) {
        ngx_free(p);
    }

    ngx_destroy_pool(pool);

    return NULL;
}


void
ngx_http_notify_log_publish_cancel(ngx_http_notify_log_publish_t *p)
{
    p->handler = NULL;
}


static ngx_int_t
ngx_http_notify_log_arguments(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_log_publisher_t *publisher,
    const ngx_http_notify_log_entry_t *entries, ngx_uint_t n, size_t max_size,
    ngx_array_t *names, ngx_array_t *args)
{
    ngx_str_t   *arg;
    ngx_uint_t   i, nargs;

    nargs = 4;

    for (i = 0; i < n; i++) {
        nargs += NGX_HTTP_NOTIFY_LOG_ARGS + 2 * entries[i].event.nattributes;
    }

    if (ngx_array_init(args, pool, nargs, sizeof(ngx_str_t)) != NGX_OK
        || ngx_array_init(names, pool, 3 + 2 * n, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_notify_log_name(pool, keys, "log", NULL, names) != NGX_OK
        || ngx_http_notify_log_name(pool, keys, "settings", NULL, names)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    arg = ngx_array_push_n(args, 4);
    ngx_memzero(arg, 4 * sizeof(ngx_str_t));

    if (ngx_http_notify_log_number(pool, max_size, &arg[0]) != NGX_OK
        || ngx_http_notify_log_number(pool, n, &arg[1]) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (publisher
        && (ngx_http_notify_log_name(pool, keys, "from", &publisher->name,
                                     names)
            != NGX_OK
            || ngx_http_notify_log_number(pool, publisher->first, &arg[2])
               != NGX_OK
            || ngx_http_notify_log_number(pool, publisher->done, &arg[3])
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        if (ngx_http_notify_log_entry(pool, &entries[i], args) != NGX_OK) {
            return NGX_ERROR;
        }

        if (entries[i].key.len
            && ngx_http_notify_log_name(pool, keys, "id", &entries[i].key,
                                        names)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (entries[i].last.len
            && ngx_http_notify_log_name(pool, keys, "last", &entries[i].last,
                                        names)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* the array has room for it */

static ngx_int_t
ngx_http_notify_log_name(ngx_pool_t *pool, const ngx_http_notify_keys_t *keys,
    const char *kind, const ngx_str_t *name, ngx_array_t *names)
{
    ngx_str_t  *key;

    key = ngx_array_push(names);
    *key = ngx_http_notify_keys_name(pool, keys, kind, name);

    return key->data ? NGX_OK : NGX_ERROR;
}


/* the array has room for all of it: the pushes cannot fail */

static ngx_int_t
ngx_http_notify_log_entry(ngx_pool_t *pool,
    const ngx_http_notify_log_entry_t *entry, ngx_array_t *args)
{
    ngx_str_t   *arg;
    ngx_uint_t   first;

    arg = ngx_array_push_n(args, NGX_HTTP_NOTIFY_LOG_HEAD);
    ngx_memzero(arg, NGX_HTTP_NOTIFY_LOG_HEAD * sizeof(ngx_str_t));

    if (entry->key.len) {
        arg[0] = entry->body;
    }

    arg[1] = ngx_http_notify_log_flags[entry->flag];

    if (entry->last.len) {
        arg[2] = entry->value;

        if (ngx_http_notify_log_number(pool, entry->keep, &arg[3]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    first = args->nelts;

    if (!entry->hole
        && ngx_http_notify_log_fields(pool, &entry->event, args) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_log_number(pool, args->nelts - first, &arg[4]);
}


static ngx_int_t
ngx_http_notify_log_fields(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_array_t *args)
{
    u_char      *letter;
    ngx_str_t   *arg, *member;
    ngx_uint_t   i;

    for (letter = ngx_http_notify_log_letters; *letter; letter++) {
        member = ngx_http_notify_log_member((ngx_http_notify_event_t *) event,
                                            *letter);
        if (member->len == 0) {
            continue;
        }

        arg = ngx_array_push_n(args, 2);
        arg[0].data = letter;
        arg[0].len = 1;
        arg[1] = *member;
    }

    arg = ngx_array_push_n(args, 2);
    ngx_str_set(&arg[0], "w");

    if (ngx_http_notify_log_number(pool, event->time, &arg[1]) != NGX_OK) {
        return NGX_ERROR;
    }

    if (event->hops) {
        arg = ngx_array_push_n(args, 2);
        ngx_str_set(&arg[0], "h");

        if (ngx_http_notify_log_number(pool, event->hops, &arg[1]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < event->nattributes; i++) {
        arg = ngx_array_push_n(args, 2);

        if (ngx_http_notify_log_attribute(pool, &event->attributes[i], arg)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_log_attribute(ngx_pool_t *pool, const ngx_keyval_t *attribute,
    ngx_str_t *arg)
{
    u_char  *p;

    p = ngx_pnalloc(pool, attribute->key.len + 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    arg[0].len = attribute->key.len + 2;
    arg[0].data = p;

    *p++ = 'a';
    *p++ = ':';
    ngx_memcpy(p, attribute->key.data, attribute->key.len);

    arg[1] = attribute->value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_log_number(ngx_pool_t *pool, uint64_t n, ngx_str_t *arg)
{
    arg->data = ngx_pnalloc(pool, NGX_INT64_LEN);
    if (arg->data == NULL) {
        return NGX_ERROR;
    }

    arg->len = ngx_sprintf(arg->data, "%uL", n) - arg->data;

    return NGX_OK;
}


static void
ngx_http_notify_log_publish_answer(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_log_publish_t *p = data;

    ngx_http_notify_log_published_t  *published;

    published = &p->published;
    ngx_memzero(published, sizeof(ngx_http_notify_log_published_t));

    published->status = ngx_http_notify_log_publish_result(p, resp, published);

    if (published->status == NGX_HTTP_NOTIFY_LOG_OK
        && ngx_http_notify_log_wait_wanted(p->redis))
    {
        ngx_http_notify_log_wait(&p->wait, ngx_http_notify_log_publish_waited);
        return;
    }

    ngx_http_notify_log_publish_end(p);
}


static void
ngx_http_notify_log_publish_waited(ngx_int_t rc,
    ngx_http_notify_log_wait_t *wait)
{
    ngx_http_notify_log_publish_t  *p;

    p = (ngx_http_notify_log_publish_t *) wait;

    if (rc != NGX_OK) {
        p->published.status = NGX_HTTP_NOTIFY_LOG_UNAVAILABLE;
    }

    ngx_http_notify_log_publish_end(p);
}


static void
ngx_http_notify_log_publish_end(ngx_http_notify_log_publish_t *p)
{
    if (p->handler) {
        p->handler(&p->published, p->data);
    }

    ngx_free(p);
}


static ngx_http_notify_log_status_e
ngx_http_notify_log_publish_result(ngx_http_notify_log_publish_t *p,
    const ngx_http_notify_resp_t *resp,
    ngx_http_notify_log_published_t *published)
{
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_http_notify_resp_t  *id, *number;

    rc = ngx_http_notify_script_verdict(p->redis, resp, "log");

    if (rc == NGX_DECLINED) {
        return NGX_HTTP_NOTIFY_LOG_FULL;
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_NOTIFY_LOG_UNAVAILABLE;
    }

    if (ngx_http_notify_script_says(resp, "full")) {
        return NGX_HTTP_NOTIFY_LOG_FULL;
    }

    if (ngx_http_notify_script_says(resp, "gap")) {
        return NGX_HTTP_NOTIFY_LOG_GAP;
    }

    number = ngx_http_notify_resp_at(resp, 1);

    if (number == NULL || number->type != NGX_HTTP_NOTIFY_RESP_INTEGER) {
        goto invalid;
    }

    if (ngx_http_notify_script_says(resp, "conflict")) {
        published->conflict = number->integer;
        return NGX_HTTP_NOTIFY_LOG_CONFLICT;
    }

    if (!ngx_http_notify_script_says(resp, "ok")) {
        goto invalid;
    }

    for (i = 0; i < p->n; i++) {
        id = ngx_http_notify_resp_at(resp, 2 + i);

        if (id == NULL
            || ngx_http_notify_log_id(&id->str, &p->ids[i]) != NGX_OK)
        {
            goto invalid;
        }

        if (p->ids[i].ms == 0) {
            published->skipped++;
        }
    }

    published->n = p->n;
    published->ids = p->ids;
    published->repeated = (number->integer == 0);

    return NGX_HTTP_NOTIFY_LOG_OK;

invalid:

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "notify log: unexpected answer to a publish");

    return NGX_HTTP_NOTIFY_LOG_UNAVAILABLE;
}


/* of an event that was published, or why there is none */

static ngx_int_t
ngx_http_notify_log_id(const ngx_str_t *text, ngx_http_notify_id_t *id)
{
    ngx_uint_t  i;

    for (i = 0; i < sizeof(ngx_http_notify_log_words) / sizeof(ngx_str_t);
         i++)
    {
        if (text->len == ngx_http_notify_log_words[i].len
            && ngx_strncmp(text->data, ngx_http_notify_log_words[i].data,
                           text->len)
               == 0)
        {
            id->ms = 0;
            id->seq = i;
            return NGX_OK;
        }
    }

    return ngx_http_notify_id_parse(text, id);
}


ngx_http_notify_redis_command_t *
ngx_http_notify_log_range(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_http_notify_id_t *from,
    ngx_uint_t inclusive, const ngx_http_notify_id_t *to, ngx_uint_t count,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    u_char                           *p;
    ngx_str_t                         argv[6];
    ngx_pool_t                       *pool;
    ngx_http_notify_redis_command_t  *command;

    u_char  start[NGX_HTTP_NOTIFY_ID_LEN + 1];
    u_char  end[NGX_HTTP_NOTIFY_ID_LEN];
    u_char  limit[NGX_INT_T_LEN];

    pool = ngx_create_pool(512, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    command = NULL;

    ngx_str_set(&argv[0], "XRANGE");

    argv[1] = ngx_http_notify_keys_name(pool, keys, "log", NULL);

    if (argv[1].data == NULL) {
        goto done;
    }

    p = start;

    if (!inclusive) {
        *p++ = '(';
    }

    argv[2].data = start;
    argv[2].len = ngx_http_notify_id_print(p, from) - start;

    argv[3].data = end;
    argv[3].len = ngx_http_notify_id_print(end, to) - end;

    ngx_str_set(&argv[4], "COUNT");

    argv[5].data = limit;
    argv[5].len = ngx_sprintf(limit, "%ui", count) - limit;

    command = ngx_http_notify_redis_submit(redis, argv, 6, 0, handler, data);

done:

    ngx_destroy_pool(pool);

    return command;
}
