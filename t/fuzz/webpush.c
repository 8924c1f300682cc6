/*
 * Subscriptions of browsers as they come, and for those that are usable a
 * message.  The example of RFC 8291, section 5, by the first input, to the
 * byte.
 */

#include "fuzz.h"
#include "ngx_http_notify_webpush.h"


static ngx_str_t
fuzz_raw(ngx_pool_t *pool, const char *text)
{
    ngx_str_t  encoded, raw;

    encoded.data = (u_char *) text;
    encoded.len = ngx_strlen(text);

    raw.data = ngx_pnalloc(pool, ngx_base64_decoded_length(encoded.len) + 3);
    fuzz_check(raw.data != NULL);
    fuzz_check(ngx_decode_base64url(&raw, &encoded) == NGX_OK);

    return fuzz_copy(pool, raw.data, raw.len);
}


static void
fuzz_example(ngx_pool_t *pool)
{
    ngx_str_t                           point, secret, plain, body, want;
    ngx_http_notify_crypto_ece_fixed_t  fixed;

    ngx_str_set(&plain, "When I grow up, I want to be a watermelon");

    point = fuzz_raw(pool, "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-"
                           "AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
    secret = fuzz_raw(pool, "BTBZMqHH6r4Tts7J_aSIgg");
    want = fuzz_raw(pool, "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJS"
                          "PQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wE"
                          "qKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3o"
                          "ZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN");

    fixed.private = fuzz_raw(pool,
                       "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw").data;
    fixed.salt = fuzz_raw(pool, "DGv6ra1nlYgDCS1FRnbzlw").data;

    fuzz_check(ngx_http_notify_crypto_ece_encrypt(pool, point.data,
                                                  secret.data, &fixed, &plain,
                                                  &body)
               == NGX_OK);
    fuzz_check(fuzz_same(&body, &want));

    /* not on the curve */

    point.data[64] ^= 1;
    fuzz_check(ngx_http_notify_crypto_ece_point(point.data) == NGX_DECLINED);
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_int_t                      rc;
    ngx_str_t                      body;
    const char                    *member, *reason;
    ngx_http_notify_json_t        *json;
    ngx_http_notify_webpush_t      push;
    ngx_http_notify_json_error_t   error;

    static ngx_uint_t  known;

    if (!known) {
        known = 1;
        fuzz_example(pool);
    }

    fuzz_check(ngx_http_notify_webpush_is_topic(input) < 2);

    json = ngx_http_notify_json_parse(pool, input, &error);
    if (json == NULL) {
        return;
    }

    ngx_memzero(&push, sizeof(ngx_http_notify_webpush_t));
    member = NULL;
    reason = NULL;

    rc = ngx_http_notify_webpush_read(json, &push, &member, &reason);
    fuzz_check(rc == NGX_OK || (member && reason));

    if (rc != NGX_OK) {
        return;
    }

    body = *input;
    rc = ngx_http_notify_webpush_body(pool, &push, &body);

    fuzz_check(rc == (input->len > 3993 ? NGX_DECLINED : NGX_OK));
    fuzz_check(rc != NGX_OK || body.len == input->len + 103);
}
