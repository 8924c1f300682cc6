/*
 * The target of a channel and a provider belong to no tenant: their lines name
 * that of the event.
 */

#include "ngx_http_notify_line.h"
#include "ngx_http_notify_provider.h"


ngx_log_t *
ngx_http_notify_line(const ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event,
    const ngx_http_notify_provider_node_t *node)
{
    ngx_http_notify_feed_t  *feed;

    static ngx_http_notify_context_t  context;

    feed = s->lease->feed;

    ngx_memzero(&context, sizeof(ngx_http_notify_context_t));

    context.channel = &feed->channel->name;
    context.tenant = event ? &event->tenant : &s->doc->tenant;
    context.url = node ? &node->call[0].url : &s->doc->url;

    return ngx_http_notify_context_log(feed->log, &context);
}
