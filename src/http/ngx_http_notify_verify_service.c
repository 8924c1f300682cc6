/*
 * The signatures of services that send webhooks, each as its public document
 * has it.  A code is computed per secret and compared as text, in constant
 * time.
 * Must not know what is answered.
 */

#include "ngx_http_notify_text.h"
#include "ngx_http_notify_verify.h"
#include "ngx_http_notify_verify_twilio.h"
#include "ngx_http_notify_verify_value.h"


/* of a message: what stands before the body, and the body */
#define NGX_HTTP_NOTIFY_VERIFY_SERVICE_PARTS  4


typedef struct {
    ngx_str_t                       name;
    ngx_str_t                       header;     /* with the signature */
    ngx_str_t                       prefix;     /* of its value */
    ngx_http_notify_crypto_hash_e   hash;
    unsigned                        base64:1;
    unsigned                        timed:1;    /* it signs a time */
    const char                     *covered[5]; /* variables that it signs */
} ngx_http_notify_verify_service_t;


static ngx_int_t ngx_http_notify_verify_service_parts(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body,
    ngx_http_notify_verify_proof_t *proof, ngx_str_t *given, ngx_str_t *parts,
    ngx_uint_t *n, const char **reason);
static ngx_int_t ngx_http_notify_verify_service_message(
    ngx_http_request_t *r, ngx_http_notify_verify_conf_t *verify,
    const ngx_str_t *parts, ngx_uint_t n,
    ngx_http_notify_verify_proof_t *proof);
static const ngx_http_notify_verify_service_t *
    ngx_http_notify_verify_service_of(ngx_http_notify_verify_scheme_e scheme);


static const ngx_http_notify_verify_service_t
    ngx_http_notify_verify_services[] =
{
    { ngx_string("stripe"), ngx_string("Stripe-Signature"), ngx_string("v1="),
      NGX_HTTP_NOTIFY_CRYPTO_SHA256, 0, 1, { NULL } },

    { ngx_string("slack"), ngx_string("X-Slack-Signature"), ngx_string("v0="),
      NGX_HTTP_NOTIFY_CRYPTO_SHA256, 0, 1,
      { "http_x_slack_request_timestamp", NULL } },

    { ngx_string("github"), ngx_string("X-Hub-Signature-256"),
      ngx_string("sha256="),
      NGX_HTTP_NOTIFY_CRYPTO_SHA256, 0, 0, { NULL } },

    { ngx_string("shopify"), ngx_string("X-Shopify-Hmac-SHA256"),
      ngx_string(""),
      NGX_HTTP_NOTIFY_CRYPTO_SHA256, 1, 0, { NULL } },

    { ngx_string("svix"), ngx_string("svix-signature"), ngx_string("v1,"),
      NGX_HTTP_NOTIFY_CRYPTO_SHA256, 1, 1,
      { "http_svix_id", "http_svix_timestamp", "http_webhook_id",
        "http_webhook_timestamp", NULL } },

    { ngx_string("twilio"), ngx_string("X-Twilio-Signature"), ngx_string(""),
      NGX_HTTP_NOTIFY_CRYPTO_SHA1, 1, 0, { "arg_", NULL } }
};


ngx_int_t
ngx_http_notify_verify_service_find(const ngx_str_t *name,
    ngx_http_notify_verify_conf_t *verify)
{
    ngx_uint_t                               i;
    const ngx_http_notify_verify_service_t  *service;

    for (i = NGX_HTTP_NOTIFY_VERIFY_STRIPE;
         i <= NGX_HTTP_NOTIFY_VERIFY_TWILIO;
         i++)
    {
        service = ngx_http_notify_verify_service_of(i);

        if (ngx_http_notify_text_equal(&service->name, name)) {
            verify->scheme = i;
            verify->header = service->header;
            verify->hash = service->hash;
            verify->base64 = service->base64;
            verify->timed = service->timed;

            /* the texts of a form pass from one to the next */

            verify->adjacent = (i == NGX_HTTP_NOTIFY_VERIFY_TWILIO);

            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_uint_t
ngx_http_notify_verify_service_covers(ngx_http_notify_verify_scheme_e scheme,
    const ngx_str_t *name)
{
    ngx_uint_t                               i;
    const ngx_http_notify_verify_service_t  *service;

    if (scheme < NGX_HTTP_NOTIFY_VERIFY_STRIPE) {
        return 0;
    }

    service = ngx_http_notify_verify_service_of(scheme);

    for (i = 0; service->covered[i]; i++) {
        if (ngx_http_notify_verify_value_begins(name, service->covered[i])) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_notify_verify_service(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body,
    ngx_http_notify_verify_proof_t *proof, const char **reason)
{
    ngx_int_t   rc;
    ngx_str_t   given, url, parts[NGX_HTTP_NOTIFY_VERIFY_SERVICE_PARTS];
    ngx_uint_t  n, port, good;

    if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_SVIX) {
        return ngx_http_notify_verify_sign_standard(r, verify, body, proof,
                                                    reason);
    }

    if (ngx_http_notify_verify_value_header(r, &verify->header, &given)
        != NGX_OK)
    {
        *reason = "the header is missing or given twice";
        return NGX_DECLINED;
    }

    if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_TWILIO) {
        rc = ngx_http_notify_verify_twilio(r, verify, body, parts, reason);
        n = 2;

    } else {
        rc = ngx_http_notify_verify_service_parts(r, verify, body, proof,
                                                  &given, parts, &n, reason);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    good = ngx_http_notify_verify_service_signed(verify, &given, parts, n);

    if (!good && verify->scheme == NGX_HTTP_NOTIFY_VERIFY_TWILIO) {

        /* whether they sign the port is up to them */

        url = parts[0];

        for (port = 0; port < 2 && !good; port++) {
            if (ngx_http_notify_verify_twilio_port(r->pool, &url, port,
                                                   &parts[0])
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            good = ngx_http_notify_verify_service_signed(verify, &given,
                                                         parts, n);
        }
    }

    return good ? ngx_http_notify_verify_service_message(r, verify, parts, n,
                                                         proof)
                : NGX_DECLINED;
}


/* what is signed, in pieces */

static ngx_int_t
ngx_http_notify_verify_service_parts(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body,
    ngx_http_notify_verify_proof_t *proof, ngx_str_t *given, ngx_str_t *parts,
    ngx_uint_t *n, const char **reason)
{
    ngx_str_t  *time;

    static ngx_str_t  timestamp = ngx_string("X-Slack-Request-Timestamp");

    *n = 0;

    if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_SLACK) {
        ngx_str_set(&parts[0], "v0:");
        *n = 1;
    }

    if (verify->timed) {
        time = &parts[*n];

        if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_STRIPE) {

            if (ngx_http_notify_verify_service_time(given, time) != NGX_OK) {
                *reason = "the header has another form";
                return NGX_DECLINED;
            }

        } else if (ngx_http_notify_verify_value_header(r, &timestamp, time)
                   != NGX_OK)
        {
            *reason = "a header is missing or given twice";
            return NGX_DECLINED;
        }

        if (ngx_http_notify_verify_sign_time(verify, time, proof, reason)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_STRIPE) {
            ngx_str_set(&parts[*n + 1], ".");

        } else {
            ngx_str_set(&parts[*n + 1], ":");
        }

        *n += 2;
    }

    parts[(*n)++] = *body;

    return NGX_OK;
}


/* "t=TIME,v1=HEX,v1=HEX,v0=HEX" */

ngx_int_t
ngx_http_notify_verify_service_time(const ngx_str_t *list, ngx_str_t *time)
{
    ngx_str_t   rest, item;
    ngx_uint_t  n;

    n = 0;
    rest = *list;

    while (ngx_http_notify_verify_sign_next(&rest, ',', "t=", &item)) {
        *time = item;
        n++;
    }

    return n == 1 ? NGX_OK : NGX_DECLINED;
}


ngx_uint_t
ngx_http_notify_verify_service_signed(
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *given,
    const ngx_str_t *parts, ngx_uint_t n)
{
    u_char                                   digest[
                                          NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX],
                                             buf[2
                                        * NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];
    ngx_str_t                                raw, code, rest, item;
    ngx_uint_t                               i, good;
    const ngx_http_notify_verify_secret_t   *secret;
    const ngx_http_notify_verify_service_t  *service;

    service = ngx_http_notify_verify_service_of(verify->scheme);

    /* stripe's is a list */

    if (verify->scheme != NGX_HTTP_NOTIFY_VERIFY_STRIPE
        && !ngx_http_notify_text_starts(given, (char *) service->prefix.data))
    {
        return 0;
    }

    good = 0;
    secret = verify->secrets.elts;

    for (i = 0; i < verify->secrets.nelts; i++) {

        raw.data = digest;
        raw.len = ngx_http_notify_crypto_hmac(secret[i].hmac, parts, n,
                                              digest);
        if (raw.len == 0) {
            return 0;
        }

        code.data = buf;

        if (verify->base64) {
            ngx_encode_base64(&code, &raw);

        } else {
            code.len = ngx_hex_dump(buf, raw.data, raw.len) - buf;
        }

        rest = *given;

        if (verify->scheme != NGX_HTTP_NOTIFY_VERIFY_STRIPE) {
            rest.data += service->prefix.len;
            rest.len -= service->prefix.len;

            good |= ngx_http_notify_crypto_equal(&code, &rest);
            continue;
        }

        while (ngx_http_notify_verify_sign_next(&rest, ',',
                                     (char *) service->prefix.data, &item))
        {
            good |= ngx_http_notify_crypto_equal(&code, &item);
        }
    }

    return good;
}


/* for once=, which remembers it: a digest, since bodies may be large */

static ngx_int_t
ngx_http_notify_verify_service_message(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *parts,
    ngx_uint_t n, ngx_http_notify_verify_proof_t *proof)
{
    if (verify->once == NULL) {
        return NGX_OK;
    }

    proof->message.data = ngx_pnalloc(r->pool,
                                      NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX);
    if (proof->message.data == NULL) {
        return NGX_ERROR;
    }

    proof->message.len = ngx_http_notify_crypto_digest(
                             NGX_HTTP_NOTIFY_CRYPTO_SHA256, parts, n,
                             proof->message.data);

    return proof->message.len ? NGX_OK : NGX_ERROR;
}


static const ngx_http_notify_verify_service_t *
ngx_http_notify_verify_service_of(ngx_http_notify_verify_scheme_e scheme)
{
    return &ngx_http_notify_verify_services[scheme
                                            - NGX_HTTP_NOTIFY_VERIFY_STRIPE];
}
