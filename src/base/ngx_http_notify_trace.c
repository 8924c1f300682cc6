/*
 * W3C Trace Context: what is malformed is as if it were not there.
 */

#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_trace.h"


#define NGX_HTTP_NOTIFY_TRACE_ID       3    /* where the trace's id begins */
#define NGX_HTTP_NOTIFY_TRACE_SPAN     36   /* the parent's */
#define NGX_HTTP_NOTIFY_TRACE_FLAGS    53
#define NGX_HTTP_NOTIFY_TRACE_KNOWN    0x03 /* flags: sampled, random */
#define NGX_HTTP_NOTIFY_TRACE_MEMBERS  32
#define NGX_HTTP_NOTIFY_TRACE_TEXT     256  /* of a key, or a value */


static ngx_uint_t ngx_http_notify_trace_hex(const u_char *p, size_t len,
    ngx_uint_t zero);
static ngx_uint_t ngx_http_notify_trace_member(const u_char *p,
    const u_char *last);


ngx_int_t
ngx_http_notify_trace_parent(ngx_pool_t *pool, const ngx_str_t *value,
    ngx_str_t *parent)
{
    u_char     *p;
    ngx_int_t   flags;

    p = value->data;

    if (value->len < NGX_HTTP_NOTIFY_TRACE_PARENT
        || p[2] != '-' || p[35] != '-' || p[52] != '-'
        || !ngx_http_notify_trace_hex(p, 2, 1)
        || ngx_strncmp(p, "ff", 2) == 0
        || !ngx_http_notify_trace_hex(&p[NGX_HTTP_NOTIFY_TRACE_ID], 32, 0)
        || !ngx_http_notify_trace_hex(&p[NGX_HTTP_NOTIFY_TRACE_SPAN], 16, 0)
        || !ngx_http_notify_trace_hex(&p[NGX_HTTP_NOTIFY_TRACE_FLAGS], 2, 1))
    {
        return NGX_DECLINED;
    }

    /* a later version may have more behind it */

    if (value->len > NGX_HTTP_NOTIFY_TRACE_PARENT
        && (ngx_strncmp(p, "00", 2) == 0
            || p[NGX_HTTP_NOTIFY_TRACE_PARENT] != '-'))
    {
        return NGX_DECLINED;
    }

    flags = ngx_hextoi(&p[NGX_HTTP_NOTIFY_TRACE_FLAGS], 2)
            & NGX_HTTP_NOTIFY_TRACE_KNOWN;

    parent->data = ngx_pnalloc(pool, NGX_HTTP_NOTIFY_TRACE_PARENT);
    if (parent->data == NULL) {
        return NGX_ERROR;
    }

    parent->len = NGX_HTTP_NOTIFY_TRACE_PARENT;

    ngx_memcpy(parent->data, p, NGX_HTTP_NOTIFY_TRACE_PARENT);
    ngx_memcpy(parent->data, "00", 2);
    (void) ngx_sprintf(&parent->data[NGX_HTTP_NOTIFY_TRACE_FLAGS], "%02xi",
                       flags);

    return NGX_OK;
}


/* lower case; all of zeros only where that is a value */

static ngx_uint_t
ngx_http_notify_trace_hex(const u_char *p, size_t len, ngx_uint_t zero)
{
    const u_char  *last;

    for (last = p + len; p < last; p++) {

        if ((*p < '0' || *p > '9') && (*p < 'a' || *p > 'f')) {
            return 0;
        }

        zero |= (*p != '0');
    }

    return zero;
}


ngx_int_t
ngx_http_notify_trace_state(const ngx_str_t *value, ngx_str_t *state)
{
    u_char      *p, *last, *end, *next;
    ngx_uint_t   n;

    ngx_str_null(state);

    n = 0;
    p = value->data;
    last = p + value->len;

    while (p < last) {

        end = ngx_strlchr(p, last, ',');
        next = end ? end + 1 : last;
        end = end ? end : last;

        while (p < end && (*p == ' ' || *p == '\t')) {
            p++;
        }

        while (end > p && (end[-1] == ' ' || end[-1] == '\t')) {
            end--;
        }

        if (p < end) {

            if (++n > NGX_HTTP_NOTIFY_TRACE_MEMBERS
                || !ngx_http_notify_trace_member(p, end))
            {
                ngx_str_null(state);
                return NGX_DECLINED;
            }

            if (state->data == NULL) {
                state->data = p;
            }

            if (end - state->data <= NGX_HTTP_NOTIFY_TRACE_STATE) {
                state->len = end - state->data;
            }
        }

        p = next;
    }

    return state->len ? NGX_OK : NGX_DECLINED;
}


/* key=value */

static ngx_uint_t
ngx_http_notify_trace_member(const u_char *p, const u_char *last)
{
    const u_char  *key, *value;

    for (key = p; p < last && *p != '='; p++) {

        if ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9')) {
            continue;
        }

        if (p == key
            || (*p != '_' && *p != '-' && *p != '*' && *p != '/'
                && *p != '@'))
        {
            return 0;
        }
    }

    if (p == last || p == key || p - key > NGX_HTTP_NOTIFY_TRACE_TEXT) {
        return 0;
    }

    value = ++p;

    if (p == last || last - value > NGX_HTTP_NOTIFY_TRACE_TEXT) {
        return 0;
    }

    for ( /* void */ ; p < last; p++) {
        if (*p < ' ' || *p > '~' || *p == '=') {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_http_notify_trace_lines(ngx_pool_t *pool, const ngx_str_t *parent,
    const ngx_str_t *state, ngx_str_t *lines)
{
    u_char  *p, id[8];

    /* all of zeros is no id: one of 2^64, and then not random */

    if (ngx_http_notify_crypto_random(id, sizeof(id)) != NGX_OK) {
        return NGX_ERROR;
    }

    id[7] |= (id[0] == 0);

    p = ngx_http_notify_memory_extend(pool, lines,
                           sizeof("traceparent: " CRLF "tracestate: " CRLF)
                           + NGX_HTTP_NOTIFY_TRACE_PARENT + state->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(p, "traceparent: ", sizeof("traceparent: ") - 1);
    p = ngx_cpymem(p, parent->data, NGX_HTTP_NOTIFY_TRACE_PARENT);
    (void) ngx_hex_dump(p - NGX_HTTP_NOTIFY_TRACE_PARENT
                        + NGX_HTTP_NOTIFY_TRACE_SPAN, id, sizeof(id));
    *p++ = CR; *p++ = LF;

    if (state->len && !ngx_http_notify_text_control(state)) {
        p = ngx_sprintf(p, "tracestate: %V" CRLF, state);
    }

    lines->len = p - lines->data;

    return NGX_OK;
}
