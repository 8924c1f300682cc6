/*
 * The environment of a fuzz target: as much of nginx as a worker has when it
 * looks at bytes: time, log, pools.
 */

#include "fuzz.h"


int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ngx_log_t        fuzz_log;
static ngx_open_file_t  fuzz_log_file;
static ngx_cycle_t      fuzz_cycle;
static ngx_time_t       fuzz_time;


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void) argc;
    (void) argv;

    ngx_pid = ngx_getpid();
    ngx_pagesize = 4096;
    ngx_cacheline_size = 64;

    /* nothing is written: no level is below that */

    fuzz_log_file.fd = ngx_stderr;
    fuzz_log.file = &fuzz_log_file;
    fuzz_log.log_level = 0;

    fuzz_cycle.log = &fuzz_log;
    ngx_cycle = &fuzz_cycle;

    ngx_strerror_init();
    ngx_time_init();

    fuzz_time.sec = FUZZ_TIME;
    ngx_cached_time = &fuzz_time;

    ngx_ssl_init(&fuzz_log);

    return 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t    input;
    ngx_pool_t  *pool;

    if (size == 0) {
        return 0;
    }

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, &fuzz_log);
    fuzz_check(pool != NULL);

    input = fuzz_copy(pool, data + 1, size - 1);

    fuzz_one(pool, data[0], &input);

    ngx_destroy_pool(pool);

    return 0;
}


void
fuzz_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}


ngx_str_t
fuzz_copy(ngx_pool_t *pool, const u_char *data, size_t len)
{
    ngx_str_t  text;

    text.len = len;
    text.data = ngx_pnalloc(pool, len);

    if (len) {
        fuzz_check(text.data != NULL);
        ngx_memcpy(text.data, data, len);
    }

    return text;
}


ngx_str_t
fuzz_cut(ngx_pool_t *pool, ngx_str_t *input, u_char separator)
{
    size_t     len;
    ngx_str_t  text;

    for (len = 0; len < input->len && input->data[len] != separator; len++) {
        /* void */
    }

    text = fuzz_copy(pool, input->data, len);

    if (len < input->len) {
        len++;
    }

    input->data += len;
    input->len -= len;

    return text;
}


ngx_uint_t
fuzz_same(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || ngx_memcmp(a->data, b->data, a->len) == 0);
}


ngx_uint_t
fuzz_within(const ngx_str_t *slice, const ngx_str_t *text)
{
    return slice->data >= text->data
           && slice->data + slice->len <= text->data + text->len;
}
