/*
 * Where in a filter its compiler is: how deep, how many values it has seen, and
 * what is wrong there.
 */

#include "ngx_http_notify_filter_internal.h"


static u_char *ngx_http_notify_filter_pointer(u_char *p, size_t *len,
    const ngx_http_notify_filter_place_t *place);


ngx_int_t
ngx_http_notify_filter_enter(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_place_t *place,
    const ngx_http_notify_filter_place_t *up)
{
    place->up = up;
    place->depth = up ? up->depth + 1 : 1;

    if (place->depth > NGX_HTTP_NOTIFY_FILTER_DEPTH) {
        return ngx_http_notify_filter_fail(fc, place, "is nested too deeply");
    }

    if (fc->nvalues++ == NGX_HTTP_NOTIFY_FILTER_NODES) {
        return ngx_http_notify_filter_fail(fc, place,
                                           "is one value too many");
    }

    return NGX_OK;
}


/* empty: always true, or never, whatever an event has */

ngx_uint_t
ngx_http_notify_filter_vague(const ngx_http_notify_filter_compiler_t *fc,
    const ngx_http_notify_json_t *json)
{
    void       *cursor;
    ngx_str_t   name;

    if (!fc->strict) {
        return 0;
    }

    cursor = NULL;

    switch (ngx_http_notify_json_type(json)) {

    case NGX_HTTP_NOTIFY_JSON_OBJECT:
        return ngx_http_notify_json_member(json, &cursor, &name) == NULL;

    case NGX_HTTP_NOTIFY_JSON_ARRAY:
        return ngx_http_notify_json_size(json) == 0;

    default:
        return 0;
    }
}


ngx_int_t
ngx_http_notify_filter_fail(ngx_http_notify_filter_compiler_t *fc,
    const ngx_http_notify_filter_place_t *place, const char *reason)
{
    size_t   len;
    u_char  *p;

    len = 0;
    (void) ngx_http_notify_filter_pointer(NULL, &len, place);

    p = ngx_pnalloc(fc->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    fc->pointer->data = p;
    fc->pointer->len = ngx_http_notify_filter_pointer(p, &len, place) - p;
    fc->reason = reason;

    return NGX_ERROR;
}


/* RFC 6901; without p the length is added up */

static u_char *
ngx_http_notify_filter_pointer(u_char *p, size_t *len,
    const ngx_http_notify_filter_place_t *place)
{
    u_char  ch;
    size_t  i;

    if (place == NULL) {
        return p;
    }

    p = ngx_http_notify_filter_pointer(p, len, place->up);

    if (p == NULL) {
        *len += 1 + ngx_max(2 * place->name.len, NGX_INT_T_LEN);
        return NULL;
    }

    *p++ = '/';

    if (place->name.data == NULL) {
        return ngx_sprintf(p, "%ui", place->index);
    }

    for (i = 0; i < place->name.len; i++) {
        ch = place->name.data[i];

        if (ch == '~' || ch == '/') {
            *p++ = '~';
            ch = (ch == '~') ? '0' : '1';
        }

        *p++ = ch;
    }

    return p;
}
