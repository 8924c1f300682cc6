/*
 * The part of notify_profile that says when deliveries are made again, how
 * many and how fast.  Runs while the configuration is read; the result is
 * read-only.  Must not know how a call is made.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_profile.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_PROFILE_FAILURES   100000
#define NGX_HTTP_NOTIFY_PROFILE_CODES      64
#define NGX_HTTP_NOTIFY_PROFILE_RATE       1000000
#define NGX_HTTP_NOTIFY_PROFILE_IN_FLIGHT  1024
#define NGX_HTTP_NOTIFY_PROFILE_AUTO       256
#define NGX_HTTP_NOTIFY_PROFILE_KEEPALIVE  64       /* the default */


static ngx_http_notify_args_cmd_t  ngx_http_notify_profile_breaker;
static ngx_http_notify_args_cmd_t  ngx_http_notify_profile_rate;
static ngx_http_notify_args_cmd_t  ngx_http_notify_profile_set_in_flight;
static ngx_http_notify_args_cmd_t  ngx_http_notify_profile_order;
static ngx_uint_t ngx_http_notify_profile_rate_unit(ngx_str_t *value);
static ngx_http_notify_args_set_t  ngx_http_notify_profile_step;
static ngx_http_notify_args_set_t  ngx_http_notify_profile_jitter;
static ngx_http_notify_args_set_t  ngx_http_notify_profile_ignore;
static ngx_http_notify_args_cmd_t  ngx_http_notify_profile_disable_after;


static ngx_http_notify_args_param_t  ngx_http_notify_profile_in_flight = {
    ngx_string("number"), NULL, 0, 1, NGX_HTTP_NOTIFY_PROFILE_IN_FLIGHT,
    "\"auto\" or 1 to 1024", 0
};

static ngx_http_notify_args_param_t  ngx_http_notify_profile_auto_params[] = {

    { ngx_string("max="),
      ngx_http_notify_args_number,
      offsetof(ngx_http_notify_profile_t, in_flight),
      1, NGX_HTTP_NOTIFY_PROFILE_IN_FLIGHT, NULL, 0 },

    ngx_http_notify_args_end
};

static ngx_http_notify_args_param_t  ngx_http_notify_profile_disable_param = {
    ngx_string("time"), NULL, 0, 1000, NGX_HTTP_NOTIFY_ARGS_YEAR,
    "\"off\" or a time of 1s to 365d, as \"5d\"", 0
};

static ngx_http_notify_args_param_t  ngx_http_notify_profile_retry_params[] = {

    { ngx_string("jitter="),
      ngx_http_notify_profile_jitter,
      offsetof(ngx_http_notify_backoff_t, jitter),
      0, 100, "0% to 100%", 0 },

    { ngx_string("until="),
      ngx_http_notify_args_time,
      offsetof(ngx_http_notify_backoff_t, until),
      1, NGX_HTTP_NOTIFY_ARGS_YEAR, NGX_HTTP_NOTIFY_ARGS_TIME, 0 },

    { ngx_null_string, ngx_http_notify_profile_step, 0, 0, 0, NULL, 0 }
};

static ngx_http_notify_args_param_t  ngx_http_notify_profile_step_param = {
    ngx_string("step"), NULL, 0,
    1, NGX_HTTP_NOTIFY_ARGS_YEAR, NGX_HTTP_NOTIFY_ARGS_TIME, 0
};

static ngx_http_notify_args_param_t
    ngx_http_notify_profile_breaker_params[] =
{
    { ngx_string("failures="),
      ngx_http_notify_args_number,
      offsetof(ngx_http_notify_breaker_conf_t, failures),
      1, NGX_HTTP_NOTIFY_PROFILE_FAILURES, NULL, 0 },

    { ngx_string("window="),
      ngx_http_notify_args_msec,
      offsetof(ngx_http_notify_breaker_conf_t, window),
      1, NGX_HTTP_NOTIFY_ARGS_YEAR, NGX_HTTP_NOTIFY_ARGS_TIME, 0 },

    { ngx_string("cooldown="),
      ngx_http_notify_args_msec,
      offsetof(ngx_http_notify_breaker_conf_t, cooldown),
      1, NGX_HTTP_NOTIFY_ARGS_YEAR, NGX_HTTP_NOTIFY_ARGS_TIME, 0 },

    { ngx_string("ignore="),
      ngx_http_notify_profile_ignore,
      offsetof(ngx_http_notify_breaker_conf_t, ignore),
      0, 0, NULL, 0 },

    ngx_http_notify_args_end
};

static ngx_http_notify_args_param_t  ngx_http_notify_profile_rate_params[] = {

    { ngx_string("burst="),
      ngx_http_notify_args_number,
      offsetof(ngx_http_notify_bucket_conf_t, burst),
      1, NGX_HTTP_NOTIFY_PROFILE_RATE, NULL, 0 },

    ngx_http_notify_args_end
};


static ngx_command_t  ngx_http_notify_profile_commands[] = {

    { ngx_string("retry"),
      NGX_HTTP_NOTIFY_PROFILE_CONF|NGX_CONF_1MORE,
      ngx_http_notify_profile_set_retry,
      ngx_http_notify_block_whole },

    { ngx_string("breaker"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_1MORE,
      ngx_http_notify_profile_breaker,
      ngx_http_notify_block_whole },

    { ngx_string("rate"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE12,
      ngx_http_notify_profile_rate,
      ngx_http_notify_block_whole },

    { ngx_string("in_flight"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE12,
      ngx_http_notify_profile_set_in_flight,
      ngx_http_notify_block_whole },

    { ngx_string("order"),
      NGX_HTTP_NOTIFY_PROFILE_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_profile_order,
      ngx_http_notify_block_whole },

    { ngx_string("disable_after"),
      NGX_HTTP_NOTIFY_PROFILE_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_profile_disable_after,
      ngx_http_notify_block_whole },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_profile_module =
    ngx_http_notify_block_module(ngx_http_notify_profile_commands);


/* 5s 5m 30m 2h 5h 10h 10h jitter=20% */
static ngx_http_notify_backoff_t  ngx_http_notify_profile_retry_default = {
    7, 20, 0,
    { 5 * 1000, 300 * 1000, 1800 * 1000, 7200 * 1000, 18000 * 1000,
      36000 * 1000, 36000 * 1000 }
};


ngx_http_notify_profile_t *
ngx_http_notify_profile_create(ngx_conf_t *cf, const ngx_str_t *name)
{
    ngx_http_notify_profile_t  *profile;

    profile = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_profile_t));
    if (profile == NULL) {
        return NULL;
    }

    ngx_http_notify_call_conf_create(&profile->call);

    profile->name = *name;
    profile->retry.nsteps = NGX_CONF_UNSET_UINT;
    profile->breaker.failures = NGX_CONF_UNSET_UINT;
    profile->rate.rate = NGX_CONF_UNSET_UINT;
    profile->in_flight = NGX_CONF_UNSET_UINT;
    profile->strict = NGX_CONF_UNSET_UINT;
    profile->disable_after = NGX_CONF_UNSET_MSEC;
    profile->attempts.mode = NGX_CONF_UNSET_UINT;
    profile->attempts.response = NGX_CONF_UNSET_SIZE;

    return profile;
}


char *
ngx_http_notify_profile_init(ngx_conf_t *cf,
    ngx_http_notify_profile_t *profile)
{
    char  *rv;

    if (profile->retry.nsteps == NGX_CONF_UNSET_UINT) {
        profile->retry = ngx_http_notify_profile_retry_default;
    }

    if (profile->breaker.failures == NGX_CONF_UNSET_UINT) {
        profile->breaker.failures = 50;
        profile->breaker.window = 60 * 1000;
        profile->breaker.cooldown = 30 * 1000;
    }

    if (profile->rate.rate == NGX_CONF_UNSET_UINT) {
        profile->rate.rate = 0;
        profile->rate.burst = 1;
    }

    if (profile->in_flight == NGX_CONF_UNSET_UINT) {
        profile->in_flight = NGX_HTTP_NOTIFY_PROFILE_AUTO;
        profile->in_flight_auto = 1;
    }

    ngx_conf_init_uint_value(profile->strict, 0);
    ngx_conf_init_msec_value(profile->disable_after, 5 * 24 * 3600 * 1000);

    if (profile->attempts.mode == NGX_CONF_UNSET_UINT) {
        profile->attempts.mode = NGX_HTTP_NOTIFY_ATTEMPTS_ALL;
        profile->attempts.max = NGX_HTTP_NOTIFY_ATTEMPTS_MAX;
    }

    ngx_conf_init_size_value(profile->attempts.response, 0);

    profile->call.once = (profile->retry.nsteps == 0);

    /* else most calls would need a connection of their own */

    if (profile->call.keepalive == NGX_CONF_UNSET_UINT
        && profile->in_flight > NGX_HTTP_NOTIFY_PROFILE_KEEPALIVE)
    {
        profile->call.keepalive = profile->in_flight;
    }

    rv = ngx_http_notify_call_conf_init(cf, &profile->call);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    /* what is not read cannot be looked into */

    if (profile->call.payload.success && profile->call.response_limit == 0) {
        return "has \"success json\" and a \"response_limit\" of 0";
    }

    if (profile->call.confirm == NGX_HTTP_NOTIFY_CONFIRM_CHALLENGE
        && profile->call.response_limit == 0)
    {
        return "has \"confirm challenge\" and a \"response_limit\" of 0";
    }

    return NGX_CONF_OK;
}


ngx_http_notify_profile_t *
ngx_http_notify_profile_find(const ngx_array_t *profiles,
    const ngx_str_t *name)
{
    ngx_uint_t                   i;
    ngx_http_notify_profile_t  **profile;

    profile = profiles->elts;

    for (i = 0; i < profiles->nelts; i++) {
        if (ngx_http_notify_text_equal(&profile[i]->name, name)) {
            return profile[i];
        }
    }

    return NULL;
}


/* retry TIME... [jitter=%] [until=TIME] | off */

char *
ngx_http_notify_profile_set_retry(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_profile_t *profile = conf;

    char                       *rv;
    ngx_str_t                  *args;
    ngx_http_notify_backoff_t  *retry;

    retry = &profile->retry;

    if (retry->nsteps != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;

    retry->nsteps = 0;
    retry->jitter = NGX_CONF_UNSET_UINT;

    if (ngx_strcmp(args[1].data, "off") == 0) {
        retry->jitter = 0;
        return cf->args->nelts == 2 ? NGX_CONF_OK
                                    : "has parameters after \"off\"";
    }

    rv = ngx_http_notify_args_parse(cf, 1,
                                    ngx_http_notify_profile_retry_params,
                                    retry);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (retry->nsteps == 0) {
        return "has no step";
    }

    if (retry->until && retry->until < retry->steps[0]) {
        return "has an \"until\" before its first step";
    }

    ngx_conf_init_uint_value(retry->jitter, 0);

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_profile_step(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    ngx_http_notify_backoff_t *retry = field;

    if (ngx_strlchr(value->data, value->data + value->len, '=')) {
        return ngx_http_notify_args_unknown(cf, value);
    }

    if (retry->nsteps == NGX_HTTP_NOTIFY_BACKOFF_STEPS) {
        return "has more than 32 steps";
    }

    return ngx_http_notify_args_time(cf, &ngx_http_notify_profile_step_param,
                                     value, &retry->steps[retry->nsteps++]);
}


static char *
ngx_http_notify_profile_jitter(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    ngx_str_t  number;

    if (value->len < 2 || value->data[value->len - 1] != '%') {
        return ngx_http_notify_args_invalid(cf, param, value);
    }

    number.data = value->data;
    number.len = value->len - 1;

    return ngx_http_notify_args_number(cf, param, &number, field);
}


/* breaker failures=N window=T cooldown=T [ignore=CODES] | off */
static char *
ngx_http_notify_profile_breaker(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_profile_t *profile = conf;

    char                            *rv;
    ngx_str_t                       *args;
    ngx_http_notify_breaker_conf_t  *breaker;

    breaker = &profile->breaker;

    if (breaker->failures != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    breaker->failures = 0;

    args = cf->args->elts;

    if (ngx_strcmp(args[1].data, "off") == 0) {
        return cf->args->nelts == 2 ? NGX_CONF_OK
                                    : "has parameters after \"off\"";
    }

    if (ngx_strlchr(args[1].data, args[1].data + args[1].len, '=') == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"breaker\", it must "
                           "be \"off\", or \"failures=\", \"window=\" and "
                           "\"cooldown=\"", &args[1]);
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_notify_args_parse(cf, 1,
                                    ngx_http_notify_profile_breaker_params,
                                    breaker);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (breaker->failures == 0
        || breaker->window == 0
        || breaker->cooldown == 0)
    {
        return "needs \"failures\", \"window\" and \"cooldown\"";
    }

    return NGX_CONF_OK;
}


/* status codes, separated by commas */
static char *
ngx_http_notify_profile_ignore(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    u_char       *p, *comma, *last;
    ngx_int_t     code;
    ngx_uint_t   *status;
    ngx_array_t  *ignore;

    ignore = ngx_array_create(cf->pool, 4, sizeof(ngx_uint_t));
    if (ignore == NULL) {
        return NGX_CONF_ERROR;
    }

    *(ngx_array_t **) field = ignore;

    last = value->data + value->len;

    for (p = value->data; p <= last; p = comma + 1) {

        comma = ngx_strlchr(p, last, ',');
        if (comma == NULL) {
            comma = last;
        }

        code = ngx_atoi(p, comma - p);

        if (code < 100
            || code > 599
            || ignore->nelts == NGX_HTTP_NOTIFY_PROFILE_CODES)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid status codes \"ignore=%V\", they must "
                               "be 100 to 599, at most %d of them",
                               value, NGX_HTTP_NOTIFY_PROFILE_CODES);
            return NGX_CONF_ERROR;
        }

        status = ngx_array_push(ignore);
        if (status == NULL) {
            return NGX_CONF_ERROR;
        }

        *status = (ngx_uint_t) code;
    }

    return NGX_CONF_OK;
}


/* rate N[r/s|r/m] [burst=N] | off; by default a tenth of a second's burst */
static char *
ngx_http_notify_profile_rate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_profile_t *profile = conf;

    return ngx_http_notify_profile_set_rate(cf, &profile->rate, 10);
}


char *
ngx_http_notify_profile_set_rate(ngx_conf_t *cf,
    ngx_http_notify_bucket_conf_t *rate, ngx_uint_t part)
{
    ngx_int_t    n;
    ngx_str_t   *args, value;
    ngx_uint_t   seconds;

    if (rate->rate != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (ngx_strcmp(args[1].data, "off") == 0) {
        rate->rate = 0;
        rate->burst = 1;
        return cf->args->nelts == 2 ? NGX_CONF_OK
                                    : "has parameters after \"off\"";
    }

    value = args[1];
    seconds = ngx_http_notify_profile_rate_unit(&value);

    n = ngx_atoi(value.data, value.len);

    if (n < 1 || n > NGX_HTTP_NOTIFY_PROFILE_RATE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid %V \"%V\", it must be \"off\" or 1 to %d "
                           "with \"r/s\" or \"r/m\", as \"50r/s\"",
                           &args[0], &args[1], NGX_HTTP_NOTIFY_PROFILE_RATE);
        return NGX_CONF_ERROR;
    }

    rate->rate = (ngx_uint_t) n * 1000 / seconds;
    rate->burst = ngx_max((ngx_uint_t) n / (part * seconds), 1);

    return ngx_http_notify_args_parse(cf, 2,
                                      ngx_http_notify_profile_rate_params,
                                      rate);
}


/* cuts the unit off; its seconds, without one 1 */
static ngx_uint_t
ngx_http_notify_profile_rate_unit(ngx_str_t *value)
{
    u_char  *unit;

    if (value->len <= 3) {
        return 1;
    }

    unit = value->data + value->len - 3;

    if (ngx_strcmp(unit, "r/s") == 0) {
        value->len -= 3;
        return 1;
    }

    if (ngx_strcmp(unit, "r/m") == 0) {
        value->len -= 3;
        return 60;
    }

    return 1;
}


/* disable_after TIME | off */
static char *
ngx_http_notify_profile_disable_after(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_profile_t *profile = conf;

    ngx_str_t  *args;

    if (profile->disable_after != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (ngx_strcmp(args[1].data, "off") == 0) {
        profile->disable_after = 0;
        return NGX_CONF_OK;
    }

    return ngx_http_notify_args_msec(cf,
                                     &ngx_http_notify_profile_disable_param,
                                     &args[1], &profile->disable_after);
}


/* N | auto [max=N] */
static char *
ngx_http_notify_profile_set_in_flight(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_profile_t *profile = conf;

    ngx_str_t  *args;

    if (profile->in_flight != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (!ngx_http_notify_text_is(&args[1], "auto")) {

        if (cf->args->nelts > 2) {
            return "has parameters after what is not \"auto\"";
        }

        return ngx_http_notify_args_number(cf,
                                           &ngx_http_notify_profile_in_flight,
                                           &args[1], &profile->in_flight);
    }

    profile->in_flight_auto = 1;

    if (cf->args->nelts == 2) {
        profile->in_flight = NGX_HTTP_NOTIFY_PROFILE_AUTO;
        return NGX_CONF_OK;
    }

    return ngx_http_notify_args_parse(cf, 2,
                                      ngx_http_notify_profile_auto_params,
                                      profile);
}


/* none | strict | key=TEXT */
static char *
ngx_http_notify_profile_order(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_profile_t *profile = conf;

    ngx_str_t    text;
    const char  *reason;

    if (profile->strict != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    text = ((ngx_str_t *) cf->args->elts)[1];

    profile->strict = ngx_http_notify_text_is(&text, "strict");

    if (profile->strict || ngx_http_notify_text_is(&text, "none")) {
        return NGX_CONF_OK;
    }

    if (text.len < 5 || ngx_strncmp(text.data, "key=", 4) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid order \"%V\", it must be \"none\", "
                           "\"strict\" or \"key=TEXT\"", &text);
        return NGX_CONF_ERROR;
    }

    text.data += 4;
    text.len -= 4;

    profile->order = ngx_http_notify_payload_compile(cf, &text, &reason);

    if (profile->order == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"%V\"", reason,
                           &text);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_payload_constant(profile->order)) {
        return "has a \"key=\" that is the same for all events, "
               "that is \"order strict\"";
    }

    if (!ngx_http_notify_payload_published(profile->order)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a variable in \"key=%V\" is not one of the event "
                           "as it was published", &text);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
