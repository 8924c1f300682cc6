/*
 * Files that the configuration names: read while it is, one read each.  A
 * secret never gets into a pool.  Must not know what is in them.
 */

#include "ngx_http_notify_file.h"


#define NGX_HTTP_NOTIFY_FILE_SECRET  65536


ngx_int_t
ngx_http_notify_file_read(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *text)
{
    ssize_t     n;
    ngx_fd_t    fd;
    ngx_err_t   err;
    ngx_str_t  *arg;

    arg = cf->args->elts;

    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"%V\" directive: " ngx_open_file_n
                           " \"%V\" failed", arg, name);
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, text->data, text->len);
    err = ngx_errno;

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", name);
    }

    if (n < 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, err,
                           "\"%V\" directive: " ngx_read_fd_n
                           " \"%V\" failed", arg, name);
        return NGX_ERROR;
    }

    text->len = n;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_file_secret(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *text)
{
    text->len = NGX_HTTP_NOTIFY_FILE_SECRET;

    text->data = ngx_calloc(text->len, cf->log);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_file_read(cf, name, text) == NGX_OK) {

        if (text->len < NGX_HTTP_NOTIFY_FILE_SECRET) {
            return NGX_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" directive: \"%V\" is too large",
                           (ngx_str_t *) cf->args->elts, name);
    }

    ngx_http_notify_file_wipe(text);

    return NGX_ERROR;
}


void
ngx_http_notify_file_wipe(ngx_str_t *text)
{
    ngx_explicit_memzero(text->data, NGX_HTTP_NOTIFY_FILE_SECRET);
    ngx_free(text->data);
}
