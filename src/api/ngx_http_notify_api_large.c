/*
 * A body that is too large, as a problem document: by its Content-Length nginx
 * refuses it before any handler, and then asks for the page of that error.
 * Knows nothing of resources.
 */

#include "ngx_http_notify_api.h"


static ngx_int_t ngx_http_notify_api_large_handler(ngx_http_request_t *r);
static void ngx_http_notify_api_large_problem(ngx_http_notify_api_t *api);


/*
 * Its page is a text of ours, known by its address, so that no location is
 * looked up by what the client sent.  Not where error_page has 413 already.
 */

ngx_int_t
ngx_http_notify_api_large_conf(ngx_conf_t *cf,
    ngx_http_notify_api_mount_t *mount)
{
    ngx_uint_t                 i;
    ngx_array_t               *pages;
    ngx_http_err_page_t       *page;
    ngx_http_core_loc_conf_t  *clcf;

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

    if (mount->large.data == NULL) {
        mount->large.len = mount->prefix.len;
        mount->large.data = ngx_pstrdup(cf->pool, &mount->prefix);

        if (mount->large.data == NULL) {
            return NGX_ERROR;
        }
    }

    page->value.value = mount->large;
    page->status = NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    page->overwrite = -1;

    clcf->error_pages = pages;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_api_large_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_SERVER_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_notify_api_large_handler;

    return NGX_OK;
}


/* the first to see an internal redirect, which is answered as its location */

static ngx_int_t
ngx_http_notify_api_large_handler(ngx_http_request_t *r)
{
    ngx_uint_t                     i;
    const ngx_array_t             *mounts;
    ngx_http_notify_api_t         *api;
    ngx_http_notify_api_mount_t  **mount;

    if (!r->internal) {
        return NGX_DECLINED;
    }

    mounts = ngx_http_notify_api_mounts(r);
    mount = mounts->elts;

    for (i = 0; i < mounts->nelts; i++) {

        if (mount[i]->large.data == NULL
            || mount[i]->large.data != r->uri.data)
        {
            continue;
        }

        r->loc_conf = mount[i]->loc_conf;
        ngx_http_update_location_config(r);

        api = ngx_http_notify_api_create(r);
        if (api == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_http_notify_api_large_problem(api);

        return NGX_DONE;
    }

    return NGX_DECLINED;
}


/* of a content handler, whose reference the answer gives back */

ngx_int_t
ngx_http_notify_api_large(ngx_http_notify_api_t *api)
{
    api->request->main->count++;

    ngx_http_notify_api_large_problem(api);

    return NGX_DONE;
}


static void
ngx_http_notify_api_large_problem(ngx_http_notify_api_t *api)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(api->request, ngx_http_core_module);

    api->request->keepalive = 0;
    api->request->lingering_close = 1;

    ngx_http_notify_api_problem(api, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                "body_too_large",
                                "the body is larger than this location's "
                                "client_max_body_size, %O bytes",
                                clcf->client_max_body_size);
}
