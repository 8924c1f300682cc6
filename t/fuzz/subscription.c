/*
 * What a subscriber says of itself: taken or refused with reasons; what is
 * taken can be stored, sealed, read again, and shown without its secret.
 */

#include "fuzz.h"
#include "ngx_http_notify_profile.h"
#include "ngx_http_notify_seal.h"
#include "ngx_http_notify_subscription_form.h"


static ngx_http_notify_profile_t   fuzz_profile;
static ngx_http_notify_profile_t  *fuzz_profiles[] = { &fuzz_profile };

static ngx_array_t  fuzz_list = {
    fuzz_profiles, 1, sizeof(ngx_http_notify_profile_t *), 1, NULL
};


/* sealed and opened it is what it was; with a bit changed it is not read */

static void
fuzz_seal(ngx_pool_t *pool, ngx_http_notify_json_t *document)
{
    u_char                             *p;
    ngx_str_t                           id, text;
    ngx_http_notify_json_t             *json;
    ngx_http_notify_json_error_t        error;

    static ngx_http_notify_keys_t       keys = {
        .prefix = ngx_string("notify:{shop.0}:"),
        .first = ngx_string("notify:{shop.0}:")
    };

    static ngx_http_notify_seal_conf_t  conf = {
        1, { { "0123456789abcdef0123456789abcde", "01234567" } }
    };

    ngx_str_set(&id, "sub_1");
    fuzz_check(ngx_http_notify_json_set_string(document, "id", &id) == NGX_OK);

    ngx_http_notify_seal_use(&conf);

    fuzz_check(ngx_http_notify_seal_document(pool, &keys, document, &text)
               == NGX_OK);

    json = ngx_http_notify_json_parse(pool, &text, &error);
    fuzz_check(json != NULL);
    fuzz_check(ngx_http_notify_json_get(json, "secrets") == NULL);
    fuzz_check(ngx_http_notify_seal_open(pool, &keys, json) == NGX_OK);
    fuzz_check(ngx_http_notify_seal_reason(json) == NULL);
    fuzz_check(ngx_http_notify_json_equal(json, document));

    p = ngx_strnstr(text.data, "v2:01234567:", text.len);
    fuzz_check(p != NULL);

    p += sizeof("v2:01234567:") - 1;
    *p = (*p == 'A') ? 'B' : 'A';

    json = ngx_http_notify_json_parse(pool, &text, &error);
    fuzz_check(json != NULL);
    fuzz_check(ngx_http_notify_seal_open(pool, &keys, json) == NGX_OK);
    fuzz_check(ngx_http_notify_seal_reason(json) != NULL);
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_int_t                             rc;
    ngx_str_t                             text, cursor, claim;
    ngx_http_notify_json_t               *json;
    ngx_http_notify_channel_t             channel;
    ngx_http_notify_invalid_t             invalid;
    ngx_http_notify_json_error_t          error;
    ngx_http_notify_json_write_t          w;
    ngx_http_notify_subscription_form_t   form;
    ngx_http_notify_subscription_shown_t  shown;

    json = ngx_http_notify_json_parse(pool, input, &error);

    if (json == NULL
        || ngx_http_notify_json_type(json) != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        return;
    }

    ngx_str_set(&fuzz_profile.name, "standard");

    ngx_memzero(&channel, sizeof(ngx_http_notify_channel_t));
    ngx_str_set(&channel.name, "retail");
    channel.profiles = &fuzz_list;

    ngx_memzero(&invalid, sizeof(ngx_http_notify_invalid_t));
    invalid.pool = pool;

    ngx_memzero(&form, sizeof(ngx_http_notify_subscription_form_t));
    form.pool = pool;
    form.channel = &channel;
    form.invalid = &invalid;
    form.merge = choice & 1;
    form.document = ngx_http_notify_json_new_object(pool);
    fuzz_check(form.document != NULL);

    rc = ngx_http_notify_subscription_form_apply(&form, json);
    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_DECLINED) {
        fuzz_check(ngx_http_notify_invalid_n(&invalid) > 0);
        return;
    }

    fuzz_check(ngx_http_notify_json_dump(pool, form.document, 0, &text)
               == NGX_OK);
    fuzz_check(ngx_http_notify_json_parse(pool, &text, &error) != NULL);

    ngx_str_set(&cursor, "");

    ngx_memzero(&shown, sizeof(ngx_http_notify_subscription_shown_t));
    shown.channel = &channel;
    shown.document = form.document;
    shown.cursor = &cursor;
    shown.health = &cursor;

    ngx_http_notify_json_write_init(&w, pool);
    ngx_http_notify_subscription_members_show(&w, &shown);
    fuzz_check(ngx_http_notify_json_write_done(&w, &text) == NGX_OK);
    json = ngx_http_notify_json_parse(pool, &text, &error);
    fuzz_check(json != NULL);
    fuzz_check(ngx_http_notify_json_get(json, "secret") == NULL);

    fuzz_check(ngx_http_notify_subscription_document_claim(pool, form.document,
                                                       &claim)
               != NGX_ERROR);

    if (ngx_http_notify_json_get(form.document, "unreadable") == NULL) {
        fuzz_seal(pool, form.document);
    }
}
