/*
 * Tokens that others have given us for a while, in the zone of the metrics:
 * one for all workers, and over reloads.  Those asked for last are kept, in at
 * most a quarter of the zone.  Must not know what a token is for, nor how one
 * is got.
 */

#ifndef _NGX_HTTP_NOTIFY_TOKENS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TOKENS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_NOTIFY_TOKENS_KEY   32     /* bytes: a digest of what it is */
#define NGX_HTTP_NOTIFY_TOKENS_MAX   8192   /* bytes of a token */
#define NGX_HTTP_NOTIFY_TOKENS_HOLD  1000   /* ms: what failed is not tried */


/*
 * NGX_OK: *text is the token, in memory of the pool.  NGX_DECLINED: there is
 * none, and the caller is the one to get it, within `lease` milliseconds.
 * NGX_AGAIN: another one is getting it.  NGX_ABORT: it could not be got a
 * moment ago, *text is why.  NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_tokens_get(const u_char *key, ngx_pool_t *pool,
    ngx_msec_t lease, ngx_str_t *text);
/* Used until a quarter of its life is left; to the end of it where no other
 * can be got. */
void ngx_http_notify_tokens_put(const u_char *key, const ngx_str_t *token,
    ngx_msec_t life);
void ngx_http_notify_tokens_fail(const u_char *key, const ngx_str_t *why);
/* It was not accepted: another one is needed, unless there is one already. */
void ngx_http_notify_tokens_reject(const u_char *key, const ngx_str_t *token);


#endif /* _NGX_HTTP_NOTIFY_TOKENS_H_INCLUDED_ */
