/*
 * JSON: a strict scanner that hands out slices of the text (what a publisher
 * wrote is stored, signed and sent as it is), and documents for what has to be
 * looked into or built.  jansson is used in the .c file only.
 * Knows nothing of events, requests or Redis.
 */

#ifndef _NGX_HTTP_NOTIFY_JSON_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_JSON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* of a text that is scanned */
#define NGX_HTTP_NOTIFY_JSON_DEPTH             512
#define NGX_HTTP_NOTIFY_JSON_SIZE              (64 * 1024 * 1024)

/* of a document */
#define NGX_HTTP_NOTIFY_JSON_DOCUMENT_DEPTH    32
#define NGX_HTTP_NOTIFY_JSON_DOCUMENT_VALUES   100000


typedef enum {
    NGX_HTTP_NOTIFY_JSON_NONE = 0,
    NGX_HTTP_NOTIFY_JSON_NULL,
    NGX_HTTP_NOTIFY_JSON_TRUE,
    NGX_HTTP_NOTIFY_JSON_FALSE,
    NGX_HTTP_NOTIFY_JSON_NUMBER,
    NGX_HTTP_NOTIFY_JSON_STRING,
    NGX_HTTP_NOTIFY_JSON_OBJECT,
    NGX_HTTP_NOTIFY_JSON_ARRAY
} ngx_http_notify_json_kind_e;


typedef struct {
    const char  *reason;        /* static phrase, never NULL after an error */
    size_t       offset;        /* byte in the text */
} ngx_http_notify_json_error_t;


typedef struct {
    u_char      *pos;
    u_char      *last;
    ngx_uint_t   object;        /* unsigned  object:1; */
} ngx_http_notify_json_iter_t;


/*
 * Checks one RFC 8259 text: grammar, UTF-8, depth, size.  Half of a surrogate
 * pair, escaped, is accepted; a leading byte order mark is not.  On NGX_OK
 * *value is the text without the white space around it.  NGX_DECLINED: not
 * acceptable, *error says why.
 */
ngx_int_t ngx_http_notify_json_scan(const ngx_str_t *text, ngx_str_t *value,
    ngx_http_notify_json_error_t *error);
/* the same for an event or an array of events: the depth is that of `data` */
ngx_int_t ngx_http_notify_json_scan_events(const ngx_str_t *text,
    ngx_str_t *value, ngx_http_notify_json_error_t *error);

/* The kind of a scanned value, by its first byte. */
ngx_http_notify_json_kind_e ngx_http_notify_json_kind(const ngx_str_t *value);

/*
 * Walks the members of a scanned object, or the elements of a scanned array
 * (then name is empty).  Slices of the text: name without its quotes and still
 * escaped, value with its quotes.  NGX_OK, or NGX_DONE at the end.
 */
void ngx_http_notify_json_iter(ngx_http_notify_json_iter_t *it,
    const ngx_str_t *value);
ngx_int_t ngx_http_notify_json_next(ngx_http_notify_json_iter_t *it,
    ngx_str_t *name, ngx_str_t *value);

/*
 * The text of a scanned string value (quotes included in the input): a slice
 * where nothing is escaped, else allocated from the pool.  NGX_ERROR: memory;
 * NGX_DECLINED: not a string.  \u0000 yields a NUL byte: the caller decides.
 * Half of a surrogate pair yields three bytes, as UTF-8 would encode it, and
 * is escaped again by ngx_http_notify_json_quote().
 */
ngx_int_t ngx_http_notify_json_text(ngx_pool_t *pool, const ngx_str_t *value,
    ngx_str_t *text);

/* The name of a member, as _next() gives it, unescaped; as _text(),
 * NGX_DECLINED only of what was not scanned. */
ngx_int_t ngx_http_notify_json_name(ngx_pool_t *pool, ngx_str_t *name);
/* The first member of that name in a scanned object; NGX_DECLINED: none. */
ngx_int_t ngx_http_notify_json_find(ngx_pool_t *pool, const ngx_str_t *object,
    const ngx_str_t *want, ngx_str_t *value);

/*
 * The bytes as they stand within the quotes of a JSON string: what is not
 * UTF-8 becomes U+FFFD.
 */
size_t ngx_http_notify_json_escaped_len(const ngx_str_t *text);
u_char *ngx_http_notify_json_put_escaped(u_char *dst, const ngx_str_t *text);
/* A quoted and escaped JSON string of the bytes; NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_json_quote(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *quoted);

/*
 * NGX_OK when the text is the canonical form of an int64 ("-1", "0", "42";
 * not "+1", "01", "-0", "1.0"); the number is stored in *n unless n is NULL.
 */
ngx_int_t ngx_http_notify_json_int64(const ngx_str_t *text, int64_t *n);

/*
 * NGX_OK unless an object anywhere in the scanned value has a member twice
 * (NGX_DECLINED), however its name is escaped; `twice`, which may be NULL, is
 * then its name in the value, or empty where both are escaped.
 * NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_json_unique(const ngx_str_t *value,
    ngx_str_t *twice);

/*
 * Decimals of any length: scanned numbers, compared by value (< 0, 0, > 0).
 * Exponents up to 10^17 are exact.  Equal numbers have equal hashes.
 */
ngx_int_t ngx_http_notify_json_number_compare(const ngx_str_t *a,
    const ngx_str_t *b);
ngx_uint_t ngx_http_notify_json_number_whole(const ngx_str_t *number);
uint32_t ngx_http_notify_json_number_hash(const ngx_str_t *number);

/*
 * Whether two scanned values, without duplicate members, are the same: numbers
 * by value, members in any order.  NGX_DECLINED: they differ; NGX_ERROR:
 * memory.
 */
ngx_int_t ngx_http_notify_json_same(ngx_pool_t *pool, const ngx_str_t *a,
    const ngx_str_t *b);

/*
 * The same text for all that say the same as the scanned value: members sorted
 * by name, no white space, one way to escape; numbers as they were written,
 * and so is what is nested more than 32 levels deep.
 * Pool memory, also for what is in between.  NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_json_canonical(ngx_pool_t *pool,
    const ngx_str_t *value, ngx_str_t *text);


/*
 * Documents.  A document lives as long as the pool that it was made with; its
 * strings are valid as long.  Every "set" takes over the value, also when it
 * fails.  Returned values are borrowed from their document.
 */
typedef struct ngx_http_notify_json_s  ngx_http_notify_json_t;

/*
 * Duplicate members, and names with a NUL, are refused.  Numbers are kept as
 * they were written.  NULL: *error.
 */
ngx_http_notify_json_t *ngx_http_notify_json_parse(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_http_notify_json_error_t *error);

ngx_http_notify_json_kind_e ngx_http_notify_json_type(
    const ngx_http_notify_json_t *json);
/* exact name, and a match without regard to ASCII case; NULL: absent */
ngx_http_notify_json_t *ngx_http_notify_json_get(
    const ngx_http_notify_json_t *object, const char *name);
ngx_http_notify_json_t *ngx_http_notify_json_get_nocase(
    const ngx_http_notify_json_t *object, const char *name);
/* member by member, in the order of insertion; cursor starts as NULL */
ngx_http_notify_json_t *ngx_http_notify_json_member(
    const ngx_http_notify_json_t *object, void **cursor, ngx_str_t *name);
ngx_uint_t ngx_http_notify_json_size(const ngx_http_notify_json_t *array);
ngx_http_notify_json_t *ngx_http_notify_json_at(
    const ngx_http_notify_json_t *array, ngx_uint_t i);
/* empty unless a string */
ngx_str_t ngx_http_notify_json_string(const ngx_http_notify_json_t *json);
/* of a member of an object */
ngx_str_t ngx_http_notify_json_get_string(const ngx_http_notify_json_t *object,
    const char *name);
/* NGX_DECLINED unless the canonical form of an int64 */
ngx_int_t ngx_http_notify_json_integer(const ngx_http_notify_json_t *json,
    int64_t *n);
/* NGX_DECLINED unless a number of either kind */
ngx_int_t ngx_http_notify_json_real(const ngx_http_notify_json_t *json,
    double *n);
/* deep equality; numbers by value */
ngx_uint_t ngx_http_notify_json_equal(const ngx_http_notify_json_t *a,
    const ngx_http_notify_json_t *b);

/* NULL: memory; bytes that are not UTF-8 become U+FFFD in a dump */
ngx_http_notify_json_t *ngx_http_notify_json_new_object(ngx_pool_t *pool);
ngx_http_notify_json_t *ngx_http_notify_json_new_array(ngx_pool_t *pool);
ngx_int_t ngx_http_notify_json_set(ngx_http_notify_json_t *object,
    const char *name, ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_json_set_string(ngx_http_notify_json_t *object,
    const char *name, const ngx_str_t *text);
ngx_int_t ngx_http_notify_json_set_integer(ngx_http_notify_json_t *object,
    const char *name, int64_t n);
ngx_int_t ngx_http_notify_json_set_bool(ngx_http_notify_json_t *object,
    const char *name, ngx_uint_t on);
ngx_int_t ngx_http_notify_json_set_null(ngx_http_notify_json_t *object,
    const char *name);
/* NGX_OK also where there is no such member */
ngx_int_t ngx_http_notify_json_remove(ngx_http_notify_json_t *object,
    const char *name);
ngx_int_t ngx_http_notify_json_append(ngx_http_notify_json_t *array,
    ngx_http_notify_json_t *value);
ngx_int_t ngx_http_notify_json_append_string(ngx_http_notify_json_t *array,
    const ngx_str_t *text);
/* a deep copy with the life of the pool */
ngx_http_notify_json_t *ngx_http_notify_json_copy(ngx_pool_t *pool,
    const ngx_http_notify_json_t *json);
/* RFC 7396: the patch is borrowed, the target changed; both are objects */
ngx_int_t ngx_http_notify_json_merge(ngx_http_notify_json_t *target,
    const ngx_http_notify_json_t *patch);
/* compact text from the pool, members in order of insertion, or sorted */
ngx_int_t ngx_http_notify_json_dump(ngx_pool_t *pool,
    const ngx_http_notify_json_t *json, ngx_uint_t sorted, ngx_str_t *text);


#endif /* _NGX_HTTP_NOTIFY_JSON_H_INCLUDED_ */
