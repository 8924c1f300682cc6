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


/* RFC 8470 */
#define NGX_HTTP_NOTIFY_VERIFY_TOO_EARLY  425


typedef enum {
    NGX_HTTP_NOTIFY_VERIFY_STANDARD = 0,
    NGX_HTTP_NOTIFY_VERIFY_HMAC,
    NGX_HTTP_NOTIFY_VERIFY_JWT,
    NGX_HTTP_NOTIFY_VERIFY_STRIPE,      /* the first of the services */
    NGX_HTTP_NOTIFY_VERIFY_SLACK,
    NGX_HTTP_NOTIFY_VERIFY_GITHUB,
    NGX_HTTP_NOTIFY_VERIFY_SHOPIFY,
    NGX_HTTP_NOTIFY_VERIFY_SVIX,
    NGX_HTTP_NOTIFY_VERIFY_TWILIO
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
    ngx_uint_t                        lines;     /* of the file they are in */
    ngx_http_notify_crypto_key_t     *key;       /* jwt */
    ngx_str_t                         alg;       /* jwt: its name */
    ngx_http_notify_crypto_hash_e     hash;
    ngx_str_t                         header;
    ngx_http_complex_value_t         *token;     /* jwt; NULL: the header's */
    ngx_http_complex_value_t         *url;       /* twilio; NULL: the call's */
    ngx_str_t                         prefix;
    ngx_http_complex_value_t         *data;      /* NULL: the body */
    ngx_array_t                       members;   /* of ngx_str_t: NAME of each
                                                    $notify_body_NAME in it */
    ngx_http_complex_value_t         *once;      /* NULL: none */
    ngx_str_t                         scope;     /* of what `once` remembers */
    ngx_str_t                         aud;
    ngx_str_t                         iss;
    ngx_str_t                         typ;       /* empty: JWT, at+jwt */
    time_t                            window;    /* 0: none */
    size_t                            limit;     /* of the body */
    unsigned                          base64:1;  /* hex otherwise */
    unsigned                          timed:1;   /* a time is signed */
    unsigned                          once_jti:1;
    unsigned                          once_signed:1;  /* the signature itself:
                                                         what is signed */
    unsigned                          adjacent:1;     /* texts of data= */
    unsigned                          body:1;    /* jwt: it is to be read */
} ngx_http_notify_verify_conf_t;

/* what has been found authentic; request memory */
typedef struct {
    ngx_str_t                         message;   /* that is signed */
    ngx_str_t                         claims;    /* of a token: an object */
    int64_t                           until;     /* it is refused after that,
                                                    epoch s; 0: never */
} ngx_http_notify_verify_proof_t;

typedef enum {
    NGX_HTTP_NOTIFY_VERIFY_WAIT = 0,
    NGX_HTTP_NOTIFY_VERIFY_PASS,
    NGX_HTTP_NOTIFY_VERIFY_REFUSED,
    NGX_HTTP_NOTIFY_VERIFY_LARGE,
    NGX_HTTP_NOTIFY_VERIFY_AWAY,        /* Redis is */
    NGX_HTTP_NOTIFY_VERIFY_BUSY,        /* once=: the first is under way */
    NGX_HTTP_NOTIFY_VERIFY_DONE         /* once=: the first had a 2xx */
} ngx_http_notify_verify_state_e;

typedef struct ngx_http_notify_verify_once_s  ngx_http_notify_verify_once_t;

/* of one directive and one request */
typedef struct ngx_http_notify_verify_ctx_s  ngx_http_notify_verify_ctx_t;

struct ngx_http_notify_verify_ctx_s {
    ngx_http_request_t               *request;
    ngx_http_notify_verify_conf_t    *verify;
    ngx_http_notify_verify_state_e    state;
    ngx_http_notify_verify_proof_t    proof;
    ngx_http_notify_verify_once_t    *once;      /* until it is settled */
    /* the request has ended before */
    void                            (*ended)(
                                          ngx_http_notify_verify_ctx_t *ctx);
    u_char                            id[32];    /* of the value of once= */
};

typedef struct {
    ngx_uint_t                        used;
    ngx_uint_t                        once;      /* somewhere */
} ngx_http_notify_verify_main_conf_t;

typedef struct {
    ngx_http_notify_verify_conf_t    *verify;    /* NULL: off */
} ngx_http_notify_verify_loc_conf_t;


extern ngx_module_t  ngx_http_notify_verify_module;


char *ngx_http_notify_verify_conf_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
/* those of a file */
char *ngx_http_notify_verify_conf_secrets(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify, ngx_str_t *name);

/*
 * Whether a call, its body read, is signed: NGX_OK, NGX_DECLINED, NGX_ERROR.
 * The reason, a static phrase, is for the log.
 */
ngx_int_t ngx_http_notify_verify_sign_standard(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body,
    ngx_http_notify_verify_proof_t *proof, const char **reason);
ngx_int_t ngx_http_notify_verify_sign_hmac(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body,
    ngx_http_notify_verify_proof_t *proof, const char **reason);
/* The services: the same.  A scheme by its name, and what it is made of;
 * NGX_DECLINED: it is none of them. */
ngx_int_t ngx_http_notify_verify_service(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body,
    ngx_http_notify_verify_proof_t *proof, const char **reason);
ngx_int_t ngx_http_notify_verify_service_find(const ngx_str_t *name,
    ngx_http_notify_verify_conf_t *verify);
/* whether the scheme signs what a variable has */
ngx_uint_t ngx_http_notify_verify_service_covers(
    ngx_http_notify_verify_scheme_e scheme, const ngx_str_t *name);
/* the t of stripe's list; NGX_DECLINED: it has none, or two */
ngx_int_t ngx_http_notify_verify_service_time(const ngx_str_t *list,
    ngx_str_t *time);
/* whether what was given has the parts' code, by one of the secrets */
ngx_uint_t ngx_http_notify_verify_service_signed(
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *given,
    const ngx_str_t *parts, ngx_uint_t n);
/* whether a time is within the window; NGX_DECLINED, with the reason */
ngx_int_t ngx_http_notify_verify_sign_time(
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *text,
    ngx_http_notify_verify_proof_t *proof, const char **reason);
/* What follows the next prefix in a list; the list is cut behind it.  0: there
 * is none. */
ngx_uint_t ngx_http_notify_verify_sign_next(ngx_str_t *list, u_char separator,
    const char *prefix, ngx_str_t *text);
/* webhook-signature: whether one of the list is of the message, by a secret */
ngx_uint_t ngx_http_notify_verify_sign_list(
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *message,
    const ngx_str_t *list);

/*
 * Whether the text is signed with the key, by the algorithm that it must name
 * (RFC 7515); message is what was signed, payload its bytes: NGX_OK,
 * NGX_DECLINED, NGX_ERROR.
 */
ngx_int_t ngx_http_notify_verify_token_jws(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *token,
    ngx_str_t *message, ngx_str_t *payload);
/* and a token now, for us (RFC 7519, 8725): the same */
ngx_int_t ngx_http_notify_verify_token(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *token,
    ngx_http_notify_verify_proof_t *proof);
/* its iss, empty where it has none, and its jti; NGX_DECLINED: it has no jti */
ngx_int_t ngx_http_notify_verify_token_id(ngx_pool_t *pool,
    const ngx_str_t *claims, ngx_str_t *jti, ngx_str_t *iss);
/* a claim by its name without case, as text; NGX_DECLINED: there is none, or
 * more than one fits */
ngx_int_t ngx_http_notify_verify_token_claim(ngx_pool_t *pool,
    const ngx_str_t *claims, const ngx_str_t *name, ngx_str_t *text);

/*
 * `once=` of a call that is authentic.  NGX_OK: the state says what it is;
 * NGX_AGAIN: Redis has been asked; NGX_ERROR.
 */
ngx_int_t ngx_http_notify_verify_once(ngx_http_notify_verify_ctx_t *ctx);
/* The status that the client was told, 0: none.  The record goes its own way,
 * ctx->once is NULL afterwards. */
void ngx_http_notify_verify_once_end(ngx_http_notify_verify_once_t *once,
    ngx_uint_t status);
/* whether a sender is to come again after this status */
ngx_uint_t ngx_http_notify_verify_once_fails(ngx_uint_t status);
void ngx_http_notify_verify_once_exit_process(ngx_cycle_t *cycle);

/* $notify_payload_text, $notify_jwt_claim_NAME */
ngx_int_t ngx_http_notify_verify_variables(ngx_conf_t *cf);
/* whether the body was asked for before it was there */
ngx_uint_t ngx_http_notify_verify_variable_early(ngx_http_request_t *r);

/* all of a client's request and its subrequests, the latest first */
ngx_http_notify_verify_ctx_t *ngx_http_notify_verify_ctx_next(
    ngx_http_request_t *r, const ngx_http_notify_verify_ctx_t *previous);
/* that of the directive and the request; NULL: there is none */
ngx_http_notify_verify_ctx_t *ngx_http_notify_verify_ctx_find(
    ngx_http_request_t *r, ngx_http_notify_verify_conf_t *verify);
/* the latest that has passed; NULL: none has */
ngx_http_notify_verify_ctx_t *ngx_http_notify_verify_ctx_passed(
    ngx_http_request_t *r);
void ngx_http_notify_verify_ctx_cleanup(void *data);



#endif /* _NGX_HTTP_NOTIFY_VERIFY_H_INCLUDED_ */
