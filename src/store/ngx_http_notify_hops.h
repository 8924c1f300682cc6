/*
 * The proof that a call is ours: X-Notify-Hops is N;SIGNATURE, signed with the
 * channel's key, which all workers and instances read from Redis.  Says how
 * many calls led to a request, and whether the last one was of the same channel
 * and tenant.
 */

#ifndef _NGX_HTTP_NOTIFY_HOPS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_HOPS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_keys.h"
#include "ngx_http_notify_redis.h"


#define NGX_HTTP_NOTIFY_HOPS_SIGNATURE  32
#define NGX_HTTP_NOTIFY_HOPS_LEN        (NGX_INT_T_LEN + 1                    \
                                         + NGX_HTTP_NOTIFY_HOPS_SIGNATURE)


/* of a channel, in a worker */
typedef struct ngx_http_notify_hops_s  ngx_http_notify_hops_t;


/* The key is read as soon as there is a connection, and with each new one.
 * NULL: memory.  Both names outlive it. */
ngx_http_notify_hops_t *ngx_http_notify_hops_create(
    ngx_http_notify_redis_t *redis, const ngx_http_notify_keys_t *keys);
/* after its connection was */
void ngx_http_notify_hops_destroy(ngx_http_notify_hops_t *hops);

/* The header's value, at most NGX_HTTP_NOTIFY_HOPS_LEN; without the signature
 * while the key is not known, or hops is NULL. */
u_char *ngx_http_notify_hops_print(ngx_http_notify_hops_t *hops, u_char *p,
    ngx_uint_t n, const ngx_str_t *tenant);
/* NGX_OK: signed with this channel's key in the last hour, `same`: by a call of
 * this tenant; NGX_DECLINED: not so. */
ngx_int_t ngx_http_notify_hops_check(ngx_http_notify_hops_t *hops,
    ngx_uint_t n, const ngx_str_t *signature, const ngx_str_t *tenant,
    ngx_uint_t *same);


#endif /* _NGX_HTTP_NOTIFY_HOPS_H_INCLUDED_ */
