/*
 * The detached request: a connection that has no socket and takes no slot, a
 * main request that never runs, and its background subrequest.  Nothing of a
 * client's request may be pointed to from here, and nothing here is logged to
 * the access log.
 */

#include "ngx_http_notify_detached.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_DETACHED_ABOUT  1024     /* bytes of a line */


static ngx_http_request_t *ngx_http_notify_detached_main(
    ngx_http_notify_detached_t *d, ngx_pool_t *pool);
static ngx_http_request_t *ngx_http_notify_detached_request(
    ngx_http_notify_detached_t *d, ngx_http_request_t *main);
static void ngx_http_notify_detached_init(ngx_http_request_t *r,
    ngx_connection_t *c);
static ngx_int_t ngx_http_notify_detached_finalized(ngx_http_request_t *r,
    void *data, ngx_int_t rc);
static void ngx_http_notify_detached_done(ngx_event_t *ev);
static void ngx_http_notify_detached_writer(ngx_log_t *log, ngx_uint_t level,
    u_char *buf, size_t len);
static ngx_err_t ngx_http_notify_detached_errno(u_char *p, u_char *last);


/* the configuration that detached requests see; of this worker */
static struct {
    ngx_http_conf_ctx_t         ctx;
    ngx_http_core_srv_conf_t    cscf;
    ngx_http_core_loc_conf_t    clcf;
} ngx_http_notify_detached_conf;


static ngx_str_t  ngx_http_notify_detached_uri = ngx_string("/notify");


ngx_int_t
ngx_http_notify_detached_init_process(ngx_cycle_t *cycle,
    ngx_http_core_loc_conf_t *clcf)
{
    void                     **conf;
    ngx_http_conf_ctx_t       *ctx, *own;
    ngx_http_core_loc_conf_t  *oclcf;
    ngx_http_core_srv_conf_t  *cscf, *ocscf;

    ctx = (ngx_http_conf_ctx_t *) cycle->conf_ctx[ngx_http_module.index];

    own = &ngx_http_notify_detached_conf.ctx;
    ocscf = &ngx_http_notify_detached_conf.cscf;
    oclcf = &ngx_http_notify_detached_conf.clcf;

    conf = ngx_alloc(2 * ngx_http_max_module * sizeof(void *), cycle->log);
    if (conf == NULL) {
        return NGX_ERROR;
    }

    own->main_conf = ctx->main_conf;
    own->srv_conf = conf;
    own->loc_conf = conf + ngx_http_max_module;

    ngx_memcpy(own->srv_conf, ctx->srv_conf,
               ngx_http_max_module * sizeof(void *));
    ngx_memcpy(own->loc_conf, ctx->loc_conf,
               ngx_http_max_module * sizeof(void *));

    /*
     * The http level is not merged, so all that ngx_http_subrequest(),
     * ngx_http_upstream and the end of a subrequest read is set here.
     */

    cscf = ctx->srv_conf[ngx_http_core_module.ctx_index];

    *ocscf = *cscf;
    ocscf->ctx = own;

    *oclcf = *clcf;
    oclcf->log_subrequest = 0;
    oclcf->post_action.len = 0;
    oclcf->sendfile = 0;
    oclcf->sendfile_max_chunk = 0;
    oclcf->tcp_nodelay = 1;
    oclcf->directio_alignment = 512;
    oclcf->client_body_buffer_size = 4096;

    own->srv_conf[ngx_http_core_module.ctx_index] = ocscf;
    own->loc_conf[ngx_http_core_module.ctx_index] = oclcf;

    return NGX_OK;
}


void
ngx_http_notify_detached_exit_process(void)
{
    if (ngx_http_notify_detached_conf.ctx.srv_conf) {
        ngx_free(ngx_http_notify_detached_conf.ctx.srv_conf);
        ngx_http_notify_detached_conf.ctx.srv_conf = NULL;
    }
}


ngx_int_t
ngx_http_notify_detached_run(ngx_http_notify_detached_t *d, ngx_pool_t *pool,
    void (*start)(ngx_http_request_t *r), void (*done)(void *data), void *data)
{
    ngx_http_request_t  *r, *sr;

    ngx_memzero(d, sizeof(ngx_http_notify_detached_t));

    d->start = start;
    d->done = done;
    d->data = data;

    r = ngx_http_notify_detached_main(d, pool);
    if (r == NULL) {
        return NGX_ERROR;
    }

    sr = ngx_http_notify_detached_request(d, r);
    if (sr == NULL) {
        return NGX_ERROR;
    }

    d->main = r;
    d->request = sr;

    start(sr);

    ngx_http_run_posted_requests(&d->connection);

    return NGX_OK;
}


void
ngx_http_notify_detached_close(ngx_http_notify_detached_t *d)
{
    ngx_http_cleanup_t  *cln;

    if (d->event.posted) {
        ngx_delete_posted_event(&d->event);
    }

    if (d->main == NULL) {
        return;
    }

    d->done = NULL;

    /* upstream registered itself here: it closes its connection */

    cln = d->main->cleanup;
    d->main->cleanup = NULL;

    while (cln) {
        if (cln->handler) {
            cln->handler(cln->data);
        }

        cln = cln->next;
    }

    d->main = NULL;
    d->connection.destroyed = 1;
}


ngx_http_notify_detached_t *
ngx_http_notify_detached_get(ngx_http_request_t *r)
{
    return r->post_subrequest->data;
}


/*
 * Not ngx_http_create_request() and ngx_http_subrequest(): lists, contexts and
 * variables that nobody asks for would take 6K a call, and stub_status would
 * count it as a client's.
 */

static ngx_http_request_t *
ngx_http_notify_detached_main(ngx_http_notify_detached_t *d, ngx_pool_t *pool)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ngx_pcalloc(pool, sizeof(ngx_http_request_t));
    if (r == NULL) {
        return NULL;
    }

    d->log = *ngx_cycle->log;
    d->log.next = NULL;
    d->log.connection = 0;
    d->log.handler = NULL;
    d->log.writer = ngx_http_notify_detached_writer;
    d->log.wdata = d;
    d->log.data = &d->ctx;
    d->log.action = NULL;

    if (d->log.log_level < NGX_LOG_ERR) {
        d->log.log_level = NGX_LOG_ERR;
    }

    ngx_http_notify_timer_init(&d->event, ngx_http_notify_detached_done, d,
                               ngx_cycle->log);

    c = &d->connection;

    c->fd = (ngx_socket_t) -1;
    c->data = r;
    c->pool = pool;
    c->log = &d->log;
    c->log_error = NGX_ERROR_INFO;
    c->read = &d->read;
    c->write = &d->write;

    /* keeps upstream from adding an event for a socket that is none */

    d->read.data = c;
    d->read.log = &d->log;
    d->write.data = c;
    d->write.log = &d->log;
    d->write.write = 1;
    d->write.active = 1;

    d->ctx.connection = c;
    d->ctx.request = r;
    d->ctx.current_request = r;

    ngx_http_notify_detached_init(r, c);

    r->main = r;
    r->count = 1;
    r->logged = 1;

    return r;
}


static ngx_http_request_t *
ngx_http_notify_detached_request(ngx_http_notify_detached_t *d,
    ngx_http_request_t *main)
{
    ngx_http_request_t  *r;

    r = ngx_pcalloc(main->pool, sizeof(ngx_http_request_t));
    if (r == NULL) {
        return NULL;
    }

    ngx_http_notify_detached_init(r, main->connection);

    d->post.handler = ngx_http_notify_detached_finalized;
    d->post.data = d;

    r->main = main;
    r->parent = main;
    r->post_subrequest = &d->post;
    r->background = 1;
    r->header_only = 1;

    main->count++;
    d->ctx.current_request = r;

    return r;
}


static void
ngx_http_notify_detached_init(ngx_http_request_t *r, ngx_connection_t *c)
{
    ngx_time_t  *tp;

    r->signature = NGX_HTTP_MODULE;
    r->connection = c;
    r->pool = c->pool;

    r->main_conf = ngx_http_notify_detached_conf.ctx.main_conf;
    r->srv_conf = ngx_http_notify_detached_conf.ctx.srv_conf;
    r->loc_conf = ngx_http_notify_detached_conf.ctx.loc_conf;

    r->subrequests = 1;
    r->uri_changes = NGX_HTTP_MAX_URI_CHANGES + 1;
    r->internal = 1;
    r->expect_tested = 1;

    r->method = NGX_HTTP_POST;
    r->http_version = NGX_HTTP_VERSION_11;
    r->uri = ngx_http_notify_detached_uri;

    r->headers_in.content_length_n = -1;
    r->headers_in.keep_alive_n = -1;
    r->headers_out.content_length_n = -1;
    r->headers_out.last_modified_time = -1;

    r->read_event_handler = ngx_http_request_empty_handler;
    r->write_event_handler = ngx_http_request_empty_handler;

    tp = ngx_timeofday();
    r->start_sec = tp->sec;
    r->start_msec = tp->msec;
}


/* upstream still runs on the request when it calls this: free it later */

static ngx_int_t
ngx_http_notify_detached_finalized(ngx_http_request_t *r, void *data,
    ngx_int_t rc)
{
    ngx_http_notify_detached_t *d = data;

    if (d->done) {
        ngx_post_event(&d->event, &ngx_posted_events);
    }

    return NGX_OK;
}


static void
ngx_http_notify_detached_done(ngx_event_t *ev)
{
    void                        (*done)(void *data);
    ngx_http_notify_detached_t   *d;

    d = ev->data;

    done = d->done;
    d->done = NULL;

    if (done) {
        done(d->data);
    }
}


/*
 * What upstream says of one call is for whoever asked for it: its error number
 * is kept, the line is demoted to "info".  Alerts are bugs and stay.
 */

static void
ngx_http_notify_detached_writer(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len)
{
    u_char                      *p, *last, *end;
    ngx_err_t                    err;
    ngx_http_notify_detached_t  *d;
    u_char                       about[NGX_HTTP_NOTIFY_DETACHED_ABOUT];

    d = log->wdata;

    last = buf + len - NGX_LINEFEED_SIZE;

    /* "time [level] pid#tid: text (errno: text)" */

    p = ngx_strlchr(buf, last, ']');
    p = p ? ngx_strlchr(p, last, ' ') : NULL;
    p = p ? ngx_strlchr(p + 1, last, ' ') : NULL;

    if (p == NULL) {
        return;
    }

    p++;

    if (level == NGX_LOG_DEBUG) {
        ngx_log_error_core(NGX_LOG_DEBUG, ngx_cycle->log, 0, "%*s",
                           (size_t) (last - p), p);
        return;
    }

    err = ngx_http_notify_detached_errno(p, last);

    if (err) {
        d->err = err;
    }

    if (level > NGX_LOG_ALERT) {
        level = ngx_max(level, NGX_LOG_INFO);
    }

    end = d->about ? d->about(d->data, about, sizeof(about)) : about;

    ngx_log_error(level, ngx_cycle->log, 0, "notify call: %*s%*s",
                  (size_t) (last - p), p, (size_t) (end - about), about);
}


/* what ngx_log_errno() appends is the only place where upstream leaves it */

static ngx_err_t
ngx_http_notify_detached_errno(u_char *p, u_char *last)
{
    u_char     *digits;
    ngx_int_t   n;

    for ( ;; ) {
        p = ngx_strlchr(p, last, '(');

        if (p == NULL) {
            return 0;
        }

        digits = ++p;

        while (p < last && *p >= '0' && *p <= '9') {
            p++;
        }

        if (p > digits && p < last && *p == ':') {
            n = ngx_atoi(digits, p - digits);
            return (n == NGX_ERROR) ? 0 : (ngx_err_t) n;
        }
    }
}
