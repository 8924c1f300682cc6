/*
 * The guard: parses a subscriber's URL strictly, judges literal addresses and
 * whatever DNS answered for a name.  Pure, keeps nothing.  Must not know who
 * asks, nor open a connection.
 */

#include "ngx_http_notify_guard.h"
#include "ngx_http_notify_guard_foreign.h"
#include "ngx_http_notify_own.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_GUARD_HOST_MAX   253
#define NGX_HTTP_NOTIFY_GUARD_LABEL_MAX  63


/* A step of the parser: NULL, or the phrase of the refusal. */

static const char *ngx_http_notify_guard_bytes(ngx_pool_t *pool,
    const ngx_str_t *text);
static const char *ngx_http_notify_guard_scheme(ngx_pool_t *pool,
    const ngx_http_notify_guard_conf_t *conf, ngx_http_notify_guard_url_t *url,
    u_char **pos);
static const char *ngx_http_notify_guard_authority(
    ngx_http_notify_guard_url_t *url, u_char *p, u_char *last);
static const char *ngx_http_notify_guard_bracket(
    ngx_http_notify_guard_url_t *url, u_char *p, u_char *last, u_char **end);
static const char *ngx_http_notify_guard_name(
    ngx_http_notify_guard_url_t *url);
static const char *ngx_http_notify_guard_labels(u_char *p, u_char *last,
    u_char **end);
static const char *ngx_http_notify_guard_port(
    ngx_http_notify_guard_url_t *url, u_char *p, u_char *last);
static const char *ngx_http_notify_guard_allowed(ngx_pool_t *pool,
    const ngx_http_notify_guard_conf_t *conf,
    ngx_http_notify_guard_url_t *url);
static ngx_uint_t ngx_http_notify_guard_own(
    const ngx_http_notify_guard_conf_t *conf,
    const struct sockaddr *sockaddr, in_port_t port);
static ngx_uint_t ngx_http_notify_guard_numeric(const u_char *p,
    const u_char *last);
static ngx_int_t ngx_http_notify_guard_inet(u_char *p, u_char *last,
    in_addr_t *addr);
#if (NGX_HAVE_INET6)
static ngx_int_t ngx_http_notify_guard_inet6(u_char *p, u_char *last,
    u_char *addr);
#endif
static ngx_uint_t ngx_http_notify_guard_reserved(const ngx_str_t *host);
static ngx_uint_t ngx_http_notify_guard_port_open(
    const ngx_http_notify_guard_conf_t *conf, in_port_t port);
static const char *ngx_http_notify_guard_phrase(ngx_pool_t *pool,
    const char *fmt, ...);


ngx_int_t
ngx_http_notify_guard_url(ngx_pool_t *pool, const ngx_str_t *text,
    const ngx_http_notify_guard_conf_t *conf,
    ngx_http_notify_guard_url_t *url, const char **reason)
{
    u_char  *p, *end, *last;

    ngx_memzero(url, sizeof(ngx_http_notify_guard_url_t));

    url->text = *text;

    *reason = ngx_http_notify_guard_bytes(pool, text);
    if (*reason != NULL) {
        return NGX_DECLINED;
    }

    *reason = ngx_http_notify_guard_scheme(pool, conf, url, &p);
    if (*reason != NULL) {
        return NGX_DECLINED;
    }

    last = text->data + text->len;

    for (end = p; end < last && *end != '/' && *end != '?'; end++) {
        /* void */
    }

    *reason = ngx_http_notify_guard_authority(url, p, end);
    if (*reason != NULL) {
        return NGX_DECLINED;
    }

    if (end == last) {
        ngx_str_set(&url->uri, "/");

    } else {
        url->uri.data = end;
        url->uri.len = last - end;
    }

    *reason = ngx_http_notify_guard_allowed(pool, conf, url);
    if (*reason != NULL) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static const char *
ngx_http_notify_guard_bytes(ngx_pool_t *pool, const ngx_str_t *text)
{
    size_t  i;
    u_char  c;

    if (text->len == 0) {
        return "the URL is empty";
    }

    if (text->len > NGX_HTTP_NOTIFY_GUARD_URL_MAX) {
        return "the URL is longer than 2048 bytes";
    }

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (c < 0x20 || c == 0x7f) {
            return "the URL has a control character";
        }

        if (c == ' ') {
            return "the URL has a space";
        }

        if (c >= 0x80) {
            return ngx_http_notify_guard_foreign(pool, text);
        }

        if (c == '\\') {
            return "the URL has a backslash";
        }

        if (c == '#') {
            return "the URL has a fragment";
        }
    }

    return NULL;
}


static const char *
ngx_http_notify_guard_scheme(ngx_pool_t *pool,
    const ngx_http_notify_guard_conf_t *conf, ngx_http_notify_guard_url_t *url,
    u_char **pos)
{
    ngx_uint_t  any;

    if (ngx_http_notify_text_starts_nocase(&url->text, "http://")) {
        *pos = url->text.data + sizeof("http://") - 1;
        url->port = 80;

    } else if (ngx_http_notify_text_starts_nocase(&url->text, "https://")) {
        *pos = url->text.data + sizeof("https://") - 1;
        url->port = 443;
        url->ssl = 1;

    } else {
        return "the URL does not begin with \"http://\" or \"https://\"";
    }

    /* a profile without "schemes" has neither bit */

    any = !conf->http && !conf->https;

    if (any || (url->ssl ? conf->https : conf->http)) {
        return NULL;
    }

    return ngx_http_notify_guard_phrase(pool,
               "scheme \"%s\" is not allowed (\"schemes\" in the profile)",
               url->ssl ? "https" : "http");
}


static const char *
ngx_http_notify_guard_authority(ngx_http_notify_guard_url_t *url, u_char *p,
    u_char *last)
{
    u_char      *end;
    in_port_t    standard;
    const char  *reason;

    for (end = p; end < last; end++) {
        if (*end == '@') {
            return "the URL has user information";
        }

        if (*end == '%') {
            return "the host of the URL has a \"%\"";
        }
    }

    if (p < last && *p == '[') {
        reason = ngx_http_notify_guard_bracket(url, p, last, &end);

    } else {

        for (end = p; end < last && *end != ':'; end++) {
            /* void */
        }

        url->host.data = p;
        url->host.len = end - p;

        reason = ngx_http_notify_guard_name(url);
    }

    if (reason != NULL) {
        return reason;
    }

    standard = url->port;

    url->authority.data = p;
    url->authority.len = last - p;

    if (end < last) {
        if (*end != ':') {
            return "the host of the URL is malformed";
        }

        reason = ngx_http_notify_guard_port(url, end + 1, last);
        if (reason != NULL) {
            return reason;
        }

        if (url->port == standard) {
            url->authority.len = end - p;
        }
    }

    if (url->literal) {
        ngx_inet_set_port(&url->sockaddr.sockaddr, url->port);
    }

    return NULL;
}


/* an IPv6 address; *end is behind its bracket */

static const char *
ngx_http_notify_guard_bracket(ngx_http_notify_guard_url_t *url, u_char *p,
    u_char *last, u_char **end)
{
#if (NGX_HAVE_INET6)
    u_char               *bracket;
    struct sockaddr_in6  *sin6;

    bracket = ngx_strlchr(p, last, ']');
    if (bracket == NULL) {
        return "the host of the URL has no closing \"]\"";
    }

    url->host.data = p + 1;
    url->host.len = bracket - (p + 1);

    sin6 = &url->sockaddr.sockaddr_in6;

    if (ngx_http_notify_guard_inet6(p + 1, bracket, sin6->sin6_addr.s6_addr)
        != NGX_OK)
    {
        return "the host of the URL is not a valid IPv6 address";
    }

    sin6->sin6_family = AF_INET6;
    url->socklen = sizeof(struct sockaddr_in6);
    url->literal = 1;

    *end = bracket + 1;

    return NULL;
#else
    return "IPv6 addresses are not supported by this nginx";
#endif
}


/* a canonical dotted quad, or a name for DNS; the trailing dot is cut */

static const char *
ngx_http_notify_guard_name(ngx_http_notify_guard_url_t *url)
{
    u_char              *p, *last, *label;
    const char          *reason;
    struct sockaddr_in  *sin;

    if (url->host.len == 0) {
        return "the URL has no host";
    }

    sin = &url->sockaddr.sockaddr_in;
    p = url->host.data;
    last = p + url->host.len;

    if (ngx_http_notify_guard_inet(p, last, &sin->sin_addr.s_addr) == NGX_OK) {
        sin->sin_family = AF_INET;
        url->socklen = sizeof(struct sockaddr_in);
        url->literal = 1;
        return NULL;
    }

    if (last[-1] == '.') {
        last--;
        url->host.len--;
    }

    if (url->host.len > NGX_HTTP_NOTIFY_GUARD_HOST_MAX) {
        return "the host of the URL is too long";
    }

    reason = ngx_http_notify_guard_labels(p, last, &label);
    if (reason != NULL) {
        return reason;
    }

    /*
     * What resolvers and libraries take for an address, in whatever notation
     * (0177.0.0.1, 127.1, 0x7f000001, 2130706433), ends in a number.
     */

    if (ngx_http_notify_guard_numeric(label, last)) {
        return "the host of the URL is not an address in canonical form";
    }

    if (ngx_http_notify_guard_reserved(&url->host)) {
        return "the host of the URL is a reserved name "
               "(use an address in its place, and \"allow\" in the profile)";
    }

    return NULL;
}


/* *end is the last label */

static const char *
ngx_http_notify_guard_labels(u_char *p, u_char *last, u_char **end)
{
    u_char  *label;

    for (label = p; p < last; p++) {

        if (*p == '.') {
            if (p == label) {
                break;
            }

            label = p + 1;
            continue;
        }

        if (p - label == NGX_HTTP_NOTIFY_GUARD_LABEL_MAX) {
            return "a label of the URL's host is longer than 63 characters";
        }

        if (!(*p >= '0' && *p <= '9') && *p != '-' && *p != '_'
            && !((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z'))
        {
            return "the host of the URL has a character that no name has";
        }
    }

    if (label == last || p < last) {
        return "the host of the URL has an empty label";
    }

    *end = label;

    return NULL;
}


static const char *
ngx_http_notify_guard_port(ngx_http_notify_guard_url_t *url, u_char *p,
    u_char *last)
{
    ngx_int_t  n;

    if (p == last) {
        return "the port of the URL is empty";
    }

    n = ngx_atoi(p, last - p);

    if (n < 1 || n > 65535 || *p == '0') {
        return "the port of the URL is not a number between 1 and 65535";
    }

    url->port = (in_port_t) n;

    return NULL;
}


static const char *
ngx_http_notify_guard_allowed(ngx_pool_t *pool,
    const ngx_http_notify_guard_conf_t *conf, ngx_http_notify_guard_url_t *url)
{
    u_char       text[NGX_SOCKADDR_STRLEN];
    size_t       len;
    ngx_str_t    addr;
    const char  *range;

    if (!ngx_http_notify_guard_port_open(conf, url->port)) {
        return ngx_http_notify_guard_phrase(pool,
                   "port %ui is not allowed (\"ports\" in the profile)",
                   (ngx_uint_t) url->port);
    }

    if (!url->literal) {
        return NULL;
    }

    len = ngx_sock_ntop(&url->sockaddr.sockaddr, url->socklen, text,
                        NGX_SOCKADDR_STRLEN, 0);
    addr.data = text;
    addr.len = len;

    if (ngx_http_notify_cidr_check(conf->rules, &url->sockaddr.sockaddr,
                                   &range)
        == NGX_OK)
    {
        if (!ngx_http_notify_guard_own(conf, &url->sockaddr.sockaddr,
                                       url->port))
        {
            return NULL;
        }

        return ngx_http_notify_guard_phrase(pool,
                   "this nginx itself listens at address %V, port %ui, not "
                   "allowed (\"allow %V\" in the profile)",
                   &addr, (ngx_uint_t) url->port, &addr);
    }

    return ngx_http_notify_guard_phrase(pool,
               "address %V is in %s, not allowed (\"allow\" in the profile)",
               &addr, range);
}


size_t
ngx_http_notify_guard_public(const char *reason)
{
    size_t       len;
    const char  *hint;

    static const char  end[] = "in the profile)";

    len = ngx_strlen(reason);
    hint = (len > sizeof(end)
            && ngx_strcmp(reason + len - (sizeof(end) - 1), end) == 0)
           ? ngx_strstr(reason, " (") : NULL;

    return hint ? (size_t) (hint - reason) : len;
}


/* such a call comes back: a loop, whatever a network's rule says of it */

static ngx_uint_t
ngx_http_notify_guard_own(const ngx_http_notify_guard_conf_t *conf,
    const struct sockaddr *sockaddr, in_port_t port)
{
    return !conf->own
           && ngx_http_notify_own(sockaddr, port)
           && !ngx_http_notify_cidr_named(conf->rules, sockaddr);
}


ngx_int_t
ngx_http_notify_guard_addrs(const ngx_resolver_addr_t *addrs, ngx_uint_t n,
    in_port_t port, const ngx_http_notify_guard_conf_t *conf,
    const char **range)
{
    ngx_uint_t  i;

    if (n == 0) {
        *range = "no address";
        return NGX_DECLINED;
    }

    for (i = 0; i < n; i++) {
        if (ngx_http_notify_cidr_check(conf->rules, addrs[i].sockaddr, range)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        if (ngx_http_notify_guard_own(conf, addrs[i].sockaddr, port)) {
            *range = "an address that this nginx listens at";
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/* "the last label is a number", as in the URL standard of the WHATWG */

static ngx_uint_t
ngx_http_notify_guard_numeric(const u_char *p, const u_char *last)
{
    ngx_uint_t  hex;

    hex = 0;

    if (last - p >= 2 && p[0] == '0' && (p[1] | 0x20) == 'x') {
        hex = 1;
        p += 2;
    }

    for ( /* void */ ; p < last; p++) {
        if (*p >= '0' && *p <= '9') {
            continue;
        }

        if (hex && (*p | 0x20) >= 'a' && (*p | 0x20) <= 'f') {
            continue;
        }

        return 0;
    }

    return 1;
}


/* four decimal numbers without leading zeros; ngx_inet_addr() takes more */

static ngx_int_t
ngx_http_notify_guard_inet(u_char *p, u_char *last, in_addr_t *addr)
{
    u_char      *start;
    uint32_t     octet, bits;
    ngx_uint_t   n;

    bits = 0;

    for (n = 0; n < 4; n++) {

        if (n > 0) {
            if (p == last || *p != '.') {
                return NGX_DECLINED;
            }

            p++;
        }

        octet = 0;

        for (start = p; p < last && *p >= '0' && *p <= '9'; p++) {
            octet = octet * 10 + (*p - '0');

            if (octet > 255 || (p > start && *start == '0')) {
                return NGX_DECLINED;
            }
        }

        if (p == start) {
            return NGX_DECLINED;
        }

        bits = (bits << 8) + octet;
    }

    if (p != last) {
        return NGX_DECLINED;
    }

    *addr = htonl(bits);

    return NGX_OK;
}


#if (NGX_HAVE_INET6)

/*
 * RFC 4291, 2.2.  ngx_inet6_addr() also takes a single colon at either end
 * and any dotted quad at the end: excluded here.
 */

static ngx_int_t
ngx_http_notify_guard_inet6(u_char *p, u_char *last, u_char *addr)
{
    u_char     *q;
    in_addr_t   inet;

    if (last - p < 2) {
        return NGX_DECLINED;
    }

    if ((p[0] == ':' && p[1] != ':') || (last[-1] == ':' && last[-2] != ':')) {
        return NGX_DECLINED;
    }

    if (ngx_strlchr(p, last, '.') != NULL) {

        for (q = last; q > p && q[-1] != ':'; q--) { /* void */ }

        if (ngx_http_notify_guard_inet(q, last, &inet) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    return ngx_inet6_addr(p, last - p, addr) == NGX_OK ? NGX_OK : NGX_DECLINED;
}

#endif


/* RFC 6761, and the private-use top level of ICANN */

static ngx_uint_t
ngx_http_notify_guard_reserved(const ngx_str_t *host)
{
    u_char      *p;
    size_t       len;
    ngx_uint_t   i;

    static ngx_str_t  names[] = {
        ngx_string("localhost"),
        ngx_string("internal"),
        ngx_null_string
    };

    for (i = 0; names[i].len; i++) {
        len = names[i].len;

        if (host->len < len) {
            continue;
        }

        p = host->data + host->len - len;

        if (ngx_strncasecmp(p, names[i].data, len) == 0
            && (p == host->data || p[-1] == '.'))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_notify_guard_port_open(const ngx_http_notify_guard_conf_t *conf,
    in_port_t port)
{
    in_port_t   *ports;
    ngx_uint_t   i;

    if (conf->ports == NULL) {
        return conf->any_port || port >= 1024 || port == 80 || port == 443;
    }

    ports = conf->ports->elts;

    for (i = 0; i < conf->ports->nelts; i++) {
        if (ports[i] == port) {
            return 1;
        }
    }

    return 0;
}


static const char *
ngx_http_notify_guard_phrase(ngx_pool_t *pool, const char *fmt, ...)
{
    u_char   buf[NGX_MAX_ERROR_STR], *p, *last;
    va_list  args;

    va_start(args, fmt);
    last = ngx_vslprintf(buf, buf + sizeof(buf) - 1, fmt, args);
    va_end(args);

    p = ngx_pnalloc(pool, last - buf + 1);
    if (p == NULL) {
        return "the URL is not allowed";
    }

    ngx_memcpy(p, buf, last - buf);
    p[last - buf] = '\0';

    return (const char *) p;
}
