
/*
 * A request lives until its last answer has come, whatever becomes of its lease
 * meanwhile.
 */

#include "ngx_http_notify_load.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_text.h"


ngx_http_notify_load_t *
ngx_http_notify_load_create(ngx_http_notify_lease_t *lease, const ngx_str_t *id)
{
    size_t                   len;
    ngx_http_notify_load_t  *load, *before;

    len = id ? id->len : 0;

    load = ngx_calloc(sizeof(ngx_http_notify_load_t) + len, lease->feed->log);
    if (load == NULL) {
        return NULL;
    }

    load->feed = lease->feed;
    load->lease = lease;
    load->serial = lease->serial;
    load->id.len = len;
    load->id.data = (u_char *) load + sizeof(ngx_http_notify_load_t);

    ngx_queue_init(&load->link);

    if (id == NULL) {
        return load;
    }

    ngx_memcpy(load->id.data, id->data, len);

    /* what this one will say may have changed before an event that is read
     * now */

    before = ngx_http_notify_load_find(lease, id);

    if (before != NULL) {
        before->older = 1;
    }

    ngx_queue_insert_tail(&lease->loads, &load->link);

    return load;
}


ngx_http_notify_load_t *
ngx_http_notify_load_find(ngx_http_notify_lease_t *lease, const ngx_str_t *id)
{
    ngx_queue_t             *q;
    ngx_http_notify_load_t  *load;

    for (q = ngx_queue_head(&lease->loads);
         q != ngx_queue_sentinel(&lease->loads);
         q = ngx_queue_next(q))
    {
        load = ngx_queue_data(q, ngx_http_notify_load_t, link);

        if (!load->older && ngx_http_notify_text_equal(&load->id, id)) {
            return load;
        }
    }

    return NULL;
}


void
ngx_http_notify_load_free(ngx_http_notify_load_t *load)
{
    ngx_queue_remove(&load->link);
    ngx_free(load);
}


ngx_int_t
ngx_http_notify_load_ask(ngx_http_notify_load_t *load,
    ngx_http_notify_command_t *command)
{
    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        load->failed = 1;
        return NGX_ERROR;
    }

    load->expected++;

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_load_void(ngx_http_notify_load_t *load,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t  stale;

    if (ngx_http_notify_script_verdict(load->feed->redis, resp, "load")
        != NGX_OK)
    {
        load->failed = 1;
    }

    stale = load->failed || load->older
            || load->lease->serial != load->serial
            || (load->lease->state == NGX_HTTP_NOTIFY_LEASE_DRAIN
                && !load->lease->placed)
            || (load->id.len == 0
                && load->lease->state != NGX_HTTP_NOTIFY_LEASE_LOAD);

    if (--load->expected == 0 && stale) {

        if (load->failed && load->lease->serial == load->serial) {
            /* a new claim loads it again */

            ngx_http_notify_lease_break(load->lease);
        }

        if (load->doc != NULL) {
            ngx_destroy_pool(load->doc->pool);
        }

        ngx_http_notify_load_free(load);
    }

    return stale;
}


ngx_str_t
ngx_http_notify_load_field(const ngx_http_notify_resp_t *entry,
    const char *name)
{
    ngx_str_t                value;
    ngx_uint_t               i;
    ngx_http_notify_resp_t  *fields;

    ngx_str_null(&value);

    fields = ngx_http_notify_resp_at(entry, 1);

    for (i = 0; fields != NULL && i + 1 < fields->nelts; i += 2) {
        if (fields->elts[i]->type == NGX_HTTP_NOTIFY_RESP_STRING
            && ngx_strcmp(fields->elts[i]->str.data, name) == 0)
        {
            value = fields->elts[i + 1]->str;
        }
    }

    return value;
}
