/*
 * TLS of a connection to Redis: its part of notify_redis, and the handshake.
 * The context lives as long as the configuration, a handshake's state as long
 * as its socket.  Must not know what is said on the connection.
 */

#include "ngx_http_notify_redis_internal.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_REDIS_SSL_DEPTH  4
#define NGX_HTTP_NOTIFY_REDIS_SSL_POOL   1024


static ngx_int_t ngx_http_notify_redis_ssl_trust(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf);
static ngx_int_t ngx_http_notify_redis_ssl_expect(
    ngx_http_notify_redis_t *redis, SSL *ssl);
static int ngx_http_notify_redis_ssl_verify(int ok, X509_STORE_CTX *store);


char *
ngx_http_notify_redis_ssl_conf(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf)
{
    ngx_addr_t          *addr;
    ngx_uint_t           i;
    ngx_pool_cleanup_t  *cln;

    if (rcf->ssl == NULL) {
        return (rcf->ssl_verify.len || rcf->ssl_name.len
                || rcf->ssl_certificate.len || rcf->ssl_certificate_key.len)
               ? "has a parameter of \"ssl\" but not \"ssl\""
               : NGX_CONF_OK;
    }

    if ((rcf->ssl_certificate.len == 0) != (rcf->ssl_certificate_key.len == 0))
    {
        return "needs \"ssl_certificate\" and \"ssl_certificate_key\" together";
    }

    addr = rcf->addrs->elts;

    for (i = 0; i < rcf->addrs->nelts; i++) {
        if (addr[i].sockaddr->sa_family == AF_UNIX) {
            return "has \"ssl\" and the path of a socket";
        }
    }

    rcf->ssl->log = cf->log;

    if (ngx_ssl_create(rcf->ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(rcf->ssl);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = rcf->ssl;

    /* what waits to be sent may have moved and grown when it is tried again */

    SSL_CTX_set_mode(rcf->ssl->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE
                                    |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    if (rcf->ssl_certificate.len
        && ngx_ssl_certificate(cf, rcf->ssl, &rcf->ssl_certificate,
                               &rcf->ssl_certificate_key, NULL)
           != NGX_OK)
    {
        return "cannot use its \"ssl_certificate\"";
    }

    return ngx_http_notify_redis_ssl_trust(cf, rcf) == NGX_OK
           ? NGX_CONF_OK : "cannot use its \"ssl_verify\"";
}


static ngx_int_t
ngx_http_notify_redis_ssl_trust(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf)
{
    ngx_str_t  *value;

    value = &rcf->ssl_verify;

    if (ngx_http_notify_text_is(value, "off")) {
        return NGX_OK;
    }

    rcf->ssl_verified = 1;

    if (value->len == 0 || ngx_http_notify_text_is(value, "on")) {
        SSL_CTX_set_verify_depth(rcf->ssl->ctx,
                                 NGX_HTTP_NOTIFY_REDIS_SSL_DEPTH);

        return SSL_CTX_set_default_verify_paths(rcf->ssl->ctx) == 1
               ? NGX_OK : NGX_ERROR;
    }

    return ngx_ssl_trusted_certificate(cf, rcf->ssl, value,
                                       NGX_HTTP_NOTIFY_REDIS_SSL_DEPTH);
}


/* NGX_ERROR: it cannot even begin */

ngx_int_t
ngx_http_notify_redis_ssl_begin(ngx_http_notify_redis_t *redis,
    void (*handler)(ngx_connection_t *c))
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = redis->peer.connection;

    c->pool = ngx_create_pool(NGX_HTTP_NOTIFY_REDIS_SSL_POOL, redis->log);

    if (c->pool == NULL
        || ngx_ssl_create_connection(redis->conf->ssl, c,
                                     NGX_SSL_BUFFER|NGX_SSL_CLIENT)
           != NGX_OK
        || ngx_http_notify_redis_ssl_expect(redis, c->ssl->connection)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!redis->timer.timer_set) {
        ngx_add_timer(&redis->timer, redis->conf->timeout);
    }

    rc = ngx_ssl_handshake(c);

    if (rc == NGX_AGAIN) {
        c->ssl->handler = handler;
        return NGX_OK;
    }

    handler(c);

    return NGX_OK;
}


/* the name or address that the certificate must be of; a name is told, too */

static ngx_int_t
ngx_http_notify_redis_ssl_expect(ngx_http_notify_redis_t *redis, SSL *ssl)
{
    u_char              buf[NGX_HTTP_NOTIFY_REDIS_NAME_MAX + 1];
    ngx_str_t          *name;
    ngx_uint_t          literal;
    X509_VERIFY_PARAM  *param;

    name = redis->conf->ssl_name.len ? &redis->conf->ssl_name
                                     : &redis->target.host;

    if (name->len == 0 || name->len >= sizeof(buf)) {
        return NGX_ERROR;
    }

    ngx_cpystrn(buf, name->data, name->len + 1);

    param = SSL_get0_param(ssl);

    literal = X509_VERIFY_PARAM_set1_ip_asc(param, (char *) buf) == 1;

    /* nginx would log what that leaves behind */
    ERR_clear_error();

    if (!literal && SSL_set_tlsext_host_name(ssl, (char *) buf) != 1) {
        return NGX_ERROR;
    }

    if (!redis->conf->ssl_verified) {
        return NGX_OK;
    }

    if (!literal
        && X509_VERIFY_PARAM_set1_host(param, (char *) buf, name->len) != 1)
    {
        return NGX_ERROR;
    }

    SSL_set_verify(ssl, SSL_VERIFY_PEER, ngx_http_notify_redis_ssl_verify);

    return NGX_OK;
}


static int
ngx_http_notify_redis_ssl_verify(int ok, X509_STORE_CTX *store)
{
    return ok;
}


/* why there was no handshake */

void
ngx_http_notify_redis_ssl_failed(ngx_connection_t *c)
{
    long                      rc;
    ngx_http_notify_redis_t  *redis;

    redis = c->data;

    rc = redis->conf->ssl_verified
         ? SSL_get_verify_result(c->ssl->connection) : X509_V_OK;

    if (rc != X509_V_OK) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_SSL, 0,
                                   "the certificate of %V is not trusted: %s",
                                   redis->peer.name,
                                   X509_verify_cert_error_string(rc));
        return;
    }

    ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0,
                               "the TLS handshake with %V failed",
                               redis->peer.name);
}
