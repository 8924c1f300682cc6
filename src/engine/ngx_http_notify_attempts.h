/*
 * The attempt log: what came of each call, kept at the subscriber until its
 * commit writes it, many attempts in one entry; and the way back from an entry
 * to attempts.  Its form is known here only.
 */

#ifndef _NGX_HTTP_NOTIFY_ATTEMPTS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_ATTEMPTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_attempts_conf.h"
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_command.h"
#include "ngx_http_notify_id.h"


struct ngx_http_notify_delivery_s;
struct ngx_http_notify_subscriber_s;

/* those of one subscriber that no commit has taken yet */
struct ngx_http_notify_attempts_s {
    ngx_uint_t   n;
    ngx_str_t    heads;
    ngx_str_t    extras;
    size_t       heads_size;    /* allocated */
    size_t       extras_size;
};


/* A call ended.  What there is no memory for is not logged. */
void ngx_http_notify_attempts_add(struct ngx_http_notify_delivery_s *d,
    const ngx_http_notify_call_result_t *result);
/* adds the two fields of an entry; the subscriber has none any more */
void ngx_http_notify_attempts_take(struct ngx_http_notify_subscriber_s *s,
    ngx_http_notify_command_t *command);
void ngx_http_notify_attempts_free(struct ngx_http_notify_subscriber_s *s);


/* one attempt; slices of what it was read from */
typedef struct {
    ngx_http_notify_id_t             event;
    ngx_uint_t                       attempt;
    uint64_t                         time;      /* its start, epoch ms */
    ngx_uint_t                       latency;
    ngx_uint_t                       status;    /* 0: no answer */
    ngx_uint_t                       verdict;
    ngx_str_t                        error;     /* empty: it succeeded */
    ngx_str_t                        detail;
    ngx_str_t                        response;  /* any bytes */
    ngx_uint_t                       truncated; /* unsigned  truncated:1; */
} ngx_http_notify_attempt_t;

typedef struct {
    u_char                          *pos;
    u_char                          *last;
    u_char                          *extra;
    u_char                          *extra_last;
} ngx_http_notify_attempts_iter_t;

/* extras may be empty though there were some: then not shown */
void ngx_http_notify_attempts_iter(ngx_http_notify_attempts_iter_t *it,
    const ngx_str_t *heads, const ngx_str_t *extras);
/* NGX_OK, NGX_DONE at the end, or where it is not ours */
ngx_int_t ngx_http_notify_attempts_next(ngx_http_notify_attempts_iter_t *it,
    ngx_http_notify_attempt_t *attempt);


#endif /* _NGX_HTTP_NOTIFY_ATTEMPTS_H_INCLUDED_ */
