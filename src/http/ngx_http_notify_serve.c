/*
 * Content handlers of locations.  A directive that is read later may take a
 * location over: that is found when all has been read.
 */

#include "ngx_http_notify_http_module.h"
#include "ngx_http_notify_serve.h"


typedef struct {
    ngx_http_core_loc_conf_t   *location;
    ngx_http_handler_pt         handler;
    ngx_str_t                   directive;
    u_char                     *file;
    ngx_uint_t                  line;
} ngx_http_notify_serve_location_t;


typedef struct {
    ngx_array_t                 locations;  /* of _location_t */
    ngx_array_t                 handlers;   /* each once */
} ngx_http_notify_serve_main_conf_t;


static ngx_uint_t ngx_http_notify_serve_known(
    const ngx_http_notify_serve_main_conf_t *smcf,
    ngx_http_handler_pt handler);
static void *ngx_http_notify_serve_create_main_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_notify_serve_init(ngx_conf_t *cf);


static ngx_http_module_t  ngx_http_notify_serve_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_notify_serve_init,            /* postconfiguration */

    ngx_http_notify_serve_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_notify_serve_module =
    ngx_http_notify_http_module(&ngx_http_notify_serve_module_ctx, NULL);


char *
ngx_http_notify_serve(ngx_conf_t *cf, ngx_http_handler_pt handler)
{
    ngx_str_t                          *value;
    ngx_http_handler_pt                *known;
    ngx_http_core_loc_conf_t           *clcf;
    ngx_http_notify_serve_location_t   *location;
    ngx_http_notify_serve_main_conf_t  *smcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler == handler) {
        return "is duplicate";
    }

    if (clcf->handler) {
        return "cannot be used, something else answers in this location";
    }

    smcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_notify_serve_module);

    location = ngx_array_push(&smcf->locations);
    if (location == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    location->location = clcf;
    location->handler = handler;
    location->directive = value[0];
    location->file = cf->conf_file->file.name.data;
    location->line = cf->conf_file->line;

    clcf->handler = handler;

    if (!ngx_http_notify_serve_known(smcf, handler)) {
        known = ngx_array_push(&smcf->handlers);
        if (known == NULL) {
            return NGX_CONF_ERROR;
        }

        *known = handler;
    }

    return NGX_CONF_OK;
}


ngx_uint_t
ngx_http_notify_serve_is(ngx_http_request_t *r)
{
    ngx_http_notify_serve_main_conf_t  *smcf;

    smcf = ngx_http_get_module_main_conf(r, ngx_http_notify_serve_module);

    return ngx_http_notify_serve_known(smcf, r->content_handler);
}


static ngx_uint_t
ngx_http_notify_serve_known(const ngx_http_notify_serve_main_conf_t *smcf,
    ngx_http_handler_pt handler)
{
    ngx_uint_t            i;
    ngx_http_handler_pt  *known;

    known = smcf->handlers.elts;

    for (i = 0; i < smcf->handlers.nelts; i++) {
        if (known[i] == handler) {
            return 1;
        }
    }

    return 0;
}


static void *
ngx_http_notify_serve_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_notify_serve_main_conf_t  *smcf;

    smcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_serve_main_conf_t));

    if (smcf == NULL
        || ngx_array_init(&smcf->locations, cf->pool, 4,
                          sizeof(ngx_http_notify_serve_location_t))
           != NGX_OK
        || ngx_array_init(&smcf->handlers, cf->pool, 4,
                          sizeof(ngx_http_handler_pt))
           != NGX_OK)
    {
        return NULL;
    }

    return smcf;
}


static ngx_int_t
ngx_http_notify_serve_init(ngx_conf_t *cf)
{
    ngx_uint_t                          i;
    ngx_http_notify_serve_location_t   *location;
    ngx_http_notify_serve_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_notify_serve_module);
    location = smcf->locations.elts;

    for (i = 0; i < smcf->locations.nelts; i++) {

        if (location[i].location->handler != location[i].handler) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"%V\" directive cannot be used, something else "
                          "answers in this location in %s:%ui",
                          &location[i].directive, location[i].file,
                          location[i].line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
