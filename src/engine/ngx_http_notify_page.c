
/*
 * A ring of pages: what was read first goes first.  The log only grows, so a
 * page is never wrong, unless an event is erased: then they go.
 */

#include "ngx_http_notify_page.h"


ngx_http_notify_page_t *
ngx_http_notify_page_create(ngx_uint_t size, const ngx_http_notify_id_t *from,
    ngx_log_t *log)
{
    ngx_http_notify_page_t  *page;

    page = ngx_alloc(sizeof(ngx_http_notify_page_t)
                     + size * sizeof(ngx_http_notify_event_t *), log);
    if (page == NULL) {
        return NULL;
    }

    page->from = *from;
    page->to = *from;
    page->n = 0;

    return page;
}


void
ngx_http_notify_page_add(ngx_http_notify_page_t *page,
    ngx_http_notify_event_t *event)
{
    page->events[page->n++] = event;
}


void
ngx_http_notify_page_free(ngx_http_notify_page_t *page)
{
    ngx_uint_t  i;

    for (i = 0; i < page->n; i++) {
        ngx_http_notify_log_unref(page->events[i]);
    }

    ngx_free(page);
}


void
ngx_http_notify_page_keep(ngx_http_notify_pages_t *pages,
    ngx_http_notify_page_t *page)
{
    if (pages->pages[pages->next] != NULL) {
        ngx_http_notify_page_free(pages->pages[pages->next]);
    }

    pages->pages[pages->next] = page;
    pages->next = (pages->next + 1) % NGX_HTTP_NOTIFY_PAGES;
}


ngx_http_notify_page_t *
ngx_http_notify_page_find(ngx_http_notify_pages_t *pages,
    const ngx_http_notify_id_t *id)
{
    ngx_uint_t               i;
    ngx_http_notify_page_t  *page;

    for (i = 0; i < NGX_HTTP_NOTIFY_PAGES; i++) {
        page = pages->pages[i];

        if (page != NULL
            && ngx_http_notify_id_compare(&page->from, id) <= 0
            && ngx_http_notify_id_compare(&page->to, id) > 0)
        {
            return page;
        }
    }

    return NULL;
}


void
ngx_http_notify_page_clear(ngx_http_notify_pages_t *pages)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_NOTIFY_PAGES; i++) {

        if (pages->pages[i] != NULL) {
            ngx_http_notify_page_free(pages->pages[i]);
            pages->pages[i] = NULL;
        }
    }
}
