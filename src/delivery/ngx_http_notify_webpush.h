/*
 * Web Push: what a browser's subscription is, and a call to its endpoint: the
 * body encrypted for the browser (RFC 8291), the header lines of RFC 8030, the
 * token of VAPID (RFC 8292).  Knows nothing of sessions.
 */

#ifndef _NGX_HTTP_NOTIFY_WEBPUSH_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_WEBPUSH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_crypto_ece.h"
#include "ngx_http_notify_guard.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_payload.h"


#define NGX_HTTP_NOTIFY_WEBPUSH_SUBJECT  255    /* bytes, */
#define NGX_HTTP_NOTIFY_WEBPUSH_ORIGIN   255
#define NGX_HTTP_NOTIFY_WEBPUSH_TOKEN    1280
#define NGX_HTTP_NOTIFY_WEBPUSH_TOPIC    32
#define NGX_HTTP_NOTIFY_WEBPUSH_TOKENS   64     /* that a worker keeps */


/* the token for one origin */
typedef struct {
    time_t                         iat;
    size_t                         origin_len;  /* 0: there is none */
    size_t                         len;
    u_char                         origin[NGX_HTTP_NOTIFY_WEBPUSH_ORIGIN];
    u_char                         token[NGX_HTTP_NOTIFY_WEBPUSH_TOKEN];
} ngx_http_notify_webpush_token_t;

/* vapid_key, vapid_subject, ttl, urgency, topic of a provider; but for the
 * tokens read-only after start */
typedef struct {
    ngx_http_notify_crypto_key_t     *key;
    ngx_str_t                         public;   /* base64url */
    ngx_str_t                         subject;
    ngx_str_t                         head;     /* of tokens */
    time_t                            ttl;
    ngx_str_t                         urgency;
    ngx_http_notify_template_t       *topic;    /* or NULL */
    ngx_http_notify_webpush_token_t  *tokens;   /* by a digest of the origin */
    unsigned                          ttl_given:1;
} ngx_http_notify_webpush_conf_t;

/* a browser, as its subscription says; endpoint is a slice of it */
typedef struct {
    ngx_http_notify_webpush_conf_t   *conf;
    ngx_str_t                         endpoint;
    u_char                            point[NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT];
    u_char                            secret[
                                          NGX_HTTP_NOTIFY_CRYPTO_ECE_SECRET];
} ngx_http_notify_webpush_t;


/*
 * {"endpoint","keys":{"p256dh","auth"}}; whether the endpoint may be called is
 * the guard's.  NGX_DECLINED: *member ("/keys/auth") is not what *reason says.
 */
ngx_int_t ngx_http_notify_webpush_read(const ngx_http_notify_json_t *json,
    ngx_http_notify_webpush_t *push, const char **member,
    const char **reason);

/* NGX_DECLINED: the message is too long */
ngx_int_t ngx_http_notify_webpush_body(ngx_pool_t *pool,
    const ngx_http_notify_webpush_t *push, ngx_str_t *body);
/* adds header lines */
ngx_int_t ngx_http_notify_webpush_lines(ngx_pool_t *pool,
    const ngx_http_notify_webpush_t *push,
    const ngx_http_notify_guard_url_t *url,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines);

/* whether a text is a topic: 1 to 32 characters of base64url */
ngx_uint_t ngx_http_notify_webpush_is_topic(const ngx_str_t *text);

/* the end of a provider's block; payload is that of its calls; a phrase:
 * what is wrong */
char *ngx_http_notify_webpush_conf_init(ngx_conf_t *cf,
    ngx_http_notify_webpush_conf_t *conf,
    ngx_http_notify_payload_conf_t *payload);


#endif /* _NGX_HTTP_NOTIFY_WEBPUSH_H_INCLUDED_ */
