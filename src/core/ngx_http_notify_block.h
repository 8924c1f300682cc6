/*
 * The inside of a block: directives are looked up in the tables of several
 * layers, and checked as nginx checks its own.  Used while the configuration is
 * read.
 */

#ifndef _NGX_HTTP_NOTIFY_BLOCK_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_BLOCK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef enum {
    NGX_HTTP_NOTIFY_BLOCK_PROFILE = 0,
    NGX_HTTP_NOTIFY_BLOCK_PROVIDER,
    NGX_HTTP_NOTIFY_BLOCK_CHANNEL,
    NGX_HTTP_NOTIFY_BLOCK_KINDS
} ngx_http_notify_block_kind_e;

typedef struct {
    const char      *name;          /* "notify_channel" */
    ngx_command_t  **tables;        /* ends with NULL; each with
                                       ngx_null_command */
} ngx_http_notify_block_kind_t;


/* by ngx_http_notify_block_kind_e */
extern const ngx_http_notify_block_kind_t  ngx_http_notify_block_kinds[];


/*
 * Reads up to the closing brace; errors are logged with file and line.  `conf`
 * is what the setters get.
 */
char *ngx_http_notify_block_parse(ngx_conf_t *cf,
    ngx_http_notify_block_kind_e kind, void *conf);

#endif /* _NGX_HTTP_NOTIFY_BLOCK_H_INCLUDED_ */
