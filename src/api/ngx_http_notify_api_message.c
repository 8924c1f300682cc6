/*
 * Server-sent events as bytes, and the buffers of a stream, which are used
 * again.  Must not know where events come from, nor when they are sent.
 */

#include "ngx_http_notify_api_message.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_payload.h"


/* a chunk, of which some send the text alone */
typedef struct {
    ngx_uint_t                       refs;
    ngx_http_notify_crypto_hmac_t   *hmac;      /* of its cursor */
    size_t                           head;      /* the size, CRLF */
    size_t                           len;       /* of the text behind it */
    u_char                           data[1];
} ngx_http_notify_api_message_memory_t;

/* a buffer that knows its memory; NULL: it is free */
typedef struct {
    ngx_buf_t                               buf;
    ngx_chain_t                             chain;
    ngx_http_notify_api_message_memory_t   *memory;
} ngx_http_notify_api_message_buf_t;

#define ngx_http_notify_api_message_begin(memory)                             \
    ((memory)->data + (memory)->head)


static ngx_int_t ngx_http_notify_api_message_format(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event,
    ngx_http_notify_crypto_hmac_t *hmac, const ngx_str_t *tenant,
    ngx_str_t *text);
static ngx_http_notify_api_message_memory_t *
    ngx_http_notify_api_message_alloc(size_t len);
static void ngx_http_notify_api_message_unref(void *data);
static ngx_int_t ngx_http_notify_api_message_append(
    ngx_http_notify_api_message_t *messages,
    ngx_http_notify_api_message_memory_t *memory);
static void ngx_http_notify_api_message_release(ngx_chain_t *cl);
static void ngx_http_notify_api_message_discard(ngx_chain_t *cl);


ngx_int_t
ngx_http_notify_api_message_init(ngx_http_notify_api_message_text_t *text,
    ngx_pool_t *pool, const ngx_str_t *tenant,
    ngx_http_notify_crypto_hmac_t *hmac)
{
    text->pool = pool;
    text->tenant = tenant;
    text->hmac = hmac;
    text->len = 0;

    return ngx_array_init(&text->parts, pool, 8, sizeof(ngx_str_t));
}


ngx_int_t
ngx_http_notify_api_message_add(ngx_http_notify_api_message_text_t *text,
    const ngx_http_notify_event_t *event)
{
    ngx_str_t  *part;

    part = ngx_array_push(&text->parts);

    if (part == NULL
        || ngx_http_notify_api_message_format(text->pool, event, text->hmac,
                                              text->tenant, part)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    text->len += part->len;

    return NGX_OK;
}


/* a line break within the JSON, where it is white space, begins a data line */

static ngx_int_t
ngx_http_notify_api_message_format(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event,
    ngx_http_notify_crypto_hmac_t *hmac, const ngx_str_t *tenant,
    ngx_str_t *text)
{
    u_char     *p, *s, *last;
    size_t      lines;
    ngx_str_t   json;

    if (ngx_http_notify_payload_call(pool, event, 1, &json) != NGX_OK) {
        return NGX_ERROR;
    }

    s = json.data;
    last = s + json.len;
    lines = 1;

    while (s < last) {
        if (*s == LF || *s == CR) {
            lines++;
        }

        s++;
    }

    text->data = ngx_pnalloc(pool, sizeof("id: \n\n")
                                   + NGX_HTTP_NOTIFY_ID_CURSOR_LEN
                                   + lines * (sizeof("data: \n") - 1)
                                   + json.len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(text->data, "id: ", sizeof("id: ") - 1);

    p = ngx_http_notify_id_cursor(p, &event->id, tenant, hmac);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(p, "\ndata: ", sizeof("\ndata: ") - 1);

    for (s = json.data; s < last; s++) {

        if (*s != LF && *s != CR) {
            *p++ = *s;
            continue;
        }

        if (*s == CR && s + 1 < last && s[1] == LF) {
            s++;
        }

        p = ngx_cpymem(p, "\ndata: ", sizeof("\ndata: ") - 1);
    }

    *p++ = LF;
    *p++ = LF;

    text->len = p - text->data;

    return NGX_OK;
}


static ngx_http_notify_api_message_memory_t *
ngx_http_notify_api_message_alloc(size_t len)
{
    u_char                                 buf[NGX_SIZE_T_LEN + 2];
    u_char                                *p;
    size_t                                 head;
    ngx_http_notify_api_message_memory_t  *memory;

    head = ngx_sprintf(buf, "%xz" CRLF, len) - buf;

    memory = ngx_alloc(offsetof(ngx_http_notify_api_message_memory_t, data)
                       + head + len + 2, ngx_cycle->log);
    if (memory == NULL) {
        return NULL;
    }

    memory->refs = 1;
    memory->hmac = NULL;
    memory->head = head;
    memory->len = len;

    p = ngx_cpymem(memory->data, buf, head) + len;
    *p++ = CR;
    *p = LF;

    return memory;
}


static void
ngx_http_notify_api_message_unref(void *data)
{
    ngx_http_notify_api_message_memory_t *memory = data;

    if (--memory->refs == 0) {
        ngx_free(memory);
    }
}


ngx_int_t
ngx_http_notify_api_message_put(ngx_http_notify_api_message_t *messages,
    const ngx_http_notify_api_message_text_t *text)
{
    u_char                                *p;
    ngx_int_t                              rc;
    ngx_str_t                             *part;
    ngx_uint_t                             i;
    ngx_http_notify_api_message_memory_t  *memory;

    memory = ngx_http_notify_api_message_alloc(text->len);
    if (memory == NULL) {
        return NGX_ERROR;
    }

    p = ngx_http_notify_api_message_begin(memory);
    part = text->parts.elts;

    for (i = 0; i < text->parts.nelts; i++) {
        p = ngx_cpymem(p, part[i].data, part[i].len);
    }

    rc = ngx_http_notify_api_message_append(messages, memory);
    ngx_http_notify_api_message_unref(memory);

    return rc;
}


ngx_int_t
ngx_http_notify_api_message_text(ngx_http_notify_api_message_t *messages,
    const ngx_str_t *text)
{
    ngx_int_t                              rc;
    ngx_http_notify_api_message_memory_t  *memory;

    memory = ngx_http_notify_api_message_alloc(text->len);
    if (memory == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ngx_http_notify_api_message_begin(memory), text->data,
               text->len);

    rc = ngx_http_notify_api_message_append(messages, memory);
    ngx_http_notify_api_message_unref(memory);

    return rc;
}


/*
 * An event is of one tenant, as are those who get it: only the key of the
 * cursors may differ, when it was lost.
 */

ngx_int_t
ngx_http_notify_api_message_share(ngx_http_notify_api_message_t *messages,
    const ngx_http_notify_event_t *event,
    ngx_http_notify_crypto_hmac_t *hmac, void **slot, ngx_pool_t *pool)
{
    ngx_str_t                              text;
    ngx_pool_cleanup_t                    *cln;
    ngx_http_notify_api_message_memory_t  *memory;

    memory = *slot;

    if (memory && memory->hmac == hmac) {
        return ngx_http_notify_api_message_append(messages, memory);
    }

    cln = ngx_pool_cleanup_add(pool, 0);

    if (cln == NULL
        || ngx_http_notify_api_message_format(pool, event, hmac,
                                              &event->tenant, &text)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    memory = ngx_http_notify_api_message_alloc(text.len);
    if (memory == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ngx_http_notify_api_message_begin(memory), text.data,
               text.len);
    memory->hmac = hmac;

    cln->handler = ngx_http_notify_api_message_unref;
    cln->data = memory;
    *slot = memory;

    return ngx_http_notify_api_message_append(messages, memory);
}


static ngx_int_t
ngx_http_notify_api_message_append(ngx_http_notify_api_message_t *messages,
    ngx_http_notify_api_message_memory_t *memory)
{
    ngx_chain_t                        *cl;
    ngx_http_notify_api_message_buf_t  *b;

    cl = messages->free;

    if (cl) {
        messages->free = cl->next;
        b = (ngx_http_notify_api_message_buf_t *) cl->buf;

    } else {
        b = ngx_alloc(sizeof(ngx_http_notify_api_message_buf_t),
                      ngx_cycle->log);
        if (b == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_memzero(b, sizeof(ngx_http_notify_api_message_buf_t));

    b->buf.start = ngx_http_notify_api_message_begin(memory);
    b->buf.end = b->buf.start + memory->len;

    if (messages->chunked) {
        b->buf.start = memory->data;
        b->buf.end += 2;
    }

    b->buf.pos = b->buf.start;
    b->buf.last = b->buf.end;
    b->buf.tag = (ngx_buf_tag_t) &ngx_http_notify_api_message_append;
    b->buf.memory = 1;
    b->buf.flush = 1;
    b->memory = memory;
    memory->refs++;

    cl = &b->chain;
    cl->buf = &b->buf;

    if (messages->out == NULL) {
        messages->last = &messages->out;
    }

    *messages->last = cl;
    messages->last = &cl->next;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_api_message_send(ngx_http_notify_api_message_t *messages,
    ngx_http_request_t *r)
{
    ngx_chain_t  *out;

    out = messages->out;
    messages->out = NULL;

    /* with nothing to send an output filter is an error */

    if (out == NULL && !r->buffered && !r->connection->buffered) {
        return NGX_OK;
    }

    if (ngx_http_output_filter(r, out) == NGX_ERROR) {

        /* freed with the request */

        messages->out = out;
        return NGX_ERROR;
    }

    ngx_chain_update_chains(r->pool, &messages->free, &messages->busy, &out,
                       (ngx_buf_tag_t) &ngx_http_notify_api_message_append);

    ngx_http_notify_api_message_release(messages->free);

    messages->unsent = ngx_http_notify_api_message_size(messages);

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_api_message_write(ngx_http_notify_api_message_t *messages,
    ngx_connection_t *c)
{
    ngx_chain_t  *cl, *left, **link;

    for (link = &messages->busy; *link; link = &(*link)->next) { /* void */ }

    *link = messages->out;
    messages->out = NULL;

    if (messages->busy == NULL && !c->buffered) {
        return NGX_OK;
    }

    left = c->send_chain(c, messages->busy, 0);

    if (left == NGX_CHAIN_ERROR) {
        return NGX_ERROR;
    }

    while (messages->busy && messages->busy != left) {
        cl = messages->busy;
        messages->busy = cl->next;

        cl->next = NULL;
        ngx_http_notify_api_message_discard(cl);
    }

    messages->unsent = ngx_http_notify_api_message_size(messages);

    return NGX_OK;
}


size_t
ngx_http_notify_api_message_size(
    const ngx_http_notify_api_message_t *messages)
{
    size_t        size;
    ngx_chain_t  *cl;

    size = 0;

    for (cl = messages->busy; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    for (cl = messages->out; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    return size;
}


/* those that were sent are in front of those that were free */

static void
ngx_http_notify_api_message_release(ngx_chain_t *cl)
{
    ngx_http_notify_api_message_buf_t  *b;

    for ( /* void */ ; cl; cl = cl->next) {
        b = (ngx_http_notify_api_message_buf_t *) cl->buf;

        if (b->memory == NULL) {
            break;
        }

        ngx_http_notify_api_message_unref(b->memory);
        b->memory = NULL;
    }
}


static void
ngx_http_notify_api_message_discard(ngx_chain_t *cl)
{
    ngx_buf_t  *b;

    ngx_http_notify_api_message_release(cl);

    while (cl) {
        b = cl->buf;
        cl = cl->next;

        ngx_free(b);
    }
}


void
ngx_http_notify_api_message_trim(ngx_http_notify_api_message_t *messages)
{
    ngx_http_notify_api_message_discard(messages->free);
    messages->free = NULL;
}


void
ngx_http_notify_api_message_free(ngx_http_notify_api_message_t *messages)
{
    ngx_http_notify_api_message_discard(messages->out);
    ngx_http_notify_api_message_discard(messages->busy);
    ngx_http_notify_api_message_discard(messages->free);
}
