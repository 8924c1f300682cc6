/*
 * From PEM texts of a document to a context of OpenSSL.  Nothing is read from
 * files, and no password is asked for.  Must not know who made the document.
 */

#include "ngx_http_notify_tls.h"


#define NGX_HTTP_NOTIFY_TLS_CERTIFICATES  64    /* of a text */


static ngx_int_t ngx_http_notify_tls_context(
    const ngx_http_notify_call_conf_t *conf, const ngx_http_notify_tls_t *tls,
    ngx_ssl_t *ssl, const char **member, const char **reason);
static ngx_int_t ngx_http_notify_tls_inherit(SSL_CTX *from, SSL_CTX *to);
static const char *ngx_http_notify_tls_trust(
    const ngx_http_notify_call_conf_t *conf, const ngx_http_notify_tls_t *tls,
    SSL_CTX *ctx);
static const char *ngx_http_notify_tls_certificate(const ngx_str_t *text,
    SSL_CTX *ctx);
static const char *ngx_http_notify_tls_key(const ngx_str_t *text,
    SSL_CTX *ctx);
static int ngx_http_notify_tls_password(char *buf, int size, int rwflag,
    void *data);
static const char *ngx_http_notify_tls_name(const ngx_str_t *name);


void
ngx_http_notify_tls_read(const ngx_http_notify_json_t *object,
    ngx_http_notify_tls_t *tls)
{
    tls->ca = ngx_http_notify_json_get_string(object, "ca");
    tls->certificate = ngx_http_notify_json_get_string(object, "certificate");
    tls->key = ngx_http_notify_json_get_string(object, "key");
    tls->server_name = ngx_http_notify_json_get_string(object, "serverName");
}


ngx_int_t
ngx_http_notify_tls_state(ngx_pool_t *pool,
    const ngx_http_notify_call_conf_t *conf, const ngx_http_notify_tls_t *tls,
    ngx_http_notify_call_state_t **state, const char **member,
    const char **reason)
{
    ngx_int_t                      rc;
    ngx_ssl_t                     *ssl;
    ngx_pool_cleanup_t            *cln;
    ngx_http_notify_call_state_t  *own;

    own = ngx_palloc(pool, sizeof(ngx_http_notify_call_state_t));
    cln = ngx_pool_cleanup_add(pool, 0);

    if (own == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    *own = *conf->state;

    ssl = &own->ssl;
    ssl->ctx = NULL;
    ssl->log = ngx_cycle->log;

    if (ngx_ssl_create(ssl, conf->ssl_protocols, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    rc = ngx_http_notify_tls_context(conf, tls, ssl, member, reason);

    ERR_clear_error();

    if (rc != NGX_OK) {
        return rc;
    }

    own->upstream.ssl = ssl;
    own->literal.ssl = ssl;

    if (tls->ca.len) {
        own->upstream.ssl_verify = 1;
    }

    *state = own;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_tls_context(const ngx_http_notify_call_conf_t *conf,
    const ngx_http_notify_tls_t *tls, ngx_ssl_t *ssl, const char **member,
    const char **reason)
{
    ngx_str_t  none;

    if (SSL_CTX_set_cipher_list(ssl->ctx, (char *) conf->ssl_ciphers.data) != 1
        || ngx_ssl_client_session_cache(NULL, ssl, 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_null(&none);

    if ((conf->ssl_verify || tls->ca.len)
        && ngx_ssl_trusted_certificate(NULL, ssl, &none,
                                       conf->ssl_verify_depth)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    *member = "ca";
    *reason = ngx_http_notify_tls_trust(conf, tls, ssl->ctx);

    if (*reason) {
        return NGX_DECLINED;
    }

    *member = "serverName";
    *reason = ngx_http_notify_tls_name(&tls->server_name);

    if (*reason) {
        return NGX_DECLINED;
    }

    if (tls->certificate.len == 0 && tls->key.len == 0) {
        return ngx_http_notify_tls_inherit(conf->state->ssl.ctx, ssl->ctx);
    }

    *member = "certificate";
    *reason = ngx_http_notify_tls_certificate(&tls->certificate, ssl->ctx);

    if (*reason) {
        return NGX_DECLINED;
    }

    *member = "key";
    *reason = ngx_http_notify_tls_key(&tls->key, ssl->ctx);

    return *reason ? NGX_DECLINED : NGX_OK;
}


/* the profile's client certificate, where it has one */

static ngx_int_t
ngx_http_notify_tls_inherit(SSL_CTX *from, SSL_CTX *to)
{
    X509            *x509;
    EVP_PKEY        *key;
    STACK_OF(X509)  *chain;

    x509 = SSL_CTX_get0_certificate(from);
    key = SSL_CTX_get0_privatekey(from);

    if (x509 == NULL || key == NULL) {
        return NGX_OK;
    }

    chain = NULL;
    (void) SSL_CTX_get0_chain_certs(from, &chain);

    if (SSL_CTX_use_certificate(to, x509) != 1
        || SSL_CTX_use_PrivateKey(to, key) != 1
        || (chain && SSL_CTX_set1_chain(to, chain) != 1))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* its own, or whom the profile trusts, whose store is shared */

static const char *
ngx_http_notify_tls_trust(const ngx_http_notify_call_conf_t *conf,
    const ngx_http_notify_tls_t *tls, SSL_CTX *ctx)
{
    BIO         *bio;
    X509        *x509;
    ngx_uint_t   n, added;
    X509_STORE  *store;

    if (tls->ca.len == 0) {
        SSL_CTX_set1_cert_store(ctx,
                               SSL_CTX_get_cert_store(conf->state->ssl.ctx));
        return NULL;
    }

    store = X509_STORE_new();
    bio = BIO_new_mem_buf(tls->ca.data, (int) tls->ca.len);

    added = 1;

    for (n = 0;
         bio && store && added && n < NGX_HTTP_NOTIFY_TLS_CERTIFICATES;
         n++)
    {
        x509 = PEM_read_bio_X509(bio, NULL, ngx_http_notify_tls_password,
                                 NULL);
        if (x509 == NULL) {
            break;
        }

        added = (X509_STORE_add_cert(store, x509) == 1);
        X509_free(x509);
    }

    if (bio) {
        BIO_free(bio);
    }

    if (n == 0 || !added) {
        X509_STORE_free(store);
        return "has no certificate in PEM that can be used";
    }

    SSL_CTX_set_cert_store(ctx, store);

    return NULL;
}


/* the first is its own, the others lead to whom the endpoint trusts */

static const char *
ngx_http_notify_tls_certificate(const ngx_str_t *text, SSL_CTX *ctx)
{
    BIO         *bio;
    X509        *x509;
    ngx_uint_t   n, used;

    bio = BIO_new_mem_buf(text->data, (int) text->len);

    used = (bio != NULL);

    for (n = 0; used && n < NGX_HTTP_NOTIFY_TLS_CERTIFICATES; n++) {

        x509 = PEM_read_bio_X509(bio, NULL, ngx_http_notify_tls_password,
                                 NULL);
        if (x509 == NULL) {
            break;
        }

        if (n == 0) {
            used = (SSL_CTX_use_certificate(ctx, x509) == 1);
            X509_free(x509);

        } else if (SSL_CTX_add0_chain_cert(ctx, x509) != 1) {
            X509_free(x509);
            used = 0;
        }
    }

    if (bio) {
        BIO_free(bio);
    }

    return n && used ? NULL : "has no certificate in PEM that can be used";
}


static const char *
ngx_http_notify_tls_key(const ngx_str_t *text, SSL_CTX *ctx)
{
    BIO       *bio;
    EVP_PKEY  *pkey;
    int        used;

    bio = BIO_new_mem_buf(text->data, (int) text->len);

    pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL,
                                         ngx_http_notify_tls_password, NULL)
               : NULL;
    if (bio) {
        BIO_free(bio);
    }

    if (pkey == NULL) {
        return "is no private key in PEM without a password";
    }

    used = SSL_CTX_use_PrivateKey(ctx, pkey);
    EVP_PKEY_free(pkey);

    return used == 1 ? NULL : "is not the one of the certificate";
}


static int
ngx_http_notify_tls_password(char *buf, int size, int rwflag, void *data)
{
    return 0;
}


/* RFC 1123, 2.1; what TLS takes for a name */

static const char *
ngx_http_notify_tls_name(const ngx_str_t *name)
{
    size_t   i;
    u_char   ch;

    if (name->len > 255) {
        return "is longer than 255 bytes";
    }

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (!((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z')
            && !(ch >= '0' && ch <= '9')
            && ch != '-' && ch != '_' && (ch != '.' || i == 0))
        {
            return "is no name of a host";
        }
    }

    return NULL;
}
