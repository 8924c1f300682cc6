/*
 * notify_ingest: a location that other people's webhooks come to.  The body is
 * an event's data, the answer is sent when Redis has the event.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_api_publish.h"
#include "ngx_http_notify_args.h"
#include "ngx_http_notify_body.h"
#include "ngx_http_notify_event_form.h"
#include "ngx_http_notify_http_module.h"
#include "ngx_http_notify_ingest.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_serve.h"
#include "ngx_http_notify_source.h"
#include "ngx_http_notify_tenants.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_unchanged.h"


typedef struct {
    ngx_http_notify_source_t     source;
    ngx_http_complex_value_t    *event;     /* NULL: the source's, a name */
} ngx_http_notify_ingest_conf_t;

typedef struct {
    ngx_array_t                  list;      /* of _conf_t *, all there are */
} ngx_http_notify_ingest_main_conf_t;

typedef struct {
    ngx_http_notify_ingest_conf_t  *ingest;
} ngx_http_notify_ingest_loc_conf_t;


static ngx_int_t ngx_http_notify_ingest_handler(ngx_http_request_t *r);
static void ngx_http_notify_ingest_body(ngx_http_request_t *r);
static void ngx_http_notify_ingest(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_ingest_event(ngx_http_notify_api_t *api,
    ngx_http_notify_log_entry_t *entry);
static ngx_int_t ngx_http_notify_ingest_form(ngx_http_notify_api_t *api,
    ngx_http_notify_event_form_t *form);
static ngx_int_t ngx_http_notify_ingest_key(ngx_http_notify_api_t *api,
    ngx_http_notify_log_entry_t *entry);
static ngx_http_notify_args_cmd_t  ngx_http_notify_ingest_set;
static char *ngx_http_notify_ingest_mount(ngx_conf_t *cf,
    ngx_http_notify_ingest_conf_t *ingest);
static char *ngx_http_notify_ingest_arg(ngx_conf_t *cf, void *conf,
    const ngx_str_t *name, ngx_str_t *value);
static void *ngx_http_notify_ingest_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_notify_ingest_init_main_conf(ngx_conf_t *cf,
    void *conf);
static void *ngx_http_notify_ingest_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_notify_ingest_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);


static ngx_command_t  ngx_http_notify_ingest_commands[] = {

    { ngx_string("notify_ingest"),
      NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_http_notify_ingest_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_notify_ingest_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_http_notify_ingest_create_main_conf, /* create main configuration */
    ngx_http_notify_ingest_init_main_conf, /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_notify_ingest_create_loc_conf, /* create location configuration */
    ngx_http_notify_ingest_merge_loc_conf  /* merge location configuration */
};


ngx_module_t  ngx_http_notify_ingest_module =
    ngx_http_notify_http_module(&ngx_http_notify_ingest_module_ctx,
                                ngx_http_notify_ingest_commands);


/* no part of the API: a location of this module has it and nothing else */

static ngx_http_notify_api_resource_t  ngx_http_notify_ingest_resource = {
    ngx_string("ingest"),
    { NGX_HTTP_POST, 0 },
    NULL,
    ngx_http_notify_ingest,
    NGX_HTTP_NOTIFY_API_FORM|NGX_HTTP_NOTIFY_API_SUFFIX,
    NGX_HTTP_NOTIFY_API_KEY_IGNORED,
    1
};


static ngx_int_t
ngx_http_notify_ingest_handler(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_http_notify_api_t  *api;

    api = ngx_http_notify_api_create(r);
    if (api == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (api->method != NGX_HTTP_POST) {

        rc = ngx_http_discard_request_body(r);
        if (rc != NGX_OK) {
            return rc;
        }

        r->main->count++;

        (void) ngx_http_notify_api_admit(api, &ngx_http_notify_ingest_resource);
        return NGX_DONE;
    }

    rc = ngx_http_read_client_request_body(r, ngx_http_notify_ingest_body);

    if (rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
        return ngx_http_notify_api_large(api);
    }

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


static void
ngx_http_notify_ingest_body(ngx_http_request_t *r)
{
    ngx_http_notify_api_t  *api;

    api = ngx_http_get_module_ctx(r, ngx_http_notify_api_module);

    api->data = &ngx_http_notify_ingest_resource;

    ngx_http_notify_api_body_handler(r);
}


/* the body is read, and of a type that may be one */

static void
ngx_http_notify_ingest(ngx_http_notify_api_t *api)
{
    ngx_int_t                       rc;
    ngx_http_notify_api_publish_t  *publish;

    publish = ngx_pcalloc(api->request->pool,
                          sizeof(ngx_http_notify_api_publish_t)
                          + sizeof(ngx_http_notify_log_entry_t));
    if (publish == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    api->data = publish;

    publish->n = 1;
    publish->entries = (ngx_http_notify_log_entry_t *) &publish[1];

    rc = ngx_http_notify_api_publish_headers(api);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_ingest_event(api, publish->entries);
    }

    if (rc == NGX_ERROR) {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_api_publish_rate(api);
    }

    if (rc != NGX_OK) {
        ngx_http_notify_tenants_add(api->channel->metrics, &api->tenant,
                                    NGX_HTTP_NOTIFY_METRICS_REFUSED, 1);
        return;
    }

    ngx_http_notify_api_publish(api);
}


/* NGX_DECLINED: an answer has been sent */

static ngx_int_t
ngx_http_notify_ingest_event(ngx_http_notify_api_t *api,
    ngx_http_notify_log_entry_t *entry)
{
    ngx_int_t                       rc;
    ngx_http_notify_event_form_t    form;
    ngx_http_notify_api_publish_t  *publish;

    publish = api->data;

    ngx_memzero(&form, sizeof(ngx_http_notify_event_form_t));

    form.pool = api->request->pool;
    form.channel = api->channel;
    form.invalid = &api->invalid;
    form.event = &entry->event;

    entry->event.tenant = api->tenant;
    entry->event.hops = publish->hops;
    entry->event.time = ngx_http_notify_api_now();
    entry->event.traceparent = publish->trace.traceparent;
    entry->event.tracestate = publish->trace.tracestate;

    rc = ngx_http_notify_ingest_form(api, &form);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_event_form_end(&form);
    }

    if (rc == NGX_ERROR || rc == NGX_DONE) {
        return rc == NGX_DONE ? NGX_DECLINED : NGX_ERROR;
    }

    if (ngx_http_notify_invalid_n(&api->invalid)) {
        ngx_http_notify_api_unprocessable(api);
        return NGX_DECLINED;
    }

    entry->flag = form.flag;

    if (ngx_http_notify_unchanged(api->request->pool, api->channel, entry)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_ingest_key(api, entry);
}


/* the name, the data and the parameters; NGX_DONE: an answer has been sent */

static ngx_int_t
ngx_http_notify_ingest_form(ngx_http_notify_api_t *api,
    ngx_http_notify_event_form_t *form)
{
    ngx_int_t                           rc;
    ngx_http_request_t                 *r;
    ngx_http_notify_ingest_conf_t      *ingest;
    ngx_http_notify_ingest_loc_conf_t  *ilcf;

    r = api->request;

    ilcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_ingest_module);
    ingest = ilcf->ingest;

    form->event_type = ingest->source.event;

    if (ingest->event) {

        if (ngx_http_complex_value(r, ingest->event, &form->event_type)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_str_set(&form->event_type_name, "eventType");
    }

    if (ngx_http_notify_body_is(r, "application/x-www-form-urlencoded")) {
        rc = ngx_http_notify_ingest_object(r->pool, &api->body,
                                           &form->event->data);

        if (rc == NGX_DECLINED) {
            ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                        "invalid_form",
                                        "the form is not UTF-8, or has more "
                                        "than %d fields",
                                        NGX_HTTP_NOTIFY_INGEST_FIELDS);
            return NGX_DONE;
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (api->body.len) {

        if (ngx_http_notify_api_json(api, &form->event->data) != NGX_OK) {
            return NGX_DONE;
        }

        if (ngx_http_notify_json_unique(&form->event->data, &form->twice)
            != NGX_OK)
        {
            ngx_http_notify_api_twice(api, &form->twice);
            return NGX_DONE;
        }
    }

    return ngx_http_notify_source_params(r, &ingest->source, form);
}


/*
 * A sender's retry may differ in what it says of itself: the id alone says
 * that it is the same.
 */

static ngx_int_t
ngx_http_notify_ingest_key(ngx_http_notify_api_t *api,
    ngx_http_notify_log_entry_t *entry)
{
    ngx_str_t  parts[2];

    if (entry->event.uid.len == 0) {
        return NGX_OK;
    }

    parts[0] = api->tenant;
    parts[1] = entry->event.uid;

    if (ngx_http_notify_api_publish_digest(api->request->pool, parts, 2,
                                           &entry->key)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    entry->body = entry->key;

    return NGX_OK;
}


/* notify_ingest CHANNEL EVENT [NAME=VALUE]... */

static char *
ngx_http_notify_ingest_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_ingest_loc_conf_t *ilcf = conf;

    char                                *rv;
    ngx_str_t                           *value;
    ngx_http_notify_ingest_conf_t       *ingest, **entry;
    ngx_http_notify_ingest_main_conf_t  *imcf;

    rv = ngx_http_notify_serve(cf, ngx_http_notify_ingest_handler);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    imcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_notify_ingest_module);

    ingest = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_ingest_conf_t));
    entry = ngx_array_push(&imcf->list);

    if (ingest == NULL || entry == NULL) {
        return NGX_CONF_ERROR;
    }

    *entry = ingest;

    value = cf->args->elts;

    if (ngx_http_notify_source_create(cf, &ingest->source) != NGX_CONF_OK
        || ngx_http_notify_args(cf, 3, ngx_http_notify_ingest_arg, ingest)
           != NGX_CONF_OK
        || ngx_http_notify_args_value(cf, &value[2], &ingest->event)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ingest->event->lengths == NULL) {
        ingest->event = NULL;
    }

    ilcf->ingest = ingest;

    return ngx_http_notify_ingest_mount(cf, ingest);
}


/* requests are answered as those to the API are */

static char *
ngx_http_notify_ingest_mount(ngx_conf_t *cf,
    ngx_http_notify_ingest_conf_t *ingest)
{
    ngx_http_core_loc_conf_t         *clcf;
    ngx_http_notify_api_mount_t      *mount, **slot;
    ngx_http_notify_api_loc_conf_t   *alcf;
    ngx_http_notify_api_srv_conf_t   *ascf;

    static ngx_str_t  request_id = ngx_string("request_id");

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    alcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_notify_api_module);
    ascf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_notify_api_module);

    mount = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_api_mount_t));
    slot = ngx_array_push(&ascf->mounts);

    if (mount == NULL || slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = mount;

    mount->resource = &ngx_http_notify_ingest_resource;
    mount->prefix = clcf->name;
    mount->loc_conf = clcf->loc_conf;

    alcf->mount = mount;
    alcf->request_id = ngx_http_get_variable_index(cf, &request_id);

    if (alcf->request_id == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_module_channel(cf,
                                    (ngx_str_t *) cf->args->elts + 1,
                                    &mount->channel);
}


static char *
ngx_http_notify_ingest_arg(ngx_conf_t *cf, void *conf, const ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_http_notify_ingest_conf_t *ingest = conf;

    if (value->data == NULL || ngx_http_notify_text_is(name, "tenant")) {
        return ngx_http_notify_text_is(name, "tenant")
               ? ", \"notify_tenant\" says whose it is" : "";
    }

    return ngx_http_notify_source_arg(cf, &ingest->source, name, value);
}


static void *
ngx_http_notify_ingest_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_notify_ingest_main_conf_t  *imcf;

    imcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_ingest_main_conf_t));

    if (imcf == NULL
        || ngx_array_init(&imcf->list, cf->pool, 4,
                          sizeof(ngx_http_notify_ingest_conf_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return imcf;
}


static char *
ngx_http_notify_ingest_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_notify_ingest_main_conf_t *imcf = conf;

    ngx_str_t                        event;
    ngx_uint_t                       i;
    ngx_http_notify_ingest_conf_t  **ingest;

    ingest = imcf->list.elts;

    for (i = 0; i < imcf->list.nelts; i++) {

        /* a name with variables is checked when it is known */

        event = ingest[i]->source.event;

        if (ingest[i]->event) {
            ngx_str_null(&ingest[i]->source.event);
        }

        if (ngx_http_notify_source_init(cf, &ingest[i]->source, NULL)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        if (ingest[i]->event) {
            ingest[i]->source.event = event;
        }
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_notify_ingest_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_ingest_loc_conf_t));
}


/* limit_except and `if` are the location still */

static char *
ngx_http_notify_ingest_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_notify_ingest_loc_conf_t *prev = parent;
    ngx_http_notify_ingest_loc_conf_t *ilcf = child;

    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname && ilcf->ingest == NULL && prev->ingest) {
        ilcf->ingest = prev->ingest;
    }

    return NGX_CONF_OK;
}
