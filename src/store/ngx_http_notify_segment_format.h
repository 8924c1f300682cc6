/*
 * The numbers in front of a segment's compressed part.  For the two files that
 * write and read it.
 */

#ifndef _NGX_HTTP_NOTIFY_SEGMENT_FORMAT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SEGMENT_FORMAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_NOTIFY_SEGMENT_HEAD    18
#define NGX_HTTP_NOTIFY_SEGMENT_RECORD  14


static ngx_inline u_char *
ngx_http_notify_segment_number(u_char *p, uint64_t n, ngx_uint_t bytes)
{
    while (bytes--) {
        *p++ = (u_char) (n >> 8 * bytes);
    }

    return p;
}


static ngx_inline uint64_t
ngx_http_notify_segment_read(const u_char *p, ngx_uint_t bytes)
{
    uint64_t  n;

    for (n = 0; bytes; bytes--) {
        n = n << 8 | *p++;
    }

    return n;
}


static ngx_inline u_char *
ngx_http_notify_segment_head(u_char *p, ngx_uint_t wide, uint32_t n,
    uint64_t first, uint32_t tags)
{
    *p++ = 'S';
    *p++ = wide ? 'W' : '1';
    p = ngx_http_notify_segment_number(p, n, 4);
    p = ngx_http_notify_segment_number(p, first, 8);

    return ngx_http_notify_segment_number(p, tags, 4);
}


static ngx_inline void
ngx_http_notify_segment_record(u_char *p, uint32_t ms, uint32_t seq,
    uint32_t end, ngx_uint_t tag)
{
    p = ngx_http_notify_segment_number(p, ms, 4);
    p = ngx_http_notify_segment_number(p, seq, 4);
    p = ngx_http_notify_segment_number(p, end, 4);

    (void) ngx_http_notify_segment_number(p, tag, 2);
}


#endif /* _NGX_HTTP_NOTIFY_SEGMENT_FORMAT_H_INCLUDED_ */
