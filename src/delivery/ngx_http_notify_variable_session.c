/*
 * What a session keeps under a name, also under the name that a chat client
 * gives it.
 */

#include "ngx_http_notify_text.h"
#include "ngx_http_notify_variable.h"


static const ngx_str_t *ngx_http_notify_variable_session_other(
    const ngx_str_t *name);


const ngx_keyval_t *
ngx_http_notify_variable_session_kept(const ngx_http_notify_event_t *event,
    const ngx_str_t *name)
{
    ngx_keyval_t     *kept;
    const ngx_str_t  *other;

    kept = ngx_http_notify_text_find_same_name(name, event->kept, event->nkept,
                                               sizeof(ngx_keyval_t));

    if (kept == NULL) {
        other = ngx_http_notify_variable_session_other(name);

        kept = other ? ngx_http_notify_text_find_same_name(other, event->kept,
                                                           event->nkept,
                                                       sizeof(ngx_keyval_t))
                     : NULL;
    }

    return kept;
}


ngx_str_t
ngx_http_notify_variable_session(const ngx_http_notify_event_t *event,
    const ngx_str_t *name)
{
    ngx_str_t            value;
    const ngx_keyval_t  *kept;

    kept = ngx_http_notify_variable_session_kept(event, name);

    if (kept) {
        return kept->value;
    }

    ngx_str_null(&value);

    return value;
}


/* what chat clients send in userData[...] for the same, or NULL */

static const ngx_str_t *
ngx_http_notify_variable_session_other(const ngx_str_t *name)
{
    const ngx_str_t  *found;

    static const ngx_str_t  names[][2] = {
        { ngx_string("push"), ngx_string("GCTI_Chat_PushSubscribe") },
        { ngx_string("provider"), ngx_string("GCTI_GMS_PushProvider") },
        { ngx_string("deviceId"), ngx_string("GCTI_GMS_PushDeviceId") },
        { ngx_string("group"), ngx_string("GCTI_GMS_NodeGroup") },
        { ngx_string("payload"), ngx_string("GCTI_GMS_PushIncludePayload") },
        { ngx_string("debug"), ngx_string("GCTI_GMS_PushDebug") },
        { ngx_string("own"), ngx_string("GCTI_GMS_NotifyRequestor") }
    };

    found = ngx_http_notify_text_find_same_name(name, names,
                                            sizeof(names) / sizeof(names[0]),
                                            sizeof(names[0]));

    return found ? &found[1] : NULL;
}


ngx_uint_t
ngx_http_notify_variable_session_flag(const ngx_http_notify_event_t *event,
    const char *name)
{
    ngx_str_t   key, value;

    static const ngx_str_t  off[] = {
        ngx_string("0"),
        ngx_string("no"),
        ngx_string("off"),
        ngx_string("false")
    };

    key = ngx_http_notify_text(name);

    value = ngx_http_notify_variable_session(event, &key);

    return value.len != 0
           && !ngx_http_notify_text_find_in_nocase(&value, off);
}
