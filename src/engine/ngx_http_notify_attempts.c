
/*
 * An entry has two fields.  "a", heads: a line an attempt, " ms seq attempt
 * time latency status verdict flags[ error]", all numbers in hex.
 * "x", extras: for each head with the flag 1 or 3, in order, "detail-length
 * response-length:" and the bytes; the flag 2 says that there was more.
 */

#include "ngx_http_notify_attempts.h"
#include "ngx_http_notify_delivery.h"


#define NGX_HTTP_NOTIFY_ATTEMPTS_ERROR     128
#define NGX_HTTP_NOTIFY_ATTEMPTS_DETAIL    512
#define NGX_HTTP_NOTIFY_ATTEMPTS_HEAD                                         \
    (8 * 17 + NGX_HTTP_NOTIFY_ATTEMPTS_ERROR + 2)
/* what waits for a commit; beyond it details and responses are left out */
#define NGX_HTTP_NOTIFY_ATTEMPTS_EXTRAS    (256 * 1024)

#define NGX_HTTP_NOTIFY_ATTEMPTS_EXTRA     1
#define NGX_HTTP_NOTIFY_ATTEMPTS_MORE      2


static ngx_int_t ngx_http_notify_attempts_room(ngx_str_t *text, size_t *size,
    size_t more, ngx_log_t *log);
static ngx_uint_t ngx_http_notify_attempts_extra(
    struct ngx_http_notify_attempts_s *a, size_t limit,
    const ngx_http_notify_call_result_t *result, ngx_log_t *log);
static u_char *ngx_http_notify_attempts_hex(u_char *p, uint64_t n);
static u_char *ngx_http_notify_attempts_number(u_char *p, u_char *last,
    uint64_t *n);
static u_char *ngx_http_notify_attempts_head(u_char *p, u_char *last,
    ngx_http_notify_attempt_t *attempt, ngx_uint_t *flags);
static void ngx_http_notify_attempts_extras(
    ngx_http_notify_attempts_iter_t *it, ngx_http_notify_attempt_t *attempt);


void
ngx_http_notify_attempts_add(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result)
{
    u_char                             *p;
    size_t                              len;
    uint64_t                            time;
    ngx_uint_t                          flags;
    ngx_http_notify_subscriber_t       *s;
    ngx_http_notify_attempts_conf_t    *conf;
    struct ngx_http_notify_attempts_s  *a;

    s = d->subscriber;

    if (s->profile == NULL) {
        return;
    }

    conf = &s->profile->attempts;

    if (conf->mode == NGX_HTTP_NOTIFY_ATTEMPTS_OFF
        || (conf->mode == NGX_HTTP_NOTIFY_ATTEMPTS_FAILURES
            && result->verdict == NGX_HTTP_NOTIFY_CALL_OK))
    {
        return;
    }

    a = s->attempts;

    if (a == NULL) {
        a = ngx_calloc(sizeof(struct ngx_http_notify_attempts_s),
                       d->feed->log);
        if (a == NULL) {
            return;
        }

        s->attempts = a;
    }

    if (ngx_http_notify_attempts_room(&a->heads, &a->heads_size,
                                      NGX_HTTP_NOTIFY_ATTEMPTS_HEAD,
                                      d->feed->log)
        != NGX_OK)
    {
        return;
    }

    flags = ngx_http_notify_attempts_extra(a, conf->response, result,
                                           d->feed->log);
    time = ngx_http_notify_feed_time();
    time -= ngx_min(time, result->latency);

    p = ngx_http_notify_attempts_hex(a->heads.data + a->heads.len, d->id.ms);
    p = ngx_http_notify_attempts_hex(p, d->id.seq);
    p = ngx_http_notify_attempts_hex(p, d->attempt);
    p = ngx_http_notify_attempts_hex(p, time);
    p = ngx_http_notify_attempts_hex(p, result->latency);
    p = ngx_http_notify_attempts_hex(p, result->status);
    p = ngx_http_notify_attempts_hex(p, result->verdict);
    p = ngx_http_notify_attempts_hex(p, flags);

    if (result->error != NULL
        && result->verdict != NGX_HTTP_NOTIFY_CALL_OK)
    {
        len = ngx_strlen(result->error);
        *p++ = ' ';
        p = ngx_cpymem(p, result->error,
                       ngx_min(len, NGX_HTTP_NOTIFY_ATTEMPTS_ERROR));
    }

    *p++ = '\n';

    a->heads.len = p - a->heads.data;
    a->n++;
}


static ngx_int_t
ngx_http_notify_attempts_room(ngx_str_t *text, size_t *size, size_t more,
    ngx_log_t *log)
{
    u_char  *p;
    size_t   n;

    if (text->len + more <= *size) {
        return NGX_OK;
    }

    n = ngx_max(2 * *size, 2 * more);

    p = ngx_alloc(n, log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (text->data != NULL) {
        ngx_memcpy(p, text->data, text->len);
        ngx_free(text->data);
    }

    text->data = p;
    *size = n;

    return NGX_OK;
}


/* the flags of the head */

static ngx_uint_t
ngx_http_notify_attempts_extra(struct ngx_http_notify_attempts_s *a,
    size_t limit, const ngx_http_notify_call_result_t *result, ngx_log_t *log)
{
    u_char  *p;
    size_t   detail, response;

    detail = ngx_min(result->detail.len, NGX_HTTP_NOTIFY_ATTEMPTS_DETAIL);
    response = ngx_min(result->body.len, limit);

    if ((detail == 0 && response == 0)
        || a->extras.len + detail + response > NGX_HTTP_NOTIFY_ATTEMPTS_EXTRAS
        || ngx_http_notify_attempts_room(&a->extras, &a->extras_size,
                                         detail + response + 2 * 17 + 1, log)
           != NGX_OK)
    {
        return 0;
    }

    p = ngx_http_notify_attempts_hex(a->extras.data + a->extras.len, detail);
    p = ngx_http_notify_attempts_hex(p, response);
    *p++ = ':';
    if (detail) {
        p = ngx_cpymem(p, result->detail.data, detail);
    }

    if (response) {
        p = ngx_cpymem(p, result->body.data, response);
    }

    a->extras.len = p - a->extras.data;

    return NGX_HTTP_NOTIFY_ATTEMPTS_EXTRA
           | ((response && (result->truncated || response < result->body.len))
              ? NGX_HTTP_NOTIFY_ATTEMPTS_MORE : 0);
}


/* a space and the number; for the common case much cheaper than a format */

static u_char *
ngx_http_notify_attempts_hex(u_char *p, uint64_t n)
{
    ngx_uint_t  shift;

    static const u_char  hex[] = "0123456789abcdef";

    *p++ = ' ';

    for (shift = 0; shift < 60 && n >> (shift + 4); shift += 4) {
        /* void */
    }

    for ( ;; ) {
        *p++ = hex[(n >> shift) & 0xf];

        if (shift == 0) {
            return p;
        }

        shift -= 4;
    }
}


void
ngx_http_notify_attempts_take(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_command_t *command)
{
    ngx_http_notify_command_arg(command, &s->attempts->heads);
    ngx_http_notify_command_arg(command, &s->attempts->extras);

    ngx_http_notify_attempts_free(s);
}


void
ngx_http_notify_attempts_free(ngx_http_notify_subscriber_t *s)
{
    if (s->attempts == NULL) {
        return;
    }

    if (s->attempts->heads.data != NULL) {
        ngx_free(s->attempts->heads.data);
    }

    if (s->attempts->extras.data != NULL) {
        ngx_free(s->attempts->extras.data);
    }

    ngx_free(s->attempts);
    s->attempts = NULL;
}


void
ngx_http_notify_attempts_iter(ngx_http_notify_attempts_iter_t *it,
    const ngx_str_t *heads, const ngx_str_t *extras)
{
    it->pos = heads->data;
    it->last = heads->data + heads->len;
    it->extra = extras->data;
    it->extra_last = extras->data + extras->len;
}


ngx_int_t
ngx_http_notify_attempts_next(ngx_http_notify_attempts_iter_t *it,
    ngx_http_notify_attempt_t *attempt)
{
    u_char     *p, *end;
    ngx_uint_t  flags;

    ngx_memzero(attempt, sizeof(ngx_http_notify_attempt_t));

    if (it->pos >= it->last) {
        return NGX_DONE;
    }

    end = ngx_strlchr(it->pos, it->last, '\n');
    if (end == NULL) {
        return NGX_DONE;
    }

    p = ngx_http_notify_attempts_head(it->pos, end, attempt, &flags);
    if (p == NULL) {
        return NGX_DONE;
    }

    if (p < end) {
        attempt->error.data = p + 1;
        attempt->error.len = end - p - 1;
    }

    it->pos = end + 1;

    if (flags & NGX_HTTP_NOTIFY_ATTEMPTS_EXTRA) {
        attempt->truncated = (flags & NGX_HTTP_NOTIFY_ATTEMPTS_MORE) != 0;
        ngx_http_notify_attempts_extras(it, attempt);
    }

    return NGX_OK;
}


static u_char *
ngx_http_notify_attempts_head(u_char *p, u_char *last,
    ngx_http_notify_attempt_t *attempt, ngx_uint_t *flags)
{
    uint64_t    n[8];
    ngx_uint_t  i;

    for (i = 0; i < 8; i++) {
        p = ngx_http_notify_attempts_number(p, last, &n[i]);
        if (p == NULL) {
            return NULL;
        }
    }

    attempt->event.ms = n[0];
    attempt->event.seq = n[1];
    attempt->attempt = (ngx_uint_t) n[2];
    attempt->time = n[3];
    attempt->latency = (ngx_uint_t) n[4];
    attempt->status = (ngx_uint_t) n[5];
    attempt->verdict = (ngx_uint_t) n[6];
    *flags = (ngx_uint_t) n[7];

    return p;
}


/* NULL: there is none */

static u_char *
ngx_http_notify_attempts_number(u_char *p, u_char *last, uint64_t *n)
{
    u_char  c, *start;

    if (p >= last || *p != ' ') {
        return NULL;
    }

    *n = 0;
    start = ++p;

    for ( /* void */ ; p < last && p < start + 16; p++) {
        c = *p;

        if (c >= '0' && c <= '9') {
            *n = *n * 16 + (c - '0');

        } else if (c >= 'a' && c <= 'f') {
            *n = *n * 16 + (c - 'a' + 10);

        } else {
            break;
        }
    }

    return p == start ? NULL : p;
}


static void
ngx_http_notify_attempts_extras(ngx_http_notify_attempts_iter_t *it,
    ngx_http_notify_attempt_t *attempt)
{
    u_char   *p;
    uint64_t  detail, response;

    detail = 0;
    response = 0;

    p = ngx_http_notify_attempts_number(it->extra, it->extra_last, &detail);

    if (p != NULL) {
        p = ngx_http_notify_attempts_number(p, it->extra_last, &response);
    }

    if (p == NULL || p >= it->extra_last || *p != ':'
        || detail > (uint64_t) (it->extra_last - p - 1)
        || response > (uint64_t) (it->extra_last - p - 1) - detail)
    {
        it->extra = it->extra_last;
        return;
    }

    attempt->detail.data = p + 1;
    attempt->detail.len = (size_t) detail;

    attempt->response.data = p + 1 + detail;
    attempt->response.len = (size_t) response;

    it->extra = p + 1 + detail + response;
}
