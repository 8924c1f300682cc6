/*
 * The resource `openapi.json`: what is mounted here, of this channel, as
 * OpenAPI 3.1.  The paths and schemas are those of openapi.json, a file of
 * this folder; what a configuration adds is filled in.  Nothing is kept.
 */

#include "ngx_http_notify_api_openapi.h"
#include "ngx_http_notify_api_role.h"
#include "ngx_http_notify_pages.h"


static void ngx_http_notify_api_openapi_handler(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_openapi_paths(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *doc);
static ngx_int_t ngx_http_notify_api_openapi_mount(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *from, ngx_http_notify_json_t *to,
    const ngx_http_notify_api_mount_t *mount);
static ngx_http_notify_json_t *ngx_http_notify_api_openapi_partner(
    ngx_http_notify_api_t *api, const ngx_http_notify_api_mount_t *mount,
    const ngx_http_notify_json_t *path, const ngx_str_t *name, u_char *last);
static ngx_uint_t ngx_http_notify_api_openapi_operations(
    const ngx_http_notify_json_t *path);
static ngx_int_t ngx_http_notify_api_openapi_path(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *to, const ngx_http_notify_json_t *path,
    const ngx_str_t *prefix, const ngx_str_t *rest);
static ngx_uint_t ngx_http_notify_api_openapi_served(
    ngx_http_notify_api_t *api, const ngx_http_notify_api_mount_t *mount,
    ngx_str_t *name);
static ngx_uint_t ngx_http_notify_api_openapi_asks(
    const ngx_http_notify_channel_t *channel);
static ngx_int_t ngx_http_notify_api_openapi_identify(
    ngx_http_notify_api_t *api, ngx_http_notify_json_t *to);
static ngx_int_t ngx_http_notify_api_openapi_webhooks(
    ngx_http_notify_api_t *api, ngx_http_notify_json_t *doc);
static ngx_http_notify_json_t *ngx_http_notify_api_openapi_webhook(
    ngx_http_notify_api_t *api,
    const ngx_http_notify_channel_event_t *event);
static ngx_int_t ngx_http_notify_api_openapi_security(
    ngx_http_notify_api_t *api, ngx_http_notify_json_t *doc);


ngx_http_notify_api_resource_t  ngx_http_notify_api_openapi = {
    ngx_string("openapi.json"),
    { NGX_HTTP_GET, 0 },
    NULL,
    ngx_http_notify_api_openapi_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


static void
ngx_http_notify_api_openapi_handler(ngx_http_notify_api_t *api)
{
    ngx_str_t                      text;
    ngx_http_notify_json_t        *doc;
    ngx_http_notify_json_error_t   error;

    text.data = (u_char *) ngx_http_notify_page_openapi;
    text.len = sizeof(ngx_http_notify_page_openapi) - 1;

    doc = ngx_http_notify_json_parse(api->request->pool, &text, &error);

    if (doc == NULL
        || ngx_http_notify_json_set_string(
               ngx_http_notify_json_get(doc, "info"), "title",
               &api->channel->name)
           != NGX_OK
        || ngx_http_notify_api_openapi_paths(api, doc) != NGX_OK
        || ngx_http_notify_api_openapi_schemas(api, doc) != NGX_OK
        || ngx_http_notify_api_openapi_webhooks(api, doc) != NGX_OK
        || ngx_http_notify_api_openapi_security(api, doc) != NGX_OK
        || ngx_http_notify_api_openapi_examples(api->channel,
               ngx_http_notify_json_get(doc, "paths"))
           != NGX_OK
        || ngx_http_notify_api_openapi_prune(api->request->pool, doc)
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_api_send_json(api, NGX_HTTP_OK, doc);
}


/*
 * Below a location with all resources: these, and the samples of the channel
 * in this server.  Mounted by itself: whatever of the channel is there.
 */

static ngx_int_t
ngx_http_notify_api_openapi_paths(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *doc)
{
    ngx_uint_t                            i;
    const ngx_array_t                    *mounts;
    ngx_http_notify_json_t               *from, *to;
    ngx_http_notify_api_mount_t         **mount;
    const ngx_http_notify_api_mount_t    *own;

    own = ngx_http_notify_api_mount(api);
    mounts = ngx_http_notify_api_mounts(api->request);
    mount = mounts->elts;

    from = ngx_http_notify_json_copy(api->request->pool,
                                     ngx_http_notify_json_get(doc, "paths"));
    to = ngx_http_notify_json_new_object(api->request->pool);

    if (from == NULL
        || to == NULL
        || ngx_http_notify_json_set(doc, "paths", to) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < mounts->nelts; i++) {

        if (mount[i]->channel != api->channel
            || (own->resource == NULL && mount[i] != own
                && mount[i]->resource != &ngx_http_notify_api_samples))
        {
            continue;
        }

        if (ngx_http_notify_api_openapi_mount(api, from, to, mount[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_notify_api_openapi_identify(api, to);
}


static ngx_int_t
ngx_http_notify_api_openapi_mount(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *from, ngx_http_notify_json_t *to,
    const ngx_http_notify_api_mount_t *mount)
{
    void                    *cursor;
    u_char                  *p, *last;
    ngx_str_t                name, prefix, rest;
    ngx_http_notify_json_t  *path;

    prefix = mount->prefix;

    if (prefix.len && prefix.data[prefix.len - 1] == '/') {
        prefix.len--;
    }

    cursor = NULL;

    while ((path = ngx_http_notify_json_member(from, &cursor, &rest))) {

        /* "/subscriptions/{id}": the resource is what stands first */

        name.data = rest.data + 1;
        last = rest.data + rest.len;
        p = ngx_strlchr(name.data, last, '/');
        name.len = (p ? p : last) - name.data;

        if (!ngx_http_notify_api_openapi_served(api, mount, &name)) {
            continue;
        }

        if (mount->resource) {
            rest.data += 1 + name.len;
            rest.len -= 1 + name.len;
        }

        if (mount->partner) {
            path = ngx_http_notify_api_openapi_partner(api, mount, path,
                                                       &name, last);
            if (path == NULL) {
                return NGX_ERROR;
            }

            if (!ngx_http_notify_api_openapi_operations(path)) {
                continue;
            }
        }

        if (ngx_http_notify_api_openapi_path(api, to, path, &prefix, &rest)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* what is left for a partner */

static ngx_http_notify_json_t *
ngx_http_notify_api_openapi_partner(ngx_http_notify_api_t *api,
    const ngx_http_notify_api_mount_t *mount,
    const ngx_http_notify_json_t *path, const ngx_str_t *name, u_char *last)
{
    u_char                  *p;
    ngx_uint_t               nsegments;
    ngx_http_notify_json_t  *copy;

    nsegments = 0;

    for (p = name->data + name->len; p < last; p++) {
        nsegments += (*p == '/');
    }

    copy = ngx_http_notify_json_copy(api->request->pool, path);

    if (copy == NULL
        || ngx_http_notify_api_role_prune(copy,
               ngx_http_notify_api_resource(mount->resources, name), nsegments)
           != NGX_OK)
    {
        return NULL;
    }

    return copy;
}


static ngx_uint_t
ngx_http_notify_api_openapi_operations(const ngx_http_notify_json_t *path)
{
    void                    *cursor;
    ngx_str_t                name;
    ngx_http_notify_json_t  *value;

    cursor = NULL;

    while ((value = ngx_http_notify_json_member(path, &cursor, &name))) {
        if (ngx_http_notify_json_get(value, "operationId")) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_notify_api_openapi_path(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *to, const ngx_http_notify_json_t *path,
    const ngx_str_t *prefix, const ngx_str_t *rest)
{
    u_char                  *name;
    ngx_http_notify_json_t  *copy;

    copy = ngx_http_notify_json_copy(api->request->pool, path);
    name = ngx_pnalloc(api->request->pool, prefix->len + rest->len + 1);

    if (copy == NULL || name == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(name, "%V%V%Z", prefix, rest);

    return ngx_http_notify_json_set(to, name[0] ? (char *) name : "/", copy);
}


static ngx_uint_t
ngx_http_notify_api_openapi_served(ngx_http_notify_api_t *api,
    const ngx_http_notify_api_mount_t *mount, ngx_str_t *name)
{
    ngx_http_notify_api_resource_t  *resource;

    resource = ngx_http_notify_api_resource(mount->resources, name);

    if (resource == NULL
        || (resource == &ngx_http_notify_api_sync
            && !ngx_http_notify_api_openapi_asks(api->channel)))
    {
        return 0;
    }

    return mount->resource ? resource == mount->resource
                           : resource != &ngx_http_notify_api_samples;
}


/* without a catalogue any event can be asked about */

static ngx_uint_t
ngx_http_notify_api_openapi_asks(const ngx_http_notify_channel_t *channel)
{
    ngx_uint_t                        i;
    ngx_http_notify_channel_event_t  *event;

    if (channel->events == NULL) {
        return 1;
    }

    event = channel->events->elts;

    for (i = 0; i < channel->events->nelts; i++) {
        if (event[i].sync) {
            return 1;
        }
    }

    return 0;
}


/* a resource may be mounted twice; an operationId is there once: "ask_2" */

static ngx_int_t
ngx_http_notify_api_openapi_identify(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *to)
{
    void                    *paths, *methods;
    char                    *key;
    u_char                   buf[64];
    int64_t                  n;
    ngx_str_t                name, id;
    ngx_http_notify_json_t  *path, *method, *seen;

    seen = ngx_http_notify_json_new_object(api->request->pool);
    if (seen == NULL) {
        return NGX_ERROR;
    }

    paths = NULL;

    while ((path = ngx_http_notify_json_member(to, &paths, &name))) {
        methods = NULL;

        while ((method = ngx_http_notify_json_member(path, &methods, &name))) {

            id = ngx_http_notify_json_get_string(method, "operationId");
            if (id.len == 0) {
                continue;
            }

            key = (char *) id.data;
            n = 1;
            (void) ngx_http_notify_json_integer(
                       ngx_http_notify_json_get(seen, key), &n);

            if (ngx_http_notify_json_set_integer(seen, key, n + 1) != NGX_OK) {
                return NGX_ERROR;
            }

            if (n == 1) {
                continue;
            }

            name.data = buf;
            name.len = ngx_snprintf(buf, sizeof(buf), "%V_%L", &id, n) - buf;

            if (ngx_http_notify_json_set_string(method, "operationId", &name)
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* what the default profile sends */

static ngx_int_t
ngx_http_notify_api_openapi_webhooks(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *doc)
{
    ngx_uint_t                        i;
    ngx_http_notify_json_t           *hooks, *hook;
    ngx_http_notify_channel_event_t  *event;

    if (api->channel->events == NULL) {
        return NGX_OK;
    }

    hooks = ngx_http_notify_json_new_object(api->request->pool);

    if (hooks == NULL
        || ngx_http_notify_json_set(doc, "webhooks", hooks) != NGX_OK)
    {
        return NGX_ERROR;
    }

    event = api->channel->events->elts;

    for (i = 0; i < api->channel->events->nelts; i++) {
        hook = ngx_http_notify_api_openapi_webhook(api, &event[i]);

        if (hook == NULL
            || ngx_http_notify_json_set(hooks, (char *) event[i].name.data,
                                        hook)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_http_notify_json_t *
ngx_http_notify_api_openapi_webhook(ngx_http_notify_api_t *api,
    const ngx_http_notify_channel_event_t *event)
{
    u_char                         method[8], schema[1024], text[2048], *p;
    ngx_str_t                      json;
    const char                    *media;
    ngx_http_notify_profile_t    **profile;
    ngx_http_notify_json_error_t   error;

    profile = api->channel->profiles->elts;

    ngx_memzero(method, sizeof(method));
    ngx_strlow(method, profile[0]->call.payload.method.data,
               ngx_min(profile[0]->call.payload.method.len,
                       sizeof(method) - 1));

    media = "application/json";
    ngx_memcpy(schema, "{}", sizeof("{}"));

    switch (profile[0]->call.payload.kind) {

    case NGX_HTTP_NOTIFY_PAYLOAD_CALL:
        p = ngx_slprintf(schema, schema + sizeof(schema) - 1,
                         "{\"allOf\":[{\"$ref\":\"#/components/schemas/Call\"},"
                         "{\"properties\":{\"eventType\":{\"const\":\"%V\"}",
                         &event->name);

        if (event->schema) {
            p = ngx_slprintf(p, schema + sizeof(schema) - 1,
                             ",\"data\":{\"$ref\":"
                             "\"#/components/schemas/data.%V\"}",
                             &event->name);
        }

        p = ngx_slprintf(p, schema + sizeof(schema) - 1, "}}]}");
        *p = '\0';

        break;

    case NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS:
        media = "application/cloudevents+json";
        break;

    default:
        break;
    }

    /* names of events need no escaping */

    p = ngx_slprintf(text, text + sizeof(text),
            "{\"%s\":{\"operationId\":\"receive_%V\",\"summary\":\"%V\","
            "\"description\":\"A call to a subscriber of this event.\","
            "\"parameters\":[%s],\"requestBody\":{\"content\":{"
            "\"%s\":{\"schema\":%s}}},\"responses\":{"
            "\"2XX\":{\"description\":\"It was taken\"},"
            "\"410\":{\"description\":\"Nobody wants it any more\"}}}}",
            method, &event->name, &event->name,
            ngx_http_notify_sign_standard_used(&profile[0]->call.sign)
            ? "{\"$ref\":\"#/components/parameters/webhookId\"},"
              "{\"$ref\":\"#/components/parameters/webhookTimestamp\"},"
              "{\"$ref\":\"#/components/parameters/webhookSignature\"}" : "",
            media, schema);

    json.data = text;
    json.len = p - text;

    return ngx_http_notify_json_parse(api->request->pool, &json, &error);
}


/* how clients of this location prove who they are, by the operator's word */

static ngx_int_t
ngx_http_notify_api_openapi_security(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *doc)
{
    u_char                             text[32];
    ngx_str_t                          json;
    ngx_http_notify_json_t            *components, *schemes, *list;
    ngx_http_notify_json_error_t       error;
    const ngx_http_notify_api_mount_t  *mount;

    mount = ngx_http_notify_api_mount(api);
    components = ngx_http_notify_json_get(doc, "components");

    if (mount->security == NULL || mount->security[0] == '\0') {
        return ngx_http_notify_json_remove(components, "securitySchemes");
    }

    schemes = ngx_http_notify_json_get(components, "securitySchemes");

    json.data = text;
    json.len = ngx_sprintf(text, "[{\"%s\":[]}]", mount->security) - text;

    list = ngx_http_notify_json_parse(api->request->pool, &json, &error);
    if (list == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_json_remove(schemes, mount->security[1] == 'a'
                                             ? "bearer" : "basic")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_json_set(doc, "security", list);
}
