/*
 * Examples of openapi.json: what a client can send as it is printed, in this
 * channel.  Must not know which operation an example is of.
 */

#include "ngx_http_notify_api_openapi.h"


static ngx_int_t ngx_http_notify_api_openapi_example_content(
    const ngx_http_notify_channel_t *channel, ngx_http_notify_json_t *holder,
    ngx_uint_t request);
static ngx_int_t ngx_http_notify_api_openapi_example_fill(
    const ngx_http_notify_channel_t *channel, ngx_http_notify_json_t *value,
    ngx_uint_t request);
static ngx_int_t ngx_http_notify_api_openapi_example_attributes(
    const ngx_http_notify_channel_t *channel, ngx_http_notify_json_t *value);
static ngx_int_t ngx_http_notify_api_openapi_example_attribute(
    const ngx_http_notify_channel_attribute_t *attribute, ngx_str_t *value);


ngx_int_t
ngx_http_notify_api_openapi_examples(const ngx_http_notify_channel_t *channel,
    ngx_http_notify_json_t *paths)
{
    void                    *path, *method, *status;
    ngx_str_t                name;
    ngx_http_notify_json_t  *item, *operation, *responses, *response;

    path = NULL;

    while ((item = ngx_http_notify_json_member(paths, &path, &name))) {
        method = NULL;

        while ((operation = ngx_http_notify_json_member(item, &method,
                                                        &name)))
        {
            responses = ngx_http_notify_json_get(operation, "responses");

            if (responses == NULL) {
                continue;
            }

            if (ngx_http_notify_api_openapi_example_content(channel,
                    ngx_http_notify_json_get(operation, "requestBody"), 1)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            status = NULL;

            while ((response = ngx_http_notify_json_member(responses, &status,
                                                           &name)))
            {
                if (ngx_http_notify_api_openapi_example_content(channel,
                                                                response, 0)
                    != NGX_OK)
                {
                    return NGX_ERROR;
                }
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_openapi_example_content(
    const ngx_http_notify_channel_t *channel, ngx_http_notify_json_t *holder,
    ngx_uint_t request)
{
    void                    *cursor;
    ngx_int_t                rc;
    ngx_str_t                name;
    ngx_http_notify_json_t  *content, *media, *example;

    content = ngx_http_notify_json_get(holder, "content");
    cursor = NULL;

    while (content
           && (media = ngx_http_notify_json_member(content, &cursor, &name)))
    {
        example = ngx_http_notify_json_get(media, "example");

        if (example == NULL) {
            continue;
        }

        rc = ngx_http_notify_api_openapi_example_fill(channel, example,
                                                      request);

        if (rc == NGX_DECLINED) {
            rc = ngx_http_notify_json_remove(media, "example");
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* NGX_DECLINED: there is no such example */

static ngx_int_t
ngx_http_notify_api_openapi_example_fill(
    const ngx_http_notify_channel_t *channel, ngx_http_notify_json_t *value,
    ngx_uint_t request)
{
    ngx_int_t                         rc;
    ngx_uint_t                        i, named;
    const char                       *name;
    ngx_http_notify_json_t           *list;
    ngx_http_notify_profile_t       **profile;
    ngx_http_notify_channel_event_t  *event;

    rc = NGX_OK;

    if (ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_ARRAY) {

        for (i = 0; rc == NGX_OK && i < ngx_http_notify_json_size(value); i++)
        {
            rc = ngx_http_notify_api_openapi_example_fill(channel,
                     ngx_http_notify_json_at(value, i), request);
        }

        return rc;
    }

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        return NGX_OK;
    }

    /* what is to be tested against a filter */

    list = ngx_http_notify_json_get(value, "event");

    if (ngx_http_notify_json_type(list) == NGX_HTTP_NOTIFY_JSON_OBJECT) {
        return ngx_http_notify_api_openapi_example_fill(channel, list,
                                                        request);
    }

    /* a page of deltas */

    list = ngx_http_notify_json_get(value, "data");

    if (ngx_http_notify_json_type(list) == NGX_HTTP_NOTIFY_JSON_ARRAY) {
        return ngx_http_notify_api_openapi_example_fill(channel, list,
                                                        request);
    }

    if (ngx_http_notify_json_get(value, "profile")) {
        profile = channel->profiles->elts;
        rc = ngx_http_notify_json_set_string(value, "profile",
                                             &profile[0]->name);
    }

    name = ngx_http_notify_json_get(value, "eventType") ? "eventType"
                                                        : "event";
    named = (ngx_http_notify_json_get(value, name) != NULL);

    if (rc == NGX_OK && named && channel->events) {
        event = channel->events->elts;
        rc = ngx_http_notify_json_set_string(value, name, &event[0].name);

        if (rc == NGX_OK && event[0].schema) {
            rc = ngx_http_notify_json_remove(value, "data");
        }
    }

    if (rc != NGX_OK || !request
        || (!named && ngx_http_notify_json_get(value, "entityID") == NULL))
    {
        return rc;
    }

    return ngx_http_notify_api_openapi_example_attributes(channel, value);
}


static ngx_int_t
ngx_http_notify_api_openapi_example_attributes(
    const ngx_http_notify_channel_t *channel, ngx_http_notify_json_t *value)
{
    ngx_str_t                             text;
    ngx_uint_t                            i;
    ngx_http_notify_channel_attribute_t  *attribute;

    if (channel->attributes == NULL) {
        return NGX_OK;
    }

    attribute = channel->attributes->elts;

    for (i = 0; i < channel->attributes->nelts; i++) {

        if (!attribute[i].required) {
            continue;
        }

        if (ngx_http_notify_api_openapi_example_attribute(&attribute[i], &text)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        /* the name ends with a NUL, as every argument of a directive */

        if (ngx_http_notify_json_set_string(value,
                                            (char *) attribute[i].name.data,
                                            &text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_openapi_example_attribute(
    const ngx_http_notify_channel_attribute_t *attribute, ngx_str_t *value)
{
    ngx_uint_t  i;

    static const ngx_str_t  texts[] = {
        ngx_string("north"), ngx_string("NO"), ngx_string("NOR"),
        ngx_string("no"), ngx_string("en"), ngx_string("A"), ngx_string("1"),
        ngx_string("100"), ngx_string("1000"), ngx_string("a1"),
        ngx_string("2026-01-31"), ngx_string("true")
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (ngx_http_notify_channel_attribute_check(attribute, &texts[i])
            == NGX_OK)
        {
            *value = texts[i];
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}
