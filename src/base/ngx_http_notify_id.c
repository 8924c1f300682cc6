/*
 * Identifiers and times, as text and back.  No state: what is written stands
 * in the caller's buffer.  Must not know what an id is the id of.
 */

#include "ngx_http_notify_id.h"


/* an event id: below that, ms has 12 hex digits and seq the rest */
#define NGX_HTTP_NOTIFY_ID_MS_LIMIT   ((uint64_t) 1 << 48)

/* a cursor: version, ms, seq, and the code over them */
#define NGX_HTTP_NOTIFY_ID_VERSION    1
#define NGX_HTTP_NOTIFY_ID_HEAD       17
#define NGX_HTTP_NOTIFY_ID_CODE       16
#define NGX_HTTP_NOTIFY_ID_RAW                                                \
    (NGX_HTTP_NOTIFY_ID_HEAD + NGX_HTTP_NOTIFY_ID_CODE)

#define NGX_HTTP_NOTIFY_ID_RANDOM     22
#define NGX_HTTP_NOTIFY_ID_PARTS      16

/* 9999-12-31T23:59:59.999Z, the last that RFC 3339 can write */
#define NGX_HTTP_NOTIFY_ID_TIME_MAX   (uint64_t) 253402300799999


static u_char  ngx_http_notify_id_digits[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";


/* a decimal uint64 in its only form; its end, or NULL */

static u_char *
ngx_http_notify_id_uint64(u_char *p, u_char *last, uint64_t *value)
{
    u_char    *start;
    uint64_t   v, digit;

    start = p;

    for (v = 0; p < last && *p >= '0' && *p <= '9'; p++) {
        digit = *p - '0';

        if (v > (UINT64_MAX - digit) / 10) {
            return NULL;
        }

        v = v * 10 + digit;
    }

    if (p == start || (*start == '0' && p - start > 1)) {
        return NULL;
    }

    *value = v;

    return p;
}


ngx_int_t
ngx_http_notify_id_parse(const ngx_str_t *text, ngx_http_notify_id_t *id)
{
    u_char                *p, *last;
    ngx_http_notify_id_t   parsed;

    last = text->data + text->len;
    parsed.seq = 0;

    p = ngx_http_notify_id_uint64(text->data, last, &parsed.ms);
    if (p == NULL) {
        return NGX_DECLINED;
    }

    if (p < last) {
        if (*p != '-') {
            return NGX_DECLINED;
        }

        p = ngx_http_notify_id_uint64(p + 1, last, &parsed.seq);
        if (p != last) {
            return NGX_DECLINED;
        }
    }

    *id = parsed;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_id_interval(const ngx_str_t *text, ngx_http_notify_id_t *from,
    ngx_http_notify_id_t *to)
{
    u_char     *p, *last;
    ngx_str_t   word;

    p = text->data;
    last = text->data + text->len;

    word.data = p;

    while (p < last && *p != ' ') {
        p++;
    }

    word.len = p - word.data;

    if (p == last || ngx_http_notify_id_parse(&word, from) != NGX_OK) {
        return NGX_DECLINED;
    }

    word.data = ++p;

    while (p < last && *p != ' ') {
        p++;
    }

    word.len = p - word.data;

    return ngx_http_notify_id_parse(&word, to);
}


u_char *
ngx_http_notify_id_print(u_char *p, const ngx_http_notify_id_t *id)
{
    return ngx_sprintf(p, "%uL-%uL", id->ms, id->seq);
}


ngx_int_t
ngx_http_notify_id_compare(const ngx_http_notify_id_t *a,
    const ngx_http_notify_id_t *b)
{
    if (a->ms != b->ms) {
        return (a->ms < b->ms) ? -1 : 1;
    }

    if (a->seq != b->seq) {
        return (a->seq < b->seq) ? -1 : 1;
    }

    return 0;
}


ngx_http_notify_id_t
ngx_http_notify_id_before(const ngx_http_notify_id_t *id)
{
    ngx_http_notify_id_t  before;

    before = *id;

    if (before.seq) {
        before.seq--;

    } else if (before.ms) {
        before.ms--;
        before.seq = UINT64_MAX;
    }

    return before;
}


ngx_http_notify_id_t
ngx_http_notify_id_after(const ngx_http_notify_id_t *id)
{
    ngx_http_notify_id_t  after;

    after = *id;

    if (after.seq < UINT64_MAX) {
        after.seq++;

    } else if (after.ms < UINT64_MAX) {
        after.ms++;
        after.seq = 0;
    }

    return after;
}


ngx_uint_t
ngx_http_notify_id_is_time(const ngx_http_notify_id_t *id)
{
    return id->seq == UINT64_MAX;
}


u_char *
ngx_http_notify_id_event(u_char *p, const ngx_http_notify_id_t *id)
{
    p = ngx_cpymem(p, "evt_", 4);

    /* 12 and 4 to 16 digits, or 16 and 16: the length tells them apart */

    if (id->ms < NGX_HTTP_NOTIFY_ID_MS_LIMIT) {
        return ngx_sprintf(p, "%012xL%04xL", id->ms, id->seq);
    }

    return ngx_sprintf(p, "%016xL%016xL", id->ms, id->seq);
}


static ngx_int_t
ngx_http_notify_id_hex(const u_char *p, size_t n, uint64_t *value)
{
    uint64_t  v;

    for (v = 0; n; n--, p++) {

        if (*p >= '0' && *p <= '9') {
            v = v << 4 | (uint64_t) (*p - '0');

        } else if (*p >= 'a' && *p <= 'f') {
            v = v << 4 | (uint64_t) (*p - 'a' + 10);

        } else {
            return NGX_DECLINED;
        }
    }

    *value = v;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_id_event_parse(const ngx_str_t *text, ngx_http_notify_id_t *id)
{
    size_t                 len, split;
    u_char                *p;
    ngx_http_notify_id_t   parsed;

    if (text->len < 4 || ngx_memcmp(text->data, "evt_", 4) != 0) {
        return NGX_DECLINED;
    }

    p = text->data + 4;
    len = text->len - 4;

    if (len == 32) {
        split = 16;

    } else if (len >= 16 && len <= 28) {
        split = 12;

    } else {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_id_hex(p, split, &parsed.ms) != NGX_OK
        || ngx_http_notify_id_hex(p + split, len - split, &parsed.seq)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    /* one form for each id: no digits more than it needs */

    if (split == 16) {
        if (parsed.ms < NGX_HTTP_NOTIFY_ID_MS_LIMIT) {
            return NGX_DECLINED;
        }

    } else if (len > 16 && p[split] == '0') {
        return NGX_DECLINED;
    }

    *id = parsed;

    return NGX_OK;
}


static u_char *
ngx_http_notify_id_put64(u_char *p, uint64_t value)
{
    ngx_int_t  shift;

    for (shift = 56; shift >= 0; shift -= 8) {
        *p++ = (u_char) (value >> shift);
    }

    return p;
}


static uint64_t
ngx_http_notify_id_get64(const u_char *p)
{
    uint64_t    value;
    ngx_uint_t  i;

    for (value = 0, i = 0; i < 8; i++) {
        value = value << 8 | p[i];
    }

    return value;
}


/* the code over the head and the tenant, truncated to its first 16 bytes */

static ngx_int_t
ngx_http_notify_id_code(u_char *head, const ngx_str_t *tenant,
    ngx_http_notify_crypto_hmac_t *key, u_char *code)
{
    u_char     out[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];
    ngx_str_t  parts[3];

    /* the tenant last: all before it has a fixed length */

    ngx_str_set(&parts[0], "cursor");
    parts[1].data = head;
    parts[1].len = NGX_HTTP_NOTIFY_ID_HEAD;
    parts[2] = *tenant;

    if (ngx_http_notify_crypto_hmac(key, parts, 3, out)
        < NGX_HTTP_NOTIFY_ID_CODE)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(code, out, NGX_HTTP_NOTIFY_ID_CODE);

    return NGX_OK;
}


u_char *
ngx_http_notify_id_cursor(u_char *p, const ngx_http_notify_id_t *id,
    const ngx_str_t *tenant, ngx_http_notify_crypto_hmac_t *key)
{
    u_char     buf[NGX_HTTP_NOTIFY_ID_RAW], *end;
    ngx_str_t  raw, text;

    buf[0] = NGX_HTTP_NOTIFY_ID_VERSION;
    end = ngx_http_notify_id_put64(buf + 1, id->ms);
    end = ngx_http_notify_id_put64(end, id->seq);

    if (ngx_http_notify_id_code(buf, tenant, key, end) != NGX_OK) {
        return NULL;
    }

    raw.data = buf;
    raw.len = sizeof(buf);

    text.data = p;
    ngx_encode_base64url(&text, &raw);

    return p + text.len;
}


ngx_int_t
ngx_http_notify_id_cursor_parse(const ngx_str_t *text, const ngx_str_t *tenant,
    ngx_http_notify_crypto_hmac_t *key, ngx_http_notify_id_t *id)
{
    u_char     buf[NGX_HTTP_NOTIFY_ID_RAW], code[NGX_HTTP_NOTIFY_ID_CODE];
    ngx_str_t  raw, encoded, given, computed;

    /*
     * 33 bytes are 44 characters without padding or spare bits: with both
     * lengths right, no second text stands for the same bytes.
     */

    if (text->len != NGX_HTTP_NOTIFY_ID_RAW / 3 * 4) {
        return NGX_DECLINED;
    }

    encoded = *text;
    raw.data = buf;

    if (ngx_decode_base64url(&raw, &encoded) != NGX_OK
        || raw.len != sizeof(buf)
        || buf[0] != NGX_HTTP_NOTIFY_ID_VERSION)
    {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_id_code(buf, tenant, key, code) != NGX_OK) {
        return NGX_ERROR;
    }

    given.data = buf + NGX_HTTP_NOTIFY_ID_HEAD;
    given.len = sizeof(code);
    computed.data = code;
    computed.len = sizeof(code);

    if (!ngx_http_notify_crypto_equal(&given, &computed)) {
        return NGX_DECLINED;
    }

    id->ms = ngx_http_notify_id_get64(buf + 1);
    id->seq = ngx_http_notify_id_get64(buf + 9);

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_id_random(ngx_pool_t *pool, const char *prefix, ngx_str_t *id)
{
    size_t      len;
    u_char     *p;
    uint32_t    words[4];
    uint64_t    rest;
    ngx_uint_t  i, w;

    if (ngx_http_notify_crypto_random((u_char *) words, sizeof(words))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    len = ngx_strlen(prefix);

    id->data = ngx_pnalloc(pool, len + NGX_HTTP_NOTIFY_ID_RANDOM);
    if (id->data == NULL) {
        return NGX_ERROR;
    }

    id->len = len + NGX_HTTP_NOTIFY_ID_RANDOM;
    p = ngx_cpymem(id->data, prefix, len);

    /* a number of 128 bits, written with the base 62: 62^22 > 2^128 */

    for (i = 0; i < NGX_HTTP_NOTIFY_ID_RANDOM; i++) {

        for (rest = 0, w = 0; w < 4; w++) {
            rest = rest << 32 | words[w];
            words[w] = (uint32_t) (rest / 62);
            rest %= 62;
        }

        *p++ = ngx_http_notify_id_digits[rest];
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_id_digest(const ngx_str_t *parts, ngx_uint_t n, u_char *out)
{
    u_char      lengths[NGX_HTTP_NOTIFY_ID_PARTS][8];
    u_char      digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];
    ngx_str_t   all[2 * NGX_HTTP_NOTIFY_ID_PARTS];
    ngx_uint_t  i;

    if (n > NGX_HTTP_NOTIFY_ID_PARTS) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        (void) ngx_http_notify_id_put64(lengths[i], parts[i].len);

        all[2 * i].data = lengths[i];
        all[2 * i].len = sizeof(lengths[i]);
        all[2 * i + 1] = parts[i];
    }

    if (ngx_http_notify_crypto_digest(NGX_HTTP_NOTIFY_CRYPTO_SHA256, all,
                                      2 * n, digest)
        == 0)
    {
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(out, digest, 16);

    return NGX_OK;
}


u_char *
ngx_http_notify_id_time(u_char *p, uint64_t epoch_ms)
{
    ngx_tm_t  tm;

    epoch_ms = ngx_min(epoch_ms, NGX_HTTP_NOTIFY_ID_TIME_MAX);

    ngx_gmtime((time_t) (epoch_ms / 1000), &tm);

    return ngx_sprintf(p, "%04d-%02d-%02dT%02d:%02d:%02d.%03uLZ",
                       tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                       tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec,
                       epoch_ms % 1000);
}


static ngx_int_t
ngx_http_notify_id_number(const u_char *p, ngx_uint_t n, uint64_t max,
    uint64_t *value)
{
    uint64_t  v;

    for (v = 0; n; n--, p++) {
        if (*p < '0' || *p > '9') {
            return NGX_DECLINED;
        }

        v = v * 10 + (*p - '0');
    }

    if (v > max) {
        return NGX_DECLINED;
    }

    *value = v;

    return NGX_OK;
}


/* full-date "T" hours:minutes:seconds, 19 bytes, as seconds of its zone */

static ngx_int_t
ngx_http_notify_id_date_time(const u_char *p, int64_t *seconds,
    ngx_uint_t *leap)
{
    uint64_t   year, month, day, hour, minute, second;
    struct tm  tm;

    if (p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != 't')
        || p[13] != ':' || p[16] != ':'
        || ngx_http_notify_id_number(p, 4, 9999, &year) != NGX_OK
        || ngx_http_notify_id_number(p + 5, 2, 12, &month) != NGX_OK
        || ngx_http_notify_id_number(p + 8, 2, 31, &day) != NGX_OK
        || ngx_http_notify_id_number(p + 11, 2, 23, &hour) != NGX_OK
        || ngx_http_notify_id_number(p + 14, 2, 59, &minute) != NGX_OK
        || ngx_http_notify_id_number(p + 17, 2, 60, &second) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_memzero(&tm, sizeof(struct tm));

    tm.tm_year = (int) year - 1900;
    tm.tm_mon = (int) month - 1;
    tm.tm_mday = (int) day;

    *seconds = (int64_t) timegm(&tm)
               + (int64_t) (hour * 3600 + minute * 60 + second);

    /* timegm() makes another day of one that does not exist */

    if (tm.tm_mon != (int) month - 1 || tm.tm_mday != (int) day) {
        return NGX_DECLINED;
    }

    *leap = (second == 60);

    return NGX_OK;
}


/* "Z" or a numeric offset: what is left of the text; seconds east of UTC */

static ngx_int_t
ngx_http_notify_id_offset(const u_char *p, size_t len, int64_t *offset)
{
    uint64_t  hours, minutes;

    if (len == 1 && (*p == 'Z' || *p == 'z')) {
        *offset = 0;
        return NGX_OK;
    }

    if (len != 6 || (*p != '+' && *p != '-') || p[3] != ':'
        || ngx_http_notify_id_number(p + 1, 2, 23, &hours) != NGX_OK
        || ngx_http_notify_id_number(p + 4, 2, 59, &minutes) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    *offset = (int64_t) (hours * 3600 + minutes * 60);

    if (*p == '-') {
        *offset = -*offset;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_id_time_parse(const ngx_str_t *text, uint64_t *epoch_ms)
{
    u_char      *p, *last;
    int64_t      offset, seconds, utc;
    uint64_t     ms, scale;
    ngx_uint_t   leap;

    p = text->data;
    last = p + text->len;

    if (text->len < 20
        || ngx_http_notify_id_date_time(p, &seconds, &leap) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    p += 19;
    ms = 0;

    if (*p == '.') {
        p++;

        if (p == last || *p < '0' || *p > '9') {
            return NGX_DECLINED;
        }

        for (scale = 100; p < last && *p >= '0' && *p <= '9'; scale /= 10) {
            ms += scale * (*p++ - '0');
        }
    }

    if (ngx_http_notify_id_offset(p, last - p, &offset) != NGX_OK) {
        return NGX_DECLINED;
    }

    utc = seconds - offset;

    /* a leap second ends a day in UTC (RFC 3339, 5.7) */

    if (utc < 0 || (leap && utc % 86400 != 0)) {
        return NGX_DECLINED;
    }

    ms += (uint64_t) utc * 1000;

    /* with its offset the last day of 9999 may be later in UTC */

    if (ms > NGX_HTTP_NOTIFY_ID_TIME_MAX) {
        return NGX_DECLINED;
    }

    *epoch_ms = ms;

    return NGX_OK;
}
