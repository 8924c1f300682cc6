/*
 * Messages of Web Push, encrypted for one browser (RFC 8291): aes128gcm of
 * RFC 8188 in one record, by a key that is agreed on P-256.  Knows nothing of
 * headers.
 */

#ifndef _NGX_HTTP_NOTIFY_CRYPTO_ECE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CRYPTO_ECE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* bytes */
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT   65   /* uncompressed */
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_SECRET  16   /* `auth` of a browser */
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_SALT    16
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_BODY    4096 /* of what is encrypted */

/* and so much of it is not the message: salt, record size, length of the key
 * and the key; the delimiter and the tag */
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_HEAD                                       \
    (NGX_HTTP_NOTIFY_CRYPTO_ECE_SALT + 4 + 1                                  \
     + NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT)
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_EXTRA                                      \
    (NGX_HTTP_NOTIFY_CRYPTO_ECE_HEAD + 1 + 16)


/* what is else made anew for each message, for tests; the private key as 32
 * bytes, the salt as 16 */
typedef struct {
    const u_char  *private;
    const u_char  *salt;
} ngx_http_notify_crypto_ece_fixed_t;


/* whether 65 bytes are a point on P-256; NGX_DECLINED: they are not */
ngx_int_t ngx_http_notify_crypto_ece_point(const u_char *point);

/*
 * The whole body, from pool.  fixed is NULL but in tests.  NGX_DECLINED: it
 * would be longer than 4096 bytes.
 */
ngx_int_t ngx_http_notify_crypto_ece_encrypt(ngx_pool_t *pool,
    const u_char *point, const u_char *secret,
    const ngx_http_notify_crypto_ece_fixed_t *fixed, const ngx_str_t *plain,
    ngx_str_t *body);


#endif /* _NGX_HTTP_NOTIFY_CRYPTO_ECE_H_INCLUDED_ */
