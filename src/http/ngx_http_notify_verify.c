/*
 * notify_verify: only calls that are authentic and were not heard before get
 * into this location.  State lives in the request's pool, and survives its
 * redirects.  A client never learns what was wrong, only the log does.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_awaited.h"
#include "ngx_http_notify_body.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_connections.h"
#include "ngx_http_notify_module.h"
#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_verify.h"


#define NGX_HTTP_NOTIFY_VERIFY_ONCE   "86400"

/* of any value that is looked at */
#define NGX_HTTP_NOTIFY_VERIFY_VALUE  8192


typedef enum {
    NGX_HTTP_NOTIFY_VERIFY_WAIT = 0,
    NGX_HTTP_NOTIFY_VERIFY_PASS,
    NGX_HTTP_NOTIFY_VERIFY_REFUSED,
    NGX_HTTP_NOTIFY_VERIFY_LARGE,
    NGX_HTTP_NOTIFY_VERIFY_AWAY         /* Redis is */
} ngx_http_notify_verify_state_e;

/* of one directive and one request */
typedef struct {
    ngx_http_request_t                *request;
    ngx_http_notify_verify_conf_t     *verify;
    ngx_http_notify_verify_state_e     state;
    ngx_str_t                          value;    /* of `once` */
    ngx_http_notify_redis_command_t   *command;
} ngx_http_notify_verify_ctx_t;


static ngx_int_t ngx_http_notify_verify_handler(ngx_http_request_t *r);
static ngx_http_notify_verify_ctx_t *ngx_http_notify_verify_ctx(
    ngx_http_request_t *r, ngx_http_notify_verify_conf_t *verify);
static ngx_http_notify_verify_ctx_t *ngx_http_notify_verify_find(
    ngx_http_request_t *r, ngx_http_request_t *request,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *once);
static ngx_int_t ngx_http_notify_verify_begin(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify);
static void ngx_http_notify_verify_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_notify_verify_judge(
    ngx_http_notify_verify_ctx_t *ctx);
static ngx_int_t ngx_http_notify_verify_jwt(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const char **reason);
static ngx_int_t ngx_http_notify_verify_once(
    ngx_http_notify_verify_ctx_t *ctx);
static void ngx_http_notify_verify_seen(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_int_t ngx_http_notify_verify_tell(
    ngx_http_notify_verify_ctx_t *ctx);
static ngx_int_t ngx_http_notify_verify_reply(ngx_http_request_t *r,
    ngx_http_notify_verify_ctx_t *ctx);
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
    NULL,                                  /* preconfiguration */
    ngx_http_notify_verify_init,           /* postconfiguration */

    ngx_http_notify_verify_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_notify_verify_create_loc_conf, /* create location configuration */
    ngx_http_notify_verify_merge_loc_conf  /* merge location configuration */
};


ngx_module_t  ngx_http_notify_verify_module = {
    NGX_MODULE_V1,
    &ngx_http_notify_verify_module_ctx,    /* module context */
    ngx_http_notify_verify_commands,       /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_str_t  ngx_http_notify_verify_problem = ngx_string(
    "{\"type\":\"README.md#not_authentic\",\"title\":\"Unauthorized\","
    "\"status\":401,\"detail\":\"the call is not authentic\","
    "\"code\":\"not_authentic\"}");

static ngx_str_t  ngx_http_notify_verify_unavailable = ngx_string(
    "{\"type\":\"README.md#unavailable\",\"title\":\"Service Unavailable\","
    "\"status\":503,\"detail\":\"try again\",\"code\":\"unavailable\"}");


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
        ctx = ngx_http_notify_verify_find(r, r->main, vlcf->verify, NULL);

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

    default: /* REFUSED, LARGE, AWAY */
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

    return ngx_http_notify_verify_find(r, r, verify, NULL);
}


/* in the pool that a client's request and its subrequests have together */

static ngx_http_notify_verify_ctx_t *
ngx_http_notify_verify_find(ngx_http_request_t *r, ngx_http_request_t *request,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *once)
{
    ngx_pool_cleanup_t            *cln;
    ngx_http_notify_verify_ctx_t  *ctx;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_http_notify_verify_cleanup) {
            continue;
        }

        ctx = cln->data;

        if (ctx->verify != verify || (request && ctx->request != request)) {
            continue;
        }

        if (once == NULL
            || ((ctx->state == NGX_HTTP_NOTIFY_VERIFY_PASS
                 || ctx->state == NGX_HTTP_NOTIFY_VERIFY_WAIT)
                && ctx->value.len == once->len
                && ngx_strncmp(ctx->value.data, once->data, once->len) == 0))
        {
            return ctx;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_notify_verify_begin(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify)
{
    ngx_int_t                      rc;
    ngx_pool_cleanup_t            *cln;
    ngx_http_notify_verify_ctx_t  *ctx;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_notify_verify_ctx_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_notify_verify_ctx_t));

    ctx->request = r;
    ctx->verify = verify;
    cln->handler = ngx_http_notify_verify_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_notify_verify_module);

    if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_JWT && verify->once == NULL) {

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


/* marks the context, too */

void
ngx_http_notify_verify_cleanup(void *data)
{
    ngx_http_notify_verify_ctx_t *ctx = data;

    if (ctx->command != NULL) {
        ngx_http_notify_redis_cancel(ctx->command);
        ngx_http_notify_awaited_end();
        ctx->command = NULL;
    }
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

    if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_JWT) {
        rc = ngx_http_notify_verify_jwt(r, verify, &reason);

    } else {
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

        rc = (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_HMAC)
                 ? ngx_http_notify_verify_sign_hmac(r, verify, &body,
                                                         &reason)
                 : ngx_http_notify_verify_sign_standard(r, verify, &body,
                                                             &reason);
    }

    if (rc == NGX_OK) {
        ctx->state = NGX_HTTP_NOTIFY_VERIFY_PASS;

        return verify->once ? ngx_http_notify_verify_once(ctx) : NGX_OK;
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
    ngx_http_notify_verify_conf_t *verify, const char **reason)
{
    ngx_str_t   token;
    ngx_uint_t  bearer;

    if (verify->token) {
        *reason = "the token is not valid";

        if (ngx_http_complex_value(r, verify->token, &token) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_notify_verify_token(r->pool, verify, &token);
    }

    if (ngx_http_notify_verify_header(r, &verify->header, &token) != NGX_OK) {
        *reason = "the header is missing or given twice";
        return NGX_DECLINED;
    }

    /* RFC 6750, 2.1; in a header of its own the token may stand alone */

    bearer = token.len > 7
             && ngx_strncasecmp(token.data, (u_char *) "Bearer ", 7) == 0;

    if (bearer) {
        token.data += 7;
        token.len -= 7;

    } else if (verify->header.len == sizeof("Authorization") - 1
               && ngx_strncasecmp(verify->header.data,
                                  (u_char *) "Authorization",
                                  verify->header.len)
                  == 0)
    {
        *reason = "it is no bearer token";
        return NGX_DECLINED;
    }

    *reason = "the token is not valid";

    return ngx_http_notify_verify_token(r->pool, verify, &token);
}


ngx_int_t
ngx_http_notify_verify_header(ngx_http_request_t *r, const ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_uint_t        i, found;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    found = 0;
    part = &r->headers_in.headers.part;
    header = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            header = part->elts;
            i = 0;
        }

        if (header[i].key.len == name->len
            && ngx_strncasecmp(header[i].key.data, name->data, name->len)
               == 0)
        {
            *value = header[i].value;
            found++;
        }
    }

    return (found == 1 && value->len
            && value->len <= NGX_HTTP_NOTIFY_VERIFY_VALUE)
           ? NGX_OK : NGX_DECLINED;
}


/* remembered only now: a forger cannot use up a value */

static ngx_int_t
ngx_http_notify_verify_once(ngx_http_notify_verify_ctx_t *ctx)
{
    u_char                        *p, digest[32];
    ngx_str_t                      parts[2], argv[6];
    ngx_http_request_t            *r;
    ngx_http_notify_redis_t       *redis;
    ngx_http_notify_main_conf_t   *mcf;
    ngx_http_notify_verify_ctx_t  *other;

    r = ctx->request;
    parts[0] = ctx->verify->scope;

    if (ngx_http_complex_value(r, ctx->verify->once, &parts[1]) != NGX_OK) {
        return NGX_ERROR;
    }

    if (parts[1].len == 0 || parts[1].len > NGX_HTTP_NOTIFY_VERIFY_VALUE) {
        ctx->state = NGX_HTTP_NOTIFY_VERIFY_REFUSED;
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "notify verify: refused, \"once=\" has no value");
        return NGX_OK;
    }

    /* once a client's request, not once a subrequest of it */

    other = ngx_http_notify_verify_find(r, NULL, ctx->verify, &parts[1]);

    ctx->value = parts[1];

    if (other) {
        ctx->state = other->state;
        return ctx->state == NGX_HTTP_NOTIFY_VERIFY_WAIT ? NGX_AGAIN : NGX_OK;
    }

    ctx->state = NGX_HTTP_NOTIFY_VERIFY_AWAY;

    redis = ngx_http_notify_connections_redis();
    if (redis == NULL) {
        return NGX_OK;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_notify_module);

    p = ngx_pnalloc(r->pool, mcf->redis.prefix.len + sizeof("{once}:") + 32);

    if (p == NULL
        || ngx_http_notify_id_digest(parts, 2, digest) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(&argv[0], "SET");
    argv[1].data = p;
    argv[1].len = ngx_sprintf(p, "%V{once}:%*s", &mcf->redis.prefix,
                              sizeof(digest), digest)
                  - p;
    ngx_str_set(&argv[2], "1");
    ngx_str_set(&argv[3], "NX");
    ngx_str_set(&argv[4], "EX");
    ngx_str_set(&argv[5], NGX_HTTP_NOTIFY_VERIFY_ONCE);

    ctx->command = ngx_http_notify_redis_submit(redis, argv, 6, 0,
                                                ngx_http_notify_verify_seen,
                                                ctx);
    if (ctx->command == NULL) {
        return NGX_OK;
    }

    ngx_http_notify_awaited_begin();

    ctx->state = NGX_HTTP_NOTIFY_VERIFY_WAIT;

    return NGX_AGAIN;
}


static void
ngx_http_notify_verify_seen(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_verify_ctx_t *ctx = data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;

    ctx->command = NULL;
    ngx_http_notify_awaited_end();

    if (ngx_http_notify_script_verdict(ngx_http_notify_connections_redis(),
                                       resp, "verify")
        != NGX_OK)
    {
        ctx->state = NGX_HTTP_NOTIFY_VERIFY_AWAY;

    } else if (resp->type == NGX_HTTP_NOTIFY_RESP_NIL) {
        ctx->state = NGX_HTTP_NOTIFY_VERIFY_REFUSED;
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "notify verify: refused, it has been here before");

    } else {
        ctx->state = NGX_HTTP_NOTIFY_VERIFY_PASS;
    }

    if (ngx_http_notify_verify_tell(ctx) != NGX_OK) {
        c = r->connection;
        ngx_http_finalize_request(r, NGX_ERROR);
        ngx_http_run_posted_requests(c);
        return;
    }

    ngx_http_notify_body_go_on(r);
}


/* parts of the same client's request that wait for the same answer */

static ngx_int_t
ngx_http_notify_verify_tell(ngx_http_notify_verify_ctx_t *ctx)
{
    ngx_pool_cleanup_t            *cln;
    ngx_http_notify_verify_ctx_t  *other;

    for (cln = ctx->request->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_http_notify_verify_cleanup) {
            continue;
        }

        other = cln->data;

        if (other->verify != ctx->verify
            || other->state != NGX_HTTP_NOTIFY_VERIFY_WAIT
            || other->value.len != ctx->value.len
            || ngx_strncmp(other->value.data, ctx->value.data, ctx->value.len)
               != 0)
        {
            continue;
        }

        other->state = ctx->state;
        other->request->write_event_handler = ngx_http_core_run_phases;

        if (ngx_http_post_request(other->request, NULL) != NGX_OK) {
            return NGX_ERROR;
        }
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

    if (ctx->state == NGX_HTTP_NOTIFY_VERIFY_LARGE) {
        return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->state == NGX_HTTP_NOTIFY_VERIFY_AWAY) {
        text = &ngx_http_notify_verify_unavailable;
        status = NGX_HTTP_SERVICE_UNAVAILABLE;
        rc = ngx_http_notify_reply_header_text(r, "Retry-After", "1");

    } else {
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

    ngx_http_finalize_request(r, ngx_http_notify_reply(r, status,
                                               "application/problem+json",
                                               text));
    return NGX_DONE;
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
