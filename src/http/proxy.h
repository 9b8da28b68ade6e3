/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted proxies: which peers may state the address of the client in X-Forwarded-For, and its scheme in X-Forwarded-Proto. Both
 * are lists, to which each proxy appends what it knows of its own peer. No standard defines them; sources: Mozilla's reference of
 * headers, nginx, Azure Application Gateway (addresses with ports), lighttpd and Cloudflare (more
 * than one scheme). */
#ifndef CAIS_HTTP_PROXY_H
#define CAIS_HTTP_PROXY_H

#include "base/err.h"

struct proxies;

/* list: addresses or CIDR ranges, ends with NULL; may be NULL. Errors: INVALID an entry is neither. */
MUST_USE err_t proxies_parse(const char *const *list, struct arena *a, struct proxies **ret);
void proxies_free(struct proxies *); /* NULL is fine */
bool proxies_trust(const struct proxies *, const char *address);
/* The client's address: the last one in the value of X-Forwarded-For that is not a trusted proxy itself; `peer` when
 * the value has none. Without its port and brackets; a copy in `a`.
 * *ret_behind  how many elements stand behind the client's: each is a trusted proxy */
slice proxies_client(const struct proxies *, const char *peer, slice forwarded_for, struct arena *a,
                     size_t *ret_behind);
/* The address in an element of X-Forwarded-For: IPv4, IPv4:PORT, IPv6, [IPv6] or [IPv6]:PORT. A part of it; empty: it has none. */
slice forwarded_address(slice element);
/* Does the client speak https? That says the element of X-Forwarded-Proto behind which as many stand as behind the client's address;
 * the first one when there are fewer. So nothing counts that stood in the list before a trusted proxy got the request.
 * False, too, when the value has no element. */
bool forwarded_is_https(slice forwarded_proto, size_t behind);

#endif
