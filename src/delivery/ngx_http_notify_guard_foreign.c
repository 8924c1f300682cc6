/*
 * International host names are refused, for want of what IDNA asks for; who
 * wrote one is told what to write.
 */

#include "ngx_http_notify_guard_foreign.h"
#include "ngx_http_notify_punycode.h"


const char *
ngx_http_notify_guard_foreign(ngx_pool_t *pool, const ngx_str_t *url)
{
    u_char     *p, *last, *end;
    ngx_str_t   host, ascii;

    static const char  phrase[] =
        "the URL has a character that is not ASCII";

    last = url->data + url->len;
    p = ngx_strnstr(url->data, "://", url->len);

    if (p == NULL) {
        return phrase;
    }

    host.data = p + 3;

    for (end = host.data; end < last; end++) {
        if (*end == '/' || *end == '?' || *end == '#' || *end == ':'
            || *end == '@')
        {
            break;
        }
    }

    host.len = end - host.data;

    for (p = host.data; p < end && *p < 0x80; p++) { /* void */ }

    if (p == end || (end < last && *end == '@')
        || ngx_http_notify_punycode(pool, &host, &ascii) != NGX_OK)
    {
        return phrase;
    }

    p = ngx_pnalloc(pool, sizeof(phrase) + sizeof("; write its host as \"\"")
                          + ascii.len);
    if (p == NULL) {
        return phrase;
    }

    *ngx_sprintf(p, "%s; write its host as \"%V\"", phrase, &ascii) = '\0';

    return (char *) p;
}
