/*
 * Which addresses may be called: rules in order, then the special-purpose
 * ranges of the IANA registries (RFC 6890 and later), then yes.  Binary
 * addresses only; never looks at text or names.
 */

#ifndef _NGX_HTTP_NOTIFY_CIDR_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CIDR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_cidr_t   cidr;          /* family 0: all */
    ngx_uint_t   deny;          /* unsigned  deny:1; */
    const char  *text;          /* as configured; NULL: not kept */
} ngx_http_notify_cidr_rule_t;


/*
 * NGX_OK: may be called.  NGX_DECLINED: *range is the text of the rule or of
 * the special-purpose range that forbids it (static, or of the rule's life).
 * IPv4-mapped addresses are judged as the IPv4 address, and ISATAP addresses
 * (RFC 5214) also as the IPv4 address that they carry.  rules: array of
 * ngx_http_notify_cidr_rule_t or NULL.  Other families are refused.
 */
ngx_int_t ngx_http_notify_cidr_check(const ngx_array_t *rules,
    const struct sockaddr *sockaddr, const char **range);

/* Whether an allow rule is of this one address, not of a network. */
ngx_uint_t ngx_http_notify_cidr_named(const ngx_array_t *rules,
    const struct sockaddr *sockaddr);


#endif /* _NGX_HTTP_NOTIFY_CIDR_H_INCLUDED_ */
