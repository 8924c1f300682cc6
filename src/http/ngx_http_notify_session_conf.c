/*
 * The arguments of notify_session.  Run while the configuration is read.
 * Must not know what a session is for.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_module.h"
#include "ngx_http_notify_session.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SESSION_NAME   64           /* bytes */
#define NGX_HTTP_NOTIFY_SESSION_DAY    86400000     /* ms */
#define NGX_HTTP_NOTIFY_SESSION_HOUR   3600000
#define NGX_HTTP_NOTIFY_SESSION_YEAR   (366 * 86400)    /* s */


static ngx_http_notify_session_conf_t *ngx_http_notify_session_conf_create(
    ngx_conf_t *cf);
static char *ngx_http_notify_session_conf_arg(ngx_conf_t *cf, void *conf,
    const ngx_str_t *name, ngx_str_t *value);
static char *ngx_http_notify_session_conf_times(
    ngx_http_notify_session_conf_t *session, const ngx_str_t *name,
    ngx_str_t *value);
static char *ngx_http_notify_session_conf_msec(ngx_str_t *value,
    ngx_msec_t *msec, ngx_int_t min, ngx_int_t max, char *wrong);
static char *ngx_http_notify_session_conf_param(ngx_conf_t *cf,
    ngx_http_notify_session_conf_t *session, const ngx_str_t *name,
    ngx_str_t *value);


/* all others are values to keep */
static const struct {
    const char   *name;
    size_t        offset;
} ngx_http_notify_session_conf_values[] = {
    { "id", offsetof(ngx_http_notify_session_conf_t, id) },
    { "if", offsetof(ngx_http_notify_session_conf_t, condition) },
    { "tenant", offsetof(ngx_http_notify_session_conf_t, tenant) },
    { "subscription", offsetof(ngx_http_notify_session_conf_t, subscription) },
    { NULL, 0 }
};

/* what an answer of the resource says by itself */

static const char  *ngx_http_notify_session_conf_ours[] = {
    "connected", "connectedUntil", "registered", NULL
};


/* notify_session CHANNEL id=VALUE [presence] [commit] [NAME=VALUE]... */

char *
ngx_http_notify_session_conf_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_session_loc_conf_t *slcf = conf;

    ngx_str_t                            *args;
    ngx_http_notify_session_conf_t       *session;
    ngx_http_notify_session_main_conf_t  *smcf;

    if (slcf->session != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    args = cf->args->elts;

    session = ngx_http_notify_session_conf_create(cf);
    if (session == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_args(cf, 2, ngx_http_notify_session_conf_arg, session)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (session->id == NULL) {
        return "needs \"id=\"";
    }

    if (session->optional && session->tenant == NULL) {
        return "has \"optional\" without \"tenant=\"";
    }

    if (!session->presence && (session->grace != NGX_CONF_UNSET_MSEC
                               || session->lease != NGX_CONF_UNSET_MSEC))
    {
        return "has \"grace=\" or \"lease=\" without \"presence\"";
    }

    ngx_conf_init_msec_value(session->grace, 30000);
    ngx_conf_init_msec_value(session->lease, 30000);

    smcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_notify_session_module);
    smcf->used = 1;
    smcf->presence |= session->presence;

    slcf->session = session;

    return ngx_http_notify_module_channel(cf, &args[1], &session->channel);
}


static ngx_http_notify_session_conf_t *
ngx_http_notify_session_conf_create(ngx_conf_t *cf)
{
    ngx_http_notify_session_conf_t  *session;

    session = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_session_conf_t));

    if (session == NULL
        || ngx_array_init(&session->params, cf->pool, 8,
                          sizeof(ngx_http_notify_session_param_t))
           != NGX_OK)
    {
        return NULL;
    }

    session->grace = NGX_CONF_UNSET_MSEC;
    session->lease = NGX_CONF_UNSET_MSEC;

    return session;
}


static char *
ngx_http_notify_session_conf_arg(ngx_conf_t *cf, void *conf,
    const ngx_str_t *name, ngx_str_t *value)
{
    ngx_http_notify_session_conf_t *session = conf;

    ngx_uint_t                  i;
    ngx_http_complex_value_t  **place;

    if (value->data == NULL) {

        if (ngx_http_notify_text_is(name, "presence")) {
            session->presence = 1;
            return NGX_CONF_OK;
        }

        if (ngx_http_notify_text_is(name, "commit")) {
            session->commit = 1;
            return NGX_CONF_OK;
        }

        if (ngx_http_notify_text_is(name, "optional")) {
            session->optional = 1;
            return NGX_CONF_OK;
        }

        return "";
    }

    if (ngx_http_notify_text_is(name, "grace")
        || ngx_http_notify_text_is(name, "lease")
        || ngx_http_notify_text_is(name, "ttl"))
    {
        return ngx_http_notify_session_conf_times(session, name, value);
    }

    if (value->len == 0 && ngx_http_notify_text_is(name, "id")) {
        return ", nobody could be registered by it";
    }

    /* the configuration itself says that it is the default tenant */

    if (value->len == 0 && ngx_http_notify_text_is(name, "tenant")) {
        session->optional = 1;
    }

    for (i = 0; ngx_http_notify_session_conf_values[i].name; i++) {

        if (!ngx_http_notify_text_is(name,
                                 ngx_http_notify_session_conf_values[i].name))
        {
            continue;
        }

        place = (ngx_http_complex_value_t **)
                    ((u_char *) session
                     + ngx_http_notify_session_conf_values[i].offset);

        return ngx_http_notify_args_value(cf, value, place);
    }

    return ngx_http_notify_session_conf_param(cf, session, name, value);
}


static char *
ngx_http_notify_session_conf_times(ngx_http_notify_session_conf_t *session,
    const ngx_str_t *name, ngx_str_t *value)
{
    if (ngx_http_notify_text_is(name, "grace")) {
        return ngx_http_notify_session_conf_msec(value, &session->grace, 0,
                                    NGX_HTTP_NOTIFY_SESSION_DAY,
                                    ", it must be a time of 0 to 1d");
    }

    if (ngx_http_notify_text_is(name, "lease")) {
        return ngx_http_notify_session_conf_msec(value, &session->lease, 1000,
                                    NGX_HTTP_NOTIFY_SESSION_HOUR,
                                    ", it must be a time of 1s to 1h");
    }

    if (session->ttl) {
        return ", it is given twice";
    }

    session->ttl = ngx_parse_time(value, 1);

    if (session->ttl < 1 || session->ttl > NGX_HTTP_NOTIFY_SESSION_YEAR) {
        return ", it must be a time of 1s to 366d";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_session_conf_msec(ngx_str_t *value, ngx_msec_t *msec,
    ngx_int_t min, ngx_int_t max, char *wrong)
{
    ngx_int_t  ms;

    if (*msec != NGX_CONF_UNSET_MSEC) {
        return ", it is given twice";
    }

    ms = ngx_parse_time(value, 0);

    if (ms == NGX_ERROR || ms < min || ms > max) {
        return wrong;
    }

    *msec = (ngx_msec_t) ms;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_session_conf_param(ngx_conf_t *cf,
    ngx_http_notify_session_conf_t *session, const ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_uint_t                        i;
    ngx_http_notify_session_param_t  *param;

    for (i = 0; ngx_http_notify_session_conf_ours[i]; i++) {
        if (ngx_http_notify_text_is(name,
                                    ngx_http_notify_session_conf_ours[i]))
        {
            return ", it is a name of ours";
        }
    }

    if (!ngx_http_notify_channel_chars(name, NGX_HTTP_NOTIFY_SESSION_NAME,
                                       "-"))
    {
        return ", its name must be 1 to 64 characters of [A-Za-z0-9_-]";
    }

    if (session->params.nelts == NGX_HTTP_NOTIFY_SESSION_VALUES) {
        return ", there are more than 32 values";
    }

    if (ngx_http_notify_text_find_array_nocase(name, &session->params)) {
        return ", it is given twice";
    }

    param = ngx_array_push(&session->params);
    if (param == NULL) {
        return NGX_CONF_ERROR;
    }

    param->name = *name;
    param->value = NULL;

    return ngx_http_notify_args_value(cf, value, &param->value);
}
