/*
 * The log of a channel: events to and from stream entries, and ranges of it.
 * Keeps nothing.  Must not know who publishes or reads, nor look into an
 * event's data.
 */

#include "ngx_http_notify_log.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_segment.h"


static ngx_int_t ngx_http_notify_log_measure(
    const ngx_http_notify_resp_t *fields, size_t *bytes,
    ngx_uint_t *nattributes);
static void ngx_http_notify_log_fill(ngx_http_notify_event_t *event,
    const ngx_http_notify_resp_t *fields, u_char *p);
static ngx_str_t *ngx_http_notify_log_member(ngx_http_notify_event_t *event,
    u_char letter);
static ngx_uint_t ngx_http_notify_log_is_attribute(const ngx_str_t *name);


/* the fields that are strings, each named by one letter */
static u_char  ngx_http_notify_log_letters[] = "tneidscvupq";


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

        if (value->len) {
            p = ngx_cpymem(p, value->data, value->len);
        }
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

    case 'p':
        return &event->traceparent;

    case 'q':
        return &event->tracestate;

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


ngx_uint_t
ngx_http_notify_log_strings(const ngx_http_notify_event_t *event)
{
    u_char      *letter;
    ngx_str_t   *member;
    ngx_uint_t   n;

    n = 1 + (event->hops ? 1 : 0) + event->nattributes;

    for (letter = ngx_http_notify_log_letters; *letter; letter++) {
        member = ngx_http_notify_log_member((ngx_http_notify_event_t *) event,
                                            *letter);
        n += member->len ? 1 : 0;
    }

    return 2 * n;
}


void
ngx_http_notify_log_write(ngx_http_notify_command_t *command,
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
            ngx_http_notify_command_arg(command, &name);
            ngx_http_notify_command_arg(command, member);
        }
    }

    ngx_http_notify_command_text(command, "w");
    ngx_http_notify_command_number(command, event->time);

    if (event->hops) {
        ngx_http_notify_command_text(command, "h");
        ngx_http_notify_command_number(command, event->hops);
    }

    for (i = 0; i < event->nattributes; i++) {
        attribute = &event->attributes[i];

        ngx_http_notify_command_printf(command, "a:%V", &attribute->key);
        ngx_http_notify_command_arg(command, &attribute->value);
    }
}


ngx_http_notify_command_t *
ngx_http_notify_log_range(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_http_notify_id_t *from,
    ngx_uint_t inclusive, const ngx_http_notify_id_t *to, ngx_uint_t count,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_script(redis,
                                             &ngx_http_notify_script_entries,
                                             handler, data);

    ngx_http_notify_command_filter(command, ngx_http_notify_segment_inflate);
    ngx_http_notify_command_key(command, keys, "log");
    ngx_http_notify_command_printf(command, "%s%uL-%uL", inclusive ? "" : "(",
                                   from->ms, from->seq);
    ngx_http_notify_command_id(command, to);
    ngx_http_notify_command_number(command, count);

    return ngx_http_notify_redis_send(command) == NGX_OK ? command : NULL;
}


void
ngx_http_notify_log_follow(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys, const char *other,
    const ngx_http_notify_id_t *from, const ngx_http_notify_id_t *other_from)
{
    ngx_http_notify_command_text(command, "STREAMS");
    ngx_http_notify_log_follow_keys(command, keys, other);
    ngx_http_notify_log_follow_ids(command, from, other_from);
}


void
ngx_http_notify_log_follow_keys(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys, const char *other)
{
    ngx_http_notify_command_key(command, keys, "log");
    ngx_http_notify_command_key(command, keys, "seg:end");

    if (other) {
        ngx_http_notify_command_key(command, keys, other);
    }
}


void
ngx_http_notify_log_follow_ids(ngx_http_notify_command_t *command,
    const ngx_http_notify_id_t *from, const ngx_http_notify_id_t *other_from)
{
    ngx_http_notify_command_id(command, from);
    ngx_http_notify_command_id(command, from);

    if (other_from) {
        ngx_http_notify_command_id(command, other_from);
    }
}


void
ngx_http_notify_log_followed(ngx_http_notify_resp_t *resp,
    const ngx_http_notify_keys_t *keys, ngx_http_notify_log_followed_t *found)
{
    size_t                   len;
    ngx_uint_t               i;
    ngx_http_notify_resp_t  *name, *entries;

    ngx_memzero(found, sizeof(ngx_http_notify_log_followed_t));

    for (i = 0; i < resp->nelts; i++) {
        name = ngx_http_notify_resp_at(resp->elts[i], 0);
        entries = ngx_http_notify_resp_at(resp->elts[i], 1);

        if (name == NULL || entries == NULL || entries->nelts == 0) {
            continue;
        }

        len = name->str.len - ngx_min(name->str.len, keys->prefix.len);

        if (len == sizeof("log") - 1) {
            found->log = entries;

        } else if (len == sizeof("seg:end") - 1) {
            found->packed = ngx_http_notify_log_entry_id(entries->elts[0],
                                                         &found->end)
                            == NGX_OK;
        } else {
            found->other = entries;
        }
    }

    if (found->packed) {
        found->log = NULL;
    }
}


ngx_int_t
ngx_http_notify_log_read(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_http_notify_id_t *from,
    ngx_uint_t count, size_t bytes, ngx_http_notify_redis_handler_pt handler,
    void *data)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_script(redis,
                                             &ngx_http_notify_script_range,
                                             handler, data);

    ngx_http_notify_command_filter(command, ngx_http_notify_segment_inflate);
    ngx_http_notify_command_key(command, keys, "log");
    ngx_http_notify_command_printf(command, "(%uL-%uL", from->ms, from->seq);
    ngx_http_notify_command_number(command, count);
    ngx_http_notify_command_number(command, bytes);

    return ngx_http_notify_redis_send(command);
}
