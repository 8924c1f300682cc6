/*
 * The answer to INFO: lines of "name:value".  Pure, no state; must not know
 * the connection.
 * https://redis.io/docs/latest/commands/info/
 */

#include "ngx_http_notify_redis_info.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_REDIS_INFO_MAJOR  7


static void ngx_http_notify_redis_info_online(
    ngx_http_notify_redis_info_t *info, const ngx_str_t *value);
static ngx_uint_t ngx_http_notify_redis_info_major(const ngx_str_t *version);


void
ngx_http_notify_redis_info_parse(const ngx_str_t *text,
    ngx_http_notify_redis_info_t *info)
{
    u_char     *p, *last, *eol, *colon;
    ngx_str_t   name, value, valkey;

    ngx_memzero(info, sizeof(ngx_http_notify_redis_info_t));
    ngx_str_set(&info->product, "Redis");
    ngx_str_null(&valkey);

    last = text->data + text->len;

    for (p = text->data; p < last; p = eol + 1) {

        eol = ngx_strlchr(p, last, '\n');
        if (eol == NULL) {
            eol = last;
        }

        colon = ngx_strlchr(p, eol, ':');
        if (colon == NULL) {
            continue;
        }

        name.data = p;
        name.len = colon - p;
        value.data = colon + 1;
        value.len = eol - value.data;

        if (value.len && value.data[value.len - 1] == '\r') {
            value.len--;
        }

        if (ngx_http_notify_text_is(&name, "redis_version")) {
            info->version = value;

        } else if (ngx_http_notify_text_is(&name, "valkey_version")) {
            valkey = value;

        } else if (ngx_http_notify_text_is(&name, "maxmemory_policy")) {
            info->policy = value;

        } else if (ngx_http_notify_text_is(&name, "loading")) {
            info->loading = !ngx_http_notify_text_is(&value, "0");

        } else if (ngx_http_notify_text_is(&name, "role")) {
            info->replica = !ngx_http_notify_text_is(&value, "master");

        } else if (ngx_http_notify_text_is(&name,
                                                 "rdb_last_bgsave_status")
                   || ngx_http_notify_text_is(&name,
                                                    "aof_last_write_status"))
        {
            info->unsaved |= !ngx_http_notify_text_is(&value, "ok");

        } else if (name.len > 5 && ngx_strncmp(name.data, "slave", 5) == 0
                   && name.data[5] >= '0' && name.data[5] <= '9')
        {
            ngx_http_notify_redis_info_online(info, &value);
        }
    }

    if (valkey.len) {
        /* its redis_version is only the one it is compatible with */
        ngx_str_set(&info->product, "Valkey");
        info->version = valkey;
        info->supported = 1;
        return;
    }

    info->supported = ngx_http_notify_redis_info_major(&info->version)
                      >= NGX_HTTP_NOTIFY_REDIS_INFO_MAJOR;
}


/* "ip=127.0.0.1,port=6380,state=online,offset=14,lag=0" */

static void
ngx_http_notify_redis_info_online(ngx_http_notify_redis_info_t *info,
    const ngx_str_t *value)
{
    u_char  *state;

    static u_char  online[] = "state=online,";

    state = ngx_strlcasestrn(value->data, value->data + value->len, online,
                             sizeof(online) - 2);

    if (state == NULL) {
        return;
    }

    info->replicas++;
    info->names += ngx_crc32_short(value->data, state - value->data);
}


static ngx_uint_t
ngx_http_notify_redis_info_major(const ngx_str_t *version)
{
    size_t     n;
    ngx_int_t  major;

    for (n = 0; n < version->len && version->data[n] != '.'; n++) {
        /* void */
    }

    major = ngx_atoi(version->data, n);

    return (major == NGX_ERROR) ? 0 : (ngx_uint_t) major;
}
