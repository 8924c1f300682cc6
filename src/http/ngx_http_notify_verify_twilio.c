/*
 * notify_verify twilio: the URL that Twilio called, as it was given there, and
 * the fields of a form; a body of another type is named by its digest,
 * bodySHA256, in the URL.
 */

#include "ngx_http_notify_body.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_urlencoded.h"
#include "ngx_http_notify_verify_twilio.h"


/* of a form; more is not signed by them */
#define NGX_HTTP_NOTIFY_VERIFY_TWILIO_FIELDS  1000


typedef struct {
    ngx_str_t  name;
    ngx_str_t  value;
} ngx_http_notify_verify_twilio_field_t;


static ngx_int_t ngx_http_notify_verify_twilio_url(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, ngx_str_t *url);
static ngx_int_t ngx_http_notify_verify_twilio_body(ngx_http_request_t *r,
    const ngx_str_t *url, const ngx_str_t *body, ngx_str_t *text,
    const char **reason);
static int ngx_libc_cdecl ngx_http_notify_verify_twilio_cmp(const void *one,
    const void *two);


ngx_int_t
ngx_http_notify_verify_twilio(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body,
    ngx_str_t *parts, const char **reason)
{
    if (ngx_http_notify_verify_twilio_url(r, verify, &parts[0]) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_notify_verify_twilio_body(r, &parts[0], body, &parts[1],
                                              reason);
}


/* where nothing else is said, the address by which we were called */

static ngx_int_t
ngx_http_notify_verify_twilio_url(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, ngx_str_t *url)
{
    ngx_str_t             host;
    const char           *scheme;
    ngx_http_request_t   *main;

    if (verify->url) {
        return ngx_http_complex_value(r, verify->url, url);
    }

    main = r->main;
    scheme = "http";

#if (NGX_HTTP_SSL)
    if (main->connection->ssl) {
        scheme = "https";
    }
#endif

    host = main->headers_in.host ? main->headers_in.host->value
                                 : main->headers_in.server;

    return ngx_http_notify_memory_printf(r->pool, url, "%s://%V%V", scheme,
                                         &host, &main->unparsed_uri);
}


static ngx_int_t
ngx_http_notify_verify_twilio_body(ngx_http_request_t *r,
    const ngx_str_t *url, const ngx_str_t *body, ngx_str_t *text,
    const char **reason)
{
    u_char     digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX],
               hex[2 * NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];
    ngx_int_t  rc;
    ngx_str_t  given, computed;

    ngx_str_set(text, "");

    rc = ngx_http_notify_verify_twilio_hash(url, &given);

    if (rc == NGX_OK) {
        computed.len = ngx_http_notify_crypto_digest(
                           NGX_HTTP_NOTIFY_CRYPTO_SHA256, body, 1, digest);
        if (computed.len == 0) {
            return NGX_ERROR;
        }

        computed.data = hex;
        computed.len = ngx_hex_dump(hex, digest, computed.len) - hex;

        if (!ngx_http_notify_text_equal_nocase(&computed, &given)) {
            *reason = "bodySHA256 is of another body";
            return NGX_DECLINED;
        }

        return NGX_OK;
    }

    if (body->len == 0) {
        return NGX_OK;
    }

    if (!ngx_http_notify_body_is(r->main,
                                 "application/x-www-form-urlencoded"))
    {
        *reason = "the body is no form, and the URL has no bodySHA256";
        return NGX_DECLINED;
    }

    rc = ngx_http_notify_verify_twilio_form(r->pool, body, text);

    if (rc == NGX_DECLINED) {
        *reason = "the form has too many fields";
    }

    return rc;
}


ngx_int_t
ngx_http_notify_verify_twilio_form(ngx_pool_t *pool, const ngx_str_t *form,
    ngx_str_t *text)
{
    u_char                                 *p;
    size_t                                  len;
    ngx_str_t                               rest, name, value;
    ngx_uint_t                              i;
    ngx_array_t                             fields;
    ngx_http_notify_verify_twilio_field_t  *field;

    ngx_str_set(text, "");

    if (ngx_array_init(&fields, pool, 16,
                       sizeof(ngx_http_notify_verify_twilio_field_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = 0;
    rest = *form;

    while (ngx_http_notify_urlencoded_next(&rest, &name, &value) == NGX_OK) {

        if (name.len == 0 && value.len == 0) {
            continue;
        }

        if (fields.nelts == NGX_HTTP_NOTIFY_VERIFY_TWILIO_FIELDS) {
            return NGX_DECLINED;
        }

        field = ngx_array_push(&fields);

        if (field == NULL
            || ngx_http_notify_urlencoded_decode(pool, &name, &field->name)
               != NGX_OK
            || ngx_http_notify_urlencoded_decode(pool, &value, &field->value)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        len += field->name.len + field->value.len;
    }

    p = ngx_pnalloc(pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    field = fields.elts;
    text->data = p;

    ngx_qsort(field, fields.nelts,
              sizeof(ngx_http_notify_verify_twilio_field_t),
              ngx_http_notify_verify_twilio_cmp);

    for (i = 0; i < fields.nelts; i++) {

        /* their libraries make a set of the values of one name */

        if (i && ngx_http_notify_verify_twilio_cmp(&field[i - 1], &field[i])
                 == 0)
        {
            continue;
        }

        p = ngx_cpymem(p, field[i].name.data, field[i].name.len);
        p = ngx_cpymem(p, field[i].value.data, field[i].value.len);
    }

    text->len = p - text->data;

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_notify_verify_twilio_cmp(const void *one, const void *two)
{
    ngx_int_t                                     rc;
    const ngx_http_notify_verify_twilio_field_t  *a, *b;

    a = one;
    b = two;

    rc = ngx_memn2cmp(a->name.data, b->name.data, a->name.len, b->name.len);

    if (rc == 0) {
        rc = ngx_memn2cmp(a->value.data, b->value.data, a->value.len,
                          b->value.len);
    }

    return (int) rc;
}


ngx_int_t
ngx_http_notify_verify_twilio_hash(const ngx_str_t *url, ngx_str_t *hash)
{
    u_char      *p, *last;
    ngx_str_t    rest, name, value;
    ngx_uint_t   n;

    last = url->data + url->len;

    p = ngx_strlchr(url->data, last, '?');
    if (p == NULL) {
        return NGX_DECLINED;
    }

    n = 0;
    rest.data = p + 1;
    rest.len = last - rest.data;

    while (ngx_http_notify_urlencoded_next(&rest, &name, &value) == NGX_OK) {
        if (ngx_http_notify_text_is(&name, "bodySHA256")) {
            *hash = value;
            n++;
        }
    }

    return n == 1 ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_notify_verify_twilio_port(ngx_pool_t *pool, const ngx_str_t *url,
    ngx_uint_t port, ngx_str_t *other)
{
    u_char      *p, *host, *end, *colon, *last;
    ngx_uint_t   https;

    *other = *url;

    https = ngx_http_notify_text_starts(url, "https://");

    if (!https && !ngx_http_notify_text_starts(url, "http://")) {
        return NGX_OK;
    }

    last = url->data + url->len;
    host = url->data + (https ? sizeof("https://") : sizeof("http://")) - 1;

    colon = NULL;

    for (end = host; end < last && *end != '/' && *end != '?'; end++) {
        if (*end == ':') {
            colon = end;

        } else if (*end == ']') {
            colon = NULL;
        }
    }

    if ((colon != NULL) == port) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, url->len + sizeof(":443") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    other->data = p;

    p = ngx_cpymem(p, url->data, (colon ? colon : end) - url->data);

    if (port) {
        p = ngx_sprintf(p, "%s", https ? ":443" : ":80");
    }

    p = ngx_cpymem(p, end, last - end);

    other->len = p - other->data;

    return NGX_OK;
}
