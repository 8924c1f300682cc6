/*
 * The bytes of a record of known.lua that do not change.
 */

#include "ngx_http_notify_known.h"


/* the digits before them say where the record is */
#define NGX_HTTP_NOTIFY_KNOWN_SKIP  9


static ngx_uint_t ngx_http_notify_known_digit(u_char ch);


void
ngx_http_notify_known_name(const ngx_str_t *digest,
    ngx_http_notify_known_e what, u_char name[NGX_HTTP_NOTIFY_KNOWN_NAME])
{
    u_char      *p;
    ngx_int_t    step;
    ngx_uint_t   i;

    p = digest->data + NGX_HTTP_NOTIFY_KNOWN_SKIP;
    step = 1;

    if (what == NGX_HTTP_NOTIFY_KNOWN_REQUEST) {
        p = digest->data + digest->len - 1 - NGX_HTTP_NOTIFY_KNOWN_SKIP;
        step = -1;
    }

    for (i = 0; i < NGX_HTTP_NOTIFY_KNOWN_NAME; i++) {
        name[i] = (u_char) (ngx_http_notify_known_digit(p[0]) * 16
                            + ngx_http_notify_known_digit(p[step]));
        p += 2 * step;
    }
}


void
ngx_http_notify_known_body(const ngx_str_t *digest,
    u_char body[NGX_HTTP_NOTIFY_KNOWN_BODY])
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_NOTIFY_KNOWN_BODY; i++) {
        body[i] = (u_char)
                  (ngx_http_notify_known_digit(digest->data[2 * i]) * 16
                   + ngx_http_notify_known_digit(digest->data[2 * i + 1]));
    }
}


static ngx_uint_t
ngx_http_notify_known_digit(u_char ch)
{
    return ch >= 'a' ? ch - 'a' + 10 : ch - '0';
}
