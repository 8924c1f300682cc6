/*
 * The schemas of openapi.json: what a channel adds to them, its events, their
 * data, its attributes and settings.  Names of these end with a NUL, as every
 * argument of a directive.
 */

#include "ngx_http_notify_api_openapi.h"
#include "ngx_http_notify_setting.h"


static ngx_int_t ngx_http_notify_api_openapi_names(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *schemas);
static ngx_int_t ngx_http_notify_api_openapi_data(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *schemas);
static ngx_int_t ngx_http_notify_api_openapi_enum(
    ngx_http_notify_json_t *schemas, const char *name,
    ngx_http_notify_json_t *list);
static ngx_int_t ngx_http_notify_api_openapi_attributes(
    ngx_http_notify_api_t *api, ngx_http_notify_json_t *schemas);
static ngx_http_notify_json_t *ngx_http_notify_api_openapi_attribute(
    ngx_http_notify_api_t *api,
    const ngx_http_notify_channel_attribute_t *attribute);
static ngx_uint_t ngx_http_notify_api_openapi_portable(
    const ngx_str_t *pattern);
static ngx_int_t ngx_http_notify_api_openapi_settings(
    ngx_http_notify_api_t *api, ngx_http_notify_json_t *schemas);


ngx_int_t
ngx_http_notify_api_openapi_schemas(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *doc)
{
    ngx_http_notify_json_t  *schemas;

    schemas = ngx_http_notify_json_get(
                  ngx_http_notify_json_get(doc, "components"), "schemas");

    if (ngx_http_notify_api_openapi_names(api, schemas) != NGX_OK
        || ngx_http_notify_api_openapi_data(api, schemas) != NGX_OK
        || ngx_http_notify_api_openapi_attributes(api, schemas) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_api_openapi_settings(api, schemas);
}


static ngx_int_t
ngx_http_notify_api_openapi_names(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *schemas)
{
    ngx_int_t                          rc;
    ngx_uint_t                         i;
    ngx_http_notify_json_t            *all, *sync, *profiles;
    ngx_http_notify_profile_t        **profile;
    ngx_http_notify_channel_event_t   *event;

    all = ngx_http_notify_json_new_array(api->request->pool);
    sync = ngx_http_notify_json_new_array(api->request->pool);
    profiles = ngx_http_notify_json_new_array(api->request->pool);

    if (all == NULL || sync == NULL || profiles == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_OK;
    profile = api->channel->profiles->elts;

    for (i = 0; i < api->channel->profiles->nelts; i++) {
        rc |= ngx_http_notify_json_append_string(profiles, &profile[i]->name);
    }

    if (api->channel->events) {
        event = api->channel->events->elts;

        for (i = 0; i < api->channel->events->nelts; i++) {
            rc |= ngx_http_notify_json_append_string(all, &event[i].name);

            if (event[i].sync) {
                rc |= ngx_http_notify_json_append_string(sync, &event[i].name);
            }
        }
    }

    rc |= ngx_http_notify_api_openapi_enum(schemas, "Profile", profiles);
    rc |= ngx_http_notify_api_openapi_enum(schemas, "EventType", all);
    rc |= ngx_http_notify_api_openapi_enum(schemas, "SyncEvent", sync);

    return rc == NGX_OK ? NGX_OK : NGX_ERROR;
}


/* data.NAME: what the data of an event must be */

static ngx_int_t
ngx_http_notify_api_openapi_data(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *schemas)
{
    u_char                           *name;
    ngx_uint_t                        i;
    ngx_http_notify_json_t           *schema;
    ngx_http_notify_json_error_t      error;
    ngx_http_notify_channel_event_t  *event;

    if (api->channel->events == NULL) {
        return NGX_OK;
    }

    event = api->channel->events->elts;

    for (i = 0; i < api->channel->events->nelts; i++) {

        if (event[i].schema == NULL) {
            continue;
        }

        schema = ngx_http_notify_json_parse(api->request->pool,
                             ngx_http_notify_schema_text(event[i].schema),
                             &error);
        name = ngx_pnalloc(api->request->pool,
                           sizeof("data.") + event[i].name.len);

        if (schema == NULL || name == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_sprintf(name, "data.%V%Z", &event[i].name);

        if (ngx_http_notify_json_set(schemas, (char *) name, schema)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* an empty list says nothing */

static ngx_int_t
ngx_http_notify_api_openapi_enum(ngx_http_notify_json_t *schemas,
    const char *name, ngx_http_notify_json_t *list)
{
    if (ngx_http_notify_json_size(list) == 0) {
        return NGX_OK;
    }

    return ngx_http_notify_json_set(ngx_http_notify_json_get(schemas, name),
                                    "enum", list);
}


static ngx_int_t
ngx_http_notify_api_openapi_attributes(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *schemas)
{
    ngx_uint_t                            i, n;
    ngx_http_notify_json_t               *schema, *value, *required;
    ngx_http_notify_channel_attribute_t  *attribute;

    /* the first two are what a client says, where it may be required */

    static const char  *names[] = {
        "SubscriptionInput", "EventInput", "SubscriptionPatch",
        "Subscription", "Event", "Call"
    };

    if (api->channel->attributes == NULL) {
        return NGX_OK;
    }

    attribute = api->channel->attributes->elts;

    for (n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        schema = ngx_http_notify_json_get(schemas, names[n]);

        required = ngx_http_notify_json_new_array(api->request->pool);
        if (required == NULL) {
            return NGX_ERROR;
        }

        for (i = 0; i < api->channel->attributes->nelts; i++) {

            if (attribute[i].required
                && ngx_http_notify_json_append_string(required,
                                                      &attribute[i].name)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }

            if (ngx_http_notify_json_get(schema, "properties") == NULL) {
                continue;
            }

            value = ngx_http_notify_api_openapi_attribute(api, &attribute[i]);

            if (value == NULL
                || ngx_http_notify_json_set(
                       ngx_http_notify_json_get(schema, "properties"),
                       (char *) attribute[i].name.data, value)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }

        if (n < 2
            && ngx_http_notify_json_size(required)
            && ngx_http_notify_json_set(schema, "required", required)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_http_notify_json_t *
ngx_http_notify_api_openapi_attribute(ngx_http_notify_api_t *api,
    const ngx_http_notify_channel_attribute_t *attribute)
{
    ngx_http_notify_json_t  *value;

    static const ngx_str_t  type = ngx_string("string");

    value = ngx_http_notify_json_new_object(api->request->pool);

    if (value == NULL
        || ngx_http_notify_json_set_string(value, "type", &type) != NGX_OK
        || ngx_http_notify_json_set_integer(value, "maxLength", 512) != NGX_OK)
    {
        return NULL;
    }

    if (attribute->pattern.len == 0) {
        return value;
    }

    if (ngx_http_notify_json_set_string(value,
            ngx_http_notify_api_openapi_portable(&attribute->pattern)
            ? "pattern" : "description", &attribute->pattern)
        != NGX_OK)
    {
        return NULL;
    }

    return value;
}


/* whether it says the same to PCRE and to ECMA-262: nothing special is in it */

static ngx_uint_t
ngx_http_notify_api_openapi_portable(const ngx_str_t *pattern)
{
    size_t  i;

    for (i = 0; i < pattern->len; i++) {

        if (pattern->data[i] == '\\'
            || pattern->data[i] >= 0x80
            || (i && pattern->data[i - 1] == '('
                && (pattern->data[i] == '?' || pattern->data[i] == '*'))
            || (i && pattern->data[i - 1] == '[' && pattern->data[i] == '[')
            || (i && pattern->data[i] == '+'
                && ngx_strchr("*+?}", pattern->data[i - 1])))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_http_notify_api_openapi_settings(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *schemas)
{
    ngx_uint_t                  i, n;
    ngx_http_notify_json_t     *value;
    ngx_http_notify_setting_t  *setting;

    static const char  *names[] = { "SettingsInput", "Settings" };

    if (api->channel->settings == NULL) {
        return NGX_OK;
    }

    setting = api->channel->settings->elts;

    for (i = 0; i < api->channel->settings->nelts; i++) {
        for (n = 0; n < 2 && !(n && setting[i].secret); n++) {
            value = ngx_http_notify_json_new_object(api->request->pool);

            if (value == NULL
                || (setting[i].secret
                    && ngx_http_notify_json_set_bool(value, "writeOnly", 1)
                       != NGX_OK)
                || ngx_http_notify_json_set(ngx_http_notify_json_get(
                       ngx_http_notify_json_get(schemas, names[n]),
                       "properties"), (char *) setting[i].name.data, value)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}
