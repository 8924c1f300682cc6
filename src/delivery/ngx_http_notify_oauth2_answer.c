/*
 * What a token endpoint answered: RFC 6749, 5.1 and 5.2.  Its words go into
 * deliveries and the log, so they are cut and made printable.
 */

#include "ngx_http_notify_json.h"
#include "ngx_http_notify_oauth2.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_tokens.h"


#define NGX_HTTP_NOTIFY_OAUTH2_LIFE   300       /* s, where none is said */
#define NGX_HTTP_NOTIFY_OAUTH2_LONG   (30 * 86400)
#define NGX_HTTP_NOTIFY_OAUTH2_WHY    256
#define NGX_HTTP_NOTIFY_OAUTH2_WORDS  160


static ngx_int_t ngx_http_notify_oauth2_token(ngx_pool_t *pool,
    const ngx_http_notify_json_t *answer, ngx_str_t *text, ngx_msec_t *life);
static const char *ngx_http_notify_oauth2_unusable(const ngx_str_t *token,
    const ngx_http_notify_json_t *type);
static ngx_msec_t ngx_http_notify_oauth2_life(
    const ngx_http_notify_json_t *expires);
static void ngx_http_notify_oauth2_refused(
    const ngx_http_notify_call_result_t *result,
    const ngx_http_notify_json_t *answer, ngx_str_t *text);


ngx_int_t
ngx_http_notify_oauth2_answer(ngx_pool_t *pool,
    const ngx_http_notify_call_result_t *result, ngx_str_t *text,
    ngx_msec_t *life)
{
    u_char                        *p, *last;
    ngx_http_notify_json_t        *answer;
    ngx_http_notify_json_error_t   error;

    answer = NULL;

    if (result->status) {
        answer = ngx_http_notify_json_parse(pool, &result->body, &error);

        if (answer
            && ngx_http_notify_json_type(answer)
               != NGX_HTTP_NOTIFY_JSON_OBJECT)
        {
            answer = NULL;
        }
    }

    if (result->verdict == NGX_HTTP_NOTIFY_CALL_OK && answer) {
        return ngx_http_notify_oauth2_token(pool, answer, text, life);
    }

    text->data = ngx_pnalloc(pool, NGX_HTTP_NOTIFY_OAUTH2_WHY);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    if (result->status) {
        ngx_http_notify_oauth2_refused(result, answer, text);
        return NGX_DECLINED;
    }

    p = text->data;
    last = p + NGX_HTTP_NOTIFY_OAUTH2_WHY;

    p = ngx_slprintf(p, last, "%s", result->error ? result->error
                                                  : "no answer");

    if (result->detail.len) {
        p = ngx_slprintf(p, last, ": ");
        p = ngx_http_notify_text_quote(p, &result->detail,
                           ngx_min(NGX_HTTP_NOTIFY_OAUTH2_WORDS, last - p));
    }

    text->len = p - text->data;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_notify_oauth2_token(ngx_pool_t *pool,
    const ngx_http_notify_json_t *answer, ngx_str_t *text, ngx_msec_t *life)
{
    ngx_str_t    token;
    const char  *reason;

    token = ngx_http_notify_json_get_string(answer, "access_token");

    reason = ngx_http_notify_oauth2_unusable(&token,
                 ngx_http_notify_json_get(answer, "token_type"));

    if (reason) {
        *text = ngx_http_notify_text(reason);
        return NGX_DECLINED;
    }

    *text = token;
    *life = ngx_http_notify_oauth2_life(
                ngx_http_notify_json_get(answer, "expires_in"));

    return NGX_OK;
}


static const char *
ngx_http_notify_oauth2_unusable(const ngx_str_t *token,
    const ngx_http_notify_json_t *type)
{
    size_t     i;
    ngx_str_t  name;

    if (token->len == 0) {
        return "the answer has no \"access_token\"";
    }

    if (token->len > NGX_HTTP_NOTIFY_TOKENS_MAX) {
        return "the access token has more than 8192 bytes";
    }

    for (i = 0; i < token->len; i++) {
        if (token->data[i] <= ' ' || token->data[i] > '~') {
            return "the access token has characters that no header can have";
        }
    }

    name = ngx_http_notify_json_string(type);

    if (name.len && !ngx_http_notify_text_is_nocase(&name, "bearer")) {
        return "the token is of another type than Bearer";
    }

    return NULL;
}


/* a number, or a text as some write it */

static ngx_msec_t
ngx_http_notify_oauth2_life(const ngx_http_notify_json_t *expires)
{
    double     real;
    int64_t    seconds;
    ngx_str_t  text;

    if (expires == NULL) {
        return NGX_HTTP_NOTIFY_OAUTH2_LIFE * 1000;
    }

    text = ngx_http_notify_json_string(expires);

    if (text.len) {
        if (ngx_http_notify_json_int64(&text, &seconds) != NGX_OK) {
            return NGX_HTTP_NOTIFY_OAUTH2_LIFE * 1000;
        }

    } else if (ngx_http_notify_json_real(expires, &real) == NGX_OK) {
        seconds = (int64_t) ngx_min(ngx_max(real, 0),
                                    NGX_HTTP_NOTIFY_OAUTH2_LONG);

    } else {
        return NGX_HTTP_NOTIFY_OAUTH2_LIFE * 1000;
    }

    seconds = ngx_max(seconds, 0);
    seconds = ngx_min(seconds, NGX_HTTP_NOTIFY_OAUTH2_LONG);

    return (ngx_msec_t) seconds * 1000;
}


static void
ngx_http_notify_oauth2_refused(const ngx_http_notify_call_result_t *result,
    const ngx_http_notify_json_t *answer, ngx_str_t *text)
{
    u_char     *p, *last;
    ngx_str_t   error, description;

    p = text->data;
    last = p + NGX_HTTP_NOTIFY_OAUTH2_WHY;

    if (result->verdict == NGX_HTTP_NOTIFY_CALL_OK) {
        text->len = ngx_slprintf(p, last, "the answer is not a JSON object")
                    - p;
        return;
    }

    p = ngx_slprintf(p, last, "status %ui", result->status);

    ngx_str_null(&error);
    ngx_str_null(&description);

    if (answer) {
        error = ngx_http_notify_json_get_string(answer, "error");
        description = ngx_http_notify_json_get_string(answer,
                                                      "error_description");
    }

    if (error.len) {
        p = ngx_slprintf(p, last, ", ");
        p = ngx_http_notify_text_quote(p, &error, 64);
    }

    if (description.len) {
        p = ngx_slprintf(p, last, ": ");
        p = ngx_http_notify_text_quote(p, &description,
                           ngx_min(NGX_HTTP_NOTIFY_OAUTH2_WORDS, last - p));
    }

    text->len = p - text->data;
}
