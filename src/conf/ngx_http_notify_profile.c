/*
 * The part of notify_profile that says when deliveries are made again, how
 * many and how fast.  Runs while the configuration is read; the result is
 * read-only.  Must not know how a call is made.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_profile.h"


#define NGX_HTTP_NOTIFY_PROFILE_TIME       ((int64_t) 365 * 86400 * 1000)
#define NGX_HTTP_NOTIFY_PROFILE_FAILURES   100000
#define NGX_HTTP_NOTIFY_PROFILE_CODES      64
#define NGX_HTTP_NOTIFY_PROFILE_RATE       1000000
#define NGX_HTTP_NOTIFY_PROFILE_IN_FLIGHT  1024


static char *ngx_http_notify_profile_retry(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_notify_profile_retry_step(ngx_conf_t *cf,
    ngx_http_notify_backoff_t *retry, ngx_str_t *value);
static char *ngx_http_notify_profile_retry_until(ngx_conf_t *cf,
    ngx_http_notify_backoff_t *retry, ngx_str_t *value);
static char *ngx_http_notify_profile_retry_jitter(ngx_conf_t *cf,
    ngx_http_notify_backoff_t *retry, ngx_str_t *value);
static char *ngx_http_notify_profile_breaker(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_profile_breaker_param(ngx_conf_t *cf,
    ngx_http_notify_breaker_conf_t *breaker, ngx_str_t *arg);
static char *ngx_http_notify_profile_breaker_ignore(ngx_conf_t *cf,
    ngx_http_notify_breaker_conf_t *breaker, ngx_str_t *value);
static char *ngx_http_notify_profile_rate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_uint_t ngx_http_notify_profile_rate_unit(ngx_str_t *value);
static char *ngx_http_notify_profile_in_flight(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static ngx_uint_t ngx_http_notify_profile_param(ngx_str_t *arg,
    const char *name, ngx_str_t *value);
static ngx_int_t ngx_http_notify_profile_time(ngx_conf_t *cf, ngx_str_t *value,
    const char *what);
static ngx_int_t ngx_http_notify_profile_number(ngx_conf_t *cf,
    ngx_str_t *value, const char *what, ngx_int_t max);
static char *ngx_http_notify_profile_invalid(ngx_conf_t *cf, ngx_str_t *arg);


static ngx_conf_enum_t  ngx_http_notify_profile_order[] = {
    { ngx_string("none"), 0 },
    { ngx_string("strict"), 1 },
    { ngx_null_string, 0 }
};


ngx_command_t  ngx_http_notify_profile_commands[] = {

    { ngx_string("retry"),
      NGX_CONF_1MORE,
      ngx_http_notify_profile_retry,
      0,
      0,
      NULL },

    { ngx_string("breaker"),
      NGX_CONF_1MORE,
      ngx_http_notify_profile_breaker,
      0,
      0,
      NULL },

    { ngx_string("rate"),
      NGX_CONF_TAKE12,
      ngx_http_notify_profile_rate,
      0,
      0,
      NULL },

    { ngx_string("in_flight"),
      NGX_CONF_TAKE1,
      ngx_http_notify_profile_in_flight,
      0,
      0,
      NULL },

    { ngx_string("order"),
      NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      0,
      offsetof(ngx_http_notify_profile_t, strict),
      &ngx_http_notify_profile_order },

      ngx_null_command
};


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

    ngx_conf_init_uint_value(profile->in_flight, 16);
    ngx_conf_init_uint_value(profile->strict, 0);

    if (profile->attempts.mode == NGX_CONF_UNSET_UINT) {
        profile->attempts.mode = NGX_HTTP_NOTIFY_ATTEMPTS_ALL;
        profile->attempts.max = NGX_HTTP_NOTIFY_ATTEMPTS_MAX;
    }

    ngx_conf_init_size_value(profile->attempts.response, 0);

    profile->call.once = (profile->retry.nsteps == 0);

    rv = ngx_http_notify_call_conf_init(cf, &profile->call);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    /* what is not read cannot be looked into */

    if (profile->call.payload.success && profile->call.response_limit == 0) {
        return "has \"success json\" and a \"response_limit\" of 0";
    }

    return NGX_CONF_OK;
}


/* retry TIME... [jitter=%] [until=TIME] | off */
static char *
ngx_http_notify_profile_retry(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_profile_t *profile = conf;

    char                       *rv;
    ngx_str_t                  *args, value;
    ngx_uint_t                  i;
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

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_notify_profile_param(&args[i], "jitter=", &value)) {
            rv = ngx_http_notify_profile_retry_jitter(cf, retry, &value);

        } else if (ngx_http_notify_profile_param(&args[i], "until=", &value)) {
            rv = ngx_http_notify_profile_retry_until(cf, retry, &value);

        } else {
            rv = ngx_http_notify_profile_retry_step(cf, retry, &args[i]);
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
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
ngx_http_notify_profile_retry_step(ngx_conf_t *cf,
    ngx_http_notify_backoff_t *retry, ngx_str_t *value)
{
    ngx_int_t  ms;

    if (ngx_strlchr(value->data, value->data + value->len, '=')) {
        return ngx_http_notify_profile_invalid(cf, value);
    }

    if (retry->nsteps == NGX_HTTP_NOTIFY_BACKOFF_STEPS) {
        return "has more than 32 steps";
    }

    ms = ngx_http_notify_profile_time(cf, value, "step");
    if (ms == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    retry->steps[retry->nsteps++] = (uint64_t) ms;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_profile_retry_until(ngx_conf_t *cf,
    ngx_http_notify_backoff_t *retry, ngx_str_t *value)
{
    ngx_int_t  ms;

    if (retry->until) {
        return "has more than one \"until\"";
    }

    ms = ngx_http_notify_profile_time(cf, value, "until");
    if (ms == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    retry->until = (uint64_t) ms;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_profile_retry_jitter(ngx_conf_t *cf,
    ngx_http_notify_backoff_t *retry, ngx_str_t *value)
{
    ngx_int_t  n;

    if (retry->jitter != NGX_CONF_UNSET_UINT) {
        return "has more than one \"jitter\"";
    }

    n = NGX_ERROR;

    if (value->len > 1 && value->data[value->len - 1] == '%') {
        n = ngx_atoi(value->data, value->len - 1);
    }

    if (n == NGX_ERROR || n > 100) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid jitter \"%V\", it must be 0%% to 100%%",
                           value);
        return NGX_CONF_ERROR;
    }

    retry->jitter = (ngx_uint_t) n;

    return NGX_CONF_OK;
}


/* breaker failures=N window=T cooldown=T [ignore=CODES] | off */
static char *
ngx_http_notify_profile_breaker(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_profile_t *profile = conf;

    ngx_str_t                       *args;
    ngx_uint_t                       i;
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

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_notify_profile_breaker_param(cf, breaker, &args[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (breaker->failures == 0
        || breaker->window == 0
        || breaker->cooldown == 0)
    {
        return "needs \"failures\", \"window\" and \"cooldown\"";
    }

    return NGX_CONF_OK;
}


/* each once: what has been given is not 0 */
static char *
ngx_http_notify_profile_breaker_param(ngx_conf_t *cf,
    ngx_http_notify_breaker_conf_t *breaker, ngx_str_t *arg)
{
    ngx_int_t  n;
    ngx_str_t  value;

    if (breaker->failures == 0
        && ngx_http_notify_profile_param(arg, "failures=", &value))
    {
        n = ngx_http_notify_profile_number(cf, &value, "failures",
                                           NGX_HTTP_NOTIFY_PROFILE_FAILURES);
        breaker->failures = (ngx_uint_t) n;

    } else if (breaker->window == 0
               && ngx_http_notify_profile_param(arg, "window=", &value))
    {
        n = ngx_http_notify_profile_time(cf, &value, "window");
        breaker->window = (ngx_msec_t) n;

    } else if (breaker->cooldown == 0
               && ngx_http_notify_profile_param(arg, "cooldown=", &value))
    {
        n = ngx_http_notify_profile_time(cf, &value, "cooldown");
        breaker->cooldown = (ngx_msec_t) n;

    } else if (breaker->ignore == NULL
               && ngx_http_notify_profile_param(arg, "ignore=", &value))
    {
        return ngx_http_notify_profile_breaker_ignore(cf, breaker, &value);

    } else {
        return ngx_http_notify_profile_invalid(cf, arg);
    }

    return (n == NGX_ERROR) ? NGX_CONF_ERROR : NGX_CONF_OK;
}


/* status codes, separated by commas */
static char *
ngx_http_notify_profile_breaker_ignore(ngx_conf_t *cf,
    ngx_http_notify_breaker_conf_t *breaker, ngx_str_t *value)
{
    u_char      *p, *comma, *last;
    ngx_int_t    code;
    ngx_uint_t  *status;

    breaker->ignore = ngx_array_create(cf->pool, 4, sizeof(ngx_uint_t));
    if (breaker->ignore == NULL) {
        return NGX_CONF_ERROR;
    }

    last = value->data + value->len;

    for (p = value->data; p <= last; p = comma + 1) {

        comma = ngx_strlchr(p, last, ',');
        if (comma == NULL) {
            comma = last;
        }

        code = ngx_atoi(p, comma - p);

        if (code < 100
            || code > 599
            || breaker->ignore->nelts == NGX_HTTP_NOTIFY_PROFILE_CODES)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid status codes \"ignore=%V\", they must "
                               "be 100 to 599, at most %d of them",
                               value, NGX_HTTP_NOTIFY_PROFILE_CODES);
            return NGX_CONF_ERROR;
        }

        status = ngx_array_push(breaker->ignore);
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
    ngx_int_t    n, burst;
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

    burst = ngx_max(n / (ngx_int_t) (part * seconds), 1);

    if (cf->args->nelts == 3) {

        if (!ngx_http_notify_profile_param(&args[2], "burst=", &value)) {
            return ngx_http_notify_profile_invalid(cf, &args[2]);
        }

        burst = ngx_http_notify_profile_number(cf, &value, "burst",
                                               NGX_HTTP_NOTIFY_PROFILE_RATE);
        if (burst == NGX_ERROR) {
            return NGX_CONF_ERROR;
        }
    }

    rate->rate = (ngx_uint_t) n * 1000 / seconds;
    rate->burst = (ngx_uint_t) burst;

    return NGX_CONF_OK;
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


static char *
ngx_http_notify_profile_in_flight(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_profile_t *profile = conf;

    ngx_int_t   n;
    ngx_str_t  *args;

    if (profile->in_flight != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;

    n = ngx_http_notify_profile_number(cf, &args[1], "number",
                                       NGX_HTTP_NOTIFY_PROFILE_IN_FLIGHT);
    if (n == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    profile->in_flight = (ngx_uint_t) n;

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_http_notify_profile_param(ngx_str_t *arg, const char *name,
    ngx_str_t *value)
{
    size_t  len;

    len = ngx_strlen(name);

    if (arg->len < len || ngx_memcmp(arg->data, name, len) != 0) {
        return 0;
    }

    value->data = arg->data + len;
    value->len = arg->len - len;

    return 1;
}


/* milliseconds; NGX_ERROR after logging */
static ngx_int_t
ngx_http_notify_profile_time(ngx_conf_t *cf, ngx_str_t *value,
    const char *what)
{
    ngx_int_t  ms;

    ms = ngx_parse_time(value, 0);

    if (ms < 1 || ms > NGX_HTTP_NOTIFY_PROFILE_TIME) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid %s \"%V\" in \"%V\", it must be a time of "
                           "1ms to 365d, as \"30s\", \"5m\" or \"2h\"",
                           what, value, (ngx_str_t *) cf->args->elts);
        return NGX_ERROR;
    }

    return ms;
}


/* 1 to max; NGX_ERROR after logging */
static ngx_int_t
ngx_http_notify_profile_number(ngx_conf_t *cf, ngx_str_t *value,
    const char *what, ngx_int_t max)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n < 1 || n > max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid %s \"%V\" in \"%V\", it must be 1 to %i",
                           what, value, (ngx_str_t *) cf->args->elts, max);
        return NGX_ERROR;
    }

    return n;
}


static char *
ngx_http_notify_profile_invalid(ngx_conf_t *cf, ngx_str_t *arg)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" in \"%V\"", arg,
                       (ngx_str_t *) cf->args->elts);

    return NGX_CONF_ERROR;
}
