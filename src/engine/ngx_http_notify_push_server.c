/*
 * Nodes fail and recover as the servers of their upstream do: max_fails within
 * fail_timeout, then left alone for as long, then tried by one push.  A push is
 * never sent again, so one is tried even if all have failed.  A worker's
 * knowledge, gone with it.
 */

#include "ngx_http_notify_push_server.h"
#include "ngx_http_notify_text.h"


typedef struct {
    ngx_uint_t                 fails;
    ngx_msec_t                 checked;     /* when it failed last, or was
                                             * tried since */
    ngx_uint_t                 failed;      /* unsigned  failed:1; */
    ngx_http_notify_target_t  *target[2][2];    /* [debug][payload] */
} ngx_http_notify_push_server_t;


static ngx_http_notify_provider_group_t *ngx_http_notify_push_server_group(
    const ngx_http_notify_provider_t *provider, const ngx_str_t *name);
static ngx_http_notify_provider_node_t *ngx_http_notify_push_server_find(
    const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_provider_group_t *group, const ngx_str_t *name);
static ngx_http_notify_provider_node_t *ngx_http_notify_push_server_spread(
    const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_provider_group_t *group, const ngx_str_t *session,
    const ngx_http_notify_provider_node_t *avoid, ngx_uint_t any);
static ngx_uint_t ngx_http_notify_push_server_usable(
    const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_provider_node_t *node,
    const ngx_http_notify_provider_node_t *avoid, ngx_uint_t any);
static ngx_http_notify_push_server_t *ngx_http_notify_push_server(
    const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_provider_node_t *node);


static struct {
    ngx_uint_t                 n;
    ngx_http_notify_push_server_t  *nodes;
} ngx_http_notify_nodes;


ngx_int_t
ngx_http_notify_push_server_init_process(ngx_cycle_t *cycle,
    const ngx_array_t *providers)
{
    ngx_uint_t                    n;
    ngx_http_notify_provider_t  **provider;

    ngx_memzero(&ngx_http_notify_nodes, sizeof(ngx_http_notify_nodes));

    if (providers == NULL || providers->nelts == 0) {
        return NGX_OK;
    }

    provider = providers->elts;
    provider += providers->nelts - 1;

    n = (*provider)->index + (*provider)->nodes->nelts;

    ngx_http_notify_nodes.nodes = ngx_pcalloc(cycle->pool,
                                    n * sizeof(ngx_http_notify_push_server_t));
    if (ngx_http_notify_nodes.nodes == NULL) {
        return NGX_ERROR;
    }

    ngx_http_notify_nodes.n = n;

    return NGX_OK;
}


/* a target goes with the last call that uses it */

void
ngx_http_notify_push_server_exit_process(void)
{
    ngx_uint_t                 i, j;
    ngx_http_notify_target_t  *target;

    for (i = 0; i < ngx_http_notify_nodes.n; i++) {
        for (j = 0; j < 4; j++) {

            target = ngx_http_notify_nodes.nodes[i].target[j / 2][j % 2];

            if (target != NULL) {
                ngx_http_notify_call_target_release(target, NULL, NULL);
            }
        }
    }

    ngx_http_notify_nodes.n = 0;
}


ngx_http_notify_provider_node_t *
ngx_http_notify_push_server_choose(const ngx_http_notify_provider_t *provider,
    const ngx_str_t *group, const ngx_str_t *session, const ngx_str_t *kept)
{
    ngx_uint_t                         any;
    ngx_http_notify_provider_node_t   *node, *old;
    ngx_http_notify_provider_group_t  *g;

    if (provider->groups == NULL) {
        return provider->nodes->elts;
    }

    g = ngx_http_notify_push_server_group(provider, group);
    if (g == NULL) {
        return NULL;
    }

    old = ngx_http_notify_push_server_find(provider, g, kept);

    if (old && !old->down
        && !ngx_http_notify_push_server(provider, old)->failed)
    {
        return old;
    }

    /* one that has failed is for sessions that it has not failed yet */

    for (any = 0; any < 2; any++) {

        node = ngx_http_notify_push_server_spread(provider, g, session, old,
                                                  any);

        if (node == NULL && old) {
            node = ngx_http_notify_push_server_spread(provider, g, session,
                                                      NULL, any);
        }

        if (node) {
            return node;
        }
    }

    return NULL;
}


ngx_http_notify_provider_node_t *
ngx_http_notify_push_server_next(const ngx_http_notify_provider_t *provider,
    const ngx_str_t *group, const ngx_str_t *session,
    const ngx_http_notify_provider_node_t *node)
{
    ngx_http_notify_provider_node_t   *next;
    ngx_http_notify_provider_group_t  *g;

    if (provider->groups == NULL) {
        return NULL;
    }

    g = ngx_http_notify_push_server_group(provider, group);
    if (g == NULL) {
        return NULL;
    }

    next = ngx_http_notify_push_server_spread(provider, g, session, node, 0);

    return next ? next : ngx_http_notify_push_server_spread(provider, g,
                                                            session, node, 1);
}


static ngx_http_notify_provider_group_t *
ngx_http_notify_push_server_group(const ngx_http_notify_provider_t *provider,
    const ngx_str_t *name)
{
    ngx_uint_t                         i;
    ngx_http_notify_provider_group_t  *group;

    group = provider->groups->elts;

    for (i = 0; i < provider->groups->nelts; i++) {
        if (name->len == 0
            || ngx_http_notify_text_equal(&group[i].name, name))
        {
            return &group[i];
        }
    }

    return NULL;
}


static ngx_http_notify_provider_node_t *
ngx_http_notify_push_server_find(const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_provider_group_t *group, const ngx_str_t *name)
{
    ngx_uint_t                        i;
    ngx_http_notify_provider_node_t  *node;

    node = provider->nodes->elts;
    node += group->first;

    for (i = 0; name->len && i < group->n; i++) {
        if (ngx_http_notify_text_equal(&node[i].name, name)) {
            return &node[i];
        }
    }

    return NULL;
}


/* by weight, backups last; the same for all workers that know the same of the
 * nodes */

static ngx_http_notify_provider_node_t *
ngx_http_notify_push_server_spread(const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_provider_group_t *group, const ngx_str_t *session,
    const ngx_http_notify_provider_node_t *avoid, ngx_uint_t any)
{
    ngx_uint_t                        i, at, total[2], backup;
    ngx_http_notify_provider_node_t  *node;

    node = provider->nodes->elts;
    node += group->first;

    total[0] = 0;
    total[1] = 0;

    for (i = 0; i < group->n; i++) {
        if (ngx_http_notify_push_server_usable(provider, &node[i], avoid,
                                               any))
        {
            total[node[i].backup] += node[i].weight;
        }
    }

    backup = (total[0] == 0);

    if (total[backup] == 0) {
        return NULL;
    }

    at = ngx_murmur_hash2(session->data, session->len) % total[backup];

    for (i = 0; i < group->n; i++) {
        if (node[i].backup != backup
            || !ngx_http_notify_push_server_usable(provider, &node[i], avoid,
                                                   any))
        {
            continue;
        }

        if (at < node[i].weight) {
            return &node[i];
        }

        at -= node[i].weight;
    }

    return NULL;
}


static ngx_uint_t
ngx_http_notify_push_server_usable(const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_provider_node_t *node,
    const ngx_http_notify_provider_node_t *avoid, ngx_uint_t any)
{
    ngx_http_notify_push_server_t  *state;

    if (node->down || node == avoid) {
        return 0;
    }

    state = ngx_http_notify_push_server(provider, node);

    return any || !state->failed
           || ngx_current_msec - state->checked >= node->fail_timeout;
}


void
ngx_http_notify_push_server_result(const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_provider_node_t *node, ngx_uint_t alive)
{
    ngx_http_notify_push_server_t  *state;

    state = ngx_http_notify_push_server(provider, node);

    if (alive || node->max_fails == 0) {
        state->fails = 0;
        state->failed = 0;
        return;
    }

    if (!state->failed
        && ngx_current_msec - state->checked >= node->fail_timeout)
    {
        state->fails = 0;
    }

    state->checked = ngx_current_msec;
    state->fails++;
    state->failed = (state->fails >= node->max_fails);
}


ngx_http_notify_target_t *
ngx_http_notify_push_server_target(const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_provider_node_t *node, ngx_uint_t debug,
    ngx_uint_t payload, ngx_log_t *log)
{
    const char                     *reason;
    ngx_http_notify_push_server_t  *state;
    ngx_http_notify_target_t      **target;

    state = ngx_http_notify_push_server(provider, node);

    if (state->failed
        && ngx_current_msec - state->checked >= node->fail_timeout)
    {
        /* the others are told how it went */
        state->checked = ngx_current_msec;
    }

    target = &state->target[debug][payload];

    if (*target == NULL) {
        *target = ngx_http_notify_call_target(&provider->call[debug][payload],
                                              &node->call[debug], log,
                                              &reason);

        if (*target != NULL && node->addr != NULL) {
            ngx_http_notify_call_target_at(*target, node->addr);
        }
    }

    return *target;
}


static ngx_http_notify_push_server_t *
ngx_http_notify_push_server(const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_provider_node_t *node)
{
    ngx_http_notify_provider_node_t  *first;

    first = provider->nodes->elts;

    return &ngx_http_notify_nodes.nodes[provider->index + (node - first)];
}
