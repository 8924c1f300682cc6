/*
 * A short list, looked through from the oldest on.
 */

#include "ngx_http_notify_former.h"


typedef struct {
    ngx_http_notify_id_t          to;           /* inclusive */
    ngx_http_notify_selector_t   *selector;
} ngx_http_notify_former_one_t;


struct ngx_http_notify_former_s {
    ngx_uint_t                    n;
    ngx_http_notify_former_one_t  ones[1];
};


void
ngx_http_notify_former_add_field(ngx_http_notify_command_t *command,
    const ngx_str_t *id)
{
    ngx_http_notify_command_printf(command, "%V" NGX_HTTP_NOTIFY_FORMER_WORD,
                                   id);
}


ngx_http_notify_former_t *
ngx_http_notify_former_create(const ngx_str_t *text, ngx_log_t *log)
{
    u_char                        *p, *last, *end;
    ngx_str_t                      place, document;
    ngx_uint_t                     n;
    ngx_http_notify_former_t      *former;
    ngx_http_notify_former_one_t  *one;

    last = text->data + text->len;

    for (n = 0, p = text->data; p < last; p++) {
        n += (*p == '\n');
    }

    if (n == 0) {
        return NULL;
    }

    former = ngx_calloc(sizeof(ngx_http_notify_former_t)
                        + n * sizeof(ngx_http_notify_former_one_t), log);
    if (former == NULL) {
        return NULL;
    }

    for (p = text->data; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, '\n');
        if (end == NULL) {
            break;
        }

        place.data = p;
        p = ngx_strlchr(p, end, ' ');
        if (p == NULL) {
            continue;
        }

        place.len = p - place.data;
        document.data = p + 1;
        document.len = end - document.data;

        one = &former->ones[former->n];

        if (ngx_http_notify_id_parse(&place, &one->to) != NGX_OK) {
            continue;
        }

        one->selector = ngx_http_notify_selector_create(&document, NULL, log);
        if (one->selector != NULL) {
            former->n++;
        }
    }

    return former;
}


void
ngx_http_notify_former_destroy(ngx_http_notify_former_t *former)
{
    ngx_uint_t  i;

    for (i = 0; i < former->n; i++) {
        ngx_http_notify_selector_destroy(former->ones[i].selector);
    }

    ngx_free(former);
}


ngx_http_notify_selector_t *
ngx_http_notify_former_find(const ngx_http_notify_former_t *former,
    const ngx_http_notify_id_t *id)
{
    ngx_uint_t  i;

    for (i = 0; former != NULL && i < former->n; i++) {
        if (ngx_http_notify_id_compare(id, &former->ones[i].to) <= 0) {
            return former->ones[i].selector;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_notify_former_passed(const ngx_http_notify_former_t *former,
    const ngx_http_notify_id_t *id)
{
    return former->n == 0
           || ngx_http_notify_id_compare(&former->ones[former->n - 1].to, id)
              <= 0;
}


void
ngx_http_notify_former_set(ngx_http_notify_former_t **former,
    const ngx_str_t *text, ngx_log_t *log)
{
    if (*former != NULL) {
        ngx_http_notify_former_destroy(*former);
    }

    *former = ngx_http_notify_former_create(text, log);
}


ngx_uint_t
ngx_http_notify_former_wants(const ngx_http_notify_former_t *former,
    const ngx_http_notify_subscription_t *doc,
    ngx_http_notify_filter_t *filter, const ngx_http_notify_event_t *event)
{
    ngx_http_notify_selector_t  *selector;

    selector = ngx_http_notify_former_find(former, &event->id);

    return selector ? ngx_http_notify_selector_test(selector, event)
                    : ngx_http_notify_selector_match(doc, filter, event);
}
