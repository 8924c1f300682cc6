/*
 * One HTTP call to one subscriber: from (event, target) to exactly one
 * verdict.  Nothing above knows how a call is made, nothing here knows why, or
 * what comes of it.  A call owns its memory.
 */

#ifndef _NGX_HTTP_NOTIFY_CALL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CALL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_batch.h"
#include "ngx_http_notify_fcm.h"
#include "ngx_http_notify_guard.h"
#include "ngx_http_notify_payload.h"
#include "ngx_http_notify_proxy.h"
#include "ngx_http_notify_share.h"
#include "ngx_http_notify_sign.h"
#include "ngx_http_notify_token.h"
#include "ngx_http_notify_hops.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_subscriptions.h"
#include "ngx_http_notify_webpush.h"


/* How many calls led to an event, written into each call: one more than the
 * event's.  Who receives it and publishes again hands it on. */
#define NGX_HTTP_NOTIFY_CALL_HOPS  "X-Notify-Hops"


/* an error, with BLOCKED and RETRY: all that a tenant is told of a name that
 * has no address, or one that is denied */
#define NGX_HTTP_NOTIFY_CALL_MASKED  "name not resolved, or not allowed"


typedef enum {
    NGX_HTTP_NOTIFY_CALL_OK = 0,
    NGX_HTTP_NOTIFY_CALL_RETRY,     /* a fault that may pass */
    NGX_HTTP_NOTIFY_CALL_GONE,      /* 410: disable the subscription; of FCM:
                                       the device is unregistered */
    NGX_HTTP_NOTIFY_CALL_BLOCKED,   /* the guard refused: may pass, DNS */
    NGX_HTTP_NOTIFY_CALL_NO_RESOLVER,   /* of this nginx, for a name */
    NGX_HTTP_NOTIFY_CALL_FATAL,     /* cannot ever be sent (no signing key),
                                       or was refused for good */
    NGX_HTTP_NOTIFY_CALL_NO_TOKEN   /* of the profile's: a fault that may pass,
                                       and not the endpoint's */
} ngx_http_notify_call_verdict_e;


/* Lives until the handler returns. */
typedef struct {
    ngx_http_notify_call_verdict_e   verdict;
    ngx_uint_t                       status;       /* 0: no answer */
    ngx_msec_t                       latency;
    const char                      *error;        /* NULL with OK; a phrase:
                                "timeout", "connection refused", "status" ... */
    ngx_str_t                        detail;       /* for the attempt log: what
                                a refusal names, Code and Message of `success
                                json`; escaped, bounded, may be empty */
    ngx_int_t                        retry_after;  /* seconds; -1: none */
    ngx_str_t                        content_type;
    ngx_str_t                        allowed_origin;   /* of these headers, */
    ngx_str_t                        allowed_rate;     /* or empty */
    ngx_str_t                        body;         /* at most response_limit */
    ngx_str_t                        failed;       /* of a batch, with OK: a
                                JSON array of the ids to try again, or empty */
    ngx_uint_t                       truncated;    /* unsigned  truncated:1; */
    ngx_uint_t                       own;          /* unsigned  own:1; it is
                                said of this message, or the device that it is
                                for, and nothing of the endpoint */
} ngx_http_notify_call_result_t;


/*
 * The part of a profile that makes a call; the first member of the profile,
 * so that the tables of directives below share one conf pointer.
 */
typedef struct {
    ngx_http_notify_payload_conf_t   payload;      /* payload, method, header,
                                                      success */
    ngx_http_notify_sign_conf_t      sign;
    ngx_http_notify_guard_conf_t     guard;

    ngx_msec_t                       connect_timeout;
    ngx_msec_t                       send_timeout;
    ngx_msec_t                       read_timeout;
    ngx_msec_t                       timeout;
    ngx_uint_t                       keepalive;
    ngx_msec_t                       keepalive_idle;
    size_t                           response_limit;
    size_t                           response_header_limit;
    ngx_http_notify_proxy_conf_t     way;          /* proxy, bind */
    ngx_flag_t                       trace;
    ngx_uint_t                       customize;    /* of _CUSTOM_... */
    ngx_uint_t                       confirm;      /* _CONFIRM_... */
    ngx_http_notify_token_source_t  *token;        /* or NULL */
    struct ngx_http_notify_oauth2_conf_s  *oauth2; /* what `oauth2` said */
    ngx_http_notify_webpush_conf_t  *webpush;      /* or NULL */
    ngx_http_notify_fcm_conf_t      *fcm;          /* or NULL */
    ngx_uint_t                       first;        /* unsigned  first:1; others
                                wait for it: it starts even with _full */
    ngx_uint_t                       once;         /* unsigned  once:1;
                                a call is never repeated */

    ngx_flag_t                       ssl_verify;
    ngx_uint_t                       ssl_verify_depth;
    ngx_str_t                        ssl_trusted_certificate;
    ngx_str_t                        ssl_certificate;
    ngx_str_t                        ssl_certificate_key;
    ngx_uint_t                       ssl_protocols;
    ngx_str_t                        ssl_ciphers;

    struct ngx_http_notify_call_state_s  *state;   /* made from the above at
                                                      the end of the block;
                                                      copies of one conf that
                                                      differ in the payload
                                                      share connections */
} ngx_http_notify_call_conf_t;


/* how an endpoint agrees to be called */
#define NGX_HTTP_NOTIFY_CONFIRM_OFF          0
#define NGX_HTTP_NOTIFY_CONFIRM_CHALLENGE    1
#define NGX_HTTP_NOTIFY_CONFIRM_CLOUDEVENTS  2


/* what a subscription may set itself, see custom.h */
#define NGX_HTTP_NOTIFY_CUSTOM_PAYLOAD  0x0002
#define NGX_HTTP_NOTIFY_CUSTOM_RETRY    0x0004
#define NGX_HTTP_NOTIFY_CUSTOM_TIMEOUT  0x0008
#define NGX_HTTP_NOTIFY_CUSTOM_TLS      0x0010
#define NGX_HTTP_NOTIFY_CUSTOM_OAUTH2   0x0020
#define NGX_HTTP_NOTIFY_CUSTOM_BATCH    0x0040


/*
 * A subscription made ready to be called: URL parsed, keys of signatures
 * computed, header values of the subscription written.  Counted: calls in
 * flight hold it.
 */
typedef struct ngx_http_notify_target_s  ngx_http_notify_target_t;

/* NULL: memory (*reason NULL), or *reason (static or pool of the subscription):
 * the URL is not (or no longer) allowed.  The subscription must outlive the
 * target. */
ngx_http_notify_target_t *ngx_http_notify_call_target(
    const ngx_http_notify_call_conf_t *conf,
    const ngx_http_notify_subscription_t *subscription, ngx_log_t *log,
    const char **reason);
/* the address to call it at, whatever its host resolves to; before any call */
void ngx_http_notify_call_target_at(ngx_http_notify_target_t *target,
    const ngx_addr_t *addr);
/* it is asked something, and gets no event: by that method, with that header
 * line ("Name: value" CRLF, or empty) and the event's data, if it has any, as
 * the body; before any call; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_call_target_ask(ngx_http_notify_target_t *target,
    const char *method, const ngx_str_t *line);
/* its calls are counted in the share from now on; the target keeps it */
void ngx_http_notify_call_target_share(ngx_http_notify_target_t *target,
    ngx_http_notify_share_t *share);
/* its calls carry tokens of that source, which outlives it, and not those of
 * the profile */
void ngx_http_notify_call_target_token(ngx_http_notify_target_t *target,
    ngx_http_notify_token_source_t *source);
/* its calls are messages of Web Push for that browser, which outlives it */
void ngx_http_notify_call_target_push(ngx_http_notify_target_t *target,
    const ngx_http_notify_webpush_t *push);
/* `gone` (may be NULL) is called with data when the last call has ended. */
void ngx_http_notify_call_target_release(ngx_http_notify_target_t *target,
    void (*gone)(void *data), void *data);


typedef struct ngx_http_notify_call_s  ngx_http_notify_call_t;

typedef void (*ngx_http_notify_call_pt)(
    const ngx_http_notify_call_result_t *result, void *data);

/*
 * The event is referenced (ngx_http_notify_log_ref) for as long as it is
 * needed; it may be one that is not in the log (test, sync).  batch: NULL, or
 * what is sent, the event is its first; it goes with the call, but stays where
 * none was started; who calls holds its events until then.  attempt counts
 * from 1.  timeout 0: the profile's.  hops signs for the event's channel, whose
 * name is in the log; it outlives the call; NULL: no event leads to it.
 * The handler is called exactly once, never inside start.  NULL: memory, or too
 * many calls (see _full): not called.
 */
ngx_http_notify_call_t *ngx_http_notify_call_start(
    ngx_http_notify_target_t *target, ngx_http_notify_event_t *event,
    ngx_http_notify_batch_t *batch, const ngx_str_t *channel,
    ngx_http_notify_hops_t *hops, ngx_uint_t attempt, ngx_msec_t timeout,
    ngx_http_notify_call_pt handler, void *data);
/* how it puts events together; max 0: it does not */
const ngx_http_notify_batch_conf_t *ngx_http_notify_call_batches(
    const ngx_http_notify_target_t *target);
/* a batch for the target, and an event of that attempt added to it, see
 * ngx_http_notify_batch_create() and _add() */
ngx_http_notify_batch_t *ngx_http_notify_call_batch(
    const ngx_http_notify_target_t *target, ngx_log_t *log);
ngx_int_t ngx_http_notify_call_batch_add(
    const ngx_http_notify_target_t *target, ngx_http_notify_batch_t *batch,
    ngx_http_notify_event_t *event, const ngx_str_t *channel,
    ngx_uint_t attempt);
/* No handler; the connection is closed.  In the call's own handler and after
 * it the call is gone and may not be named. */
void ngx_http_notify_call_abort(ngx_http_notify_call_t *call);
/* All of this worker's, for an exit that must not wait for them:
 * worker_shutdown_timeout does not end calls. */
void ngx_http_notify_call_abort_all(void);

/* how it ended, for the metrics; what could not be sent is among CONNECT */
ngx_http_notify_metrics_class_e ngx_http_notify_call_class(
    const ngx_http_notify_call_result_t *result);

/* Whether as many calls are under way as may be: half of worker_connections. */
ngx_uint_t ngx_http_notify_call_full(void);
/* How many more may be started now, by who can wait: a bounded number per turn
 * of the event loop. */
ngx_uint_t ngx_http_notify_call_room(void);
/* where there is no room: whether the next turn brings some in any case */
ngx_uint_t ngx_http_notify_call_next_turn(void);
/* how many of all calls the share (NULL: no limit) may start now */
ngx_uint_t ngx_http_notify_call_share_room(
    const ngx_http_notify_share_t *share);
ngx_uint_t ngx_http_notify_call_target_room(
    const ngx_http_notify_target_t *target);


void ngx_http_notify_call_conf_create(ngx_http_notify_call_conf_t *conf);
char *ngx_http_notify_call_conf_init(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *conf);

/* Worker start: `resolver` of the http level may be NULL (calls to names are
 * then NO_RESOLVER).  Exit: frees idle connections. */
ngx_int_t ngx_http_notify_call_init_process(ngx_cycle_t *cycle,
    ngx_http_core_loc_conf_t *clcf);
void ngx_http_notify_call_exit_process(ngx_cycle_t *cycle);


#endif /* _NGX_HTTP_NOTIFY_CALL_H_INCLUDED_ */
