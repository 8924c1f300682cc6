/*
 * JSON Web Tokens of a profile (`jwt`): RFC 7515, 7519.  The key is read at
 * configuration time.  Knows nothing of headers.
 */

#ifndef _NGX_HTTP_NOTIFY_JWT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_JWT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_payload.h"


typedef struct ngx_http_notify_jwt_s  ngx_http_notify_jwt_t;

/* One token of a subscription, kept while its claims do not vary; zeroed at
 * first, lives with the pool of the subscription's keys. */
typedef struct {
    ngx_str_t    token;
    size_t       size;          /* allocated */
    time_t       iat;
    time_t       exp;
} ngx_http_notify_jwt_cache_t;


/*
 * From the arguments of the directive; header and scheme are its parameters of
 * that name, or the defaults.  NULL: the error has been logged.
 */
ngx_http_notify_jwt_t *ngx_http_notify_jwt_create(ngx_conf_t *cf,
    ngx_str_t *header, ngx_str_t *scheme);

/* A compact token, from pool or from the cache. */
ngx_int_t ngx_http_notify_jwt_token(ngx_pool_t *pool,
    const ngx_http_notify_jwt_t *jwt,
    const ngx_http_notify_payload_context_t *context,
    ngx_pool_t *cache_pool, ngx_http_notify_jwt_cache_t *cache,
    ngx_str_t *token);

/*
 * The parts of a token: its header, encoded, with the dot behind it (kid may
 * be empty); its claims, a JSON object, with iat, exp and jti added; and the
 * whole.
 */
ngx_int_t ngx_http_notify_jwt_head(ngx_pool_t *pool, const ngx_str_t *alg,
    const ngx_str_t *kid, ngx_str_t *head);
ngx_int_t ngx_http_notify_jwt_stamp(ngx_pool_t *pool, const ngx_str_t *claims,
    time_t now, time_t ttl, ngx_str_t *body);
ngx_int_t ngx_http_notify_jwt_sign(ngx_pool_t *pool,
    ngx_http_notify_crypto_key_t *key, const ngx_str_t *head,
    const ngx_str_t *body, ngx_str_t *token);

/* The public key as a JWK with kid, alg and use; NGX_DECLINED: HS256. */
ngx_int_t ngx_http_notify_jwt_jwk(ngx_pool_t *pool,
    const ngx_http_notify_jwt_t *jwt, ngx_str_t *jwk);

/* ngx_http_notify_payload_named() of its claims */
ngx_int_t ngx_http_notify_jwt_named(const ngx_http_notify_jwt_t *jwt,
    ngx_http_notify_payload_named_pt handler, void *data);


#endif /* _NGX_HTTP_NOTIFY_JWT_H_INCLUDED_ */
