/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted proxies: which peers may state the address of the client in X-Forwarded-For. */
#ifndef CAIS_HTTP_PROXY_H
#define CAIS_HTTP_PROXY_H

#include "base/err.h"

struct proxies;

/* list: addresses or CIDR ranges, ends with NULL; may be NULL. Errors: INVALID an entry is neither. */
MUST_USE err_t proxies_parse(const char *const *list, struct arena *a, struct proxies **ret);
void proxies_free(struct proxies *); /* NULL is fine */
bool proxies_trust(const struct proxies *, const char *address);
/* The client's address: the last one in the value of X-Forwarded-For that is not a trusted proxy itself; `peer` when
 * the value has none. A copy in `a`. */
slice proxies_client(const struct proxies *, const char *peer, slice forwarded_for, struct arena *a);

#endif
