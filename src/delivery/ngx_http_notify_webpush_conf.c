/*
 * vapid_key, vapid_subject, ttl, urgency, topic of a provider of `type
 * webpush`.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_file.h"
#include "ngx_http_notify_jwt.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_webpush.h"


#define NGX_HTTP_NOTIFY_WEBPUSH_TTL      (28 * 86400)
#define NGX_HTTP_NOTIFY_WEBPUSH_TTL_MAX  (365 * 86400)


static ngx_http_notify_args_cmd_t  ngx_http_notify_webpush_set_key;
static ngx_int_t ngx_http_notify_webpush_public(ngx_conf_t *cf,
    ngx_http_notify_webpush_conf_t *push);
static ngx_http_notify_args_cmd_t  ngx_http_notify_webpush_set_subject;
static ngx_http_notify_args_cmd_t  ngx_http_notify_webpush_set_ttl;
static ngx_http_notify_args_cmd_t  ngx_http_notify_webpush_set_urgency;
static ngx_http_notify_args_cmd_t  ngx_http_notify_webpush_set_topic;
static ngx_http_notify_webpush_conf_t *ngx_http_notify_webpush_conf(
    ngx_conf_t *cf, ngx_http_notify_call_conf_t *ccf);


static ngx_command_t  ngx_http_notify_webpush_commands[] = {

    { ngx_string("vapid_key"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_webpush_set_key,
      ngx_http_notify_block_whole },

    { ngx_string("vapid_subject"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_webpush_set_subject,
      ngx_http_notify_block_whole },

    { ngx_string("ttl"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_webpush_set_ttl,
      ngx_http_notify_block_whole },

    { ngx_string("urgency"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_webpush_set_urgency,
      ngx_http_notify_block_whole },

    { ngx_string("topic"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_webpush_set_topic,
      ngx_http_notify_block_whole },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_webpush_module =
    ngx_http_notify_block_module(ngx_http_notify_webpush_commands);


static char *
ngx_http_notify_webpush_set_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t                       *value, text;
    const char                      *reason;
    ngx_http_notify_webpush_conf_t  *push;

    push = ngx_http_notify_webpush_conf(cf, conf);
    if (push == NULL) {
        return NGX_CONF_ERROR;
    }

    if (push->key) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_notify_file_secret(cf, &value[1], &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    push->key = ngx_http_notify_crypto_key_pem(cf->pool, &text,
                                               NGX_HTTP_NOTIFY_CRYPTO_ES256,
                                               &reason);

    ngx_http_notify_file_wipe(&text);

    if (push->key == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "key \"%V\" of \"vapid_key\" cannot be used: %s",
                           &value[1], reason);
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_webpush_public(cf, push) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* the point, from the two numbers of a JWK */

static ngx_int_t
ngx_http_notify_webpush_public(ngx_conf_t *cf,
    ngx_http_notify_webpush_conf_t *push)
{
    u_char      point[NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT + 8], *p;
    ngx_str_t   jwk, value, raw;
    ngx_uint_t  i;

    static const ngx_str_t  members[] = { ngx_string("x"), ngx_string("y") };

    if (ngx_http_notify_crypto_jwk(push->key, cf->pool, &jwk) != NGX_OK) {
        return NGX_ERROR;
    }

    p = point;
    *p++ = 4;

    for (i = 0; i < 2; i++) {

        if (ngx_http_notify_json_find(cf->pool, &jwk, &members[i], &value)
            != NGX_OK
            || ngx_http_notify_json_text(cf->pool, &value, &value) != NGX_OK)
        {
            return NGX_ERROR;
        }

        raw.data = p;

        if (value.len != 43
            || ngx_decode_base64url(&raw, &value) != NGX_OK || raw.len != 32)
        {
            return NGX_ERROR;
        }

        p += 32;
    }

    raw.data = point;
    raw.len = NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT;

    push->public.data = ngx_pnalloc(cf->pool,
                                    ngx_base64_encoded_length(raw.len));
    if (push->public.data == NULL) {
        return NGX_ERROR;
    }

    ngx_encode_base64url(&push->public, &raw);

    return NGX_OK;
}


static char *
ngx_http_notify_webpush_set_subject(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t                       *value;
    ngx_http_notify_webpush_conf_t  *push;

    push = ngx_http_notify_webpush_conf(cf, conf);
    if (push == NULL) {
        return NGX_CONF_ERROR;
    }

    if (push->subject.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if ((!ngx_http_notify_text_starts(&value[1], "mailto:")
         && !ngx_http_notify_text_starts(&value[1], "https://"))
        || value[1].len <= sizeof("https://") - 1
        || value[1].len > NGX_HTTP_NOTIFY_WEBPUSH_SUBJECT
        || ngx_http_notify_text_control(&value[1])
        || !ngx_http_notify_text_utf8(&value[1]))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"vapid_subject\" \"%V\", it must be "
                           "\"mailto:ADDRESS\" or \"https://HOST\" of at most "
                           "%d bytes", &value[1],
                           NGX_HTTP_NOTIFY_WEBPUSH_SUBJECT);
        return NGX_CONF_ERROR;
    }

    push->subject = value[1];

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_webpush_set_ttl(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t                       *value;
    ngx_http_notify_webpush_conf_t  *push;

    push = ngx_http_notify_webpush_conf(cf, conf);
    if (push == NULL) {
        return NGX_CONF_ERROR;
    }

    if (push->ttl_given) {
        return "is duplicate";
    }

    value = cf->args->elts;

    push->ttl = ngx_parse_time(&value[1], 1);

    if (push->ttl == (time_t) NGX_ERROR
        || push->ttl > NGX_HTTP_NOTIFY_WEBPUSH_TTL_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"ttl\" \"%V\", it must be a time of 0 to "
                           "365d", &value[1]);
        return NGX_CONF_ERROR;
    }

    push->ttl_given = 1;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_webpush_set_urgency(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t                       *value;
    ngx_http_notify_webpush_conf_t  *push;

    static const ngx_str_t  words[] = {
        ngx_string("very-low"),
        ngx_string("low"),
        ngx_string("normal"),
        ngx_string("high")
    };

    push = ngx_http_notify_webpush_conf(cf, conf);
    if (push == NULL) {
        return NGX_CONF_ERROR;
    }

    if (push->urgency.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_notify_text_find_in(&value[1], words) == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"urgency\" \"%V\", it must be "
                           "\"very-low\", \"low\", \"normal\" or \"high\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    push->urgency = value[1];

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_webpush_set_topic(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t                       *value;
    const char                      *reason;
    ngx_http_notify_webpush_conf_t  *push;

    push = ngx_http_notify_webpush_conf(cf, conf);
    if (push == NULL) {
        return NGX_CONF_ERROR;
    }

    if (push->topic) {
        return "is duplicate";
    }

    value = cf->args->elts;
    reason = "it must be 1 to 32 characters of A-Z, a-z, 0-9, \"-\" and \"_\"";

    if (ngx_strlchr(value[1].data, value[1].data + value[1].len, '$')
        || ngx_http_notify_webpush_is_topic(&value[1]))
    {
        push->topic = ngx_http_notify_payload_compile(cf, &value[1], &reason);
    }

    if (push->topic == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"topic\" \"%V\", %s", &value[1], reason);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_http_notify_webpush_conf_t *
ngx_http_notify_webpush_conf(ngx_conf_t *cf, ngx_http_notify_call_conf_t *ccf)
{
    if (ccf->webpush == NULL) {
        ccf->webpush = ngx_pcalloc(cf->pool,
                                   sizeof(ngx_http_notify_webpush_conf_t));
    }

    return ccf->webpush;
}


char *
ngx_http_notify_webpush_conf_init(ngx_conf_t *cf,
    ngx_http_notify_webpush_conf_t *conf,
    ngx_http_notify_payload_conf_t *payload)
{
    ngx_str_t   kid;
    ngx_uint_t  i;

    static ngx_str_t  alg = ngx_string("ES256");

    static const ngx_str_t  headers[] = {
        ngx_string("Authorization"),
        ngx_string("Content-Encoding"),
        ngx_string("TTL"),
        ngx_string("Urgency"),
        ngx_string("Topic")
    };

    if (conf == NULL || conf->key == NULL) {
        return "has no \"vapid_key\", which \"type webpush\" needs";
    }

    if (conf->subject.data == NULL) {
        return "has no \"vapid_subject\", which \"type webpush\" needs";
    }

    if (!conf->ttl_given) {
        conf->ttl = NGX_HTTP_NOTIFY_WEBPUSH_TTL;
    }

    if (conf->urgency.data == NULL) {
        ngx_str_set(&conf->urgency, "normal");
    }

    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (ngx_http_notify_payload_reserve(cf, payload, &headers[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    ngx_str_null(&kid);

    conf->tokens = ngx_pcalloc(cf->pool, NGX_HTTP_NOTIFY_WEBPUSH_TOKENS
                                     * sizeof(ngx_http_notify_webpush_token_t));

    if (conf->tokens == NULL
        || ngx_http_notify_jwt_head(cf->pool, &alg, &kid, &conf->head)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
