/*
 * notify_verify: only calls that are authentic and were not heard before get
 * into this location.  State lives in the request's pool, and survives its
 * redirects.  A client never learns what was wrong, only the log does.
 */

#include "ngx_http_notify_body.h"
#include "ngx_http_notify_http_module.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_verify.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_request_ctx.h"
#include "ngx_http_notify_verify_value.h"


static ngx_int_t ngx_http_notify_verify_handler(ngx_http_request_t *r);
static ngx_http_notify_verify_ctx_t *ngx_http_notify_verify_ctx(
    ngx_http_request_t *r, ngx_http_notify_verify_conf_t *verify);
static ngx_int_t ngx_http_notify_verify_begin(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify);
static void ngx_http_notify_verify_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_notify_verify_judge(
    ngx_http_notify_verify_ctx_t *ctx);
static ngx_int_t ngx_http_notify_verify_jwt(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_proof_t *proof, const char **reason);
static ngx_int_t ngx_http_notify_verify_hide(ngx_http_request_t *r,
    const ngx_str_t *token);
static ngx_int_t ngx_http_notify_verify_reply(ngx_http_request_t *r,
    ngx_http_notify_verify_ctx_t *ctx);
static ngx_int_t ngx_http_notify_verify_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_notify_verify_init(ngx_conf_t *cf);
static void *ngx_http_notify_verify_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_notify_verify_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_notify_verify_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);


static ngx_command_t  ngx_http_notify_verify_commands[] = {

    { ngx_string("notify_verify"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_notify_verify_conf_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_notify_verify_module_ctx = {
    ngx_http_notify_verify_variables,      /* preconfiguration */
    ngx_http_notify_verify_init,           /* postconfiguration */

    ngx_http_notify_verify_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_notify_verify_create_loc_conf, /* create location configuration */
    ngx_http_notify_verify_merge_loc_conf  /* merge location configuration */
};


ngx_module_t  ngx_http_notify_verify_module =
    ngx_http_notify_http_module_process(&ngx_http_notify_verify_module_ctx,
                                     ngx_http_notify_verify_commands,
                                     NULL,
                                     ngx_http_notify_verify_once_exit_process);


static ngx_str_t  ngx_http_notify_verify_problem = ngx_string(
    "{\"type\":\"README.md#not_authentic\",\"title\":\"Unauthorized\","
    "\"status\":401,\"detail\":\"the call is not authentic\","
    "\"code\":\"not_authentic\"}");

static ngx_str_t  ngx_http_notify_verify_conflict = ngx_string(
    "{\"type\":\"README.md#in_progress\",\"title\":\"Conflict\","
    "\"status\":409,"
    "\"detail\":\"the same call is with the backend, try again\","
    "\"code\":\"in_progress\"}");

static ngx_str_t  ngx_http_notify_verify_unavailable = ngx_string(
    "{\"type\":\"README.md#unavailable\",\"title\":\"Service Unavailable\","
    "\"status\":503,\"detail\":\"try again\",\"code\":\"unavailable\"}");

static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


/* entered again when Redis has answered, and behind each internal redirect */

static ngx_int_t
ngx_http_notify_verify_handler(ngx_http_request_t *r)
{
    ngx_http_notify_verify_ctx_t       *ctx;
    ngx_http_notify_verify_loc_conf_t  *vlcf;

    vlcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_verify_module);

    if (vlcf->verify == NULL) {
        return NGX_DECLINED;
    }

    /* what the client's request has passed holds for its parts */

    if (r != r->main) {
        ctx = ngx_http_notify_verify_ctx_find(r->main, vlcf->verify);

        if (ctx && ctx->state == NGX_HTTP_NOTIFY_VERIFY_PASS) {
            return NGX_DECLINED;
        }
    }

    ctx = ngx_http_notify_verify_ctx(r, vlcf->verify);

    if (ctx == NULL) {
        return ngx_http_notify_verify_begin(r, vlcf->verify);
    }

    switch (ctx->state) {

    case NGX_HTTP_NOTIFY_VERIFY_WAIT:
        return NGX_DONE;

    case NGX_HTTP_NOTIFY_VERIFY_PASS:
        return NGX_DECLINED;

    default: /* REFUSED, LARGE, AWAY, BUSY, DONE */
        return ngx_http_notify_verify_reply(r, ctx);
    }
}


static ngx_http_notify_verify_ctx_t *
ngx_http_notify_verify_ctx(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify)
{
    ngx_http_notify_verify_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_notify_verify_module);

    if (ctx && ctx->verify == verify) {
        return ctx;
    }

    if (!r->internal && !r->filter_finalize) {
        return NULL;
    }

    /* a redirect forgets the contexts, but not what is in the pool */

    return ngx_http_notify_verify_ctx_find(r, verify);
}


static ngx_int_t
ngx_http_notify_verify_begin(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify)
{
    ngx_int_t                      rc;
    ngx_http_notify_verify_ctx_t  *ctx;

    ctx = ngx_http_notify_request_ctx_create(r, &ngx_http_notify_verify_module,
                                         sizeof(ngx_http_notify_verify_ctx_t),
                                         ngx_http_notify_verify_ctx_cleanup);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->request = r;
    ctx->verify = verify;

    if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_JWT && !verify->body) {

        /* nothing of the body is needed, it may be streamed */

        if (ngx_http_notify_verify_judge(ctx) == NGX_ERROR) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_notify_verify_handler(r);
    }

    if (r->headers_in.content_length_n > (off_t) verify->limit) {
        ctx->state = NGX_HTTP_NOTIFY_VERIFY_LARGE;
        return ngx_http_notify_verify_handler(r);
    }

    if (r != r->main) {
        rc = ngx_http_notify_verify_judge(ctx);

        if (rc == NGX_AGAIN) {
            return ngx_http_notify_body_wait(r) == NGX_OK
                   ? NGX_DONE : NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return rc == NGX_OK ? ngx_http_notify_verify_handler(r)
                            : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_notify_body_read(r, ngx_http_notify_verify_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


/* the body is read, and stays for the backend */

static void
ngx_http_notify_verify_body(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    ngx_http_notify_verify_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_notify_verify_module);

    r->preserve_body = 1;

    rc = ngx_http_notify_verify_judge(ctx);

    if (rc == NGX_ERROR) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (rc == NGX_AGAIN) {
        if (ngx_http_notify_body_wait(r) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        }

        return;
    }

    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


/* NGX_OK: the state says what it is; NGX_AGAIN: Redis has been asked */

static ngx_int_t
ngx_http_notify_verify_judge(ngx_http_notify_verify_ctx_t *ctx)
{
    ngx_int_t                       rc;
    ngx_str_t                       body;
    const char                     *reason;
    ngx_http_request_t             *r;
    ngx_http_notify_verify_conf_t  *verify;

    r = ctx->request;
    verify = ctx->verify;
    reason = "the signature is wrong";

    if (verify->scheme != NGX_HTTP_NOTIFY_VERIFY_JWT || verify->body) {

        rc = ngx_http_notify_body_here(r, verify->limit, &body);

        if (rc == NGX_DECLINED) {
            ctx->state = NGX_HTTP_NOTIFY_VERIFY_LARGE;
            return NGX_OK;
        }

        if (rc == NGX_ABORT) {
            ctx->state = NGX_HTTP_NOTIFY_VERIFY_REFUSED;
            ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                          "notify verify: refused, the body is not read before "
                          "this subrequest");
            return NGX_OK;
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if ((verify->data || verify->once || verify->token || verify->url)
        && ngx_http_notify_verify_variable_early(r))
    {
        ctx->state = NGX_HTTP_NOTIFY_VERIFY_REFUSED;
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "notify verify: refused, $notify_payload_text was asked "
                      "for before the body was read, as by \"set\"");
        return NGX_OK;
    }

    switch (verify->scheme) {

    case NGX_HTTP_NOTIFY_VERIFY_JWT:
        rc = ngx_http_notify_verify_jwt(r, verify, &ctx->proof, &reason);
        break;

    case NGX_HTTP_NOTIFY_VERIFY_HMAC:
        rc = ngx_http_notify_verify_sign_hmac(r, verify, &body,
                                              &ctx->proof, &reason);
        break;

    case NGX_HTTP_NOTIFY_VERIFY_STANDARD:
        rc = ngx_http_notify_verify_sign_standard(r, verify, &body,
                                                  &ctx->proof, &reason);
        break;

    default: /* the services */
        rc = ngx_http_notify_verify_service(r, verify, &body, &ctx->proof,
                                            &reason);
    }

    if (rc == NGX_OK) {
        ctx->state = NGX_HTTP_NOTIFY_VERIFY_PASS;

        return (verify->once || verify->once_jti)
               ? ngx_http_notify_verify_once(ctx) : NGX_OK;
    }

    if (rc == NGX_DECLINED) {
        ctx->state = NGX_HTTP_NOTIFY_VERIFY_REFUSED;
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "notify verify: refused, %s", reason);
        return NGX_OK;
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_notify_verify_jwt(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_proof_t *proof, const char **reason)
{
    ngx_str_t   token;
    ngx_uint_t  bearer;

    if (verify->token) {
        *reason = "the token is not valid";

        if (ngx_http_complex_value(r, verify->token, &token) != NGX_OK
            || ngx_http_notify_verify_hide(r, &token) != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_notify_verify_token(r->pool, verify, &token, proof);
    }

    if (ngx_http_notify_verify_value_header(r, &verify->header, &token)
        != NGX_OK)
    {
        *reason = "the header is missing or given twice";
        return NGX_DECLINED;
    }

    /* RFC 6750, 2.1; in a header of its own the token may stand alone */

    bearer = token.len > 7
             && ngx_strncasecmp(token.data, (u_char *) "Bearer ", 7) == 0;

    if (bearer) {
        token.data += 7;
        token.len -= 7;

    } else if (ngx_http_notify_text_is_nocase(&verify->header,
                                              "Authorization"))
    {
        *reason = "it is no bearer token";
        return NGX_DECLINED;
    }

    *reason = "the token is not valid";

    return ngx_http_notify_verify_token(r->pool, verify, &token, proof);
}


/*
 * $request and the lines of error_log have the request line: a token that
 * stands in it is not written there.  The backend gets it as it came.
 */

static ngx_int_t
ngx_http_notify_verify_hide(ngx_http_request_t *r, const ngx_str_t *token)
{
    u_char     *p, *last;
    ngx_str_t   line;

    line = r->main->request_line;

    if (token->len == 0 || token->len > line.len) {
        return NGX_OK;
    }

    last = line.data + line.len - token->len;

    for (p = line.data; p <= last; p++) {
        if (ngx_memcmp(p, token->data, token->len) == 0) {
            break;
        }
    }

    if (p > last) {
        return NGX_OK;
    }

    if (ngx_http_notify_memory_printf(r->pool, &r->main->request_line,
                                      "%*s***%*s", p - line.data, line.data,
                                      line.data + line.len - p - token->len,
                                      p + token->len)
        != NGX_OK)
    {
        r->main->request_line = line;
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Of 401 there is one, whatever was wrong.  Finalized here: NGX_OK from a
 * handler would let the request on to the backend.
 */

static ngx_int_t
ngx_http_notify_verify_reply(ngx_http_request_t *r,
    ngx_http_notify_verify_ctx_t *ctx)
{
    ngx_int_t    rc;
    ngx_str_t   *text;
    ngx_uint_t   status;
    const char  *type;

    static ngx_str_t  empty = ngx_string("");

    if (ctx->state == NGX_HTTP_NOTIFY_VERIFY_LARGE) {
        return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    type = "application/problem+json";

    switch (ctx->state) {

    case NGX_HTTP_NOTIFY_VERIFY_AWAY:
        text = &ngx_http_notify_verify_unavailable;
        status = NGX_HTTP_SERVICE_UNAVAILABLE;
        rc = ngx_http_notify_reply_header_text(r, "Retry-After", "1");
        break;

    case NGX_HTTP_NOTIFY_VERIFY_BUSY:
        text = &ngx_http_notify_verify_conflict;
        status = NGX_HTTP_CONFLICT;
        rc = ngx_http_notify_reply_header_text(r, "Retry-After", "1");
        break;

    case NGX_HTTP_NOTIFY_VERIFY_DONE:
        text = &empty;
        type = "text/plain";
        status = NGX_HTTP_OK;
        break;

    default: /* NGX_HTTP_NOTIFY_VERIFY_REFUSED */
        text = &ngx_http_notify_verify_problem;
        status = NGX_HTTP_UNAUTHORIZED;

        /* RFC 9110, 11.6.1 */

        rc = ngx_http_notify_reply_header_text(r, "WWW-Authenticate",
                 ctx->verify->scheme == NGX_HTTP_NOTIFY_VERIFY_JWT
                     ? "Bearer" : "Signature");
    }

    if (rc != NGX_OK
        || ngx_http_notify_reply_header_text(r, "Cache-Control", "no-store")
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->disable_not_modified = 1;

    ngx_http_finalize_request(r, ngx_http_notify_reply(r, status, type, text));

    return NGX_DONE;
}


/* a sender that hears of a failure may be back before the request is freed */

static ngx_int_t
ngx_http_notify_verify_header_filter(ngx_http_request_t *r)
{
    ngx_http_notify_verify_ctx_t  *ctx;

    if (r != r->main
        || !ngx_http_notify_verify_once_fails(r->headers_out.status))
    {
        return ngx_http_next_header_filter(r);
    }

    ctx = NULL;

    while ((ctx = ngx_http_notify_verify_ctx_next(r, ctx))) {
        if (ctx->once && ctx->state == NGX_HTTP_NOTIFY_VERIFY_PASS) {
            ngx_http_notify_verify_once_end(ctx->once, r->headers_out.status);
        }
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_notify_verify_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt                 *h;
    ngx_http_core_main_conf_t           *cmcf;
    ngx_http_notify_verify_main_conf_t  *vmcf;

    vmcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_notify_verify_module);

    if (!vmcf->used) {
        return NGX_OK;
    }

    /* `satisfy any` does not get around what is behind the access phase */

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_notify_verify_handler;

    if (vmcf->once) {
        ngx_http_next_header_filter = ngx_http_top_header_filter;
        ngx_http_top_header_filter = ngx_http_notify_verify_header_filter;
    }

    return NGX_OK;
}


static void *
ngx_http_notify_verify_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_verify_main_conf_t));
}


static void *
ngx_http_notify_verify_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_notify_verify_loc_conf_t  *vlcf;

    vlcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_verify_loc_conf_t));
    if (vlcf == NULL) {
        return NULL;
    }

    vlcf->verify = NGX_CONF_UNSET_PTR;

    return vlcf;
}


static char *
ngx_http_notify_verify_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_notify_verify_loc_conf_t *prev = parent;
    ngx_http_notify_verify_loc_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->verify, prev->verify, NULL);

    return NGX_CONF_OK;
}
