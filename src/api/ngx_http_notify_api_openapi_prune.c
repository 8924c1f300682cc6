/*
 * What a document of OpenAPI needs of its components: those that its paths and
 * webhooks refer to, and those that these refer to.
 */

#include "ngx_http_notify_api_openapi.h"


#define NGX_HTTP_NOTIFY_API_OPENAPI_PRUNE_REF  "#/components/"


typedef struct {
    ngx_pool_t                *pool;
    ngx_http_notify_json_t    *components;
    ngx_http_notify_json_t    *used;        /* "kind/name" -> null */
} ngx_http_notify_api_openapi_prune_t;


static ngx_int_t ngx_http_notify_api_openapi_prune_mark(
    ngx_http_notify_api_openapi_prune_t *prune,
    const ngx_http_notify_json_t *value);
static ngx_int_t ngx_http_notify_api_openapi_prune_ref(
    ngx_http_notify_api_openapi_prune_t *prune, const ngx_str_t *ref);
static ngx_int_t ngx_http_notify_api_openapi_prune_kind(
    ngx_http_notify_api_openapi_prune_t *prune, const char *kind);
static char *ngx_http_notify_api_openapi_prune_key(ngx_pool_t *pool,
    const char *kind, const ngx_str_t *name);


ngx_int_t
ngx_http_notify_api_openapi_prune(ngx_pool_t *pool,
    ngx_http_notify_json_t *doc)
{
    ngx_uint_t                            i;
    ngx_http_notify_api_openapi_prune_t   prune;

    static const char  *kinds[] = {
        "schemas", "parameters", "headers", "responses", NULL
    };

    prune.pool = pool;
    prune.components = ngx_http_notify_json_get(doc, "components");
    prune.used = ngx_http_notify_json_new_object(pool);

    if (prune.used == NULL
        || ngx_http_notify_api_openapi_prune_mark(&prune,
               ngx_http_notify_json_get(doc, "paths"))
           != NGX_OK
        || ngx_http_notify_api_openapi_prune_mark(&prune,
               ngx_http_notify_json_get(doc, "webhooks"))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; kinds[i]; i++) {
        if (ngx_http_notify_api_openapi_prune_kind(&prune, kinds[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_openapi_prune_mark(
    ngx_http_notify_api_openapi_prune_t *prune,
    const ngx_http_notify_json_t *value)
{
    void                    *cursor;
    ngx_str_t                name, ref;
    ngx_uint_t               i;
    ngx_http_notify_json_t  *member;

    if (ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_ARRAY) {

        for (i = 0; i < ngx_http_notify_json_size(value); i++) {
            if (ngx_http_notify_api_openapi_prune_mark(prune,
                    ngx_http_notify_json_at(value, i))
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }

        return NGX_OK;
    }

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        return NGX_OK;
    }

    ref = ngx_http_notify_json_get_string(value, "$ref");

    if (ref.len
        && ngx_http_notify_api_openapi_prune_ref(prune, &ref) != NGX_OK)
    {
        return NGX_ERROR;
    }

    cursor = NULL;

    while ((member = ngx_http_notify_json_member(value, &cursor, &name))) {
        if (ngx_http_notify_api_openapi_prune_mark(prune, member) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_openapi_prune_ref(
    ngx_http_notify_api_openapi_prune_t *prune, const ngx_str_t *ref)
{
    char       *kind, *name;
    size_t      len;
    ngx_str_t   rest;

    len = sizeof(NGX_HTTP_NOTIFY_API_OPENAPI_PRUNE_REF) - 1;

    /* one within an operator's own schema leads elsewhere */

    if (ref->len < len
        || ngx_strncmp(ref->data, NGX_HTTP_NOTIFY_API_OPENAPI_PRUNE_REF, len)
           != 0)
    {
        return NGX_OK;
    }

    rest.data = ref->data + len;
    rest.len = ref->len - len;

    kind = ngx_http_notify_api_openapi_prune_key(prune->pool, "", &rest);
    if (kind == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_json_get(prune->used, kind)) {
        return NGX_OK;
    }

    if (ngx_http_notify_json_set_null(prune->used, kind) != NGX_OK) {
        return NGX_ERROR;
    }

    name = (char *) ngx_strchr(kind, '/');
    if (name == NULL) {
        return NGX_OK;
    }

    *name++ = '\0';

    return ngx_http_notify_api_openapi_prune_mark(prune,
               ngx_http_notify_json_get(
                   ngx_http_notify_json_get(prune->components, kind), name));
}


static ngx_int_t
ngx_http_notify_api_openapi_prune_kind(
    ngx_http_notify_api_openapi_prune_t *prune, const char *kind)
{
    char                    *key;
    void                    *cursor;
    ngx_str_t                name;
    ngx_http_notify_json_t  *all, *kept, *value;

    all = ngx_http_notify_json_get(prune->components, kind);
    kept = ngx_http_notify_json_new_object(prune->pool);

    if (kept == NULL) {
        return NGX_ERROR;
    }

    cursor = NULL;

    while (all
           && (value = ngx_http_notify_json_member(all, &cursor, &name)))
    {
        key = ngx_http_notify_api_openapi_prune_key(prune->pool, kind, &name);
        if (key == NULL) {
            return NGX_ERROR;
        }

        if (ngx_http_notify_json_get(prune->used, key) == NULL) {
            continue;
        }

        value = ngx_http_notify_json_copy(prune->pool, value);

        if (value == NULL
            || ngx_http_notify_json_set(kept, key + ngx_strlen(kind) + 1,
                                        value)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_notify_json_set(prune->components, kind, kept);
}


/* "kind/name", or the name where there is no kind */

static char *
ngx_http_notify_api_openapi_prune_key(ngx_pool_t *pool, const char *kind,
    const ngx_str_t *name)
{
    u_char  *key;

    key = ngx_pnalloc(pool, ngx_strlen(kind) + name->len + 2);
    if (key == NULL) {
        return NULL;
    }

    *ngx_sprintf(key, kind[0] ? "%s/%V" : "%s%V", kind, name) = '\0';

    return (char *) key;
}
