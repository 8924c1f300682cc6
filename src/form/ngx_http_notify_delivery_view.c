/*
 * What a delivery has come to is not stored: a cursor, a retry set, the dead
 * letters, the gaps and the attempt log together say it.
 */

#include "ngx_http_notify_deliveries.h"
#include "ngx_http_notify_delivery_view.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_DELIVERY_VIEW_PREFIX  "dlv_"


typedef struct {
    ngx_http_notify_id_t   from;
    ngx_http_notify_id_t   to;
} ngx_http_notify_delivery_gap_t;


static ngx_int_t ngx_http_notify_delivery_view_former(
    ngx_http_notify_delivery_view_t *view, const ngx_http_notify_resp_t *resp);
static void ngx_http_notify_delivery_view_forget(void *data);
static ngx_uint_t ngx_http_notify_delivery_view_concerns(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_event_t *event);
static void ngx_http_notify_delivery_view_cursor(
    ngx_http_notify_delivery_view_t *view, const ngx_http_notify_resp_t *own,
    const ngx_http_notify_resp_t *bucket);
static ngx_int_t ngx_http_notify_delivery_view_gaps(
    ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_resp_t *resp);
static ngx_int_t ngx_http_notify_delivery_view_attempts(
    ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_resp_t *attempted,
    const ngx_http_notify_resp_t *resp);
static ngx_http_notify_delivery_status_e
    ngx_http_notify_delivery_view_judge(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_delivery_row_t *row);
static ngx_uint_t ngx_http_notify_delivery_view_unsent(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_delivery_row_t *row);
static ngx_uint_t ngx_http_notify_delivery_view_in_gap(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_id_t *event);
static void ngx_http_notify_delivery_view_tried(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_delivery_row_t *row,
    ngx_http_notify_json_write_t *w);


static const ngx_str_t  ngx_http_notify_delivery_statuses[] = {
    ngx_null_string,
    ngx_string("succeeded"),
    ngx_string("pending"),
    ngx_string("retrying"),
    ngx_string("dead"),
    ngx_string("skipped")
};


/* "sub_" and "evt_" are left out: what follows them has no underscore */

ngx_int_t
ngx_http_notify_delivery_view_id(ngx_pool_t *pool,
    const ngx_str_t *subscription, const ngx_http_notify_id_t *event,
    ngx_str_t *id)
{
    u_char     *p, *last;
    ngx_str_t   suffix;
    u_char      buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN];

    suffix = *subscription;

    if (ngx_http_notify_text_starts(&suffix, "sub_")) {
        suffix.data += 4;
        suffix.len -= 4;
    }

    last = ngx_http_notify_id_event(buf, event);

    id->data = ngx_pnalloc(pool, sizeof("dlv__") + suffix.len + sizeof(buf));
    if (id->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(id->data, NGX_HTTP_NOTIFY_DELIVERY_VIEW_PREFIX,
                   sizeof(NGX_HTTP_NOTIFY_DELIVERY_VIEW_PREFIX) - 1);
    p = ngx_cpymem(p, suffix.data, suffix.len);
    *p++ = '_';
    p = ngx_cpymem(p, buf + 4, last - buf - 4);

    id->len = p - id->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_delivery_view_parse(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *subscription, ngx_http_notify_id_t *event)
{
    u_char     *p, *start;
    ngx_str_t   id;
    u_char      buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN];

    if (text->len < sizeof("dlv_a_000000000000")
        || text->len > NGX_HTTP_NOTIFY_DELIVERY_VIEW_ID
        || !ngx_http_notify_text_starts(text,
                                        NGX_HTTP_NOTIFY_DELIVERY_VIEW_PREFIX))
    {
        return NGX_DECLINED;
    }

    start = text->data + 4;
    p = text->data + text->len;

    while (p > start && p[-1] != '_') {
        p--;
    }

    id.len = text->data + text->len - p + 4;

    if (p <= start + 1 || id.len > sizeof(buf)) {
        return NGX_DECLINED;
    }

    ngx_memcpy(buf, "evt_", 4);
    ngx_memcpy(buf + 4, p, id.len - 4);
    id.data = buf;

    if (ngx_http_notify_id_event_parse(&id, event) != NGX_OK) {
        return NGX_DECLINED;
    }

    /* that of a target has no prefix, and is shorter than a random one */

    subscription->len = p - 1 - start;
    subscription->data = ngx_pnalloc(pool, subscription->len + 4);

    if (subscription->data == NULL) {
        return NGX_ERROR;
    }

    p = subscription->data;

    if (subscription->len >= 22) {
        p = ngx_cpymem(p, "sub_", 4);
    }

    p = ngx_cpymem(p, start, subscription->len);
    subscription->len = p - subscription->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_delivery_view_one(ngx_pool_t *pool,
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_resp_t *resp, ngx_http_notify_delivery_view_t *view,
    ngx_http_notify_delivery_row_t *row)
{
    ngx_int_t                rc;
    ngx_http_notify_resp_t  *rows;

    ngx_memzero(view, sizeof(ngx_http_notify_delivery_view_t));

    view->pool = pool;
    view->channel = channel;

    rc = ngx_http_notify_delivery_view_take(view, resp);

    if (rc != NGX_OK) {
        return rc;
    }

    rows = resp->elts[NGX_HTTP_NOTIFY_DELIVERIES_ROWS];

    if (rows->nelts < NGX_HTTP_NOTIFY_DELIVERIES_ROW) {
        return NGX_ERROR;
    }

    return ngx_http_notify_delivery_view_row(view, rows->elts, row);
}


ngx_int_t
ngx_http_notify_delivery_view_take(ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_resp_t *resp)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_notify_resp_t  *document;

    document = ngx_http_notify_resp_at(resp,
                                       NGX_HTTP_NOTIFY_DELIVERIES_DOCUMENT);

    if (document == NULL || document->type != NGX_HTTP_NOTIFY_RESP_STRING
        || resp->nelts < NGX_HTTP_NOTIFY_DELIVERIES_N)
    {
        return NGX_DECLINED;
    }

    cln = ngx_pool_cleanup_add(view->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    view->selector = ngx_http_notify_selector_create(&document->str, cln,
                                                     ngx_cycle->log);

    if (view->selector == NULL
        || ngx_array_init(&view->gaps, view->pool, 4,
                          sizeof(ngx_http_notify_delivery_gap_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_notify_delivery_view_former(view,
                     resp->elts[NGX_HTTP_NOTIFY_DELIVERIES_FORMER])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_notify_delivery_view_cursor(view,
                     resp->elts[NGX_HTTP_NOTIFY_DELIVERIES_CURSOR],
                     resp->elts[NGX_HTTP_NOTIFY_DELIVERIES_POSITION]);

    if (ngx_http_notify_delivery_view_gaps(view,
                     resp->elts[NGX_HTTP_NOTIFY_DELIVERIES_GAPS])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_delivery_view_attempts(view,
                     resp->elts[NGX_HTTP_NOTIFY_DELIVERIES_ATTEMPTED],
                     resp->elts[NGX_HTTP_NOTIFY_DELIVERIES_ATTEMPTS]);
}


static ngx_int_t
ngx_http_notify_delivery_view_former(ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_resp_t *resp)
{
    ngx_pool_cleanup_t  *cln;

    if (resp->type != NGX_HTTP_NOTIFY_RESP_STRING) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(view->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    view->former = ngx_http_notify_former_create(&resp->str, ngx_cycle->log);

    if (view->former != NULL) {
        cln->handler = ngx_http_notify_delivery_view_forget;
        cln->data = view->former;
    }

    return NGX_OK;
}


static void
ngx_http_notify_delivery_view_forget(void *data)
{
    ngx_http_notify_former_destroy(data);
}


/* by the document of its time */

static ngx_uint_t
ngx_http_notify_delivery_view_concerns(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_event_t *event)
{
    ngx_http_notify_selector_t  *selector;

    selector = ngx_http_notify_former_find(view->former, &event->id);

    return selector ? ngx_http_notify_selector_test(selector, event)
                    : ngx_http_notify_selector_test(view->selector, event);
}


/* "<stream id>[ flags]" of its own, or where its bucket stands */

static void
ngx_http_notify_delivery_view_cursor(ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_resp_t *own, const ngx_http_notify_resp_t *bucket)
{
    off_t       until;
    u_char     *p, *last, *end;
    ngx_str_t   text;

    if (own->type == NGX_HTTP_NOTIFY_RESP_STRING) {
        text = own->str;

    } else if (bucket->type == NGX_HTTP_NOTIFY_RESP_STRING) {
        text = bucket->str;

    } else {
        return;
    }

    p = ngx_strlchr(text.data, text.data + text.len, ' ');
    if (p != NULL) {
        last = text.data + text.len;
        text.len = p - text.data;

        if (last - p > 8 && ngx_strncmp(p, " paused ", 8) == 0) {
            p += 8;
            end = ngx_strlchr(p, last, ' ');
            until = end ? ngx_atoof(p, end - p) : NGX_ERROR;
            view->paused = ngx_max(until, 0);
        }
    }

    view->placed = ngx_http_notify_id_parse(&text, &view->cursor) == NGX_OK;
}


/* each "<from> <to>", and perhaps a version */

static ngx_int_t
ngx_http_notify_delivery_view_gaps(ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                       i;
    ngx_http_notify_delivery_gap_t   gap, *slot;

    if (resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY) {
        return NGX_OK;
    }

    for (i = 0; i < resp->nelts; i++) {
        if (ngx_http_notify_id_interval(&resp->elts[i]->str, &gap.from,
                                        &gap.to)
            != NGX_OK)
        {
            continue;
        }

        slot = ngx_array_push(&view->gaps);
        if (slot == NULL) {
            return NGX_ERROR;
        }

        *slot = gap;
    }

    return NGX_OK;
}


/* trimming leaves some more than `max`: these are not shown */

static ngx_int_t
ngx_http_notify_delivery_view_attempts(ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_resp_t *attempted,
    const ngx_http_notify_resp_t *resp)
{
    off_t                       n;
    uint64_t                    first;
    ngx_http_notify_profile_t  *profile;

    profile = ngx_http_notify_channel_profile(view->channel,
                                        &view->selector->doc->profile);
    n = ngx_atoof(attempted->str.data, attempted->str.len);
    first = 0;

    if (profile != NULL && n > (off_t) profile->attempts.max) {
        first = n - profile->attempts.max + 1;
    }

    view->logged = profile != NULL && first == 0
                   && profile->attempts.mode == NGX_HTTP_NOTIFY_ATTEMPTS_ALL;

    return ngx_http_notify_delivery_attempts_take(&view->attempts, view->pool,
                                                  resp, first);
}


ngx_int_t
ngx_http_notify_delivery_view_row(const ngx_http_notify_delivery_view_t *view,
    ngx_http_notify_resp_t **elts, ngx_http_notify_delivery_row_t *row)
{
    u_char     *p;
    off_t       n;
    ngx_str_t   tries, *reason;

    ngx_memzero(row, sizeof(ngx_http_notify_delivery_row_t));

    if (ngx_http_notify_id_parse(
            &elts[NGX_HTTP_NOTIFY_DELIVERIES_EVENT]->str, &row->event)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (elts[NGX_HTTP_NOTIFY_DELIVERIES_ENTRY]->type
        == NGX_HTTP_NOTIFY_RESP_ARRAY)
    {
        row->entry = ngx_http_notify_log_event(
                         elts[NGX_HTTP_NOTIFY_DELIVERIES_ENTRY],
                         ngx_cycle->log);
    }

    n = ngx_atoof(elts[NGX_HTTP_NOTIFY_DELIVERIES_DUE]->str.data,
                  elts[NGX_HTTP_NOTIFY_DELIVERIES_DUE]->str.len);
    row->due = n > 0 ? n : 0;

    /* "<count> <first>" */

    tries = elts[NGX_HTTP_NOTIFY_DELIVERIES_TRIES]->str;

    p = tries.len ? ngx_strlchr(tries.data, tries.data + tries.len, ' ')
                  : NULL;
    if (p != NULL) {
        n = ngx_atoi(tries.data, p - tries.data);
        row->tries = n > 0 ? n : 0;
    }

    reason = &elts[NGX_HTTP_NOTIFY_DELIVERIES_REASON]->str;

    if (reason->len) {
        row->reason.len = reason->len;
        row->reason.data = ngx_pstrdup(view->pool, reason);

        if (row->reason.data == NULL) {
            if (row->entry != NULL) {
                ngx_http_notify_log_unref(row->entry);
            }

            return NGX_ERROR;
        }
    }

    ngx_http_notify_delivery_view_state(view, row);

    return NGX_OK;
}


void
ngx_http_notify_delivery_view_state(
    const ngx_http_notify_delivery_view_t *view,
    ngx_http_notify_delivery_row_t *row)
{
    row->concerns = row->entry != NULL
                    && ngx_http_notify_delivery_view_concerns(view,
                                                              row->entry);

    row->status = ngx_http_notify_delivery_view_judge(view, row);

    if (row->status == NGX_HTTP_NOTIFY_DELIVERY_SUCCEEDED
        && ngx_http_notify_delivery_view_unsent(view, row))
    {
        row->status = NGX_HTTP_NOTIFY_DELIVERY_SKIPPED;
        ngx_str_set(&row->reason, "session");
    }
}


/*
 * What lies at or before the cursor is done, unless it is in one of the sets
 * or the gaps; a success behind the cursor is one that is not committed yet,
 * or of a redelivery.
 */

static ngx_http_notify_delivery_status_e
ngx_http_notify_delivery_view_judge(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_delivery_row_t *row)
{
    ngx_uint_t                         n;
    const ngx_http_notify_attempt_t  **tried;

    if (row->due) {
        return row->tries ? NGX_HTTP_NOTIFY_DELIVERY_RETRYING
                          : NGX_HTTP_NOTIFY_DELIVERY_PENDING;
    }

    if (row->reason.len) {
        return NGX_HTTP_NOTIFY_DELIVERY_DEAD;
    }

    tried = ngx_http_notify_delivery_attempts_of(&view->attempts, &row->event,
                                                 &n);

    if (n && tried[n - 1]->verdict == NGX_HTTP_NOTIFY_CALL_OK) {
        return NGX_HTTP_NOTIFY_DELIVERY_SUCCEEDED;
    }

    if (!row->concerns && n == 0) {
        return NGX_HTTP_NOTIFY_DELIVERY_NONE;
    }

    if (ngx_http_notify_delivery_view_in_gap(view, &row->event)) {
        return NGX_HTTP_NOTIFY_DELIVERY_SKIPPED;
    }

    if (row->event.ms < view->selector->doc->created) {

        /* it began at the end of the log */

        return NGX_HTTP_NOTIFY_DELIVERY_NONE;
    }

    if (!view->placed
        || ngx_http_notify_id_compare(&row->event, &view->cursor) > 0)
    {
        return NGX_HTTP_NOTIFY_DELIVERY_PENDING;
    }

    return NGX_HTTP_NOTIFY_DELIVERY_SUCCEEDED;
}


/*
 * What is done without an attempt was not meant for the subscription by its
 * session: that one was connected, or is another's.
 */

static ngx_uint_t
ngx_http_notify_delivery_view_unsent(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_delivery_row_t *row)
{
    ngx_uint_t  n;

    (void) ngx_http_notify_delivery_attempts_of(&view->attempts, &row->event,
                                                &n);

    return view->logged && n == 0
           && row->entry != NULL && row->entry->session_id.len;
}


static ngx_uint_t
ngx_http_notify_delivery_view_in_gap(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_id_t *event)
{
    ngx_uint_t                             i;
    const ngx_http_notify_delivery_gap_t  *gap;

    gap = view->gaps.elts;

    for (i = 0; i < view->gaps.nelts; i++) {
        if (ngx_http_notify_id_compare(event, &gap[i].from) > 0
            && ngx_http_notify_id_compare(event, &gap[i].to) <= 0)
        {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_notify_delivery_view_show(const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_delivery_row_t *row, ngx_http_notify_json_write_t *w)
{
    ngx_str_t  text, *subscription;
    u_char     buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN];

    subscription = &view->selector->doc->id;

    if (ngx_http_notify_delivery_view_id(view->pool, subscription,
                                         &row->event, &text)
        != NGX_OK)
    {
        w->failed = 1;
        return;
    }

    ngx_http_notify_json_write_object(w, NULL);
    ngx_http_notify_json_write_string(w, "id", &text);
    ngx_http_notify_json_write_string(w, "subscription", subscription);

    text.data = buf;
    text.len = ngx_http_notify_id_event(buf, &row->event) - buf;

    ngx_http_notify_json_write_string(w, "eventId", &text);

    if (row->entry != NULL) {
        ngx_http_notify_json_write_string(w, "eventType", &row->entry->type);
    }

    ngx_http_notify_json_write_string(w, "status",
                          &ngx_http_notify_delivery_statuses[row->status]);

    if (row->reason.len
        && (row->status == NGX_HTTP_NOTIFY_DELIVERY_DEAD
            || row->status == NGX_HTTP_NOTIFY_DELIVERY_SKIPPED))
    {
        ngx_http_notify_json_write_string(w, "reason", &row->reason);
    }

    if (row->due) {
        ngx_http_notify_json_write_time(w, "nextAttemptAt", row->due);
    }

    ngx_http_notify_delivery_view_tried(view, row, w);

    if (view->request) {
        ngx_http_notify_json_write_raw(w, "request", view->request);
    }

    ngx_http_notify_json_write_end(w);
}


/* how often, and what came of it: the last time, or each time */

static void
ngx_http_notify_delivery_view_tried(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_delivery_row_t *row, ngx_http_notify_json_write_t *w)
{
    ngx_uint_t                         i, n, logged;
    const ngx_http_notify_attempt_t  **attempt;

    attempt = ngx_http_notify_delivery_attempts_of(&view->attempts,
                                                   &row->event, &logged);

    /* a redelivery counts from 1 again, a log forgets */

    n = ngx_max(row->tries, logged);

    if (logged) {
        n = ngx_max(n, attempt[logged - 1]->attempt);
    }

    ngx_http_notify_json_write_integer(w, "attemptCount", n);

    if (view->whole) {
        ngx_http_notify_json_write_array(w, "attempts");

        for (i = 0; i < logged; i++) {
            ngx_http_notify_delivery_attempts_show(w, NULL, attempt[i]);
        }

        ngx_http_notify_json_write_end(w);

    } else if (logged) {
        ngx_http_notify_delivery_attempts_show(w, "lastAttempt",
                                               attempt[logged - 1]);

    } else {
        ngx_http_notify_json_write_null(w, "lastAttempt");
    }
}


ngx_int_t
ngx_http_notify_delivery_view_status(const ngx_str_t *name,
    ngx_http_notify_delivery_status_e *status)
{
    const ngx_str_t  *found;

    found = ngx_http_notify_text_find_in(name,
                                         ngx_http_notify_delivery_statuses);

    if (found == NULL || found->len == 0) {
        return NGX_DECLINED;
    }

    *status = found - ngx_http_notify_delivery_statuses;

    return NGX_OK;
}
