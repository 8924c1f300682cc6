/*
 * RESP2 through hiredis, whose reader builds our own trees: one allocation for
 * a small reply, a few growing blocks for a large one.  A reply that is too
 * large is read to its end without being kept.  A parser lives as long as its
 * connection, a reply until it is freed.  Must not know any socket.
 */

#include "ngx_http_notify_resp.h"
#include <hiredis/hiredis.h>


#define NGX_HTTP_NOTIFY_RESP_MAX_SIZE   (128 * 1024 * 1024)
#define NGX_HTTP_NOTIFY_RESP_MAX_DEPTH  7
#define NGX_HTTP_NOTIFY_RESP_TOO_LARGE                                        \
    NGX_HTTP_NOTIFY_RESP_LARGE " the reply is larger than 128 MB"

#define NGX_HTTP_NOTIFY_RESP_MIN_BLOCK  4096
#define NGX_HTTP_NOTIFY_RESP_MAX_BLOCK  (64 * 1024)


#if (HIREDIS_MAJOR >= 1)
#define ngx_http_notify_resp_task(reader)  (reader)->task[(reader)->ridx]
#else
#define ngx_http_notify_resp_task(reader)  (&(reader)->rstack[(reader)->ridx])
#endif


typedef struct ngx_http_notify_resp_block_s  ngx_http_notify_resp_block_t;

struct ngx_http_notify_resp_block_s {
    ngx_http_notify_resp_block_t  *next;
    u_char                        *pos;
    u_char                        *end;
};


/* the root of a reply lies in one of its own blocks */
typedef struct {
    ngx_http_notify_resp_t         resp;    /* must be first */
    ngx_http_notify_resp_block_t  *blocks;
    size_t                         next;    /* size of the next block */
    size_t                         total;
    ngx_log_t                     *log;
} ngx_http_notify_resp_root_t;


struct ngx_http_notify_resp_parser_s {
    redisReader                   *reader;
    ngx_http_notify_resp_root_t   *root;    /* of the reply being built */
    ngx_log_t                     *log;
    size_t                         skip;    /* bytes that are not fed */
    unsigned                       refused:1;   /* by us, not by hiredis */
    unsigned                       large:1;     /* the reply is dropped */
};


static void *ngx_http_notify_resp_create_string(const redisReadTask *task,
    char *data, size_t len);
#if (HIREDIS_MAJOR >= 1)
static void *ngx_http_notify_resp_create_array(const redisReadTask *task,
    size_t n);
static void *ngx_http_notify_resp_create_double(const redisReadTask *task,
    double value, char *data, size_t len);
static void *ngx_http_notify_resp_create_bool(const redisReadTask *task,
    int value);
#else
static void *ngx_http_notify_resp_create_array(const redisReadTask *task,
    int n);
#endif
static void *ngx_http_notify_resp_create_integer(const redisReadTask *task,
    long long value);
static void *ngx_http_notify_resp_create_nil(const redisReadTask *task);
static void ngx_http_notify_resp_free_object(void *object);
static ngx_int_t ngx_http_notify_resp_skip(ngx_http_notify_resp_parser_t *p);
static void ngx_http_notify_resp_drop(ngx_http_notify_resp_parser_t *p);


/* stands for each element of a reply that is dropped */
static ngx_http_notify_resp_t  ngx_http_notify_resp_dropped;

static redisReplyObjectFunctions  ngx_http_notify_resp_functions = {
    ngx_http_notify_resp_create_string,
    ngx_http_notify_resp_create_array,
    ngx_http_notify_resp_create_integer,
#if (HIREDIS_MAJOR >= 1)
    ngx_http_notify_resp_create_double,
#endif
    ngx_http_notify_resp_create_nil,
#if (HIREDIS_MAJOR >= 1)
    ngx_http_notify_resp_create_bool,
#endif
    ngx_http_notify_resp_free_object
};


ngx_http_notify_resp_t *
ngx_http_notify_resp_at(const ngx_http_notify_resp_t *resp, ngx_uint_t i)
{
    if (resp == NULL
        || resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY
        || i >= resp->nelts)
    {
        return NULL;
    }

    return resp->elts[i];
}


ngx_uint_t
ngx_http_notify_resp_is_error(const ngx_http_notify_resp_t *resp,
    const char *word)
{
    size_t  len;

    if (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_ERROR) {
        return 0;
    }

    len = ngx_strlen(word);

    return resp->str.len >= len
           && ngx_memcmp(resp->str.data, word, len) == 0
           && (resp->str.len == len || resp->str.data[len] == ' ');
}


ngx_http_notify_resp_parser_t *
ngx_http_notify_resp_parser_create(ngx_log_t *log)
{
    ngx_http_notify_resp_parser_t  *p;

    p = ngx_calloc(sizeof(ngx_http_notify_resp_parser_t), log);
    if (p == NULL) {
        return NULL;
    }

    p->log = log;

    p->reader = redisReaderCreateWithFunctions(&ngx_http_notify_resp_functions);
    if (p->reader == NULL) {
        ngx_free(p);
        return NULL;
    }

    p->reader->privdata = p;

    return p;
}


void
ngx_http_notify_resp_parser_destroy(ngx_http_notify_resp_parser_t *p)
{
    redisReaderFree(p->reader);
    ngx_free(p);
}


ngx_int_t
ngx_http_notify_resp_parser_feed(ngx_http_notify_resp_parser_t *p,
    const u_char *bytes, size_t len)
{
    size_t  n;

    n = ngx_min(p->skip, len);
    p->skip -= n;

    if (n == len) {
        return NGX_OK;
    }

    /* a line without an end */

    if (p->reader->len - p->reader->pos
        > NGX_HTTP_NOTIFY_RESP_MAX_SIZE + NGX_HTTP_NOTIFY_RESP_MAX_BLOCK)
    {
        return NGX_ERROR;
    }

    if (redisReaderFeed(p->reader, (const char *) bytes + n, len - n)
        != REDIS_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_resp_parser_next(ngx_http_notify_resp_parser_t *p,
    ngx_http_notify_resp_t **resp)
{
    void  *reply;

    reply = NULL;

    do {
        if (redisReaderGetReply(p->reader, &reply) != REDIS_OK) {
            return NGX_ERROR;
        }

    } while (reply == NULL && ngx_http_notify_resp_skip(p) == NGX_OK);

    if (reply == NULL) {
        return NGX_AGAIN;
    }

    *resp = reply;

    if (p->large) {
        ngx_memzero(*resp, sizeof(ngx_http_notify_resp_t));

        (*resp)->type = NGX_HTTP_NOTIFY_RESP_ERROR;
        ngx_str_set(&(*resp)->str, NGX_HTTP_NOTIFY_RESP_TOO_LARGE);
    }

    p->root = NULL;
    p->large = 0;

    return NGX_OK;
}


/*
 * A string that is too large by itself is not even buffered, as hiredis would
 * do: an empty one is read in its place.  NGX_DECLINED: there is none.
 */

static ngx_int_t
ngx_http_notify_resp_skip(ngx_http_notify_resp_parser_t *p)
{
    u_char       *pos, *last, *eol;
    ssize_t       size;
    redisReader  *reader;

    static const char  empty[] = "0\r\n\r\n";

    reader = p->reader;

    /* its type is read before the rest is there */

    if (reader->ridx < 0
        || ngx_http_notify_resp_task(reader)->type != REDIS_REPLY_STRING)
    {
        return NGX_DECLINED;
    }

    pos = (u_char *) reader->buf + reader->pos;
    last = (u_char *) reader->buf + reader->len;

    eol = ngx_strlchr(pos, last, CR);

    if (eol == NULL || last - eol < 2 || eol[1] != LF) {
        return NGX_DECLINED;
    }

    size = ngx_atosz(pos, eol - pos);

    if (size == NGX_ERROR || size <= NGX_HTTP_NOTIFY_RESP_MAX_SIZE) {
        return NGX_DECLINED;
    }

    /* all that is here belongs to it, or it would have been read */

    p->skip = (size_t) size + 4 - (last - eol);

    ngx_http_notify_resp_drop(p);

    reader->pos = reader->len;

    return redisReaderFeed(reader, empty, sizeof(empty) - 1) == REDIS_OK
               ? NGX_OK : NGX_DECLINED;
}


/* what has been read of it is given back, but for the root */

static void
ngx_http_notify_resp_drop(ngx_http_notify_resp_parser_t *p)
{
    ngx_http_notify_resp_root_t   *root;
    ngx_http_notify_resp_block_t  *block, *next, *own;

    p->large = 1;

    root = p->root;

    if (root == NULL) {
        return;
    }

    own = NULL;

    for (block = root->blocks; block; block = next) {
        next = block->next;

        if ((u_char *) root == (u_char *) (block + 1)) {
            own = block;

        } else {
            ngx_free(block);
        }
    }

    if (own != NULL) {
        own->next = NULL;
        root->blocks = own;
    }
}


const char *
ngx_http_notify_resp_parser_error(ngx_http_notify_resp_parser_t *p)
{
    /* hiredis believes that memory is short when we refuse a node */

    return (p->refused || p->reader->err == 0)
               ? "reply is too deep or not RESP2"
               : p->reader->errstr;
}


void
ngx_http_notify_resp_free(ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_resp_free_object(resp);
}


void
ngx_http_notify_resp_adopt(ngx_http_notify_resp_t *reply,
    ngx_http_notify_resp_t *other)
{
    ngx_http_notify_resp_block_t  *block;

    block = ((ngx_http_notify_resp_root_t *) reply)->blocks;

    while (block->next) {
        block = block->next;
    }

    block->next = ((ngx_http_notify_resp_root_t *) other)->blocks;
}


static void
ngx_http_notify_resp_free_object(void *object)
{
    ngx_http_notify_resp_block_t  *block, *next;

    for (block = ((ngx_http_notify_resp_root_t *) object)->blocks;
         block;
         block = next)
    {
        next = block->next;
        ngx_free(block);
    }
}


static ngx_http_notify_resp_block_t *
ngx_http_notify_resp_block(size_t size, ngx_log_t *log)
{
    ngx_http_notify_resp_block_t  *block;

    block = ngx_alloc(sizeof(ngx_http_notify_resp_block_t) + size, log);
    if (block == NULL) {
        return NULL;
    }

    block->next = NULL;
    block->pos = (u_char *) (block + 1);
    block->end = block->pos + size;

    return block;
}


static ngx_http_notify_resp_root_t *
ngx_http_notify_resp_root(ngx_http_notify_resp_parser_t *p, size_t size,
    size_t reserve)
{
    ngx_http_notify_resp_root_t   *root;
    ngx_http_notify_resp_block_t  *block;

    size += sizeof(ngx_http_notify_resp_root_t)
            - sizeof(ngx_http_notify_resp_t);

    block = ngx_http_notify_resp_block(size + reserve, p->log);
    if (block == NULL) {
        return NULL;
    }

    root = (ngx_http_notify_resp_root_t *) block->pos;
    block->pos = ngx_align_ptr(block->pos + size, NGX_ALIGNMENT);

    root->blocks = block;
    root->next = NGX_HTTP_NOTIFY_RESP_MIN_BLOCK;
    root->total = size + reserve;
    root->log = p->log;

    p->root = root;

    return root;
}


static void *
ngx_http_notify_resp_alloc(ngx_http_notify_resp_root_t *root, size_t size)
{
    size_t                         n;
    ngx_uint_t                     own;
    ngx_http_notify_resp_block_t  *block;

    size = ngx_align(size, NGX_ALIGNMENT);
    block = root->blocks;

    if (block->pos < block->end && size <= (size_t) (block->end - block->pos)) {
        block->pos += size;
        return block->pos - size;
    }

    own = size > root->next / 4;
    n = own ? size : root->next;

    block = ngx_http_notify_resp_block(n, root->log);
    if (block == NULL) {
        return NULL;
    }

    root->total += n;
    block->pos += size;

    if (own) {
        /* behind the current block, which has room for smaller ones */
        block->next = root->blocks->next;
        root->blocks->next = block;

    } else {
        block->next = root->blocks;
        root->blocks = block;
        root->next = ngx_min(2 * n, NGX_HTTP_NOTIFY_RESP_MAX_BLOCK);
    }

    return (u_char *) (block + 1);
}


static void *
ngx_http_notify_resp_refuse(const redisReadTask *task)
{
    ((ngx_http_notify_resp_parser_t *) task->privdata)->refused = 1;

    return NULL;
}


/* a node with `size` bytes behind it, in its place in the parent */
static ngx_http_notify_resp_t *
ngx_http_notify_resp_node(const redisReadTask *task,
    ngx_http_notify_resp_type_e type, size_t size, size_t reserve)
{
    ngx_http_notify_resp_t         *node, *parent;
    ngx_http_notify_resp_parser_t  *p;

    p = task->privdata;

    if (size > NGX_HTTP_NOTIFY_RESP_MAX_SIZE
        || (task->parent != NULL
            && !p->large
            && p->root->total + size > NGX_HTTP_NOTIFY_RESP_MAX_SIZE))
    {
        ngx_http_notify_resp_drop(p);
    }

    if (p->large) {
        if (task->parent != NULL) {
            return &ngx_http_notify_resp_dropped;
        }

        size = 0;
        reserve = 0;
    }

    size += sizeof(ngx_http_notify_resp_t);

    if (task->parent == NULL) {
        node = NULL;

        if (ngx_http_notify_resp_root(p, size, reserve) != NULL) {
            node = &p->root->resp;
        }

    } else {
        parent = task->parent->obj;

        if (task->idx < 0 || (ngx_uint_t) task->idx >= parent->nelts) {
            return ngx_http_notify_resp_refuse(task);
        }

        node = ngx_http_notify_resp_alloc(p->root, size);
        parent->elts[task->idx] = node;
    }

    if (node == NULL) {
        return NULL;
    }

    ngx_memzero(node, sizeof(ngx_http_notify_resp_t));
    node->type = type;

    /* never NULL: it is read whatever the type is */
    ngx_str_set(&node->str, "");

    return node;
}


/* what follows the node in its memory; the root's own fields lie between */
static void *
ngx_http_notify_resp_behind(const redisReadTask *task,
    ngx_http_notify_resp_t *node)
{
    if (task->parent == NULL) {
        return (ngx_http_notify_resp_root_t *) node + 1;
    }

    return node + 1;
}


static void *
ngx_http_notify_resp_create_string(const redisReadTask *task, char *data,
    size_t len)
{
    ngx_http_notify_resp_t       *node;
    ngx_http_notify_resp_type_e   type;

    switch (task->type) {

    case REDIS_REPLY_STRING:
        type = NGX_HTTP_NOTIFY_RESP_STRING;
        break;

    case REDIS_REPLY_STATUS:
        type = NGX_HTTP_NOTIFY_RESP_STATUS;
        break;

    case REDIS_REPLY_ERROR:
        type = NGX_HTTP_NOTIFY_RESP_ERROR;
        break;

    default:
        /* RESP3, never asked for */
        return ngx_http_notify_resp_refuse(task);
    }

    node = ngx_http_notify_resp_node(task, type, len + 1, 0);
    if (node == NULL) {
        return NULL;
    }

    if (((ngx_http_notify_resp_parser_t *) task->privdata)->large) {
        return node;
    }

    node->str.len = len;
    node->str.data = ngx_http_notify_resp_behind(task, node);

    ngx_memcpy(node->str.data, data, len);
    node->str.data[len] = '\0';

    return node;
}


static void *
#if (HIREDIS_MAJOR >= 1)
ngx_http_notify_resp_create_array(const redisReadTask *task, size_t n)
#else
ngx_http_notify_resp_create_array(const redisReadTask *task, int n)
#endif
{
    size_t                   nelts, size, reserve;
    ngx_uint_t               depth;
    const redisReadTask     *parent;
    ngx_http_notify_resp_t  *node;

    nelts = (size_t) n;

    if (task->type != REDIS_REPLY_ARRAY) {
        return ngx_http_notify_resp_refuse(task);
    }

    depth = 1;

    for (parent = task->parent; parent; parent = parent->parent) {
        if (++depth > NGX_HTTP_NOTIFY_RESP_MAX_DEPTH) {
            return ngx_http_notify_resp_refuse(task);
        }
    }

    /* more of them than fit are too large whatever they are */

    nelts = ngx_min(nelts, NGX_HTTP_NOTIFY_RESP_MAX_SIZE);

    size = nelts * sizeof(ngx_http_notify_resp_t *);
    reserve = nelts * (sizeof(ngx_http_notify_resp_t) + 2 * NGX_ALIGNMENT);

    node = ngx_http_notify_resp_node(task, NGX_HTTP_NOTIFY_RESP_ARRAY, size,
                             ngx_min(reserve, NGX_HTTP_NOTIFY_RESP_MIN_BLOCK));
    if (node == NULL) {
        return NULL;
    }

    if (((ngx_http_notify_resp_parser_t *) task->privdata)->large) {
        return node;
    }

    node->nelts = nelts;
    node->elts = ngx_http_notify_resp_behind(task, node);

    ngx_memzero(node->elts, size);

    return node;
}


static void *
ngx_http_notify_resp_create_integer(const redisReadTask *task, long long value)
{
    ngx_http_notify_resp_t  *node;

    node = ngx_http_notify_resp_node(task, NGX_HTTP_NOTIFY_RESP_INTEGER, 0, 0);
    if (node == NULL) {
        return NULL;
    }

    if (node != &ngx_http_notify_resp_dropped) {
        node->integer = value;
    }

    return node;
}


static void *
ngx_http_notify_resp_create_nil(const redisReadTask *task)
{
    return ngx_http_notify_resp_node(task, NGX_HTTP_NOTIFY_RESP_NIL, 0, 0);
}


#if (HIREDIS_MAJOR >= 1)

static void *
ngx_http_notify_resp_create_double(const redisReadTask *task, double value,
    char *data, size_t len)
{
    return ngx_http_notify_resp_refuse(task);
}


static void *
ngx_http_notify_resp_create_bool(const redisReadTask *task, int value)
{
    return ngx_http_notify_resp_refuse(task);
}

#endif
