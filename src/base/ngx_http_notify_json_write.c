/*
 * JSON text, written member by member; the buffer grows.
 */

#include "ngx_http_notify_id.h"
#include "ngx_http_notify_json_write.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_JSON_WRITE_SIZE  512


static u_char *ngx_http_notify_json_write_room(
    ngx_http_notify_json_write_t *w, const char *name, size_t size);
static void ngx_http_notify_json_write_begin(ngx_http_notify_json_write_t *w,
    const char *name, u_char ch);


void
ngx_http_notify_json_write_init(ngx_http_notify_json_write_t *w,
    ngx_pool_t *pool)
{
    ngx_memzero(w, sizeof(ngx_http_notify_json_write_t));

    w->pool = pool;
}


void
ngx_http_notify_json_write_reserve(ngx_http_notify_json_write_t *w,
    size_t size)
{
    (void) ngx_http_notify_json_write_room(w, NULL, size);
}


ngx_int_t
ngx_http_notify_json_write_done(ngx_http_notify_json_write_t *w,
    ngx_str_t *text)
{
    text->data = w->start;
    text->len = w->pos - w->start;

    return w->failed ? NGX_ERROR : NGX_OK;
}


/* for a value of that size, after what comes before it; NULL: failed */

static u_char *
ngx_http_notify_json_write_room(ngx_http_notify_json_write_t *w,
    const char *name, size_t size)
{
    u_char     *p;
    size_t      used;
    ngx_str_t   text;

    if (w->failed) {
        return NULL;
    }

    ngx_str_null(&text);

    if (name) {
        text = ngx_http_notify_text(name);
        size += ngx_http_notify_json_escaped_len(&text) + sizeof("\"\":") - 1;
    }

    size += 1;      /* a comma */

    if ((size_t) (w->end - w->pos) < size) {
        used = w->pos - w->start;
        size = ngx_max(2 * used + size, NGX_HTTP_NOTIFY_JSON_WRITE_SIZE);

        p = ngx_pnalloc(w->pool, size);
        if (p == NULL) {
            w->failed = 1;
            return NULL;
        }

        if (used) {
            ngx_memcpy(p, w->start, used);
            (void) ngx_pfree(w->pool, w->start);
        }

        w->start = p;
        w->pos = p + used;
        w->end = p + size;
    }

    p = w->pos;

    if (p > w->start && p[-1] != '{' && p[-1] != '[') {
        *p++ = ',';
    }

    if (name) {
        *p++ = '"';
        p = ngx_http_notify_json_put_escaped(p, &text);
        *p++ = '"';
        *p++ = ':';
    }

    return p;
}


static void
ngx_http_notify_json_write_begin(ngx_http_notify_json_write_t *w,
    const char *name, u_char ch)
{
    u_char  *p;

    w->objects = (w->objects << 1) | (ch == '{');

    p = ngx_http_notify_json_write_room(w, name, 1);

    if (p) {
        *p++ = ch;
        w->pos = p;
    }
}


void
ngx_http_notify_json_write_object(ngx_http_notify_json_write_t *w,
    const char *name)
{
    ngx_http_notify_json_write_begin(w, name, '{');
}


void
ngx_http_notify_json_write_array(ngx_http_notify_json_write_t *w,
    const char *name)
{
    ngx_http_notify_json_write_begin(w, name, '[');
}


void
ngx_http_notify_json_write_end(ngx_http_notify_json_write_t *w)
{
    /* the room is asked for, the comma is not put */

    if (ngx_http_notify_json_write_room(w, NULL, 1)) {
        *w->pos++ = (w->objects & 1) ? '}' : ']';
    }

    w->objects >>= 1;
}


void
ngx_http_notify_json_write_string(ngx_http_notify_json_write_t *w,
    const char *name, const ngx_str_t *text)
{
    u_char  *p;

    if (w->failed) {
        return;
    }

    p = ngx_http_notify_json_write_room(w, name,
                               ngx_http_notify_json_escaped_len(text) + 2);
    if (p) {
        *p++ = '"';
        p = ngx_http_notify_json_put_escaped(p, text);
        *p++ = '"';
        w->pos = p;
    }
}


void
ngx_http_notify_json_write_text(ngx_http_notify_json_write_t *w,
    const char *name, const char *text)
{
    ngx_str_t  string;

    string = ngx_http_notify_text(text);

    ngx_http_notify_json_write_string(w, name, &string);
}


void
ngx_http_notify_json_write_integer(ngx_http_notify_json_write_t *w,
    const char *name, int64_t n)
{
    u_char  *p;

    p = ngx_http_notify_json_write_room(w, name, NGX_INT64_LEN);

    if (p) {
        w->pos = ngx_sprintf(p, "%L", n);
    }
}


void
ngx_http_notify_json_write_bool(ngx_http_notify_json_write_t *w,
    const char *name, ngx_uint_t on)
{
    static const ngx_str_t  values[] = {
        ngx_string("false"),
        ngx_string("true")
    };

    ngx_http_notify_json_write_raw(w, name, &values[on != 0]);
}


void
ngx_http_notify_json_write_null(ngx_http_notify_json_write_t *w,
    const char *name)
{
    static const ngx_str_t  value = ngx_string("null");

    ngx_http_notify_json_write_raw(w, name, &value);
}


void
ngx_http_notify_json_write_time(ngx_http_notify_json_write_t *w,
    const char *name, uint64_t ms)
{
    u_char     buf[NGX_HTTP_NOTIFY_ID_TIME_LEN];
    ngx_str_t  text;

    text.data = buf;
    text.len = ngx_http_notify_id_time(buf, ms) - buf;

    ngx_http_notify_json_write_string(w, name, &text);
}


void
ngx_http_notify_json_write_raw(ngx_http_notify_json_write_t *w,
    const char *name, const ngx_str_t *json)
{
    u_char  *p;

    p = ngx_http_notify_json_write_room(w, name, json->len);

    if (p) {
        w->pos = ngx_cpymem(p, json->data, json->len);
    }
}


void
ngx_http_notify_json_write_json(ngx_http_notify_json_write_t *w,
    const char *name, const ngx_http_notify_json_t *json)
{
    ngx_str_t  text;

    if (json == NULL) {
        return;
    }

    if (ngx_http_notify_json_dump(w->pool, json, 0, &text) != NGX_OK) {
        w->failed = 1;
        return;
    }

    ngx_http_notify_json_write_raw(w, name, &text);
}
