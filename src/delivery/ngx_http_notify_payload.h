/*
 * What a call carries: body, method and headers, made from templates over the
 * event and the subscription; and whether an answer's body means success.
 * Templates are parsed at configuration time.  Not ngx_http_complex_value: a
 * publish of 1,000 events has no request of its own for each.
 */

#ifndef _NGX_HTTP_NOTIFY_PAYLOAD_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PAYLOAD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_subscriptions.h"


/* What the $notify_... variables of a template are taken from. */
typedef struct {
    const ngx_http_notify_event_t         *event;
    const ngx_http_notify_subscription_t  *subscription;
    const ngx_str_t                       *channel;     /* its name */
    ngx_uint_t                             attempt;
    time_t                                 timestamp;   /* of the attempt */
    ngx_str_t                              payload;     /* once it is made */
    ngx_str_t                              batch;       /* its id, or empty */

    /* of the request that carries it, for signatures */
    const ngx_str_t                       *method;
    const ngx_str_t                       *authority;
    const ngx_str_t                       *uri;         /* as in guard_url */
} ngx_http_notify_payload_context_t;


/* text with $notify_... variables: header values, data= of signatures */
typedef struct ngx_http_notify_template_s  ngx_http_notify_template_t;

/*
 * Compiles; variables other than $notify_... are refused.  NULL: *reason is a
 * phrase for nginx -t ("unknown variable \"$x\"").
 */
ngx_http_notify_template_t *ngx_http_notify_payload_compile(ngx_conf_t *cf,
    const ngx_str_t *text, const char **reason);
/* the text for a context, from the pool; absent values are empty */
ngx_int_t ngx_http_notify_payload_text(ngx_pool_t *pool,
    const ngx_http_notify_template_t *t,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *text);
/* whether the text is the same for every event (no variable, or only
 * $notify_subscription_...) */
ngx_uint_t ngx_http_notify_payload_constant(
    const ngx_http_notify_template_t *t);
/*
 * Called for each $notify_attribute_NAME and $notify_setting_NAME of a
 * template, with the place of the directive; anything but NGX_OK ends the walk
 * and is its result.
 */
typedef ngx_int_t (*ngx_http_notify_payload_named_pt)(void *data,
    const ngx_str_t *name, ngx_uint_t setting, const u_char *file,
    ngx_uint_t line);

ngx_int_t ngx_http_notify_payload_named(const ngx_http_notify_template_t *t,
    ngx_http_notify_payload_named_pt handler, void *data);
/* whether all of it is known when an event is published */
ngx_uint_t ngx_http_notify_payload_published(
    const ngx_http_notify_template_t *t);
/* whether it has a variable of the event */
ngx_uint_t ngx_http_notify_payload_eventful(
    const ngx_http_notify_template_t *t);


/*
 * The same for a JSON text: a string that is exactly one variable becomes that
 * JSON value, with its type, or null; inside text a value is JSON-escaped.
 * The rendered text is compact JSON.  With body, $notify_payload is refused.
 */
ngx_http_notify_template_t *ngx_http_notify_payload_compile_json(
    ngx_conf_t *cf, const ngx_str_t *text, ngx_uint_t body,
    const char **reason);


typedef struct {
    ngx_str_t                     name;
    ngx_http_notify_template_t   *value;
} ngx_http_notify_payload_header_t;

typedef enum {
    NGX_HTTP_NOTIFY_PAYLOAD_CALL = 0,
    NGX_HTTP_NOTIFY_PAYLOAD_JSON,
    NGX_HTTP_NOTIFY_PAYLOAD_RAW,
    NGX_HTTP_NOTIFY_PAYLOAD_BARE,           /* the data, or nothing */
    NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS,
    NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS_BINARY
} ngx_http_notify_payload_kind_e;

typedef struct {
    ngx_uint_t                    max;      /* events; 0: off */
    ngx_msec_t                    wait;
    size_t                        size;     /* of the body */
    ngx_uint_t                    given;    /* unsigned  given:1; */
} ngx_http_notify_batch_conf_t;

/* payload, method, header, success, batch of a profile; zeroed before the
 * block */
typedef struct {
    ngx_http_notify_payload_kind_e    kind;
    ngx_http_notify_template_t       *json;     /* the JSON template */
    ngx_str_t                         method;
    ngx_array_t                      *headers;  /* of _payload_header_t */
    ngx_array_t                      *reserved; /* of ngx_str_t: the headers
                                                   that signatures write */
    ngx_http_notify_json_t           *success;  /* NULL: the status decides */
    ngx_str_t                         content_type;
    ngx_http_notify_batch_conf_t      batch;
    unsigned                          payload_given:1;
    unsigned                          success_given:1;
    unsigned                          user_agent_given:1;
    unsigned                          content_type_given:1;
    unsigned                          api_key_given:1;
} ngx_http_notify_payload_conf_t;


/* the body of a call; context->payload is set to it */
ngx_int_t ngx_http_notify_payload_body(ngx_pool_t *pool,
    const ngx_http_notify_payload_conf_t *conf,
    ngx_http_notify_payload_context_t *context, ngx_str_t *body);

/* whether an event's body is the same for every subscription and attempt */
ngx_uint_t ngx_http_notify_payload_shared(
    const ngx_http_notify_payload_conf_t *conf);

/*
 * The default call format of B8 for an event, also used by deltas; `extra`
 * adds id, time, uid and attributes.  {"eventType","entityTypeID","entityID",
 * "data"}: null where absent.
 */
ngx_int_t ngx_http_notify_payload_call(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_uint_t extra, ngx_str_t *body);

/*
 * The profile's headers as "Name: value\r\n" lines, User-Agent and
 * Content-Type included (defaults "nginx-notify/VERSION" and
 * "application/json"), X-API-Key of the subscription (with the call format
 * only, where it has one and no `header` names it), then the subscription's
 * own headers, which may replace these three but not what `header` or a
 * signature sets.  Appended to *lines, which starts empty.
 * NGX_DECLINED: a value has control characters; nothing is sent then.
 */
ngx_int_t ngx_http_notify_payload_headers(ngx_pool_t *pool,
    const ngx_http_notify_payload_conf_t *conf,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines);

/* whether these lines are the same for every event of a subscription */
ngx_uint_t ngx_http_notify_payload_headers_constant(
    const ngx_http_notify_payload_conf_t *conf);

/*
 * `success json`: NGX_OK when the body is a JSON object that has the members
 * ("0" equals 0, null: present); NGX_DECLINED otherwise, *detail is what to
 * record (the members Code/Message and the like as found; pool memory, at most
 * 256 bytes, control characters escaped).
 */
ngx_int_t ngx_http_notify_payload_success(ngx_pool_t *pool,
    const ngx_http_notify_payload_conf_t *conf, const ngx_str_t *body,
    ngx_str_t *detail);


/* names of headers that neither a profile nor a subscriber may set, and those
 * that are no token (RFC 9110, 5.6.2): NGX_DECLINED and *reason */
ngx_int_t ngx_http_notify_payload_header_name(const ngx_str_t *name,
    const char **reason);
/* NGX_DECLINED: control characters */
ngx_int_t ngx_http_notify_payload_header_value(const ngx_str_t *value);
/* whether a `header` or a signature of the profile writes it */
ngx_uint_t ngx_http_notify_payload_header_given(
    const ngx_http_notify_payload_conf_t *conf, const ngx_str_t *name);
/* for the setters of what writes headers of its own (sign, jwt) */
char *ngx_http_notify_payload_reserve(ngx_conf_t *cf,
    ngx_http_notify_payload_conf_t *conf, const ngx_str_t *name);


char *ngx_http_notify_payload_conf_init(ngx_conf_t *cf,
    ngx_http_notify_payload_conf_t *conf);
/* ngx_http_notify_payload_named() of all its templates */
ngx_int_t ngx_http_notify_payload_conf_named(
    const ngx_http_notify_payload_conf_t *conf,
    ngx_http_notify_payload_named_pt handler, void *data);


#endif /* _NGX_HTTP_NOTIFY_PAYLOAD_H_INCLUDED_ */
