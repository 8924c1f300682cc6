/*
 * The attempts of one subscription, read from the entries of its log.  A list
 * of deliveries asks of each event, up to 5000 of them: they are sorted once.
 */

#include "ngx_http_notify_delivery_attempts.h"


static ngx_int_t ngx_http_notify_delivery_attempts_entry(
    ngx_http_notify_delivery_attempts_t *attempts, ngx_pool_t *pool,
    ngx_http_notify_resp_t **elts, uint64_t first);
static ngx_int_t ngx_http_notify_delivery_attempts_sort(
    ngx_http_notify_delivery_attempts_t *attempts, ngx_pool_t *pool);
static int ngx_libc_cdecl ngx_http_notify_delivery_attempts_compare(
    const void *one, const void *two);
static ngx_uint_t ngx_http_notify_delivery_attempts_before(
    const ngx_http_notify_delivery_attempts_t *attempts,
    const ngx_http_notify_id_t *event);
static void ngx_http_notify_delivery_attempts_text(
    ngx_http_notify_json_write_t *w, const char *name, const ngx_str_t *text);


ngx_int_t
ngx_http_notify_delivery_attempts_take(
    ngx_http_notify_delivery_attempts_t *attempts, ngx_pool_t *pool,
    const ngx_http_notify_resp_t *resp, uint64_t first)
{
    ngx_uint_t  i;

    if (ngx_array_init(&attempts->all, pool, 16,
                       sizeof(ngx_http_notify_attempt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i + 3 <= resp->nelts; i += 3) {
        if (ngx_http_notify_delivery_attempts_entry(attempts, pool,
                                                    &resp->elts[i], first)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_notify_delivery_attempts_sort(attempts, pool);
}


static ngx_int_t
ngx_http_notify_delivery_attempts_entry(
    ngx_http_notify_delivery_attempts_t *attempts, ngx_pool_t *pool,
    ngx_http_notify_resp_t **elts, uint64_t first)
{
    uint64_t                          n;
    ngx_str_t                         heads, extras;
    ngx_uint_t                        from;
    ngx_http_notify_id_t              last;
    ngx_http_notify_attempt_t         attempt, *slot;
    ngx_http_notify_attempts_iter_t   it;

    if (elts[1]->type != NGX_HTTP_NOTIFY_RESP_STRING
        || elts[2]->type != NGX_HTTP_NOTIFY_RESP_STRING
        || ngx_http_notify_id_parse(&elts[0]->str, &last) != NGX_OK
        || last.ms < first)
    {
        return NGX_OK;
    }

    heads.len = elts[1]->str.len;
    heads.data = ngx_pstrdup(pool, &elts[1]->str);
    extras.len = elts[2]->str.len;
    extras.data = ngx_pstrdup(pool, &elts[2]->str);

    if (heads.data == NULL || extras.data == NULL) {
        return NGX_ERROR;
    }

    from = attempts->all.nelts;
    ngx_http_notify_attempts_iter(&it, &heads, &extras);

    while (ngx_http_notify_attempts_next(&it, &attempt) == NGX_OK) {
        slot = ngx_array_push(&attempts->all);
        if (slot == NULL) {
            return NGX_ERROR;
        }

        *slot = attempt;
    }

    /* the entry's number is that of its last attempt */

    n = attempts->all.nelts - from;

    if (last.ms - n + 1 < first && last.ms >= n) {
        slot = attempts->all.elts;
        n = ngx_min(n, first - (last.ms - n + 1));

        ngx_memmove(&slot[from], &slot[from + n],
                    (attempts->all.nelts - from - n)
                    * sizeof(ngx_http_notify_attempt_t));
        attempts->all.nelts -= n;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_delivery_attempts_sort(
    ngx_http_notify_delivery_attempts_t *attempts, ngx_pool_t *pool)
{
    ngx_uint_t                        i;
    const ngx_http_notify_attempt_t  *attempt;

    attempts->sorted = ngx_palloc(pool, (attempts->all.nelts + 1)
                                        * sizeof(attempts->sorted[0]));
    if (attempts->sorted == NULL) {
        return NGX_ERROR;
    }

    attempt = attempts->all.elts;

    for (i = 0; i < attempts->all.nelts; i++) {
        attempts->sorted[i] = &attempt[i];
    }

    ngx_qsort(attempts->sorted, attempts->all.nelts,
              sizeof(attempts->sorted[0]),
              ngx_http_notify_delivery_attempts_compare);

    return NGX_OK;
}


/* those of one event stay in the order of the array */

static int ngx_libc_cdecl
ngx_http_notify_delivery_attempts_compare(const void *one, const void *two)
{
    const ngx_http_notify_attempt_t *const *a = one;
    const ngx_http_notify_attempt_t *const *b = two;

    ngx_int_t  rc;

    rc = ngx_http_notify_id_compare(&(*a)->event, &(*b)->event);

    return rc ? (int) rc : (*a > *b) - (*a < *b);
}


const ngx_http_notify_attempt_t **
ngx_http_notify_delivery_attempts_of(
    const ngx_http_notify_delivery_attempts_t *attempts,
    const ngx_http_notify_id_t *event, ngx_uint_t *n)
{
    ngx_uint_t            from;
    ngx_http_notify_id_t  next;

    next = ngx_http_notify_id_after(event);

    from = ngx_http_notify_delivery_attempts_before(attempts, event);
    *n = ngx_http_notify_delivery_attempts_before(attempts, &next) - from;

    return &attempts->sorted[from];
}


/* how many are of an event before this one */

static ngx_uint_t
ngx_http_notify_delivery_attempts_before(
    const ngx_http_notify_delivery_attempts_t *attempts,
    const ngx_http_notify_id_t *event)
{
    ngx_uint_t  low, high, middle;

    low = 0;
    high = attempts->all.nelts;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (ngx_http_notify_id_compare(&attempts->sorted[middle]->event, event)
            < 0)
        {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


void
ngx_http_notify_delivery_attempts_show(ngx_http_notify_json_write_t *w,
    const char *name, const ngx_http_notify_attempt_t *attempt)
{
    ngx_http_notify_json_write_object(w, name);
    ngx_http_notify_json_write_integer(w, "attempt", attempt->attempt);
    ngx_http_notify_json_write_time(w, "time", attempt->time);
    ngx_http_notify_json_write_bool(w, "success",
                                attempt->verdict == NGX_HTTP_NOTIFY_CALL_OK);

    if (attempt->status) {
        ngx_http_notify_json_write_integer(w, "status", attempt->status);

    } else {
        ngx_http_notify_json_write_null(w, "status");
    }

    ngx_http_notify_json_write_integer(w, "latency", attempt->latency);

    if (attempt->error.len) {
        ngx_http_notify_delivery_attempts_text(w, "error", &attempt->error);

    } else {
        ngx_http_notify_json_write_null(w, "error");
    }

    if (attempt->detail.len) {
        ngx_http_notify_delivery_attempts_text(w, "detail", &attempt->detail);
    }

    if (attempt->response.len) {
        ngx_http_notify_delivery_attempts_text(w, "response",
                                               &attempt->response);
        ngx_http_notify_json_write_bool(w, "responseTruncated",
                                        attempt->truncated);
    }

    ngx_http_notify_json_write_end(w);
}


/* what a receiver sent may be any bytes: what is no UTF-8 is replaced */

static void
ngx_http_notify_delivery_attempts_text(ngx_http_notify_json_write_t *w,
    const char *name, const ngx_str_t *text)
{
    u_char     *p, *q, *start, *last;
    uint32_t    c;
    ngx_str_t   clean;

    clean.data = ngx_pnalloc(w->pool, 3 * text->len);
    if (clean.data == NULL) {
        w->failed = 1;
        return;
    }

    p = text->data;
    last = p + text->len;
    q = clean.data;

    while (p < last) {
        start = p;
        c = *p < 0x80 ? *p++ : ngx_utf8_decode(&p, last - p);

        if (c <= 0x10ffff && (c < 0xd800 || c > 0xdfff)) {
            q = ngx_cpymem(q, start, p - start);
            continue;
        }

        p = start + 1;
        q = ngx_cpymem(q, "\xef\xbf\xbd", 3);
    }

    clean.len = q - clean.data;

    ngx_http_notify_json_write_string(w, name, &clean);
}
