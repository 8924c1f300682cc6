/*
 * The listening sockets of the cycle, compared with an address.  The addresses
 * of the machine are asked of the kernel, at most once in ten seconds, and only
 * for a port that a wildcard listens at.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ifaddrs.h>
#include "ngx_http_notify_own.h"


#define NGX_HTTP_NOTIFY_OWN_AGE  10     /* s */
#define NGX_HTTP_NOTIFY_OWN_MAX  1024   /* addresses of the machine */


/* IPv4 is kept as IPv4-mapped IPv6, so that all compare in one way */
typedef struct {
    u_char       bytes[16];
} ngx_http_notify_own_addr_t;


static ngx_int_t ngx_http_notify_own_addr(const struct sockaddr *sockaddr,
    ngx_http_notify_own_addr_t *addr);
static ngx_uint_t ngx_http_notify_own_is_any(
    const ngx_http_notify_own_addr_t *addr);
static ngx_uint_t ngx_http_notify_own_is_ipv4(
    const ngx_http_notify_own_addr_t *addr);
static ngx_uint_t ngx_http_notify_own_is_local(
    const struct sockaddr *sockaddr,
    const ngx_http_notify_own_addr_t *addr);
static void ngx_http_notify_own_refresh(void);
static ngx_uint_t ngx_http_notify_own_is_routed(
    const struct sockaddr *sockaddr,
    const ngx_http_notify_own_addr_t *addr);


static const u_char  ngx_http_notify_own_mapped[12] =
    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };


/* of the worker */
static struct {
    time_t                        read;     /* 0: never */
    ngx_uint_t                    n;
    ngx_http_notify_own_addr_t    addrs[NGX_HTTP_NOTIFY_OWN_MAX];
} ngx_http_notify_own_machine;


ngx_uint_t
ngx_http_notify_own(const struct sockaddr *sockaddr, in_port_t port)
{
    ngx_uint_t                   i;
    ngx_listening_t             *ls;
    ngx_http_notify_own_addr_t   addr, own;

    if (ngx_http_notify_own_addr(sockaddr, &addr) != NGX_OK) {
        return 0;
    }

    /* the kernel connects an unspecified address to the loopback */

    if (ngx_http_notify_own_is_any(&addr)) {

        if (ngx_http_notify_own_is_ipv4(&addr)) {
            addr.bytes[12] = 127;
        }

        addr.bytes[15] = 1;
    }

    ls = ngx_cycle->listening.elts;

    for (i = 0; i < ngx_cycle->listening.nelts; i++) {

        if (ls[i].type != SOCK_STREAM
            || ngx_http_notify_own_addr(ls[i].sockaddr, &own) != NGX_OK
            || ngx_inet_get_port(ls[i].sockaddr) != port)
        {
            continue;
        }

        if (ngx_memcmp(&addr, &own, sizeof(own)) == 0) {
            return 1;
        }

        if (!ngx_http_notify_own_is_any(&own)) {
            continue;
        }

        if (ngx_http_notify_own_is_ipv4(&addr)
            != ngx_http_notify_own_is_ipv4(&own))
        {
#if (NGX_HAVE_INET6)
            if (ngx_http_notify_own_is_ipv4(&own) || ls[i].ipv6only)
#endif
            {
                continue;
            }
        }

        if (ngx_http_notify_own_is_local(sockaddr, &addr)) {
            return 1;
        }
    }

    return 0;
}


/* NGX_DECLINED: neither IPv4 nor IPv6 */

static ngx_int_t
ngx_http_notify_own_addr(const struct sockaddr *sockaddr,
    ngx_http_notify_own_addr_t *addr)
{
    switch (sockaddr->sa_family) {

    case AF_INET:
        ngx_memcpy(addr->bytes, ngx_http_notify_own_mapped, 12);
        ngx_memcpy(&addr->bytes[12],
                   &((struct sockaddr_in *) sockaddr)->sin_addr, 4);
        return NGX_OK;

#if (NGX_HAVE_INET6)
    case AF_INET6:
        ngx_memcpy(addr->bytes,
                   &((struct sockaddr_in6 *) sockaddr)->sin6_addr, 16);
        return NGX_OK;
#endif

    default:
        return NGX_DECLINED;
    }
}


static ngx_uint_t
ngx_http_notify_own_is_ipv4(const ngx_http_notify_own_addr_t *addr)
{
    return ngx_memcmp(addr->bytes, ngx_http_notify_own_mapped, 12) == 0;
}


static ngx_uint_t
ngx_http_notify_own_is_any(const ngx_http_notify_own_addr_t *addr)
{
    static const u_char  zero[16];

    return ngx_http_notify_own_is_ipv4(addr)
           ? ngx_memcmp(&addr->bytes[12], zero, 4) == 0
           : ngx_memcmp(addr->bytes, zero, 16) == 0;
}


static ngx_uint_t
ngx_http_notify_own_is_local(const struct sockaddr *sockaddr,
    const ngx_http_notify_own_addr_t *addr)
{
    ngx_uint_t  i;

    if (ngx_http_notify_own_is_ipv4(addr) && addr->bytes[12] == 127) {
        return 1;
    }

    if (ngx_http_notify_own_machine.read == 0
        || ngx_time() - ngx_http_notify_own_machine.read
           >= NGX_HTTP_NOTIFY_OWN_AGE)
    {
        ngx_http_notify_own_refresh();
    }

    for (i = 0; i < ngx_http_notify_own_machine.n; i++) {
        if (ngx_memcmp(addr, &ngx_http_notify_own_machine.addrs[i],
                       sizeof(ngx_http_notify_own_addr_t))
            == 0)
        {
            return 1;
        }
    }

    return ngx_http_notify_own_is_routed(sockaddr, addr);
}


/*
 * A whole network may be routed to this machine ("ip route add local"): the
 * source of a packet to such an address is the address itself.  None is sent.
 */

static ngx_uint_t
ngx_http_notify_own_is_routed(const struct sockaddr *sockaddr,
    const ngx_http_notify_own_addr_t *addr)
{
    int                          fd;
    socklen_t                    len;
    ngx_uint_t                   routed;
    ngx_sockaddr_t               sa;
    ngx_http_notify_own_addr_t   source;

    len = sizeof(struct sockaddr_in);

#if (NGX_HAVE_INET6)
    if (sockaddr->sa_family == AF_INET6) {
        len = sizeof(struct sockaddr_in6);
    }
#endif

    ngx_memcpy(&sa, sockaddr, len);
    ngx_inet_set_port(&sa.sockaddr, 9);

    fd = socket(sockaddr->sa_family, SOCK_DGRAM, 0);
    if (fd == -1) {
        return 0;
    }

    routed = 0;

    if (connect(fd, &sa.sockaddr, len) == 0) {
        len = sizeof(ngx_sockaddr_t);

        routed = getsockname(fd, &sa.sockaddr, &len) == 0
                 && ngx_http_notify_own_addr(&sa.sockaddr, &source) == NGX_OK
                 && ngx_memcmp(addr, &source, sizeof(source)) == 0;
    }

    (void) close(fd);

    return routed;
}


/* what was known stays, when the kernel does not answer */

static void
ngx_http_notify_own_refresh(void)
{
    ngx_uint_t       n;
    struct ifaddrs  *list, *ifa;

    ngx_http_notify_own_machine.read = ngx_time();

    if (getifaddrs(&list) == -1) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno,
                      "notify own: getifaddrs() failed");
        return;
    }

    n = 0;

    for (ifa = list; ifa && n < NGX_HTTP_NOTIFY_OWN_MAX; ifa = ifa->ifa_next) {

        if (ifa->ifa_addr
            && ngx_http_notify_own_addr(ifa->ifa_addr,
                                      &ngx_http_notify_own_machine.addrs[n])
               == NGX_OK)
        {
            n++;
        }
    }

    ngx_http_notify_own_machine.n = n;

    freeifaddrs(list);
}
