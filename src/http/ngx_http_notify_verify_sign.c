/*
 * The signatures of notify_verify: standard and hmac.  Constant time, whatever
 * of a signature is right; nothing outlives the call.
 * Must not know what is answered.
 */

#include "ngx_http_notify_body.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_request_header.h"
#include "ngx_http_notify_verify.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_urlencoded.h"
#include "ngx_http_notify_verify_value.h"


/* of webhook-signature: those by Ed25519 that are looked at */
#define NGX_HTTP_NOTIFY_VERIFY_SIGN_KEYED   4

/* each of these hashes the whole message */
#define NGX_HTTP_NOTIFY_VERIFY_SIGN_CHECKS  16


static ngx_uint_t ngx_http_notify_verify_sign_codes(
    const ngx_http_notify_verify_secret_t *secret, const ngx_str_t *message,
    const ngx_str_t *list);
static ngx_uint_t ngx_http_notify_verify_sign_keyed(
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *message,
    const ngx_str_t *list);
static ngx_uint_t ngx_http_notify_verify_sign_code(
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *text,
    ngx_str_t *code);
static ngx_int_t ngx_http_notify_verify_sign_members(ngx_http_request_t *r,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body);
static ngx_int_t ngx_http_notify_verify_sign_json_once(ngx_pool_t *pool,
    const ngx_str_t *object, const ngx_str_t *name);
static ngx_int_t ngx_http_notify_verify_sign_form_once(ngx_pool_t *pool,
    const ngx_str_t *form, const ngx_str_t *name);


/* https://github.com/standard-webhooks/standard-webhooks, "Verifying" */

ngx_int_t
ngx_http_notify_verify_sign_standard(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body,
    ngx_http_notify_verify_proof_t *proof, const char **reason)
{
    u_char     *p;
    ngx_str_t   id, timestamp, list, *message, *names;

    static ngx_str_t  standard[] = {
        ngx_string("webhook-id"),
        ngx_string("webhook-timestamp"),
        ngx_string("webhook-signature")
    };

    static ngx_str_t  svix[] = {
        ngx_string("svix-id"),
        ngx_string("svix-timestamp"),
        ngx_string("svix-signature")
    };

    names = standard;

    if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_SVIX
        && ngx_http_notify_request_header(r, &svix[0], &id))
    {
        names = svix;
    }

    if (ngx_http_notify_verify_value_header(r, &names[0], &id) != NGX_OK
        || ngx_http_notify_verify_value_header(r, &names[1], &timestamp)
           != NGX_OK
        || ngx_http_notify_verify_value_header(r, &names[2], &list) != NGX_OK)
    {
        *reason = "a header is missing or given twice";
        return NGX_DECLINED;
    }

    if (ngx_http_notify_verify_sign_time(verify, &timestamp, proof, reason)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(r->pool, id.len + timestamp.len + body->len + 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    message = &proof->message;
    message->data = p;

    p = ngx_sprintf(p, "%V.%V.", &id, &timestamp);

    if (body->len) {
        p = ngx_cpymem(p, body->data, body->len);
    }

    message->len = p - message->data;

    return ngx_http_notify_verify_sign_list(verify, message, &list)
           ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_notify_verify_sign_time(const ngx_http_notify_verify_conf_t *verify,
    const ngx_str_t *text, ngx_http_notify_verify_proof_t *proof,
    const char **reason)
{
    int64_t  time, late;

    if (ngx_http_notify_json_int64(text, &time) != NGX_OK
        || time < 0 || time > NGX_MAX_INT32_VALUE * 1000LL)
    {
        *reason = "the timestamp is not one";
        return NGX_DECLINED;
    }

    late = (int64_t) ngx_time() - time;

    if (late > verify->window || -late > verify->window) {
        *reason = "the timestamp is outside of the window";
        return NGX_DECLINED;
    }

    proof->until = time + verify->window + 1;

    return NGX_OK;
}


/* "v1,BASE64 v1a,BASE64 ..." */

ngx_uint_t
ngx_http_notify_verify_sign_list(const ngx_http_notify_verify_conf_t *verify,
    const ngx_str_t *message, const ngx_str_t *list)
{
    ngx_uint_t                              i, good;
    const ngx_http_notify_verify_secret_t  *secret;

    good = 0;
    secret = verify->secrets.elts;

    for (i = 0; i < verify->secrets.nelts; i++) {
        if (secret[i].hmac) {
            good |= ngx_http_notify_verify_sign_codes(&secret[i], message,
                                                      list);
        }
    }

    return good ? good
                : ngx_http_notify_verify_sign_keyed(verify, message, list);
}


/* one code is computed, and compared with all, whichever fits */

static ngx_uint_t
ngx_http_notify_verify_sign_codes(
    const ngx_http_notify_verify_secret_t *secret, const ngx_str_t *message,
    const ngx_str_t *list)
{
    u_char      digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX],
                buf[ngx_base64_encoded_length(
                                          NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX)];
    ngx_str_t   raw, code, rest, text;
    ngx_uint_t  good;

    raw.data = digest;
    raw.len = ngx_http_notify_crypto_hmac(secret->hmac, message, 1, digest);

    if (raw.len == 0) {
        return 0;
    }

    code.data = buf;
    ngx_encode_base64(&code, &raw);

    good = 0;
    rest = *list;

    while (ngx_http_notify_verify_sign_next(&rest, ' ', "v1,", &text)) {
        good |= ngx_http_notify_crypto_equal(&code, &text);
    }

    return good;
}


/*
 * Ed25519 hashes the message anew for each signature and key.  Nothing is
 * secret of a public key: the first that fits ends it.
 */

static ngx_uint_t
ngx_http_notify_verify_sign_keyed(const ngx_http_notify_verify_conf_t *verify,
    const ngx_str_t *message, const ngx_str_t *list)
{
    u_char                                  buf[72];
    ngx_str_t                               rest, text, raw;
    ngx_uint_t                              i, n, checks;
    const ngx_http_notify_verify_secret_t  *secret;

    n = 0;
    checks = 0;
    rest = *list;
    secret = verify->secrets.elts;

    while (ngx_http_notify_verify_sign_next(&rest, ' ', "v1a,", &text)) {

        raw.data = buf;

        if (text.len != 88
            || ngx_decode_base64(&raw, &text) != NGX_OK
            || raw.len != 64)
        {
            continue;
        }

        if (n++ == NGX_HTTP_NOTIFY_VERIFY_SIGN_KEYED) {
            return 0;
        }

        for (i = 0; i < verify->secrets.nelts; i++) {

            if (secret[i].key == NULL) {
                continue;
            }

            if (checks++ == NGX_HTTP_NOTIFY_VERIFY_SIGN_CHECKS) {
                return 0;
            }

            if (ngx_http_notify_crypto_verify(secret[i].key, message, &raw)
                == NGX_OK)
            {
                return 1;
            }
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_notify_verify_sign_next(ngx_str_t *list, u_char separator,
    const char *prefix, ngx_str_t *text)
{
    size_t   len;
    u_char  *p, *last;

    len = ngx_strlen(prefix);
    last = list->data + list->len;

    while (list->len) {

        text->data = list->data;

        p = ngx_strlchr(list->data, last, separator);
        p = p ? p : last;

        text->len = p - text->data;

        list->data = p + (p < last);
        list->len = last - list->data;

        if (text->len > len && ngx_strncmp(text->data, prefix, len) == 0) {
            text->data += len;
            text->len -= len;
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_notify_verify_sign_hmac(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body,
    ngx_http_notify_verify_proof_t *proof, const char **reason)
{
    u_char                            *digest, *given;
    ngx_int_t                         rc;
    ngx_str_t                         text, data, code, expected;
    ngx_uint_t                        i, good;
    ngx_http_notify_verify_secret_t  *secret;

    if (ngx_http_notify_verify_value_header(r, &verify->header, &text)
        != NGX_OK)
    {
        *reason = "the header is missing or given twice";
        return NGX_DECLINED;
    }

    data = *body;

    if (verify->data != NULL) {

        rc = ngx_http_notify_verify_sign_members(r, verify, body);

        if (rc != NGX_OK) {
            *reason = "a signed member is missing, given twice, or no text";
            return rc;
        }

        if (ngx_http_complex_value(r, verify->data, &data) != NGX_OK) {
            return NGX_ERROR;
        }

        if (data.len == 0) {
            *reason = "there is nothing that could be signed";
            return NGX_DECLINED;
        }
    }

    digest = ngx_pnalloc(r->pool, 2 * NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX);
    if (digest == NULL) {
        return NGX_ERROR;
    }

    given = digest + NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX;
    code.data = given;

    if (!ngx_http_notify_verify_sign_code(verify, &text, &code)) {
        *reason = "the signature has another form";
        return NGX_DECLINED;
    }

    proof->message = data;

    good = 0;
    secret = verify->secrets.elts;

    for (i = 0; i < verify->secrets.nelts; i++) {
        expected.data = digest;
        expected.len = ngx_http_notify_crypto_hmac(secret[i].hmac, &data, 1,
                                                   digest);
        if (expected.len == 0) {
            return NGX_ERROR;
        }

        good |= ngx_http_notify_crypto_equal(&expected, &code);
    }

    return good ? NGX_OK : NGX_DECLINED;
}


/* the header's text as bytes, at most NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX */

static ngx_uint_t
ngx_http_notify_verify_sign_code(
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *text,
    ngx_str_t *code)
{
    u_char      buf[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX * 2];
    ngx_int_t   ch;
    ngx_str_t   rest, raw;
    ngx_uint_t  i;

    if (text->len < verify->prefix.len
        || (verify->prefix.len
            && ngx_strncmp(text->data, verify->prefix.data, verify->prefix.len)
               != 0))
    {
        return 0;
    }

    rest.data = text->data + verify->prefix.len;
    rest.len = text->len - verify->prefix.len;

    if (rest.len == 0 || rest.len > 2 * NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX) {
        return 0;
    }

    if (verify->base64) {
        raw.data = buf;

        if (ngx_decode_base64(&raw, &rest) != NGX_OK
            || raw.len > NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX
            || rest.len > ngx_base64_encoded_length(raw.len))
        {
            return 0;
        }

        ngx_memcpy(code->data, raw.data, raw.len);
        code->len = raw.len;

        return 1;
    }

    if (rest.len % 2) {
        return 0;
    }

    code->len = rest.len / 2;

    for (i = 0; i < code->len; i++) {
        ch = ngx_hextoi(&rest.data[2 * i], 2);

        if (ch == NGX_ERROR) {
            return 0;
        }

        code->data[i] = (u_char) ch;
    }

    return 1;
}


/*
 * Parsers differ in what they do with a member that is there twice, and a
 * variable replaces control characters: a body that could mean something else
 * to the backend is not authentic.
 */

static ngx_int_t
ngx_http_notify_verify_sign_members(ngx_http_request_t *r,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body)
{
    ngx_int_t                      rc;
    ngx_str_t                     *name, object;
    ngx_uint_t                     i, form;
    ngx_http_notify_json_error_t   error;

    if (verify->members.nelts == 0) {
        return NGX_OK;
    }

    if (body->len == 0 || body->len > ngx_http_notify_body_size(r)) {
        return NGX_DECLINED;
    }

    object = *body;
    form = ngx_http_notify_body_is(r, "application/x-www-form-urlencoded");

    /* a JSON text is no form, whatever its type says, and the reverse */

    rc = ngx_http_notify_json_scan(body, &object, &error);

    if ((rc == NGX_OK) == (form == 1)) {
        return NGX_DECLINED;
    }

    if (!form
        && ngx_http_notify_json_kind(&object) != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        return NGX_DECLINED;
    }

    name = verify->members.elts;

    for (i = 0; i < verify->members.nelts; i++) {
        rc = form ? ngx_http_notify_verify_sign_form_once(r->pool, body,
                                                          &name[i])
                  : ngx_http_notify_verify_sign_json_once(r->pool, &object,
                                                     &name[i]);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_verify_sign_json_once(ngx_pool_t *pool, const ngx_str_t *object,
    const ngx_str_t *name)
{
    ngx_str_t                     member, value, text;
    ngx_uint_t                    found;
    ngx_http_notify_json_iter_t   it;

    found = 0;
    ngx_http_notify_json_iter(&it, object);

    while (ngx_http_notify_json_next(&it, &member, &value) == NGX_OK) {

        text = member;

        if (ngx_http_notify_json_name(pool, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        if (!ngx_http_notify_text_equal_nocase(&text, name)) {
            continue;
        }

        if (found++ || text.data != member.data) {
            return NGX_DECLINED;
        }

        switch (ngx_http_notify_json_kind(&value)) {

        case NGX_HTTP_NOTIFY_JSON_NUMBER:
            continue;

        case NGX_HTTP_NOTIFY_JSON_STRING:
            break;

        default:
            return NGX_DECLINED;
        }

        if (ngx_http_notify_json_text(pool, &value, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        if (ngx_http_notify_text_control(&text)) {
            return NGX_DECLINED;
        }
    }

    return found ? NGX_OK : NGX_DECLINED;
}


/* "a=b&c=d"; what is encoded in a name could be read in two ways */

static ngx_int_t
ngx_http_notify_verify_sign_form_once(ngx_pool_t *pool, const ngx_str_t *form,
    const ngx_str_t *name)
{
    ngx_str_t    rest, field, value, text;
    ngx_uint_t   found, same;

    found = 0;
    rest = *form;

    while (ngx_http_notify_urlencoded_next(&rest, &field, &value) == NGX_OK) {

        if (ngx_http_notify_urlencoded_decode(pool, &field, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        same = ngx_http_notify_text_equal_nocase(&field, name);

        if (ngx_http_notify_text_equal_nocase(&text, name)
            && (found++ || !same))
        {
            return NGX_DECLINED;
        }

        if (!same) {
            continue;
        }

        if (ngx_http_notify_urlencoded_decode(pool, &value, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        if (ngx_http_notify_text_control(&text)) {
            return NGX_DECLINED;
        }
    }

    return found ? NGX_OK : NGX_DECLINED;
}
