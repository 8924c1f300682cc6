/*
 * The text of a command in RESP.  It is written behind room for its head, which
 * is known at the end; keys that come after arguments go into a gap between the
 * two.  A short text is a part of the command's own memory.
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */

#include "ngx_http_notify_command.h"
#include "ngx_http_notify_redis_internal.h"
#include "ngx_http_notify_text.h"


/* with the structure: what an allocator has at hand */
#define NGX_HTTP_NOTIFY_COMMAND_SIZE    1024

/* "*65536", "$7", "EVALSHA", "$40", a digest, "$5", "65535" */
#define NGX_HTTP_NOTIFY_COMMAND_ROOM    (8 + 4 + 9 + 5 + 42 + 4 + 7)

/* a number in a line of its own */
#define NGX_HTTP_NOTIFY_COMMAND_LINE    (1 + NGX_INT64_LEN + 2)

#define NGX_HTTP_NOTIFY_COMMAND_PRINT   64


static ngx_http_notify_command_t *ngx_http_notify_command_create(
    ngx_http_notify_redis_t *redis, ngx_http_notify_redis_handler_pt handler,
    void *data);
static void ngx_http_notify_command_key_parts(
    ngx_http_notify_command_t *command, const ngx_http_notify_keys_t *keys,
    const char *kind, const ngx_str_t *name);
static void ngx_http_notify_command_string(
    ngx_http_notify_command_t *command, const ngx_str_t *parts, ngx_uint_t n,
    ngx_uint_t key);
static u_char *ngx_http_notify_command_room(
    ngx_http_notify_command_t *command, size_t size, ngx_uint_t key);
static ngx_int_t ngx_http_notify_command_grow(
    ngx_http_notify_command_t *command, size_t gap, size_t size);
static void ngx_http_notify_command_added(ngx_http_notify_command_t *command,
    u_char *last, ngx_uint_t key);
static u_char *ngx_http_notify_command_head(
    ngx_http_notify_command_t *command, u_char *p, const char *name,
    const ngx_str_t *script);
static u_char *ngx_http_notify_command_line(u_char *p, u_char type,
    uint64_t n);
static u_char *ngx_http_notify_command_bulk(u_char *p, const ngx_str_t *string);
static u_char *ngx_http_notify_command_digits(u_char *last, uint64_t n);


ngx_http_notify_command_t *
ngx_http_notify_command_start(ngx_http_notify_redis_t *redis, const char *name,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_create(redis, handler, data);

    ngx_http_notify_command_text(command, name);

    return command;
}


ngx_http_notify_command_t *
ngx_http_notify_command_script(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_script_t *script,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_create(redis, handler, data);

    if (command) {
        command->script = script;
    }

    return command;
}


static ngx_http_notify_command_t *
ngx_http_notify_command_create(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_http_notify_command_t  *command;

    if (redis == NULL) {
        return NULL;
    }

    command = ngx_alloc(NGX_HTTP_NOTIFY_COMMAND_SIZE, ngx_cycle->log);
    if (command == NULL) {
        return NULL;
    }

    ngx_memzero(command, sizeof(ngx_http_notify_command_t));

    command->redis = redis;
    command->handler = handler;
    command->data = data;

    command->start = (u_char *) &command[1];
    command->end = (u_char *) command + NGX_HTTP_NOTIFY_COMMAND_SIZE;

    command->keys = command->start + NGX_HTTP_NOTIFY_COMMAND_ROOM;
    command->args = command->keys;
    command->last = command->keys;

    return command;
}


void
ngx_http_notify_command_free(ngx_http_notify_command_t *command)
{
    if (command == NULL) {
        return;
    }

    if (command->start != (u_char *) &command[1]) {
        ngx_free(command->start);
    }

    ngx_free(command);
}


void
ngx_http_notify_command_filter(ngx_http_notify_command_t *command,
    ngx_http_notify_command_filter_pt filter)
{
    if (command) {
        command->filter = filter;
    }
}


void
ngx_http_notify_command_timeout(ngx_http_notify_command_t *command,
    ngx_msec_t timeout)
{
    if (command) {
        command->timeout = timeout;
    }
}


void
ngx_http_notify_command_key(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys, const char *kind)
{
    ngx_http_notify_command_key_parts(command, keys, kind, NULL);
}


void
ngx_http_notify_command_key_of(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys, const char *kind,
    const ngx_str_t *name)
{
    ngx_http_notify_command_key_parts(command, keys, kind, name);
}


void
ngx_http_notify_command_key_shard(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys, const char *kind, ngx_uint_t shard)
{
    ngx_str_t  name;
    u_char     digits[NGX_INT64_LEN];

    name.data = ngx_http_notify_command_digits(digits + sizeof(digits), shard);
    name.len = digits + sizeof(digits) - name.data;

    ngx_http_notify_command_key_parts(command, keys, kind, &name);
}


static void
ngx_http_notify_command_key_parts(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys, const char *kind,
    const ngx_str_t *name)
{
    ngx_str_t  parts[4];

    if (command) {
        command->gate = keys->open;
    }

    parts[0] = keys->prefix;
    parts[1].len = ngx_strlen(kind);
    parts[1].data = (u_char *) kind;

    if (name) {
        ngx_str_set(&parts[2], ":");
        parts[3] = *name;
    }

    ngx_http_notify_command_string(command, parts, name ? 4 : 2, 1);
}


void
ngx_http_notify_command_key_text(ngx_http_notify_command_t *command,
    const ngx_str_t *key)
{
    ngx_http_notify_command_string(command, key, 1, 1);
}


void
ngx_http_notify_command_arg(ngx_http_notify_command_t *command,
    const ngx_str_t *arg)
{
    ngx_http_notify_command_string(command, arg, 1, 0);
}


void
ngx_http_notify_command_text(ngx_http_notify_command_t *command,
    const char *text)
{
    ngx_str_t  arg;

    arg.len = ngx_strlen(text);
    arg.data = (u_char *) text;

    ngx_http_notify_command_arg(command, &arg);
}


void
ngx_http_notify_command_number(ngx_http_notify_command_t *command, uint64_t n)
{
    ngx_str_t  arg;
    u_char     digits[NGX_INT64_LEN];

    arg.data = ngx_http_notify_command_digits(digits + sizeof(digits), n);
    arg.len = digits + sizeof(digits) - arg.data;

    ngx_http_notify_command_arg(command, &arg);
}


void
ngx_http_notify_command_id(ngx_http_notify_command_t *command,
    const ngx_http_notify_id_t *id)
{
    ngx_str_t  arg;
    u_char     text[NGX_HTTP_NOTIFY_ID_LEN];

    arg.data = text;
    arg.len = id ? ngx_http_notify_id_print(text, id) - text : 0;

    ngx_http_notify_command_arg(command, &arg);
}


void ngx_cdecl
ngx_http_notify_command_printf(ngx_http_notify_command_t *command,
    const char *fmt, ...)
{
    size_t   size;
    u_char  *p, *last, *text;
    va_list  args;

    for (size = NGX_HTTP_NOTIFY_COMMAND_PRINT; /* void */ ; size *= 2) {

        p = ngx_http_notify_command_room(command,
                                  NGX_HTTP_NOTIFY_COMMAND_LINE + size + 2, 0);
        if (p == NULL) {
            return;
        }

        text = p + NGX_HTTP_NOTIFY_COMMAND_LINE;

        va_start(args, fmt);
        last = ngx_vslprintf(text, text + size, fmt, args);
        va_end(args);

        /* what fills the room may have been cut */

        if (last < text + size) {
            break;
        }
    }

    size = last - text;

    p = ngx_http_notify_command_line(p, '$', size);
    p = ngx_movemem(p, text, size);

    *p++ = CR;
    *p++ = LF;

    ngx_http_notify_command_added(command, p, 0);
}


void
ngx_http_notify_command_fail(ngx_http_notify_command_t *command)
{
    if (command) {
        command->failed = 1;
    }
}


ngx_uint_t
ngx_http_notify_command_failed(ngx_http_notify_command_t *command)
{
    return command == NULL || command->failed;
}


size_t
ngx_http_notify_command_size(ngx_http_notify_command_t *command)
{
    return command->last - command->start;
}


ngx_uint_t
ngx_http_notify_command_args(ngx_http_notify_command_t *command)
{
    return command->nargs;
}


ngx_uint_t
ngx_http_notify_command_strings(ngx_http_notify_command_t *command)
{
    return command->nkeys + command->nargs;
}


void
ngx_http_notify_command_keep(ngx_http_notify_command_t *command)
{
    if (command) {
        command->kept = 1;
    }
}


void
ngx_http_notify_command_void(ngx_http_notify_command_t *command, ngx_uint_t n)
{
    size_t   len;
    u_char  *p;

    p = command->args;

    for ( ;; ) {
        len = 0;

        for (p++; *p != CR; p++) {
            len = len * 10 + (*p - '0');
        }

        p += 2;

        if (n-- == 0) {
            ngx_memset(p, 'x', len);
            return;
        }

        p += len + 2;
    }
}


static void
ngx_http_notify_command_string(ngx_http_notify_command_t *command,
    const ngx_str_t *parts, ngx_uint_t n, ngx_uint_t key)
{
    size_t      len;
    u_char     *p;
    ngx_uint_t  i;

    len = 0;

    for (i = 0; i < n; i++) {
        len += parts[i].len;
    }

    p = ngx_http_notify_command_room(command,
                                     NGX_HTTP_NOTIFY_COMMAND_LINE + len + 2,
                                     key);
    if (p == NULL) {
        return;
    }

    p = ngx_http_notify_command_line(p, '$', len);

    for (i = 0; i < n; i++) {

        /* an absent string has no data */

        if (parts[i].len) {
            p = ngx_cpymem(p, parts[i].data, parts[i].len);
        }
    }

    *p++ = CR;
    *p++ = LF;

    ngx_http_notify_command_added(command, p, key);
}


/* where a string of so many bytes at most may be written */

static u_char *
ngx_http_notify_command_room(ngx_http_notify_command_t *command, size_t size,
    ngx_uint_t key)
{
    size_t  gap;

    if (command == NULL || command->failed) {
        return NULL;
    }

    gap = command->args - command->keys;

    if (key && command->script && command->args != command->last) {

        /* the next keys find room, too */

        if (size > gap
            && ngx_http_notify_command_grow(command,
                             size + (command->keys - command->start), 0)
               != NGX_OK)
        {
            return NULL;
        }

        return command->keys;
    }

    if (size > (size_t) (command->end - command->last)
        && ngx_http_notify_command_grow(command, gap, size) != NGX_OK)
    {
        return NULL;
    }

    return command->last;
}


static ngx_int_t
ngx_http_notify_command_grow(ngx_http_notify_command_t *command, size_t gap,
    size_t size)
{
    size_t   keys, args, total;
    u_char  *start;

    keys = command->keys - command->start;
    args = command->last - command->args;

    total = ngx_max(2 * (size_t) (command->end - command->start),
                    keys + gap + args + size);

    start = ngx_alloc(total, ngx_cycle->log);
    if (start == NULL) {
        command->failed = 1;
        return NGX_ERROR;
    }

    ngx_memcpy(start, command->start, keys);
    ngx_memcpy(start + keys + gap, command->args, args);

    if (command->start != (u_char *) &command[1]) {
        ngx_free(command->start);
    }

    command->start = start;
    command->end = start + total;
    command->keys = start + keys;
    command->args = command->keys + gap;
    command->last = command->args + args;

    return NGX_OK;
}


static void
ngx_http_notify_command_added(ngx_http_notify_command_t *command, u_char *last,
    ngx_uint_t key)
{
    if (!key || command->script == NULL) {
        command->last = last;
        command->nargs++;

    } else {
        command->nkeys++;

        if (command->args == command->last) {
            command->args = last;
            command->last = last;
        }

        command->keys = last;
    }

    if (command->nkeys + command->nargs
        > NGX_HTTP_NOTIFY_COMMAND_STRINGS - NGX_HTTP_NOTIFY_COMMAND_HEAD)
    {
        command->failed = 1;
    }
}


ngx_int_t
ngx_http_notify_command_close(ngx_http_notify_command_t *command)
{
    size_t      len;
    u_char      head[NGX_HTTP_NOTIFY_COMMAND_ROOM];
    ngx_str_t   sha1;

    if (command->failed) {
        return NGX_ERROR;
    }

    if (command->head == NULL) {

        /* the keys move to the arguments, and the head to the keys */

        len = command->keys - command->start - NGX_HTTP_NOTIFY_COMMAND_ROOM;

        command->body = command->args - len;
        ngx_memmove(command->body, command->keys - len, len);

        if (command->script) {
            sha1.data = (u_char *) command->script->sha1;
            sha1.len = sizeof(command->script->sha1);

            len = ngx_http_notify_command_head(command, head, "EVALSHA", &sha1)
                  - head;

        } else {
            len = ngx_http_notify_command_head(command, head, NULL, NULL)
                  - head;
        }

        command->head = command->body - len;
        ngx_memcpy(command->head, head, len);
    }

    command->pos = command->head;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_command_eval(ngx_http_notify_command_t *command)
{
    size_t            len;
    u_char           *p, *start;
    const ngx_str_t  *text;

    text = &command->script->text;
    len = command->last - command->body;

    start = ngx_alloc(NGX_HTTP_NOTIFY_COMMAND_ROOM + NGX_INT64_LEN + text->len
                      + len, ngx_cycle->log);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = ngx_http_notify_command_head(command, start, "EVAL", text);

    ngx_memcpy(p, command->body, len);

    command->args = p + (command->args - command->body);

    if (command->start != (u_char *) &command[1]) {
        ngx_free(command->start);
    }

    command->start = start;
    command->head = start;
    command->pos = start;
    command->body = p;
    command->last = p + len;
    command->end = command->last;

    /* nothing is added any more, and EVAL is not answered by NOSCRIPT */

    command->script = NULL;

    return NGX_OK;
}


/* name NULL: the first argument is the command's name */

static u_char *
ngx_http_notify_command_head(ngx_http_notify_command_t *command, u_char *p,
    const char *name, const ngx_str_t *script)
{
    ngx_str_t  string;
    u_char     digits[NGX_INT64_LEN];

    p = ngx_http_notify_command_line(p, '*', command->nkeys + command->nargs
                             + (name ? NGX_HTTP_NOTIFY_COMMAND_HEAD : 0));

    if (name == NULL) {
        return p;
    }

    string = ngx_http_notify_text(name);

    p = ngx_http_notify_command_bulk(p, &string);
    p = ngx_http_notify_command_bulk(p, script);

    string.data = ngx_http_notify_command_digits(digits + sizeof(digits),
                                                 command->nkeys);
    string.len = digits + sizeof(digits) - string.data;

    return ngx_http_notify_command_bulk(p, &string);
}


static u_char *
ngx_http_notify_command_bulk(u_char *p, const ngx_str_t *string)
{
    p = ngx_http_notify_command_line(p, '$', string->len);
    p = ngx_cpymem(p, string->data, string->len);

    *p++ = CR;
    *p++ = LF;

    return p;
}


/* not by ngx_sprintf(), which costs more than all the rest */

static u_char *
ngx_http_notify_command_line(u_char *p, u_char type, uint64_t n)
{
    u_char  *first, digits[NGX_INT64_LEN];

    first = ngx_http_notify_command_digits(digits + sizeof(digits), n);

    *p++ = type;
    p = ngx_cpymem(p, first, digits + sizeof(digits) - first);
    *p++ = CR;
    *p++ = LF;

    return p;
}


/* before last; returns where they begin */

static u_char *
ngx_http_notify_command_digits(u_char *last, uint64_t n)
{
    do {
        *--last = (u_char) (n % 10 + '0');
        n /= 10;
    } while (n);

    return last;
}
