/*
 * For the targets that look at requests: a client's request and an API call,
 * as much of them as the parsers look at, and what they are answered.
 */

#ifndef _FUZZ_REQUEST_H_INCLUDED_
#define _FUZZ_REQUEST_H_INCLUDED_


#include "fuzz.h"
#include "ngx_http_notify_api.h"


/* of the latest request */
typedef struct {
    ngx_uint_t    n;            /* answers: at most one */
    ngx_uint_t    status;
    ngx_str_t     body;
} fuzz_answer_t;

extern fuzz_answer_t  fuzz_answered;


ngx_http_request_t *fuzz_request(ngx_pool_t *pool);
void fuzz_request_header(ngx_http_request_t *r, const char *name,
    const ngx_str_t *value);
/* of the request, for a channel without Redis */
ngx_http_notify_api_t *fuzz_request_api(ngx_http_request_t *r,
    ngx_http_notify_channel_t *channel, ngx_uint_t method);
/* a configuration that directives and variables can be added to */
ngx_http_core_main_conf_t *fuzz_request_conf(ngx_conf_t *cf,
    ngx_http_request_t *r);
/* a refusal, once: a problem document with one of these */
void fuzz_request_refused(ngx_pool_t *pool, ngx_uint_t min, ngx_uint_t max);


#endif /* _FUZZ_REQUEST_H_INCLUDED_ */
