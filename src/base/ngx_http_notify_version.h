/*
 * The version of the module.  The start-up line, health, the metrics, the
 * User-Agent and the package take it from here.
 */

#ifndef _NGX_HTTP_NOTIFY_VERSION_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_VERSION_H_INCLUDED_


#define NGX_HTTP_NOTIFY_VERSION  "1.0.0"


#endif /* _NGX_HTTP_NOTIFY_VERSION_H_INCLUDED_ */
