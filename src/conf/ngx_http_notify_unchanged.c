/*
 * The directive `unchanged`, and the digests of an event that it is about.
 * Run while the configuration is read, and once an event that is published.
 * Must not know what the last value was.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_payload.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_unchanged.h"


#define NGX_HTTP_NOTIFY_UNCHANGED_DIGEST  32
/* behind the retention; publish.lua looks whether the entry is there */
#define NGX_HTTP_NOTIFY_UNCHANGED_KEEP    86400000


typedef struct {
    ngx_str_t                     event;
    ngx_http_notify_template_t   *key;
    ngx_http_notify_template_t   *value;    /* NULL: the data */
    u_char                       *file;
    ngx_uint_t                    line;
} ngx_http_notify_unchanged_t;

/* the parameters of the directive */
typedef struct {
    ngx_http_notify_template_t   *key;
    ngx_http_notify_template_t   *value;
    ngx_array_t                  *events;   /* of ngx_str_t */
} ngx_http_notify_unchanged_args_t;


static ngx_http_notify_args_cmd_t  ngx_http_notify_unchanged_set;
static ngx_http_notify_args_set_t  ngx_http_notify_unchanged_event;
static ngx_http_notify_args_set_t  ngx_http_notify_unchanged_template;
static ngx_int_t ngx_http_notify_unchanged_value(ngx_pool_t *pool,
    ngx_http_notify_unchanged_t *unchanged,
    ngx_http_notify_payload_context_t *context, ngx_str_t *value);
static ngx_int_t ngx_http_notify_unchanged_digest(ngx_pool_t *pool,
    const ngx_str_t *parts, ngx_uint_t n, ngx_str_t *digest);


static ngx_http_notify_args_param_t  ngx_http_notify_unchanged_params[] = {

    { ngx_string("key="),
      ngx_http_notify_unchanged_template,
      offsetof(ngx_http_notify_unchanged_args_t, key),
      0, 0, NULL, 0 },

    { ngx_string("value="),
      ngx_http_notify_unchanged_template,
      offsetof(ngx_http_notify_unchanged_args_t, value),
      0, 0, NULL, 0 },

    { ngx_null_string,
      ngx_http_notify_unchanged_event,
      offsetof(ngx_http_notify_unchanged_args_t, events),
      0, 0, NULL, 0 }
};


static ngx_command_t  ngx_http_notify_unchanged_commands[] = {

    { ngx_string("unchanged"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_2MORE,
      ngx_http_notify_unchanged_set,
      ngx_http_notify_block_whole },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_unchanged_module =
    ngx_http_notify_block_module(ngx_http_notify_unchanged_commands);


/* unchanged EVENT... key=TEXT [value=TEXT] */

static char *
ngx_http_notify_unchanged_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    char                              *rv;
    ngx_str_t                         *event;
    ngx_uint_t                         i;
    ngx_http_notify_unchanged_t       *unchanged;
    ngx_http_notify_unchanged_args_t   args;

    ngx_memzero(&args, sizeof(ngx_http_notify_unchanged_args_t));

    rv = ngx_http_notify_args_parse(cf, 1, ngx_http_notify_unchanged_params,
                                    &args);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (args.key == NULL || args.events == NULL) {
        return "needs events and a \"key=\"";
    }

    event = args.events->elts;

    for (i = 0; i < args.events->nelts; i++) {
        unchanged = ngx_http_notify_memory_push(cf->pool, &channel->unchanged,
            sizeof(ngx_http_notify_unchanged_t));
        if (unchanged == NULL) {
            return NGX_CONF_ERROR;
        }

        unchanged->event = event[i];
        unchanged->key = args.key;
        unchanged->value = args.value;
        unchanged->file = cf->conf_file->file.name.data;
        unchanged->line = cf->conf_file->line;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_unchanged_event(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    if (ngx_strlchr(value->data, value->data + value->len, '=')) {
        return ngx_http_notify_args_unknown(cf, value);
    }

    return ngx_http_notify_args_append(cf, field, value);
}


static char *
ngx_http_notify_unchanged_template(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *text, void *field)
{
    ngx_http_notify_template_t **template = field;

    const char  *reason;

    if (text->len == 0) {
        return "has an empty \"key=\" or \"value=\"";
    }

    *template = ngx_http_notify_payload_compile(cf, text, &reason);

    if (*template == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"%V\"", reason, text);
        return NGX_CONF_ERROR;
    }

    if (!ngx_http_notify_payload_published(*template)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a variable in \"%V\" is not known yet when an "
                           "event is published", text);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_notify_unchanged_init(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel)
{
    ngx_str_t                     name;
    ngx_uint_t                    i, n;
    ngx_http_notify_unchanged_t  *unchanged;

    if (channel->unchanged == NULL) {
        return NGX_CONF_OK;
    }

    unchanged = channel->unchanged->elts;

    for (i = 0; i < channel->unchanged->nelts; i++) {

        if (ngx_http_notify_channel_event(channel, &unchanged[i].event, &name,
                                          NULL)
            != NGX_OK)
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "unknown event \"%V\" in %s:%ui",
                          &unchanged[i].event, unchanged[i].file,
                          unchanged[i].line);
            return NGX_CONF_ERROR;
        }

        unchanged[i].event = name;

        for (n = 0; n < i; n++) {

            if (ngx_http_notify_text_equal(&unchanged[n].event, &name)) {
                ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                              "\"unchanged\" is said twice of \"%V\" in "
                              "%s:%ui", &name, unchanged[i].file,
                              unchanged[i].line);
                return NGX_CONF_ERROR;
            }
        }
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_notify_unchanged(ngx_pool_t *pool,
    const ngx_http_notify_channel_t *channel,
    ngx_http_notify_log_entry_t *entry)
{
    ngx_str_t                          parts[3], value;
    ngx_uint_t                         i;
    ngx_http_notify_unchanged_t       *unchanged;
    ngx_http_notify_payload_context_t  context;

    if (channel->unchanged == NULL) {
        return NGX_OK;
    }

    unchanged = channel->unchanged->elts;

    for (i = 0; i < channel->unchanged->nelts; i++) {
        if (ngx_http_notify_text_equal(&unchanged[i].event,
                                       &entry->event.type))
        {
            break;
        }
    }

    if (i == channel->unchanged->nelts) {
        return NGX_OK;
    }

    ngx_memzero(&context, sizeof(ngx_http_notify_payload_context_t));
    context.event = &entry->event;
    context.channel = &channel->name;

    parts[0] = entry->event.tenant;
    parts[1] = entry->event.type;

    if (ngx_http_notify_payload_text(pool, unchanged[i].key, &context,
                                     &parts[2])
        != NGX_OK
        || ngx_http_notify_unchanged_value(pool, &unchanged[i], &context,
                                           &value)
           != NGX_OK
        || ngx_http_notify_unchanged_digest(pool, parts, 3, &entry->last)
           != NGX_OK
        || ngx_http_notify_unchanged_digest(pool, &value, 1, &entry->value)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    entry->keep = channel->retention + NGX_HTTP_NOTIFY_UNCHANGED_KEEP;

    return NGX_OK;
}


/* JSON in its canonical form, or text as it is */

static ngx_int_t
ngx_http_notify_unchanged_value(ngx_pool_t *pool,
    ngx_http_notify_unchanged_t *unchanged,
    ngx_http_notify_payload_context_t *context, ngx_str_t *value)
{
    ngx_str_t                     text, json;
    ngx_http_notify_json_error_t  error;

    if (unchanged->value == NULL) {
        text = context->event->data;

    } else if (ngx_http_notify_payload_text(pool, unchanged->value, context,
                                            &text)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (text.len == 0
        || ngx_http_notify_json_scan(&text, &json, &error) != NGX_OK)
    {
        *value = text;
        return NGX_OK;
    }

    return ngx_http_notify_json_canonical(pool, &json, value);
}


static ngx_int_t
ngx_http_notify_unchanged_digest(ngx_pool_t *pool, const ngx_str_t *parts,
    ngx_uint_t n, ngx_str_t *digest)
{
    digest->len = NGX_HTTP_NOTIFY_UNCHANGED_DIGEST;
    digest->data = ngx_pnalloc(pool, digest->len);

    if (digest->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_notify_id_digest(parts, n, digest->data);
}


ngx_int_t
ngx_http_notify_unchanged_named(const ngx_http_notify_channel_t *channel,
    ngx_http_notify_payload_named_pt handler, void *data)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_http_notify_unchanged_t  *unchanged;

    if (channel->unchanged == NULL) {
        return NGX_OK;
    }

    unchanged = channel->unchanged->elts;

    for (i = 0; i < channel->unchanged->nelts; i++) {

        rc = ngx_http_notify_payload_named(unchanged[i].key, handler, data);

        if (rc == NGX_OK) {
            rc = ngx_http_notify_payload_named(unchanged[i].value, handler,
                                               data);
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}
