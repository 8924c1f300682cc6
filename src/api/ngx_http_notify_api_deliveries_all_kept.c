/*
 * Deliveries that are dead or wait for another attempt: where GET /deliveries
 * finds them, without the log.
 */

#include "ngx_http_notify_api_deliveries_all.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_setting.h"
#include "ngx_http_notify_settings.h"
#include "ngx_http_notify_text.h"


/* whether they are in sets of their own */

ngx_uint_t
ngx_http_notify_api_deliveries_all_kept(
    const ngx_http_notify_api_deliveries_all_t *list)
{
    return list->status == NGX_HTTP_NOTIFY_DELIVERY_DEAD
           || list->status == NGX_HTTP_NOTIFY_DELIVERY_RETRYING;
}


/* who gets every event is the first */

ngx_int_t
ngx_http_notify_api_deliveries_all_kept_begin(
    ngx_http_notify_api_deliveries_all_t *list)
{
    ngx_http_notify_api_deliveries_pair_t  *pair;

    list->asked.nelts = 0;

    if (list->after.len
        || !ngx_http_notify_api_deliveries_all_kept(list)
        || !ngx_http_notify_setting_target(list->channel)
        || (list->subscription.len
            && !ngx_http_notify_text_is(&list->subscription,
                                        NGX_HTTP_NOTIFY_SETTINGS_TARGET)))
    {
        return NGX_OK;
    }

    pair = ngx_array_push(&list->asked);
    if (pair == NULL) {
        return NGX_ERROR;
    }

    pair->score = 0;
    ngx_str_set(&pair->id, NGX_HTTP_NOTIFY_SETTINGS_TARGET);

    return NGX_OK;
}


/* whose set is to be read */

ngx_int_t
ngx_http_notify_api_deliveries_all_kept_put(ngx_http_notify_api_t *api,
    uint64_t score, ngx_str_t *id)
{
    ngx_http_notify_api_deliveries_all_t   *list;
    ngx_http_notify_api_deliveries_pair_t  *pair;

    list = api->data;

    pair = ngx_array_push(&list->asked);
    if (pair == NULL) {
        return NGX_ERROR;
    }

    pair->score = score;
    pair->id.len = id->len;
    pair->id.data = ngx_pstrdup(api->request->pool, id);

    return pair->id.data ? NGX_OK : NGX_ERROR;
}


void
ngx_http_notify_api_deliveries_all_kept_ask(ngx_http_notify_api_t *api,
    ngx_http_notify_api_reply_pt handler)
{
    ngx_uint_t                              i, dead;
    ngx_http_notify_id_t                    last;
    ngx_http_notify_command_t              *command;
    ngx_http_notify_api_deliveries_all_t   *list;
    ngx_http_notify_api_deliveries_pair_t  *pair;

    list = api->data;
    pair = list->asked.elts;
    dead = (list->status == NGX_HTTP_NOTIFY_DELIVERY_DEAD);

    last = list->latest.until;

    if (list->latest.placed
        && ngx_http_notify_id_compare(&list->latest.before, &last) <= 0)
    {
        last = list->within ? list->latest.before
                            : ngx_http_notify_id_before(&list->latest.before);
    }

    command = ngx_http_notify_api_script(api, &ngx_http_notify_script_waiting,
                                         handler);

    for (i = 0; i < list->asked.nelts; i++) {
        ngx_http_notify_command_key_of(command, &api->channel->keys,
                                       dead ? "dead" : "retry", &pair[i].id);
    }

    ngx_http_notify_command_text(command, dead ? "dead" : "retry");
    ngx_http_notify_command_id(command,
                               last.ms == (uint64_t) -1 ? NULL : &last);
    ngx_http_notify_command_id(command, &list->latest.since);
    ngx_http_notify_command_number(command, list->limit + 1);

    ngx_http_notify_api_command_send(api, command);
}


ngx_int_t
ngx_http_notify_api_deliveries_all_kept_take(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                              i, n;
    ngx_http_notify_id_t                    id;
    ngx_http_notify_api_deliveries_all_t   *list;
    ngx_http_notify_api_deliveries_pair_t  *pair;

    list = api->data;
    pair = list->asked.elts;

    for (i = 1; i + 1 < resp->nelts; i += 2) {
        n = (ngx_uint_t) resp->elts[i]->integer - 1;

        if (n < list->asked.nelts
            && ngx_http_notify_id_parse(&resp->elts[i + 1]->str, &id) == NGX_OK
            && ngx_http_notify_api_deliveries_all_pairs_add(api, &id,
                                                pair[n].score, &pair[n].id)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (resp->nelts
        && ngx_http_notify_id_parse(&resp->elts[0]->str, &id) == NGX_OK
        && ngx_http_notify_id_compare(&id, &list->floor) > 0)
    {
        list->floor = id;
    }

    return NGX_OK;
}
