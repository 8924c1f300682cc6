/*
 * The secret of a subscription: whether it fits what signs with it, and its
 * public key.
 * Must not know how it is stored beyond the document.
 */

#include "ngx_http_notify_sign.h"
#include "ngx_http_notify_subscription_form.h"


static ngx_http_notify_json_t *ngx_http_notify_subscription_secret_first(
    const ngx_http_notify_json_t *document);
static ngx_int_t ngx_http_notify_subscription_secret_new(
    ngx_http_notify_subscription_form_t *form, ngx_uint_t standard);
static ngx_int_t ngx_http_notify_subscription_secret_kept(
    ngx_http_notify_subscription_form_t *form, ngx_uint_t standard,
    ngx_uint_t token);


static const ngx_str_t  ngx_http_notify_subscription_secret_name =
    ngx_string("secret");
static const ngx_str_t  ngx_http_notify_subscription_secret_signature =
    ngx_string("signature");


ngx_int_t
ngx_http_notify_subscription_secret_check(
    ngx_http_notify_subscription_form_t *form)
{
    ngx_int_t    rc;
    ngx_str_t    secret;
    ngx_uint_t   standard, token;
    const char  *reason;

    token = ngx_http_notify_subscription_secret_token(form->document);

    standard = ngx_http_notify_subscription_secret_standard(form->channel,
                                                            form->document);

    if (form->secret.len) {

        if (ngx_http_notify_sign_secret_check(&form->secret, standard, token,
                                              &reason)
            != NGX_OK)
        {
            ngx_http_notify_invalid_add(form->invalid,
                                   &ngx_http_notify_subscription_secret_name,
                                   "cannot be used: %s", reason);
            return NGX_OK;
        }

        rc = ngx_http_notify_subscription_document_secret(form->pool,
                                                      form->document,
                                                      &form->secret, standard,
                                                      0, 0);

    } else if (ngx_http_notify_json_get(form->document, "secrets") == NULL) {
        rc = ngx_http_notify_subscription_secret_new(form, standard);

    } else {
        rc = ngx_http_notify_subscription_secret_kept(form, standard, token);
    }

    if (rc != NGX_OK || form->signature.len == 0) {
        return rc;
    }

    secret = ngx_http_notify_subscription_secret(form->document);

    if ((form->signature.data[0] == 'e')
        != ngx_http_notify_sign_secret_ed25519(&secret))
    {
        ngx_http_notify_invalid_add(form->invalid,
                              &ngx_http_notify_subscription_secret_signature,
                              "is not what the secret is for; give a "
                              "\"secret\" of that kind");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_subscription_secret_new(
    ngx_http_notify_subscription_form_t *form, ngx_uint_t standard)
{
    ngx_str_t   secret;
    ngx_uint_t  ed25519;

    ed25519 = form->signature.len && form->signature.data[0] == 'e';

    if (ed25519 && !standard) {
        ngx_http_notify_invalid_add(form->invalid,
                              &ngx_http_notify_subscription_secret_signature,
                              "cannot be \"ed25519\", the profile does not "
                              "sign by Standard Webhooks");
    }

    if (ngx_http_notify_sign_secret(form->pool, ed25519, &secret) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_notify_subscription_document_secret(form->pool,
                                                    form->document, &secret,
                                                    standard, 0, 0);
}


/*
 * It was checked for the profile and the mode that it was given with; what an
 * earlier version took is left as it is.
 */

static ngx_int_t
ngx_http_notify_subscription_secret_kept(
    ngx_http_notify_subscription_form_t *form, ngx_uint_t standard,
    ngx_uint_t token)
{
    ngx_str_t                secret;
    const char              *reason;
    ngx_http_notify_json_t  *first, *checked;

    first = ngx_http_notify_subscription_secret_first(form->document);
    checked = ngx_http_notify_json_get(first, "standard");

    if (checked == NULL) {
        return NGX_OK;
    }

    secret = ngx_http_notify_subscription_secret(form->document);

    if (ngx_http_notify_sign_secret_check(&secret, standard, token, &reason)
        != NGX_OK)
    {
        ngx_http_notify_invalid_add(form->invalid,
                                   &ngx_http_notify_subscription_secret_name,
                                   "must be a new one: %s", reason);
        return NGX_OK;
    }

    return standard ? ngx_http_notify_json_set_bool(first, "standard", 1)
                    : NGX_OK;
}


static ngx_http_notify_json_t *
ngx_http_notify_subscription_secret_first(
    const ngx_http_notify_json_t *document)
{
    return ngx_http_notify_json_at(ngx_http_notify_json_get(document,
                                                            "secrets"), 0);
}


ngx_str_t
ngx_http_notify_subscription_secret(const ngx_http_notify_json_t *document)
{
    return ngx_http_notify_json_get_string(
               ngx_http_notify_subscription_secret_first(document), "text");
}


ngx_uint_t
ngx_http_notify_subscription_secret_token(
    const ngx_http_notify_json_t *document)
{
    ngx_str_t  mode;

    mode = ngx_http_notify_json_get_string(document, "mode");

    return mode.len && mode.data[0] == 'i';
}


ngx_uint_t
ngx_http_notify_subscription_secret_standard(
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document)
{
    ngx_str_t                   name;
    ngx_http_notify_profile_t  *profile;

    name = ngx_http_notify_json_get_string(document, "profile");
    profile = ngx_http_notify_channel_profile(channel, &name);

    return profile && ngx_http_notify_sign_standard_used(&profile->call.sign);
}


void
ngx_http_notify_subscription_secret_public(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document)
{
    ngx_int_t  rc;
    ngx_str_t  secret, public;

    if (!ngx_http_notify_subscription_secret_standard(channel, document)) {
        return;
    }

    secret = ngx_http_notify_subscription_secret(document);

    rc = ngx_http_notify_sign_secret_public(w->pool, &secret, &public);

    if (rc == NGX_OK) {
        ngx_http_notify_json_write_string(w, "publicKey", &public);

    } else if (rc != NGX_DECLINED) {
        w->failed = 1;
    }
}
