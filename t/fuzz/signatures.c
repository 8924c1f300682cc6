/*
 * webhook-signature lists of notify_verify standard: as they come, and with a
 * signature that is right put among what came.  Stripe's lists, and the URLs
 * and forms of Twilio.
 */

#include "fuzz.h"
#include "ngx_http_notify_verify.h"
#include "ngx_http_notify_verify_twilio.h"


static u_char  fuzz_seed[32] = "0123456789abcdef0123456789abcde";


static void
fuzz_secrets(ngx_pool_t *pool, ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_crypto_key_t **key)
{
    u_char                            x[64];
    ngx_str_t                         raw, jwk, encoded;
    const char                       *reason;
    ngx_http_notify_verify_secret_t  *secret;

    fuzz_check(ngx_array_init(&verify->secrets, pool, 2,
                              sizeof(ngx_http_notify_verify_secret_t))
               == NGX_OK);

    raw.data = fuzz_seed;
    raw.len = sizeof(fuzz_seed);

    secret = ngx_array_push_n(&verify->secrets, 2);
    fuzz_check(secret != NULL);
    ngx_memzero(secret, 2 * sizeof(ngx_http_notify_verify_secret_t));

    secret[0].hmac = ngx_http_notify_crypto_hmac_create(pool,
                                      NGX_HTTP_NOTIFY_CRYPTO_SHA256, &raw);
    fuzz_check(secret[0].hmac != NULL);

    *key = ngx_http_notify_crypto_key_ed25519(pool, &raw, &reason);
    fuzz_check(*key != NULL);

    /* ..."x":"<43 characters>"} */

    fuzz_check(ngx_http_notify_crypto_jwk(*key, pool, &jwk) == NGX_OK
               && jwk.len > 45);

    encoded.data = jwk.data + jwk.len - 45;
    encoded.len = 43;
    raw.data = x;
    fuzz_check(ngx_decode_base64url(&raw, &encoded) == NGX_OK);

    secret[1].key = ngx_http_notify_crypto_key_public_ed25519(pool, &raw,
                                                              &reason);
    fuzz_check(secret[1].key != NULL);
}


/* by one or the other, as text */

static ngx_str_t
fuzz_sign(ngx_pool_t *pool, ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_crypto_key_t *key, ngx_uint_t keyed, ngx_str_t *message)
{
    u_char                            digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];
    ngx_str_t                         raw, text, encoded;
    ngx_http_notify_verify_secret_t  *secret;

    text.data = ngx_pnalloc(pool, 128);
    fuzz_check(text.data != NULL);

    if (keyed) {
        fuzz_check(ngx_http_notify_crypto_sign(key, pool, message, &raw)
                   == NGX_OK);
        encoded.data = ngx_cpymem(text.data, "v1a,", 4);

    } else {
        secret = verify->secrets.elts;
        raw.data = digest;
        raw.len = ngx_http_notify_crypto_hmac(secret->hmac, message, 1,
                                              digest);
        encoded.data = ngx_cpymem(text.data, "v1,", 3);
    }

    ngx_encode_base64(&encoded, &raw);
    text.len = encoded.data + encoded.len - text.data;

    return text;
}


/* how many of a list could be an Ed25519 signature, counted by its spaces */

static ngx_uint_t
fuzz_keyed(ngx_str_t *list)
{
    size_t      i, start;
    ngx_uint_t  n;

    n = 0;
    start = 0;

    for (i = 0; i <= list->len; i++) {
        if (i < list->len && list->data[i] != ' ') {
            continue;
        }

        if (i - start == 92
            && ngx_memcmp(&list->data[start], "v1a,", 4) == 0)
        {
            n++;
        }

        start = i + 1;
    }

    return n;
}


static void
fuzz_services(ngx_pool_t *pool, ngx_http_notify_verify_conf_t *verify,
    ngx_str_t *input)
{
    ngx_str_t   time, text, again, url, other, back;
    ngx_uint_t  port;

    ngx_str_set(&text, "stripe");
    fuzz_check(ngx_http_notify_verify_service_find(&text, verify) == NGX_OK);
    verify->secrets.nelts = 1;

    if (ngx_http_notify_verify_service_time(input, &time) == NGX_OK) {
        fuzz_check(time.data >= input->data + 2
                   && time.data + time.len <= input->data + input->len);
    }

    ngx_str_set(&text, "1700000000.{}");
    fuzz_check(!ngx_http_notify_verify_service_signed(verify, input, &text,
                                                      1));

    /* what is signed of a form is no longer than it */

    if (ngx_http_notify_verify_twilio_form(pool, input, &again) == NGX_OK) {
        fuzz_check(again.len <= input->len);
    }

    (void) ngx_http_notify_verify_twilio_hash(input, &text);

    url.len = input->len + 8;
    url.data = ngx_pnalloc(pool, url.len + 1);
    fuzz_check(url.data != NULL);
    ngx_memcpy(url.data, "https://", 8);
    ngx_memcpy(url.data + 8, input->data, input->len);
    url = fuzz_copy(pool, url.data, url.len);

    for (port = 0; port < 2; port++) {
        fuzz_check(ngx_http_notify_verify_twilio_port(pool, &url, port, &other)
                   == NGX_OK);
        fuzz_check(ngx_http_notify_verify_twilio_port(pool, &other, port,
                                                      &back)
                   == NGX_OK);
        fuzz_check(port == 0 || back.data == other.data);
    }
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    u_char                         *p;
    ngx_str_t                       message, before, behind, right, list;
    ngx_uint_t                      keyed, good;
    ngx_http_notify_crypto_key_t   *key;
    ngx_http_notify_verify_conf_t   verify;

    ngx_memzero(&verify, sizeof(ngx_http_notify_verify_conf_t));
    fuzz_secrets(pool, &verify, &key);

    ngx_str_set(&message, "msg_1.1700000000.{}");

    /* nobody finds one that is right */

    fuzz_check(!ngx_http_notify_verify_sign_list(&verify, &message, input));

    if (choice & 2) {
        fuzz_services(pool, &verify, input);
        return;
    }

    keyed = choice & 1;
    right = fuzz_sign(pool, &verify, key, keyed, &message);

    before = fuzz_cut(pool, input, '\0');
    behind = fuzz_copy(pool, input->data, input->len);

    p = ngx_pnalloc(pool, before.len + behind.len + right.len + 2);
    fuzz_check(p != NULL);

    list.data = p;

    if (before.len) {
        p = ngx_cpymem(p, before.data, before.len);
        *p++ = ' ';
    }

    p = ngx_cpymem(p, right.data, right.len);

    if (behind.len) {
        *p++ = ' ';
        p = ngx_cpymem(p, behind.data, behind.len);
    }

    list.len = p - list.data;
    list = fuzz_copy(pool, list.data, list.len);

    good = ngx_http_notify_verify_sign_list(&verify, &message, &list);

    /* found wherever it stands, but for Ed25519 behind four others */

    fuzz_check(good || (keyed && fuzz_keyed(&before) > 3));

    /* not by a message with one more byte */

    ngx_str_set(&message, "msg_1.1700000000.{} ");
    fuzz_check(!ngx_http_notify_verify_sign_list(&verify, &message, &list));
}
