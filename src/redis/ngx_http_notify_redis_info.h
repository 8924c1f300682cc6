/*
 * What a server says of itself in INFO, and whether we can work with it.
 * Nothing but parsing; the fields point into the text.
 */

#ifndef _NGX_HTTP_NOTIFY_REDIS_INFO_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_REDIS_INFO_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_str_t   product;          /* "Redis", "Valkey" */
    ngx_str_t   version;          /* empty: not said */
    ngx_str_t   policy;           /* maxmemory_policy; empty: not said */
    unsigned    supported:1;      /* Redis >= 7.0 or Valkey */
    unsigned    loading:1;
    unsigned    replica:1;
    unsigned    unsaved:1;        /* the last save or write to disk failed */
    ngx_uint_t  replicas;         /* that are connected and up to date */
    ngx_uint_t  names;            /* a checksum of which those are */
} ngx_http_notify_redis_info_t;


void ngx_http_notify_redis_info_parse(const ngx_str_t *text,
    ngx_http_notify_redis_info_t *info);


#endif /* _NGX_HTTP_NOTIFY_REDIS_INFO_H_INCLUDED_ */
