/*
 * Signatures of a call: Standard Webhooks, the HMAC family, JWT.  Header lines
 * from the bytes that are sent.  Keys are prepared once per subscription.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

#ifndef _NGX_HTTP_NOTIFY_SIGN_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SIGN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_payload.h"


/* sign, jwt of a profile: repeatable; read-only after start */
typedef struct {
    ngx_array_t    schemes;     /* of ngx_http_notify_sign_scheme_t */
} ngx_http_notify_sign_conf_t;


/* The keys of one subscription for the schemes of its profile. */
typedef struct ngx_http_notify_sign_keys_s  ngx_http_notify_sign_keys_t;

/* NULL: *reason, never NULL then (FATAL at a call): a secret cannot be used,
 * there is none, no memory */
ngx_http_notify_sign_keys_t *ngx_http_notify_sign_keys(ngx_pool_t *pool,
    const ngx_http_notify_sign_conf_t *conf,
    const ngx_http_notify_subscription_t *subscription, const char **reason);

/*
 * Appends "name: value\r\n" lines to *lines (empty, or those of the payload);
 * context->payload is the body.  For `sign standard`: webhook-id is the public
 * event id ($notify_event_id, stable over retries), webhook-timestamp the
 * attempt's.  NGX_ERROR: memory, crypto; NGX_DECLINED: a value with control
 * characters.
 */
ngx_int_t ngx_http_notify_sign_headers(ngx_pool_t *pool,
    const ngx_http_notify_sign_conf_t *conf,
    ngx_http_notify_sign_keys_t *keys,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines);

/* whether it has `sign standard`, and anything that needs a secret */
ngx_uint_t ngx_http_notify_sign_standard_used(
    const ngx_http_notify_sign_conf_t *conf);
ngx_uint_t ngx_http_notify_sign_secret_used(
    const ngx_http_notify_sign_conf_t *conf);

/* a fresh secret, pool memory: "whsec_" and base64 of 24 random bytes, or
 * "whsk_" and base64 of an Ed25519 key */
ngx_int_t ngx_http_notify_sign_secret(ngx_pool_t *pool, ngx_uint_t ed25519,
    ngx_str_t *secret);
ngx_uint_t ngx_http_notify_sign_secret_ed25519(const ngx_str_t *secret);
/* "whpk_" and base64 of the public key; NGX_DECLINED: it is no Ed25519 key */
ngx_int_t ngx_http_notify_sign_secret_public(ngx_pool_t *pool,
    const ngx_str_t *secret, ngx_str_t *public);
/*
 * Whether a secret that a client gives can be used.  whsec_ is 24 to 64 bytes
 * in base64, whsk_ an Ed25519 key.  standard: any other text is base64 of 24 to
 * 64 bytes, too, as the libraries of Standard Webhooks read it; token: it has
 * 24 to 64 bytes; else 1 to 512.
 */
ngx_int_t ngx_http_notify_sign_secret_check(const ngx_str_t *secret,
    ngx_uint_t standard, ngx_uint_t token, const char **reason);


/* appends the JWKs (RFC 7517, JSON texts) of the public keys of `jwt`, with
 * kid, alg and use, to an array of ngx_str_t */
ngx_int_t ngx_http_notify_sign_jwks(ngx_pool_t *pool,
    const ngx_http_notify_sign_conf_t *conf, ngx_array_t *jwks);


/* `sign standard` for a profile that no block describes */
char *ngx_http_notify_sign_conf_standard(ngx_conf_t *cf,
    ngx_http_notify_sign_conf_t *conf);
/* ngx_http_notify_payload_named() of all its templates */
ngx_int_t ngx_http_notify_sign_conf_named(
    const ngx_http_notify_sign_conf_t *conf,
    ngx_http_notify_payload_named_pt handler, void *data);


#endif /* _NGX_HTTP_NOTIFY_SIGN_H_INCLUDED_ */
