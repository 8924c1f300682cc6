/*
 * notify_verify: what the directive says, shared by its setter, its handler
 * and the check of tokens.  Read-only after start.
 */

#ifndef _NGX_HTTP_NOTIFY_VERIFY_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_VERIFY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_crypto.h"


typedef enum {
    NGX_HTTP_NOTIFY_VERIFY_STANDARD = 0,
    NGX_HTTP_NOTIFY_VERIFY_HMAC,
    NGX_HTTP_NOTIFY_VERIFY_JWT
} ngx_http_notify_verify_scheme_e;

/* one line of secret_file: exactly one of them */
typedef struct {
    ngx_http_notify_crypto_hmac_t  *hmac;
    ngx_http_notify_crypto_key_t   *key;    /* of a whpk_ line */
} ngx_http_notify_verify_secret_t;

/* one notify_verify */
typedef struct {
    ngx_http_notify_verify_scheme_e   scheme;
    ngx_array_t                       secrets;   /* of _secret_t */
    ngx_http_notify_crypto_key_t     *key;       /* jwt */
    ngx_str_t                         alg;       /* jwt: its name */
    ngx_http_notify_crypto_hash_e     hash;
    ngx_str_t                         header;
    ngx_http_complex_value_t         *token;     /* jwt; NULL: the header's */
    ngx_str_t                         prefix;
    ngx_http_complex_value_t         *data;      /* NULL: the body */
    ngx_array_t                       members;   /* of ngx_str_t: NAME of each
                                                    $notify_body_NAME in it */
    ngx_http_complex_value_t         *once;
    ngx_str_t                         scope;     /* of what `once` remembers */
    ngx_str_t                         aud;
    ngx_str_t                         iss;
    time_t                            window;    /* 0: none */
    size_t                            limit;     /* of the body */
    unsigned                          base64:1;  /* hex otherwise */
} ngx_http_notify_verify_conf_t;

typedef struct {
    ngx_uint_t                        used;
} ngx_http_notify_verify_main_conf_t;

typedef struct {
    ngx_http_notify_verify_conf_t    *verify;    /* NULL: off */
} ngx_http_notify_verify_loc_conf_t;


extern ngx_module_t  ngx_http_notify_verify_module;


char *ngx_http_notify_verify_conf_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* the header's value; NGX_DECLINED: none, two, an empty or an oversized one */
ngx_int_t ngx_http_notify_verify_header(ngx_http_request_t *r,
    const ngx_str_t *name, ngx_str_t *value);

/*
 * Whether a call, its body read, is signed: NGX_OK, NGX_DECLINED, NGX_ERROR.
 * The reason, a static phrase, is for the log.
 */
ngx_int_t ngx_http_notify_verify_sign_standard(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body,
    const char **reason);
ngx_int_t ngx_http_notify_verify_sign_hmac(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body,
    const char **reason);

/*
 * Whether the text is a token of the key, now, for us (RFC 8725): NGX_OK,
 * NGX_DECLINED, NGX_ERROR.
 */
ngx_int_t ngx_http_notify_verify_token(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *token);

/* of the request's pool; nothing is left to it once a call is judged */
void ngx_http_notify_verify_cleanup(void *data);


#endif /* _NGX_HTTP_NOTIFY_VERIFY_H_INCLUDED_ */
