/*
 * Identifiers: a place in a log (a Redis stream id), the public event id that
 * encodes it, cursors that a client cannot forge, random ids.
 */

#ifndef _NGX_HTTP_NOTIFY_ID_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_ID_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_crypto.h"


#define NGX_HTTP_NOTIFY_ID_LEN        41    /* "ms-seq", both uint64 */
#define NGX_HTTP_NOTIFY_ID_EVENT_LEN  36    /* "evt_" and 12 to 32 hex digits */
#define NGX_HTTP_NOTIFY_ID_CURSOR_LEN 64


/* https://redis.io/docs/latest/develop/data-types/streams/#entry-ids */
typedef struct {
    uint64_t    ms;
    uint64_t    seq;
} ngx_http_notify_id_t;


/* "ms-seq" exactly, or "ms" alone (seq 0); NGX_DECLINED otherwise */
ngx_int_t ngx_http_notify_id_parse(const ngx_str_t *text,
    ngx_http_notify_id_t *id);
/* two of these, and perhaps more words */
ngx_int_t ngx_http_notify_id_interval(const ngx_str_t *text,
    ngx_http_notify_id_t *from, ngx_http_notify_id_t *to);
/* writes "ms-seq", at most NGX_HTTP_NOTIFY_ID_LEN bytes; returns its end */
u_char *ngx_http_notify_id_print(u_char *p, const ngx_http_notify_id_t *id);
/* less than, equal to, greater than 0 */
ngx_int_t ngx_http_notify_id_compare(const ngx_http_notify_id_t *a,
    const ngx_http_notify_id_t *b);
/* the id right before and right behind; 0-0 has none before it: stays */
ngx_http_notify_id_t ngx_http_notify_id_before(const ngx_http_notify_id_t *id);
ngx_http_notify_id_t ngx_http_notify_id_after(const ngx_http_notify_id_t *id);
/* a place between two milliseconds, where no event can be: it was made from a
 * time, and nobody has read up to it */
ngx_uint_t ngx_http_notify_id_is_time(const ngx_http_notify_id_t *id);

/*
 * The public event id, "evt_" + 12 hex digits of ms + at least 4 of seq: at
 * most NGX_HTTP_NOTIFY_ID_EVENT_LEN bytes.  Parsing takes the canonical form
 * only, NGX_DECLINED otherwise.
 */
u_char *ngx_http_notify_id_event(u_char *p, const ngx_http_notify_id_t *id);
ngx_int_t ngx_http_notify_id_event_parse(const ngx_str_t *text,
    ngx_http_notify_id_t *id);

/*
 * A cursor: base64url of version, id and a truncated HMAC-SHA256 over them and
 * the tenant; at most NGX_HTTP_NOTIFY_ID_CURSOR_LEN bytes.  NULL / NGX_ERROR:
 * the HMAC failed; NGX_DECLINED: forged, of another tenant or channel key.
 */
u_char *ngx_http_notify_id_cursor(u_char *p, const ngx_http_notify_id_t *id,
    const ngx_str_t *tenant, ngx_http_notify_crypto_hmac_t *key);
ngx_int_t ngx_http_notify_id_cursor_parse(const ngx_str_t *text,
    const ngx_str_t *tenant, ngx_http_notify_crypto_hmac_t *key,
    ngx_http_notify_id_t *id);

/* prefix + 22 characters of [0-9A-Za-z] from 128 random bits; pool memory */
ngx_int_t ngx_http_notify_id_random(ngx_pool_t *pool, const char *prefix,
    ngx_str_t *id);

/* lower-case hex of the first 16 bytes of SHA-256 over the parts, each with
 * its length in front so that no two lists collide; out has 32 bytes */
ngx_int_t ngx_http_notify_id_digest(const ngx_str_t *parts, ngx_uint_t n,
    u_char *out);

/* RFC 3339, UTC, milliseconds: "2024-03-18T11:00:24.481Z", 24 bytes */
#define NGX_HTTP_NOTIFY_ID_TIME_LEN  24
u_char *ngx_http_notify_id_time(u_char *p, uint64_t epoch_ms);
/* any RFC 3339 date-time with offset, from 1970 to 9999 in UTC; NGX_DECLINED
 * otherwise */
ngx_int_t ngx_http_notify_id_time_parse(const ngx_str_t *text,
    uint64_t *epoch_ms);


#endif /* _NGX_HTTP_NOTIFY_ID_H_INCLUDED_ */
