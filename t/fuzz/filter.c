/*
 * Filters of subscriptions: compiled or refused with a reason and a pointer,
 * and true or false of an event, never both.  A text is found where a search
 * by comparing finds it.
 */

#include "fuzz.h"
#include "ngx_http_notify_filter.h"
#include "ngx_http_notify_json.h"


static ngx_http_notify_filter_t *
fuzz_wrap(ngx_pool_t *pool, const char *before, ngx_str_t *filter,
    const char *after)
{
    ngx_str_t    text, pointer;
    const char  *reason;

    text.data = ngx_pnalloc(pool, filter->len + 32);
    fuzz_check(text.data != NULL);

    text.len = ngx_sprintf(text.data, "%s%V%s", before, filter, after)
               - text.data;

    return ngx_http_notify_filter_compile(pool, &text, &reason, &pointer);
}


static void
fuzz_event(ngx_pool_t *pool, ngx_str_t *input, ngx_http_notify_event_t *event)
{
    ngx_str_t                      text;
    ngx_keyval_t                  *attribute;
    ngx_http_notify_json_error_t   error;

    ngx_memzero(event, sizeof(ngx_http_notify_event_t));

    event->id.ms = (uint64_t) FUZZ_TIME * 1000;
    event->time = (uint64_t) FUZZ_TIME * 1000;
    ngx_str_set(&event->type, "document.pricing");
    ngx_str_set(&event->entity_id, "4711");

    text = fuzz_cut(pool, input, '\0');

    if (ngx_http_notify_json_scan(&text, &event->data, &error) != NGX_OK) {
        ngx_str_set(&event->data, "");
    }

    attribute = ngx_palloc(pool, sizeof(ngx_keyval_t));
    fuzz_check(attribute != NULL);

    ngx_str_set(&attribute->key, "country");
    attribute->value = fuzz_cut(pool, input, '\0');
    event->attributes = attribute;
    event->nattributes = 1;
}


/* the event's data, if it is a string, and the country in it */

static void
fuzz_search(ngx_pool_t *pool, ngx_http_notify_event_t *event)
{
    size_t                     i;
    ngx_str_t                  text, piece, quoted, json;
    ngx_uint_t                 within, ends;
    ngx_http_notify_filter_t  *filter;

    piece = event->attributes->value;

    if (ngx_http_notify_json_text(pool, &event->data, &text) != NGX_OK
        || ngx_strlchr(piece.data, piece.data + piece.len, '\0')
        || ngx_http_notify_json_quote(pool, &piece, &quoted) != NGX_OK
        || ngx_http_notify_json_text(pool, &quoted, &piece) != NGX_OK)
    {
        return;
    }

    within = 0;
    ends = 0;

    for (i = 0; i + piece.len <= text.len; i++) {
        if (ngx_memcmp(text.data + i, piece.data, piece.len) == 0) {
            within = 1;
            ends = (i + piece.len == text.len);
        }
    }

    json = quoted;

    filter = fuzz_wrap(pool, "{\"data\":{\"$contains\":", &json, "}}");

    if (filter) {
        fuzz_check(!within == !ngx_http_notify_filter_match(filter, event));
    }

    filter = fuzz_wrap(pool, "{\"/data\":{\"$suffix\":", &json, "}}");

    if (filter) {
        fuzz_check(!ends == !ngx_http_notify_filter_match(filter, event));
    }
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_str_t                  text, pointer;
    const char                *reason;
    ngx_uint_t                 yes;
    ngx_http_notify_event_t    event;
    ngx_http_notify_filter_t  *filter, *wrapped;

    text = fuzz_cut(pool, input, '\0');
    fuzz_event(pool, input, &event);
    fuzz_search(pool, &event);

    reason = NULL;

    filter = ngx_http_notify_filter_compile(pool, &text, &reason, &pointer);

    if (filter == NULL) {
        fuzz_check(reason != NULL);
        return;
    }

    yes = ngx_http_notify_filter_match(filter, &event);
    fuzz_check(yes == ngx_http_notify_filter_match(filter, &event));

    wrapped = fuzz_wrap(pool, "{\"$and\":[", &text, "]}");

    if (wrapped) {
        fuzz_check(!yes == !ngx_http_notify_filter_match(wrapped, &event));
    }

    wrapped = fuzz_wrap(pool, "{\"$not\":", &text, "}");

    if (wrapped) {
        fuzz_check(!yes == !!ngx_http_notify_filter_match(wrapped, &event));
    }
}
