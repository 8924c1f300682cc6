/*
 * A token that a call carries as "Authorization: Bearer", and who gives it:
 * the call knows no more of it.
 */

#ifndef _NGX_HTTP_NOTIFY_TOKEN_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TOKEN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_http_notify_token_wait_s    ngx_http_notify_token_wait_t;
typedef struct ngx_http_notify_token_source_s  ngx_http_notify_token_source_t;


/* Lives in who waits; zeroed, then pool and handler set. */
struct ngx_http_notify_token_wait_s {
    ngx_pool_t                       *pool;
    /* NGX_OK or NGX_ERROR; not called inside get(), nor after a cancel() */
    void                            (*handler)(
                                          ngx_http_notify_token_wait_t *wait,
                                          ngx_int_t rc);

    ngx_str_t                         token;    /* with NGX_OK; of the pool */
    const char                       *error;    /* else a static phrase */
    ngx_str_t                         detail;   /* of the pool */

    /* private */
    ngx_queue_t                       queue;
    ngx_http_notify_token_source_t   *source;   /* while it waits */
};


struct ngx_http_notify_token_source_s {
    /* NGX_OK; NGX_AGAIN: the handler is told; NGX_ERROR: error, detail */
    ngx_int_t   (*get)(ngx_http_notify_token_source_t *source,
                       ngx_http_notify_token_wait_t *wait);
    /* harmless where it does not wait */
    void        (*cancel)(ngx_http_notify_token_wait_t *wait);
    /* who was called does not accept it: the next get() has another one */
    void        (*reject)(ngx_http_notify_token_source_t *source,
                          const ngx_str_t *token);
};


#endif /* _NGX_HTTP_NOTIFY_TOKEN_H_INCLUDED_ */
