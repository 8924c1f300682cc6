/*
 * The key that a channel's cursors are signed with: made by the first that
 * needs it (SET NX), read again after each new connection to Redis.  A worker
 * keeps what it has read; old ones live on, a request may still hold them.
 */

#include "ngx_http_notify_api_cursor.h"
#include "ngx_http_notify_command.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_CURSOR_KEY  32


typedef struct ngx_http_notify_api_cursor_key_s
    ngx_http_notify_api_cursor_key_t;

struct ngx_http_notify_api_cursor_key_s {
    ngx_http_notify_api_cursor_key_t   *next;
    ngx_pool_t                         *pool;
    ngx_http_notify_channel_t          *channel;
    ngx_uint_t                          generation;
    ngx_str_t                           text;
    ngx_http_notify_crypto_hmac_t      *hmac;
};


typedef struct {
    ngx_uint_t                   generation;
    ngx_str_t                    text;      /* what was offered */
    u_char                       hex[2 * NGX_HTTP_NOTIFY_API_CURSOR_KEY];
    void                       (*ready)(ngx_http_notify_api_t *api,
                                        ngx_http_notify_crypto_hmac_t *key);
} ngx_http_notify_api_cursor_read_t;


static void ngx_http_notify_api_cursor_submit(
    ngx_http_notify_api_t *api, ngx_http_notify_api_cursor_read_t *read);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_cursor_answer;
static ngx_http_notify_api_cursor_key_t *ngx_http_notify_api_cursor_keep(
    ngx_http_notify_channel_t *channel, const ngx_str_t *text,
    ngx_uint_t generation);


static ngx_http_notify_api_cursor_key_t  *ngx_http_notify_api_cursor_keys;


void
ngx_http_notify_api_cursor(ngx_http_notify_api_t *api,
    void (*ready)(ngx_http_notify_api_t *api,
                  ngx_http_notify_crypto_hmac_t *key))
{
    ngx_uint_t                          generation;
    ngx_http_notify_redis_t            *redis;
    ngx_http_notify_api_cursor_key_t   *key;
    ngx_http_notify_api_cursor_read_t  *read;

    redis = api->channel->redis;
    generation = ngx_http_notify_redis_generation(redis);

    for (key = ngx_http_notify_api_cursor_keys; key; key = key->next) {
        if (key->channel == api->channel && generation
            && key->generation == generation)
        {
            ready(api, key->hmac);
            return;
        }
    }

    read = ngx_palloc(api->request->pool,
                      sizeof(ngx_http_notify_api_cursor_read_t));
    if (read == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    read->generation = generation;
    read->ready = ready;

    ngx_http_notify_api_cursor_submit(api, read);
}


static void
ngx_http_notify_api_cursor_submit(ngx_http_notify_api_t *api,
    ngx_http_notify_api_cursor_read_t *read)
{
    ngx_http_notify_command_t  *command;
    u_char                      bytes[NGX_HTTP_NOTIFY_API_CURSOR_KEY];

    if (ngx_http_notify_crypto_random(bytes, NGX_HTTP_NOTIFY_API_CURSOR_KEY)
        != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    read->text.data = read->hex;
    read->text.len = ngx_hex_dump(read->hex, bytes,
                                  NGX_HTTP_NOTIFY_API_CURSOR_KEY)
                     - read->hex;

    api->resume = read;

    command = ngx_http_notify_api_command(api, "SET",
                                          ngx_http_notify_api_cursor_answer);

    ngx_http_notify_command_key(command, &api->channel->keys, "key");
    ngx_http_notify_command_arg(command, &read->text);
    ngx_http_notify_command_text(command, "NX");
    ngx_http_notify_command_text(command, "GET");

    ngx_http_notify_api_command_send(api, command);
}


static void
ngx_http_notify_api_cursor_answer(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_str_t                          *text;
    ngx_http_notify_api_cursor_key_t   *key;
    ngx_http_notify_api_cursor_read_t  *read;

    read = api->resume;
    text = &read->text;

    if (resp->type == NGX_HTTP_NOTIFY_RESP_STRING) {
        text = &resp->str;
    }

    key = ngx_http_notify_api_cursor_keep(api->channel, text,
                                          read->generation);
    if (key == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    read->ready(api, key->hmac);
}


static ngx_http_notify_api_cursor_key_t *
ngx_http_notify_api_cursor_keep(ngx_http_notify_channel_t *channel,
    const ngx_str_t *text, ngx_uint_t generation)
{
    ngx_pool_t                        *pool;
    ngx_http_notify_api_cursor_key_t  *key;

    for (key = ngx_http_notify_api_cursor_keys; key; key = key->next) {

        if (key->channel == channel
            && ngx_http_notify_text_equal(&key->text, text))
        {
            key->generation = generation;
            return key;
        }
    }

    key = ngx_http_notify_memory_pool(&pool, 1024,
                                      sizeof(ngx_http_notify_api_cursor_key_t),
                                      ngx_cycle->log);
    if (key == NULL) {
        return NULL;
    }

    key->pool = pool;
    key->channel = channel;
    key->generation = generation;
    key->text.len = text->len;

    key->text.data = ngx_pstrdup(pool, (ngx_str_t *) text);
    if (key->text.data == NULL) {
        goto failed;
    }

    key->hmac = ngx_http_notify_crypto_hmac_create(pool,
                    NGX_HTTP_NOTIFY_CRYPTO_SHA256, &key->text);
    if (key->hmac == NULL) {
        goto failed;
    }

    key->next = ngx_http_notify_api_cursor_keys;
    ngx_http_notify_api_cursor_keys = key;

    return key;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


void
ngx_http_notify_api_cursor_exit(void)
{
    ngx_http_notify_api_cursor_key_t  *key;

    while (ngx_http_notify_api_cursor_keys) {
        key = ngx_http_notify_api_cursor_keys;
        ngx_http_notify_api_cursor_keys = key->next;

        ngx_destroy_pool(key->pool);
    }
}
