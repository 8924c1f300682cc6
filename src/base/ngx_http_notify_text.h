/*
 * Text: comparison and checks.  Nothing is allocated.
 */

#ifndef _NGX_HTTP_NOTIFY_TEXT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TEXT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* of a C string, which it points to */
ngx_str_t ngx_http_notify_text(const char *word);

ngx_uint_t ngx_http_notify_text_equal(const ngx_str_t *a, const ngx_str_t *b);
ngx_uint_t ngx_http_notify_text_equal_nocase(const ngx_str_t *a,
    const ngx_str_t *b);

ngx_uint_t ngx_http_notify_text_is(const ngx_str_t *text, const char *word);
ngx_uint_t ngx_http_notify_text_is_nocase(const ngx_str_t *text,
    const char *word);

ngx_uint_t ngx_http_notify_text_starts(const ngx_str_t *text,
    const char *prefix);
ngx_uint_t ngx_http_notify_text_starts_nocase(const ngx_str_t *text,
    const char *prefix);

/*
 * The element with that name among n elements of `size` bytes, or NULL.  The
 * first member of an element is its name, an ngx_str_t.
 */
void *ngx_http_notify_text_find(const ngx_str_t *name, const void *elts,
    ngx_uint_t n, size_t size);
void *ngx_http_notify_text_find_nocase(const ngx_str_t *name, const void *elts,
    ngx_uint_t n, size_t size);

/* in a static table, without its end mark if it has one */
#define ngx_http_notify_text_find_in(name, table)                             \
    ngx_http_notify_text_find(name, table,                                    \
                              sizeof(table) / sizeof((table)[0]),             \
                              sizeof((table)[0]))

#define ngx_http_notify_text_find_in_nocase(name, table)                      \
    ngx_http_notify_text_find_nocase(name, table,                             \
                                     sizeof(table) / sizeof((table)[0]),      \
                                     sizeof((table)[0]))

/* in an ngx_array_t */
#define ngx_http_notify_text_find_array(name, array)                          \
    ngx_http_notify_text_find(name, (array)->elts, (array)->nelts,            \
                              (array)->size)
#define ngx_http_notify_text_find_array_nocase(name, array)                   \
    ngx_http_notify_text_find_nocase(name, (array)->elts, (array)->nelts,     \
                                     (array)->size)

/* whether "apiKey" is "api_key": case, "_" and "-" are ignored */
ngx_uint_t ngx_http_notify_text_same_name(const ngx_str_t *a,
    const ngx_str_t *b);
void *ngx_http_notify_text_find_same_name(const ngx_str_t *name,
    const void *elts, ngx_uint_t n, size_t size);

/* whether all of it is well-formed UTF-8 (RFC 3629) */
ngx_uint_t ngx_http_notify_text_utf8(const ngx_str_t *text);
/* The length of the well-formed UTF-8 sequence at p < last, or 0. */
size_t ngx_http_notify_text_char(const u_char *p, const u_char *last);
/* Writes a character as up to four bytes of UTF-8 and returns their end. */
u_char *ngx_http_notify_text_put_char(u_char *p, uint32_t c);
/* whether it has a control character: below 0x20, or 0x7f */
ngx_uint_t ngx_http_notify_text_control(const ngx_str_t *text);

/* Copies at most `max` bytes and returns the end of the copy.  A control
 * character or a double quote becomes a question mark. */
u_char *ngx_http_notify_text_quote(u_char *dst, const ngx_str_t *text,
    size_t max);

/* the end of a noun after a number */
#define ngx_http_notify_text_plural(n)  ((n) == 1 ? "" : "s")


#endif /* _NGX_HTTP_NOTIFY_TEXT_H_INCLUDED_ */
