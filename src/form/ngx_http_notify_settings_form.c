/*
 * From what a client says of settings to changes, and from what is stored to
 * what it sees.  Every error is noted, so that one answer names all.  Knows
 * nothing of requests and Redis.
 */

#include "ngx_http_notify_guard.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_setting.h"
#include "ngx_http_notify_settings_form.h"


#define NGX_HTTP_NOTIFY_SETTINGS_FORM_TEXT  8192


static ngx_int_t ngx_http_notify_settings_form_member(
    ngx_http_notify_settings_form_t *form, const ngx_str_t *name,
    const ngx_http_notify_json_t *value);
static ngx_int_t ngx_http_notify_settings_form_flags(
    ngx_http_notify_settings_form_t *form, const ngx_http_notify_json_t *flags);
static ngx_int_t ngx_http_notify_settings_form_flag(
    ngx_http_notify_settings_form_t *form, const ngx_str_t *name,
    const ngx_http_notify_json_t *value);
static ngx_int_t ngx_http_notify_settings_form_value(
    ngx_http_notify_settings_form_t *form,
    const ngx_http_notify_setting_t *setting, const ngx_str_t *name,
    const ngx_http_notify_json_t *value);
static ngx_int_t ngx_http_notify_settings_form_number(
    ngx_http_notify_settings_form_t *form,
    const ngx_http_notify_setting_t *setting, const ngx_str_t *name,
    const ngx_http_notify_json_t *value, ngx_str_t *json);
static ngx_int_t ngx_http_notify_settings_form_url(
    ngx_http_notify_settings_form_t *form, const ngx_str_t *name,
    const ngx_str_t *text);
static ngx_int_t ngx_http_notify_settings_form_absent(
    ngx_http_notify_settings_form_t *form);
static ngx_uint_t ngx_http_notify_settings_form_given(
    ngx_http_notify_settings_form_t *form, const ngx_str_t *name,
    ngx_uint_t flag);
static ngx_int_t ngx_http_notify_settings_form_change(
    ngx_http_notify_settings_form_t *form, ngx_http_notify_settings_op_e op,
    const ngx_str_t *name, const ngx_str_t *value);
static void ngx_http_notify_settings_form_show_value(
    ngx_http_notify_json_write_t *w, const ngx_http_notify_setting_t *setting,
    const ngx_str_t *text);
static void ngx_http_notify_settings_form_show_flags(
    ngx_http_notify_json_write_t *w, const char *name,
    const ngx_array_t *events, const ngx_str_t *root, const ngx_str_t *own);


ngx_int_t
ngx_http_notify_settings_form(ngx_http_notify_settings_form_t *form,
    const ngx_http_notify_json_t *input)
{
    void                    *cursor;
    ngx_str_t                name;
    ngx_http_notify_json_t  *value;

    if (ngx_array_init(&form->changes, form->pool, 8,
                       sizeof(ngx_http_notify_settings_change_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cursor = NULL;

    for ( ;; ) {
        value = ngx_http_notify_json_member(input, &cursor, &name);

        if (value == NULL) {
            break;
        }

        if (ngx_http_notify_settings_form_member(form, &name, value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (form->replace
        && ngx_http_notify_settings_form_absent(form) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (form->invalid->failed) {
        return NGX_ERROR;
    }

    return ngx_http_notify_invalid_n(form->invalid) ? NGX_DECLINED : NGX_OK;
}


static ngx_int_t
ngx_http_notify_settings_form_member(ngx_http_notify_settings_form_t *form,
    const ngx_str_t *name, const ngx_http_notify_json_t *value)
{
    ngx_int_t                         rc;
    const ngx_http_notify_setting_t  *setting;

    if (ngx_strcasecmp(name->data, (u_char *) "effective") == 0) {

        /* for reading */

        return NGX_OK;
    }

    if (ngx_strcasecmp(name->data, (u_char *) "flags") == 0) {

        if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
            ngx_http_notify_invalid_add(form->invalid, name,
                                        "must be an object of types and "
                                        "booleans");
            return NGX_OK;
        }

        form->invalid->prefix = (ngx_str_t) ngx_string("/flags");

        rc = ngx_http_notify_settings_form_flags(form, value);

        ngx_str_null(&form->invalid->prefix);

        return rc;
    }

    setting = ngx_http_notify_setting_find(form->channel, name);

    if (setting == NULL) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "is not a setting of this channel");
        return NGX_OK;
    }

    if (form->scope) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "is global: it cannot be set for one "
                                    "scope");
        return NGX_OK;
    }

    return ngx_http_notify_settings_form_value(form, setting, name, value);
}


static ngx_int_t
ngx_http_notify_settings_form_flags(ngx_http_notify_settings_form_t *form,
    const ngx_http_notify_json_t *flags)
{
    void                    *cursor;
    ngx_str_t                name;
    ngx_http_notify_json_t  *value;

    cursor = NULL;

    for ( ;; ) {
        value = ngx_http_notify_json_member(flags, &cursor, &name);

        if (value == NULL) {
            return NGX_OK;
        }

        if (ngx_http_notify_settings_form_flag(form, &name, value) != NGX_OK) {
            return NGX_ERROR;
        }
    }
}


static ngx_int_t
ngx_http_notify_settings_form_flag(ngx_http_notify_settings_form_t *form,
    const ngx_str_t *name, const ngx_http_notify_json_t *value)
{
    ngx_str_t                               type;
    ngx_http_notify_settings_op_e           op;
    const ngx_http_notify_channel_event_t  *event;

    event = NULL;

    if (ngx_http_notify_channel_event(form->channel, name, &type, &event)
        != NGX_OK
        || event == NULL)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "is not an event that this channel "
                                    "declares");
        return NGX_OK;
    }

    switch (ngx_http_notify_json_type(value)) {

    case NGX_HTTP_NOTIFY_JSON_TRUE:
        op = NGX_HTTP_NOTIFY_SETTINGS_ON;
        break;

    case NGX_HTTP_NOTIFY_JSON_FALSE:
        op = NGX_HTTP_NOTIFY_SETTINGS_OFF;
        break;

    case NGX_HTTP_NOTIFY_JSON_NULL:
        op = NGX_HTTP_NOTIFY_SETTINGS_INHERIT;
        break;

    default:
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be true, false or null");
        return NGX_OK;
    }

    if (ngx_http_notify_settings_form_given(form, &event->name, 1)) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "is given twice, by an alias too");
        return NGX_OK;
    }

    return ngx_http_notify_settings_form_change(form, op, &event->name, NULL);
}


static ngx_int_t
ngx_http_notify_settings_form_value(ngx_http_notify_settings_form_t *form,
    const ngx_http_notify_setting_t *setting, const ngx_str_t *name,
    const ngx_http_notify_json_t *value)
{
    ngx_int_t                           rc;
    ngx_str_t                           text, json;
    ngx_http_notify_settings_change_t  *change;

    if (ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_NULL) {
        return ngx_http_notify_settings_form_change(form,
                   NGX_HTTP_NOTIFY_SETTINGS_UNSET, &setting->name, NULL);
    }

    if (setting->unit) {
        rc = ngx_http_notify_settings_form_number(form, setting, name, value,
                                                  &json);

    } else {
        /* strings go into headers and bodies; blank is a value, too */

        rc = ngx_http_notify_invalid_string(form->invalid, name, value,
                                         NGX_HTTP_NOTIFY_SETTINGS_FORM_TEXT,
                                         &text);

        if (rc == NGX_OK && setting->target) {
            rc = ngx_http_notify_settings_form_url(form, name, &text);
        }

        if (rc == NGX_OK) {
            rc = ngx_http_notify_json_quote(form->pool, &text, &json);
        }
    }

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_settings_form_change(form,
            NGX_HTTP_NOTIFY_SETTINGS_SET, &setting->name, &json)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    change = form->changes.elts;
    change[form->changes.nelts - 1].secret = setting->secret;

    return NGX_OK;
}


/* NGX_DECLINED, of this and the following two: noted */

static ngx_int_t
ngx_http_notify_settings_form_number(ngx_http_notify_settings_form_t *form,
    const ngx_http_notify_setting_t *setting, const ngx_str_t *name,
    const ngx_http_notify_json_t *value, ngx_str_t *json)
{
    int64_t    n, max;
    ngx_str_t  text;

    /* an event that is kept no longer cannot be tried */

    max = ngx_min(NGX_HTTP_NOTIFY_SETTING_TIME_MAX, form->channel->retention)
          / setting->unit;
    text = ngx_http_notify_json_string(value);

    if ((ngx_http_notify_json_integer(value, &n) != NGX_OK
         && (text.len == 0
             || ngx_http_notify_json_int64(&text, &n) != NGX_OK))
        || n < 0
        || n > max)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be an integer from 0 to %L, events "
                                    "are kept no longer (retention)", max);
        return NGX_DECLINED;
    }

    return ngx_http_notify_memory_printf(form->pool, json, "%L", n);
}


static ngx_int_t
ngx_http_notify_settings_form_url(ngx_http_notify_settings_form_t *form,
    const ngx_str_t *name, const ngx_str_t *text)
{
    ngx_int_t                     rc;
    const char                   *reason;
    ngx_http_notify_profile_t    *profile;
    ngx_http_notify_guard_url_t   url;

    static const ngx_str_t  first = ngx_null_string;

    if (text->len == 0) {
        ngx_http_notify_invalid_add(form->invalid, name, "must not be empty");
        return NGX_DECLINED;
    }

    profile = ngx_http_notify_channel_profile(form->channel, &first);
    reason = NULL;

    rc = ngx_http_notify_guard_url(form->pool, text, &profile->call.guard,
                                   &url, &reason);

    if (rc == NGX_DECLINED) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "is not acceptable: %s",
                                    reason ? reason : "invalid");
    }

    return rc;
}


/*
 * What a PUT does not name is not set any more.  Not so the secrets: nobody
 * can send back what cannot be read.
 */

static ngx_int_t
ngx_http_notify_settings_form_absent(ngx_http_notify_settings_form_t *form)
{
    ngx_uint_t                              i;
    const ngx_http_notify_setting_t        *setting;
    const ngx_http_notify_channel_event_t  *event;

    if (form->channel->settings && !form->scope) {
        setting = form->channel->settings->elts;

        for (i = 0; i < form->channel->settings->nelts; i++) {

            if (!setting[i].secret
                && !ngx_http_notify_settings_form_given(form, &setting[i].name,
                                                        0)
                && ngx_http_notify_settings_form_change(form,
                       NGX_HTTP_NOTIFY_SETTINGS_UNSET, &setting[i].name, NULL)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    if (form->channel->events == NULL) {
        return NGX_OK;
    }

    event = form->channel->events->elts;

    for (i = 0; i < form->channel->events->nelts; i++) {

        if (!ngx_http_notify_settings_form_given(form, &event[i].name, 1)
            && ngx_http_notify_settings_form_change(form,
                   NGX_HTTP_NOTIFY_SETTINGS_INHERIT, &event[i].name, NULL)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* names are those of the declarations: the same data */

static ngx_uint_t
ngx_http_notify_settings_form_given(ngx_http_notify_settings_form_t *form,
    const ngx_str_t *name, ngx_uint_t flag)
{
    ngx_uint_t                          i;
    ngx_http_notify_settings_change_t  *change;

    change = form->changes.elts;

    for (i = 0; i < form->changes.nelts; i++) {
        if (change[i].name.data == name->data
            && (change[i].op >= NGX_HTTP_NOTIFY_SETTINGS_ON) == flag)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_notify_settings_form_change(ngx_http_notify_settings_form_t *form,
    ngx_http_notify_settings_op_e op, const ngx_str_t *name,
    const ngx_str_t *value)
{
    ngx_http_notify_settings_change_t  *change;

    change = ngx_array_push(&form->changes);
    if (change == NULL) {
        return NGX_ERROR;
    }

    change->op = op;
    change->name = *name;
    change->secret = 0;
    ngx_str_null(&change->value);

    if (value) {
        change->value = *value;
    }

    return NGX_OK;
}


void
ngx_http_notify_settings_form_show(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_channel_t *channel, ngx_uint_t scope,
    const ngx_str_t *texts)
{
    ngx_uint_t                        i, nsettings;
    const ngx_str_t                  *root, *own;
    const ngx_http_notify_setting_t  *setting;

    nsettings = channel->settings ? channel->settings->nelts : 0;
    setting = nsettings ? channel->settings->elts : NULL;
    root = texts + nsettings;
    own = root;

    if (scope && channel->events) {
        own += channel->events->nelts;
    }

    ngx_http_notify_json_write_object(w, NULL);

    for (i = 0; !scope && i < nsettings; i++) {
        ngx_http_notify_settings_form_show_value(w, &setting[i], &texts[i]);
    }

    ngx_http_notify_settings_form_show_flags(w, "flags", channel->events,
                                             NULL, own);
    ngx_http_notify_settings_form_show_flags(w, "effective", channel->events,
                                             root, own);

    ngx_http_notify_json_write_end(w);
}


/* the names end with a NUL, as every argument of a directive */

static void
ngx_http_notify_settings_form_show_value(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_setting_t *setting, const ngx_str_t *text)
{
    ngx_str_t    value;
    const char  *name;

    if (setting->secret || text->len == 0) {
        return;
    }

    name = (const char *) setting->name.data;

    if (ngx_http_notify_json_int64(text, NULL) == NGX_OK) {
        ngx_http_notify_json_write_raw(w, name, text);

    } else if (ngx_http_notify_json_text(w->pool, text, &value) == NGX_OK) {
        ngx_http_notify_json_write_string(w, name, &value);

    } else {
        w->failed = 1;
    }
}


/* without the flags at the root: those that are set at the scope */

static void
ngx_http_notify_settings_form_show_flags(ngx_http_notify_json_write_t *w,
    const char *name, const ngx_array_t *events, const ngx_str_t *root,
    const ngx_str_t *own)
{
    ngx_uint_t                              i, on;
    const ngx_http_notify_channel_event_t  *event;

    ngx_http_notify_json_write_object(w, name);

    event = events ? events->elts : NULL;

    for (i = 0; events && i < events->nelts; i++) {

        if (own[i].len) {
            on = (own[i].data[0] == '1');

        } else if (root == NULL) {
            continue;

        } else if (root[i].len) {
            on = (root[i].data[0] == '1');

        } else {
            on = !event[i].off;
        }

        ngx_http_notify_json_write_bool(w, (char *) event[i].name.data, on);
    }

    ngx_http_notify_json_write_end(w);
}
