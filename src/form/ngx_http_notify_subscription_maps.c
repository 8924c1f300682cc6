/*
 * The two members of a subscription that are maps of a client's own names:
 * headers of its calls and metadata.  Bounded, and merged by a PATCH.
 */

#include "ngx_http_notify_subscription_form.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SUBSCRIPTION_MAPS_NAME  128


typedef struct {
    const char   *member;
    ngx_uint_t    max;          /* entries */
    size_t        size;         /* bytes of a value */
    const char  *(*refuse)(const ngx_str_t *name);
} ngx_http_notify_subscription_map_t;


static ngx_int_t ngx_http_notify_subscription_maps_set(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value,
    const ngx_http_notify_subscription_map_t *map);
static ngx_int_t ngx_http_notify_subscription_maps_check(
    ngx_http_notify_invalid_t *invalid, const ngx_http_notify_json_t *object,
    const ngx_http_notify_subscription_map_t *map);
static const char *ngx_http_notify_subscription_maps_header(
    const ngx_str_t *name);


static const ngx_http_notify_subscription_map_t
    ngx_http_notify_subscription_map_headers =
    { "headers", 32, 4096, ngx_http_notify_subscription_maps_header };

static const ngx_http_notify_subscription_map_t
    ngx_http_notify_subscription_map_metadata =
    { "metadata", 50, 1024, NULL };


/* framing, hop by hop, ours, and what a signature vouches for; '-': a prefix */

static const ngx_str_t  ngx_http_notify_subscription_maps_refused[] = {
    ngx_string("Host"),
    ngx_string("Content-Length"),
    ngx_string("Transfer-Encoding"),
    ngx_string("Connection"),
    ngx_string("TE"),
    ngx_string("Trailer"),
    ngx_string("Upgrade"),
    ngx_string("Expect"),
    ngx_string("X-Notify-Hops"),
    ngx_string("Proxy-"),
    ngx_string("webhook-"),
    ngx_null_string
};


ngx_int_t
ngx_http_notify_subscription_maps_headers(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    return ngx_http_notify_subscription_maps_set(form, name, value,
                                &ngx_http_notify_subscription_map_headers);
}


ngx_int_t
ngx_http_notify_subscription_maps_metadata(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    return ngx_http_notify_subscription_maps_set(form, name, value,
                                &ngx_http_notify_subscription_map_metadata);
}


static ngx_int_t
ngx_http_notify_subscription_maps_set(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *value,
    const ngx_http_notify_subscription_map_t *map)
{
    ngx_int_t                rc;
    ngx_str_t                prefix;
    ngx_http_notify_json_t  *object, *old;

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be an object of strings");
        return NGX_OK;
    }

    old = form->merge ? ngx_http_notify_json_get(form->document, map->member)
                      : NULL;

    object = old ? ngx_http_notify_json_copy(form->pool, old)
                 : ngx_http_notify_json_new_object(form->pool);

    if (object == NULL
        || ngx_http_notify_json_merge(object, value) != NGX_OK)
    {
        return NGX_ERROR;
    }

    prefix = form->invalid->prefix;

    form->invalid->prefix.data = ngx_pnalloc(form->pool, name->len + 1);
    if (form->invalid->prefix.data == NULL) {
        return NGX_ERROR;
    }

    form->invalid->prefix.data[0] = '/';
    ngx_memcpy(form->invalid->prefix.data + 1, name->data, name->len);
    form->invalid->prefix.len = name->len + 1;

    rc = ngx_http_notify_subscription_maps_check(form->invalid, object, map);

    form->invalid->prefix = prefix;

    if (rc != NGX_OK) {
        return NGX_OK;
    }

    return ngx_http_notify_json_set(form->document, map->member, object);
}


/* NGX_DECLINED: what is wrong has been noted */

static ngx_int_t
ngx_http_notify_subscription_maps_check(ngx_http_notify_invalid_t *invalid,
    const ngx_http_notify_json_t *object,
    const ngx_http_notify_subscription_map_t *map)
{
    void                    *cursor;
    ngx_int_t                rc;
    ngx_str_t                name, text, *seen;
    ngx_uint_t               i, n;
    const char              *reason;
    ngx_http_notify_json_t  *value;

    seen = ngx_palloc(invalid->pool, map->max * sizeof(ngx_str_t));
    if (seen == NULL) {
        invalid->failed = 1;
        return NGX_DECLINED;
    }

    rc = NGX_OK;
    cursor = NULL;

    for (n = 0; /* void */ ; n++) {
        value = ngx_http_notify_json_member(object, &cursor, &name);

        if (value == NULL) {
            return rc;
        }

        if (n == map->max) {
            ngx_http_notify_invalid_add(invalid, NULL,
                                        "has more than %ui members",
                                        map->max);
            return NGX_DECLINED;
        }

        if (name.len == 0
            || name.len > NGX_HTTP_NOTIFY_SUBSCRIPTION_MAPS_NAME)
        {
            ngx_http_notify_invalid_add(invalid, &name,
                                        "has a name of none or more than %d "
                                        "bytes",
                                      NGX_HTTP_NOTIFY_SUBSCRIPTION_MAPS_NAME);
            return NGX_DECLINED;
        }

        if (ngx_http_notify_invalid_string(invalid, &name, value, map->size,
                                           &text)
            != NGX_OK)
        {
            rc = NGX_DECLINED;
        }

        seen[n] = name;

        if (map->refuse == NULL) {
            continue;
        }

        reason = map->refuse(&name);

        for (i = 0; i < n; i++) {
            if (ngx_http_notify_text_equal_nocase(&seen[i], &name)) {
                reason = "is given twice";
            }
        }

        if (reason) {
            ngx_http_notify_invalid_add(invalid, &name, "%s", reason);
            rc = NGX_DECLINED;
        }
    }
}


/* RFC 9110, 5.6.2: a token; NULL: may be sent */

static const char *
ngx_http_notify_subscription_maps_header(const ngx_str_t *name)
{
    u_char            ch;
    size_t            i;
    const ngx_str_t  *refused;

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if ((ch >= '0' && ch <= '9')
            || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z')
            || ngx_strchr("!#$%&'*+-.^_`|~", ch))
        {
            continue;
        }

        return "is not the name of a header";
    }

    for (refused = ngx_http_notify_subscription_maps_refused;
         refused->len;
         refused++)
    {
        if ((name->len == refused->len
             || (name->len > refused->len
                 && refused->data[refused->len - 1] == '-'))
            && ngx_strncasecmp(name->data, refused->data, refused->len) == 0)
        {
            return "is a header that a subscription may not set";
        }
    }

    return NULL;
}
