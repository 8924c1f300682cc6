/*
 * A request without a client, and one background subrequest of it: what
 * ngx_http_upstream needs to run on.  Lives in the pool of its caller, who
 * closes it before that pool is destroyed.  Knows nothing of calls.
 */

#ifndef _NGX_HTTP_NOTIFY_DETACHED_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_DETACHED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


typedef struct {
    ngx_http_request_t          *request;       /* the subrequest */
    void                        *data;          /* the caller's */
    ngx_err_t                    err;           /* of the last line that
                                        upstream wrote to the error log */
    u_char                    *(*about)(void *data, u_char *buf, size_t len);
                                     /* appends to such a line; or NULL; set
                                        by start() */

    /* private */
    void                       (*start)(ngx_http_request_t *r);
    void                       (*done)(void *data);
    ngx_http_request_t          *main;
    ngx_http_post_subrequest_t   post;
    ngx_event_t                  event;         /* calls done, posted */
    ngx_connection_t             connection;
    ngx_event_t                  read;
    ngx_event_t                  write;
    ngx_log_t                    log;
    ngx_http_log_ctx_t           ctx;
} ngx_http_notify_detached_t;


/*
 * start() is called at once, in place of the content phase, with the
 * subrequest; it must run an upstream or finalize.  When the subrequest has
 * been finalized done() is called from a posted event, exactly once, unless
 * closed before.
 */
ngx_int_t ngx_http_notify_detached_run(ngx_http_notify_detached_t *d,
    ngx_pool_t *pool, void (*start)(ngx_http_request_t *r),
    void (*done)(void *data), void *data);
/* Ends what runs, connections included; never from inside start() or an
 * upstream callback.  Harmless when nothing was run. */
void ngx_http_notify_detached_close(ngx_http_notify_detached_t *d);

/* the object that a subrequest belongs to */
ngx_http_notify_detached_t *ngx_http_notify_detached_get(
    ngx_http_request_t *r);

/* Worker start and exit; clcf is the http level's. */
ngx_int_t ngx_http_notify_detached_init_process(ngx_cycle_t *cycle,
    ngx_http_core_loc_conf_t *clcf);
void ngx_http_notify_detached_exit_process(void);


#endif /* _NGX_HTTP_NOTIFY_DETACHED_H_INCLUDED_ */
