/*
 * Bodies: the call format (also used for deltas), raw data, JSON templates;
 * and the directives of what a call carries.  Bodies live in the pool of the
 * call.  Must not know how or to whom they are sent.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_cloudevents.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_payload.h"


static ngx_int_t ngx_http_notify_payload_event(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_uint_t attributes,
    ngx_uint_t extra, ngx_str_t *body);
static u_char *ngx_http_notify_payload_extra(u_char *p,
    const ngx_http_notify_event_t *event);
static u_char *ngx_http_notify_payload_whose(u_char *p, const char *name,
    const ngx_str_t *id);
static u_char *ngx_http_notify_payload_attributes(u_char *p,
    const ngx_http_notify_event_t *event);
static u_char *ngx_http_notify_payload_quote(u_char *p, const ngx_str_t *text);
static size_t ngx_http_notify_payload_quoted(const ngx_str_t *text);
static u_char *ngx_http_notify_payload_value(u_char *p, const ngx_str_t *json);

static ngx_http_notify_args_cmd_t  ngx_http_notify_payload_set;
static ngx_http_notify_args_cmd_t  ngx_http_notify_payload_set_method;
static ngx_http_notify_args_cmd_t  ngx_http_notify_payload_set_header;
static ngx_http_notify_args_cmd_t  ngx_http_notify_payload_set_success;


static ngx_command_t  ngx_http_notify_payload_commands[] = {

    { ngx_string("payload"),
      NGX_HTTP_NOTIFY_PROFILE_CONF|NGX_CONF_TAKE12,
      ngx_http_notify_payload_set,
      ngx_http_notify_block_whole },

    { ngx_string("method"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_payload_set_method,
      ngx_http_notify_block_whole },

    { ngx_string("header"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE2,
      ngx_http_notify_payload_set_header,
      ngx_http_notify_block_whole },

    { ngx_string("success"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE12,
      ngx_http_notify_payload_set_success,
      ngx_http_notify_block_whole },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_payload_module =
    ngx_http_notify_block_module(ngx_http_notify_payload_commands);


ngx_int_t
ngx_http_notify_payload_body(ngx_pool_t *pool,
    const ngx_http_notify_payload_conf_t *conf,
    ngx_http_notify_payload_context_t *context, ngx_str_t *body)
{
    ngx_int_t  rc;

    ngx_str_null(&context->payload);

    switch (conf->kind) {

    case NGX_HTTP_NOTIFY_PAYLOAD_JSON:
        rc = ngx_http_notify_payload_text(pool, conf->json, context, body);
        break;

    case NGX_HTTP_NOTIFY_PAYLOAD_BARE:
        *body = context->event->data;
        rc = NGX_OK;
        break;

    case NGX_HTTP_NOTIFY_PAYLOAD_RAW:

        *body = context->event->data;

        /* receivers of data expect an object */

        if (body->len == 0) {
            ngx_str_set(body, "{}");
        }

        rc = NGX_OK;
        break;

    case NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS_BINARY:

        *body = context->event->data;

        if (body->len == 0) {
            ngx_str_set(body, "null");
        }

        rc = NGX_OK;
        break;

    case NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS:
        rc = ngx_http_notify_cloudevents_body(pool, context->event, body);
        break;

    default: /* NGX_HTTP_NOTIFY_PAYLOAD_CALL */
        rc = ngx_http_notify_payload_event(pool, context->event, 1, 0, body);
    }

    if (rc == NGX_OK) {
        context->payload = *body;
    }

    return rc;
}


ngx_uint_t
ngx_http_notify_payload_shared(const ngx_http_notify_payload_conf_t *conf)
{
    return conf->kind == NGX_HTTP_NOTIFY_PAYLOAD_CALL
           || conf->kind == NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS;
}


ngx_int_t
ngx_http_notify_payload_call(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_uint_t extra, ngx_str_t *body)
{
    return ngx_http_notify_payload_event(pool, event, extra, extra, body);
}


static ngx_int_t
ngx_http_notify_payload_event(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_uint_t attributes,
    ngx_uint_t extra, ngx_str_t *body)
{
    u_char      *p;
    size_t       len;
    ngx_uint_t   i;

    len = sizeof("{\"eventType\":,\"entityTypeID\":,\"entityID\":,\"data\":}")
          - 1
          + ngx_http_notify_payload_quoted(&event->type)
          + ngx_max(event->entity_type_id.len, sizeof("null") - 1)
          + ngx_max(event->entity_id.len, sizeof("null") - 1)
          + ngx_max(event->data.len, sizeof("null") - 1);

    if (extra) {
        len += sizeof(",\"id\":\"\",\"time\":\"\",\"uid\":null") - 1
               + NGX_HTTP_NOTIFY_ID_EVENT_LEN + NGX_HTTP_NOTIFY_ID_TIME_LEN
               + ngx_http_notify_payload_quoted(&event->uid)
               + sizeof(",\"sessionId\":,\"customerId\":,\"conversationId\":")
                 - 1
               + ngx_http_notify_payload_quoted(&event->session_id)
               + ngx_http_notify_payload_quoted(&event->customer_id)
               + ngx_http_notify_payload_quoted(&event->conversation_id);
    }

    if (attributes) {
        for (i = 0; i < event->nattributes; i++) {
            len += sizeof(",:") - 1
                   + ngx_http_notify_payload_quoted(&event->attributes[i].key)
                   + ngx_http_notify_payload_quoted(
                                                &event->attributes[i].value);
        }
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    p = ngx_cpymem(p, "{\"eventType\":", sizeof("{\"eventType\":") - 1);
    p = ngx_http_notify_payload_quote(p, &event->type);
    p = ngx_cpymem(p, ",\"entityTypeID\":", sizeof(",\"entityTypeID\":") - 1);
    p = ngx_http_notify_payload_value(p, &event->entity_type_id);
    p = ngx_cpymem(p, ",\"entityID\":", sizeof(",\"entityID\":") - 1);
    p = ngx_http_notify_payload_value(p, &event->entity_id);
    p = ngx_cpymem(p, ",\"data\":", sizeof(",\"data\":") - 1);
    p = ngx_http_notify_payload_value(p, &event->data);

    if (extra) {
        p = ngx_http_notify_payload_extra(p, event);
    }

    if (attributes) {
        p = ngx_http_notify_payload_attributes(p, event);
    }

    *p++ = '}';

    body->len = p - body->data;

    return NGX_OK;
}


static u_char *
ngx_http_notify_payload_extra(u_char *p, const ngx_http_notify_event_t *event)
{
    p = ngx_cpymem(p, ",\"id\":\"", sizeof(",\"id\":\"") - 1);
    p = ngx_http_notify_id_event(p, &event->id);
    p = ngx_cpymem(p, "\",\"time\":\"", sizeof("\",\"time\":\"") - 1);
    p = ngx_http_notify_id_time(p, event->time);
    p = ngx_cpymem(p, "\",\"uid\":", sizeof("\",\"uid\":") - 1);

    if (event->uid.len == 0) {
        p = ngx_cpymem(p, "null", sizeof("null") - 1);

    } else {
        p = ngx_http_notify_payload_quote(p, &event->uid);
    }

    p = ngx_http_notify_payload_whose(p, ",\"sessionId\":",
                                      &event->session_id);
    p = ngx_http_notify_payload_whose(p, ",\"customerId\":",
                                      &event->customer_id);

    return ngx_http_notify_payload_whose(p, ",\"conversationId\":",
                                         &event->conversation_id);
}


/* most events have none of these, and so do not show them */

static u_char *
ngx_http_notify_payload_whose(u_char *p, const char *name,
    const ngx_str_t *id)
{
    if (id->len == 0) {
        return p;
    }

    p = ngx_cpymem(p, name, ngx_strlen(name));

    return ngx_http_notify_payload_quote(p, id);
}


static u_char *
ngx_http_notify_payload_attributes(u_char *p,
    const ngx_http_notify_event_t *event)
{
    ngx_uint_t  i;

    for (i = 0; i < event->nattributes; i++) {
        *p++ = ',';
        p = ngx_http_notify_payload_quote(p, &event->attributes[i].key);
        *p++ = ':';
        p = ngx_http_notify_payload_quote(p, &event->attributes[i].value);
    }

    return p;
}


static u_char *
ngx_http_notify_payload_quote(u_char *p, const ngx_str_t *text)
{
    *p++ = '"';
    p = ngx_http_notify_json_put_escaped(p, text);
    *p++ = '"';

    return p;
}


static size_t
ngx_http_notify_payload_quoted(const ngx_str_t *text)
{
    return 2 + ngx_http_notify_json_escaped_len(text);
}


static u_char *
ngx_http_notify_payload_value(u_char *p, const ngx_str_t *json)
{
    if (json->len == 0) {
        return ngx_cpymem(p, "null", sizeof("null") - 1);
    }

    return ngx_cpymem(p, json->data, json->len);
}


char *
ngx_http_notify_payload_conf_init(ngx_conf_t *cf,
    ngx_http_notify_payload_conf_t *conf)
{
    ngx_str_t  name;

    if (conf->method.len == 0) {
        ngx_str_set(&conf->method, "POST");
    }

    ngx_str_set(&name, "User-Agent");
    conf->user_agent_given = ngx_http_notify_payload_header_given(conf, &name);

    ngx_str_set(&name, "Content-Type");
    conf->content_type_given = ngx_http_notify_payload_header_given(conf,
                                                                    &name);

    ngx_str_set(&name, "X-API-Key");
    conf->api_key_given = ngx_http_notify_payload_header_given(conf, &name);

    if (conf->kind == NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS) {
        ngx_str_set(&conf->content_type, "application/cloudevents+json");

    } else {
        ngx_str_set(&conf->content_type, "application/json");
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_payload_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    ngx_str_t                       *value;
    const char                      *reason;
    ngx_http_notify_payload_conf_t  *pcf;

    pcf = &ccf->payload;

    if (pcf->payload_given) {
        return "is duplicate";
    }

    pcf->payload_given = 1;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "cloudevents") == 0) {

        pcf->kind = NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS;

        if (cf->args->nelts == 2) {
            return NGX_CONF_OK;
        }

        if (ngx_strcmp(value[2].data, "binary") == 0) {
            pcf->kind = NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS_BINARY;
            return NGX_CONF_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"payload\", after "
                           "\"cloudevents\" it must be \"binary\"",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts > 2) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"payload\", only "
                           "\"cloudevents\" has one", &value[2]);
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[1].data, "raw") == 0) {
        pcf->kind = NGX_HTTP_NOTIFY_PAYLOAD_RAW;
        return NGX_CONF_OK;
    }

    pcf->kind = NGX_HTTP_NOTIFY_PAYLOAD_JSON;

    pcf->json = ngx_http_notify_payload_compile_json(cf, &value[1], 1,
                                                     &reason);
    if (pcf->json == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"payload\"%s", reason,
                           value[1].len && value[1].data[0] >= 'a'
                           && value[1].data[0] <= 'z'
                           ? ", it must be \"raw\", \"cloudevents\" or JSON"
                           : "");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_payload_set_method(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    static const char  *methods[] = { "POST", "PUT", "PATCH" };

    if (ccf->payload.method.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (ngx_strcmp(value[1].data, methods[i]) == 0) {
            ccf->payload.method = value[1];
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid method \"%V\", "
                       "it must be \"POST\", \"PUT\" or \"PATCH\"", &value[1]);
    return NGX_CONF_ERROR;
}


static char *
ngx_http_notify_payload_set_header(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    ngx_str_t                         *value;
    const char                        *reason;
    ngx_http_notify_payload_conf_t    *pcf;
    ngx_http_notify_payload_header_t  *header;

    pcf = &ccf->payload;
    value = cf->args->elts;

    if (ngx_http_notify_payload_header_name(&value[1], &reason) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "header \"%V\" cannot be set: %s", &value[1],
                           reason);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_payload_header_value(&value[2]) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the value of header \"%V\" has control characters",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_payload_header_given(pcf, &value[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate header \"%V\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    header = ngx_http_notify_memory_push(cf->pool, &pcf->headers,
        sizeof(ngx_http_notify_payload_header_t));
    if (header == NULL) {
        return NGX_CONF_ERROR;
    }

    header->name = value[1];
    header->value = ngx_http_notify_payload_compile(cf, &value[2], &reason);

    if (header->value == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"header\"", reason);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_payload_set_success(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    ngx_str_t                       *value;
    ngx_http_notify_json_error_t     error;
    ngx_http_notify_payload_conf_t  *pcf;

    pcf = &ccf->payload;

    if (pcf->success_given) {
        return "is duplicate";
    }

    pcf->success_given = 1;

    value = cf->args->elts;

    if (cf->args->nelts == 2) {

        if (ngx_strcmp(value[1].data, "status") == 0) {
            return NGX_CONF_OK;
        }

    } else if (ngx_strcmp(value[1].data, "json") == 0) {

        pcf->success = ngx_http_notify_json_parse(cf->pool, &value[2],
                                                  &error);
        if (pcf->success == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid JSON at byte %uz: %s in \"success\"",
                               error.offset, error.reason);
            return NGX_CONF_ERROR;
        }

        if (ngx_http_notify_json_type(pcf->success)
            != NGX_HTTP_NOTIFY_JSON_OBJECT)
        {
            return "must name a JSON object";
        }

        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" in \"success\", it must be "
                       "\"status\", or \"json\" and an object", &value[1]);
    return NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_notify_payload_conf_named(const ngx_http_notify_payload_conf_t *conf,
    ngx_http_notify_payload_named_pt handler, void *data)
{
    ngx_int_t                          rc;
    ngx_uint_t                         i;
    ngx_http_notify_payload_header_t  *header;

    rc = ngx_http_notify_payload_named(conf->json, handler, data);

    if (rc != NGX_OK || conf->headers == NULL) {
        return rc;
    }

    header = conf->headers->elts;

    for (i = 0; i < conf->headers->nelts; i++) {
        rc = ngx_http_notify_payload_named(header[i].value, handler, data);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}
