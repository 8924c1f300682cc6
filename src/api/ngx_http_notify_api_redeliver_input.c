/*
 * The body of POST /redeliver.
 */

#include "ngx_http_notify_api_redeliver.h"
#include "ngx_http_notify_text.h"


static ngx_int_t ngx_http_notify_api_redeliver_input_names(
    ngx_http_notify_api_t *api, const ngx_http_notify_json_t *input,
    const char *member, ngx_uint_t max, ngx_array_t *names);
static void ngx_http_notify_api_redeliver_input_types(
    ngx_http_notify_api_t *api, ngx_array_t *types);
static ngx_uint_t ngx_http_notify_api_redeliver_input_status(
    ngx_http_notify_api_t *api, const ngx_http_notify_json_t *input,
    ngx_http_notify_api_redeliver_t *redeliver);
static ngx_uint_t ngx_http_notify_api_redeliver_input_place(
    ngx_http_notify_api_t *api, const ngx_http_notify_json_t *input,
    const char *member, ngx_uint_t last, ngx_http_notify_id_t *id);
static void ngx_http_notify_api_redeliver_input_dry(
    ngx_http_notify_api_t *api, const ngx_http_notify_json_t *input,
    ngx_http_notify_api_redeliver_t *redeliver);
static void ngx_http_notify_api_redeliver_input_wrong(
    ngx_http_notify_api_t *api, const char *member, const char *reason);


ngx_int_t
ngx_http_notify_api_redeliver_input(ngx_http_notify_api_t *api,
    ngx_http_notify_api_redeliver_t *redeliver)
{
    ngx_int_t                rc;
    ngx_uint_t               status, since;
    ngx_pool_t              *pool;
    ngx_array_t             *given;
    ngx_http_notify_json_t  *input;

    static const char  *names[] = {
        "subscriptions", "eventTypes", "status", "since", "until", "dryRun",
        NULL
    };

    pool = api->request->pool;

    input = ngx_http_notify_api_document(api, 1);
    if (input == NULL) {
        return NGX_DECLINED;
    }

    given = ngx_array_create(pool, 4, sizeof(ngx_str_t));

    if (given == NULL
        || ngx_array_init(&redeliver->types, pool, 4, sizeof(ngx_str_t))
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return NGX_DECLINED;
    }

    ngx_http_notify_api_only(api, input, names);

    rc = ngx_http_notify_api_redeliver_input_names(api, input,
                                 "subscriptions",
                                 NGX_HTTP_NOTIFY_API_REDELIVER_SUBSCRIPTIONS,
                                 given);
    redeliver->given = (rc == NGX_OK) ? given : NULL;

    rc = ngx_http_notify_api_redeliver_input_names(api, input, "eventTypes",
                                 NGX_HTTP_NOTIFY_API_REDELIVER_TYPES,
                                 &redeliver->types);
    if (rc == NGX_OK) {
        ngx_http_notify_api_redeliver_input_types(api, &redeliver->types);
    }

    redeliver->until.ms = (uint64_t) -1;
    redeliver->until.seq = (uint64_t) -1;

    status = ngx_http_notify_api_redeliver_input_status(api, input, redeliver);
    since = ngx_http_notify_api_redeliver_input_place(api, input, "since", 0,
                                                      &redeliver->since);

    if (ngx_http_notify_api_redeliver_input_place(api, input, "until", 1,
                                                  &redeliver->until)
        && ngx_http_notify_id_compare(&redeliver->until, &redeliver->since)
           < 0)
    {
        ngx_http_notify_api_redeliver_input_wrong(api, "until",
                                                  "is before \"since\"");
    }

    ngx_http_notify_api_redeliver_input_dry(api, input, redeliver);

    if (!status && !since) {
        ngx_http_notify_api_redeliver_input_wrong(api, "since",
                                      "or \"status\" must be there: nothing "
                                      "is redelivered from the log's "
                                      "beginning by chance");
    }

    if (ngx_http_notify_invalid_n(&api->invalid)) {
        ngx_http_notify_api_unprocessable(api);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* NGX_DECLINED: absent, or wrong and noted */

static ngx_int_t
ngx_http_notify_api_redeliver_input_names(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input, const char *member, ngx_uint_t max,
    ngx_array_t *names)
{
    ngx_str_t                    text, *name;
    ngx_uint_t                   i, n;
    ngx_http_notify_json_t      *value;
    ngx_http_notify_json_kind_e  kind;

    value = ngx_http_notify_json_get_nocase(input, member);

    if (value == NULL
        || ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_NULL)
    {
        return NGX_DECLINED;
    }

    kind = ngx_http_notify_json_type(value);
    n = (kind == NGX_HTTP_NOTIFY_JSON_ARRAY) ? ngx_http_notify_json_size(value)
                                             : 0;

    if (n == 0 || n > max) {
        ngx_http_notify_api_redeliver_input_wrong(api, member,
                    max == NGX_HTTP_NOTIFY_API_REDELIVER_TYPES
                        ? "must be an array of 1 to 100 names of events"
                        : "must be an array of 1 to 1000 ids");
        return NGX_DECLINED;
    }

    for (i = 0; i < n; i++) {
        text = ngx_http_notify_json_string(ngx_http_notify_json_at(value, i));

        if (text.len == 0 || text.len > 128) {
            ngx_http_notify_api_redeliver_input_wrong(api, member,
                                    "has an element that is none");
            return NGX_DECLINED;
        }

        name = ngx_array_push(names);
        if (name == NULL) {
            api->invalid.failed = 1;
            return NGX_DECLINED;
        }

        *name = text;
    }

    return NGX_OK;
}


/* aliases become names; "order.*" stays */

static void
ngx_http_notify_api_redeliver_input_types(ngx_http_notify_api_t *api,
    ngx_array_t *types)
{
    ngx_str_t   *type;
    ngx_uint_t   i;

    type = types->elts;

    for (i = 0; i < types->nelts; i++) {

        if (type[i].data[type[i].len - 1] != '*'
            && !ngx_http_notify_channel_reserved(&type[i])
            && ngx_http_notify_channel_event(api->channel, &type[i], &type[i],
                                             NULL)
               != NGX_OK)
        {
            ngx_http_notify_api_redeliver_input_wrong(api, "eventTypes",
                                "has a name that is not an event of this "
                                "channel, event-types lists them");
            return;
        }
    }
}


/* whether it was given */

static ngx_uint_t
ngx_http_notify_api_redeliver_input_status(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input,
    ngx_http_notify_api_redeliver_t *redeliver)
{
    ngx_str_t                text;
    ngx_http_notify_json_t  *value;

    value = ngx_http_notify_json_get_nocase(input, "status");

    if (value == NULL
        || ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_NULL)
    {
        return 0;
    }

    text = ngx_http_notify_json_string(value);

    if (ngx_http_notify_text_is(&text, "dead")) {
        redeliver->status = NGX_HTTP_NOTIFY_API_REDELIVER_DEAD;

    } else if (ngx_http_notify_text_is(&text, "all")) {
        redeliver->status = NGX_HTTP_NOTIFY_API_REDELIVER_ALL;

    } else if (!ngx_http_notify_text_is(&text, "missed")) {
        ngx_http_notify_api_redeliver_input_wrong(api, "status",
                                     "must be \"dead\", \"missed\" or "
                                     "\"all\"");
    }

    return 1;
}


/* whether it was given: a time, or an event's id */

static ngx_uint_t
ngx_http_notify_api_redeliver_input_place(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input, const char *member, ngx_uint_t last,
    ngx_http_notify_id_t *id)
{
    ngx_str_t                text;
    ngx_http_notify_json_t  *value;

    value = ngx_http_notify_json_get_nocase(input, member);

    if (value == NULL
        || ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_NULL)
    {
        return 0;
    }

    text = ngx_http_notify_json_string(value);

    if (text.len && ngx_http_notify_id_event_parse(&text, id) == NGX_OK) {
        return 1;
    }

    if (text.len
        && ngx_http_notify_id_time_parse(&text, &id->ms) == NGX_OK)
    {
        id->seq = last ? (uint64_t) -1 : 0;
        return 1;
    }

    ngx_http_notify_api_redeliver_input_wrong(api, member,
                                  "must be an RFC 3339 time or the id of an "
                                  "event");
    return 1;
}


static void
ngx_http_notify_api_redeliver_input_dry(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input,
    ngx_http_notify_api_redeliver_t *redeliver)
{
    ngx_http_notify_json_t  *value;

    value = ngx_http_notify_json_get_nocase(input, "dryRun");

    if (value == NULL) {
        return;
    }

    switch (ngx_http_notify_json_type(value)) {

    case NGX_HTTP_NOTIFY_JSON_TRUE:
        redeliver->dry = 1;
        return;

    case NGX_HTTP_NOTIFY_JSON_FALSE:
    case NGX_HTTP_NOTIFY_JSON_NULL:
        return;

    default:
        ngx_http_notify_api_redeliver_input_wrong(api, "dryRun",
                                                  "must be true or false");
    }
}


static void
ngx_http_notify_api_redeliver_input_wrong(ngx_http_notify_api_t *api,
    const char *member, const char *reason)
{
    ngx_str_t  name;

    name = ngx_http_notify_text(member);

    ngx_http_notify_invalid_add(&api->invalid, &name, "%s", reason);
}
