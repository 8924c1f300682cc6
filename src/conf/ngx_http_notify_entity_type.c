/*
 * The directive `entity_type`, and from names to numbers while events and
 * subscriptions are checked.  Must not know Redis, nor who asks.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_entity_type.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_ENTITY_TYPE_NAME  128


static ngx_http_notify_args_cmd_t  ngx_http_notify_entity_type;
static char *ngx_http_notify_entity_type_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel,
    const ngx_http_notify_entity_type_t *type, ngx_str_t *name);
static ngx_http_notify_args_set_t  ngx_http_notify_entity_type_alias;
static ngx_uint_t ngx_http_notify_entity_type_named(
    const ngx_http_notify_entity_type_t *type, const ngx_str_t *text);


static ngx_http_notify_args_param_t  ngx_http_notify_entity_type_params[] = {

    { ngx_string("alias="),
      ngx_http_notify_entity_type_alias,
      0,
      0, 0, NULL, 1 },

    ngx_http_notify_args_end
};


static ngx_command_t  ngx_http_notify_entity_type_commands[] = {

    { ngx_string("entity_type"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_1MORE,
      ngx_http_notify_entity_type,
      ngx_http_notify_block_whole },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_entity_type_module =
    ngx_http_notify_block_module(ngx_http_notify_entity_type_commands);


static char *
ngx_http_notify_entity_type(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    ngx_str_t                      *args;
    ngx_http_notify_entity_type_t  *type, entity;

    args = cf->args->elts;

    if (cf->args->nelts < 4) {
        return "needs an object, a number and a name";
    }

    entity.object = args[1];
    entity.id = args[2];
    entity.name = args[3];
    entity.aliases = NULL;

    if (!ngx_http_notify_channel_chars(&entity.object,
                                       NGX_HTTP_NOTIFY_ENTITY_TYPE_NAME, "-"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid object \"%V\", it must be what stands "
                           "before the dot of an event", &entity.object);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_json_int64(&entity.id, NULL) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid entity type \"%V\", it must be a number",
                           &entity.id);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_entity_type_name(cf, channel, &entity, &entity.name)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    type = ngx_http_notify_memory_push(cf->pool, &channel->entity_types,
                                       sizeof(ngx_http_notify_entity_type_t));
    if (type == NULL) {
        return NGX_CONF_ERROR;
    }

    *type = entity;

    return ngx_http_notify_args_parse(cf, 4,
                                      ngx_http_notify_entity_type_params,
                                      channel);
}


/* of the last one */

static char *
ngx_http_notify_entity_type_alias(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    ngx_http_notify_channel_t *channel = field;

    ngx_http_notify_entity_type_t  *type;

    type = channel->entity_types->elts;
    type += channel->entity_types->nelts - 1;

    if (ngx_http_notify_entity_type_name(cf, channel, type, value)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_args_append(cf, &type->aliases, value);
}


/* a name that is a number could not be told from the number */

static char *
ngx_http_notify_entity_type_name(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel,
    const ngx_http_notify_entity_type_t *type, ngx_str_t *name)
{
    ngx_uint_t                            i;
    const ngx_http_notify_entity_type_t  *other;

    if (!ngx_http_notify_channel_chars(name, NGX_HTTP_NOTIFY_ENTITY_TYPE_NAME,
                                       ".- ")
        || ngx_http_notify_json_int64(name, NULL) == NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid entity type name \"%V\", it must be 1 to "
                           "%d characters of [A-Za-z0-9_.- ] and no number",
                           name, NGX_HTTP_NOTIFY_ENTITY_TYPE_NAME);
        return NGX_CONF_ERROR;
    }

    if (channel->entity_types == NULL) {
        return NGX_CONF_OK;
    }

    other = channel->entity_types->elts;

    for (i = 0; i < channel->entity_types->nelts; i++) {

        if (!ngx_http_notify_text_equal_nocase(&other[i].object, &type->object))
        {
            continue;
        }

        if (ngx_http_notify_entity_type_named(&other[i], name)
            || (type != &other[i]
                && ngx_http_notify_text_equal_nocase(&other[i].id, &type->id)))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate entity type \"%V\" \"%V\" \"%V\" in "
                               "notify_channel \"%V\"", &type->object,
                               &type->id, name, &channel->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_notify_entity_type_id(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *event, const ngx_str_t *text, ngx_str_t *id)
{
    ngx_int_t                             rc;
    ngx_uint_t                            i;
    const ngx_str_t                      *found;
    const ngx_http_notify_entity_type_t  *type;

    if (channel->entity_types == NULL) {
        return NGX_DONE;
    }

    found = NULL;

    type = channel->entity_types->elts;
    rc = NGX_DONE;

    for (i = 0; i < channel->entity_types->nelts; i++) {

        if (!ngx_http_notify_entity_type_of(&type[i], event)) {
            continue;
        }

        if (!ngx_http_notify_entity_type_named(&type[i], text)) {
            rc = (rc == NGX_DONE) ? NGX_DECLINED : rc;
            continue;
        }

        if (found && !ngx_http_notify_text_equal_nocase(found, &type[i].id)) {
            return NGX_ABORT;
        }

        found = &type[i].id;
        rc = NGX_OK;
    }

    if (found) {
        *id = *found;
    }

    return rc;
}


ngx_uint_t
ngx_http_notify_entity_type_of(const ngx_http_notify_entity_type_t *type,
    const ngx_str_t *event)
{
    u_char     *dot;
    ngx_str_t   object;

    object = *event;

    dot = ngx_strlchr(event->data, event->data + event->len, '.');
    if (dot) {
        object.len = dot - event->data;
    }

    return ngx_http_notify_text_is(&object, "*")
           || ngx_http_notify_text_equal_nocase(&type->object, &object);
}


static ngx_uint_t
ngx_http_notify_entity_type_named(const ngx_http_notify_entity_type_t *type,
    const ngx_str_t *text)
{
    return ngx_http_notify_text_equal_nocase(&type->name, text)
           || (type->aliases
               && ngx_http_notify_text_find_array_nocase(text, type->aliases));
}
