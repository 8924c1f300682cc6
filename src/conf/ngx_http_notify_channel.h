/*
 * notify_channel: what is notified: the catalogue of events, the attributes,
 * the profiles to choose from, the limits of the log.  Read-only after start.
 */

#ifndef _NGX_HTTP_NOTIFY_CHANNEL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CHANNEL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_bucket.h"
#include "ngx_http_notify_hops.h"
#include "ngx_http_notify_keys.h"
#include "ngx_http_notify_partition.h"
#include "ngx_http_notify_pattern.h"
#include "ngx_http_notify_profile.h"
#include "ngx_http_notify_schema.h"


#define NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX  128   /* of an event's name */


typedef struct ngx_http_notify_channel_s  ngx_http_notify_channel_t;
typedef struct ngx_http_notify_delivery_log_s
    ngx_http_notify_delivery_log_t;

/*
 * event NAME [sync] [iframe] [own] [entity] [error=CODE] [alias=NAME]...
 *       [schema=FILE] [off]
 */
typedef struct {
    ngx_str_t      name;
    ngx_array_t   *aliases;     /* of ngx_str_t, or NULL */
    ngx_http_notify_schema_t  *schema;  /* of its data, or NULL */
    ngx_str_t      error;       /* the code where entityID is missing */
    ngx_http_notify_channel_t  *channel;
    ngx_uint_t     sync;        /* unsigned  sync:1; */
    ngx_uint_t     iframe;      /* unsigned  iframe:1; */
    ngx_uint_t     own;         /* unsigned  own:1; of the session itself */
    ngx_uint_t     entity;      /* unsigned  entity:1; entityID is required */
    ngx_uint_t     off;         /* unsigned  off:1; */
} ngx_http_notify_channel_event_t;

/* attribute NAME [required] [error=CODE] [pattern=REGEX] [alias=NAME]... */
typedef struct {
    ngx_str_t      name;
    ngx_array_t   *aliases;     /* of ngx_str_t, or NULL */
    ngx_http_notify_pattern_t  *regex;  /* or NULL */
    ngx_str_t      pattern;
    ngx_str_t      error;       /* the code where the attribute is missing */
    ngx_http_notify_channel_t  *channel;
    ngx_uint_t     required;    /* unsigned  required:1; */
} ngx_http_notify_channel_attribute_t;

/* what a `profile` directive names, until all profiles are known */
typedef struct {
    ngx_str_t      name;
    u_char        *file;
    ngx_uint_t     line;
} ngx_http_notify_channel_ref_t;


/*
 * A channel, or one partition of it: each partition has a copy with its own
 * keys, connections and engine.  The first one is the channel itself.
 */
struct ngx_http_notify_channel_s {
    ngx_str_t                 name;
    ngx_http_notify_keys_t    keys;
    ngx_uint_t                partitions;   /* how many */
    ngx_uint_t                part;         /* which one, from 0 */
    ngx_http_notify_channel_t  **parts;     /* all of them */
    ngx_array_t              *events;       /* of _channel_event_t, or NULL:
                                               every name is accepted */
    ngx_array_t              *attributes;   /* of _channel_attribute_t, or
                                               NULL */
    ngx_array_t              *entity_types; /* of ngx_http_notify_entity_type_t,
                                               or NULL */
    ngx_array_t              *unchanged;    /* private to that file, or NULL */
    ngx_array_t              *settings;     /* of ngx_http_notify_setting_t, or
                                               NULL */
    ngx_array_t              *profiles;     /* of ngx_http_notify_profile_t *;
                                               the first is the default */
    ngx_array_t              *providers;    /* of ngx_http_notify_provider_t *,
                                               those of http {} */
    ngx_array_t              *profile_names;    /* of _channel_ref_t or NULL */
    uint64_t                  retention;    /* milliseconds; 15d */
    uint64_t                  compress;     /* milliseconds; 1h, 0: off */
    ngx_uint_t                compress_given;   /* unsigned  given:1; */
    size_t                    max_size;     /* bytes; 0: off */
    ngx_uint_t                subscriptions_max;
    ngx_uint_t                sessions_max;     /* of a tenant */
    ngx_uint_t                tenant_share;     /* percent */
    ngx_http_notify_bucket_conf_t  publish_rate;    /* of a tenant */
    size_t                    subscription_size;    /* bytes of a document */
    ngx_uint_t                hops_max;     /* own calls that an event may
                                               come back by; 1 */
    ngx_flag_t                operator_events;
    ngx_http_notify_delivery_log_t  *delivery_log;  /* or NULL: off */
    ngx_uint_t                delivery_log_given;   /* unsigned  given:1; */
    ngx_int_t                 metrics;      /* set when a worker starts, as
                                               are all the next */
    ngx_http_notify_partition_t  *partition;
    ngx_http_notify_redis_conf_t  *store;   /* how to connect */
    ngx_http_notify_hops_t   *hops;         /* signs its calls; there while
                                               the worker is */
    ngx_http_notify_redis_t  *redis;        /* for commands */
    ngx_http_notify_redis_t  *publishes;    /* the same, unless replicas have
                                               to acknowledge */
    u_char                   *file;
    ngx_uint_t                line;
};


ngx_http_notify_channel_t *ngx_http_notify_channel_create(ngx_conf_t *cf,
    const ngx_str_t *name);
/* at the end of http {}: profiles by name, defaults; profiles is an array of
 * ngx_http_notify_profile_t * */
char *ngx_http_notify_channel_init(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, const ngx_array_t *profiles);
/*
 * When all else of the channel is known: its partitions, which are added to the
 * array of ngx_http_notify_channel_t *, and the names of their keys.
 */
ngx_int_t ngx_http_notify_channel_split(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel, const ngx_str_t *redis_prefix,
    ngx_array_t *parts);

/* the partition that a tenant lives in */
ngx_http_notify_channel_t *ngx_http_notify_channel_of(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *tenant);
/* the partition after this one, or NULL */
ngx_http_notify_channel_t *ngx_http_notify_channel_next(
    const ngx_http_notify_channel_t *part);

/*
 * The canonical name of an event's name or alias.  In a catalogue an exact
 * match wins over one that differs in case.  NGX_DECLINED: not in the
 * catalogue, or (without one) not 1 to 128 characters of [A-Za-z0-9_.-], or
 * one of those that begin with "notify.": these are never a client's.
 * `event` (may be NULL) is set to its entry, NULL without a catalogue.
 */
ngx_int_t ngx_http_notify_channel_event(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *text,
    ngx_str_t *name, const ngx_http_notify_channel_event_t **event);
/* the entry of a name or an alias, case included, or NULL */
const ngx_http_notify_channel_event_t *ngx_http_notify_channel_declared(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *text);
/* a declared attribute by its name or alias, ASCII case ignored, or NULL */
const ngx_http_notify_channel_attribute_t *ngx_http_notify_channel_attribute(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *text);
/* NGX_DECLINED: the value does not match the attribute's pattern; NGX_ABORT:
 * to find out would take too long */
ngx_int_t ngx_http_notify_channel_attribute_check(
    const ngx_http_notify_channel_attribute_t *attribute,
    const ngx_str_t *value);
/* NULL: not one of the channel's; an empty name is the default */
ngx_http_notify_profile_t *ngx_http_notify_channel_profile(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *name);

/* 1 to max letters, digits, underscores, and whatever is in `more` */
ngx_uint_t ngx_http_notify_channel_chars(const ngx_str_t *text, size_t max,
    const char *more);
/* begins with "notify." in any case */
ngx_uint_t ngx_http_notify_channel_reserved(const ngx_str_t *name);
/* one of the channel's operator events, or "notify.*", ... for several */
ngx_uint_t ngx_http_notify_channel_operator(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *name);


#endif /* _NGX_HTTP_NOTIFY_CHANNEL_H_INCLUDED_ */
