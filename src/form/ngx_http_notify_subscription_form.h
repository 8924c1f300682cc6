/*
 * What a client may say of a subscription and what it sees of it: from input
 * to the document that is stored, and from the document to output.  Knows
 * nothing of requests and Redis.
 */

#ifndef _NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_invalid.h"
#include "ngx_http_notify_json_write.h"


#define NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_FIELDS  40

#define NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_DISABLED  "disabled by request"


typedef struct {
    ngx_pool_t                        *pool;
    const ngx_http_notify_channel_t   *channel;
    ngx_http_notify_json_t            *document;    /* see subscriptions.h */
    ngx_http_notify_invalid_t         *invalid;
    ngx_uint_t                         merge;       /* absent: keep; PATCH */

    /* private: what the input has */
    ngx_http_notify_json_t
                    *values[NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_FIELDS];
    ngx_str_t        names[NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_FIELDS];
    ngx_str_t        secret;
    ngx_str_t        signature;     /* "ed25519", "hmac", or empty */
} ngx_http_notify_subscription_form_t;


/* NGX_OK: form->document is made of the input, an object; NGX_DECLINED:
 * form->invalid says what is wrong; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_subscription_form_apply(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_json_t *input);

/* a stored "<version> <json>" with the life of the pool; NULL: memory, or not
 * a document */
ngx_http_notify_json_t *ngx_http_notify_subscription_form_stored(
    ngx_pool_t *pool, const ngx_http_notify_keys_t *keys,
    const ngx_str_t *text, uint64_t *version);

/* what clients see; cursor is the value in cursor:<bucket>, may be empty */
void ngx_http_notify_subscription_show(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document, const ngx_str_t *cursor,
    ngx_uint_t secret);

/* the claim of a sync or iframe subscription, else empty */
ngx_int_t ngx_http_notify_subscription_form_claim(ngx_pool_t *pool,
    const ngx_http_notify_json_t *document, ngx_str_t *claim);

/* a new current secret; the earlier ones are accepted until `expires` */
ngx_int_t ngx_http_notify_subscription_form_secret(ngx_pool_t *pool,
    ngx_http_notify_json_t *document, const ngx_str_t *secret,
    ngx_uint_t standard, uint64_t now, uint64_t expires);
/* the current one, empty where it has none */
ngx_str_t ngx_http_notify_subscription_secret(
    const ngx_http_notify_json_t *document);
/* its public key as `publicKey`, where the profile signs with it */
void ngx_http_notify_subscription_secret_public(
    ngx_http_notify_json_write_t *w, const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document);
/* whether the profile that the document names has `sign standard` */
ngx_uint_t ngx_http_notify_subscription_secret_standard(
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document);
/* of a form whose other members are set: the secret fits the profile and the
 * mode, and is made where there is none; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_subscription_secret_check(
    ngx_http_notify_subscription_form_t *form);
/* sets or takes away `enabled` and `reason` */
ngx_int_t ngx_http_notify_subscription_form_enable(
    ngx_http_notify_json_t *document, ngx_uint_t enabled);
ngx_uint_t ngx_http_notify_subscription_form_enabled(
    const ngx_http_notify_json_t *document);
/* enabled, and a webhook: what is published is delivered to it */
ngx_uint_t ngx_http_notify_subscription_form_follows(
    const ngx_http_notify_json_t *document);
/* what decides which events are for it, as the text of a document that has
 * nothing else in it */
ngx_int_t ngx_http_notify_subscription_form_selects(ngx_pool_t *pool,
    const ngx_http_notify_json_t *document, ngx_str_t *text);
ngx_int_t ngx_http_notify_subscription_form_touch(
    ngx_http_notify_json_t *document, const char *member, uint64_t now);

/* shared with the setters of maps: headers, metadata */
ngx_int_t ngx_http_notify_subscription_form_headers(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_subscription_form_metadata(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
/* one a member, in subscription_members; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_subscription_members_url(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_subscription_members_entity_type(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_subscription_members_mode(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_subscription_members_api_key(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_subscription_members_secret(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_subscription_members_signature(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_subscription_members_name(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_subscription_members_profile(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_subscription_members_filter(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_subscription_members_rate(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_subscription_members_in_flight(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_subscription_members_enabled(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value);

/* NGX_DECLINED: it is no string of at most max bytes without control
 * characters, and that has been noted */
ngx_int_t ngx_http_notify_subscription_form_text(
    ngx_http_notify_invalid_t *invalid, const ngx_str_t *name,
    const ngx_http_notify_json_t *value, size_t max, ngx_str_t *text);

/* event, events, objectType and eventType together; any may be NULL */
typedef struct {
    ngx_http_notify_json_t   *event;
    ngx_http_notify_json_t   *events;
    ngx_http_notify_json_t   *object_type;
    ngx_http_notify_json_t   *event_type;
} ngx_http_notify_subscription_form_events_t;

ngx_int_t ngx_http_notify_subscription_form_events(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_form_events_t *given);
/* entityTypeID by name: the number, by what the events are of */
ngx_int_t ngx_http_notify_subscription_form_entity_name(
    ngx_http_notify_subscription_form_t *form);


#endif /* _NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_H_INCLUDED_ */
