/*
 * The block notify_provider of http {}.  Used while the configuration is read.
 */

#ifndef _NGX_HTTP_NOTIFY_PROVIDER_BLOCK_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PROVIDER_BLOCK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_main_conf.h"


/* reads a block whose name is fit to be one */
char *ngx_http_notify_provider_block(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf, const ngx_str_t *name);
/* at the end of http {}: the upstreams that they name; and the channels have
 * them */
char *ngx_http_notify_provider_block_init(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf);


#endif /* _NGX_HTTP_NOTIFY_PROVIDER_BLOCK_H_INCLUDED_ */
