/*
 * What is secret in Redis: the members of a subscription's document that no
 * client ever reads back, encrypted into one, and the secret settings.  Knows
 * nothing of who writes or reads them.
 *
 * A sealed value is "v2:KEY:BYTES": KEY is the first 8 hex digits of the key's
 * SHA-256, BYTES is base64url of nonce (12), AES-256-GCM ciphertext and tag
 * (16).  Additional data: the prefix of the channel's keys (those of its
 * first partition), NUL, and a name: of
 * a document its id, of a setting "target:NAME".  In "v1:", which is read only,
 * it was the name.
 */

#ifndef _NGX_HTTP_NOTIFY_SEAL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SEAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_keys.h"


#define NGX_HTTP_NOTIFY_SEAL_ID  8


typedef struct {
    u_char       bytes[NGX_HTTP_NOTIFY_CRYPTO_KEY];
    u_char       id[NGX_HTTP_NOTIFY_SEAL_ID];
} ngx_http_notify_seal_key_t;

/* read-only after start; the first one encrypts */
typedef struct {
    ngx_uint_t                   n;
    ngx_http_notify_seal_key_t   keys[2];
} ngx_http_notify_seal_conf_t;


/*
 * The setter of notify_secret_key; an ngx_http_notify_seal_conf_t, zeroed, lies
 * at cmd->offset in conf.
 */
char *ngx_http_notify_seal_conf_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* the worker's keys, borrowed; n 0: nothing is encrypted, nor decrypted */
void ngx_http_notify_seal_use(const ngx_http_notify_seal_conf_t *conf);

/*
 * The document as it is stored: its secrets, apiKey and headers are one member,
 * "sealed".  Without keys it is the text of the document as it is.
 */
ngx_int_t ngx_http_notify_seal_document(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_http_notify_json_t *document,
    ngx_str_t *text);
/*
 * The reverse, in place; what was never sealed stays as it is.  Where nothing
 * can be read the document has a member "unreadable" that says why, and the
 * sealed one as it was.  NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_seal_open(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, ngx_http_notify_json_t *document);
/* NULL: it was read */
const char *ngx_http_notify_seal_reason(const ngx_http_notify_json_t *document);

/*
 * Any text that may have secrets: as it is, where there are no keys.  Reading
 * NGX_DECLINED: its key is gone, or it was changed.
 */
ngx_int_t ngx_http_notify_seal_wrap(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *name,
    const ngx_str_t *plain, ngx_str_t *text);
ngx_int_t ngx_http_notify_seal_unwrap(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *name,
    const ngx_str_t *text, ngx_str_t *plain);

/* the JSON text of a setting, as it is stored */
ngx_int_t ngx_http_notify_seal_setting(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *name,
    const ngx_str_t *value, ngx_str_t *sealed);


#endif /* _NGX_HTTP_NOTIFY_SEAL_H_INCLUDED_ */
