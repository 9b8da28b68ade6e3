/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the Cookie headers of a request. Spec: RFC 6265 §4.2.1, §5.4; HTTP/2 proxies may split the header (RFC 9113 §8.2.3). */
#ifndef CAIS_HTTP_COOKIE_H
#define CAIS_HTTP_COOKIE_H

#include "http/http.h"

/* The value of the cookie with exactly this name, without quotes around it; .p is NULL when there is none. When there are
 * several, with different values, .p is NULL as well: another host of the domain, or another path, has added one, and which
 * of them is ours cannot be told. Points into the headers. */
slice cookie_find(const struct http_request *, slice name);

#endif
