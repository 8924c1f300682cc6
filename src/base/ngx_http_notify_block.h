/*
 * Blocks of directives in http {}: notify_profile, notify_provider,
 * notify_channel.  Each file with directives for them is a module of a type of
 * its own, whose directives nginx looks up and checks as it does others.  Used
 * while the configuration is read.
 */

#ifndef _NGX_HTTP_NOTIFY_BLOCK_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_BLOCK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define NGX_HTTP_NOTIFY_BLOCK_TYPE     0x4b4c4254   /* "TBLK" */

/* where a directive may be; NGX_MAIN_CONF has another meaning for nginx */
#define NGX_HTTP_NOTIFY_PROFILE_CONF   0x02000000
#define NGX_HTTP_NOTIFY_PROVIDER_CONF  0x04000000
#define NGX_HTTP_NOTIFY_CHANNEL_CONF   0x08000000

/* for a profile and for a provider, which begins with one */
#define NGX_HTTP_NOTIFY_CALL_CONF                                             \
    (NGX_HTTP_NOTIFY_PROFILE_CONF|NGX_HTTP_NOTIFY_PROVIDER_CONF)


/* the context of a block, in place of that of http {} */
typedef struct {
    ngx_http_conf_ctx_t   http;
    void                **confs;    /* what the setters get, the same for each
                                       module of the type */
} ngx_http_notify_block_ctx_t;

#define NGX_HTTP_NOTIFY_BLOCK_OFFSET                                          \
    offsetof(ngx_http_notify_block_ctx_t, confs)

/* the end of an ngx_command_t: its setter gets the block's structure, or has
 * a field of it, which an entry of cmd->post's type follows */
#define ngx_http_notify_block_whole  NGX_HTTP_NOTIFY_BLOCK_OFFSET, 0, NULL
#define ngx_http_notify_block_field(conf, field)                              \
    NGX_HTTP_NOTIFY_BLOCK_OFFSET, offsetof(conf, field)

#define ngx_http_notify_block_module(commands)                                \
    { NGX_MODULE_V1, NULL, commands, NGX_HTTP_NOTIFY_BLOCK_TYPE,              \
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NGX_MODULE_V1_PADDING }


/*
 * Reads up to the closing brace; errors are logged with file and line.  `type`
 * is one of NGX_HTTP_NOTIFY_*_CONF, `conf` is what the setters get.
 */
char *ngx_http_notify_block_parse(ngx_conf_t *cf, ngx_uint_t type, void *conf);

/* a setter of a directive that is known in a block only to be refused: the
 * reason is cmd->post */
char *ngx_http_notify_block_refuse(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_HTTP_NOTIFY_BLOCK_H_INCLUDED_ */
