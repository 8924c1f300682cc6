/*
 * A cluster's slots: that of a key, who serves it, and that it has moved.  No
 * state.  Must not know connections.
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
 */

#include "ngx_http_notify_redis_internal.h"
#include "ngx_http_notify_text.h"


static ngx_str_t ngx_http_notify_redis_cluster_text(
    const ngx_http_notify_resp_t *list, ngx_uint_t i);
static ngx_uint_t ngx_http_notify_redis_cluster_ip(
    const ngx_http_notify_resp_t *metadata, ngx_str_t *ip);
static ngx_uint_t ngx_http_notify_redis_cluster_within(
    const ngx_http_notify_resp_t *range, ngx_uint_t slot);


/* the CRC16 of what stands in the first braces, modulo 16384 */

ngx_uint_t
ngx_http_notify_redis_slot(const ngx_str_t *key)
{
    u_char  *p, *last, *open, *close;

    p = key->data;
    last = p + key->len;

    open = ngx_strlchr(p, last, '{');
    close = open ? ngx_strlchr(open + 1, last, '}') : NULL;

    if (close && close > open + 1) {
        p = open + 1;
        last = close;
    }

    return ngx_http_notify_keys_crc16(p, last) % NGX_HTTP_NOTIFY_REDIS_SLOTS;
}


/*
 * Of the answer of CLUSTER SLOTS: [[first, last, [host, port, id, metadata],
 * ...], ...].  A node that is named by its host has its address among the
 * metadata, [name, value, ...]; empty where it does not know it itself.
 */

ngx_int_t
ngx_http_notify_redis_cluster_find(const ngx_http_notify_resp_t *resp,
    ngx_uint_t slot, ngx_http_notify_redis_node_t *found)
{
    ngx_uint_t               i;
    ngx_http_notify_resp_t  *range, *node, *port;

    for (i = 0; (range = ngx_http_notify_resp_at(resp, i)) != NULL; i++) {

        if (!ngx_http_notify_redis_cluster_within(range, slot)) {
            continue;
        }

        node = ngx_http_notify_resp_at(range, 2);
        port = ngx_http_notify_resp_at(node, 1);

        if (port == NULL
            || port->type != NGX_HTTP_NOTIFY_RESP_INTEGER
            || port->integer < 1
            || port->integer > 65535)
        {
            return NGX_DECLINED;
        }

        found->port = (ngx_uint_t) port->integer;
        found->host = ngx_http_notify_redis_cluster_text(node, 0);

        if (!ngx_http_notify_redis_cluster_ip(ngx_http_notify_resp_at(node, 3),
                                              &found->address))
        {
            found->address = found->host;
        }

        return NGX_OK;
    }

    return NGX_DECLINED;
}


static ngx_str_t
ngx_http_notify_redis_cluster_text(const ngx_http_notify_resp_t *list,
    ngx_uint_t i)
{
    ngx_str_t                empty = ngx_null_string;
    ngx_http_notify_resp_t  *text;

    text = ngx_http_notify_resp_at(list, i);

    return (text && text->type == NGX_HTTP_NOTIFY_RESP_STRING) ? text->str
                                                               : empty;
}


static ngx_uint_t
ngx_http_notify_redis_cluster_ip(const ngx_http_notify_resp_t *metadata,
    ngx_str_t *ip)
{
    ngx_uint_t  i;
    ngx_str_t   name;

    for (i = 0; ngx_http_notify_resp_at(metadata, i) != NULL; i += 2) {
        name = ngx_http_notify_redis_cluster_text(metadata, i);

        if (ngx_http_notify_text_is(&name, "ip")) {
            *ip = ngx_http_notify_redis_cluster_text(metadata, i + 1);
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_notify_redis_cluster_within(const ngx_http_notify_resp_t *range,
    ngx_uint_t slot)
{
    ngx_http_notify_resp_t  *first, *last;

    first = ngx_http_notify_resp_at(range, 0);
    last = ngx_http_notify_resp_at(range, 1);

    return first
           && last
           && first->type == NGX_HTTP_NOTIFY_RESP_INTEGER
           && last->type == NGX_HTTP_NOTIFY_RESP_INTEGER
           && first->integer <= (int64_t) slot
           && last->integer >= (int64_t) slot;
}
