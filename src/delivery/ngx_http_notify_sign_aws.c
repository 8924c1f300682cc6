/*
 * Signature Version 4: a canonical form of the request, which is signed with a
 * key of the day.  Must not know where the access key came from.
 */

#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_sign_aws.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SIGN_AWS_HASH     32
#define NGX_HTTP_NOTIFY_SIGN_AWS_HEX      64
#define NGX_HTTP_NOTIFY_SIGN_AWS_DAY      (sizeof("20150830") - 1)
#define NGX_HTTP_NOTIFY_SIGN_AWS_TIME     (sizeof("20150830T123600Z") - 1)
#define NGX_HTTP_NOTIFY_SIGN_AWS_HEADERS  5
#define NGX_HTTP_NOTIFY_SIGN_AWS_NAME     "AWS4-HMAC-SHA256"


static void ngx_http_notify_sign_aws_type(const ngx_str_t *lines,
    ngx_str_t *type);
static ngx_int_t ngx_http_notify_sign_aws_hash(const ngx_str_t *text,
    u_char *hex);
static u_char *ngx_http_notify_sign_aws_path(u_char *p,
    const ngx_http_notify_sign_aws_t *aws, const ngx_str_t *path);
static u_char *ngx_http_notify_sign_aws_segment(u_char *p, u_char *start,
    const u_char *segment, size_t len);
static u_char *ngx_http_notify_sign_aws_encode(u_char *p, const u_char *text,
    size_t len, ngx_uint_t escaped);
static u_char *ngx_http_notify_sign_aws_query(u_char *p,
    const ngx_str_t *query, ngx_keyval_t *pairs);
static int ngx_libc_cdecl ngx_http_notify_sign_aws_compare(const void *one,
    const void *two);
static ngx_int_t ngx_http_notify_sign_aws_key(ngx_pool_t *pool,
    ngx_http_notify_sign_aws_t *aws, const ngx_str_t *time);
static ngx_int_t ngx_http_notify_sign_aws_hmac(ngx_pool_t *pool,
    const ngx_str_t *key, const ngx_str_t *text, u_char *out);
static ngx_int_t ngx_http_notify_sign_aws_lines(ngx_pool_t *pool,
    ngx_http_notify_sign_aws_t *aws, const ngx_keyval_t *headers,
    ngx_uint_t n, const ngx_str_t *canonical, const ngx_str_t *time,
    ngx_str_t *lines);
static u_char *ngx_http_notify_sign_aws_names(u_char *p,
    const ngx_keyval_t *headers, ngx_uint_t n);


ngx_int_t
ngx_http_notify_sign_aws(ngx_pool_t *pool, ngx_http_notify_sign_aws_t *aws,
    const ngx_http_notify_payload_context_t *context, const ngx_str_t *there,
    ngx_str_t *lines)
{
    ngx_tm_t      tm;
    ngx_str_t     time, hash, type, canonical;
    ngx_uint_t    n;
    ngx_keyval_t  headers[NGX_HTTP_NOTIFY_SIGN_AWS_HEADERS];
    u_char        hex[NGX_HTTP_NOTIFY_SIGN_AWS_HEX];
    u_char        now[NGX_HTTP_NOTIFY_SIGN_AWS_TIME];

    ngx_gmtime(context->timestamp, &tm);

    time.data = now;
    time.len = ngx_sprintf(now, "%4d%02d%02dT%02d%02d%02dZ", tm.ngx_tm_year,
                           tm.ngx_tm_mon, tm.ngx_tm_mday, tm.ngx_tm_hour,
                           tm.ngx_tm_min, tm.ngx_tm_sec)
               - now;

    hash.data = hex;
    hash.len = NGX_HTTP_NOTIFY_SIGN_AWS_HEX;

    if (ngx_http_notify_sign_aws_hash(&context->payload, hex) != NGX_OK) {
        return NGX_ERROR;
    }

    n = 0;

    ngx_http_notify_sign_aws_type(there, &type);

    if (type.len) {
        ngx_str_set(&headers[n].key, "content-type");
        headers[n++].value = type;
    }

    ngx_str_set(&headers[n].key, "host");
    headers[n++].value = *context->authority;

    ngx_str_set(&headers[n].key, "x-amz-content-sha256");
    headers[n++].value = hash;

    ngx_str_set(&headers[n].key, "x-amz-date");
    headers[n++].value = time;

    if (aws->token.len) {
        ngx_str_set(&headers[n].key, "x-amz-security-token");
        headers[n++].value = aws->token;
    }

    if (ngx_http_notify_sign_aws_canonical(pool, aws, context->method,
                                           context->uri, headers, n, &hash,
                                           &canonical)
           != NGX_OK
        || ngx_http_notify_sign_aws_key(pool, aws, &time) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_sign_aws_lines(pool, aws, headers, n, &canonical,
                                          &time, lines);
}


static void
ngx_http_notify_sign_aws_type(const ngx_str_t *lines, ngx_str_t *type)
{
    u_char     *p, *last, *end;
    ngx_str_t   line;

    static const char  name[] = "content-type: ";

    ngx_str_null(type);

    p = lines->data;
    last = p + lines->len;

    while (p < last) {
        end = ngx_strlchr(p, last, CR);
        if (end == NULL) {
            return;
        }

        line.data = p;
        line.len = end - p;

        if (ngx_http_notify_text_starts_nocase(&line, name)) {
            type->data = p + sizeof(name) - 1;
            type->len = end - type->data;
            return;
        }

        p = end + 2;
    }
}


static ngx_int_t
ngx_http_notify_sign_aws_hash(const ngx_str_t *text, u_char *hex)
{
    u_char  digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];

    if (ngx_http_notify_crypto_digest(NGX_HTTP_NOTIFY_CRYPTO_SHA256, text, 1,
                                      digest)
        != NGX_HTTP_NOTIFY_SIGN_AWS_HASH)
    {
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(hex, digest, NGX_HTTP_NOTIFY_SIGN_AWS_HASH);

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_sign_aws_canonical(ngx_pool_t *pool,
    const ngx_http_notify_sign_aws_t *aws, const ngx_str_t *method,
    const ngx_str_t *uri, const ngx_keyval_t *headers, ngx_uint_t n,
    const ngx_str_t *hash, ngx_str_t *text)
{
    size_t         len;
    u_char        *p, *last;
    ngx_str_t      path, query;
    ngx_uint_t     i, pairs;
    ngx_keyval_t  *pair;

    path = *uri;
    ngx_str_null(&query);

    last = uri->data + uri->len;
    p = ngx_strlchr(uri->data, last, '?');
    pairs = 1;

    if (p) {
        path.len = p - uri->data;
        query.data = p + 1;
        query.len = last - query.data;

        for (p = query.data; p < last; p++) {
            pairs += (*p == '&');
        }
    }

    len = method->len + 3 * uri->len + pairs + hash->len
          + sizeof("\n/\n\n\n\n\n");

    for (i = 0; i < n; i++) {
        len += 2 * headers[i].key.len + headers[i].value.len
               + sizeof(":\n;") - 1;
    }

    pair = ngx_palloc(pool, pairs * sizeof(ngx_keyval_t));
    p = ngx_pnalloc(pool, len);

    if (pair == NULL || p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    p = ngx_cpymem(p, method->data, method->len);
    *p++ = LF;
    p = ngx_http_notify_sign_aws_path(p, aws, &path);
    *p++ = LF;
    p = ngx_http_notify_sign_aws_query(p, &query, pair);
    *p++ = LF;

    for (i = 0; i < n; i++) {
        p = ngx_sprintf(p, "%V:%V\n", &headers[i].key, &headers[i].value);
    }

    *p++ = LF;
    p = ngx_http_notify_sign_aws_names(p, headers, n);
    *p++ = LF;
    p = ngx_cpymem(p, hash->data, hash->len);

    text->len = p - text->data;

    return NGX_OK;
}


/* S3 takes it as it is; the others without dots, and encoded once more */

static u_char *
ngx_http_notify_sign_aws_path(u_char *p,
    const ngx_http_notify_sign_aws_t *aws, const ngx_str_t *path)
{
    u_char  *start, *segment, *last, *end;

    if (path->len == 0) {
        *p++ = '/';
        return p;
    }

    if (ngx_http_notify_text_is(&aws->service, "s3")) {
        return ngx_http_notify_sign_aws_encode(p, path->data, path->len, 1);
    }

    start = p;
    segment = path->data + 1;
    last = path->data + path->len;

    while (segment < last) {
        end = ngx_strlchr(segment, last, '/');
        end = end ? end : last;

        p = ngx_http_notify_sign_aws_segment(p, start, segment,
                                             end - segment);
        segment = end + 1;
    }

    if (p == start || last[-1] == '/') {
        *p++ = '/';
    }

    return p;
}


static u_char *
ngx_http_notify_sign_aws_segment(u_char *p, u_char *start,
    const u_char *segment, size_t len)
{
    if (len == 0 || (len == 1 && segment[0] == '.')) {
        return p;
    }

    if (len == 2 && segment[0] == '.' && segment[1] == '.') {

        while (p > start && *--p != '/') { /* void */ }

        return p;
    }

    *p++ = '/';

    return ngx_http_notify_sign_aws_encode(p, segment, len, 0);
}


/* escaped: what is an escape already stays one */

static u_char *
ngx_http_notify_sign_aws_encode(u_char *p, const u_char *text, size_t len,
    ngx_uint_t escaped)
{
    u_char        c;
    const u_char  *last;

    static u_char  hex[] = "0123456789ABCDEF";

    for (last = text + len; text < last; text++) {
        c = *text;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9')
            || c == '-' || c == '.' || c == '_' || c == '~'
            || (escaped && (c == '%' || c == '/')))
        {
            *p++ = c;
            continue;
        }

        *p++ = '%';
        *p++ = hex[c >> 4];
        *p++ = hex[c & 0xf];
    }

    return p;
}


static u_char *
ngx_http_notify_sign_aws_query(u_char *p, const ngx_str_t *query,
    ngx_keyval_t *pairs)
{
    u_char      *pos, *last, *end, *equal;
    ngx_uint_t   i, n;

    if (query->len == 0) {
        return p;
    }

    n = 0;
    pos = query->data;
    last = pos + query->len;

    for ( ;; ) {
        end = ngx_strlchr(pos, last, '&');
        end = end ? end : last;

        equal = ngx_strlchr(pos, end, '=');

        pairs[n].key.data = pos;
        pairs[n].key.len = (equal ? equal : end) - pos;
        pairs[n].value.data = equal ? equal + 1 : end;
        pairs[n].value.len = end - pairs[n].value.data;
        n++;

        if (end == last) {
            break;
        }

        pos = end + 1;
    }

    ngx_qsort(pairs, n, sizeof(ngx_keyval_t),
              ngx_http_notify_sign_aws_compare);

    for (i = 0; i < n; i++) {

        if (i) {
            *p++ = '&';
        }

        p = ngx_http_notify_sign_aws_encode(p, pairs[i].key.data,
                                            pairs[i].key.len, 1);
        *p++ = '=';
        p = ngx_http_notify_sign_aws_encode(p, pairs[i].value.data,
                                            pairs[i].value.len, 1);
    }

    return p;
}


static int ngx_libc_cdecl
ngx_http_notify_sign_aws_compare(const void *one, const void *two)
{
    const ngx_keyval_t *a = one;
    const ngx_keyval_t *b = two;

    ngx_int_t  rc;

    rc = ngx_memn2cmp(a->key.data, b->key.data, a->key.len, b->key.len);

    if (rc == 0) {
        rc = ngx_memn2cmp(a->value.data, b->value.data, a->value.len,
                          b->value.len);
    }

    return (int) rc;
}


/* of the day, the region and the service: kept while it is the same day */

static ngx_int_t
ngx_http_notify_sign_aws_key(ngx_pool_t *pool, ngx_http_notify_sign_aws_t *aws,
    const ngx_str_t *time)
{
    ngx_str_t   key, text[4];
    ngx_uint_t  i;
    u_char      out[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];

    if (ngx_memcmp(aws->day, time->data, NGX_HTTP_NOTIFY_SIGN_AWS_DAY) == 0) {
        return NGX_OK;
    }

    text[0].data = time->data;
    text[0].len = NGX_HTTP_NOTIFY_SIGN_AWS_DAY;
    text[1] = aws->region;
    text[2] = aws->service;
    ngx_str_set(&text[3], "aws4_request");

    key.len = sizeof("AWS4") - 1 + aws->secret.len;
    key.data = ngx_pnalloc(pool, key.len);
    if (key.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(key.data, "AWS4%V", &aws->secret);

    for (i = 0; i < 4; i++) {

        if (ngx_http_notify_sign_aws_hmac(pool, &key, &text[i], out)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (i == 0) {
            ngx_explicit_memzero(key.data, key.len);
        }

        ngx_memcpy(aws->key, out, NGX_HTTP_NOTIFY_SIGN_AWS_HASH);

        key.data = aws->key;
        key.len = NGX_HTTP_NOTIFY_SIGN_AWS_HASH;
    }

    ngx_memcpy(aws->day, time->data, NGX_HTTP_NOTIFY_SIGN_AWS_DAY);

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_sign_aws_hmac(ngx_pool_t *pool, const ngx_str_t *key,
    const ngx_str_t *text, u_char *out)
{
    ngx_http_notify_crypto_hmac_t  *hmac;

    hmac = ngx_http_notify_crypto_hmac_create(pool,
                                              NGX_HTTP_NOTIFY_CRYPTO_SHA256,
                                              key);
    if (hmac == NULL
        || ngx_http_notify_crypto_hmac(hmac, text, 1, out)
           != NGX_HTTP_NOTIFY_SIGN_AWS_HASH)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_sign_aws_lines(ngx_pool_t *pool,
    ngx_http_notify_sign_aws_t *aws, const ngx_keyval_t *headers,
    ngx_uint_t n, const ngx_str_t *canonical, const ngx_str_t *time,
    ngx_str_t *lines)
{
    size_t      len;
    u_char     *p;
    ngx_str_t   scope, text, key;
    ngx_uint_t  i;
    u_char      hex[NGX_HTTP_NOTIFY_SIGN_AWS_HEX];
    u_char      mac[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];

    if (ngx_http_notify_sign_aws_hash(canonical, hex) != NGX_OK) {
        return NGX_ERROR;
    }

    len = NGX_HTTP_NOTIFY_SIGN_AWS_DAY + aws->region.len + aws->service.len
          + sizeof("///aws4_request") - 1;

    scope.data = ngx_pnalloc(pool, len);
    text.data = ngx_pnalloc(pool, len + sizeof(NGX_HTTP_NOTIFY_SIGN_AWS_NAME)
                                  + NGX_HTTP_NOTIFY_SIGN_AWS_TIME
                                  + NGX_HTTP_NOTIFY_SIGN_AWS_HEX + 3);

    if (scope.data == NULL || text.data == NULL) {
        return NGX_ERROR;
    }

    scope.len = ngx_sprintf(scope.data, "%*s/%V/%V/aws4_request",
                            NGX_HTTP_NOTIFY_SIGN_AWS_DAY, time->data,
                            &aws->region, &aws->service)
                - scope.data;

    text.len = ngx_sprintf(text.data,
                           NGX_HTTP_NOTIFY_SIGN_AWS_NAME "\n%V\n%V\n%*s",
                           time, &scope,
                           (size_t) NGX_HTTP_NOTIFY_SIGN_AWS_HEX, hex)
               - text.data;

    key.data = aws->key;
    key.len = NGX_HTTP_NOTIFY_SIGN_AWS_HASH;

    if (ngx_http_notify_sign_aws_hmac(pool, &key, &text, mac) != NGX_OK) {
        return NGX_ERROR;
    }

    len = sizeof("authorization: " NGX_HTTP_NOTIFY_SIGN_AWS_NAME
                 " Credential=/, SignedHeaders=, Signature=" CRLF)
          + aws->id.len + scope.len + NGX_HTTP_NOTIFY_SIGN_AWS_HEX;

    for (i = 0; i < n; i++) {
        len += 2 * headers[i].key.len + headers[i].value.len
               + sizeof(": " CRLF ";") - 1;
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    lines->data = p;

    for (i = 0; i < n; i++) {
        if (ngx_http_notify_text_starts(&headers[i].key, "x-amz-")) {
            p = ngx_sprintf(p, "%V: %V" CRLF, &headers[i].key,
                            &headers[i].value);
        }
    }

    p = ngx_sprintf(p, "Authorization: " NGX_HTTP_NOTIFY_SIGN_AWS_NAME
                    " Credential=%V/%V, SignedHeaders=", &aws->id, &scope);
    p = ngx_http_notify_sign_aws_names(p, headers, n);
    p = ngx_cpymem(p, ", Signature=", sizeof(", Signature=") - 1);
    p = ngx_hex_dump(p, mac, NGX_HTTP_NOTIFY_SIGN_AWS_HASH);
    *p++ = CR; *p++ = LF;

    lines->len = p - lines->data;

    return NGX_OK;
}


static u_char *
ngx_http_notify_sign_aws_names(u_char *p, const ngx_keyval_t *headers,
    ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {

        if (i) {
            *p++ = ';';
        }

        p = ngx_cpymem(p, headers[i].key.data, headers[i].key.len);
    }

    return p;
}
