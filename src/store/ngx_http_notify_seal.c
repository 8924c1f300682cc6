/*
 * Sealing and opening the secrets of documents and settings.  One static state
 * a worker: whose keys they are.  What is opened lives in the pool given.
 * Must not know subscriptions beyond the names of their secret members.
 */

#include "ngx_http_notify_seal.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SEAL_PREFIX  "v2:"
/* "v2:", the key's id, ":" */
#define NGX_HTTP_NOTIFY_SEAL_HEAD                                             \
    (sizeof(NGX_HTTP_NOTIFY_SEAL_PREFIX) - 1 + NGX_HTTP_NOTIFY_SEAL_ID + 1)


static ngx_int_t ngx_http_notify_seal_text(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *name,
    const ngx_str_t *plain, ngx_str_t *text);
static ngx_int_t ngx_http_notify_seal_read(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *name,
    const ngx_str_t *text, ngx_str_t *plain, const char **reason);
static ngx_int_t ngx_http_notify_seal_aad(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *name,
    ngx_str_t *aad);
static ngx_uint_t ngx_http_notify_seal_version(const ngx_str_t *text);
static const ngx_http_notify_seal_key_t *ngx_http_notify_seal_key(
    const ngx_str_t *text);
static ngx_int_t ngx_http_notify_seal_open_members(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, ngx_http_notify_json_t *document,
    const char **reason);
static ngx_int_t ngx_http_notify_seal_open_settings(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, ngx_http_notify_json_t *document,
    const char **reason);
static ngx_int_t ngx_http_notify_seal_setting_name(ngx_pool_t *pool,
    const ngx_str_t *name, ngx_str_t *text);


static const ngx_http_notify_seal_conf_t  *ngx_http_notify_seal_keys;

/* a client never reads these back */
static const char  *ngx_http_notify_seal_members[] = {
    "secrets", "apiKey", "headers", "tls", "oauth2", NULL
};


void
ngx_http_notify_seal_use(const ngx_http_notify_seal_conf_t *conf)
{
    ngx_http_notify_seal_keys = conf;
}


ngx_int_t
ngx_http_notify_seal_document(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_http_notify_json_t *document,
    ngx_str_t *text)
{
    ngx_str_t                id, plain, sealed;
    const char             **name;
    ngx_http_notify_json_t  *copy, *secret, *value;

    if (ngx_http_notify_seal_keys == NULL || ngx_http_notify_seal_keys->n == 0)
    {
        return ngx_http_notify_json_dump(pool, document, 0, text);
    }

    copy = ngx_http_notify_json_copy(pool, document);
    secret = ngx_http_notify_json_new_object(pool);

    if (copy == NULL || secret == NULL) {
        return NGX_ERROR;
    }

    for (name = ngx_http_notify_seal_members; *name; name++) {

        value = ngx_http_notify_json_get(document, *name);
        if (value == NULL) {
            continue;
        }

        value = ngx_http_notify_json_copy(pool, value);

        if (value == NULL
            || ngx_http_notify_json_set(secret, *name, value) != NGX_OK
            || ngx_http_notify_json_remove(copy, *name) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    id = ngx_http_notify_json_get_string(copy, "id");

    if (ngx_http_notify_json_dump(pool, secret, 0, &plain) != NGX_OK
        || ngx_http_notify_seal_text(pool, keys, &id, &plain, &sealed)
           != NGX_OK
        || ngx_http_notify_json_set_string(copy, "sealed", &sealed) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_json_dump(pool, copy, 0, text);
}


ngx_int_t
ngx_http_notify_seal_setting(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *name,
    const ngx_str_t *value, ngx_str_t *sealed)
{
    ngx_str_t   whose, text;

    if (ngx_http_notify_seal_keys == NULL || ngx_http_notify_seal_keys->n == 0)
    {
        *sealed = *value;
        return NGX_OK;
    }

    if (ngx_http_notify_seal_setting_name(pool, name, &whose) != NGX_OK
        || ngx_http_notify_seal_text(pool, keys, &whose, value, &text)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* an object, which no setting is otherwise */

    return ngx_http_notify_memory_printf(pool, sealed, "{\"sealed\":\"%V\"}",
                                         &text);
}


static ngx_int_t
ngx_http_notify_seal_setting_name(ngx_pool_t *pool, const ngx_str_t *name,
    ngx_str_t *text)
{
    return ngx_http_notify_memory_printf(pool, text, "target:%V", name);
}


ngx_int_t
ngx_http_notify_seal_wrap(ngx_pool_t *pool, const ngx_http_notify_keys_t *keys,
    const ngx_str_t *name, const ngx_str_t *plain, ngx_str_t *text)
{
    if (ngx_http_notify_seal_keys == NULL || ngx_http_notify_seal_keys->n == 0)
    {
        *text = *plain;
        return NGX_OK;
    }

    return ngx_http_notify_seal_text(pool, keys, name, plain, text);
}


ngx_int_t
ngx_http_notify_seal_unwrap(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *name,
    const ngx_str_t *text, ngx_str_t *plain)
{
    const char  *reason;

    /* JSON does not begin so */

    if (ngx_http_notify_seal_version(text) == 0) {
        *plain = *text;
        return NGX_OK;
    }

    return ngx_http_notify_seal_read(pool, keys, name, text, plain, &reason);
}


static ngx_int_t
ngx_http_notify_seal_text(ngx_pool_t *pool, const ngx_http_notify_keys_t *keys,
    const ngx_str_t *name, const ngx_str_t *plain, ngx_str_t *text)
{
    u_char                            *p;
    ngx_str_t                          aad, bytes, encoded;
    const ngx_http_notify_seal_key_t  *key;

    key = &ngx_http_notify_seal_keys->keys[0];

    if (ngx_http_notify_seal_aad(pool, keys, name, &aad) != NGX_OK
        || ngx_http_notify_crypto_encrypt(pool, key->bytes, &aad, plain,
                                          &bytes)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    text->data = ngx_pnalloc(pool, NGX_HTTP_NOTIFY_SEAL_HEAD
                                   + ngx_base64_encoded_length(bytes.len));
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(text->data, NGX_HTTP_NOTIFY_SEAL_PREFIX,
                   sizeof(NGX_HTTP_NOTIFY_SEAL_PREFIX) - 1);
    p = ngx_cpymem(p, key->id, NGX_HTTP_NOTIFY_SEAL_ID);
    *p++ = ':';

    encoded.data = p;
    ngx_encode_base64url(&encoded, &bytes);

    text->len = NGX_HTTP_NOTIFY_SEAL_HEAD + encoded.len;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_seal_open(ngx_pool_t *pool, const ngx_http_notify_keys_t *keys,
    ngx_http_notify_json_t *document)
{
    ngx_int_t    rc;
    ngx_str_t    text;
    const char  *reason;

    reason = NULL;

    rc = ngx_http_notify_seal_open_members(pool, keys, document, &reason);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_seal_open_settings(pool, keys, document, &reason);
    }

    if (rc != NGX_DECLINED || reason == NULL) {
        return rc;
    }

    text = ngx_http_notify_text(reason);

    return ngx_http_notify_json_set_string(document, "unreadable", &text);
}


const char *
ngx_http_notify_seal_reason(const ngx_http_notify_json_t *document)
{
    ngx_str_t  text;

    text = ngx_http_notify_json_get_string(document, "unreadable");

    /* strings of a document end with a NUL */

    return text.len ? (const char *) text.data : NULL;
}


static ngx_int_t
ngx_http_notify_seal_open_members(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, ngx_http_notify_json_t *document,
    const char **reason)
{
    ngx_int_t                      rc;
    ngx_str_t                      id, text, plain;
    const char                   **name;
    ngx_http_notify_json_t        *sealed, *secret;
    ngx_http_notify_json_error_t   error;

    sealed = ngx_http_notify_json_get(document, "sealed");
    if (sealed == NULL) {
        return NGX_OK;
    }

    text = ngx_http_notify_json_string(sealed);
    id = ngx_http_notify_json_get_string(document, "id");

    /* what stands beside it was not written by us, readable or not */

    for (name = ngx_http_notify_seal_members; *name; name++) {
        if (ngx_http_notify_json_remove(document, *name) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    rc = ngx_http_notify_seal_read(pool, keys, &id, &text, &plain, reason);
    if (rc != NGX_OK) {
        return rc;
    }

    secret = ngx_http_notify_json_parse(pool, &plain, &error);

    if (secret == NULL
        || ngx_http_notify_json_merge(document, secret) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_json_remove(document, "sealed");
}


static ngx_int_t
ngx_http_notify_seal_open_settings(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, ngx_http_notify_json_t *document,
    const char **reason)
{
    void                          *cursor;
    ngx_int_t                      rc;
    ngx_str_t                      name, whose, text, plain;
    ngx_http_notify_json_t        *settings, *value, *opened;
    ngx_http_notify_json_error_t   error;

    settings = ngx_http_notify_json_get(document, "settings");
    if (settings == NULL) {
        return NGX_OK;
    }

    opened = ngx_http_notify_json_new_object(pool);
    if (opened == NULL) {
        return NGX_ERROR;
    }

    cursor = NULL;

    for ( ;; ) {
        value = ngx_http_notify_json_member(settings, &cursor, &name);

        if (value == NULL) {
            break;
        }

        if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
            continue;
        }

        text = ngx_http_notify_json_get_string(value, "sealed");

        if (ngx_http_notify_seal_setting_name(pool, &name, &whose) != NGX_OK) {
            return NGX_ERROR;
        }

        rc = ngx_http_notify_seal_read(pool, keys, &whose, &text, &plain,
                                       reason);
        if (rc != NGX_OK) {
            return rc;
        }

        value = ngx_http_notify_json_parse(pool, &plain, &error);

        if (value == NULL
            || ngx_http_notify_json_set(opened, (char *) name.data, value)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_notify_json_merge(settings, opened);
}


/* NGX_DECLINED: *reason */

static ngx_int_t
ngx_http_notify_seal_read(ngx_pool_t *pool, const ngx_http_notify_keys_t *keys,
    const ngx_str_t *name, const ngx_str_t *text, ngx_str_t *plain,
    const char **reason)
{
    ngx_int_t                          rc;
    ngx_str_t                          aad, encoded, bytes;
    ngx_uint_t                         version;
    const ngx_http_notify_seal_key_t  *key;

    if (ngx_http_notify_seal_keys == NULL || ngx_http_notify_seal_keys->n == 0)
    {
        *reason = "its secrets are encrypted and there is no "
                  "notify_secret_key";
        return NGX_DECLINED;
    }

    *reason = "its secrets were changed or belong to another subscription";

    version = ngx_http_notify_seal_version(text);

    if (version == 0 || text->len < NGX_HTTP_NOTIFY_SEAL_HEAD) {
        return NGX_DECLINED;
    }

    key = ngx_http_notify_seal_key(text);

    if (key == NULL) {
        *reason = "its secrets are encrypted with a key that is not in "
                  "notify_secret_key";
        return NGX_DECLINED;
    }

    encoded.data = text->data + NGX_HTTP_NOTIFY_SEAL_HEAD;
    encoded.len = text->len - NGX_HTTP_NOTIFY_SEAL_HEAD;

    bytes.data = ngx_pnalloc(pool, ngx_base64_decoded_length(encoded.len));
    if (bytes.data == NULL) {
        return NGX_ERROR;
    }

    if (ngx_decode_base64url(&bytes, &encoded) != NGX_OK) {
        return NGX_DECLINED;
    }

    aad = *name;

    if (version == 2
        && ngx_http_notify_seal_aad(pool, keys, name, &aad) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_crypto_decrypt(pool, key->bytes, &aad, &bytes, plain);

    if (rc == NGX_OK) {
        *reason = NULL;
    }

    return rc;
}


/* where it lies, which has no NUL, and whose it is there */

static ngx_int_t
ngx_http_notify_seal_aad(ngx_pool_t *pool, const ngx_http_notify_keys_t *keys,
    const ngx_str_t *name, ngx_str_t *aad)
{
    u_char  *p;

    aad->len = keys->first.len + 1 + name->len;

    aad->data = ngx_pnalloc(pool, aad->len);
    if (aad->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(aad->data, keys->first.data, keys->first.len);
    *p++ = '\0';
    ngx_memcpy(p, name->data, name->len);

    return NGX_OK;
}


/* 0: it is not sealed */

static ngx_uint_t
ngx_http_notify_seal_version(const ngx_str_t *text)
{
    if (text->len < sizeof(NGX_HTTP_NOTIFY_SEAL_PREFIX) - 1
        || text->data[0] != 'v' || text->data[2] != ':')
    {
        return 0;
    }

    switch (text->data[1]) {

    case '1':
        return 1;

    case '2':
        return 2;
    }

    return 0;
}


static const ngx_http_notify_seal_key_t *
ngx_http_notify_seal_key(const ngx_str_t *text)
{
    u_char                             *id;
    ngx_uint_t                          i;
    const ngx_http_notify_seal_conf_t  *scf;

    scf = ngx_http_notify_seal_keys;
    id = text->data + sizeof(NGX_HTTP_NOTIFY_SEAL_PREFIX) - 1;

    for (i = 0; i < scf->n; i++) {
        if (ngx_memcmp(scf->keys[i].id, id, NGX_HTTP_NOTIFY_SEAL_ID) == 0) {
            return &scf->keys[i];
        }
    }

    return NULL;
}
