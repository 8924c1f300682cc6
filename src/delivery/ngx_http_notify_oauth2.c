/*
 * Sources of tokens: who waits, and the one call that fetches.  Of all workers
 * one fetches; the others look again until its token is there.  Must not know
 * what a token looks like.
 */

#include "ngx_http_notify_context.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_oauth2.h"
#include "ngx_http_notify_timer.h"
#include "ngx_http_notify_tokens.h"


#define NGX_HTTP_NOTIFY_OAUTH2_LOOK      20     /* ms */
#define NGX_HTTP_NOTIFY_OAUTH2_LEASE     1000   /* ms, beside the timeout */
#define NGX_HTTP_NOTIFY_OAUTH2_RESPONSE  (64 * 1024)


typedef struct {
    ngx_http_notify_token_source_t        source;      /* the first member */
    const ngx_http_notify_oauth2_conf_t  *conf;
    const ngx_http_notify_call_conf_t    *of;
    ngx_str_t                             tenant;
    ngx_queue_t                           waiting;
    ngx_event_t                           look;
    ngx_http_notify_call_t               *call;         /* that fetches */
    ngx_http_notify_call_conf_t           how;          /* it is made */
    u_char                                key[NGX_HTTP_NOTIFY_TOKENS_KEY];
} ngx_http_notify_oauth2_t;

/* one fetch; lives until its call has ended */
typedef struct {
    ngx_pool_t                     *pool;
    ngx_http_notify_oauth2_t       *oauth2;
    ngx_http_notify_subscription_t  subscription;
    ngx_keyval_t                    headers[NGX_HTTP_NOTIFY_OAUTH2_HEADERS];
} ngx_http_notify_oauth2_fetch_t;


static ngx_int_t ngx_http_notify_oauth2_digest(
    ngx_http_notify_oauth2_t *oauth2);
static ngx_int_t ngx_http_notify_oauth2_get(
    ngx_http_notify_token_source_t *source,
    ngx_http_notify_token_wait_t *wait);
static ngx_int_t ngx_http_notify_oauth2_ask(ngx_http_notify_oauth2_t *oauth2,
    ngx_http_notify_token_wait_t *wait);
static void ngx_http_notify_oauth2_cancel(ngx_http_notify_token_wait_t *wait);
static void ngx_http_notify_oauth2_reject(
    ngx_http_notify_token_source_t *source, const ngx_str_t *token);
static void ngx_http_notify_oauth2_look(ngx_event_t *ev);
static void ngx_http_notify_oauth2_rest(ngx_http_notify_oauth2_t *oauth2);
static ngx_int_t ngx_http_notify_oauth2_fetch(
    ngx_http_notify_oauth2_t *oauth2, ngx_pool_t *pool, ngx_str_t *why);
static ngx_http_notify_oauth2_fetch_t *ngx_http_notify_oauth2_prepare(
    ngx_http_notify_oauth2_t *oauth2, ngx_str_t *body);
static ngx_int_t ngx_http_notify_oauth2_why(ngx_pool_t *pool,
    const char *reason, ngx_str_t *why);
static ngx_http_notify_event_t *ngx_http_notify_oauth2_event(
    const ngx_str_t *body);
static void ngx_http_notify_oauth2_how(ngx_http_notify_oauth2_t *oauth2);
static void ngx_http_notify_oauth2_fetched(
    const ngx_http_notify_call_result_t *result, void *data);
static void ngx_http_notify_oauth2_tell(ngx_http_notify_oauth2_t *oauth2,
    ngx_int_t rc, const ngx_str_t *text);
static void ngx_http_notify_oauth2_gone(void *data);
static void ngx_http_notify_oauth2_cleanup(void *data);


static const char  ngx_http_notify_oauth2_error[] = "no access token";


ngx_http_notify_token_source_t *
ngx_http_notify_oauth2_create(ngx_pool_t *pool,
    const ngx_http_notify_oauth2_conf_t *conf,
    const ngx_http_notify_call_conf_t *call, const ngx_str_t *tenant)
{
    ngx_http_notify_oauth2_t  *oauth2;

    oauth2 = ngx_http_notify_memory_owned(pool,
                                          sizeof(ngx_http_notify_oauth2_t),
                                          ngx_http_notify_oauth2_cleanup);
    if (oauth2 == NULL) {
        return NULL;
    }

    oauth2->source.get = ngx_http_notify_oauth2_get;
    oauth2->source.cancel = ngx_http_notify_oauth2_cancel;
    oauth2->source.reject = ngx_http_notify_oauth2_reject;
    oauth2->conf = conf;
    oauth2->of = call;
    oauth2->tenant = *tenant;

    ngx_queue_init(&oauth2->waiting);

    oauth2->look.handler = ngx_http_notify_oauth2_look;
    oauth2->look.data = oauth2;
    oauth2->look.cancelable = 1;

    return ngx_http_notify_oauth2_digest(oauth2) == NGX_OK ? &oauth2->source
                                                           : NULL;
}


/* the same question has the same token, whoever asks it */

static ngx_int_t
ngx_http_notify_oauth2_digest(ngx_http_notify_oauth2_t *oauth2)
{
    u_char                                digest[
                                          NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];
    ngx_str_t                             parts[18];
    ngx_uint_t                            i;
    const ngx_http_notify_oauth2_conf_t  *conf;

    conf = oauth2->conf;

    const ngx_str_t  *texts[] = {
        &oauth2->tenant, &conf->url, &conf->scope, &conf->audience,
        &conf->client_id, &conf->client_secret, &conf->print, &conf->head,
        &conf->claims
    };

    for (i = 0; i < 9; i++) {
        parts[2 * i] = *texts[i];
        ngx_str_set(&parts[2 * i + 1], "\n");
    }

    if (ngx_http_notify_crypto_digest(NGX_HTTP_NOTIFY_CRYPTO_SHA256, parts, 18,
                                      digest)
        == 0)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(oauth2->key, digest, NGX_HTTP_NOTIFY_TOKENS_KEY);

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_oauth2_get(ngx_http_notify_token_source_t *source,
    ngx_http_notify_token_wait_t *wait)
{
    ngx_int_t                  rc;
    ngx_http_notify_oauth2_t  *oauth2;

    oauth2 = (ngx_http_notify_oauth2_t *) source;

    rc = ngx_http_notify_oauth2_ask(oauth2, wait);

    if (rc != NGX_AGAIN) {
        return rc;
    }

    wait->source = source;
    ngx_queue_insert_tail(&oauth2->waiting, &wait->queue);

    if (!oauth2->look.timer_set) {
        oauth2->look.log = ngx_cycle->log;
        ngx_add_timer(&oauth2->look, NGX_HTTP_NOTIFY_OAUTH2_LOOK);
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_notify_oauth2_ask(ngx_http_notify_oauth2_t *oauth2,
    ngx_http_notify_token_wait_t *wait)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    rc = ngx_http_notify_tokens_get(oauth2->key, wait->pool,
                                    oauth2->of->timeout
                                        + NGX_HTTP_NOTIFY_OAUTH2_LEASE,
                                    &text);

    switch (rc) {

    case NGX_OK:
        wait->token = text;
        return NGX_OK;

    case NGX_AGAIN:
        return NGX_AGAIN;

    case NGX_DECLINED:

        if (oauth2->call) {
            return NGX_AGAIN;
        }

        rc = ngx_http_notify_oauth2_fetch(oauth2, wait->pool, &text);

        if (rc != NGX_DECLINED) {
            return rc;
        }

        ngx_http_notify_tokens_fail(oauth2->key, &text);
        break;

    case NGX_ABORT:
        break;

    default:
        wait->error = "no memory";
        return NGX_ERROR;
    }

    wait->error = ngx_http_notify_oauth2_error;
    wait->detail = text;

    return NGX_ERROR;
}


static void
ngx_http_notify_oauth2_cancel(ngx_http_notify_token_wait_t *wait)
{
    ngx_http_notify_oauth2_t  *oauth2;

    if (wait->source == NULL) {
        return;
    }

    oauth2 = (ngx_http_notify_oauth2_t *) wait->source;

    ngx_queue_remove(&wait->queue);
    wait->source = NULL;

    ngx_http_notify_oauth2_rest(oauth2);
}


static void
ngx_http_notify_oauth2_reject(ngx_http_notify_token_source_t *source,
    const ngx_str_t *token)
{
    ngx_http_notify_oauth2_t  *oauth2;

    oauth2 = (ngx_http_notify_oauth2_t *) source;

    ngx_http_notify_tokens_reject(oauth2->key, token);
}


/* for what another worker fetches */

static void
ngx_http_notify_oauth2_look(ngx_event_t *ev)
{
    ngx_int_t                      rc;
    ngx_queue_t                   *q;
    ngx_http_notify_oauth2_t      *oauth2;
    ngx_http_notify_token_wait_t  *wait;

    oauth2 = ev->data;

    while (oauth2->call == NULL && !ngx_queue_empty(&oauth2->waiting)) {

        q = ngx_queue_head(&oauth2->waiting);
        wait = ngx_queue_data(q, ngx_http_notify_token_wait_t, queue);

        rc = ngx_http_notify_oauth2_ask(oauth2, wait);

        if (rc == NGX_AGAIN) {
            break;
        }

        ngx_queue_remove(q);
        wait->source = NULL;

        wait->handler(wait, rc);
    }

    if (!ngx_queue_empty(&oauth2->waiting)) {
        ngx_add_timer(&oauth2->look, NGX_HTTP_NOTIFY_OAUTH2_LOOK);
    }
}


static void
ngx_http_notify_oauth2_rest(ngx_http_notify_oauth2_t *oauth2)
{
    if (ngx_queue_empty(&oauth2->waiting) && oauth2->look.timer_set) {
        ngx_del_timer(&oauth2->look);
    }
}


/* NGX_AGAIN: its call is made; NGX_DECLINED: *why it cannot be */

static ngx_int_t
ngx_http_notify_oauth2_fetch(ngx_http_notify_oauth2_t *oauth2,
    ngx_pool_t *pool, ngx_str_t *why)
{
    ngx_str_t                        body;
    const char                      *reason;
    ngx_http_notify_event_t         *event;
    ngx_http_notify_target_t        *target;
    ngx_http_notify_oauth2_fetch_t  *fetch;

    static ngx_str_t  channel = ngx_null_string;

    fetch = ngx_http_notify_oauth2_prepare(oauth2, &body);

    if (fetch == NULL) {
        return ngx_http_notify_oauth2_why(pool, NULL, why);
    }

    target = ngx_http_notify_call_target(&oauth2->how, &fetch->subscription,
                                         ngx_cycle->log, &reason);
    if (target == NULL) {
        (void) ngx_http_notify_oauth2_why(pool, reason, why);
        ngx_destroy_pool(fetch->pool);
        return NGX_DECLINED;
    }

    event = ngx_http_notify_oauth2_event(&body);

    if (event) {
        oauth2->call = ngx_http_notify_call_start(target, event, NULL,
                                            &channel, NULL, 1, 0,
                                            ngx_http_notify_oauth2_fetched,
                                            fetch);
        ngx_http_notify_log_unref(event);
    }

    /* goes with the call, and the fetch with it */

    ngx_http_notify_call_target_release(target, ngx_http_notify_oauth2_gone,
                                        fetch);

    return oauth2->call ? NGX_AGAIN
                        : ngx_http_notify_oauth2_why(pool, NULL, why);
}


static ngx_http_notify_oauth2_fetch_t *
ngx_http_notify_oauth2_prepare(ngx_http_notify_oauth2_t *oauth2,
    ngx_str_t *body)
{
    ngx_pool_t                      *pool;
    ngx_http_notify_subscription_t  *subscription;
    ngx_http_notify_oauth2_fetch_t  *fetch;

    fetch = ngx_http_notify_memory_pool(&pool, 1024,
                                        sizeof(ngx_http_notify_oauth2_fetch_t),
                                        ngx_cycle->log);
    if (fetch == NULL) {
        return NULL;
    }

    fetch->pool = pool;
    fetch->oauth2 = oauth2;

    subscription = &fetch->subscription;
    subscription->pool = pool;
    subscription->tenant = oauth2->tenant;
    subscription->url = oauth2->conf->url;
    subscription->headers = fetch->headers;

    if (ngx_http_notify_oauth2_request(pool, oauth2->conf, body,
                                       fetch->headers,
                                       &subscription->nheaders)
        != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return NULL;
    }

    ngx_http_notify_oauth2_how(oauth2);

    return fetch;
}


/* NULL: memory */

static ngx_int_t
ngx_http_notify_oauth2_why(ngx_pool_t *pool, const char *reason,
    ngx_str_t *why)
{
    size_t  len;

    if (reason) {
        len = ngx_strlen(reason);

        why->data = ngx_pnalloc(pool, len);

        if (why->data) {
            ngx_memcpy(why->data, reason, len);
            why->len = len;
            return NGX_DECLINED;
        }
    }

    ngx_str_set(why, "no memory");

    return NGX_DECLINED;
}


/* with `payload raw` its data is the body */

static ngx_http_notify_event_t *
ngx_http_notify_oauth2_event(const ngx_str_t *body)
{
    ngx_http_notify_event_t  *event;

    event = ngx_alloc(sizeof(ngx_http_notify_event_t) + body->len,
                      ngx_cycle->log);
    if (event == NULL) {
        return NULL;
    }

    ngx_memzero(event, sizeof(ngx_http_notify_event_t));

    event->data.data = (u_char *) &event[1];
    event->data.len = body->len;
    event->refs = 1;

    ngx_memcpy(event->data.data, body->data, body->len);

    return event;
}


/* as its profile has it, but for what is sent and read */

static void
ngx_http_notify_oauth2_how(ngx_http_notify_oauth2_t *oauth2)
{
    ngx_http_notify_call_conf_t  *how;

    how = &oauth2->how;

    if (how->state) {
        return;
    }

    *how = *oauth2->of;

    ngx_memzero(&how->payload, sizeof(ngx_http_notify_payload_conf_t));
    ngx_memzero(&how->sign, sizeof(ngx_http_notify_sign_conf_t));

    how->payload.kind = NGX_HTTP_NOTIFY_PAYLOAD_RAW;
    ngx_str_set(&how->payload.method, "POST");

    how->token = NULL;
    how->fcm = NULL;
    how->trace = 0;
    how->customize = 0;
    how->response_limit = NGX_HTTP_NOTIFY_OAUTH2_RESPONSE;
    how->first = 1;
}


static void
ngx_http_notify_oauth2_fetched(const ngx_http_notify_call_result_t *result,
    void *data)
{
    ngx_http_notify_oauth2_fetch_t *fetch = data;

    ngx_int_t                  rc;
    ngx_str_t                  host, text;
    ngx_msec_t                 life;
    ngx_http_notify_oauth2_t  *oauth2;

    oauth2 = fetch->oauth2;
    oauth2->call = NULL;

    rc = ngx_http_notify_oauth2_answer(fetch->pool, result, &text, &life);

    if (rc == NGX_OK) {
        ngx_http_notify_tokens_put(oauth2->key, &text, life);

    } else {
        if (rc == NGX_ERROR) {
            ngx_str_set(&text, "no memory");
        }

        ngx_http_notify_tokens_fail(oauth2->key, &text);

        host = ngx_http_notify_context_host(&oauth2->conf->url);

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "notify oauth2: no access token from \"%V\": %V", &host,
                      &text);
    }

    ngx_http_notify_oauth2_tell(oauth2, rc, &text);
}


/* where none could be got, the former one is used to its end */

static void
ngx_http_notify_oauth2_tell(ngx_http_notify_oauth2_t *oauth2, ngx_int_t rc,
    const ngx_str_t *text)
{
    ngx_str_t                     *field, kept;
    ngx_queue_t                   *q;
    ngx_http_notify_token_wait_t  *wait;

    while (!ngx_queue_empty(&oauth2->waiting)) {

        q = ngx_queue_head(&oauth2->waiting);
        wait = ngx_queue_data(q, ngx_http_notify_token_wait_t, queue);

        ngx_queue_remove(q);
        wait->source = NULL;

        if (rc != NGX_OK
            && ngx_http_notify_tokens_get(oauth2->key, wait->pool, 0, &kept)
               == NGX_OK)
        {
            wait->token = kept;
            wait->handler(wait, NGX_OK);
            continue;
        }

        wait->error = ngx_http_notify_oauth2_error;
        field = (rc == NGX_OK) ? &wait->token : &wait->detail;

        field->data = ngx_pstrdup(wait->pool, (ngx_str_t *) text);

        if (field->data == NULL) {
            wait->error = "no memory";
            wait->handler(wait, NGX_ERROR);
            continue;
        }

        field->len = text->len;

        wait->handler(wait, rc == NGX_OK ? NGX_OK : NGX_ERROR);
    }

    ngx_http_notify_oauth2_rest(oauth2);
}


static void
ngx_http_notify_oauth2_gone(void *data)
{
    ngx_http_notify_oauth2_fetch_t *fetch = data;

    fetch->oauth2->call = NULL;

    ngx_destroy_pool(fetch->pool);
}


static void
ngx_http_notify_oauth2_cleanup(void *data)
{
    ngx_http_notify_oauth2_t *oauth2 = data;

    if (oauth2->call) {
        ngx_http_notify_call_abort(oauth2->call);
    }

    ngx_http_notify_timer_stop(&oauth2->look);
}
