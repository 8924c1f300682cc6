/*
 * What the fuzz targets share: nginx without its main(), a pool per input,
 * copies that end where the input does.
 */

#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* the time that all inputs are judged at */
#define FUZZ_TIME  1700000000

/* what must hold; a finding when it does not */
#define fuzz_check(e)                                                         \
    if (!(e)) {                                                               \
        fuzz_fail(#e, __FILE__, __LINE__);                                    \
    }


/* one input, without its first byte */
void fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input);

void fuzz_fail(const char *what, const char *file, int line);
/* a copy of its own, so that ASan sees what is read behind it */
ngx_str_t fuzz_copy(ngx_pool_t *pool, const u_char *data, size_t len);
/* cuts off and copies what is in front of the first `separator` */
ngx_str_t fuzz_cut(ngx_pool_t *pool, ngx_str_t *input, u_char separator);
ngx_uint_t fuzz_same(const ngx_str_t *a, const ngx_str_t *b);
/* whether a slice lies within the text */
ngx_uint_t fuzz_within(const ngx_str_t *slice, const ngx_str_t *text);


#endif /* _FUZZ_H_INCLUDED_ */
