/*
 * URLs of subscribers, and the judgement on addresses: what is let through has
 * no second reading, and its address is in none of the special-purpose ranges,
 * which are written here once more, as text.
 */

#include "fuzz.h"
#include "ngx_http_notify_guard.h"


static const char  *fuzz_ranges[] = {
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8",
    "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
    "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
    "::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
    "100:0:0:1::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16",
    "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10",
    "ff00::/8", NULL
};

/* in 2001::/23, and globally reachable */
static const char  *fuzz_global[] = {
    "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:3::/32",
    "2001:4:112::/48", "2001:20::/28", "2001:30::/28", NULL
};


static ngx_uint_t
fuzz_in(const char **ranges, struct sockaddr *sockaddr)
{
    ngx_str_t    text;
    ngx_cidr_t   cidr;
    ngx_uint_t   i;
    ngx_array_t  cidrs;

    for (i = 0; ranges[i]; i++) {
        text.data = (u_char *) ranges[i];
        text.len = ngx_strlen(ranges[i]);

        fuzz_check(ngx_ptocidr(&text, &cidr) == NGX_OK);

        cidrs.elts = &cidr;
        cidrs.nelts = 1;

        if (ngx_cidr_match(sockaddr, &cidrs) == NGX_OK) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
fuzz_special(struct sockaddr *sockaddr)
{
    u_char               *addr;
    struct sockaddr_in    sin;
    struct sockaddr_in6  *sin6;

    sin6 = (struct sockaddr_in6 *) sockaddr;

    if (sockaddr->sa_family == AF_INET6
        && IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr))
    {
        ngx_memzero(&sin, sizeof(struct sockaddr_in));
        sin.sin_family = AF_INET;
        addr = &sin6->sin6_addr.s6_addr[12];
        ngx_memcpy(&sin.sin_addr, addr, 4);
        sockaddr = (struct sockaddr *) &sin;
    }

    if (fuzz_in(fuzz_ranges, sockaddr) && !fuzz_in(fuzz_global, sockaddr)) {
        return 1;
    }

    addr = sin6->sin6_addr.s6_addr;

    if (sockaddr->sa_family == AF_INET6 && (addr[8] == 0 || addr[8] == 2)
        && ngx_memcmp(&addr[9], "\x00\x5e\xfe", 3) == 0)
    {
        ngx_memzero(&sin, sizeof(struct sockaddr_in));
        sin.sin_family = AF_INET;
        ngx_memcpy(&sin.sin_addr, &addr[12], 4);

        return fuzz_in(fuzz_ranges, (struct sockaddr *) &sin);
    }

    return 0;
}


static void
fuzz_address(const ngx_http_notify_guard_conf_t *conf, ngx_str_t *input)
{
    ngx_int_t            rc;
    const char          *range;
    ngx_sockaddr_t       sa;
    ngx_resolver_addr_t  addr;

    ngx_memzero(&addr, sizeof(ngx_resolver_addr_t));
    ngx_memzero(&sa, sizeof(ngx_sockaddr_t));

    if (input->len >= 16) {
        sa.sockaddr_in6.sin6_family = AF_INET6;
        ngx_memcpy(&sa.sockaddr_in6.sin6_addr, input->data, 16);
        addr.socklen = sizeof(struct sockaddr_in6);

    } else if (input->len >= 4) {
        sa.sockaddr_in.sin_family = AF_INET;
        ngx_memcpy(&sa.sockaddr_in.sin_addr, input->data, 4);
        addr.socklen = sizeof(struct sockaddr_in);

    } else {
        sa.sockaddr.sa_family = AF_UNIX;
        addr.socklen = sizeof(sa_family_t);
    }

    addr.sockaddr = &sa.sockaddr;
    range = NULL;

    rc = ngx_http_notify_guard_addrs(&addr, 1, 80, conf, &range);

    if (sa.sockaddr.sa_family == AF_UNIX) {
        fuzz_check(rc == NGX_DECLINED && range != NULL);
        return;
    }

    fuzz_check(rc == (fuzz_special(&sa.sockaddr) ? NGX_DECLINED : NGX_OK));
    fuzz_check(rc == NGX_OK || range != NULL);
}


static void
fuzz_literal(ngx_http_notify_guard_url_t *url)
{
    u_char  text[NGX_SOCKADDR_STRLEN];
    size_t  len;

    fuzz_check(!fuzz_special(&url->sockaddr.sockaddr));
    fuzz_check(ngx_inet_get_port(&url->sockaddr.sockaddr) == url->port);

    if (url->sockaddr.sockaddr.sa_family == AF_INET) {
        len = ngx_sock_ntop(&url->sockaddr.sockaddr, url->socklen, text,
                            NGX_SOCKADDR_STRLEN, 0);

        fuzz_check(len == url->host.len
                   && ngx_memcmp(text, url->host.data, len) == 0);
    }
}


/* what the C library's resolvers take for an address is none for us */

static void
fuzz_name(ngx_http_notify_guard_url_t *url)
{
    size_t          i;
    u_char          c;
    char            name[512];
    struct in_addr  addr;

    fuzz_check(url->host.len > 0 && url->host.len < sizeof(name));

    for (i = 0; i < url->host.len; i++) {
        c = url->host.data[i];

        fuzz_check(isalnum(c) || c == '-' || c == '_' || c == '.');
    }

    ngx_memcpy(name, url->host.data, url->host.len);
    name[url->host.len] = '\0';

    fuzz_check(inet_aton(name, &addr) == 0);
    fuzz_check(strcasecmp(name, "localhost") != 0);
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    size_t                         i;
    ngx_int_t                      rc;
    const char                    *reason;
    ngx_http_notify_guard_url_t    url;
    ngx_http_notify_guard_conf_t   conf;

    ngx_memzero(&conf, sizeof(ngx_http_notify_guard_conf_t));
    conf.http = (choice & 1);
    conf.https = (choice & 2) ? 1 : 0;

    if (choice & 4) {
        fuzz_address(&conf, input);
        return;
    }

    reason = NULL;

    rc = ngx_http_notify_guard_url(pool, input, &conf, &url, &reason);

    if (rc != NGX_OK) {
        fuzz_check(rc == NGX_DECLINED && reason != NULL);
        return;
    }

    fuzz_check(input->len <= NGX_HTTP_NOTIFY_GUARD_URL_MAX);
    fuzz_check(fuzz_within(&url.host, input));
    fuzz_check(fuzz_within(&url.authority, input));
    fuzz_check(fuzz_within(&url.uri, input)
               || (url.uri.len == 1 && url.uri.data[0] == '/'));
    fuzz_check(url.uri.data[0] == '/' || url.uri.data[0] == '?');
    fuzz_check(url.port == 80 || url.port == 443 || url.port >= 1024);
    fuzz_check((conf.http == 0 && conf.https == 0)
               || (url.ssl ? conf.https : conf.http));

    /* nothing of it can break a request line or a header */

    for (i = 0; i < input->len; i++) {
        fuzz_check(input->data[i] > 0x20 && input->data[i] < 0x7f);
    }

    if (url.literal) {
        fuzz_literal(&url);

    } else {
        fuzz_name(&url);
    }
}
