/*
 * Stretches of the log that were read a moment ago, for all of a worker's
 * subscribers that are behind: one that is about as far as another need not ask
 * Redis for the same entries.
 */

#ifndef _NGX_HTTP_NOTIFY_PAGE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PAGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log.h"


#define NGX_HTTP_NOTIFY_PAGES  8        /* that are kept */


typedef struct {
    ngx_http_notify_id_t       from;    /* all entries behind this one */
    ngx_http_notify_id_t       to;      /* up to this one, which is in it */
    ngx_uint_t                 n;
    ngx_http_notify_event_t   *events[1];   /* n, with a reference each */
} ngx_http_notify_page_t;


typedef struct {
    ngx_http_notify_page_t    *pages[NGX_HTTP_NOTIFY_PAGES];
    ngx_uint_t                 next;    /* to be replaced */
} ngx_http_notify_pages_t;


/* Room for so many events; NULL: memory.  The caller owns it. */
ngx_http_notify_page_t *ngx_http_notify_page_create(ngx_uint_t size,
    const ngx_http_notify_id_t *from, ngx_log_t *log);

/* Takes over a reference to the event; there must be room. */
void ngx_http_notify_page_add(ngx_http_notify_page_t *page,
    ngx_http_notify_event_t *event);

void ngx_http_notify_page_free(ngx_http_notify_page_t *page);

/* Takes over the page, and frees the one that has been kept longest. */
void ngx_http_notify_page_keep(ngx_http_notify_pages_t *pages,
    ngx_http_notify_page_t *page);

/*
 * The page that has what comes next behind that id, or NULL; it is kept until
 * the next one is.
 */
ngx_http_notify_page_t *ngx_http_notify_page_find(
    ngx_http_notify_pages_t *pages, const ngx_http_notify_id_t *id);

void ngx_http_notify_page_clear(ngx_http_notify_pages_t *pages);


#endif /* _NGX_HTTP_NOTIFY_PAGE_H_INCLUDED_ */
