/*
 * The paths of a filter: names with dots, or a JSON pointer.  Must not know
 * events: what is there is found in ngx_http_notify_filter_match.c.
 */

#include "ngx_http_notify_filter_internal.h"
#include "ngx_http_notify_text.h"


static ngx_int_t ngx_http_notify_filter_path_dots(
    ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_path_t *path,
    const ngx_http_notify_filter_place_t *place);
static ngx_int_t ngx_http_notify_filter_path_pointer(
    ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_path_t *path,
    const ngx_http_notify_filter_place_t *place);
static ngx_int_t ngx_http_notify_filter_path_steps(
    ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_path_t *path, u_char ch,
    const ngx_http_notify_filter_place_t *place);
static ngx_int_t ngx_http_notify_filter_path_unescape(ngx_pool_t *pool,
    ngx_str_t *token);


static const struct {
    ngx_str_t                         name;
    ngx_http_notify_filter_member_e   member;

} ngx_http_notify_filter_member[] = {

    { ngx_string("eventType"),      NGX_HTTP_NOTIFY_FILTER_TYPE },
    { ngx_string("objectType"),     NGX_HTTP_NOTIFY_FILTER_OBJECT },
    { ngx_string("entityTypeID"),   NGX_HTTP_NOTIFY_FILTER_ENTITY_TYPE },
    { ngx_string("entityID"),       NGX_HTTP_NOTIFY_FILTER_ENTITY },
    { ngx_string("data"),           NGX_HTTP_NOTIFY_FILTER_DATA },
    { ngx_string("id"),             NGX_HTTP_NOTIFY_FILTER_ID },
    { ngx_string("time"),           NGX_HTTP_NOTIFY_FILTER_TIME },
    { ngx_string("sessionId"),      NGX_HTTP_NOTIFY_FILTER_SESSION },
    { ngx_string("customerId"),     NGX_HTTP_NOTIFY_FILTER_CUSTOMER },
    { ngx_string("conversationId"), NGX_HTTP_NOTIFY_FILTER_CONVERSATION },
    { ngx_string("uid"),            NGX_HTTP_NOTIFY_FILTER_UID },
    { ngx_null_string,              NGX_HTTP_NOTIFY_FILTER_ATTRIBUTE }
};


ngx_int_t
ngx_http_notify_filter_path(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_path_t *path,
    const ngx_http_notify_filter_place_t *place)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    if (place->name.len && place->name.data[0] == '/') {
        rc = ngx_http_notify_filter_path_pointer(fc, path, place);

    } else {
        rc = ngx_http_notify_filter_path_dots(fc, path, place);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; ngx_http_notify_filter_member[i].name.len; i++) {
        if (ngx_http_notify_text_equal_nocase(&path->name,
                                      &ngx_http_notify_filter_member[i].name))
        {
            break;
        }
    }

    path->member = ngx_http_notify_filter_member[i].member;

    if (path->nsteps && path->member != NGX_HTTP_NOTIFY_FILTER_DATA) {
        return ngx_http_notify_filter_fail(fc, place,
                                           "only data has members");
    }

    return NGX_OK;
}


/* data.items.*.sku */

static ngx_int_t
ngx_http_notify_filter_path_dots(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_path_t *path,
    const ngx_http_notify_filter_place_t *place)
{
    u_char     *p, *dot, *last;
    ngx_str_t   step;

    p = place->name.data;
    last = p + place->name.len;

    if (ngx_http_notify_filter_path_steps(fc, path, '.', place) != NGX_OK) {
        return NGX_ERROR;
    }

    do {
        dot = ngx_strlchr(p, last, '.');

        step.data = p;
        step.len = (dot ? dot : last) - p;

        if (step.len == 0) {
            return ngx_http_notify_filter_fail(fc, place,
                                      "must be names separated by dots");
        }

        p += step.len + 1;

        if (path->name.len == 0) {
            path->name = step;
            continue;
        }

        if (ngx_http_notify_text_is(&step, "*")) {
            path->each |= (uint32_t) 1 << path->nsteps;
        }

        path->steps[path->nsteps++] = step;

    } while (dot);

    return NGX_OK;
}


/* /data/a.b: RFC 6901, where a star is a name */

static ngx_int_t
ngx_http_notify_filter_path_pointer(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_path_t *path,
    const ngx_http_notify_filter_place_t *place)
{
    u_char     *p, *slash, *last;
    ngx_int_t   rc;
    ngx_str_t   token;

    p = place->name.data + 1;
    last = place->name.data + place->name.len;

    if (ngx_http_notify_filter_path_steps(fc, path, '/', place) != NGX_OK) {
        return NGX_ERROR;
    }

    do {
        slash = ngx_strlchr(p, last, '/');

        token.data = p;
        token.len = (slash ? slash : last) - p;
        p += token.len + 1;

        rc = ngx_http_notify_filter_path_unescape(fc->pool, &token);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED || (path->name.len == 0 && token.len == 0)) {
            return ngx_http_notify_filter_fail(fc, place,
                                               "is not a JSON pointer into "
                                               "an event");
        }

        if (path->name.len == 0) {
            path->name = token;

        } else {
            path->steps[path->nsteps++] = token;
        }

    } while (slash);

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_filter_path_steps(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_path_t *path, u_char ch,
    const ngx_http_notify_filter_place_t *place)
{
    size_t      i;
    ngx_uint_t  n;

    n = (ch == '.');

    for (i = 0; i < place->name.len; i++) {
        n += (place->name.data[i] == ch);
    }

    if (n > NGX_HTTP_NOTIFY_FILTER_STEPS) {
        return ngx_http_notify_filter_fail(fc, place, "is too long a path");
    }

    path->steps = ngx_palloc(fc->pool, n * sizeof(ngx_str_t));

    return path->steps ? NGX_OK : NGX_ERROR;
}


/* NGX_DECLINED: a tilde that stands for nothing */

static ngx_int_t
ngx_http_notify_filter_path_unescape(ngx_pool_t *pool, ngx_str_t *token)
{
    u_char  *p, *last, *dst;

    p = token->data;
    last = p + token->len;

    if (ngx_strlchr(p, last, '~') == NULL) {
        return NGX_OK;
    }

    dst = ngx_pnalloc(pool, token->len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    token->data = dst;

    for ( /* void */ ; p < last; p++) {

        if (*p != '~') {
            *dst++ = *p;
            continue;
        }

        p++;

        if (p == last || (*p != '0' && *p != '1')) {
            return NGX_DECLINED;
        }

        *dst++ = (*p == '0') ? '~' : '/';
    }

    token->len = dst - token->data;

    return NGX_OK;
}
