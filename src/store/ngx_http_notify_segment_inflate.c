/*
 * Reads entries that are in segments.  A few segments that were read last stay
 * inflated, as far as they were needed, for the pages that follow each other.
 * Knows nothing of commands.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <zlib.h>
#include "ngx_http_notify_segment.h"
#include "ngx_http_notify_segment_format.h"


/* what stays inflated: so many, and none that is larger */
#define NGX_HTTP_NOTIFY_SEGMENT_KEPT       8
#define NGX_HTTP_NOTIFY_SEGMENT_KEPT_SIZE  (128 * 1024)

#define NGX_HTTP_NOTIFY_SEGMENT_MAX        (128 * 1024 * 1024)
#define NGX_HTTP_NOTIFY_SEGMENT_DEPTH      4


/* a segment, and what of it is inflated */
typedef struct {
    ngx_str_t                  value;       /* of its own */
    u_char                    *raw;
    size_t                     size;        /* of raw */
    size_t                     len;         /* of what is inflated */
    ngx_uint_t                 used;
} ngx_http_notify_segment_kept_t;


/* a segment in a reply: where its parts are */
typedef struct {
    ngx_str_t                  name;
    ngx_str_t                  value;
    ngx_uint_t                 n;
    size_t                     size;        /* of its entries */
    const u_char              *records;
    ngx_str_t                  deflated;
} ngx_http_notify_segment_parts_t;


/* the entries in a reply that are of one segment */
typedef struct {
    ngx_http_notify_segment_parts_t   parts;
    ngx_array_t                       refs;     /* of resp_t * */
    size_t                            end;
} ngx_http_notify_segment_group_t;


static ngx_int_t ngx_http_notify_segment_inflate_collect(
    ngx_http_notify_resp_t *resp, ngx_uint_t depth, ngx_pool_t **pool,
    ngx_array_t **groups);
static ngx_uint_t ngx_http_notify_segment_inflate_is(
    const ngx_http_notify_resp_t *resp);
static ngx_int_t ngx_http_notify_segment_inflate_ref(
    ngx_http_notify_resp_t *resp, ngx_array_t *groups);
static ngx_int_t ngx_http_notify_segment_inflate_parts(
    ngx_http_notify_segment_parts_t *parts, const ngx_str_t *value);
static ngx_int_t ngx_http_notify_segment_inflate_group(
    ngx_http_notify_resp_t *reply, ngx_http_notify_segment_group_t *group,
    ngx_pool_t *pool);
static ngx_int_t ngx_http_notify_segment_inflate_raw(
    const ngx_http_notify_segment_parts_t *parts, size_t end, u_char **raw,
    u_char **own);
static ngx_http_notify_segment_kept_t *ngx_http_notify_segment_inflate_keep(
    const ngx_http_notify_segment_parts_t *parts);
static ngx_int_t ngx_http_notify_segment_inflate_to(
    const ngx_http_notify_segment_parts_t *parts, u_char *raw, size_t end);
static size_t ngx_http_notify_segment_inflate_sum(const ngx_array_t *groups);
static void ngx_http_notify_segment_inflate_void(
    const ngx_http_notify_segment_group_t *group);


static ngx_http_notify_segment_kept_t
    ngx_http_notify_segment_kept[NGX_HTTP_NOTIFY_SEGMENT_KEPT];
static ngx_uint_t  ngx_http_notify_segment_uses;


ngx_int_t
ngx_http_notify_segment_inflate(ngx_http_notify_resp_t *reply)
{
    ngx_int_t                         rc;
    ngx_uint_t                        i;
    ngx_pool_t                       *pool;
    ngx_array_t                      *groups;
    ngx_http_notify_segment_group_t  *group;

    pool = NULL;
    groups = NULL;

    rc = ngx_http_notify_segment_inflate_collect(reply, 0, &pool, &groups);

    if (rc == NGX_OK && groups
        && ngx_http_notify_segment_inflate_sum(groups)
           > NGX_HTTP_NOTIFY_SEGMENT_MAX)
    {
        /* as the parser says of a reply that is so large as it comes */

        reply->type = NGX_HTTP_NOTIFY_RESP_ERROR;
        reply->nelts = 0;
        ngx_str_set(&reply->str, NGX_HTTP_NOTIFY_RESP_LARGE
                    " the reply inflates to more than 128 MB");

        ngx_destroy_pool(pool);

        return NGX_OK;
    }

    for (i = 0; rc == NGX_OK && groups && i < groups->nelts; i++) {
        group = (ngx_http_notify_segment_group_t *) groups->elts + i;

        rc = ngx_http_notify_segment_inflate_group(reply, group, pool);

        if (rc == NGX_DECLINED) {
            ngx_http_notify_segment_inflate_void(group);
            rc = NGX_OK;
        }
    }

    if (pool) {
        ngx_destroy_pool(pool);
    }

    return rc;
}


/* an ordinary entry begins with its id, and what follows is no array of ours */

static ngx_int_t
ngx_http_notify_segment_inflate_collect(ngx_http_notify_resp_t *resp,
    ngx_uint_t depth, ngx_pool_t **pool, ngx_array_t **groups)
{
    ngx_uint_t               i;
    ngx_http_notify_resp_t  *first, *second;

    first = ngx_http_notify_resp_at(resp, 0);
    second = ngx_http_notify_resp_at(resp, 1);

    if (first == NULL || depth == NGX_HTTP_NOTIFY_SEGMENT_DEPTH
        || (depth && resp->nelts == 2
            && first->type == NGX_HTTP_NOTIFY_RESP_STRING
            && second->type == NGX_HTTP_NOTIFY_RESP_ARRAY))
    {
        return NGX_OK;
    }

    if (ngx_http_notify_segment_inflate_is(resp)) {

        if (*groups == NULL) {
            *pool = ngx_create_pool(4096, ngx_cycle->log);
            if (*pool == NULL) {
                return NGX_ERROR;
            }

            *groups = ngx_array_create(*pool, 8,
                                      sizeof(ngx_http_notify_segment_group_t));
            if (*groups == NULL) {
                return NGX_ERROR;
            }
        }

        return ngx_http_notify_segment_inflate_ref(resp, *groups);
    }

    for (i = 0; i < resp->nelts; i++) {
        if (resp->elts[i]->type == NGX_HTTP_NOTIFY_RESP_ARRAY
            && ngx_http_notify_segment_inflate_collect(resp->elts[i],
                                                       depth + 1, pool,
                                                       groups)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_notify_segment_inflate_is(const ngx_http_notify_resp_t *resp)
{
    return resp->type == NGX_HTTP_NOTIFY_RESP_ARRAY
           && resp->nelts == 5
           && resp->elts[0]->type == NGX_HTTP_NOTIFY_RESP_STRING
           && resp->elts[1]->type == NGX_HTTP_NOTIFY_RESP_STRING
           && resp->elts[1]->str.len == NGX_HTTP_NOTIFY_SEGMENT_NAME
           && resp->elts[2]->type == NGX_HTTP_NOTIFY_RESP_INTEGER
           && resp->elts[3]->type == NGX_HTTP_NOTIFY_RESP_INTEGER
           && resp->elts[4]->type == NGX_HTTP_NOTIFY_RESP_STRING;
}


static ngx_int_t
ngx_http_notify_segment_inflate_ref(ngx_http_notify_resp_t *resp,
    ngx_array_t *groups)
{
    size_t                             end;
    ngx_uint_t                         i;
    ngx_http_notify_resp_t           **ref;
    ngx_http_notify_segment_group_t   *group;

    group = groups->elts;

    /* most follow one of the same segment */

    for (i = groups->nelts; i; i--) {
        if (ngx_memcmp(group[i - 1].parts.name.data, resp->elts[1]->str.data,
                       NGX_HTTP_NOTIFY_SEGMENT_NAME)
            == 0)
        {
            break;
        }
    }

    if (i) {
        group = &group[i - 1];

    } else {
        group = ngx_array_push(groups);
        if (group == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(group, sizeof(ngx_http_notify_segment_group_t));

        if (ngx_array_init(&group->refs, groups->pool, 32, sizeof(void *))
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        group->parts.name = resp->elts[1]->str;
    }

    if (resp->elts[4]->str.len) {
        group->parts.value = resp->elts[4]->str;
    }

    ref = ngx_array_push(&group->refs);
    if (ref == NULL) {
        return NGX_ERROR;
    }

    *ref = resp;

    if (resp->elts[2]->integer < 0 || resp->elts[3]->integer < 0
        || resp->elts[2]->integer > NGX_HTTP_NOTIFY_SEGMENT_MAX
        || resp->elts[3]->integer > NGX_HTTP_NOTIFY_SEGMENT_MAX)
    {
        group->end = NGX_HTTP_NOTIFY_SEGMENT_MAX + 1;
        return NGX_OK;
    }

    end = (size_t) (resp->elts[2]->integer + resp->elts[3]->integer);
    group->end = ngx_max(group->end, end);

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_segment_inflate_parts(ngx_http_notify_segment_parts_t *parts,
    const ngx_str_t *value)
{
    size_t   head, tags, records;
    u_char  *p;

    p = value->data;
    head = NGX_HTTP_NOTIFY_SEGMENT_HEAD;

    if (value->len < head || p[0] != 'S' || (p[1] != '1' && p[1] != 'W')) {
        return NGX_DECLINED;
    }

    parts->n = (ngx_uint_t) ngx_http_notify_segment_read(p + 2, 4);
    tags = (size_t) ngx_http_notify_segment_read(p + 14, 4);

    if (parts->n == 0 || parts->n > NGX_HTTP_NOTIFY_SEGMENT_EVENTS
        || tags > value->len - head
        || parts->n * NGX_HTTP_NOTIFY_SEGMENT_RECORD
           > value->len - head - tags)
    {
        return NGX_DECLINED;
    }

    records = parts->n * NGX_HTTP_NOTIFY_SEGMENT_RECORD;

    parts->value = *value;
    parts->records = p + head + tags;
    parts->size = (size_t) ngx_http_notify_segment_read(
                      parts->records + records
                      - NGX_HTTP_NOTIFY_SEGMENT_RECORD + 8, 4);
    parts->deflated.data = p + head + tags + records;
    parts->deflated.len = value->len - head - tags - records;

    /* zlib's best is 1032 to 1 */

    if (parts->size == 0 || parts->size > NGX_HTTP_NOTIFY_SEGMENT_MAX
        || parts->size / 1100 > parts->deflated.len)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_segment_inflate_group(ngx_http_notify_resp_t *reply,
    ngx_http_notify_segment_group_t *group, ngx_pool_t *pool)
{
    u_char                   *raw, *own;
    ngx_int_t                 rc;
    ngx_str_t                *piece, value;
    ngx_uint_t                i, n;
    ngx_http_notify_resp_t  **ref, *found, *id;

    value = group->parts.value;

    if (ngx_http_notify_segment_inflate_parts(&group->parts, &value) != NGX_OK
        || group->end > group->parts.size)
    {
        return NGX_DECLINED;
    }

    ref = group->refs.elts;
    n = group->refs.nelts;

    piece = ngx_palloc(pool, n * sizeof(ngx_str_t));
    if (piece == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_segment_inflate_raw(&group->parts, group->end, &raw,
                                             &own);
    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < n; i++) {
        piece[i].data = raw + ref[i]->elts[2]->integer;
        piece[i].len = (size_t) ref[i]->elts[3]->integer;
    }

    found = ngx_http_notify_resp_graft(reply, piece, n);

    if (own) {
        ngx_free(own);
    }

    if (found == NULL) {
        return NGX_DECLINED;
    }

    for (i = 0; i < n; i++) {
        id = ngx_http_notify_resp_at(found->elts[i], 0);

        if (id == NULL || id->str.len != ref[i]->elts[0]->str.len
            || ngx_memcmp(id->str.data, ref[i]->elts[0]->str.data,
                          id->str.len)
               != 0)
        {
            return NGX_DECLINED;
        }
    }

    for (i = 0; i < n; i++) {
        *ref[i] = *found->elts[i];
    }

    return NGX_OK;
}


/* its entries up to an end; *own, if any, is to be freed */

static ngx_int_t
ngx_http_notify_segment_inflate_raw(
    const ngx_http_notify_segment_parts_t *parts, size_t end, u_char **raw,
    u_char **own)
{
    ngx_int_t                        rc;
    ngx_http_notify_segment_kept_t  *kept;

    kept = NULL;
    *own = NULL;

    if (parts->size <= NGX_HTTP_NOTIFY_SEGMENT_KEPT_SIZE
        && parts->value.len <= NGX_HTTP_NOTIFY_SEGMENT_KEPT_SIZE)
    {
        kept = ngx_http_notify_segment_inflate_keep(parts);
    }

    if (kept) {
        *raw = kept->raw;

        if (kept->len >= end) {
            return NGX_OK;
        }

    } else {
        *own = ngx_alloc(end, ngx_cycle->log);
        if (*own == NULL) {
            return NGX_ERROR;
        }

        *raw = *own;
    }

    rc = ngx_http_notify_segment_inflate_to(parts, *raw, end);

    if (kept) {
        kept->len = rc == NGX_OK ? end : 0;
        return rc;
    }

    if (rc != NGX_OK) {
        ngx_free(*own);
        *own = NULL;
    }

    return rc;
}


/* the same as one that was read, or the one that was not for the longest time
 * in its place; NULL: memory */

static ngx_http_notify_segment_kept_t *
ngx_http_notify_segment_inflate_keep(
    const ngx_http_notify_segment_parts_t *parts)
{
    ngx_uint_t                       i;
    ngx_http_notify_segment_kept_t  *kept, *oldest;

    oldest = NULL;

    for (i = 0; i < NGX_HTTP_NOTIFY_SEGMENT_KEPT; i++) {
        kept = &ngx_http_notify_segment_kept[i];

        if (kept->raw && kept->value.len == parts->value.len
            && ngx_memcmp(kept->value.data, parts->value.data,
                          parts->value.len)
               == 0)
        {
            kept->used = ++ngx_http_notify_segment_uses;
            return kept;
        }

        if (oldest == NULL || kept->used < oldest->used) {
            oldest = kept;
        }
    }

    kept = oldest;

    if (kept->raw) {
        ngx_free(kept->raw);
        ngx_free(kept->value.data);
        kept->raw = NULL;
    }

    kept->len = 0;
    kept->value.len = parts->value.len;
    kept->used = ++ngx_http_notify_segment_uses;

    kept->value.data = ngx_alloc(parts->value.len, ngx_cycle->log);
    if (kept->value.data == NULL) {
        return NULL;
    }

    kept->raw = ngx_alloc(parts->size, ngx_cycle->log);
    if (kept->raw == NULL) {
        ngx_free(kept->value.data);
        return NULL;
    }

    ngx_memcpy(kept->value.data, parts->value.data, parts->value.len);

    return kept;
}


static ngx_int_t
ngx_http_notify_segment_inflate_to(
    const ngx_http_notify_segment_parts_t *parts, u_char *raw, size_t end)
{
    int                rc;

    static z_stream    z;
    static ngx_uint_t  initialized;

    if (!initialized) {
        if (inflateInit(&z) != Z_OK) {
            return NGX_ERROR;
        }

        initialized = 1;

    } else if (inflateReset(&z) != Z_OK) {
        return NGX_ERROR;
    }

    z.next_in = parts->deflated.data;
    z.avail_in = (uInt) parts->deflated.len;
    z.next_out = raw;
    z.avail_out = (uInt) end;

    rc = inflate(&z, Z_SYNC_FLUSH);

    if (rc == Z_MEM_ERROR) {
        return NGX_ERROR;
    }

    return z.avail_out == 0 && (rc == Z_OK || rc == Z_STREAM_END
                                || rc == Z_BUF_ERROR)
               ? NGX_OK : NGX_DECLINED;
}


/* bytes of the entries, of those that can be read */

static size_t
ngx_http_notify_segment_inflate_sum(const ngx_array_t *groups)
{
    size_t                            sum;
    ngx_uint_t                        i, n;
    ngx_http_notify_resp_t          **ref;
    ngx_http_notify_segment_group_t  *group;

    group = groups->elts;
    sum = 0;

    for (i = 0; i < groups->nelts; i++) {

        if (group[i].end > NGX_HTTP_NOTIFY_SEGMENT_MAX) {
            continue;
        }

        ref = group[i].refs.elts;

        for (n = 0; n < group[i].refs.nelts; n++) {
            sum += (size_t) ref[n]->elts[3]->integer;
        }
    }

    return sum;
}


/* as entries that are none of ours: they are passed over */

static void
ngx_http_notify_segment_inflate_void(
    const ngx_http_notify_segment_group_t *group)
{
    ngx_uint_t                i;
    ngx_http_notify_resp_t  **ref;

    ref = group->refs.elts;

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "notify segment: %ui entries from %V on cannot be read",
                  group->refs.nelts, &ref[0]->elts[0]->str);

    for (i = 0; i < group->refs.nelts; i++) {
        ref[i]->nelts = 2;
        ref[i]->elts[1]->type = NGX_HTTP_NOTIFY_RESP_ARRAY;
        ref[i]->elts[1]->nelts = 0;
    }
}


ngx_int_t
ngx_http_notify_segment_inflate_others(ngx_http_notify_segment_t *segment,
    ngx_http_notify_resp_t *reply)
{
    size_t                            at, end;
    u_char                           *raw, *own;
    ngx_int_t                         rc;
    ngx_str_t                         piece;
    ngx_uint_t                        i;
    ngx_http_notify_resp_t           *found;
    ngx_http_notify_segment_parts_t   parts;

    if (!ngx_http_notify_segment_inflate_is(reply)
        || ngx_http_notify_segment_inflate_parts(&parts, &reply->elts[4]->str)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    rc = ngx_http_notify_segment_inflate_raw(&parts, parts.size, &raw, &own);

    for (i = 0, at = 0; rc == NGX_OK && i < parts.n; i++, at = end) {
        end = (size_t) ngx_http_notify_segment_read(
                  parts.records + i * NGX_HTTP_NOTIFY_SEGMENT_RECORD + 8, 4);

        if (end <= at || end > parts.size) {
            rc = NGX_DECLINED;
            break;
        }

        if ((int64_t) at == reply->elts[2]->integer) {
            continue;
        }

        piece.data = raw + at;
        piece.len = end - at;

        found = ngx_http_notify_resp_graft(reply, &piece, 1);

        if (found == NULL
            || ngx_http_notify_segment_add(segment, found->elts[0]) != NGX_OK)
        {
            rc = NGX_DECLINED;
        }
    }

    if (own) {
        ngx_free(own);
    }

    return rc;
}
