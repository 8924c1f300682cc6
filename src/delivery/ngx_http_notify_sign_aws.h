/*
 * Signature Version 4 of AWS, with the payload's SHA-256.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */

#ifndef _NGX_HTTP_NOTIFY_SIGN_AWS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SIGN_AWS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_payload.h"


/* one `sign aws`; zeroed, then the first part set */
typedef struct {
    ngx_str_t      service;
    ngx_str_t      region;
    ngx_str_t      id;          /* of the access key */
    ngx_str_t      secret;
    ngx_str_t      token;       /* of a session, or empty */

    /* private: the key of a day */
    u_char         day[8];
    u_char         key[32];
} ngx_http_notify_sign_aws_t;


/*
 * From the method, authority, uri and payload of the context, its time, and
 * the Content-Type among the header lines that are there: the lines to add.
 * NGX_ERROR: memory, crypto.
 */
ngx_int_t ngx_http_notify_sign_aws(ngx_pool_t *pool,
    ngx_http_notify_sign_aws_t *aws,
    const ngx_http_notify_payload_context_t *context, const ngx_str_t *there,
    ngx_str_t *lines);

/* the text that is signed, for a time "20150830T123600Z" and the pairs of
 * headers, by lower-case name and sorted */
ngx_int_t ngx_http_notify_sign_aws_canonical(ngx_pool_t *pool,
    const ngx_http_notify_sign_aws_t *aws, const ngx_str_t *method,
    const ngx_str_t *uri, const ngx_keyval_t *headers, ngx_uint_t n,
    const ngx_str_t *hash, ngx_str_t *text);


#endif /* _NGX_HTTP_NOTIFY_SIGN_AWS_H_INCLUDED_ */
