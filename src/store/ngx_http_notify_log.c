/*
 * The log of a channel: events to and from stream entries, and ranges of it.
 * Keeps nothing.  Must not know who publishes or reads, nor look into an
 * event's data.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_script.h"


static ngx_int_t ngx_http_notify_log_measure(
    const ngx_http_notify_resp_t *fields, size_t *bytes,
    ngx_uint_t *nattributes);
static void ngx_http_notify_log_fill(ngx_http_notify_event_t *event,
    const ngx_http_notify_resp_t *fields, u_char *p);
static ngx_str_t *ngx_http_notify_log_member(ngx_http_notify_event_t *event,
    u_char letter);
static ngx_uint_t ngx_http_notify_log_is_attribute(const ngx_str_t *name);
static u_char *ngx_http_notify_log_number(u_char *p, const char *field,
    uint64_t n);


/* the fields that are strings, each named by one letter */
static u_char  ngx_http_notify_log_letters[] = "tneidscvu";


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


size_t
ngx_http_notify_log_entry_size(const ngx_http_notify_event_t *event,
    ngx_uint_t *n)
{
    size_t       size;
    u_char      *letter;
    ngx_str_t   *member;
    ngx_uint_t   i;

    size = 0;
    *n = 1 + (event->hops ? 1 : 0) + event->nattributes;

    for (letter = ngx_http_notify_log_letters; *letter; letter++) {
        member = ngx_http_notify_log_member((ngx_http_notify_event_t *) event,
                                            *letter);
        if (member->len) {
            size += member->len;
            (*n)++;
        }
    }

    for (i = 0; i < event->nattributes; i++) {
        size += 2 + event->attributes[i].key.len
                + event->attributes[i].value.len;
    }

    *n *= 2;

    return size + *n * ngx_http_notify_resp_string_size(1)
           + 2 * NGX_INT64_LEN;
}


u_char *
ngx_http_notify_log_entry_write(u_char *p,
    const ngx_http_notify_event_t *event)
{
    u_char        *letter;
    ngx_str_t      name, *member;
    ngx_uint_t     i;
    ngx_keyval_t  *attribute;

    name.len = 1;

    for (letter = ngx_http_notify_log_letters; *letter; letter++) {
        member = ngx_http_notify_log_member((ngx_http_notify_event_t *) event,
                                            *letter);
        if (member->len) {
            name.data = letter;
            p = ngx_http_notify_resp_string(p, &name);
            p = ngx_http_notify_resp_string(p, member);
        }
    }

    p = ngx_http_notify_log_number(p, "w", event->time);

    if (event->hops) {
        p = ngx_http_notify_log_number(p, "h", event->hops);
    }

    for (i = 0; i < event->nattributes; i++) {
        attribute = &event->attributes[i];

        p = ngx_http_notify_resp_length(p, 2 + attribute->key.len);
        *p++ = 'a';
        *p++ = ':';
        p = ngx_cpymem(p, attribute->key.data, attribute->key.len);
        *p++ = CR;
        *p++ = LF;

        p = ngx_http_notify_resp_string(p, &attribute->value);
    }

    return p;
}


static u_char *
ngx_http_notify_log_number(u_char *p, const char *field, uint64_t n)
{
    ngx_str_t  name, text;
    u_char     buf[NGX_INT64_LEN];

    name.data = (u_char *) field;
    name.len = 1;

    text.data = buf;
    text.len = ngx_sprintf(buf, "%uL", n) - buf;

    p = ngx_http_notify_resp_string(p, &name);

    return ngx_http_notify_resp_string(p, &text);
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


ngx_int_t
ngx_http_notify_log_read(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_http_notify_id_t *from,
    ngx_uint_t count, size_t bytes, ngx_http_notify_redis_handler_pt handler,
    void *data)
{
    ngx_int_t    rc;
    ngx_str_t    key, args[3];
    ngx_pool_t  *pool;

    u_char  start[NGX_HTTP_NOTIFY_ID_LEN + 1];
    u_char  limit[NGX_INT_T_LEN];
    u_char  size[NGX_SIZE_T_LEN];

    pool = ngx_create_pool(512, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    key = ngx_http_notify_keys_name(pool, keys, "log", NULL);

    start[0] = '(';

    args[0].data = start;
    args[0].len = ngx_http_notify_id_print(&start[1], from) - start;

    args[1].data = limit;
    args[1].len = ngx_sprintf(limit, "%ui", count) - limit;

    args[2].data = size;
    args[2].len = ngx_sprintf(size, "%uz", bytes) - size;

    if (key.data != NULL) {
        rc = ngx_http_notify_script_call(redis, &ngx_http_notify_script_range,
                                         &key, 1, args, 3, handler, data);
    }

    ngx_destroy_pool(pool);

    return rc;
}
