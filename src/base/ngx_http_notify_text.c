/*
 * Text: comparison and checks.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_json_scan.h"
#include "ngx_http_notify_text.h"


ngx_uint_t
ngx_http_notify_text_utf8(const ngx_str_t *text)
{
    size_t   n;
    u_char  *p, *last;

    p = text->data;
    last = p + text->len;

    while (p < last) {
        n = ngx_http_notify_json_utf8(p, last);
        if (n == 0) {
            return 0;
        }

        p += n;
    }

    return 1;
}
