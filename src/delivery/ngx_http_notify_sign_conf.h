/*
 * What `sign` and `jwt` leave behind, read-only after start.  Shared by sign
 * and sign_conf only.
 */

#ifndef _NGX_HTTP_NOTIFY_SIGN_CONF_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SIGN_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_jwt.h"
#include "ngx_http_notify_payload.h"
#include "ngx_http_notify_sign.h"
#include "ngx_http_notify_sign_aws.h"


typedef enum {
    NGX_HTTP_NOTIFY_SIGN_STANDARD = 0,
    NGX_HTTP_NOTIFY_SIGN_HMAC,
    NGX_HTTP_NOTIFY_SIGN_JWT,
    NGX_HTTP_NOTIFY_SIGN_AWS
} ngx_http_notify_sign_kind_e;

typedef struct {
    ngx_http_notify_sign_kind_e     kind;
    ngx_str_t                       header;
    ngx_http_notify_template_t     *data;       /* NULL: the body; of
                                                   standard its id, NULL: the
                                                   event's */
    ngx_http_notify_template_t     *prefix;     /* or NULL */
    ngx_http_notify_crypto_hash_e   hash;
    ngx_uint_t                      base64;     /* unsigned  base64:1; */
    ngx_http_notify_jwt_t          *jwt;
    ngx_http_notify_sign_aws_t     *aws;
    ngx_str_t                       scheme;     /* "Bearer" */
} ngx_http_notify_sign_scheme_t;


/* whether it signs with the subscription's secret */
#define ngx_http_notify_sign_scheme_secret(scheme)                            \
    ((scheme)->kind == NGX_HTTP_NOTIFY_SIGN_STANDARD                          \
     || (scheme)->kind == NGX_HTTP_NOTIFY_SIGN_HMAC)


/* `sign standard`, or NULL */
ngx_http_notify_sign_scheme_t *ngx_http_notify_sign_conf_find_standard(
    const ngx_http_notify_sign_conf_t *conf);

/* in sign_aws_conf: the arguments of `sign aws`; NULL: logged */
ngx_http_notify_sign_aws_t *ngx_http_notify_sign_aws_conf(ngx_conf_t *cf);


#endif /* _NGX_HTTP_NOTIFY_SIGN_CONF_H_INCLUDED_ */
