/*
 * notify_secret_key and the files that it names.  Runs only while the
 * configuration is read; a key is wiped with the pool of its configuration.
 * Must not know what is encrypted.
 */

#include "ngx_http_notify_file.h"
#include "ngx_http_notify_seal.h"


#define NGX_HTTP_NOTIFY_SEAL_CONF_TEXT  44      /* 32 bytes in base64 */
#define NGX_HTTP_NOTIFY_SEAL_CONF_FILE  128     /* bytes, with white space */


static ngx_int_t ngx_http_notify_seal_conf_key(ngx_conf_t *cf,
    ngx_str_t *name, ngx_http_notify_seal_key_t *key);
static ngx_int_t ngx_http_notify_seal_conf_decode(const ngx_str_t *text,
    ngx_http_notify_seal_key_t *key);
static void ngx_http_notify_seal_conf_cleanup(void *data);


char *
ngx_http_notify_seal_conf_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                    *value;
    ngx_uint_t                    i;
    ngx_pool_cleanup_t           *cln;
    ngx_http_notify_seal_conf_t  *scf;

    scf = (ngx_http_notify_seal_conf_t *) ((char *) conf + cmd->offset);

    if (scf->n) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_notify_seal_conf_cleanup;
    cln->data = scf;

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_http_notify_seal_conf_key(cf, &value[i], &scf->keys[i - 1])
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        scf->n++;
    }

    if (scf->n == 2
        && ngx_memcmp(scf->keys[0].id, scf->keys[1].id,
                      NGX_HTTP_NOTIFY_SEAL_ID)
           == 0)
    {
        return "has the same key twice";
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_notify_seal_conf_key(ngx_conf_t *cf, ngx_str_t *name,
    ngx_http_notify_seal_key_t *key)
{
    ngx_int_t  rc;
    ngx_str_t  text;
    u_char     buf[NGX_HTTP_NOTIFY_SEAL_CONF_FILE];

    text.data = buf;
    text.len = sizeof(buf);

    rc = ngx_http_notify_file_read(cf, name, &text);

    if (rc == NGX_OK) {

        while (text.len && text.data[text.len - 1] <= ' ') {
            text.len--;
        }

        rc = ngx_http_notify_seal_conf_decode(&text, key);
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    if (rc == NGX_DECLINED) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" of \"notify_secret_key\" must hold 32 bytes "
                           "in base64, in one line", name);
        return NGX_ERROR;
    }

    return rc;
}


/* NGX_DECLINED: that is no key */

static ngx_int_t
ngx_http_notify_seal_conf_decode(const ngx_str_t *text,
    ngx_http_notify_seal_key_t *key)
{
    ngx_str_t  from, to;
    u_char     bytes[NGX_HTTP_NOTIFY_CRYPTO_KEY + 3];
    u_char     digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];

    if (text->len != NGX_HTTP_NOTIFY_SEAL_CONF_TEXT) {
        return NGX_DECLINED;
    }

    from = *text;
    to.data = bytes;

    if (ngx_decode_base64(&to, &from) != NGX_OK
        || to.len != NGX_HTTP_NOTIFY_CRYPTO_KEY)
    {
        ngx_explicit_memzero(bytes, sizeof(bytes));
        return NGX_DECLINED;
    }

    ngx_memcpy(key->bytes, bytes, NGX_HTTP_NOTIFY_CRYPTO_KEY);
    ngx_explicit_memzero(bytes, sizeof(bytes));

    to.data = key->bytes;

    if (ngx_http_notify_crypto_digest(NGX_HTTP_NOTIFY_CRYPTO_SHA256, &to, 1,
                                      digest)
        == 0)
    {
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(key->id, digest, NGX_HTTP_NOTIFY_SEAL_ID / 2);

    return NGX_OK;
}


static void
ngx_http_notify_seal_conf_cleanup(void *data)
{
    ngx_http_notify_seal_conf_t *scf = data;

    ngx_explicit_memzero(scf, sizeof(ngx_http_notify_seal_conf_t));
}
