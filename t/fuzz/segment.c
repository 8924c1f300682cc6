/*
 * Segments, as Redis hands them back: any bytes; a table that is right in front
 * of entries that are any bytes; and events that were packed, which come out as
 * they went in, alone and all together, and without one of them.
 */

#include "fuzz.h"
#include <zlib.h>
#include "ngx_http_notify_segment.h"
#include "ngx_http_notify_segment_format.h"


#define FUZZ_EVENTS  16


static u_char *
fuzz_bulk(u_char *p, const u_char *data, size_t len)
{
    p = ngx_sprintf(p, "$%uz" CRLF, len);
    p = ngx_cpymem(p, data, len);

    *p++ = CR;
    *p++ = LF;

    return p;
}


/* what was parsed from the text, which is the pool's */

static ngx_http_notify_resp_t *
fuzz_reply(ngx_pool_t *pool, u_char *text, size_t len)
{
    ngx_http_notify_resp_t         *resp;
    ngx_http_notify_resp_parser_t  *parser;

    parser = ngx_http_notify_resp_parser_create(pool->log);
    fuzz_check(parser != NULL);
    fuzz_check(ngx_http_notify_resp_parser_feed(parser, text, len) == NGX_OK);
    fuzz_check(ngx_http_notify_resp_parser_next(parser, &resp) == NGX_OK);
    ngx_http_notify_resp_parser_destroy(parser);

    return resp;
}


/* n entries of a segment, as a script sends them: the value comes first; or the
 * first of them alone */

static ngx_http_notify_resp_t *
fuzz_entries(ngx_pool_t *pool, const ngx_str_t *value, ngx_uint_t n,
    const size_t *from, const size_t *size, ngx_uint_t alone)
{
    u_char      *text, *p, id[16], name[NGX_HTTP_NOTIFY_SEGMENT_NAME];
    ngx_uint_t   i;

    ngx_memset(name, '0', sizeof(name));

    text = ngx_palloc(pool, 64 + n * 256 + value->len);
    fuzz_check(text != NULL);

    p = alone ? text : ngx_sprintf(text, "*%ui" CRLF, n);

    for (i = 0; i < n; i++) {
        p = ngx_cpymem(p, "*5" CRLF, 4);
        p = fuzz_bulk(p, id, ngx_sprintf(id, "%ui-0", i + 1) - id);
        p = fuzz_bulk(p, name, sizeof(name));
        p = ngx_sprintf(p, ":%uz" CRLF ":%uz" CRLF, from[i], size[i]);
        p = fuzz_bulk(p, value->data, i ? 0 : value->len);
    }

    return fuzz_reply(pool, text, p - text);
}


/* whatever becomes of them, they are entries */

static void
fuzz_are_entries(const ngx_http_notify_resp_t *reply)
{
    ngx_uint_t               i;
    ngx_http_notify_resp_t  *id;

    for (i = 0; i < reply->nelts; i++) {
        id = ngx_http_notify_resp_at(reply->elts[i], 0);
        fuzz_check(id != NULL && id->type == NGX_HTTP_NOTIFY_RESP_STRING);
    }
}


static void
fuzz_value(ngx_pool_t *pool, const ngx_str_t *value, size_t from, size_t size)
{
    ngx_http_notify_resp_t     *reply;
    ngx_http_notify_segment_t  *segment;

    reply = fuzz_entries(pool, value, 1, &from, &size, 1);

    segment = ngx_http_notify_segment_create(pool->log);
    fuzz_check(segment != NULL);
    (void) ngx_http_notify_segment_inflate_others(segment, reply);
    ngx_http_notify_segment_destroy(segment);
    ngx_http_notify_resp_free(reply);
}


static void
fuzz_any(ngx_pool_t *pool, const ngx_str_t *value, size_t from, size_t size)
{
    ngx_http_notify_resp_t  *reply;

    reply = fuzz_entries(pool, value, 1, &from, &size, 0);

    if (ngx_http_notify_segment_inflate(reply) == NGX_OK && value->len) {
        fuzz_are_entries(reply);
    }

    ngx_http_notify_resp_free(reply);
}


/* the table of one event in front of what the input is */

static void
fuzz_table(ngx_pool_t *pool, const ngx_str_t *input)
{
    u_char     *p, *last;
    uLongf      len;
    ngx_str_t   value;

    len = compressBound(input->len);
    value.data = ngx_palloc(pool, 64 + len);
    fuzz_check(value.data != NULL);

    p = ngx_http_notify_segment_head(value.data, 0, 1, 1, 0);
    ngx_http_notify_segment_record(p, 0, 0, (uint32_t) input->len, 0);
    p += NGX_HTTP_NOTIFY_SEGMENT_RECORD;
    fuzz_check(compress(p, &len, input->data, input->len) == Z_OK);
    last = p + len;

    value.len = last - value.data;

    fuzz_any(pool, &value, 0, input->len);
}


static void
fuzz_packed(ngx_pool_t *pool, ngx_str_t *input)
{
    u_char                     *text, *p, id[16];
    size_t                      from[FUZZ_EVENTS], size[FUZZ_EVENTS], at;
    ngx_int_t                   rc;
    ngx_str_t                   value, data[FUZZ_EVENTS];
    ngx_uint_t                  i, n;
    ngx_http_notify_resp_t     *entry, *reply, *fields;
    ngx_http_notify_segment_t  *segment;

    segment = ngx_http_notify_segment_create(pool->log);
    fuzz_check(segment != NULL);

    for (n = 0, at = 0; n < FUZZ_EVENTS && input->len; n++) {
        data[n] = fuzz_cut(pool, input, ' ');

        text = ngx_palloc(pool, 128 + data[n].len);
        fuzz_check(text != NULL);

        p = ngx_cpymem(text, "*2" CRLF, 4);
        p = fuzz_bulk(p, id, ngx_sprintf(id, "%ui-0", n + 1) - id);
        p = ngx_cpymem(p, "*4" CRLF, 4);
        p = fuzz_bulk(p, (u_char *) "t", 1);
        p = fuzz_bulk(p, (u_char *) "type", n % 5);
        p = fuzz_bulk(p, (u_char *) "d", 1);
        p = fuzz_bulk(p, data[n].data, data[n].len);

        entry = fuzz_reply(pool, text, p - text);
        rc = ngx_http_notify_segment_add(segment, entry);
        ngx_http_notify_resp_free(entry);

        if (rc == NGX_DECLINED) {
            fuzz_check(n > 0);
            break;
        }

        fuzz_check(rc == NGX_OK);

        from[n] = at;
        size[n] = p - text;
        at += size[n];
    }

    if (n) {
        fuzz_check(ngx_http_notify_segment_events(segment) == n);
        fuzz_check(ngx_http_notify_segment_bytes(segment) == at);

        do {
            rc = ngx_http_notify_segment_deflate(segment, &value);
        } while (rc == NGX_AGAIN);

        fuzz_check(rc == NGX_OK);
        value = fuzz_copy(pool, value.data, value.len);

        reply = fuzz_entries(pool, &value, n, from, size, 0);
        fuzz_check(ngx_http_notify_segment_inflate(reply) == NGX_OK);
        fuzz_check(reply->nelts == n);
        fuzz_are_entries(reply);

        for (i = 0; i < n; i++) {
            fields = ngx_http_notify_resp_at(reply->elts[i], 1);
            fuzz_check(fields != NULL && fields->nelts == 4);
            fuzz_check(fuzz_same(&fields->elts[3]->str, &data[i]));
        }

        ngx_http_notify_resp_free(reply);

        ngx_http_notify_segment_reset(segment);
        reply = fuzz_entries(pool, &value, 1, &from[n / 2], &size[n / 2],
                             1);
        fuzz_check(ngx_http_notify_segment_inflate_others(segment, reply)
                   == NGX_OK);
        fuzz_check(ngx_http_notify_segment_events(segment) == n - 1);
        fuzz_check(ngx_http_notify_segment_bytes(segment) == at - size[n / 2]);
        ngx_http_notify_resp_free(reply);
    }

    ngx_http_notify_segment_destroy(segment);
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    switch (choice % 4) {

    case 0:
        fuzz_packed(pool, input);
        return;

    case 1:
        if (input->len) {
            fuzz_table(pool, input);
        }
        return;

    case 2:
        fuzz_any(pool, input, choice >> 2, 1 + (choice >> 4));
        return;

    default:
        fuzz_value(pool, input, choice >> 2, 1 + (choice >> 4));
    }
}
