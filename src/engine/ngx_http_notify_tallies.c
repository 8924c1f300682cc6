
/*
 * One span of time at a subscriber: what is counted in the next one waits for
 * it to be written first.
 */

#include "ngx_http_notify_tallies.h"
#include "ngx_http_notify_latencies.h"
#include "ngx_http_notify_run_queue.h"


#define NGX_HTTP_NOTIFY_TALLIES_WRITE  1000     /* ms */


struct ngx_http_notify_tallies_s {
    uint64_t                       span;        /* number, since 1970 */
    uint64_t                       written;     /* epoch ms */
    ngx_uint_t                     n;
    ngx_http_notify_latencies_t    latencies;
};


static ngx_uint_t ngx_http_notify_tallies_due(
    const ngx_http_notify_subscriber_t *s);


void
ngx_http_notify_tallies_add(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result)
{
    uint64_t                            span;
    ngx_http_notify_subscriber_t       *s;
    struct ngx_http_notify_tallies_s   *t;

    s = d->subscriber;

    if (s->provider != NULL || s->doc->internal) {
        return;
    }

    t = s->tallies;

    if (t == NULL) {
        t = ngx_calloc(sizeof(struct ngx_http_notify_tallies_s), d->feed->log);
        if (t == NULL) {
            return;
        }

        s->tallies = t;
    }

    span = ngx_http_notify_feed_now() / NGX_HTTP_NOTIFY_LATENCIES_SPAN;

    /* a second of the former span may be counted in the next one */

    if (t->n == 0) {
        t->span = span;
    }

    t->n++;

    ngx_http_notify_latencies_add(&t->latencies,
                                  result->verdict == NGX_HTTP_NOTIFY_CALL_OK,
                                  result->latency);
}


static ngx_uint_t
ngx_http_notify_tallies_due(const ngx_http_notify_subscriber_t *s)
{
    return s->tallies != NULL && s->tallies->n
           && (ngx_http_notify_feed_now()
               >= s->tallies->written + NGX_HTTP_NOTIFY_TALLIES_WRITE
               || ngx_http_notify_subscriber_is_ending(s)
               || s->lease->state == NGX_HTTP_NOTIFY_LEASE_DRAIN
               || s->lease->feed->leaving);
}


void
ngx_http_notify_tallies_look(ngx_http_notify_subscriber_t *s)
{
    if (ngx_http_notify_tallies_due(s)) {
        ngx_http_notify_subscriber_touch(s);
    }
}


void
ngx_http_notify_tallies_take(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_command_t *command)
{
    ngx_str_t                           text;
    struct ngx_http_notify_tallies_s   *t;
    u_char                              buf[NGX_HTTP_NOTIFY_LATENCIES_LEN];

    t = s->tallies;

    if (!ngx_http_notify_tallies_due(s)) {

        if (t != NULL && t->n) {
            ngx_http_notify_run_queue_wait_time(s,
                                               NGX_HTTP_NOTIFY_TALLIES_WRITE);
        }

        return;
    }

    text.data = buf;
    text.len = ngx_http_notify_latencies_print(buf, &t->latencies) - buf;

    ngx_http_notify_command_text(command, "u");
    ngx_http_notify_command_number(command, t->span);
    ngx_http_notify_command_arg(command, &text);

    t->n = 0;
    t->written = ngx_http_notify_feed_now();
    ngx_memzero(&t->latencies, sizeof(ngx_http_notify_latencies_t));
}


void
ngx_http_notify_tallies_free(ngx_http_notify_subscriber_t *s)
{
    if (s->tallies != NULL) {
        ngx_free(s->tallies);
        s->tallies = NULL;
    }
}
