/*
 * Redis' answers: the replies do not depend on how the bytes were cut, strings
 * end with a NUL; and a script's call reads back as what it was made of, first
 * with its digest, then with its text.
 */

#include "fuzz.h"
#include "ngx_http_notify_redis_internal.h"


#define FUZZ_REPLIES  32
#define FUZZ_ARGS     40


typedef struct {
    ngx_http_notify_resp_t         *replies[FUZZ_REPLIES];
    ngx_uint_t                      n;
    ngx_int_t                       rc;
    ngx_http_notify_resp_parser_t  *parser;
} fuzz_replies_t;


static void
fuzz_check_same(const ngx_http_notify_resp_t *a,
    const ngx_http_notify_resp_t *b)
{
    ngx_uint_t  i;

    fuzz_check(a->type == b->type);

    /* of every type, as it is read */

    fuzz_check(fuzz_same(&a->str, &b->str));
    fuzz_check(a->str.data[a->str.len] == '\0');

    switch (a->type) {

    case NGX_HTTP_NOTIFY_RESP_NIL:
        break;

    case NGX_HTTP_NOTIFY_RESP_INTEGER:
        fuzz_check(a->integer == b->integer);
        break;

    case NGX_HTTP_NOTIFY_RESP_ARRAY:
        fuzz_check(a->nelts == b->nelts);

        for (i = 0; i < a->nelts; i++) {
            fuzz_check_same(a->elts[i], b->elts[i]);
            fuzz_check(ngx_http_notify_resp_at(a, i) == a->elts[i]);
        }

        fuzz_check(ngx_http_notify_resp_at(a, a->nelts) == NULL);
        break;

    default:
        (void) ngx_http_notify_resp_is_error(a, "NOSCRIPT");
    }
}


static void
fuzz_parse(fuzz_replies_t *r, ngx_pool_t *pool, const ngx_str_t *input,
    size_t step)
{
    size_t                   n, done;
    ngx_str_t                part;
    ngx_http_notify_resp_t  *resp;

    r->n = 0;
    r->rc = NGX_AGAIN;
    r->parser = ngx_http_notify_resp_parser_create(pool->log);
    fuzz_check(r->parser != NULL);

    for (done = 0; done < input->len; done += n) {
        n = ngx_min(step, input->len - done);

        part = fuzz_copy(pool, input->data + done, n);
        r->rc = ngx_http_notify_resp_parser_feed(r->parser, part.data, n);
        ngx_pfree(pool, part.data);

        while (r->rc == NGX_OK) {
            r->rc = ngx_http_notify_resp_parser_next(r->parser, &resp);

            if (r->rc == NGX_OK) {
                fuzz_check(r->n < FUZZ_REPLIES);
                r->replies[r->n++] = resp;

                if (r->n == FUZZ_REPLIES) {
                    r->rc = NGX_DONE;
                }
            }
        }

        if (r->rc == NGX_ERROR) {
            fuzz_check(ngx_http_notify_resp_parser_error(r->parser) != NULL);
        }

        if (r->rc != NGX_AGAIN) {
            break;
        }
    }

    ngx_http_notify_resp_parser_destroy(r->parser);
}


static void
fuzz_free(fuzz_replies_t *r)
{
    ngx_uint_t  i;

    for (i = 0; i < r->n; i++) {
        ngx_http_notify_resp_free(r->replies[i]);
    }
}


/* the name, the script, the number of keys, keys, arguments */

static void
fuzz_command_is(ngx_pool_t *pool, ngx_http_notify_command_t *command,
    const char *name, const ngx_str_t *script, const ngx_str_t *strings,
    ngx_uint_t nkeys, ngx_uint_t nargs)
{
    u_char            number[NGX_INT_T_LEN];
    ngx_str_t         text, expected[3 + 2 * FUZZ_ARGS];
    ngx_uint_t        i, n;
    fuzz_replies_t    r;

    text.data = command->head;
    text.len = command->last - command->head;

    fuzz_check(command->pos == command->head);

    expected[0].data = (u_char *) name;
    expected[0].len = ngx_strlen(name);
    expected[1] = *script;
    expected[2].data = number;
    expected[2].len = ngx_sprintf(number, "%ui", nkeys) - number;

    n = 3;

    for (i = 0; i < nkeys; i++) {
        expected[n++] = strings[i];
    }

    for (i = 0; i < nargs; i++) {
        expected[n++] = strings[FUZZ_ARGS + i];
    }

    fuzz_parse(&r, pool, &text, 7);

    fuzz_check(r.n == 1);
    fuzz_check(r.replies[0]->type == NGX_HTTP_NOTIFY_RESP_ARRAY);
    fuzz_check(r.replies[0]->nelts == n);

    for (i = 0; i < n; i++) {
        fuzz_check(r.replies[0]->elts[i]->type == NGX_HTTP_NOTIFY_RESP_STRING);
        fuzz_check(fuzz_same(&r.replies[0]->elts[i]->str, &expected[i]));
    }

    fuzz_free(&r);
}


static void
fuzz_command(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_str_t                   strings[2 * FUZZ_ARGS], sha1, string;
    ngx_uint_t                  nkeys, nargs;
    ngx_http_notify_redis_t     redis;
    ngx_http_notify_script_t    script;
    ngx_http_notify_command_t  *command;

    script.name = "fuzz";
    ngx_str_set(&script.text, "return 1");
    ngx_memset(script.sha1, 'a', sizeof(script.sha1));

    nkeys = 0;
    nargs = 0;

    command = ngx_http_notify_command_script(&redis, &script, NULL, NULL);
    fuzz_check(command != NULL);

    while (nkeys < FUZZ_ARGS && nargs < FUZZ_ARGS && input->len) {
        string = fuzz_cut(pool, input, ' ');

        if ((string.len ^ choice) & 2) {
            ngx_http_notify_command_key_text(command, &string);
            strings[nkeys++] = string;

        } else if (string.len & 1) {
            ngx_http_notify_command_arg(command, &string);
            strings[FUZZ_ARGS + nargs++] = string;

        } else {
            ngx_http_notify_command_printf(command, "%V", &string);
            strings[FUZZ_ARGS + nargs++] = string;
        }
    }

    sha1.data = script.sha1;
    sha1.len = sizeof(script.sha1);

    fuzz_check(ngx_http_notify_command_close(command) == NGX_OK);
    fuzz_command_is(pool, command, "EVALSHA", &sha1, strings, nkeys, nargs);

    fuzz_check(ngx_http_notify_command_eval(command) == NGX_OK);
    fuzz_command_is(pool, command, "EVAL", &script.text, strings, nkeys,
                    nargs);

    ngx_http_notify_command_free(command);
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_uint_t      i;
    fuzz_replies_t  a, b;

    if (choice & 1) {
        fuzz_command(pool, choice, input);
        return;
    }

    fuzz_parse(&a, pool, input, input->len);
    fuzz_parse(&b, pool, input, 1 + (choice >> 1) % 20);

    fuzz_check(a.rc == b.rc);
    fuzz_check(a.n == b.n);

    for (i = 0; i < a.n; i++) {
        fuzz_check_same(a.replies[i], b.replies[i]);
    }

    fuzz_free(&a);
    fuzz_free(&b);
}
