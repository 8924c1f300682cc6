/*
 * The secrets of `sign standard`: from a subscription's text to a key.  Shared
 * by sign and sign_secret only.
 */

#ifndef _NGX_HTTP_NOTIFY_SIGN_SECRET_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SIGN_SECRET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_crypto.h"


/* exactly one of hmac and key */
typedef struct {
    uint64_t                        expires;    /* epoch ms; 0: never */
    ngx_http_notify_crypto_hmac_t  *hmac;
    ngx_http_notify_crypto_key_t   *key;        /* of a whsk_ secret */
} ngx_http_notify_sign_secret_t;


/*
 * standard: a text without a prefix is base64; that of an earlier version, and
 * of other schemes, is the key as it stands.  NGX_ERROR: *reason, a static
 * phrase.
 */
ngx_int_t ngx_http_notify_sign_secret_init(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_uint_t standard,
    ngx_http_notify_sign_secret_t *secret, const char **reason);
/* whether it has no prefix, and is base64 of 24 to 64 bytes */
ngx_uint_t ngx_http_notify_sign_secret_bare(const ngx_str_t *text);


#endif /* _NGX_HTTP_NOTIFY_SIGN_SECRET_H_INCLUDED_ */
