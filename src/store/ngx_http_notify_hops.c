/*
 * Signatures of X-Notify-Hops: the time, a digest of the tenant and an HMAC of
 * both with N, 24 bytes in base64url.  Lives as long as the worker.  Must not
 * know requests or calls.
 */

#include "ngx_http_notify_command.h"
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_hops.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_HOPS_KEY    32
#define NGX_HTTP_NOTIFY_HOPS_HEAD   8       /* bytes: time, tenant */
#define NGX_HTTP_NOTIFY_HOPS_MAC    16
#define NGX_HTTP_NOTIFY_HOPS_BYTES  (NGX_HTTP_NOTIFY_HOPS_HEAD                \
                                     + NGX_HTTP_NOTIFY_HOPS_MAC)

/* seconds: an application that publishes later makes no loop that matters */
#define NGX_HTTP_NOTIFY_HOPS_OLD    3600
#define NGX_HTTP_NOTIFY_HOPS_AHEAD  300


struct ngx_http_notify_hops_s {
    ngx_http_notify_redis_t          *redis;
    const ngx_http_notify_keys_t     *keys;
    ngx_uint_t                        asking;   /* unsigned  asking:1; */
    ngx_pool_t                       *pool;     /* of the key */
    ngx_http_notify_crypto_hmac_t    *hmac;     /* NULL: not known yet */
    ngx_str_t                         key;
    u_char                            offered[2 * NGX_HTTP_NOTIFY_HOPS_KEY];
};


static void ngx_http_notify_hops_state(ngx_http_notify_redis_t *redis,
    ngx_uint_t up, void *data);
static ngx_http_notify_redis_handler_t  ngx_http_notify_hops_answer;
static void ngx_http_notify_hops_keep(ngx_http_notify_hops_t *hops,
    const ngx_str_t *key);
static u_char *ngx_http_notify_hops_number(u_char *p, uint32_t n);
static ngx_int_t ngx_http_notify_hops_mac(ngx_http_notify_hops_t *hops,
    ngx_uint_t n, u_char *head, u_char *mac);


ngx_http_notify_hops_t *
ngx_http_notify_hops_create(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys)
{
    ngx_http_notify_hops_t  *hops;

    hops = ngx_calloc(sizeof(ngx_http_notify_hops_t), ngx_cycle->log);
    if (hops == NULL) {
        return NULL;
    }

    hops->redis = redis;
    hops->keys = keys;

    if (ngx_http_notify_redis_on_state(redis, ngx_http_notify_hops_state, hops)
        != NGX_OK)
    {
        ngx_free(hops);
        return NULL;
    }

    return hops;
}


void
ngx_http_notify_hops_destroy(ngx_http_notify_hops_t *hops)
{
    if (hops->pool) {
        ngx_destroy_pool(hops->pool);
    }

    ngx_free(hops);
}


/* the key is the one of cursors: made by the first that needs it */

static void
ngx_http_notify_hops_state(ngx_http_notify_redis_t *redis, ngx_uint_t up,
    void *data)
{
    ngx_http_notify_hops_t *hops = data;

    ngx_str_t                   key;
    ngx_http_notify_command_t  *command;
    u_char                      bytes[NGX_HTTP_NOTIFY_HOPS_KEY];

    if (!up || hops->asking) {
        return;
    }

    if (ngx_http_notify_crypto_random(bytes, NGX_HTTP_NOTIFY_HOPS_KEY)
        != NGX_OK)
    {
        return;
    }

    key.data = hops->offered;
    key.len = ngx_hex_dump(hops->offered, bytes, NGX_HTTP_NOTIFY_HOPS_KEY)
              - hops->offered;

    command = ngx_http_notify_command_start(redis, "SET",
                                            ngx_http_notify_hops_answer, hops);

    ngx_http_notify_command_key(command, hops->keys, "key");
    ngx_http_notify_command_arg(command, &key);
    ngx_http_notify_command_text(command, "NX");
    ngx_http_notify_command_text(command, "GET");

    if (ngx_http_notify_redis_send(command) == NGX_OK) {
        hops->asking = 1;
    }
}


static void
ngx_http_notify_hops_answer(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_hops_t *hops = data;

    ngx_str_t  key;

    hops->asking = 0;

    /* without an answer the key that is known stays */

    if (resp == NULL) {
        return;
    }

    if (resp->type == NGX_HTTP_NOTIFY_RESP_NIL) {
        key.data = hops->offered;
        key.len = sizeof(hops->offered);
        ngx_http_notify_hops_keep(hops, &key);

    } else if (resp->type == NGX_HTTP_NOTIFY_RESP_STRING) {
        ngx_http_notify_hops_keep(hops, &resp->str);
    }
}


static void
ngx_http_notify_hops_keep(ngx_http_notify_hops_t *hops, const ngx_str_t *key)
{
    ngx_str_t                       copy;
    ngx_pool_t                     *pool;
    ngx_http_notify_crypto_hmac_t  *hmac;

    if (hops->hmac
        && ngx_http_notify_text_equal(&hops->key, key))
    {
        return;
    }

    pool = ngx_create_pool(512, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    copy.len = key->len;
    copy.data = ngx_pstrdup(pool, (ngx_str_t *) key);

    hmac = copy.data
           ? ngx_http_notify_crypto_hmac_create(pool,
                                         NGX_HTTP_NOTIFY_CRYPTO_SHA256, &copy)
           : NULL;

    if (hmac == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    if (hops->pool) {
        ngx_destroy_pool(hops->pool);
    }

    hops->pool = pool;
    hops->hmac = hmac;
    hops->key = copy;
}


u_char *
ngx_http_notify_hops_print(ngx_http_notify_hops_t *hops, u_char *p,
    ngx_uint_t n, const ngx_str_t *tenant)
{
    u_char     *last, bytes[NGX_HTTP_NOTIFY_HOPS_BYTES];
    ngx_str_t   in, out;

    p = ngx_sprintf(p, "%ui", n);

    if (hops == NULL || hops->hmac == NULL) {
        return p;
    }

    last = ngx_http_notify_hops_number(bytes, (uint32_t) ngx_time());
    last = ngx_http_notify_hops_number(last,
                             ngx_murmur_hash2(tenant->data, tenant->len));

    if (ngx_http_notify_hops_mac(hops, n, bytes, last) != NGX_OK) {
        return p;
    }

    *p++ = ';';

    in.data = bytes;
    in.len = NGX_HTTP_NOTIFY_HOPS_BYTES;
    out.data = p;

    ngx_encode_base64url(&out, &in);

    return p + out.len;
}


ngx_int_t
ngx_http_notify_hops_check(ngx_http_notify_hops_t *hops, ngx_uint_t n,
    const ngx_str_t *signature, const ngx_str_t *tenant, ngx_uint_t *same)
{
    int64_t    age;
    ngx_str_t  in, out, want, got;
    u_char     bytes[NGX_HTTP_NOTIFY_HOPS_BYTES];
    u_char     mac[NGX_HTTP_NOTIFY_HOPS_MAC];
    u_char     number[NGX_HTTP_NOTIFY_HOPS_HEAD / 2];

    if (hops == NULL || hops->hmac == NULL
        || signature->len != NGX_HTTP_NOTIFY_HOPS_SIGNATURE)
    {
        return NGX_DECLINED;
    }

    in = *signature;
    out.data = bytes;

    if (ngx_decode_base64url(&out, &in) != NGX_OK
        || out.len != NGX_HTTP_NOTIFY_HOPS_BYTES)
    {
        return NGX_DECLINED;
    }

    age = (int64_t) ngx_time() - (((uint32_t) bytes[0] << 24)
                                  | (bytes[1] << 16)
                                  | (bytes[2] << 8)
                                  | bytes[3]);

    want.data = mac;
    want.len = NGX_HTTP_NOTIFY_HOPS_MAC;
    got.data = bytes + NGX_HTTP_NOTIFY_HOPS_HEAD;
    got.len = NGX_HTTP_NOTIFY_HOPS_MAC;

    if (age > NGX_HTTP_NOTIFY_HOPS_OLD || age < -NGX_HTTP_NOTIFY_HOPS_AHEAD
        || ngx_http_notify_hops_mac(hops, n, bytes, mac) != NGX_OK
        || !ngx_http_notify_crypto_equal(&want, &got))
    {
        return NGX_DECLINED;
    }

    (void) ngx_http_notify_hops_number(number,
                             ngx_murmur_hash2(tenant->data, tenant->len));

    *same = (ngx_memcmp(number, bytes + sizeof(number), sizeof(number)) == 0);

    return NGX_OK;
}


static u_char *
ngx_http_notify_hops_number(u_char *p, uint32_t n)
{
    *p++ = (u_char) (n >> 24);
    *p++ = (u_char) (n >> 16);
    *p++ = (u_char) (n >> 8);
    *p++ = (u_char) n;

    return p;
}


static ngx_int_t
ngx_http_notify_hops_mac(ngx_http_notify_hops_t *hops, ngx_uint_t n,
    u_char *head, u_char *mac)
{
    ngx_str_t  parts[2];
    u_char     text[sizeof("hops ;") + NGX_INT_T_LEN];
    u_char     digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];

    /* the same key signs cursors */

    parts[0].data = text;
    parts[0].len = ngx_sprintf(text, "hops %ui;", n) - text;
    parts[1].data = head;
    parts[1].len = NGX_HTTP_NOTIFY_HOPS_HEAD;

    if (ngx_http_notify_crypto_hmac(hops->hmac, parts, 2, digest) == 0) {
        return NGX_ERROR;
    }

    ngx_memcpy(mac, digest, NGX_HTTP_NOTIFY_HOPS_MAC);

    return NGX_OK;
}
