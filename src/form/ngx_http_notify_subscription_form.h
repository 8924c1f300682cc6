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


#define NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_MEMBERS  40


typedef struct {
    ngx_pool_t                        *pool;
    const ngx_http_notify_channel_t   *channel;
    ngx_http_notify_json_t            *document;    /* see subscriptions.h */
    ngx_http_notify_invalid_t         *invalid;
    ngx_uint_t                         merge;       /* absent: keep; PATCH */

    /* private: the members of the input, by their place in the table */
    ngx_http_notify_json_t
                    *values[NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_MEMBERS];
    ngx_str_t        names[NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_MEMBERS];
    ngx_http_notify_json_t            *event;
    ngx_http_notify_json_t            *events;
    ngx_http_notify_json_t            *object_type;
    ngx_http_notify_json_t            *event_type;
    ngx_str_t                          secret;
    unsigned                           tls:1;       /* it has this member, */
    unsigned                           oauth2:1;    /* this, */
    unsigned                           body:1;      /* payload or batch */
    ngx_str_t                          signature;   /* "ed25519", "hmac", or
                                                       empty */
} ngx_http_notify_subscription_form_t;


/* what is shown */
typedef struct {
    const ngx_http_notify_channel_t   *channel;
    const ngx_http_notify_json_t      *document;
    const ngx_str_t                   *cursor;      /* in cursor:<shard>, may
                                                       be empty */
    const ngx_str_t                   *health;      /* the same */
    ngx_uint_t                         secret;      /* unsigned  secret:1; */
} ngx_http_notify_subscription_shown_t;


/* NGX_OK: form->document is made of the input, an object; NGX_DECLINED:
 * form->invalid says what is wrong; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_subscription_form_apply(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_json_t *input);
void ngx_http_notify_subscription_members_show(
    ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_shown_t *shown);


/* a copy with these members only; NULL: memory */
ngx_http_notify_json_t *ngx_http_notify_subscription_document_part(
    ngx_pool_t *pool, const ngx_http_notify_json_t *document,
    const char *const *names);
/* the claim of a sync or iframe subscription, else empty */
ngx_int_t ngx_http_notify_subscription_document_claim(ngx_pool_t *pool,
    const ngx_http_notify_json_t *document, ngx_str_t *claim);
/* a new current secret; the earlier ones are accepted until `expires` */
ngx_int_t ngx_http_notify_subscription_document_secret(ngx_pool_t *pool,
    ngx_http_notify_json_t *document, const ngx_str_t *secret,
    ngx_uint_t standard, uint64_t now, uint64_t expires);
/* sets or takes away `enabled` and `reason` */
ngx_int_t ngx_http_notify_subscription_document_enable(
    ngx_http_notify_json_t *document, ngx_uint_t enabled);
/* enabled, confirmed, and a webhook: what is published is delivered to it */
ngx_uint_t ngx_http_notify_subscription_document_follows(
    const ngx_http_notify_json_t *document);
/* what decides which events are for it, as the text of a document that has
 * nothing else in it */
ngx_int_t ngx_http_notify_subscription_document_selects(ngx_pool_t *pool,
    const ngx_http_notify_json_t *document, ngx_str_t *text);


/* the current one, empty where it has none */
ngx_str_t ngx_http_notify_subscription_secret(
    const ngx_http_notify_json_t *document);
/* whether it also makes tokens, in iframe mode */
ngx_uint_t ngx_http_notify_subscription_secret_token(
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


/*
 * A member, in the table of subscription_members.  read: checks the value and
 * puts it into the document, or notes what is wrong; NGX_ERROR: memory.
 */
typedef struct ngx_http_notify_subscription_member_s
    ngx_http_notify_subscription_member_t;

typedef ngx_int_t ngx_http_notify_subscription_read_t(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value);
typedef void ngx_http_notify_subscription_show_t(
    ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown);

struct ngx_http_notify_subscription_member_s {
    const char                           *name;
    const char                           *stored;   /* its name in the document,
                                                       NULL: none of its own */
    size_t                                max;      /* bytes, or the number */
    ngx_http_notify_subscription_read_t  *read;     /* NULL: ignored */
    ngx_http_notify_subscription_show_t  *show;     /* NULL: not shown */
};

/* active, paused, lagging, pending or disabled; the reason may be in buf, of
 * that size, and is empty where there is none */
#define NGX_HTTP_NOTIFY_SUBSCRIPTION_REASON  80

const char *ngx_http_notify_subscription_show_state(
    const ngx_http_notify_subscription_shown_t *shown, ngx_str_t *reason,
    u_char *buf);
/* epoch, milliseconds, 0 or less: none; 0: when a call has succeeded last, 1:
 * the first failure after that */
off_t ngx_http_notify_subscription_show_since(
    const ngx_http_notify_subscription_shown_t *shown, ngx_uint_t n);

/* its place in the table, or NGX_DECLINED */
ngx_int_t ngx_http_notify_subscription_members_find(const ngx_str_t *name);
/* those of form->values; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_subscription_members_read(
    ngx_http_notify_subscription_form_t *form);

ngx_http_notify_subscription_read_t
    ngx_http_notify_subscription_maps_headers,
    ngx_http_notify_subscription_maps_metadata,
    ngx_http_notify_subscription_custom_payload,
    ngx_http_notify_subscription_custom_retry,
    ngx_http_notify_subscription_custom_timeout,
    ngx_http_notify_subscription_custom_tls,
    ngx_http_notify_subscription_custom_oauth2,
    ngx_http_notify_subscription_custom_batch;

ngx_http_notify_subscription_show_t
    ngx_http_notify_subscription_show_copy,
    ngx_http_notify_subscription_show_attributes,
    ngx_http_notify_subscription_show_event,
    ngx_http_notify_subscription_show_mode,
    ngx_http_notify_subscription_show_profile,
    ngx_http_notify_subscription_show_rate,
    ngx_http_notify_subscription_show_time,
    ngx_http_notify_subscription_show_status,
    ngx_http_notify_subscription_show_paused,
    ngx_http_notify_subscription_show_health,
    ngx_http_notify_subscription_show_tls,
    ngx_http_notify_subscription_show_public_key,
    ngx_http_notify_subscription_show_secret;

/* of those that a PUT keeps until it is known what it has: which it has not;
 * NGX_ERROR: memory */
ngx_int_t ngx_http_notify_subscription_custom_kept(
    ngx_http_notify_subscription_form_t *form);
/* whether what it has of `payload` and `batch` goes together, and with its
 * profile; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_subscription_custom_together(
    ngx_http_notify_subscription_form_t *form);

/* event, events, objectType and eventType together; any may be NULL */
ngx_int_t ngx_http_notify_subscription_events(
    ngx_http_notify_subscription_form_t *form);
/* entityTypeID by name: the number, by what the events are of */
ngx_int_t ngx_http_notify_subscription_events_entity_name(
    ngx_http_notify_subscription_form_t *form);


#endif /* _NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_H_INCLUDED_ */
