/*
 * The answer parser: one byte after the other, so that no split of the bytes
 * makes a difference; runs of text and bodies in blocks.  Whatever two readers
 * could understand differently is refused.  Must not know why it is read.
 */

#include "ngx_http_notify_http_response_internal.h"


enum {
    NGX_HTTP_NOTIFY_HTTP_RESPONSE_OTHER = 0,
    NGX_HTTP_NOTIFY_HTTP_RESPONSE_LENGTH,
    NGX_HTTP_NOTIFY_HTTP_RESPONSE_ENCODING,
    NGX_HTTP_NOTIFY_HTTP_RESPONSE_CONNECTION,
    NGX_HTTP_NOTIFY_HTTP_RESPONSE_RETRY_AFTER,
    NGX_HTTP_NOTIFY_HTTP_RESPONSE_ORIGIN,
    NGX_HTTP_NOTIFY_HTTP_RESPONSE_RATE,
    NGX_HTTP_NOTIFY_HTTP_RESPONSE_PROXY,
    NGX_HTTP_NOTIFY_HTTP_RESPONSE_SQUID,
    NGX_HTTP_NOTIFY_HTTP_RESPONSE_CONTENT_TYPE
};


static const ngx_str_t  ngx_http_notify_http_response_names[] = {
    ngx_null_string,
    ngx_string("content-length"),
    ngx_string("transfer-encoding"),
    ngx_string("connection"),
    ngx_string("retry-after"),
    ngx_string("webhook-allowed-origin"),
    ngx_string("webhook-allowed-rate"),
    ngx_string("proxy-status"),
    ngx_string("x-squid-error"),
    ngx_string("content-type")
};


static ngx_int_t ngx_http_notify_http_response_status(
    ngx_http_notify_http_response_t *a, u_char ch);
static ngx_int_t ngx_http_notify_http_response_version(
    ngx_http_notify_http_response_t *a, u_char ch);
static ngx_int_t ngx_http_notify_http_response_line(
    ngx_http_notify_http_response_t *a, u_char ch);
static void ngx_http_notify_http_response_fold(
    ngx_http_notify_http_response_t *a);
static const u_char *ngx_http_notify_http_response_run(
    ngx_http_notify_http_response_t *a, const u_char *p, const u_char *last);
static void ngx_http_notify_http_response_name(
    ngx_http_notify_http_response_t *a);
static ngx_int_t ngx_http_notify_http_response_header(
    ngx_http_notify_http_response_t *a);
static ngx_int_t ngx_http_notify_http_response_length(
    ngx_http_notify_http_response_t *a);
static void ngx_http_notify_http_response_connection(
    ngx_http_notify_http_response_t *a);
static ngx_int_t ngx_http_notify_http_response_headers_end(
    ngx_http_notify_http_response_t *a);
static ngx_int_t ngx_http_notify_http_response_large(
    ngx_http_notify_http_response_t *a);


/* RFC 9110, 5.6.2: what a token is made of, in lower case */

static const u_char  ngx_http_notify_http_response_token[256] =
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0!\0#$%&'\0\0*+\0-.\0" "0123456789\0\0\0\0\0\0"
    "\0abcdefghijklmnopqrstuvwxyz\0\0\0^_"
    "`abcdefghijklmnopqrstuvwxyz\0|\0~\0";


void
ngx_http_notify_http_response_init(ngx_http_notify_http_response_t *a,
    ngx_pool_t *pool, size_t limit, size_t header_limit)
{
    ngx_memzero(a, offsetof(ngx_http_notify_http_response_t, name));

    a->pool = pool;
    a->limit = limit;
    a->header_limit = header_limit;
}


ngx_int_t
ngx_http_notify_http_response_parse(ngx_http_notify_http_response_t *a,
    const u_char *p, const u_char *last)
{
    ngx_int_t  rc;

    rc = NGX_AGAIN;

    while (p < last && rc == NGX_AGAIN) {

        if (a->state == sw_body || a->state == sw_chunk_data) {
            p = ngx_http_notify_http_response_body_data(a, p, last);

            if (p == NULL) {
                return NGX_ERROR;
            }

            if (a->truncated) {
                a->keepalive = 0;
                a->done = 1;
                return NGX_OK;
            }

            rc = (a->state == sw_done) ? NGX_OK : NGX_AGAIN;
            continue;
        }

        if (a->state == sw_reason || a->state == sw_name
            || a->state == sw_value)
        {
            p = ngx_http_notify_http_response_run(a, p, last);

            if (p == last) {
                break;
            }
        }

        if (a->state < sw_header_start) {
            rc = ngx_http_notify_http_response_status(a, *p++);

        } else if (a->state < sw_body) {
            rc = ngx_http_notify_http_response_line(a, *p++);

        } else {
            rc = ngx_http_notify_http_response_body_chunk(a, *p++);
        }
    }

    if (rc == NGX_OK && p < last && a->bodiless) {

        /* a body all the same: it is not read, and nothing after it */

        a->keepalive = 0;

    } else if (rc == NGX_OK && p < last) {
        return ngx_http_notify_http_response_error(a, "bytes after the end");
    }

    a->done = (rc == NGX_OK);

    return rc;
}


ngx_int_t
ngx_http_notify_http_response_eof(ngx_http_notify_http_response_t *a)
{
    if (a->state == sw_body && !a->length_given) {
        a->done = 1;
        return NGX_OK;
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_notify_http_response_status(ngx_http_notify_http_response_t *a,
    u_char ch)
{
    if (++a->header_bytes > a->header_limit) {
        return ngx_http_notify_http_response_large(a);
    }

    switch (a->state) {

    case sw_version:
    case sw_minor:
        return ngx_http_notify_http_response_version(a, ch);

    case sw_status_space:
        if (ch != ' ') {
            break;
        }

        a->status = 0;
        a->digits = 0;
        a->state = sw_status;
        return NGX_AGAIN;

    case sw_status:
        if (ch < '0' || ch > '9') {
            break;
        }

        a->status = a->status * 10 + (ch - '0');

        if (++a->digits == 3) {

            if (a->status < 100 || a->status > 599) {
                break;
            }

            a->state = sw_reason_space;
        }

        return NGX_AGAIN;

    case sw_reason_space:
        if (ch == ' ') {
            a->state = sw_reason;

        } else if (ch == '\r') {
            a->state = sw_line_lf;

        } else {
            break;
        }

        return NGX_AGAIN;

    case sw_reason:
        if (ch != '\r') {
            break;
        }

        a->state = sw_line_lf;
        return NGX_AGAIN;

    case sw_line_lf:
        if (ch != '\n') {
            break;
        }

        a->bodiless = (a->status == 204 || a->status == 304);
        a->state = sw_header_start;
        return NGX_AGAIN;
    }

    a->status = 0;

    return ngx_http_notify_http_response_error(a, "malformed status line");
}


static ngx_int_t
ngx_http_notify_http_response_version(ngx_http_notify_http_response_t *a,
    u_char ch)
{
    static const u_char  version[] = "HTTP/1.";

    if (a->state == sw_minor) {

        if (ch != '0' && ch != '1') {
            return ngx_http_notify_http_response_error(a,
                                                       "unknown HTTP version");
        }

        a->http11 = (ch == '1');
        a->state = sw_status_space;

        return NGX_AGAIN;
    }

    if (ch != version[a->digits++]) {
        return ngx_http_notify_http_response_error(a, "not an HTTP/1 answer");
    }

    if (a->digits == sizeof(version) - 1) {
        a->state = sw_minor;
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_notify_http_response_line(ngx_http_notify_http_response_t *a,
    u_char ch)
{
    if (++a->header_bytes > a->header_limit) {
        return ngx_http_notify_http_response_large(a);
    }

    switch (a->state) {

    case sw_header_start:

        /* RFC 9112, 5.2: obsolete folding is a space */

        if ((ch == ' ' || ch == '\t') && a->name_len) {
            ngx_http_notify_http_response_fold(a);
            a->state = sw_value;
            return NGX_AGAIN;
        }

        if (a->name_len
            && ngx_http_notify_http_response_header(a) == NGX_ERROR)
        {
            return NGX_ERROR;
        }

        a->name_len = 0;

        if (ch == '\r') {
            a->state = sw_end_lf;
            return NGX_AGAIN;
        }

        a->name[0] = ngx_http_notify_http_response_token[ch];

        if (a->name[0] == '\0') {
            return ngx_http_notify_http_response_error(a,
                                                      "malformed header name");
        }

        a->name_len = 1;
        a->value_len = 0;
        a->state = sw_name;
        return NGX_AGAIN;

    case sw_name:
        if (ch != ':') {
            return ngx_http_notify_http_response_error(a,
                                                      "malformed header name");
        }

        ngx_http_notify_http_response_name(a);

        a->state = sw_value;
        return NGX_AGAIN;

    case sw_value:
        if (ch != '\r') {
            return ngx_http_notify_http_response_error(a,
                                                     "malformed header value");
        }

        a->state = sw_header_lf;
        return NGX_AGAIN;

    case sw_header_lf:
        if (ch != '\n') {
            break;
        }

        a->state = sw_header_start;
        return NGX_AGAIN;

    case sw_end_lf:
        if (ch != '\n') {
            break;
        }

        return ngx_http_notify_http_response_headers_end(a);
    }

    return ngx_http_notify_http_response_error(a, "malformed line end");
}


static void
ngx_http_notify_http_response_fold(ngx_http_notify_http_response_t *a)
{
    if (a->header == NGX_HTTP_NOTIFY_HTTP_RESPONSE_OTHER || a->value_len == 0) {
        return;
    }

    if (a->value_len < sizeof(a->value)) {
        a->value[a->value_len] = ' ';
    }

    a->value_len++;
}


/* the bytes that end nothing: of a reason, a name, a value */

static const u_char *
ngx_http_notify_http_response_run(ngx_http_notify_http_response_t *a,
    const u_char *p, const u_char *last)
{
    u_char         c;
    const u_char  *start, *end;

    start = p;

    /* one byte more is the caller's to complain of */

    end = last;

    if ((size_t) (last - p) > a->header_limit - a->header_bytes) {
        end = p + (a->header_limit - a->header_bytes);
    }

    if (a->state == sw_name) {

        for ( /* void */ ; p < end; p++) {
            c = ngx_http_notify_http_response_token[*p];

            if (c == '\0') {
                break;
            }

            if (a->name_len < sizeof(a->name)) {
                a->name[a->name_len] = c;
            }

            a->name_len++;
        }

    } else if (a->state == sw_reason
               || a->header == NGX_HTTP_NOTIFY_HTTP_RESPONSE_OTHER)
    {
        while (p < end && ngx_http_notify_http_response_text(*p)) {
            p++;
        }

    } else {

        for ( /* void */ ;
             p < end && ngx_http_notify_http_response_text(*p);
             p++)
        {
            if (a->value_len == 0 && (*p == ' ' || *p == '\t')) {
                continue;
            }

            if (a->value_len < sizeof(a->value)) {
                a->value[a->value_len] = *p;
            }

            a->value_len++;
        }
    }

    a->header_bytes += p - start;

    return p;
}


static void
ngx_http_notify_http_response_name(ngx_http_notify_http_response_t *a)
{
    ngx_uint_t  i;

    a->header = NGX_HTTP_NOTIFY_HTTP_RESPONSE_OTHER;

    for (i = 1;
         i < sizeof(ngx_http_notify_http_response_names) / sizeof(ngx_str_t);
         i++)
    {
        if (a->name_len == ngx_http_notify_http_response_names[i].len
            && ngx_memcmp(a->name, ngx_http_notify_http_response_names[i].data,
                          a->name_len)
               == 0)
        {
            a->header = i;
            return;
        }
    }
}


static ngx_int_t
ngx_http_notify_http_response_header(ngx_http_notify_http_response_t *a)
{
    size_t  len;

    if (a->header == NGX_HTTP_NOTIFY_HTTP_RESPONSE_OTHER || a->trailers) {
        return NGX_AGAIN;
    }

    /* white space behind the value; what was cut off keeps its length */

    len = a->value_len;

    if (len <= sizeof(a->value)) {
        while (len && (a->value[len - 1] == ' ' || a->value[len - 1] == '\t')) {
            len--;
        }

        a->value_len = len;
    }

    if (a->bodiless
        && (a->header == NGX_HTTP_NOTIFY_HTTP_RESPONSE_ENCODING
            || (a->header == NGX_HTTP_NOTIFY_HTTP_RESPONSE_LENGTH
                && a->status == 204)))
    {
        /* RFC 9112, 6.3: it ends with its headers, whatever they say */

        a->close = (a->close || a->value_len != 1 || a->value[0] != '0');
        return NGX_AGAIN;
    }

    switch (a->header) {

    case NGX_HTTP_NOTIFY_HTTP_RESPONSE_LENGTH:
        return ngx_http_notify_http_response_length(a);

    case NGX_HTTP_NOTIFY_HTTP_RESPONSE_ENCODING:
        if (a->chunked || a->length_given || !a->http11
            || a->value_len != sizeof("chunked") - 1
            || ngx_strncasecmp(a->value, (u_char *) "chunked",
                               sizeof("chunked") - 1)
               != 0)
        {
            return ngx_http_notify_http_response_error(a,
                                                "ambiguous transfer encoding");
        }

        a->chunked = 1;
        break;

    case NGX_HTTP_NOTIFY_HTTP_RESPONSE_CONNECTION:
        ngx_http_notify_http_response_connection(a);
        break;

    case NGX_HTTP_NOTIFY_HTTP_RESPONSE_RETRY_AFTER:
        if (a->value_len > sizeof(a->value)) {
            break;
        }

        return ngx_http_notify_http_response_body_keep(a, &a->retry_after);

    case NGX_HTTP_NOTIFY_HTTP_RESPONSE_ORIGIN:
        return ngx_http_notify_http_response_body_keep(a, &a->allowed_origin);

    case NGX_HTTP_NOTIFY_HTTP_RESPONSE_RATE:
        return ngx_http_notify_http_response_body_keep(a, &a->allowed_rate);

    case NGX_HTTP_NOTIFY_HTTP_RESPONSE_PROXY:
        len = ngx_min(a->value_len, sizeof(a->value));
        a->proxy |= (ngx_strnstr(a->value, "error=", len) != NULL);
        break;

    case NGX_HTTP_NOTIFY_HTTP_RESPONSE_SQUID:
        a->proxy = 1;
        break;

    default: /* NGX_HTTP_NOTIFY_HTTP_RESPONSE_CONTENT_TYPE */
        return ngx_http_notify_http_response_body_keep(a, &a->content_type);
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_notify_http_response_length(ngx_http_notify_http_response_t *a)
{
    size_t  i;

    /* digits only: no sign, no list, and nothing that could overflow */

    if (a->length_given || a->chunked || a->value_len == 0
        || a->value_len > NGX_OFF_T_LEN - 2)
    {
        return ngx_http_notify_http_response_error(a,
                                                   "ambiguous content length");
    }

    a->length = 0;

    for (i = 0; i < a->value_len; i++) {

        if (a->value[i] < '0' || a->value[i] > '9') {
            return ngx_http_notify_http_response_error(a,
                                                   "ambiguous content length");
        }

        a->length = a->length * 10 + (a->value[i] - '0');
    }

    a->length_given = 1;

    return NGX_AGAIN;
}


static void
ngx_http_notify_http_response_connection(ngx_http_notify_http_response_t *a)
{
    u_char  *p, *last, *token;

    if (a->value_len > sizeof(a->value)) {
        a->close = 1;
        return;
    }

    p = a->value;
    last = p + a->value_len;

    while (p < last) {

        while (p < last && (*p == ' ' || *p == '\t' || *p == ',')) {
            p++;
        }

        token = p;

        while (p < last && *p != ' ' && *p != '\t' && *p != ',') {
            p++;
        }

        if (p - token == sizeof("close") - 1
            && ngx_strncasecmp(token, (u_char *) "close", sizeof("close") - 1)
               == 0)
        {
            a->close = 1;
        }
    }
}


static ngx_int_t
ngx_http_notify_http_response_headers_end(ngx_http_notify_http_response_t *a)
{
    ngx_uint_t  interim;

    if (a->trailers) {
        a->state = sw_done;
        return NGX_OK;
    }

    if (a->status == 101) {
        return ngx_http_notify_http_response_error(a, "switches protocols");
    }

    if (a->status < 200) {

        if (a->interim == NGX_HTTP_NOTIFY_HTTP_RESPONSE_INTERIM) {
            return ngx_http_notify_http_response_error(a,
                                                   "too many interim answers");
        }

        if (!a->http11 || a->chunked || (a->length_given && a->length)) {
            return ngx_http_notify_http_response_error(a,
                                                   "malformed interim answer");
        }

        interim = a->interim + 1;

        ngx_http_notify_http_response_init(a, a->pool, a->limit,
                                           a->header_limit);

        a->interim = interim;

        return NGX_AGAIN;
    }

    /* RFC 9112, 6.3; HTTP/1.0 connections are never used again */

    a->keepalive = a->http11 && !a->close;

    if (a->bodiless) {
        a->state = sw_done;
        return NGX_OK;
    }

    if (a->chunked) {
        a->state = sw_chunk_start;
        return NGX_AGAIN;
    }

    if (a->length_given && a->length == 0) {
        a->state = sw_done;
        return NGX_OK;
    }

    if (!a->length_given) {
        a->keepalive = 0;
    }

    a->state = sw_body;

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_notify_http_response_large(ngx_http_notify_http_response_t *a)
{
    u_char  *p;
    size_t   len;

    static const char  large[] = "headers are larger than "
                                 "response_header_limit, ";

    len = sizeof(large) + NGX_SIZE_T_LEN + sizeof(" bytes");

    p = ngx_pnalloc(a->pool, len);
    if (p == NULL) {
        return ngx_http_notify_http_response_error(a, "no memory");
    }

    (void) ngx_sprintf(p, "%s%uz bytes%Z", large, a->header_limit);

    return ngx_http_notify_http_response_error(a, (char *) p);
}
