/*
 * What a client says of settings and of sessions, in JSON and in forms: taken
 * or refused with one answer; settings are shown as they were taken, and what
 * is shown may be sent back.
 */

#include "fuzz_request.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_provider.h"
#include "ngx_http_notify_setting.h"
#include "ngx_http_notify_settings_form.h"


#define FUZZ_SETTINGS  4
#define FUZZ_EVENTS    2


static ngx_http_notify_channel_t         fuzz_channel;
static ngx_http_notify_setting_t         fuzz_settings[FUZZ_SETTINGS];
static ngx_http_notify_channel_event_t   fuzz_events[FUZZ_EVENTS];
static ngx_http_notify_profile_t         fuzz_profile;
static ngx_http_notify_profile_t        *fuzz_profiles[] = { &fuzz_profile };
static ngx_http_notify_provider_t        fuzz_provider;
static ngx_http_notify_provider_t       *fuzz_providers[] = { &fuzz_provider };
static ngx_str_t                         fuzz_alias = ngx_string("search");

static ngx_array_t  fuzz_lists[] = {
    { fuzz_settings, FUZZ_SETTINGS, sizeof(ngx_http_notify_setting_t),
      FUZZ_SETTINGS, NULL },
    { fuzz_events, FUZZ_EVENTS, sizeof(ngx_http_notify_channel_event_t),
      FUZZ_EVENTS, NULL },
    { fuzz_profiles, 1, sizeof(ngx_http_notify_profile_t *), 1, NULL },
    { fuzz_providers, 1, sizeof(ngx_http_notify_provider_t *), 1, NULL },
    { &fuzz_alias, 1, sizeof(ngx_str_t), 1, NULL }
};


static void
fuzz_channel_init(ngx_uint_t choice)
{
    ngx_str_set(&fuzz_channel.name, "retail");
    fuzz_channel.retention = (uint64_t) 15 * 86400 * 1000;
    fuzz_channel.sessions_max = 10;
    fuzz_channel.settings = &fuzz_lists[0];
    fuzz_channel.events = &fuzz_lists[1];
    fuzz_channel.profiles = &fuzz_lists[2];
    fuzz_channel.providers = (choice & 64) ? &fuzz_lists[3] : NULL;

    ngx_str_set(&fuzz_settings[0].name, "url");
    fuzz_settings[0].target = 1;
    ngx_str_set(&fuzz_settings[1].name, "hours");
    fuzz_settings[1].unit = 3600 * 1000;
    ngx_str_set(&fuzz_settings[2].name, "key");
    fuzz_settings[2].secret = 1;
    ngx_str_set(&fuzz_settings[3].name, "label");

    ngx_str_set(&fuzz_events[0].name, "document.pricing");
    ngx_str_set(&fuzz_events[1].name, "contact.search");
    fuzz_events[1].aliases = &fuzz_lists[4];
    fuzz_events[1].off = 1;

    ngx_str_set(&fuzz_profile.name, "standard");
    ngx_str_set(&fuzz_provider.profile.name, "fcm");
    ngx_str_set(&fuzz_provider.id, "provider-fcm");
}


/* NULL: it was refused, with reasons */

static ngx_http_notify_settings_form_t *
fuzz_form(ngx_pool_t *pool, ngx_uint_t choice, ngx_http_notify_json_t *json)
{
    ngx_int_t                         rc;
    ngx_http_notify_invalid_t        *invalid;
    ngx_http_notify_settings_form_t  *form;

    form = ngx_pcalloc(pool, sizeof(ngx_http_notify_settings_form_t));
    invalid = ngx_pcalloc(pool, sizeof(ngx_http_notify_invalid_t));
    fuzz_check(form && invalid);

    invalid->pool = pool;

    form->pool = pool;
    form->channel = &fuzz_channel;
    form->invalid = invalid;
    form->scope = (choice & 2) ? 1 : 0;
    form->replace = (choice & 4) ? 1 : 0;

    rc = ngx_http_notify_settings_form(form, json);
    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);
    fuzz_check((rc == NGX_OK) == (ngx_http_notify_invalid_n(invalid) == 0));

    return (rc == NGX_OK) ? form : NULL;
}


/* as if the changes had been stored, and were read */

static ngx_http_notify_json_t *
fuzz_show(ngx_pool_t *pool, ngx_http_notify_settings_form_t *form)
{
    ngx_str_t                          *text, shown;
    ngx_uint_t                          i, n;
    ngx_http_notify_json_error_t        error;
    ngx_http_notify_json_write_t        w;
    ngx_http_notify_settings_change_t  *change;

    text = ngx_pcalloc(pool, (FUZZ_SETTINGS + 2 * FUZZ_EVENTS)
                             * sizeof(ngx_str_t));
    fuzz_check(text != NULL);

    change = form->changes.elts;

    for (i = 0; i < form->changes.nelts; i++) {

        for (n = 0; n < FUZZ_SETTINGS; n++) {
            if (change[i].op == NGX_HTTP_NOTIFY_SETTINGS_SET
                && change[i].name.data == fuzz_settings[n].name.data)
            {
                fuzz_check(change[i].secret == fuzz_settings[n].secret);
                fuzz_check(!form->scope);
                text[n] = change[i].value;
            }
        }

        for (n = 0; n < FUZZ_EVENTS; n++) {
            if (change[i].name.data != fuzz_events[n].name.data) {
                continue;
            }

            if (change[i].op == NGX_HTTP_NOTIFY_SETTINGS_ON) {
                ngx_str_set(&text[FUZZ_SETTINGS + n + FUZZ_EVENTS
                                  * form->scope], "1");

            } else if (change[i].op == NGX_HTTP_NOTIFY_SETTINGS_OFF) {
                ngx_str_set(&text[FUZZ_SETTINGS + n + FUZZ_EVENTS
                                  * form->scope], "0");
            }
        }
    }

    ngx_http_notify_json_write_init(&w, pool);
    ngx_http_notify_settings_form_show(&w, &fuzz_channel, form->scope, text);
    fuzz_check(ngx_http_notify_json_write_done(&w, &shown) == NGX_OK);

    return ngx_http_notify_json_parse(pool, &shown, &error);
}


static void
fuzz_setting(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_http_notify_json_t           *json, *shown, *again;
    ngx_http_notify_json_error_t      error;
    ngx_http_notify_settings_form_t  *form;

    json = ngx_http_notify_json_parse(pool, input, &error);

    if (json == NULL
        || ngx_http_notify_json_type(json) != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        return;
    }

    form = fuzz_form(pool, choice, json);

    if (form == NULL) {
        return;
    }

    shown = fuzz_show(pool, form);
    fuzz_check(shown != NULL);
    fuzz_check(ngx_http_notify_json_get(shown, "key") == NULL);

    form = fuzz_form(pool, choice, shown);
    fuzz_check(form != NULL);

    again = fuzz_show(pool, form);
    fuzz_check(again != NULL && ngx_http_notify_json_equal(shown, again));
}


/* without Redis: what is taken is an error of the server's, not the client's */

static void
fuzz_session(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_str_t               text;
    ngx_http_request_t     *r;
    ngx_http_notify_api_t  *api;

    r = fuzz_request(pool);

    if (choice & 2) {
        ngx_str_set(&text, "application/x-www-form-urlencoded; charset=utf-8");
        fuzz_request_header(r, "Content-Type", &text);
    }

    api = fuzz_request_api(r, &fuzz_channel,
                           (choice & 4) ? NGX_HTTP_POST : NGX_HTTP_PUT);

    ngx_str_set(&api->segments[0], "device-1");
    ngx_str_set(&api->segments[1], "heartbeat");
    api->nsegments = (choice & 4) ? 2 : 1;
    api->body = *input;

    fuzz_check(ngx_http_notify_api_allowed(api, &ngx_http_notify_api_sessions)
               & api->method);

    ngx_http_notify_api_sessions.handler(api);

    fuzz_request_refused(pool, 400, 500);
    fuzz_check(fuzz_answered.status == 400 || fuzz_answered.status == 422
               || fuzz_answered.status == 500);
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    fuzz_channel_init(choice);

    if (choice & 1) {
        fuzz_session(pool, choice, input);

    } else {
        fuzz_setting(pool, choice, input);
    }
}
