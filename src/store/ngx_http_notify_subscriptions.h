/*
 * Subscriptions: the document in Redis, the structure that a worker holds, and
 * the scripts that create, change and delete them.  Validation of what a
 * client sends is not here (http/api_subscriptions), nor is matching.
 */

#ifndef _NGX_HTTP_NOTIFY_SUBSCRIPTIONS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SUBSCRIPTIONS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_keys.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_redis.h"


typedef enum {
    NGX_HTTP_NOTIFY_MODE_WEBHOOK = 0,
    NGX_HTTP_NOTIFY_MODE_SYNC,
    NGX_HTTP_NOTIFY_MODE_IFRAME
} ngx_http_notify_mode_e;


typedef struct {
    ngx_str_t    text;          /* as given: whsec_..., whsk_..., or any text */
    uint64_t     expires;       /* epoch ms; 0: the current one */
    ngx_uint_t   standard;      /* unsigned  standard:1; it is base64, also
                                   without a prefix */
} ngx_http_notify_secret_t;


/*
 * Read-only once made; lives in its own pool.  The document (a JSON object,
 * value of the field `id` of the hash `subs`, "<version> <json>") has the
 * members of the API's subscription, plus tenant and secrets:
 *   id uid tenant url events entityTypeID attributes{} mode apiKey
 *   secrets[{text,expires,standard}] name profile headers{} filter rate
 *   inFlight enabled reason metadata createdAt updatedAt pausedUntil (epoch ms;
 *   null: until it is resumed) payload retry[] timeout
 *   tls{ca,certificate,key,serverName}
 *   oauth2{tokenUrl,clientId,clientSecret,scope,audience}
 *   batch (false, a number, or {events,wait,size})
 *   unconfirmed (true: its endpoint has not agreed yet)
 *   allowedRate (by its endpoint, per 1,000 s)
 * and, where it is that of the channel's target: internal settings{}, where it
 * is that of a provider: internal provider, and no url
 */
typedef struct {
    ngx_pool_t                *pool;
    ngx_str_t                  id;
    ngx_str_t                  tenant;
    uint64_t                   version;
    ngx_str_t                  url;
    ngx_uint_t                 nevents;
    ngx_str_t                 *events;          /* names, "document.*", "*" */
    ngx_str_t                  entity_type_id;  /* JSON text, or empty: any */
    ngx_uint_t                 nattributes;
    ngx_keyval_t              *attributes;
    ngx_http_notify_mode_e     mode;
    ngx_str_t                  api_key;
    ngx_uint_t                 nsecrets;
    ngx_http_notify_secret_t  *secrets;         /* the current one first */
    ngx_str_t                  name;
    ngx_str_t                  profile;         /* empty: the channel's first */
    ngx_uint_t                 nheaders;
    ngx_keyval_t              *headers;
    ngx_str_t                  filter;          /* JSON text, or empty */
    ngx_uint_t                 rate;            /* per 1,000 s; 0: profile's */
    ngx_uint_t                 allowed_rate;    /* the same; 0: any */
    ngx_uint_t                 in_flight;       /* 0: profile's */
    ngx_uint_t                 enabled;         /* unsigned  enabled:1; and
                                                   confirmed */
    ngx_uint_t                 internal;        /* unsigned  internal:1; that
                                                   of a target: all tenants' */
    ngx_str_t                  reason;          /* why it is disabled */
    const char                *unreadable;      /* why its secrets cannot be
                                                   read; NULL: they are here */
    ngx_str_t                  provider;        /* its events are pushed by
                                                   it; internal, no url */
    uint64_t                   paused_until;    /* epoch ms, by request */
    uint64_t                   created;
    uint64_t                   updated;
    ngx_http_notify_json_t    *document;        /* whole, borrowed */
} ngx_http_notify_subscription_t;


/*
 * "<version> <json>", its secrets opened (see seal.h); without keys, which are
 * those of its channel, they stay sealed.  NULL: memory or not a document of
 * ours, error->reason.
 */
ngx_http_notify_json_t *ngx_http_notify_subscriptions_document(
    ngx_pool_t *pool, const ngx_http_notify_keys_t *keys,
    const ngx_str_t *text, uint64_t *version,
    ngx_http_notify_json_error_t *error);

/* its endpoint has not agreed to be called */
ngx_uint_t ngx_http_notify_subscriptions_unconfirmed(
    const ngx_http_notify_json_t *document);

/* by request, epoch ms; 0: it is not */
#define NGX_HTTP_NOTIFY_SUBSCRIPTIONS_FOREVER  ((uint64_t) -1)

uint64_t ngx_http_notify_subscriptions_paused(
    const ngx_http_notify_json_t *document);

/* what an earlier version has disabled for want of its profile is not */
ngx_uint_t ngx_http_notify_subscriptions_enabled(
    const ngx_http_notify_json_t *document);

/*
 * The same as a structure.  NULL: memory or not a document of ours (logged).
 * Freed by ngx_destroy_pool(subscription->pool).
 */
ngx_http_notify_subscription_t *ngx_http_notify_subscriptions_parse(
    const ngx_http_notify_keys_t *keys, const ngx_str_t *text, ngx_log_t *log);


typedef enum {
    NGX_HTTP_NOTIFY_SUBSCRIPTIONS_OK = 0,
    NGX_HTTP_NOTIFY_SUBSCRIPTIONS_NOT_FOUND,
    NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANGED,      /* not the expected version */
    NGX_HTTP_NOTIFY_SUBSCRIPTIONS_LIMIT,        /* subscriptions_max */
    NGX_HTTP_NOTIFY_SUBSCRIPTIONS_TAKEN,        /* sync claim of another */
    NGX_HTTP_NOTIFY_SUBSCRIPTIONS_NAMED,        /* another has its uid */
    NGX_HTTP_NOTIFY_SUBSCRIPTIONS_FULL,         /* Redis out of memory */
    NGX_HTTP_NOTIFY_SUBSCRIPTIONS_UNAVAILABLE
} ngx_http_notify_subscriptions_status_e;

typedef struct {
    ngx_http_notify_subscriptions_status_e   status;
    ngx_str_t                                id;        /* of the one */
    uint64_t                                 version;   /* with OK */
    ngx_uint_t                               sync;      /* with OK: it is one,
                                                         * or was */
    ngx_str_t                                other;     /* with TAKEN, NAMED */
} ngx_http_notify_subscriptions_result_t;

/* exactly once, never inside the call */
typedef void (*ngx_http_notify_subscriptions_pt)(
    const ngx_http_notify_subscriptions_result_t *result, void *data);


/*
 * Writes a document in one script, which also appends to `subs:log`, raises
 * `subs:ver`, keeps `subs:of:<tenant>` and, for a new one or one that follows
 * the log again, sets its start in `cursor:<bucket>` to the end of the log as
 * it is then (with the interval since its old cursor recorded in `gap:<id>`).
 * expected: the version that must be there, 0 = must not exist yet.
 * sync: the claim "<event>:<type>" for sync and iframe modes, else empty; what
 * was claimed before is released by the script.  follows: whether it is
 * enabled, and a webhook; followed: whether the replaced document was.
 * former: what that one selects, JSON text, where it differs: it holds for what
 * has been published and not yet delivered.  moved: its URL is another one.
 * uid: its owner's own id, which no other of the tenant may have.  ask: its
 * endpoint, which has to agree, is asked now, and again in so many ms.
 */
typedef struct {
    ngx_str_t                id;
    ngx_str_t                tenant;
    ngx_http_notify_json_t  *document;      /* borrowed, until the return */
    ngx_str_t                sync;
    uint64_t                 expected;
    ngx_uint_t               max;           /* subscriptions_max */
    ngx_uint_t               follows;
    ngx_uint_t               followed;
    ngx_str_t                former;        /* or empty */
    ngx_uint_t               moved;
    ngx_str_t                uid;           /* or empty */
    ngx_msec_t               ask;           /* or 0 */
} ngx_http_notify_subscriptions_write_t;

ngx_int_t ngx_http_notify_subscriptions_write(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_subscriptions_write_t *write,
    ngx_http_notify_subscriptions_pt handler, void *data);

/* All keys of the subscription in one script; OK whether it existed or not.
 * expected 0: any version. */
ngx_int_t ngx_http_notify_subscriptions_delete(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, uint64_t expected,
    ngx_http_notify_subscriptions_pt handler, void *data);

/* what a list has of each: score, document, cursor, health */
#define NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ROW  4

/*
 * Raw replies to the handler.  get: [document or nil, the value in
 * cursor:<bucket> or nil, pos:<bucket> or nil, health or nil], whoever's it is:
 * the caller compares the document's tenant.  list: [score, document, cursor
 * value or nil, health or nil, ...] of the tenant in order of creation behind
 * the score `after` (a decimal text, empty: from the start), at most limit; a
 * score stays where it is when its subscription is deleted.  A page that is
 * shorter than limit need not be the last one: some may have been deleted
 * meanwhile.
 */
ngx_int_t ngx_http_notify_subscriptions_get(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *id,
    ngx_http_notify_redis_handler_pt handler, void *data);
/*
 * Those whose endpoints are to be asked again: [id, document, ...], so many at
 * most; nobody else gets them meanwhile.  answered: one is not asked again.
 */
#define NGX_HTTP_NOTIFY_SUBSCRIPTIONS_UNASKED  10

ngx_int_t ngx_http_notify_subscriptions_unasked(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    ngx_http_notify_redis_handler_pt handler, void *data);
ngx_int_t ngx_http_notify_subscriptions_answered(
    ngx_http_notify_redis_t *redis, const ngx_http_notify_keys_t *keys,
    const ngx_str_t *id);
/* the id of the one of the tenant that has this uid, or nil */
ngx_int_t ngx_http_notify_subscriptions_named(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *uid, ngx_http_notify_redis_handler_pt handler,
    void *data);
/* what the reply has of each: its score, the document, its cursor and its
 * health, or nil */
#define NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ROW  4

ngx_int_t ngx_http_notify_subscriptions_list(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *after, ngx_uint_t limit,
    ngx_http_notify_redis_handler_pt handler, void *data);


#endif /* _NGX_HTTP_NOTIFY_SUBSCRIPTIONS_H_INCLUDED_ */
