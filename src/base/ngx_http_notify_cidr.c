/*
 * The judgement on an address: rules, then the special-purpose ranges.
 * Tables only, no state.  Must not know names, URLs or who asks.
 */

#include "ngx_http_notify_cidr.h"


typedef struct {
    uint32_t     addr;
    ngx_uint_t   bits;
    const char  *text;
} ngx_http_notify_cidr_ipv4_t;


/* IANA IPv4 special-purpose registry, and Azure's host agent */

static ngx_http_notify_cidr_ipv4_t  ngx_http_notify_cidr_ipv4[] = {
    { 0x00000000,  8, "0.0.0.0/8" },
    { 0x0a000000,  8, "10.0.0.0/8" },
    { 0x64400000, 10, "100.64.0.0/10" },
    { 0x7f000000,  8, "127.0.0.0/8" },
    { 0xa83f8110, 32, "168.63.129.16" },
    { 0xa9fe0000, 16, "169.254.0.0/16" },
    { 0xac100000, 12, "172.16.0.0/12" },
    { 0xc0000000, 24, "192.0.0.0/24" },
    { 0xc0000200, 24, "192.0.2.0/24" },
    { 0xc0586300, 24, "192.88.99.0/24" },
    { 0xc0a80000, 16, "192.168.0.0/16" },
    { 0xc6120000, 15, "198.18.0.0/15" },
    { 0xc6336400, 24, "198.51.100.0/24" },
    { 0xcb007100, 24, "203.0.113.0/24" },
    { 0xe0000000,  4, "224.0.0.0/4" },
    { 0xf0000000,  4, "240.0.0.0/4" }
};


#if (NGX_HAVE_INET6)

typedef struct {
    u_char       addr[16];
    ngx_uint_t   bits;
    const char  *text;          /* NULL: globally reachable, ends the search */
} ngx_http_notify_cidr_ipv6_t;


/*
 * IANA IPv6 special-purpose registry, and what is deprecated or carries an
 * IPv4 address; IPv4-mapped ones never come here.
 */

static ngx_http_notify_cidr_ipv6_t  ngx_http_notify_cidr_ipv6[] = {
    { { 0 }, 128, "::" },
    { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 128, "::1" },
    { { 0 }, 96, "::/96" },
    { { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96, "::ffff:0:0:0/96" },
    { { 0x00, 0x64, 0xff, 0x9b }, 96, "64:ff9b::/96" },
    { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, "64:ff9b:1::/48" },
    { { 0x01 }, 64, "100::/64" },
    { { 0x01, 0, 0, 0, 0, 0, 0, 1 }, 64, "100:0:0:1::/64" },
    { { 0x20, 0x01 }, 32, "2001::/32" },
    { { 0x20, 0x01, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 128, NULL },
    { { 0x20, 0x01, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2 }, 127, NULL },
    { { 0x20, 0x01, 0x00, 0x03 }, 32, NULL },
    { { 0x20, 0x01, 0x00, 0x04, 0x01, 0x12 }, 48, NULL },
    { { 0x20, 0x01, 0x00, 0x20 }, 28, NULL },
    { { 0x20, 0x01, 0x00, 0x30 }, 28, NULL },
    { { 0x20, 0x01 }, 23, "2001::/23" },
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32, "2001:db8::/32" },
    { { 0x20, 0x02 }, 16, "2002::/16" },
    { { 0x3f, 0xfe }, 16, "3ffe::/16" },
    { { 0x3f, 0xff }, 20, "3fff::/20" },
    { { 0x5f }, 16, "5f00::/16" },
    { { 0xfc }, 7, "fc00::/7" },
    { { 0xfe, 0x80 }, 10, "fe80::/10" },
    { { 0xfe, 0xc0 }, 10, "fec0::/10" },
    { { 0xff }, 8, "ff00::/8" }
};

#endif


static ngx_int_t
ngx_http_notify_cidr_check_ipv4(uint32_t addr, const char **range)
{
    ngx_uint_t                    i, n;
    ngx_http_notify_cidr_ipv4_t  *net;

    net = ngx_http_notify_cidr_ipv4;
    n = sizeof(ngx_http_notify_cidr_ipv4)
        / sizeof(ngx_http_notify_cidr_ipv4_t);

    for (i = 0; i < n; i++) {
        if ((addr ^ net[i].addr) >> (32 - net[i].bits) == 0) {
            *range = net[i].text;
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


#if (NGX_HAVE_INET6)

static ngx_int_t
ngx_http_notify_cidr_check_ipv6(const u_char *addr, const char **range)
{
    ngx_uint_t                    i, n, bytes, bits;
    ngx_http_notify_cidr_ipv6_t  *net;

    net = ngx_http_notify_cidr_ipv6;
    n = sizeof(ngx_http_notify_cidr_ipv6)
        / sizeof(ngx_http_notify_cidr_ipv6_t);

    for (i = 0; i < n; i++) {
        bytes = net[i].bits / 8;
        bits = net[i].bits % 8;

        if (ngx_memcmp(addr, net[i].addr, bytes) == 0
            && (bits == 0
                || (addr[bytes] ^ net[i].addr[bytes]) >> (8 - bits) == 0))
        {
            *range = net[i].text;
            return net[i].text ? NGX_DECLINED : NGX_OK;
        }
    }

    return NGX_OK;
}


/*
 * RFC 5214, 6.1: a router of such a prefix hands the packet to the IPv4 address
 * that the interface identifier carries, with or without the universal bit.
 */

static ngx_uint_t
ngx_http_notify_cidr_isatap(const u_char *addr, in_addr_t *ipv4)
{
    if ((addr[8] & 0xfd) != 0 || addr[9] != 0
        || addr[10] != 0x5e || addr[11] != 0xfe)
    {
        return 0;
    }

    ngx_memcpy(ipv4, &addr[12], 4);

    return 1;
}


static ngx_uint_t
ngx_http_notify_cidr_match_ipv6(const ngx_in6_cidr_t *cidr, const u_char *addr)
{
    ngx_uint_t  i;

    for (i = 0; i < 16; i++) {
        if ((addr[i] & cidr->mask.s6_addr[i]) != cidr->addr.s6_addr[i]) {
            return 0;
        }
    }

    return 1;
}

#endif


/* ipv6: NULL for an IPv4 address, which stands in ipv4, in network order */

static ngx_int_t
ngx_http_notify_cidr_check_rules(const ngx_array_t *rules, in_addr_t ipv4,
    const u_char *ipv6, const char **range)
{
    ngx_uint_t                    i;
    ngx_http_notify_cidr_rule_t  *rule;

    rule = rules->elts;

    for (i = 0; i < rules->nelts; i++) {

        switch (rule[i].cidr.family) {

        case 0:
            break;

        case AF_INET:
            if (ipv6
                || (ipv4 & rule[i].cidr.u.in.mask) != rule[i].cidr.u.in.addr)
            {
                continue;
            }

            break;

#if (NGX_HAVE_INET6)
        case AF_INET6:
            if (ipv6 == NULL
                || !ngx_http_notify_cidr_match_ipv6(&rule[i].cidr.u.in6, ipv6))
            {
                continue;
            }

            break;
#endif

        default:
            continue;
        }

        if (rule[i].deny) {
            *range = rule[i].text ? rule[i].text : "a deny rule";
            return NGX_DECLINED;
        }

        return NGX_OK;
    }

    return NGX_AGAIN;
}


/* an IPv4-mapped address is the IPv4 address */

static ngx_int_t
ngx_http_notify_cidr_split(const struct sockaddr *sockaddr, in_addr_t *ipv4,
    const u_char **ipv6)
{
#if (NGX_HAVE_INET6)
    struct in6_addr  *in6;
#endif

    *ipv4 = 0;
    *ipv6 = NULL;

    switch (sockaddr->sa_family) {

    case AF_INET:
        *ipv4 = ((struct sockaddr_in *) sockaddr)->sin_addr.s_addr;
        return NGX_OK;

#if (NGX_HAVE_INET6)
    case AF_INET6:
        in6 = &((struct sockaddr_in6 *) sockaddr)->sin6_addr;

        if (IN6_IS_ADDR_V4MAPPED(in6)) {
            ngx_memcpy(ipv4, &in6->s6_addr[12], 4);

        } else {
            *ipv6 = in6->s6_addr;
        }

        return NGX_OK;
#endif

    default:
        return NGX_DECLINED;
    }
}


ngx_int_t
ngx_http_notify_cidr_check(const ngx_array_t *rules,
    const struct sockaddr *sockaddr, const char **range)
{
    ngx_int_t      rc;
    in_addr_t      ipv4;
    const u_char  *ipv6;

    if (ngx_http_notify_cidr_split(sockaddr, &ipv4, &ipv6) != NGX_OK) {
        *range = "an address family other than IPv4 and IPv6";
        return NGX_DECLINED;
    }

    if (rules) {
        rc = ngx_http_notify_cidr_check_rules(rules, ipv4, ipv6, range);

        if (rc != NGX_AGAIN) {
            return rc;
        }
    }

#if (NGX_HAVE_INET6)
    if (ipv6) {
        rc = ngx_http_notify_cidr_check_ipv6(ipv6, range);

        if (rc != NGX_OK || !ngx_http_notify_cidr_isatap(ipv6, &ipv4)) {
            return rc;
        }

        if (rules) {
            rc = ngx_http_notify_cidr_check_rules(rules, ipv4, NULL, range);

            if (rc != NGX_AGAIN) {
                return rc;
            }
        }
    }
#endif

    return ngx_http_notify_cidr_check_ipv4(ntohl(ipv4), range);
}


ngx_uint_t
ngx_http_notify_cidr_named(const ngx_array_t *rules,
    const struct sockaddr *sockaddr)
{
    in_addr_t                     ipv4;
    ngx_uint_t                    i;
    const u_char                 *ipv6;
    ngx_http_notify_cidr_rule_t  *rule;

    if (rules == NULL
        || ngx_http_notify_cidr_split(sockaddr, &ipv4, &ipv6) != NGX_OK)
    {
        return 0;
    }

    rule = rules->elts;

    for (i = 0; i < rules->nelts; i++) {

        if (rule[i].deny) {
            continue;
        }

        if (rule[i].cidr.family == AF_INET
            && ipv6 == NULL
            && rule[i].cidr.u.in.mask == 0xffffffff
            && rule[i].cidr.u.in.addr == ipv4)
        {
            return 1;
        }

#if (NGX_HAVE_INET6)
        if (rule[i].cidr.family == AF_INET6
            && ipv6 != NULL
            && rule[i].cidr.u.in6.mask.s6_addr[15] == 0xff
            && ngx_memcmp(rule[i].cidr.u.in6.addr.s6_addr, ipv6, 16) == 0)
        {
            return 1;
        }
#endif
    }

    return 0;
}
