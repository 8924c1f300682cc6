/*
 * Values read from elsewhere become parts of a reply.
 */

#include "ngx_http_notify_resp.h"


ngx_http_notify_resp_t *
ngx_http_notify_resp_graft(ngx_http_notify_resp_t *reply,
    const ngx_str_t *pieces, ngx_uint_t n)
{
    ngx_int_t                       rc;
    ngx_uint_t                      i;
    ngx_http_notify_resp_t         *resp;
    ngx_http_notify_resp_parser_t  *p;
    u_char                          head[NGX_INT64_LEN + 3];

    p = ngx_http_notify_resp_parser_create(ngx_cycle->log);
    if (p == NULL) {
        return NULL;
    }

    resp = NULL;

    rc = ngx_http_notify_resp_parser_feed(p, head,
                                   ngx_sprintf(head, "*%ui" CRLF, n) - head);

    for (i = 0; rc == NGX_OK && i < n; i++) {
        rc = ngx_http_notify_resp_parser_feed(p, pieces[i].data,
                                              pieces[i].len);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_resp_parser_next(p, &resp);
    }

    ngx_http_notify_resp_parser_destroy(p);

    if (rc != NGX_OK) {
        return NULL;
    }

    ngx_http_notify_resp_adopt(reply, resp);

    return resp->type == NGX_HTTP_NOTIFY_RESP_ARRAY ? resp : NULL;
}
