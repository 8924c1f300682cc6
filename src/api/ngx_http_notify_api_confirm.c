/*
 * `confirm`: before a subscription or its new URL is active its endpoint is
 * asked, and must agree.  The question outlives the request that caused it; who
 * dies with it has left a subscription that is pending, and is asked again,
 * see api_confirm_again.
 */

#include "ngx_http_notify_api_confirm.h"
#include "ngx_http_notify_api_subscriptions.h"
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_custom_target.h"
#include "ngx_http_notify_exit_hold.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_limits.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_subscription_form.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_CONFIRM_WRITES  5
#define NGX_HTTP_NOTIFY_API_CONFIRM_AFTER   5000    /* ms, and the timeout */


/* a question under way, in a pool of its own */
typedef struct {
    ngx_pool_t                       *pool;
    ngx_http_notify_channel_t        *channel;
    ngx_http_notify_subscription_t   *subscription;
    ngx_http_notify_target_t         *target;
    ngx_http_notify_event_t          *event;
    ngx_str_t                         token;
    ngx_uint_t                        rate;     /* per 1,000 s; 0: any */
    ngx_uint_t                        writes;
    void                             *waiting;  /* who has asked, or NULL */
} ngx_http_notify_api_confirm_t;


static void ngx_http_notify_api_confirm_again(
    ngx_http_notify_api_subscription_t *call);
static ngx_int_t ngx_http_notify_api_confirm_ask(
    ngx_http_notify_api_subscription_t *call, void *waiting);
static ngx_int_t ngx_http_notify_api_confirm_prepare(
    ngx_http_notify_api_confirm_t *job, ngx_http_notify_profile_t *profile);
static void ngx_http_notify_api_confirm_answered(
    const ngx_http_notify_call_result_t *result, void *data);
static const char *ngx_http_notify_api_confirm_refused(
    ngx_http_notify_api_confirm_t *job,
    const ngx_http_notify_call_result_t *result);
static ngx_uint_t ngx_http_notify_api_confirm_echoed(
    ngx_http_notify_api_confirm_t *job, const ngx_str_t *body);
static ngx_int_t ngx_http_notify_api_confirm_load(
    ngx_http_notify_api_confirm_t *job);
static ngx_http_notify_redis_handler_t  ngx_http_notify_api_confirm_loaded;
static ngx_int_t ngx_http_notify_api_confirm_write(
    ngx_http_notify_api_confirm_t *job, ngx_http_notify_json_t *document,
    uint64_t version);
static void ngx_http_notify_api_confirm_written(
    const ngx_http_notify_subscriptions_result_t *result, void *data);
static void ngx_http_notify_api_confirm_end(
    ngx_http_notify_api_confirm_t *job);
static void ngx_http_notify_api_confirm_free(
    ngx_http_notify_api_confirm_t *job);
static void ngx_http_notify_api_confirm_gone(void *data);


ngx_int_t
ngx_http_notify_api_confirm_mark(ngx_http_notify_api_subscription_t *call)
{
    ngx_str_t                   url, name;
    ngx_http_notify_json_t     *document;
    ngx_http_notify_profile_t  *profile;

    document = call->document;

    url = ngx_http_notify_json_get_string(document, "url");
    name = ngx_http_notify_json_get_string(document, "profile");

    profile = ngx_http_notify_channel_profile(call->api->channel, &name);

    call->confirm = 0;

    if (call->version
        && ngx_http_notify_text_equal(&url, &call->url)
        && profile == ngx_http_notify_channel_profile(call->api->channel,
                                                      &call->profile))
    {
        return NGX_OK;
    }

    if (ngx_http_notify_json_remove(document, "allowedRate") != NGX_OK) {
        return NGX_ERROR;
    }

    if (profile == NULL
        || profile->call.confirm == NGX_HTTP_NOTIFY_CONFIRM_OFF)
    {
        return ngx_http_notify_json_remove(document, "unconfirmed");
    }

    call->confirm = profile->call.timeout + NGX_HTTP_NOTIFY_API_CONFIRM_AFTER;

    return ngx_http_notify_json_set_bool(document, "unconfirmed", 1);
}


void
ngx_http_notify_api_confirm_begin(ngx_http_notify_api_subscription_t *call)
{
    if (call->confirm
        && ngx_http_notify_subscriptions_unconfirmed(call->document))
    {
        (void) ngx_http_notify_api_confirm_ask(call, NULL);
    }
}


ngx_int_t
ngx_http_notify_api_confirm(ngx_http_notify_api_subscription_t *call)
{
    call->act = ngx_http_notify_api_confirm_again;

    return ngx_http_notify_api_actions_bare(call->api);
}


/* the answer is what has become of it */

static void
ngx_http_notify_api_confirm_again(ngx_http_notify_api_subscription_t *call)
{
    ngx_http_notify_api_t  *api;

    api = call->api;

    if (!ngx_http_notify_subscriptions_unconfirmed(call->document)) {
        call->done(call);
        return;
    }

    call->act = call->done;

    /* its version was the one, and is another when the endpoint agrees */

    ngx_str_null(&call->if_match);

    if (ngx_http_notify_api_confirm_ask(call,
                                   ngx_http_notify_api_suspended_begin(api))
        != NGX_OK)
    {
        ngx_http_notify_api_suspended_cancel(api);
        ngx_http_notify_api_problem(api, NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "too_many_calls",
                                    "the endpoint cannot be asked now");
    }
}


/* NGX_ERROR: it is not asked, as was logged */

static ngx_int_t
ngx_http_notify_api_confirm_ask(ngx_http_notify_api_subscription_t *call,
    void *waiting)
{
    ngx_str_t               json, text;
    ngx_pool_t             *pool;
    ngx_http_notify_api_t  *api;

    api = call->api;
    pool = api->request->pool;

    if (ngx_http_notify_json_dump(pool, call->document, 0, &json) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_memory_printf(pool, &text, "%uL %V", call->version,
                                      &json)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_api_confirm_text(api->channel, &call->id, &text,
                                            waiting);
}


ngx_int_t
ngx_http_notify_api_confirm_text(ngx_http_notify_channel_t *channel,
    const ngx_str_t *id, const ngx_str_t *text, void *waiting)
{
    ngx_pool_t                     *pool;
    ngx_http_notify_profile_t      *profile;
    ngx_http_notify_api_confirm_t  *job;

    job = ngx_http_notify_memory_pool(&pool, 1024,
                                      sizeof(ngx_http_notify_api_confirm_t),
                                      ngx_cycle->log);
    if (job == NULL) {
        return NGX_ERROR;
    }

    job->pool = pool;
    job->channel = channel;
    job->waiting = waiting;

    job->subscription = ngx_http_notify_subscriptions_parse(&channel->keys,
                                                            text,
                                                            ngx_cycle->log);
    if (job->subscription == NULL) {
        goto failed;
    }

    if (!ngx_http_notify_subscriptions_unconfirmed(
                                                job->subscription->document))
    {
        ngx_http_notify_api_confirm_free(job);
        return NGX_DECLINED;
    }

    profile = ngx_http_notify_channel_profile(channel,
                                              &job->subscription->profile);

    if (profile == NULL
        || ngx_http_notify_api_confirm_prepare(job, profile) != NGX_OK
        || ngx_http_notify_call_target_room(job->target) == 0
        || ngx_http_notify_call_start(job->target, job->event, NULL,
                                      &channel->name, channel->hops,
                                      1, 0,
                                      ngx_http_notify_api_confirm_answered,
                                      job)
           == NULL)
    {
        goto failed;
    }

    ngx_http_notify_exit_hold_begin();

    return NGX_OK;

failed:

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "notify confirm: the endpoint of subscription \"%V\" of "
                  "channel \"%V\" could not be asked", id, &channel->name);

    ngx_http_notify_api_confirm_free(job);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_notify_api_confirm_prepare(ngx_http_notify_api_confirm_t *job,
    ngx_http_notify_profile_t *profile)
{
    ngx_int_t                 rc;
    ngx_str_t                 data, line;
    const char               *reason;
    ngx_http_notify_share_t  *share;
    u_char                    buf[NGX_MAXHOSTNAMELEN + 64];

    if (ngx_http_notify_id_random(job->pool, "", &job->token) != NGX_OK) {
        return NGX_ERROR;
    }

    job->target = ngx_http_notify_custom_target(&profile->call,
                                              job->subscription,
                                              ngx_cycle->log, &reason);
    if (job->target == NULL) {
        return NGX_ERROR;
    }

    share = ngx_http_notify_limits_share(job->channel,
                                         &job->subscription->tenant);
    if (share) {
        ngx_http_notify_call_target_share(job->target, share);
        ngx_http_notify_share_release(share);
    }

    ngx_str_null(&data);
    ngx_str_null(&line);

    if (profile->call.confirm == NGX_HTTP_NOTIFY_CONFIRM_CLOUDEVENTS) {
        ngx_str_null(&job->token);

        line.data = buf;
        line.len = ngx_snprintf(buf, sizeof(buf),
                                "WebHook-Request-Origin: %V" CRLF,
                                &ngx_cycle->hostname)
                   - buf;

        rc = ngx_http_notify_call_target_ask(job->target, "OPTIONS", &line);

    } else {
        data.data = buf;
        data.len = ngx_snprintf(buf, sizeof(buf),
                                "{\"type\":\"notify.confirm\","
                                "\"challenge\":\"%V\"}", &job->token)
                   - buf;

        rc = ngx_http_notify_call_target_ask(job->target, "POST", &line);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    job->event = ngx_http_notify_api_actions_test_event(
                     &job->subscription->tenant, "notify.confirm", &data);

    return job->event ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_notify_api_confirm_answered(
    const ngx_http_notify_call_result_t *result, void *data)
{
    ngx_http_notify_api_confirm_t *job = data;

    const char  *why;

    why = ngx_http_notify_api_confirm_refused(job, result);

    if (why == NULL) {
        if (ngx_http_notify_api_confirm_load(job) == NGX_OK) {
            return;
        }

        why = "no memory";
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "notify confirm: the endpoint of subscription \"%V\" of "
                  "channel \"%V\" has not agreed: %s, status %ui",
                  &job->subscription->id, &job->channel->name, why,
                  result->status);

    /* it has said no, and not only that it cannot say */

    if (result->status && result->status < NGX_HTTP_INTERNAL_SERVER_ERROR
        && result->status != NGX_HTTP_TOO_MANY_REQUESTS)
    {
        (void) ngx_http_notify_subscriptions_answered(job->channel->redis,
                                                      &job->channel->keys,
                                                      &job->subscription->id);
    }

    ngx_http_notify_api_confirm_end(job);
}


/* why it has not agreed; NULL: it has */

static const char *
ngx_http_notify_api_confirm_refused(ngx_http_notify_api_confirm_t *job,
    const ngx_http_notify_call_result_t *result)
{
    ngx_int_t   n;
    ngx_str_t  *hostname;

    if (result->verdict != NGX_HTTP_NOTIFY_CALL_OK) {
        return result->error;
    }

    if (job->token.len) {
        return ngx_http_notify_api_confirm_echoed(job, &result->body)
               ? NULL : "the answer does not carry the challenge";
    }

    hostname = (ngx_str_t *) &ngx_cycle->hostname;

    if (!ngx_http_notify_text_is(&result->allowed_origin, "*")
        && !ngx_http_notify_text_equal_nocase(&result->allowed_origin,
                                              hostname))
    {
        return "WebHook-Allowed-Origin does not name this host";
    }

    /* a number a minute, or "*" */

    n = ngx_atoi(result->allowed_rate.data, result->allowed_rate.len);

    if (n > 0 && n < 60 * 1000000) {
        job->rate = ngx_max((ngx_uint_t) n * 1000 / 60, 1);
    }

    return NULL;
}


/* as the text, or as its member */

static ngx_uint_t
ngx_http_notify_api_confirm_echoed(ngx_http_notify_api_confirm_t *job,
    const ngx_str_t *body)
{
    ngx_str_t                      text;
    ngx_http_notify_json_t        *json;
    ngx_http_notify_json_error_t   error;

    text = *body;

    while (text.len && (text.data[text.len - 1] == LF
                        || text.data[text.len - 1] == CR
                        || text.data[text.len - 1] == ' '))
    {
        text.len--;
    }

    if (ngx_http_notify_text_equal(&text, &job->token)) {
        return 1;
    }

    json = ngx_http_notify_json_parse(job->pool, &text, &error);

    if (json == NULL) {
        return 0;
    }

    text = ngx_http_notify_json_string(json);

    if (text.len == 0) {
        text = ngx_http_notify_json_get_string(json, "challenge");
    }

    return ngx_http_notify_text_equal(&text, &job->token);
}


static ngx_int_t
ngx_http_notify_api_confirm_load(ngx_http_notify_api_confirm_t *job)
{
    return ngx_http_notify_subscriptions_get(job->channel->redis,
                                         &job->channel->keys,
                                         &job->subscription->id,
                                         ngx_http_notify_api_confirm_loaded,
                                         job);
}


/* what was changed meanwhile holds: another URL is another question */

static void
ngx_http_notify_api_confirm_loaded(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_api_confirm_t *job = data;

    uint64_t                       version;
    ngx_str_t                      url, text;
    ngx_http_notify_resp_t        *field;
    ngx_http_notify_json_t        *document;
    ngx_http_notify_json_error_t   error;

    field = resp ? ngx_http_notify_resp_at(resp, 0) : NULL;

    if (field == NULL || field->type != NGX_HTTP_NOTIFY_RESP_STRING) {
        ngx_http_notify_api_confirm_end(job);
        return;
    }

    version = 0;
    text.len = field->str.len;
    text.data = ngx_pstrdup(job->pool, &field->str);

    document = text.data ? ngx_http_notify_subscriptions_document(job->pool,
                               &job->channel->keys, &text, &version, &error)
                         : NULL;

    url = ngx_http_notify_json_get_string(document, "url");

    if (document == NULL
        || ngx_http_notify_seal_reason(document)
        || !ngx_http_notify_subscriptions_unconfirmed(document)
        || !ngx_http_notify_text_equal(&url, &job->subscription->url)
        || ngx_http_notify_api_confirm_write(job, document, version) != NGX_OK)
    {
        ngx_http_notify_api_confirm_end(job);
    }
}


static ngx_int_t
ngx_http_notify_api_confirm_write(ngx_http_notify_api_confirm_t *job,
    ngx_http_notify_json_t *document, uint64_t version)
{
    ngx_http_notify_subscriptions_write_t  write;

    ngx_memzero(&write, sizeof(ngx_http_notify_subscriptions_write_t));

    if (ngx_http_notify_json_remove(document, "unconfirmed") != NGX_OK
        || (job->rate
            && ngx_http_notify_json_set_integer(document, "allowedRate",
                                                job->rate)
               != NGX_OK)
        || ngx_http_notify_subscription_document_claim(job->pool, document,
                                                       &write.sync)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    write.id = job->subscription->id;
    write.tenant = job->subscription->tenant;
    write.document = document;
    write.expected = version;
    write.max = job->channel->subscriptions_max;
    write.follows = ngx_http_notify_subscription_document_follows(document);
    write.uid = ngx_http_notify_json_get_string(document, "uid");

    return ngx_http_notify_subscriptions_write(job->channel->redis,
                                         &job->channel->keys, &write,
                                         ngx_http_notify_api_confirm_written,
                                         job);
}


static void
ngx_http_notify_api_confirm_written(
    const ngx_http_notify_subscriptions_result_t *result, void *data)
{
    ngx_http_notify_api_confirm_t *job = data;

    if (result->status == NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANGED
        && ++job->writes < NGX_HTTP_NOTIFY_API_CONFIRM_WRITES
        && ngx_http_notify_api_confirm_load(job) == NGX_OK)
    {
        return;
    }

    ngx_http_notify_api_confirm_end(job);
}


/* who waits for it reads what has become of it */

static void
ngx_http_notify_api_confirm_end(ngx_http_notify_api_confirm_t *job)
{
    void                   *waiting;
    ngx_http_notify_api_t  *api;

    waiting = job->waiting;

    ngx_http_notify_exit_hold_end();
    ngx_http_notify_api_confirm_free(job);

    api = waiting ? ngx_http_notify_api_suspended_resume(waiting) : NULL;

    if (api) {
        ngx_http_notify_api_stored_load(api->data);
    }
}


static void
ngx_http_notify_api_confirm_free(ngx_http_notify_api_confirm_t *job)
{
    if (job->event) {
        ngx_http_notify_log_unref(job->event);
    }

    if (job->subscription && job->target) {
        ngx_http_notify_call_target_release(job->target,
                                            ngx_http_notify_api_confirm_gone,
                                            job->subscription->pool);

    } else if (job->subscription) {
        ngx_destroy_pool(job->subscription->pool);
    }

    ngx_destroy_pool(job->pool);
}


static void
ngx_http_notify_api_confirm_gone(void *data)
{
    ngx_pool_t  *pool = data;

    ngx_destroy_pool(pool);
}
