/*
 * Arguments of directives: words, NAME=VALUE, and values with variables.
 * Only while the configuration is read.
 */

#ifndef _NGX_HTTP_NOTIFY_ARGS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_ARGS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * A parameter that a directive takes.  A table of them ends with an entry that
 * has no name; its setter, if it has one, gets every other argument.
 */

typedef struct ngx_http_notify_args_param_s  ngx_http_notify_args_param_t;

/* the setter of a directive, as nginx calls it */
typedef char *ngx_http_notify_args_cmd_t(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Returns what the setter of a directive returns. */
typedef char *ngx_http_notify_args_set_t(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field);

struct ngx_http_notify_args_param_s {
    ngx_str_t                     name;     /* "idle=", or "ssl", a word */
    ngx_http_notify_args_set_t   *set;
    size_t                        offset;   /* of the field */
    int64_t                       min;
    int64_t                       max;
    const char                   *must;     /* "it must be ...", NULL: min to
                                               max */
    ngx_uint_t                    many;     /* unsigned  many:1; may be given
                                               several times */
};

#define NGX_HTTP_NOTIFY_ARGS_YEAR  ((int64_t) 365 * 86400 * 1000)
#define NGX_HTTP_NOTIFY_ARGS_TIME                                             \
    "a time of 1ms to 365d, as \"30s\", \"5m\" or \"2h\""

/* a word, for an ngx_uint_t that becomes 1 */
#define ngx_http_notify_args_flag(name, conf, field)                          \
    { ngx_string(name), ngx_http_notify_args_word, offsetof(conf, field),     \
      0, 0, NULL, 0 }

#define ngx_http_notify_args_end                                              \
    { ngx_null_string, NULL, 0, 0, 0, NULL, 0 }


/* all arguments from that index on; what is wrong is logged */
char *ngx_http_notify_args_parse(ngx_conf_t *cf, ngx_uint_t from,
    const ngx_http_notify_args_param_t *params, void *conf);

/* setters of parameters, for fields of the type that is named */

/* ngx_uint_t, becomes 1 */
char *ngx_http_notify_args_word(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field);
/* ngx_str_t of min to max bytes */
char *ngx_http_notify_args_text(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field);
/* ngx_uint_t of min to max */
char *ngx_http_notify_args_number(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field);
/* ngx_msec_t of min to max */
char *ngx_http_notify_args_msec(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field);
/* uint64_t of min to max milliseconds */
char *ngx_http_notify_args_time(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field);

/* Appends to an array of ngx_str_t, which is NULL at first. */
char *ngx_http_notify_args_append(ngx_conf_t *cf, ngx_array_t **array,
    const ngx_str_t *value);
/* Logs that there is no such parameter. */
char *ngx_http_notify_args_unknown(ngx_conf_t *cf, const ngx_str_t *arg);
/* Logs that a value is invalid, and what it must be. */
char *ngx_http_notify_args_invalid(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, const ngx_str_t *value);

/*
 * Setters of directives with one value, checked as the parameter in cmd->post
 * says.  A field is an ngx_uint_t or a size_t, unset as in nginx.
 */
char *ngx_http_notify_args_number_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
/* min 0: also "off", which is 0 */
char *ngx_http_notify_args_size_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* the same with one function for all parameters */

/* Of a word the value has no data.  What is not right is a phrase that follows
 * the argument. */
typedef char *(*ngx_http_notify_args_pt)(ngx_conf_t *cf, void *conf,
    const ngx_str_t *name, ngx_str_t *value);

/* all from the one of that index on, what is wrong is logged */
char *ngx_http_notify_args(ngx_conf_t *cf, ngx_uint_t from,
    ngx_http_notify_args_pt handler, void *conf);

/* whether NAME= is one of the arguments from `from` on, before the i-th */
ngx_uint_t ngx_http_notify_args_again(const ngx_str_t *arg, ngx_uint_t from,
    ngx_uint_t i, const ngx_str_t *name);
/* into what is NULL so far, else such a phrase */
char *ngx_http_notify_args_value(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_complex_value_t **value);


#endif /* _NGX_HTTP_NOTIFY_ARGS_H_INCLUDED_ */
