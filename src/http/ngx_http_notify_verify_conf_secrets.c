/*
 * The secrets and keys of notify_verify.  Run while the configuration is read.
 */

#include "ngx_http_notify_file.h"
#include "ngx_http_notify_sign_secret.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_verify.h"


#define NGX_HTTP_NOTIFY_VERIFY_SECRETS  16


static char *ngx_http_notify_verify_conf_secret(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *text,
    const char **reason);
static char *ngx_http_notify_verify_conf_key(ngx_conf_t *cf,
    const ngx_str_t *text, ngx_uint_t standard,
    ngx_http_notify_verify_secret_t *secret, const char **reason);


/* a secret a line: several while one rotates */

char *
ngx_http_notify_verify_conf_secrets(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify, ngx_str_t *name)
{
    char        *rv;
    u_char      *p, *last;
    ngx_str_t    text, line;
    const char  *reason;

    if (name->len == 0) {
        return "needs \"secret_file=\"";
    }

    if (ngx_array_init(&verify->secrets, cf->pool, 2,
                       sizeof(ngx_http_notify_verify_secret_t))
        != NGX_OK
        || ngx_http_notify_file_secret(cf, name, &text) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    rv = NGX_CONF_OK;
    reason = "it has no secret";

    last = text.data + text.len;

    for (p = text.data; p < last && rv == NGX_CONF_OK; p++) {

        line.data = p;

        while (p < last && *p != LF) {
            p++;
        }

        line.len = p - line.data;

        if (line.len && line.data[line.len - 1] == CR) {
            line.len--;
        }

        if (line.len) {
            rv = ngx_http_notify_verify_conf_secret(cf, verify, &line,
                                                    &reason);
        }
    }

    ngx_http_notify_file_wipe(&text);

    if (rv != NGX_CONF_OK || verify->secrets.nelts == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "secret file \"%V\" cannot be used: %s", name,
                           reason);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_verify_conf_secret(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *text,
    const char **reason)
{
    u_char                            buf[64];
    ngx_str_t                         raw, encoded;
    ngx_http_notify_verify_secret_t  *secret;

    if (verify->lines++ == NGX_HTTP_NOTIFY_VERIFY_SECRETS) {
        *reason = "it has more than 16 secrets";
        return NGX_CONF_ERROR;
    }

    secret = ngx_array_push(&verify->secrets);
    if (secret == NULL) {
        *reason = "no memory";
        return NGX_CONF_ERROR;
    }

    ngx_memzero(secret, sizeof(ngx_http_notify_verify_secret_t));

    if (verify->scheme != NGX_HTTP_NOTIFY_VERIFY_STANDARD
        && verify->scheme != NGX_HTTP_NOTIFY_VERIFY_SVIX)
    {
        secret->hmac = ngx_http_notify_crypto_hmac_create(cf->pool,
                                                          verify->hash, text);
        *reason = "no memory";

        if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_TWILIO && secret->hmac) {

            /* a token signs by SHA-1, a shared key also by SHA-256 */

            secret = ngx_array_push(&verify->secrets);
            if (secret == NULL) {
                return NGX_CONF_ERROR;
            }

            secret->key = NULL;
            secret->hmac = ngx_http_notify_crypto_hmac_create(cf->pool,
                                      NGX_HTTP_NOTIFY_CRYPTO_SHA256, text);
        }

    } else if (text->len > 5
               && ngx_http_notify_text_starts(text, "whpk_"))
    {
        *reason = "what follows \"whpk_\" is not base64 of 32 bytes";

        encoded.data = text->data + 5;
        encoded.len = text->len - 5;
        raw.data = buf;

        if (encoded.len <= 44 && ngx_decode_base64(&raw, &encoded) == NGX_OK) {
            secret->key = ngx_http_notify_crypto_key_public_ed25519(cf->pool,
                                                               &raw, reason);
        }

    } else if (text->len > 5 && ngx_http_notify_text_starts(text, "whsk_")) {
        *reason = "a \"whsk_\" key signs, its \"whpk_\" key verifies";

    } else {
        if (ngx_http_notify_verify_conf_key(cf, text, 0, secret, reason)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        /* without a prefix: as it stands, and as the libraries read it */

        if (!ngx_http_notify_sign_secret_bare(text)) {
            return NGX_CONF_OK;
        }

        secret = ngx_array_push(&verify->secrets);
        if (secret == NULL) {
            *reason = "no memory";
            return NGX_CONF_ERROR;
        }

        return ngx_http_notify_verify_conf_key(cf, text, 1, secret, reason);
    }

    return (secret->hmac || secret->key) ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_notify_verify_conf_key(ngx_conf_t *cf, const ngx_str_t *text,
    ngx_uint_t standard, ngx_http_notify_verify_secret_t *secret,
    const char **reason)
{
    ngx_http_notify_sign_secret_t  sign;

    ngx_memzero(&sign, sizeof(ngx_http_notify_sign_secret_t));

    if (ngx_http_notify_sign_secret_init(cf->pool, text, standard, &sign,
                                         reason)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    secret->hmac = sign.hmac;
    secret->key = NULL;

    return NGX_CONF_OK;
}
