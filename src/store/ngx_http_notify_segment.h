/*
 * Segments: the oldest events of a log, some dozens each, compressed.  What a
 * segment inflates to are entries as XRANGE sends them, one after the other.
 * In front of that is what scripts need to find one of them and to judge it;
 * all numbers are big-endian:
 *
 *     "S1", or "SW": one event, whose id does not fit below; it is that of the
 *           segment's name
 *     4     number of events
 *     8     milliseconds of the first id
 *     4     bytes of the table of tenants and types
 *           for each pair of these: 2, the tenant; 2, the type
 *           for each event: 4, milliseconds after the first one; 4, the second
 *           number of its id; 4, where its entry ends; 2, its pair
 *           a zlib stream
 *
 * Does not know where a segment is stored, see lua/include/segments.lua.
 */

#ifndef _NGX_HTTP_NOTIFY_SEGMENT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SEGMENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_resp.h"


#define NGX_HTTP_NOTIFY_SEGMENT_BYTES   (32 * 1024)     /* of entries */
#define NGX_HTTP_NOTIFY_SEGMENT_EVENTS  1000
#define NGX_HTTP_NOTIFY_SEGMENT_STEP    (8 * 1024)      /* compressed at once */
#define NGX_HTTP_NOTIFY_SEGMENT_NAME    80


typedef struct ngx_http_notify_segment_s  ngx_http_notify_segment_t;


/*
 * Makes segments, one after the other.  NULL: memory.  It takes some 400 KB,
 * and what an event takes that is larger than a segment otherwise is.
 */
ngx_http_notify_segment_t *ngx_http_notify_segment_create(ngx_log_t *log);
void ngx_http_notify_segment_destroy(ngx_http_notify_segment_t *segment);
/* it is empty again */
void ngx_http_notify_segment_reset(ngx_http_notify_segment_t *segment);

/*
 * Adds an entry of the log behind the others.  NGX_DECLINED: the segment is
 * full; NGX_ERROR: memory, or it is not an entry.
 */
ngx_int_t ngx_http_notify_segment_add(ngx_http_notify_segment_t *segment,
    const ngx_http_notify_resp_t *entry);
ngx_uint_t ngx_http_notify_segment_events(
    const ngx_http_notify_segment_t *segment);
size_t ngx_http_notify_segment_bytes(
    const ngx_http_notify_segment_t *segment);
const ngx_http_notify_id_t *ngx_http_notify_segment_first(
    const ngx_http_notify_segment_t *segment);
const ngx_http_notify_id_t *ngx_http_notify_segment_last(
    const ngx_http_notify_segment_t *segment);

/*
 * Compresses a part of it.  NGX_AGAIN: there is more; NGX_OK: the value is that
 * of the segment, until the next _add or _reset.
 */
ngx_int_t ngx_http_notify_segment_deflate(ngx_http_notify_segment_t *segment,
    ngx_str_t *value);

/* its name: the last id and the first one, in 20 digits a number */
u_char *ngx_http_notify_segment_name(u_char *p,
    const ngx_http_notify_id_t *last, const ngx_http_notify_id_t *first);


/*
 * A filter of commands: entries that the reply has from segments become those
 * that XRANGE would have sent.  One that cannot be read is logged and has no
 * fields.  NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_segment_inflate(ngx_http_notify_resp_t *reply);

/*
 * The reply is one such entry, as it came: adds the others of its segment.
 * NGX_DECLINED: the segment cannot be read; NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_segment_inflate_others(
    ngx_http_notify_segment_t *segment, ngx_http_notify_resp_t *reply);


#endif /* _NGX_HTTP_NOTIFY_SEGMENT_H_INCLUDED_ */
