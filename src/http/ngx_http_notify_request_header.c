/*
 * Headers of a request.
 */

#include "ngx_http_notify_request_header.h"
#include "ngx_http_notify_text.h"


ngx_uint_t
ngx_http_notify_request_header(ngx_http_request_t *r, const ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_uint_t        i, found;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    found = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (ngx_http_notify_text_equal_nocase(&header[i].key, name)
                && found++ == 0)
            {
                *value = header[i].value;
            }
        }
    }

    return found;
}
