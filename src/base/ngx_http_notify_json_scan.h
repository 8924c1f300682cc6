/*
 * What the files of json have in common: escapes, and the scanner with limits
 * of the caller's.
 */

#ifndef _NGX_HTTP_NOTIFY_JSON_SCAN_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_JSON_SCAN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_json.h"


/* the most that the scanner takes: data, in an event, in an array of events */
#define NGX_HTTP_NOTIFY_JSON_LEVELS  (NGX_HTTP_NOTIFY_JSON_DEPTH + 2)


#define ngx_http_notify_json_is_digit(ch)  ((ch) >= '0' && (ch) <= '9')

#define ngx_http_notify_json_is_space(ch)                                     \
    ((ch) == ' ' || (ch) == '\n' || (ch) == '\r' || (ch) == '\t')


/* ngx_http_notify_json_scan() with a depth, at most _LEVELS, and a number of
 * values */
ngx_int_t ngx_http_notify_json_scan_within(const ngx_str_t *text,
    ngx_uint_t depth, ngx_uint_t values, ngx_str_t *value,
    ngx_http_notify_json_error_t *error);

/*
 * One escape sequence, p at its backslash: returns its end and the character,
 * which may be half of a surrogate pair; NULL: it is not an escape sequence.
 */
u_char *ngx_http_notify_json_escape(u_char *p, u_char *last, uint32_t *c);


static ngx_inline u_char *
ngx_http_notify_json_skip_space(u_char *p, u_char *last)
{
    while (p < last && ngx_http_notify_json_is_space(*p)) {
        p++;
    }

    return p;
}


#endif /* _NGX_HTTP_NOTIFY_JSON_SCAN_H_INCLUDED_ */
