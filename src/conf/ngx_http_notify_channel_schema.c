/*
 * `schema=FILE` of an event: reads the file into the configuration's pool and
 * has it compiled.  Must not know what a schema says.
 */

#include "ngx_http_notify_channel_schema.h"


#define NGX_HTTP_NOTIFY_CHANNEL_SCHEMA_SIZE  (1024 * 1024)


static ngx_int_t ngx_http_notify_channel_schema_read(ngx_conf_t *cf,
    ngx_str_t *name, ngx_str_t *text);


char *
ngx_http_notify_channel_schema(ngx_conf_t *cf,
    ngx_http_notify_channel_event_t *event, const ngx_str_t *file)
{
    size_t                          i;
    ngx_str_t                       name, text;
    ngx_uint_t                      line;
    ngx_http_notify_schema_error_t  error;

    if (file->len == 0) {
        return "has an empty \"schema\"";
    }

    name = *file;

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK
        || ngx_http_notify_channel_schema_read(cf, &name, &text) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    event->schema = ngx_http_notify_schema_compile(cf->pool, &text, &error);

    if (event->schema) {
        return NGX_CONF_OK;
    }

    line = 1;

    for (i = 0; i < error.offset && i < text.len; i++) {
        line += (text.data[i] == '\n');
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "schema \"%V\", line %ui: %s",
                       &name, line, error.reason);

    return NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_notify_channel_schema_read(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *text)
{
    off_t            size;
    ssize_t          n;
    ngx_int_t        rc;
    ngx_file_t       file;
    ngx_file_info_t  fi;

    ngx_memzero(&file, sizeof(ngx_file_t));
    file.name = *name;
    file.log = cf->log;

    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"%V\" directive: " ngx_open_file_n
                           " \"%V\" failed", (ngx_str_t *) cf->args->elts,
                           name);
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (ngx_fd_info(file.fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", name);
        goto done;
    }

    size = ngx_file_size(&fi);

    if (!ngx_is_file(&fi) || size > NGX_HTTP_NOTIFY_CHANNEL_SCHEMA_SIZE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "schema \"%V\" is no file, or larger than %d "
                           "bytes", name,
                           NGX_HTTP_NOTIFY_CHANNEL_SCHEMA_SIZE);
        goto done;
    }

    text->data = ngx_pnalloc(cf->pool, (size_t) size + 1);
    if (text->data == NULL) {
        goto done;
    }

    n = ngx_read_file(&file, text->data, (size_t) size, 0);

    if (n == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_file_n " \"%V\" failed", name);
        goto done;
    }

    text->len = n;
    rc = NGX_OK;

done:

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", name);
    }

    return rc;
}
