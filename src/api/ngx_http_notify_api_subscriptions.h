/*
 * What the files of the resource `subscriptions` share: a call on one stored
 * subscription, which is read, changed and written with its version, and done
 * again when another writer came between.
 */

#ifndef _NGX_HTTP_NOTIFY_API_SUBSCRIPTIONS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_SUBSCRIPTIONS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_subscriptions.h"


typedef struct ngx_http_notify_api_subscription_s
    ngx_http_notify_api_subscription_t;

struct ngx_http_notify_api_subscription_s {
    ngx_http_notify_api_t     *api;
    ngx_str_t                  id;
    ngx_http_notify_json_t    *input;       /* the body, or NULL */
    ngx_http_notify_json_t    *document;    /* read, then changed */
    uint64_t                   version;     /* as read; 0: a new one */
    ngx_uint_t                 enabled;     /* as read */
    ngx_uint_t                 follows;     /* as read */
    ngx_uint_t                 target;      /* as read: of the channel */
    ngx_str_t                  selects;     /* as read */
    ngx_str_t                  url;         /* as read */
    ngx_str_t                  profile;     /* as read */
    ngx_msec_t                 confirm;     /* its endpoint is to agree: after
                                             * this it is asked again; or 0 */
    ngx_str_t                  text;        /* as read */
    ngx_str_t                  cursor;
    ngx_str_t                  health;
    ngx_str_t                  if_match;
    ngx_uint_t                 writes;
    /* with the document at hand */
    void   (*act)(ngx_http_notify_api_subscription_t *call);
    /* after a write: answers */
    void   (*done)(ngx_http_notify_api_subscription_t *call);
    /* of one that is made, where another has its uid: that one is read, and
     * the new document is the data; NULL: it is a conflict */
    void   (*named)(ngx_http_notify_api_subscription_t *call);
    void                      *data;        /* of the action */
};


/* reads call->id; 404, 412, 503 are answered, else call->act is called */
void ngx_http_notify_api_stored_load(
    ngx_http_notify_api_subscription_t *call);
/* writes call->document; refusals are answered, else call->done is called */
void ngx_http_notify_api_stored_save(
    ngx_http_notify_api_subscription_t *call);
/* what was written is a gate's business: then call->done */
void ngx_http_notify_api_stored_settle(
    ngx_http_notify_api_subscription_t *call);
/* whether a list of entity tags (If-Match, If-None-Match) has the version */
ngx_uint_t ngx_http_notify_api_stored_match(const ngx_str_t *tags,
    uint64_t version);

/* a path with uid:VALUE in place of an id: the id is asked for, and the handler
 * called with it */
ngx_uint_t ngx_http_notify_api_uid_used(const ngx_http_notify_api_t *api);
void ngx_http_notify_api_uid(ngx_http_notify_api_t *api,
    void (*handler)(ngx_http_notify_api_t *api));
/* whether the one that was read says what call->data says, the new document */
ngx_uint_t ngx_http_notify_api_uid_same(
    const ngx_http_notify_api_subscription_t *call);

/* of a document that is to be written: whether its endpoint has to agree;
 * NGX_ERROR: memory */
ngx_int_t ngx_http_notify_api_confirm_mark(
    ngx_http_notify_api_subscription_t *call);
/* it was written: its endpoint is asked, and nobody waits for that */
void ngx_http_notify_api_confirm_begin(
    ngx_http_notify_api_subscription_t *call);

/* an event that is not in the log; NULL: memory */
ngx_http_notify_event_t *ngx_http_notify_api_actions_test_event(
    const ngx_str_t *tenant, const char *type, const ngx_str_t *data);

/* GET of {id}/stats; NGX_DECLINED: an answer has been sent */
ngx_int_t ngx_http_notify_api_calls(ngx_http_notify_api_subscription_t *call);

/* GET of the collection, in api_list */
void ngx_http_notify_api_subscriptions_list(ngx_http_notify_api_t *api);

/* a member that is a time, in seconds; NGX_DECLINED: absent, or noted */
ngx_int_t ngx_http_notify_api_actions_time(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input, const char *member, ngx_int_t min,
    ngx_int_t max, ngx_int_t *seconds);
/* only these members; NGX_DECLINED: an answer has been sent */
ngx_int_t ngx_http_notify_api_actions_members(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input, const char **names);

/* sets call->if_match; NGX_DECLINED: it is no such header, 400 has been sent */
ngx_int_t ngx_http_notify_api_stored_if_match(
    ngx_http_notify_api_subscription_t *call);

/* pause, resume, test, redeliver, rotate-secret, secret; _bare: one that takes
 * no members; NGX_DECLINED: an answer has been sent */
ngx_int_t ngx_http_notify_api_actions_test(
    ngx_http_notify_api_subscription_t *call);
ngx_int_t ngx_http_notify_api_actions_redeliver(
    ngx_http_notify_api_subscription_t *call);
ngx_int_t ngx_http_notify_api_actions_rotate(
    ngx_http_notify_api_subscription_t *call);
ngx_int_t ngx_http_notify_api_actions_secret(
    ngx_http_notify_api_subscription_t *call);
ngx_int_t ngx_http_notify_api_pause(ngx_http_notify_api_subscription_t *call);
ngx_int_t ngx_http_notify_api_confirm(
    ngx_http_notify_api_subscription_t *call);
ngx_int_t ngx_http_notify_api_pause_resume(
    ngx_http_notify_api_subscription_t *call);
ngx_int_t ngx_http_notify_api_actions_bare(ngx_http_notify_api_t *api);


#endif /* _NGX_HTTP_NOTIFY_API_SUBSCRIPTIONS_H_INCLUDED_ */
