/*
 * Patterns with a bound.  nginx sets no match limit, but a pattern may set its
 * own.  PCRE counts anew from each place where a match may begin: so that it
 * counts all of a value once, the pattern is tried at the first place only,
 * after any text.  A limit is part of a compiled pattern: there is one for
 * each class of lengths.
 */

#include "ngx_http_notify_pattern.h"


#define NGX_HTTP_NOTIFY_PATTERN_CLASSES   8     /* 64, 256, ... 1 MB */
#define NGX_HTTP_NOTIFY_PATTERN_SHORTEST  64

/* what a value may take, and each of its bytes; some 30 ns a step */
#define NGX_HTTP_NOTIFY_PATTERN_STEPS     2000
#define NGX_HTTP_NOTIFY_PATTERN_BYTE      16


struct ngx_http_notify_pattern_s {
#if (NGX_PCRE)
    ngx_regex_t  *regex[NGX_HTTP_NOTIFY_PATTERN_CLASSES];
#else
    ngx_uint_t    unused;
#endif
};


#if (NGX_PCRE)

static ngx_regex_t *ngx_http_notify_pattern_regex(ngx_pool_t *pool,
    ngx_str_t *text, ngx_str_t *error);


ngx_http_notify_pattern_t *
ngx_http_notify_pattern_compile(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_uint_t utf, ngx_str_t *error)
{
    size_t                      size;
    u_char                     *p;
    ngx_str_t                   bounded;
    ngx_uint_t                  i;
    const char                 *mode;
    ngx_http_notify_pattern_t  *pattern;

    static const char  form[] = "%s(*LIMIT_MATCH=%uz)\\A(?s:.*?)(?:%V)%Z";

    mode = utf ? "(*UTF)" : "";

    pattern = ngx_palloc(pool, sizeof(ngx_http_notify_pattern_t));
    p = ngx_pnalloc(pool, sizeof(form) + sizeof("(*UTF)") + NGX_SIZE_T_LEN
                          + text->len);

    if (pattern == NULL || p == NULL) {
        ngx_str_set(error, "no memory");
        return NULL;
    }

    /* alone first: an error is told in its own words */

    bounded.data = p;
    bounded.len = ngx_sprintf(p, "%s%V%Z", mode, text) - p - 1;

    if (ngx_http_notify_pattern_regex(pool, &bounded, error) == NULL) {
        return NULL;
    }

    size = NGX_HTTP_NOTIFY_PATTERN_SHORTEST;

    for (i = 0; i < NGX_HTTP_NOTIFY_PATTERN_CLASSES; i++) {

        bounded.len = ngx_sprintf(p, form, mode,
                                  NGX_HTTP_NOTIFY_PATTERN_STEPS
                                  + size * NGX_HTTP_NOTIFY_PATTERN_BYTE,
                                  text)
                      - p - 1;

        pattern->regex[i] = ngx_http_notify_pattern_regex(pool, &bounded,
                                                          error);
        if (pattern->regex[i] == NULL) {
            return NULL;
        }

        size *= 4;
    }

    return pattern;
}


static ngx_regex_t *
ngx_http_notify_pattern_regex(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *error)
{
    ngx_regex_compile_t  rc;

    ngx_memzero(&rc, sizeof(ngx_regex_compile_t));

    rc.pattern = *text;
    rc.pool = pool;
    rc.err.len = NGX_MAX_CONF_ERRSTR;
    rc.err.data = error->data;

    if (ngx_regex_compile(&rc) != NGX_OK) {
        *error = rc.err;
        return NULL;
    }

    return rc.regex;
}


ngx_int_t
ngx_http_notify_pattern_match(const ngx_http_notify_pattern_t *pattern,
    const ngx_str_t *value)
{
    size_t      size;
    ngx_int_t   rc;
    ngx_uint_t  i;

    size = NGX_HTTP_NOTIFY_PATTERN_SHORTEST;

    for (i = 0; value->len > size; i++) {

        if (i == NGX_HTTP_NOTIFY_PATTERN_CLASSES - 1) {
            return NGX_ABORT;
        }

        size *= 4;
    }

    rc = ngx_regex_exec(pattern->regex[i], (ngx_str_t *) value, NULL, 0);

    if (rc >= 0) {
        return NGX_OK;
    }

    return (rc == NGX_REGEX_NO_MATCHED) ? NGX_DECLINED : NGX_ABORT;
}


#else

ngx_http_notify_pattern_t *
ngx_http_notify_pattern_compile(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_uint_t utf, ngx_str_t *error)
{
    ngx_str_set(error, "\"pattern\" requires PCRE library");

    return NULL;
}


ngx_int_t
ngx_http_notify_pattern_match(const ngx_http_notify_pattern_t *pattern,
    const ngx_str_t *value)
{
    return NGX_DECLINED;
}

#endif
