/*
 * Makes segments: entries are collected as text, with the table in front of
 * it, and compressed in steps.  Must not know who reads them.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <zlib.h>
#include "ngx_http_notify_segment.h"
#include "ngx_http_notify_segment_format.h"


#define NGX_HTTP_NOTIFY_SEGMENT_LEVEL  4
#define NGX_HTTP_NOTIFY_SEGMENT_TAG    65535


/* memory that grows */
typedef struct {
    u_char                *data;
    size_t                 len;
    size_t                 size;
} ngx_http_notify_segment_buf_t;


struct ngx_http_notify_segment_s {
    ngx_http_notify_segment_buf_t   raw;        /* the entries */
    ngx_http_notify_segment_buf_t   tags;       /* tenants and types */
    ngx_http_notify_segment_buf_t   records;
    ngx_http_notify_segment_buf_t   value;
    ngx_uint_t                      n;
    ngx_uint_t                      ntags;
    ngx_http_notify_id_t            first;
    ngx_http_notify_id_t            last;
    ngx_log_t                      *log;
    z_stream                        z;
    unsigned                        wide:1;
    unsigned                        deflating:1;
    unsigned                        initialized:1;  /* z is */
};


static u_char *ngx_http_notify_segment_room(ngx_http_notify_segment_t *segment,
    ngx_http_notify_segment_buf_t *buf, size_t size);
static size_t ngx_http_notify_segment_size(const ngx_http_notify_resp_t *entry);
static ngx_int_t ngx_http_notify_segment_write(
    ngx_http_notify_segment_t *segment, const ngx_http_notify_resp_t *entry,
    size_t size);
static u_char *ngx_http_notify_segment_string(u_char *p, const ngx_str_t *text);
static ngx_int_t ngx_http_notify_segment_tag(
    ngx_http_notify_segment_t *segment, const ngx_http_notify_resp_t *fields,
    ngx_uint_t *number);
static ngx_int_t ngx_http_notify_segment_begin(
    ngx_http_notify_segment_t *segment);


ngx_http_notify_segment_t *
ngx_http_notify_segment_create(ngx_log_t *log)
{
    ngx_http_notify_segment_t  *segment;

    segment = ngx_calloc(sizeof(ngx_http_notify_segment_t), log);

    if (segment) {
        segment->log = log;
    }

    return segment;
}


void
ngx_http_notify_segment_destroy(ngx_http_notify_segment_t *segment)
{
    if (segment->initialized) {
        (void) deflateEnd(&segment->z);
    }

    ngx_free(segment->raw.data);
    ngx_free(segment->tags.data);
    ngx_free(segment->records.data);
    ngx_free(segment->value.data);
    ngx_free(segment);
}


void
ngx_http_notify_segment_reset(ngx_http_notify_segment_t *segment)
{
    segment->raw.len = 0;
    segment->tags.len = 0;
    segment->records.len = 0;
    segment->n = 0;
    segment->ntags = 0;
    segment->wide = 0;
    segment->deflating = 0;
}


static u_char *
ngx_http_notify_segment_room(ngx_http_notify_segment_t *segment,
    ngx_http_notify_segment_buf_t *buf, size_t size)
{
    size_t   n;
    u_char  *data;

    if (size > buf->size - buf->len) {
        n = ngx_max(buf->len + size, 2 * buf->size);
        n = ngx_max(n, 1024);

        data = ngx_alloc(n, segment->log);
        if (data == NULL) {
            return NULL;
        }

        if (buf->data) {
            ngx_memcpy(data, buf->data, buf->len);
            ngx_free(buf->data);
        }

        buf->data = data;
        buf->size = n;
    }

    return buf->data + buf->len;
}


ngx_int_t
ngx_http_notify_segment_add(ngx_http_notify_segment_t *segment,
    const ngx_http_notify_resp_t *entry)
{
    size_t                   size;
    ngx_uint_t               tag, wide;
    ngx_http_notify_id_t     id;
    ngx_http_notify_resp_t  *name, *fields;

    name = ngx_http_notify_resp_at(entry, 0);
    fields = ngx_http_notify_resp_at(entry, 1);

    if (name == NULL || name->type != NGX_HTTP_NOTIFY_RESP_STRING
        || fields == NULL || fields->type != NGX_HTTP_NOTIFY_RESP_ARRAY
        || ngx_http_notify_id_parse(&name->str, &id) != NGX_OK)
    {
        return NGX_ERROR;
    }

    size = ngx_http_notify_segment_size(entry);
    wide = id.ms >> 52 || id.seq >> 32;

    if (segment->n
        && (segment->wide || wide
            || segment->n >= NGX_HTTP_NOTIFY_SEGMENT_EVENTS
            || segment->raw.len + size > NGX_HTTP_NOTIFY_SEGMENT_BYTES
            || (id.ms - segment->first.ms) >> 32))
    {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_segment_tag(segment, fields, &tag) != NGX_OK
        || ngx_http_notify_segment_room(segment, &segment->records,
                                        NGX_HTTP_NOTIFY_SEGMENT_RECORD)
           == NULL
        || ngx_http_notify_segment_write(segment, entry, size) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (segment->n == 0) {
        segment->first = id;
        segment->wide = wide;
    }

    ngx_http_notify_segment_record(
        segment->records.data + segment->records.len,
        wide ? 0 : (uint32_t) (id.ms - segment->first.ms),
        wide ? 0 : (uint32_t) id.seq, (uint32_t) segment->raw.len, tag);

    segment->records.len += NGX_HTTP_NOTIFY_SEGMENT_RECORD;
    segment->last = id;
    segment->n++;

    return NGX_OK;
}


/* at most: as XRANGE sends it */

static size_t
ngx_http_notify_segment_size(const ngx_http_notify_resp_t *entry)
{
    size_t                         size;
    ngx_uint_t                     i;
    const ngx_http_notify_resp_t  *fields;

    fields = entry->elts[1];
    size = 2 * NGX_INT64_LEN + entry->elts[0]->str.len + 32;

    for (i = 0; i < fields->nelts; i++) {
        size += fields->elts[i]->str.len + NGX_INT64_LEN + 8;
    }

    return size;
}


static ngx_int_t
ngx_http_notify_segment_write(ngx_http_notify_segment_t *segment,
    const ngx_http_notify_resp_t *entry, size_t size)
{
    u_char                        *p;
    ngx_uint_t                     i;
    const ngx_http_notify_resp_t  *fields;

    p = ngx_http_notify_segment_room(segment, &segment->raw, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    fields = entry->elts[1];

    p = ngx_cpymem(p, "*2" CRLF, sizeof("*2" CRLF) - 1);
    p = ngx_http_notify_segment_string(p, &entry->elts[0]->str);
    p = ngx_sprintf(p, "*%ui" CRLF, fields->nelts);

    for (i = 0; i < fields->nelts; i++) {
        p = ngx_http_notify_segment_string(p, &fields->elts[i]->str);
    }

    segment->raw.len = p - segment->raw.data;

    return NGX_OK;
}


static u_char *
ngx_http_notify_segment_string(u_char *p, const ngx_str_t *text)
{
    p = ngx_sprintf(p, "$%uz" CRLF, text->len);
    p = ngx_cpymem(p, text->data, text->len);

    *p++ = CR;
    *p++ = LF;

    return p;
}


/* the number of the pair of its tenant and its type, which may be a new one */

static ngx_int_t
ngx_http_notify_segment_tag(ngx_http_notify_segment_t *segment,
    const ngx_http_notify_resp_t *fields, ngx_uint_t *number)
{
    size_t      size;
    u_char     *p, *last;
    ngx_str_t   tenant, type;
    ngx_uint_t  i;

    ngx_str_null(&tenant);
    ngx_str_null(&type);

    for (i = 0; i + 1 < fields->nelts; i += 2) {
        if (fields->elts[i]->str.len != 1) {
            continue;
        }

        if (fields->elts[i]->str.data[0] == 'n') {
            tenant = fields->elts[i + 1]->str;

        } else if (fields->elts[i]->str.data[0] == 't') {
            type = fields->elts[i + 1]->str;
        }
    }

    /* no names of ours are so long */

    tenant.len = ngx_min(tenant.len, NGX_HTTP_NOTIFY_SEGMENT_TAG);
    type.len = ngx_min(type.len, NGX_HTTP_NOTIFY_SEGMENT_TAG);

    size = 4 + tenant.len + type.len;

    p = ngx_http_notify_segment_room(segment, &segment->tags, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    *p++ = (u_char) (tenant.len >> 8);
    *p++ = (u_char) tenant.len;
    p = tenant.len ? ngx_cpymem(p, tenant.data, tenant.len) : p;
    *p++ = (u_char) (type.len >> 8);
    *p++ = (u_char) type.len;
    p = type.len ? ngx_cpymem(p, type.data, type.len) : p;

    last = p - size;
    p = segment->tags.data;

    for (i = 0; i < segment->ntags; i++) {
        if ((size_t) (last - p) >= size && ngx_memcmp(p, last, size) == 0) {
            *number = i;
            return NGX_OK;
        }

        p += 2 + (p[0] << 8 | p[1]);
        p += 2 + (p[0] << 8 | p[1]);
    }

    *number = segment->ntags++;
    segment->tags.len += size;

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_segment_events(const ngx_http_notify_segment_t *segment)
{
    return segment->n;
}


size_t
ngx_http_notify_segment_bytes(const ngx_http_notify_segment_t *segment)
{
    return segment->raw.len;
}


const ngx_http_notify_id_t *
ngx_http_notify_segment_first(const ngx_http_notify_segment_t *segment)
{
    return &segment->first;
}


const ngx_http_notify_id_t *
ngx_http_notify_segment_last(const ngx_http_notify_segment_t *segment)
{
    return &segment->last;
}


ngx_int_t
ngx_http_notify_segment_deflate(ngx_http_notify_segment_t *segment,
    ngx_str_t *value)
{
    int        rc;
    size_t     n;
    z_stream  *z;

    z = &segment->z;

    if (!segment->deflating
        && ngx_http_notify_segment_begin(segment) != NGX_OK)
    {
        return NGX_ERROR;
    }

    n = segment->raw.data + segment->raw.len - z->next_in;
    z->avail_in = (uInt) ngx_min(n, NGX_HTTP_NOTIFY_SEGMENT_STEP);

    rc = deflate(z, n > NGX_HTTP_NOTIFY_SEGMENT_STEP ? Z_NO_FLUSH : Z_FINISH);

    if (rc == Z_OK && n > NGX_HTTP_NOTIFY_SEGMENT_STEP) {
        return NGX_AGAIN;
    }

    segment->deflating = 0;

    if (rc != Z_STREAM_END) {
        ngx_log_error(NGX_LOG_ALERT, segment->log, 0,
                      "notify segment: deflate() failed: %d", rc);
        return NGX_ERROR;
    }

    value->data = segment->value.data;
    value->len = z->next_out - segment->value.data;

    return NGX_OK;
}


/* all that is in front of the compressed part */

static ngx_int_t
ngx_http_notify_segment_begin(ngx_http_notify_segment_t *segment)
{
    size_t     bound, head;
    u_char    *p;
    z_stream  *z;

    z = &segment->z;

    if (!segment->initialized) {
        if (deflateInit(z, NGX_HTTP_NOTIFY_SEGMENT_LEVEL) != Z_OK) {
            return NGX_ERROR;
        }

        segment->initialized = 1;

    } else if (deflateReset(z) != Z_OK) {
        return NGX_ERROR;
    }

    head = NGX_HTTP_NOTIFY_SEGMENT_HEAD + segment->tags.len
           + segment->records.len;
    bound = deflateBound(z, (uLong) segment->raw.len);

    segment->value.len = 0;

    p = ngx_http_notify_segment_room(segment, &segment->value, head + bound);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_http_notify_segment_head(p, segment->wide, (uint32_t) segment->n,
                                     segment->wide ? 0 : segment->first.ms,
                                     (uint32_t) segment->tags.len);
    p = ngx_cpymem(p, segment->tags.data, segment->tags.len);
    p = ngx_cpymem(p, segment->records.data, segment->records.len);

    z->next_in = segment->raw.data;
    z->next_out = p;
    z->avail_out = (uInt) bound;

    segment->deflating = 1;

    return NGX_OK;
}


u_char *
ngx_http_notify_segment_name(u_char *p, const ngx_http_notify_id_t *last,
    const ngx_http_notify_id_t *first)
{
    return ngx_sprintf(p, "%020uL%020uL%020uL%020uL", last->ms, last->seq,
                       first->ms, first->seq);
}
