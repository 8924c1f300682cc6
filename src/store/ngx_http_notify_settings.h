/*
 * The settings of a channel in Redis: one hash with the values of the channel
 * and the flags of each scope, and the script that changes them together with
 * the subscription of the target.  Knows no declaration: who calls names them.
 *
 * Fields: "v:NAME" a value, JSON text; "f:EVENT:SCOPE" a flag, 1 or 0, of the
 * root where the scope is empty; "on" how many flags are 1; "created" when the
 * target came to be, epoch ms; "ver" a number that grows with each change.  The
 * first partition of a channel has all of them; the others have copies of the
 * values, the root's flags, and those of their own tenants.
 */

#ifndef _NGX_HTTP_NOTIFY_SETTINGS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SETTINGS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_keys.h"
#include "ngx_http_notify_redis.h"


/* the subscription that every event of the channel goes to */
#define NGX_HTTP_NOTIFY_SETTINGS_TARGET  "target"


typedef enum {
    NGX_HTTP_NOTIFY_SETTINGS_SET = 0,
    NGX_HTTP_NOTIFY_SETTINGS_UNSET,
    NGX_HTTP_NOTIFY_SETTINGS_ON,
    NGX_HTTP_NOTIFY_SETTINGS_OFF,
    NGX_HTTP_NOTIFY_SETTINGS_INHERIT
} ngx_http_notify_settings_op_e;

/* name: of a setting, or of an event; value: JSON text, with SET; secret: it
 * is encrypted where there is a key for that */
typedef struct {
    ngx_http_notify_settings_op_e   op;
    ngx_str_t                       name;
    ngx_str_t                       value;
    ngx_uint_t                      secret;     /* unsigned  secret:1; */
} ngx_http_notify_settings_change_t;

typedef struct {
    ngx_str_t                            scope;     /* empty: the root */
    ngx_uint_t                           nchanges;
    ngx_http_notify_settings_change_t   *changes;
    ngx_uint_t                           ndeclared;
    ngx_str_t                           *declared;  /* all settings */
    ngx_uint_t                           nmandatory;
    ngx_str_t                           *mandatory; /* before a flag is on */
    ngx_str_t                            target;    /* name, or empty */
    uint64_t                             now;       /* epoch ms */
} ngx_http_notify_settings_write_t;


typedef enum {
    NGX_HTTP_NOTIFY_SETTINGS_OK = 0,
    NGX_HTTP_NOTIFY_SETTINGS_MISSING,       /* mandatory ones: see names */
    NGX_HTTP_NOTIFY_SETTINGS_FULL,          /* Redis out of memory */
    NGX_HTTP_NOTIFY_SETTINGS_UNAVAILABLE
} ngx_http_notify_settings_status_e;

typedef struct {
    ngx_http_notify_settings_status_e   status;
    ngx_uint_t                          n;
    ngx_str_t                          *names;  /* with MISSING; until the
                                                   handler returns */
} ngx_http_notify_settings_result_t;

/* exactly once, never inside the call */
typedef void (*ngx_http_notify_settings_pt)(
    const ngx_http_notify_settings_result_t *result, void *data);


/*
 * All changes or none, in one script: MISSING when a flag would be on and a
 * mandatory setting not there.  Where values change the subscription of the
 * target follows: it is there as long as the target's setting is, with all
 * values in its member `settings`; a new one starts at the end of the log.
 */
ngx_int_t ngx_http_notify_settings_write(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_settings_write_t *write,
    ngx_http_notify_settings_pt handler, void *data);

/* from the first partition of a channel to another one */
typedef struct {
    ngx_http_notify_redis_t             *from;
    const ngx_http_notify_keys_t        *from_keys;
    ngx_http_notify_redis_t             *to;
    const ngx_http_notify_keys_t        *to_keys;
    ngx_uint_t                           part;      /* `to` is that one, */
    ngx_uint_t                           partitions;    /* of so many */
} ngx_http_notify_settings_copy_t;

/*
 * Unless `to` has them already, or newer ones; the target's subscription
 * follows.  Of write, which is not kept, names and target are read.
 */
ngx_int_t ngx_http_notify_settings_copy(
    const ngx_http_notify_settings_copy_t *copy,
    const ngx_http_notify_settings_write_t *write,
    ngx_http_notify_settings_pt handler, void *data);

/*
 * Raw reply to the handler, an array: nil, the values, the events' flags at the
 * root and, with a scope, the events' flags there; nil where not set.
 */
ngx_int_t ngx_http_notify_settings_read(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *scope,
    const ngx_str_t *names, ngx_uint_t nnames, const ngx_str_t *events,
    ngx_uint_t nevents, ngx_http_notify_redis_handler_pt handler, void *data);


#endif /* _NGX_HTTP_NOTIFY_SETTINGS_H_INCLUDED_ */
