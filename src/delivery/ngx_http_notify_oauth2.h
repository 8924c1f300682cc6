/*
 * Access tokens of OAuth 2.0: client credentials (RFC 6749, 4.4) and JWT
 * bearer (RFC 7523).  A token is fetched by an ordinary call, guarded as any
 * other, and shared by all workers, see tokens.h.  Must not know which call
 * carries it.
 */

#ifndef _NGX_HTTP_NOTIFY_OAUTH2_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_OAUTH2_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_token.h"


/*
 * How a token is asked for.  Zeroed, then set by its owner; its texts outlive
 * the source.  With a key it is JWT bearer, else client credentials.
 */
typedef struct ngx_http_notify_oauth2_conf_s  ngx_http_notify_oauth2_conf_t;

struct ngx_http_notify_oauth2_conf_s {
    ngx_str_t                      url;         /* of the token endpoint */
    ngx_str_t                      scope;       /* these two may be empty */
    ngx_str_t                      audience;

    ngx_str_t                      client_id;
    ngx_str_t                      client_secret;
    ngx_uint_t                     post;        /* unsigned  post:1; in the
                                                   body, not as Basic */

    ngx_http_notify_crypto_key_t  *key;
    ngx_str_t                      print;       /* its file's digest */
    ngx_str_t                      head;        /* of the assertion: encoded,
                                                   with a dot behind it */
    ngx_str_t                      claims;      /* a JSON object; iat, exp and
                                                   jti are added */
    ngx_str_t                      alg;         /* of the key, "RS256", ... */
    ngx_str_t                      project;     /* of a service account, or
                                                   empty */
    unsigned                       account:1;   /* that is what it is of */
};


/*
 * Sets key, head and claims from a PEM key or a service account's JSON, whose
 * token_uri is the URL where none is set; scope is set before.  claims: a JSON
 * object, or empty.  NGX_DECLINED: *reason is a static phrase.  Texts are of
 * the pool; the file's text is not kept.
 */
ngx_int_t ngx_http_notify_oauth2_key(ngx_pool_t *pool,
    ngx_http_notify_oauth2_conf_t *conf, const ngx_str_t *text,
    const ngx_str_t *claims, const char **reason);

/*
 * A source of tokens, which lives as long as the pool.  The token endpoint is
 * called as `call` says: guard, TLS, timeouts; both outlive it.  tenant: whose
 * address it is; empty: the operator's.  NULL: memory.
 */
ngx_http_notify_token_source_t *ngx_http_notify_oauth2_create(
    ngx_pool_t *pool, const ngx_http_notify_oauth2_conf_t *conf,
    const ngx_http_notify_call_conf_t *call, const ngx_str_t *tenant);


/* in oauth2_request: the body of a request for a token, and its headers
 * (three at most); memory of the pool */
#define NGX_HTTP_NOTIFY_OAUTH2_HEADERS  3

ngx_int_t ngx_http_notify_oauth2_request(ngx_pool_t *pool,
    const ngx_http_notify_oauth2_conf_t *conf, ngx_str_t *body,
    ngx_keyval_t *headers, ngx_uint_t *nheaders);

/* in oauth2_answer: NGX_OK: the token and its life; NGX_DECLINED: *text is why
 * there is none; memory of the pool */
ngx_int_t ngx_http_notify_oauth2_answer(ngx_pool_t *pool,
    const ngx_http_notify_call_result_t *result, ngx_str_t *text,
    ngx_msec_t *life);


/* in oauth2_conf: for a directive in place of `oauth2` that names the file of
 * a service account, whose key is an RSA one */
char *ngx_http_notify_oauth2_conf_account(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *call, const ngx_str_t *file,
    const ngx_str_t *scope);
/* in oauth2_conf: at the end of a block, from its `oauth2` */
char *ngx_http_notify_oauth2_conf_init(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *call);


#endif /* _NGX_HTTP_NOTIFY_OAUTH2_H_INCLUDED_ */
