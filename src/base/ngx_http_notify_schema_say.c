/*
 * JSON Schema: what is said of a value that is not as it should be, and where.
 */

#include "ngx_http_notify_schema_internal.h"


#define NGX_HTTP_NOTIFY_SCHEMA_POINTER  512
#define NGX_HTTP_NOTIFY_SCHEMA_REASON   160


static u_char *ngx_http_notify_schema_say_pointer(u_char *p, u_char *last,
    const ngx_http_notify_schema_place_t *place);


ngx_int_t
ngx_http_notify_schema_say(const ngx_http_notify_schema_run_t *run,
    const ngx_http_notify_schema_place_t *place, const char *fmt, ...)
{
    u_char     *p;
    va_list     args;
    ngx_str_t   pointer;
    u_char      buf[NGX_HTTP_NOTIFY_SCHEMA_POINTER];
    u_char      reason[NGX_HTTP_NOTIFY_SCHEMA_REASON];

    if (run->handler == NULL) {
        return NGX_DECLINED;
    }

    p = ngx_http_notify_schema_say_pointer(buf, buf + sizeof(buf), place);

    pointer.data = buf;
    pointer.len = p - buf;

    va_start(args, fmt);
    p = ngx_vslprintf(reason, reason + sizeof(reason) - 1, fmt, args);
    va_end(args);

    *p = '\0';

    run->handler(run->data, &pointer, (char *) reason);

    return NGX_DECLINED;
}


/* RFC 6901; whole segments, as many as there is room for */

static u_char *
ngx_http_notify_schema_say_pointer(u_char *p, u_char *last,
    const ngx_http_notify_schema_place_t *place)
{
    size_t   i;
    u_char  *start, ch;

    if (place == NULL) {
        return p;
    }

    p = ngx_http_notify_schema_say_pointer(p, last, place->above);

    if (place->name == NULL) {
        return (size_t) (last - p) > NGX_INT_T_LEN + 1
               ? ngx_sprintf(p, "/%ui", place->index) : p;
    }

    if ((size_t) (last - p) < 2 * place->name->len + 1) {
        return p;
    }

    start = p;
    *p++ = '/';

    for (i = 0; i < place->name->len; i++) {
        ch = place->name->data[i];

        if (ch == '~' || ch == '/') {
            *p++ = '~';
            ch = (ch == '~') ? '0' : '1';
        }

        if (ch < 0x20) {
            return start;
        }

        *p++ = ch;
    }

    return p;
}
