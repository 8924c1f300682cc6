/*
 * The states of the answer parser, shared by its two files only.
 */

#ifndef _NGX_HTTP_NOTIFY_HTTP_RESPONSE_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_HTTP_RESPONSE_INTERNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_http_response.h"


typedef enum {
    sw_version = 0,
    sw_minor,
    sw_status_space,
    sw_status,
    sw_reason_space,
    sw_reason,
    sw_line_lf,                 /* of the status line */
    sw_header_start,
    sw_name,
    sw_value,
    sw_header_lf,
    sw_end_lf,                  /* of the empty line */
    sw_body,
    sw_chunk_start,
    sw_chunk_size,
    sw_chunk_extension,
    sw_chunk_lf,
    sw_chunk_data,
    sw_chunk_data_cr,
    sw_chunk_data_lf,
    sw_done
} ngx_http_notify_http_response_state_e;


/* RFC 9110, 5.5: field-vchar, obs-text, SP and HTAB */
#define ngx_http_notify_http_response_text(ch)                                \
    ((ch) == '\t' || ((ch) >= 0x20 && (ch) != 0x7f))


/* a byte of the framing of chunks */
ngx_int_t ngx_http_notify_http_response_body_chunk(
    ngx_http_notify_http_response_t *a, u_char ch);
/* Takes what it can of [p, last) and returns its end; NULL: memory. */
const u_char *ngx_http_notify_http_response_body_data(
    ngx_http_notify_http_response_t *a, const u_char *p, const u_char *last);
/* the value of a header, the first of its name */
ngx_int_t ngx_http_notify_http_response_body_keep(
    ngx_http_notify_http_response_t *a, ngx_str_t *to);
#define ngx_http_notify_http_response_error(a, phrase)                        \
    ((a)->error = (phrase), (a)->keepalive = 0, NGX_ERROR)


#endif /* _NGX_HTTP_NOTIFY_HTTP_RESPONSE_INTERNAL_H_INCLUDED_ */
