/*
 * The inside of a block: directives are looked up in tables of several layers,
 * each with its own structure, and checked as nginx checks its own.  Used while
 * the configuration is read; knows no directive by name.
 */

#ifndef _NGX_HTTP_NOTIFY_BLOCK_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_BLOCK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_command_t  *commands;           /* ends with ngx_null_command */
    void           *conf;               /* what their setters get */
} ngx_http_notify_block_table_t;


typedef struct {
    const char                      *name;      /* "notify_channel" */
    ngx_http_notify_block_table_t   *tables;
    ngx_uint_t                       ntables;
    const char                     **later;     /* not supported yet; ends
                                                   with NULL */
} ngx_http_notify_block_t;


/* Reads up to the closing brace; errors are logged with file and line. */
char *ngx_http_notify_block_parse(ngx_conf_t *cf,
    ngx_http_notify_block_t *block);
/* One directive as if it stood at the place that is being read. */
char *ngx_http_notify_block_apply(ngx_conf_t *cf,
    ngx_http_notify_block_t *block, ngx_str_t *args, ngx_uint_t nargs);


#endif /* _NGX_HTTP_NOTIFY_BLOCK_H_INCLUDED_ */
