/*
 * notify_api: one location, several resources; what they share: routing,
 * reading bodies, answering with JSON and problem+json, suspending a request
 * while Redis is asked.  A resource knows its own members only.
 */

#ifndef _NGX_HTTP_NOTIFY_API_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_json_write.h"
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_command.h"
#include "ngx_http_notify_invalid.h"
#include "ngx_http_notify_module.h"


#define NGX_HTTP_NOTIFY_API_SEGMENTS  4

#define NGX_HTTP_NOTIFY_API_NDJSON    1     /* application/x-ndjson */
#define NGX_HTTP_NOTIFY_API_FORM      2     /* ...x-www-form-urlencoded */
#define NGX_HTTP_NOTIFY_API_SUFFIX    4     /* ...+json, RFC 6839 */

#define NGX_HTTP_NOTIFY_API_KEY_KEPT      0     /* with the answer, api_once */
#define NGX_HTTP_NOTIFY_API_KEY_OWN       1     /* at its root by itself */
#define NGX_HTTP_NOTIFY_API_KEY_IGNORED   2


/* the request context of an API call; lives as long as the request */
typedef struct ngx_http_notify_api_s  ngx_http_notify_api_t;

typedef struct ngx_http_notify_api_once_s  ngx_http_notify_api_once_t;

typedef struct ngx_http_notify_api_suspended_s
    ngx_http_notify_api_suspended_t;

struct ngx_http_notify_api_s {
    ngx_http_request_t          *request;
    ngx_http_notify_channel_t   *channel;
    ngx_str_t                    tenant;
    ngx_str_t                    base;      /* URI of the resource's root */
    ngx_uint_t                   nsegments; /* path behind it, decoded */
    ngx_str_t                    segments[NGX_HTTP_NOTIFY_API_SEGMENTS];
    ngx_uint_t                   method;    /* NGX_HTTP_GET for HEAD */
    ngx_http_notify_api_once_t  *once;      /* of an Idempotency-Key */
    ngx_uint_t                   whole;     /* unsigned  whole:1; begun, it is
                                               done, whoever still waits */
    ngx_str_t                    body;      /* whole, in memory */
    ngx_str_t                    content_type;  /* without parameters */
    ngx_http_notify_invalid_t    invalid;   /* `errors` of the problem */
    void                        *data;      /* the resource's own */
    void                        *resume;    /* of api_cursor */
    ngx_http_notify_api_suspended_t
                                *suspended;
    ngx_pool_cleanup_t          *cleanups;  /* of others, from before */
    /* before an answer is sent, or NULL; json NULL: it is not kept */
    void                       (*answering)(ngx_http_notify_api_t *api,
                                            ngx_uint_t status,
                                            const ngx_str_t *json);
    /* in place of a 503, or NULL */
    void                       (*unavailable)(ngx_http_notify_api_t *api);
    ngx_int_t                    request_id;    /* index of the variable */
    ngx_uint_t                   retry_after;   /* s, with 503 and 429; 0: 1 */
    ngx_int_t                    rc;        /* of the answer */
    ngx_event_t                  end;       /* posted with the answer */
};


/*
 * A resource: its name in the path, the methods it takes at a depth, and its
 * entry, called once the body is read.  It answers with _send/_problem at once
 * or later; it is never called again for the request.
 */
typedef struct {
    ngx_str_t      name;
    ngx_uint_t     methods[2];  /* of its root, and of a segment behind it:
                                   NGX_HTTP_GET|..., 0: `more` says it */
    /* of any other path, 0: 404; or NULL */
    ngx_uint_t   (*more)(ngx_http_notify_api_t *api);
    void         (*handler)(ngx_http_notify_api_t *api);
    ngx_uint_t     types;       /* of bodies that it takes beside JSON */
    ngx_uint_t     repeats;     /* how it takes an Idempotency-Key */
    ngx_uint_t     open;        /* its query parameters are its sender's */
} ngx_http_notify_api_resource_t;

extern ngx_http_notify_api_resource_t  ngx_http_notify_api_subscriptions;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_events;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_deltas;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_deliveries;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_settings;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_sessions;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_sync;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_filter;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_redeliver;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_redeliveries;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_samples;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_event_types;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_health;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_jwks;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_vapid;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_stats;
extern ngx_http_notify_api_resource_t  ngx_http_notify_api_openapi;

/* where `notify_api` stands: of its location, read-only after start */
typedef struct {
    ngx_http_notify_channel_t         *channel;
    ngx_http_notify_api_resource_t   **resources;   /* all there are */
    ngx_http_notify_api_resource_t    *resource;    /* NULL: all of them */
    ngx_str_t                          prefix;      /* the location's name */
    void                             **loc_conf;    /* the location's */
    ngx_str_t                          large;       /* page of its 413 */
    const char                        *security;    /* a scheme of OpenAPI;
                                                       NULL or empty: none */
    ngx_uint_t                         role;        /* unsigned  role:1; */
    ngx_uint_t                         partner;     /* unsigned  partner:1; */
} ngx_http_notify_api_mount_t;

typedef struct {
    ngx_http_notify_api_mount_t       *mount;   /* NULL: no notify_api */
    ngx_int_t                          request_id;
} ngx_http_notify_api_loc_conf_t;

typedef struct {
    ngx_array_t                        mounts;  /* of _api_mount_t * */
} ngx_http_notify_api_srv_conf_t;

/* that of the request; all of its server: ngx_http_notify_api_mount_t * */
const ngx_http_notify_api_mount_t *ngx_http_notify_api_mount(
    ngx_http_notify_api_t *api);
const ngx_array_t *ngx_http_notify_api_mounts(ngx_http_request_t *r);
/* by its name, or NULL */
ngx_http_notify_api_resource_t *ngx_http_notify_api_resource(
    ngx_http_notify_api_resource_t **resources, const ngx_str_t *name);

extern ngx_module_t  ngx_http_notify_api_module;

/* the events of a body, an ngx_str_t each, in api_events_input; many: they are
 * in an array, or lines; NGX_DECLINED: an answer has been sent */
ngx_int_t ngx_http_notify_api_events_input(ngx_http_notify_api_t *api,
    ngx_array_t *values, ngx_uint_t *many);
/* events/{id} and what is below it, in api_event */
void ngx_http_notify_api_event(ngx_http_notify_api_t *api);

/*
 * Answers end the request, each exactly once.  It ends from the event loop, not
 * in the call: whatever runs for it may still read it on return.
 */
void ngx_http_notify_api_send(ngx_http_notify_api_t *api, ngx_uint_t status,
    const ngx_str_t *json);             /* NULL: no body */
/* what was written; 500 where that failed */
void ngx_http_notify_api_send_written(ngx_http_notify_api_t *api,
    ngx_uint_t status, ngx_http_notify_json_write_t *w);
/* of a document */
void ngx_http_notify_api_send_json(ngx_http_notify_api_t *api,
    ngx_uint_t status, const ngx_http_notify_json_t *json);
/* what has been sent by other means was the answer; rc as of a handler */
void ngx_http_notify_api_end(ngx_http_notify_api_t *api, ngx_int_t rc);
void ngx_http_notify_api_end_handler(ngx_event_t *ev);
/* base, and "/" + id where it is not empty, escaped as Location has it */
ngx_int_t ngx_http_notify_api_uri(ngx_http_notify_api_t *api,
    const ngx_str_t *id, ngx_str_t *uri);
/* the Link (RFC 8288) to the next page: the URI, a path below it or "", limit=,
 * NAME=PLACE and what else the query has, "&..." or empty; NGX_ABORT: an answer
 * has been sent */
ngx_int_t ngx_http_notify_api_next(ngx_http_notify_api_t *api,
    const ngx_str_t *id, const char *path, ngx_uint_t limit, const char *name,
    const ngx_str_t *place, const ngx_str_t *more);

/* application/problem+json (RFC 9457): type, title, status, detail, code,
 * errors (those of api->invalid), request_id; Retry-After with 503 and 429 */
void ngx_http_notify_api_problem(ngx_http_notify_api_t *api,
    ngx_uint_t status, const char *code, const char *fmt, ...);
/* the same with a member of its own, a string */
void ngx_http_notify_api_problem_extra(ngx_http_notify_api_t *api,
    ngx_uint_t status, const char *code, const char *member,
    const ngx_str_t *value, const char *fmt, ...);

/* the context of a request; NULL: memory */
ngx_http_notify_api_t *ngx_http_notify_api_create(ngx_http_request_t *r);
/* the methods that the path takes, 0: there is none */
ngx_uint_t ngx_http_notify_api_allowed(ngx_http_notify_api_t *api,
    const ngx_http_notify_api_resource_t *resource);
/* NGX_DECLINED: an answer has been sent */
ngx_int_t ngx_http_notify_api_admit(ngx_http_notify_api_t *api,
    ngx_http_notify_api_resource_t *resource);
/* the same of query parameters that this request does not have */
ngx_int_t ngx_http_notify_api_params(ngx_http_notify_api_t *api,
    ngx_http_notify_api_resource_t *resource);
/* of ngx_http_read_client_request_body(); api->data is the resource */
void ngx_http_notify_api_body_handler(ngx_http_request_t *r);

/* for each location with resources: nginx's own 413 is one of ours */
ngx_int_t ngx_http_notify_api_large_conf(ngx_conf_t *cf,
    ngx_http_notify_api_mount_t *mount);
ngx_int_t ngx_http_notify_api_large_init(ngx_conf_t *cf);
ngx_int_t ngx_http_notify_api_large(ngx_http_notify_api_t *api);

/* 500; 503 with what Redis lacks; 422 with what is in api->invalid */
void ngx_http_notify_api_failed(ngx_http_notify_api_t *api);
void ngx_http_notify_api_unavailable(ngx_http_notify_api_t *api);
void ngx_http_notify_api_unprocessable(ngx_http_notify_api_t *api);

/* NGX_OK, or NGX_ABORT: no answer or an error reply, 503 or 507 has been
 * sent; `who` stands in the log */
ngx_int_t ngx_http_notify_api_reply(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *resp, const char *who);

/* The body as a document, an object.  NULL: 400 or 422 has been sent.  An
 * empty body is an empty object where `optional`. */
ngx_http_notify_json_t *ngx_http_notify_api_document(
    ngx_http_notify_api_t *api, ngx_uint_t optional);
/* the body as JSON text; NGX_DECLINED: 400 has been sent */
ngx_int_t ngx_http_notify_api_json(ngx_http_notify_api_t *api,
    ngx_str_t *value);
/* the event that the path names; NGX_DECLINED: 404 has been sent */
ngx_int_t ngx_http_notify_api_event_type(ngx_http_notify_api_t *api,
    ngx_str_t *type);
/* 400: the member of that name, or one whose name is not known, is given
 * twice, in what api->invalid is about */
void ngx_http_notify_api_twice(ngx_http_notify_api_t *api,
    const ngx_str_t *name);
/* notes as invalid what is none of these members */
void ngx_http_notify_api_only(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input, const char **names);

/* the decoded value of a query argument; NGX_DECLINED: absent;
 * NGX_ABORT: given twice or not decodable (400 has been sent) */
ngx_int_t ngx_http_notify_api_arg(ngx_http_notify_api_t *api,
    const char *name, ngx_str_t *value);
/* limit=, 1 ... 250, default 100; NGX_ABORT: 400 has been sent */
ngx_int_t ngx_http_notify_api_limit(ngx_http_notify_api_t *api,
    ngx_uint_t *limit);
/* whether a tenant's name is that of the request */
ngx_uint_t ngx_http_notify_api_owns(const ngx_http_notify_api_t *api,
    const ngx_str_t *tenant);
/* epoch, milliseconds */
uint64_t ngx_http_notify_api_now(void);
/* the first header of that name, whole value; NGX_DECLINED: absent */
ngx_int_t ngx_http_notify_api_request_header(ngx_http_notify_api_t *api,
    const char *name, ngx_str_t *value);

/*
 * Asynchronous work for a request:
 *     _began(api, submit(..., handler, _begin(api)))
 * _begin suspends the request and gives what the handler, called exactly once,
 * passes to _resume.  That returns the api, or NULL when the request has ended
 * meanwhile: everything was cleaned up, the handler returns at once.  _began
 * answers with 500 where the work could not be submitted.  A request waits for
 * one thing at a time.
 *
 * A question to Redis is
 *     _began(api, submit(..., ngx_http_notify_api_asked, _ask(api, handler)))
 * whose handler gets the reply, if the request is still there and _reply() has
 * not answered it.
 */
typedef void ngx_http_notify_api_reply_t(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp);
typedef ngx_http_notify_api_reply_t  *ngx_http_notify_api_reply_pt;

void *ngx_http_notify_api_ask(ngx_http_notify_api_t *api,
    ngx_http_notify_api_reply_pt handler);
void ngx_http_notify_api_asked(ngx_http_notify_resp_t *resp, void *data);
/* the same with a command, or a script, of the channel's connection */
ngx_http_notify_command_t *ngx_http_notify_api_command(
    ngx_http_notify_api_t *api, const char *name,
    ngx_http_notify_api_reply_pt handler);
ngx_http_notify_command_t *ngx_http_notify_api_script(
    ngx_http_notify_api_t *api, const ngx_http_notify_script_t *script,
    ngx_http_notify_api_reply_pt handler);
void ngx_http_notify_api_command_send(ngx_http_notify_api_t *api,
    ngx_http_notify_command_t *command);

void *ngx_http_notify_api_suspended_begin(ngx_http_notify_api_t *api);
void ngx_http_notify_api_suspended_began(ngx_http_notify_api_t *api,
    ngx_int_t rc);
ngx_http_notify_api_t *ngx_http_notify_api_suspended_resume(void *data);
/* the same, and NULL too when _api_reply() has answered */
ngx_http_notify_api_t *ngx_http_notify_api_suspended_reply(void *data,
    const ngx_http_notify_resp_t *resp, const char *name);
/* nothing was submitted, the caller answers */
void ngx_http_notify_api_suspended_cancel(ngx_http_notify_api_t *api);
/* for work that is cancelled by a cleanup of the request's pool */
void ngx_http_notify_api_suspended_wait(ngx_http_notify_api_t *api);
/* with the context of the request */
ngx_int_t ngx_http_notify_api_suspended_create(ngx_http_notify_api_t *api);
void ngx_http_notify_api_suspended_destroy(ngx_http_notify_api_t *api);
/* when a worker starts and exits */
void ngx_http_notify_api_suspended_init(void);
void ngx_http_notify_api_suspended_exit(void);


#endif /* _NGX_HTTP_NOTIFY_API_H_INCLUDED_ */
