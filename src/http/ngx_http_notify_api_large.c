/*
 * A body that is too large, as a problem document: by its Content-Length nginx
 * refuses it before any handler, and then asks for the page of that error.
 * Knows nothing of resources.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api.h"


/* 413 of this location comes back to it, unless error_page has it already */

ngx_int_t
ngx_http_notify_api_large_conf(ngx_conf_t *cf)
{
    ngx_str_t                          uri;
    ngx_uint_t                         i;
    ngx_array_t                       *pages;
    ngx_http_err_page_t               *page;
    ngx_http_core_loc_conf_t          *clcf;
    ngx_http_compile_complex_value_t   ccv;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    pages = ngx_array_create(cf->pool, 4, sizeof(ngx_http_err_page_t));
    if (pages == NULL) {
        return NGX_ERROR;
    }

    /* the list may be that of the level above */

    for (i = 0; clcf->error_pages && i < clcf->error_pages->nelts; i++) {
        page = ngx_array_push(pages);
        if (page == NULL) {
            return NGX_ERROR;
        }

        *page = ((ngx_http_err_page_t *) clcf->error_pages->elts)[i];

        if (page->status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
            return NGX_OK;
        }
    }

    page = ngx_array_push(pages);
    if (page == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(page, sizeof(ngx_http_err_page_t));
    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));
    ngx_str_set(&uri, "$uri");

    ccv.cf = cf;
    ccv.value = &uri;
    ccv.complex_value = &page->value;

    page->status = NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    page->overwrite = -1;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_ERROR;
    }

    clcf->error_pages = pages;

    return NGX_OK;
}


/* whether it has come back */

ngx_uint_t
ngx_http_notify_api_large_is(ngx_http_request_t *r)
{
    return r->internal && r->err_status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
}


ngx_int_t
ngx_http_notify_api_large(ngx_http_notify_api_t *api)
{
    ngx_http_request_t  *r;

    r = api->request;

    r->keepalive = 0;
    r->lingering_close = 1;
    r->main->count++;

    ngx_http_notify_api_problem(api, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                "body_too_large",
                                "the body is larger than this location's "
                                "client_max_body_size");
    return NGX_DONE;
}
