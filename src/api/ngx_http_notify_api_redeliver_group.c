/*
 * The subscriptions of POST /redeliver by what they want: most of them want
 * nothing of what the span has, and are not looked through.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api_redeliver.h"
#include "ngx_http_notify_selector.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_REDELIVER_GROUP_MAX   1000
#define NGX_HTTP_NOTIFY_API_REDELIVER_GROUP_SKEW  5000      /* ms, of clocks */


static ngx_int_t ngx_http_notify_api_redeliver_group_put(
    ngx_http_notify_api_t *api, ngx_array_t *ids,
    const ngx_http_notify_subscription_t *doc);
static ngx_http_notify_api_redeliver_group_t *
    ngx_http_notify_api_redeliver_group_find(ngx_http_notify_api_t *api,
    const ngx_http_notify_subscription_t *doc);
static ngx_http_notify_api_redeliver_group_t *
    ngx_http_notify_api_redeliver_group_create(ngx_http_notify_api_t *api,
    const ngx_http_notify_subscription_t *doc);
static ngx_uint_t ngx_http_notify_api_redeliver_group_same(
    const ngx_http_notify_api_redeliver_group_t *group,
    const ngx_http_notify_subscription_t *doc);
static ngx_int_t ngx_http_notify_api_redeliver_group_take(
    ngx_http_notify_api_redeliver_t *redeliver,
    ngx_http_notify_api_redeliver_group_t *group);


/*
 * One that was changed since may have got what it does not want now, and of
 * more groups than these each is looked through; so is each for what is dead.
 */

ngx_int_t
ngx_http_notify_api_redeliver_group_add(ngx_http_notify_api_t *api,
    const ngx_http_notify_subscription_t *doc)
{
    ngx_http_notify_api_redeliver_t        *redeliver;
    ngx_http_notify_api_redeliver_group_t  *group;

    redeliver = api->data;

    if (redeliver->status == NGX_HTTP_NOTIFY_API_REDELIVER_DEAD
        || (doc->updated != doc->created
            && doc->updated + NGX_HTTP_NOTIFY_API_REDELIVER_GROUP_SKEW
               >= redeliver->since.ms))
    {
        return ngx_http_notify_api_redeliver_group_put(api, &redeliver->ids,
                                                       doc);
    }

    group = ngx_http_notify_api_redeliver_group_find(api, doc);

    if (group == NULL
        && redeliver->groups.nelts == NGX_HTTP_NOTIFY_API_REDELIVER_GROUP_MAX)
    {
        return ngx_http_notify_api_redeliver_group_put(api, &redeliver->ids,
                                                       doc);
    }

    if (group == NULL) {
        group = ngx_http_notify_api_redeliver_group_create(api, doc);
    }

    return group ? ngx_http_notify_api_redeliver_group_put(api, &group->ids,
                                                           doc)
                 : NGX_ERROR;
}


static ngx_int_t
ngx_http_notify_api_redeliver_group_put(ngx_http_notify_api_t *api,
    ngx_array_t *ids, const ngx_http_notify_subscription_t *doc)
{
    ngx_str_t  *id;

    id = ngx_array_push(ids);
    if (id == NULL) {
        return NGX_ERROR;
    }

    id->len = doc->id.len;
    id->data = ngx_pstrdup(api->request->pool, (ngx_str_t *) &doc->id);

    return id->data ? NGX_OK : NGX_ERROR;
}


static ngx_http_notify_api_redeliver_group_t *
ngx_http_notify_api_redeliver_group_find(ngx_http_notify_api_t *api,
    const ngx_http_notify_subscription_t *doc)
{
    ngx_uint_t                              i;
    ngx_http_notify_api_redeliver_t        *redeliver;
    ngx_http_notify_api_redeliver_group_t  *group;

    redeliver = api->data;
    group = redeliver->groups.elts;

    for (i = 0; i < redeliver->groups.nelts; i++) {
        if (ngx_http_notify_api_redeliver_group_same(&group[i], doc)) {
            return &group[i];
        }
    }

    return NULL;
}


static ngx_http_notify_api_redeliver_group_t *
ngx_http_notify_api_redeliver_group_create(ngx_http_notify_api_t *api,
    const ngx_http_notify_subscription_t *doc)
{
    ngx_uint_t                              i;
    ngx_pool_t                             *pool;
    ngx_http_notify_api_redeliver_t        *redeliver;
    ngx_http_notify_api_redeliver_group_t  *group;

    redeliver = api->data;
    pool = api->request->pool;

    group = ngx_array_push(&redeliver->groups);
    if (group == NULL) {
        return NULL;
    }

    group->taken = 0;
    group->nevents = doc->nevents;
    group->events = ngx_palloc(pool, (doc->nevents + 1) * sizeof(ngx_str_t));

    if (group->events == NULL
        || ngx_array_init(&group->ids, pool, 1, sizeof(ngx_str_t)) != NGX_OK)
    {
        return NULL;
    }

    for (i = 0; i < doc->nevents; i++) {
        group->events[i].len = doc->events[i].len;
        group->events[i].data = ngx_pstrdup(pool, &doc->events[i]);

        if (group->events[i].data == NULL) {
            return NULL;
        }
    }

    return group;
}


static ngx_uint_t
ngx_http_notify_api_redeliver_group_same(
    const ngx_http_notify_api_redeliver_group_t *group,
    const ngx_http_notify_subscription_t *doc)
{
    ngx_uint_t  i;

    if (group->nevents != doc->nevents) {
        return 0;
    }

    for (i = 0; i < doc->nevents; i++) {
        if (!ngx_http_notify_text_equal(&group->events[i], &doc->events[i])) {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_http_notify_api_redeliver_group_type(ngx_http_notify_api_t *api,
    ngx_str_t *type)
{
    ngx_str_t                              *name;
    ngx_uint_t                              i, n;
    ngx_http_notify_api_redeliver_t        *redeliver;
    ngx_http_notify_api_redeliver_group_t  *group;

    redeliver = api->data;
    name = redeliver->logged.elts;
    n = redeliver->logged.nelts;

    for (i = n; i > 0; i--) {
        if (ngx_http_notify_text_equal(&name[i - 1], type)) {
            return NGX_OK;
        }
    }

    /* of more types than these, each event is asked again */

    if (n < NGX_HTTP_NOTIFY_API_REDELIVER_GROUP_MAX) {

        name = ngx_array_push(&redeliver->logged);
        if (name == NULL) {
            return NGX_ERROR;
        }

        name->len = type->len;
        name->data = ngx_pstrdup(api->request->pool, type);

        if (name->data == NULL) {
            return NGX_ERROR;
        }
    }

    group = redeliver->groups.elts;

    for (i = 0; i < redeliver->groups.nelts; i++) {
        if (!group[i].taken
            && ngx_http_notify_selector_type(group[i].events,
                                             group[i].nevents, type)
            && ngx_http_notify_api_redeliver_group_take(redeliver, &group[i])
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_redeliver_group_take(
    ngx_http_notify_api_redeliver_t *redeliver,
    ngx_http_notify_api_redeliver_group_t *group)
{
    ngx_str_t  *id;

    id = ngx_array_push_n(&redeliver->ids, group->ids.nelts);
    if (id == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(id, group->ids.elts, group->ids.nelts * sizeof(ngx_str_t));
    group->taken = 1;

    return NGX_OK;
}
