/*
 * What the scanner and the slices of scanned text have in common: characters.
 * For the files of json only.
 */

#ifndef _NGX_HTTP_NOTIFY_JSON_SCAN_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_JSON_SCAN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define ngx_http_notify_json_is_digit(ch)  ((ch) >= '0' && (ch) <= '9')

#define ngx_http_notify_json_is_space(ch)                                     \
    ((ch) == ' ' || (ch) == '\n' || (ch) == '\r' || (ch) == '\t')


/* The length of the well-formed UTF-8 sequence at p < last; 0: it is none. */
size_t ngx_http_notify_json_utf8(const u_char *p, const u_char *last);

/*
 * One escape sequence, p at its backslash: returns its end and the character;
 * NULL: it is none, or half of a surrogate pair.
 */
u_char *ngx_http_notify_json_escape(u_char *p, u_char *last, uint32_t *c);
/* and a character as up to four bytes of UTF-8: returns their end */
u_char *ngx_http_notify_json_put_utf8(u_char *p, uint32_t c);


static ngx_inline u_char *
ngx_http_notify_json_skip_space(u_char *p, u_char *last)
{
    while (p < last && ngx_http_notify_json_is_space(*p)) {
        p++;
    }

    return p;
}


#endif /* _NGX_HTTP_NOTIFY_JSON_SCAN_H_INCLUDED_ */
