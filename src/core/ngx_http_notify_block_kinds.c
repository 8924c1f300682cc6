/*
 * The blocks and the tables of their directives.  The setters of a table get
 * the block's structure, whose first member is the conf of all of them.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_entity_type.h"
#include "ngx_http_notify_limits.h"
#include "ngx_http_notify_ops_events.h"
#include "ngx_http_notify_provider.h"
#include "ngx_http_notify_setting.h"
#include "ngx_http_notify_unchanged.h"


static ngx_command_t  *ngx_http_notify_block_profile_tables[] = {
    ngx_http_notify_profile_commands,
    ngx_http_notify_attempts_conf_commands,
    ngx_http_notify_call_commands,
    ngx_http_notify_guard_commands,
    ngx_http_notify_payload_commands,
    ngx_http_notify_sign_commands,
    NULL
};


/* the first that has a directive has it: its own come first */
static ngx_command_t  *ngx_http_notify_block_provider_tables[] = {
    ngx_http_notify_provider_commands,
    ngx_http_notify_profile_commands,
    ngx_http_notify_attempts_conf_commands,
    ngx_http_notify_call_commands,
    ngx_http_notify_guard_commands,
    ngx_http_notify_payload_commands,
    ngx_http_notify_sign_commands,
    NULL
};


static ngx_command_t  *ngx_http_notify_block_channel_tables[] = {
    ngx_http_notify_channel_commands,
    ngx_http_notify_limits_commands,
    ngx_http_notify_entity_type_commands,
    ngx_http_notify_setting_commands,
    ngx_http_notify_ops_events_commands,
    ngx_http_notify_unchanged_commands,
    NULL
};


const ngx_http_notify_block_kind_t  ngx_http_notify_block_kinds[] = {
    { "notify_profile", ngx_http_notify_block_profile_tables },
    { "notify_provider", ngx_http_notify_block_provider_tables },
    { "notify_channel", ngx_http_notify_block_channel_tables }
};
