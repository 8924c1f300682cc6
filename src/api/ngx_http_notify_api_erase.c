/*
 * DELETE events/{id}: what has to be forgotten.  The log first, then page by
 * page what each subscription of the tenant keeps of it; done again where it
 * did not come to its end.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_sha1.h>
#include "ngx_http_notify_api_erase.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_provider.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_segment.h"
#include "ngx_http_notify_selector.h"
#include "ngx_http_notify_setting.h"
#include "ngx_http_notify_settings.h"
#include "ngx_http_notify_subscriptions.h"
#include "ngx_http_notify_tenants.h"


#define NGX_HTTP_NOTIFY_API_ERASE_PAGE  16      /* subscriptions of a script */
#define NGX_HTTP_NOTIFY_API_ERASE_TRIES 8
#define NGX_HTTP_NOTIFY_API_ERASE_SKEW  5000    /* ms, of clocks */


typedef struct {
    ngx_http_notify_id_t         id;
    ngx_http_notify_event_t     *event;     /* or NULL: it has left the log */
    ngx_str_t                    after;     /* a score, looked at */
    ngx_str_t                    before;    /* the one before the page */
    ngx_str_t                    name;      /* of the segment that has it, */
    ngx_str_t                    digest;    /* and its own */
    ngx_str_t                    value;     /* the segment without it */
    ngx_uint_t                   tries;
    ngx_uint_t                   end;       /* unsigned  end:1; of them */
    ngx_uint_t                   erased;    /* unsigned  erased:1; it was in
                                               the log */
} ngx_http_notify_api_erase_t;


static void ngx_http_notify_api_erase_cleanup(void *data);
static void ngx_http_notify_api_erase_list(ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_erase_page;
static void ngx_http_notify_api_erase_internal(ngx_http_notify_api_t *api,
    ngx_http_notify_command_t *command);
static ngx_http_notify_command_t *ngx_http_notify_api_erase_command(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_erase_of(ngx_http_notify_api_t *api,
    ngx_http_notify_command_t *command, const ngx_str_t *id,
    ngx_uint_t mine);
static ngx_int_t ngx_http_notify_api_erase_segment(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *entry);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_erase_done;


void
ngx_http_notify_api_erase(ngx_http_notify_api_t *api,
    const ngx_http_notify_id_t *id, ngx_http_notify_event_t *event)
{
    ngx_http_notify_api_erase_t  *erase;

    erase = ngx_http_notify_memory_owned(api->request->pool,
                                         sizeof(ngx_http_notify_api_erase_t),
                                         ngx_http_notify_api_erase_cleanup);
    if (erase == NULL) {
        if (event) {
            ngx_http_notify_log_unref(event);
        }

        ngx_http_notify_api_failed(api);
        return;
    }

    erase->id = *id;
    erase->event = event;
    api->data = erase;
    api->whole = 1;

    ngx_http_notify_api_erase_list(api);
}


static void
ngx_http_notify_api_erase_cleanup(void *data)
{
    ngx_http_notify_api_erase_t *erase = data;

    if (erase->event) {
        ngx_http_notify_log_unref(erase->event);
    }
}


static void
ngx_http_notify_api_erase_list(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_erase_t  *erase;

    erase = api->data;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_subscriptions_list(
            api->channel->redis, &api->channel->keys, &api->tenant,
            &erase->after, NGX_HTTP_NOTIFY_API_ERASE_PAGE,
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api, ngx_http_notify_api_erase_page)));
}


static void
ngx_http_notify_api_erase_page(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                    i, mine;
    ngx_http_notify_command_t    *command;
    ngx_http_notify_selector_t   *selector;
    ngx_http_notify_api_erase_t  *erase;

    erase = api->data;
    command = ngx_http_notify_api_erase_command(api);
    erase->before = erase->after;

    /* with the log, at once; of one that is not there the tenant is unknown */

    if (erase->after.len == 0 && (erase->event || api->tenant.len == 0)) {
        ngx_http_notify_api_erase_internal(api, command);
    }

    for (i = 0;
         i + NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ROW <= resp->nelts;
         i += NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ROW)
    {
        erase->after.len = resp->elts[i]->str.len;
        erase->after.data = ngx_pstrdup(api->request->pool,
                                        &resp->elts[i]->str);

        if (erase->after.data == NULL) {
            ngx_http_notify_command_free(command);
            ngx_http_notify_api_suspended_cancel(api);
            ngx_http_notify_api_failed(api);
            return;
        }

        selector = ngx_http_notify_selector_create(&resp->elts[i + 1]->str,
                                                   NULL, ngx_cycle->log);
        if (selector == NULL) {
            continue;
        }

        /* one that was made later began behind it */

        mine = erase->event
               && erase->id.ms + NGX_HTTP_NOTIFY_API_ERASE_SKEW
                  >= selector->doc->created
               && ngx_http_notify_selector_test(selector, erase->event);

        ngx_http_notify_api_erase_of(api, command, &selector->doc->id, mine);

        ngx_http_notify_selector_destroy(selector);
    }

    erase->end = (i == 0);

    ngx_http_notify_api_command_send(api, command);
}


/* who is in no list: the target, and providers, which have what was tried */

static void
ngx_http_notify_api_erase_internal(ngx_http_notify_api_t *api,
    ngx_http_notify_command_t *command)
{
    ngx_uint_t                     i, mine;
    ngx_array_t                   *providers;
    ngx_http_notify_provider_t   **provider;
    ngx_http_notify_api_erase_t   *erase;

    static const ngx_str_t  target =
                                  ngx_string(NGX_HTTP_NOTIFY_SETTINGS_TARGET);

    erase = api->data;

    if (ngx_http_notify_setting_target(api->channel)) {
        mine = erase->event
               && !ngx_http_notify_channel_reserved(&erase->event->type);

        ngx_http_notify_api_erase_of(api, command, &target, mine);
    }

    providers = api->channel->providers;
    provider = providers ? providers->elts : NULL;

    for (i = 0; provider && i < providers->nelts; i++) {
        ngx_http_notify_api_erase_of(api, command, &provider[i]->id, 0);
    }
}


static ngx_http_notify_command_t *
ngx_http_notify_api_erase_command(ngx_http_notify_api_t *api)
{
    ngx_http_notify_keys_t       *keys;
    ngx_http_notify_command_t    *command;
    ngx_http_notify_api_erase_t  *erase;

    erase = api->data;
    keys = &api->channel->keys;

    command = ngx_http_notify_api_script(api, &ngx_http_notify_script_erase,
                                         ngx_http_notify_api_erase_done);

    ngx_http_notify_command_key(command, keys, "log");
    ngx_http_notify_command_key(command, keys, "subs:log");
    ngx_http_notify_command_key(command, keys, "subs:ver");

    ngx_http_notify_command_id(command, &erase->id);
    ngx_http_notify_command_number(command, erase->id.ms);
    ngx_http_notify_command_printf(command, "%xL %xL", erase->id.ms,
                                   erase->id.seq);

    ngx_http_notify_command_arg(command, &erase->name);
    ngx_http_notify_command_arg(command, &erase->digest);
    ngx_http_notify_command_arg(command, &erase->value);

    return command;
}


static void
ngx_http_notify_api_erase_of(ngx_http_notify_api_t *api,
    ngx_http_notify_command_t *command, const ngx_str_t *id, ngx_uint_t mine)
{
    ngx_http_notify_keys_t  *keys;

    keys = &api->channel->keys;

    ngx_http_notify_command_key_of(command, keys, "retry", id);
    ngx_http_notify_command_key_of(command, keys, "tries", id);
    ngx_http_notify_command_key_of(command, keys, "dead", id);
    ngx_http_notify_command_key_of(command, keys, "attempts", id);
    ngx_http_notify_command_key_shard(command, keys, "due",
                                      ngx_http_notify_keys_shard_of(id));

    ngx_http_notify_command_arg(command, id);
    ngx_http_notify_command_number(command, mine);
}


/*
 * It is in a segment: that is written again without it, and takes its place if
 * it is still the same by then.
 */

static ngx_int_t
ngx_http_notify_api_erase_segment(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *entry)
{
    ngx_int_t                     rc;
    ngx_str_t                     value;
    ngx_pool_t                   *pool;
    ngx_sha1_t                    sha1;
    ngx_http_notify_segment_t    *segment;
    ngx_http_notify_api_erase_t  *erase;
    u_char                        digest[20];

    erase = api->data;
    pool = api->request->pool;

    if (erase->tries++ == NGX_HTTP_NOTIFY_API_ERASE_TRIES) {
        return NGX_ERROR;
    }

    segment = ngx_http_notify_segment_create(ngx_cycle->log);
    if (segment == NULL) {
        return NGX_ERROR;
    }

    ngx_str_null(&value);

    rc = ngx_http_notify_segment_inflate_others(segment, entry);

    if (rc == NGX_OK && ngx_http_notify_segment_events(segment)) {
        do {
            rc = ngx_http_notify_segment_deflate(segment, &value);
        } while (rc == NGX_AGAIN);
    }

    if (rc == NGX_OK) {
        ngx_sha1_init(&sha1);
        ngx_sha1_update(&sha1, entry->elts[4]->str.data,
                        entry->elts[4]->str.len);
        ngx_sha1_final(digest, &sha1);

        erase->digest.len = 2 * sizeof(digest);
        erase->digest.data = ngx_pnalloc(pool, erase->digest.len);
        erase->name.len = entry->elts[1]->str.len;
        erase->name.data = ngx_pstrdup(pool, &entry->elts[1]->str);
        erase->value.len = value.len;
        erase->value.data = value.len ? ngx_pstrdup(pool, &value) : NULL;

        if (erase->digest.data == NULL || erase->name.data == NULL
            || (value.len && erase->value.data == NULL))
        {
            rc = NGX_ERROR;

        } else {
            ngx_hex_dump(erase->digest.data, digest, sizeof(digest));
        }
    }

    ngx_http_notify_segment_destroy(segment);

    return rc;
}


static void
ngx_http_notify_api_erase_done(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_api_erase_t  *erase;

    erase = api->data;

    if (resp->type == NGX_HTTP_NOTIFY_RESP_ARRAY) {

        if (ngx_http_notify_api_erase_segment(api, resp) != NGX_OK) {
            ngx_http_notify_api_failed(api);
            return;
        }

        erase->after = erase->before;
        ngx_http_notify_api_erase_list(api);
        return;
    }

    if (resp->integer > 0) {
        ngx_http_notify_tenants_add(api->channel->metrics, &api->tenant,
                                    NGX_HTTP_NOTIFY_METRICS_ERASED, 1);
    }

    if (!erase->end) {
        ngx_http_notify_api_erase_list(api);
        return;
    }

    ngx_http_notify_api_send(api, NGX_HTTP_NO_CONTENT, NULL);
}
