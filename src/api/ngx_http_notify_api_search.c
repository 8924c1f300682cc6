/*
 * search= and status= of the list of subscriptions.  Case is ignored in ASCII
 * letters.  A state is a subscription's status, or that it fails, which one of
 * any status may do.
 */

#include "ngx_http_notify_api_search.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_SEARCH_LEN  256


static ngx_uint_t ngx_http_notify_api_search_plain(const ngx_str_t *text);
static ngx_int_t ngx_http_notify_api_search_states(ngx_http_notify_api_t *api,
    ngx_http_notify_api_search_t *search, const ngx_str_t *value);
static ngx_uint_t ngx_http_notify_api_search_state(const char *status);
static ngx_uint_t ngx_http_notify_api_search_has(
    const ngx_http_notify_json_t *json, const ngx_str_t *text);


static ngx_str_t  ngx_http_notify_api_search_names[] = {
    ngx_string("active"),
    ngx_string("paused"),
    ngx_string("lagging"),
    ngx_string("pending"),
    ngx_string("disabled"),
    ngx_string("failing")
};


ngx_int_t
ngx_http_notify_api_search_args(ngx_http_notify_api_t *api,
    ngx_http_notify_api_search_t *search)
{
    ngx_int_t  rc;
    ngx_str_t  value;

    rc = ngx_http_notify_api_arg(api, "search", &value);

    if (rc == NGX_ABORT) {
        return NGX_ABORT;
    }

    if (rc == NGX_OK && value.len) {

        if (value.len > NGX_HTTP_NOTIFY_API_SEARCH_LEN) {
            ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                        "invalid_parameter",
                                        "\"search\" is longer than %d bytes",
                                        NGX_HTTP_NOTIFY_API_SEARCH_LEN);
            return NGX_ABORT;
        }

        search->text.len = value.len;
        search->text.data = ngx_pnalloc(api->request->pool, value.len);

        if (search->text.data == NULL
            || ngx_http_notify_api_latest_link(api, &search->link, "search",
                                               &value)
               != NGX_OK)
        {
            ngx_http_notify_api_failed(api);
            return NGX_ABORT;
        }

        ngx_strlow(search->text.data, value.data, value.len);
        search->plain = ngx_http_notify_api_search_plain(&search->text);
    }

    rc = ngx_http_notify_api_arg(api, "status", &value);

    if (rc != NGX_OK || value.len == 0) {
        return rc == NGX_ABORT ? NGX_ABORT : NGX_OK;
    }

    return ngx_http_notify_api_search_states(api, search, &value);
}


/* neither escaped, nor in an encoding that has more than one form */

static ngx_uint_t
ngx_http_notify_api_search_plain(const ngx_str_t *text)
{
    u_char      c;
    ngx_uint_t  i;

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (c < ' ' || c > '~' || c == '"' || c == '\\') {
            return 0;
        }
    }

    return 1;
}


ngx_uint_t
ngx_http_notify_api_search_may(const ngx_http_notify_api_search_t *search,
    const ngx_str_t *stored,
    const ngx_http_notify_subscription_shown_t *shown)
{
    if (search->states == ngx_http_notify_api_search_state("failing")
        && ngx_http_notify_subscription_show_since(shown, 1) <= 0)
    {
        return 0;
    }

    return !search->plain
           || (stored->len >= search->text.len
               && ngx_strlcasestrn(stored->data, stored->data + stored->len,
                                   search->text.data, search->text.len - 1)
                  != NULL);
}


static ngx_int_t
ngx_http_notify_api_search_states(ngx_http_notify_api_t *api,
    ngx_http_notify_api_search_t *search, const ngx_str_t *value)
{
    u_char     *p, *last;
    ngx_str_t   name, *state;

    last = value->data + value->len;

    for (name.data = value->data; name.data <= last; name.data = p + 1) {

        p = ngx_strlchr(name.data, last, ',');

        if (p == NULL) {
            p = last;
        }

        name.len = p - name.data;

        state = ngx_http_notify_text_find_in(&name,
                                            ngx_http_notify_api_search_names);
        if (state == NULL) {
            ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                        "invalid_parameter",
                                        "\"status\" must be some of active, "
                                        "paused, lagging, pending, disabled "
                                        "and failing, separated by commas");
            return NGX_ABORT;
        }

        search->states |= (ngx_uint_t) 1
                          << (state - ngx_http_notify_api_search_names);
    }

    if (ngx_http_notify_api_latest_link(api, &search->link, "status", value)
        != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return NGX_ABORT;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_api_search_wants(const ngx_http_notify_api_search_t *search,
    const ngx_http_notify_subscription_shown_t *shown)
{
    ngx_str_t                      reason;
    ngx_uint_t                     i, states;
    const ngx_http_notify_json_t  *events;
    u_char                         buf[NGX_HTTP_NOTIFY_SUBSCRIPTION_REASON];

    static const char *const  members[] = { "id", "uid", "name", "url", NULL };

    if (search->states) {
        states = ngx_http_notify_api_search_state(
                     ngx_http_notify_subscription_show_state(shown, &reason,
                                                             buf));

        if (ngx_http_notify_subscription_show_since(shown, 1) > 0) {
            states |= ngx_http_notify_api_search_state("failing");
        }

        if (!(search->states & states)) {
            return 0;
        }
    }

    if (search->text.len == 0) {
        return 1;
    }

    for (i = 0; members[i]; i++) {
        if (ngx_http_notify_api_search_has(
                ngx_http_notify_json_get(shown->document, members[i]),
                &search->text))
        {
            return 1;
        }
    }

    events = ngx_http_notify_json_get(shown->document, "events");

    for (i = 0; i < ngx_http_notify_json_size(events); i++) {
        if (ngx_http_notify_api_search_has(ngx_http_notify_json_at(events, i),
                                           &search->text))
        {
            return 1;
        }
    }

    return 0;
}


/* the bit of a state */

static ngx_uint_t
ngx_http_notify_api_search_state(const char *status)
{
    ngx_uint_t  i;

    for (i = 0;
         i < sizeof(ngx_http_notify_api_search_names)
             / sizeof(ngx_http_notify_api_search_names[0]);
         i++)
    {
        if (ngx_http_notify_text_is(&ngx_http_notify_api_search_names[i],
                                    status))
        {
            return (ngx_uint_t) 1 << i;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_notify_api_search_has(const ngx_http_notify_json_t *json,
    const ngx_str_t *text)
{
    ngx_str_t  value;

    value = ngx_http_notify_json_string(json);

    return value.len >= text->len
           && ngx_strlcasestrn(value.data, value.data + value.len,
                               text->data, text->len - 1)
              != NULL;
}
