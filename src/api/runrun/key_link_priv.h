/* SPDX-License-Identifier: Apache-2.0 */
/* Links to public routes of this API that carry a temporary key. A browser follows them without the headers that
 * authenticate a client. The key is an HMAC over the kind of link, the user, the documents and the time at which it
 * expires, under a key of this server. Source: docs/apis/runrun.md §6.5, §6.6. */
#ifndef CAIS_API_RUNRUN_KEY_LINK_PRIV_H
#define CAIS_API_RUNRUN_KEY_LINK_PRIV_H

#include "core/core.h"
#include "http/http.h"

#define RUNRUN_DOCUMENTS_IN_ZIP 100

/* What a link allows: this user may download these documents. */
struct runrun_key_link {
    struct principal who;
    int64_t ids[RUNRUN_DOCUMENTS_IN_ZIP];
    size_t count; /* at least 1 */
};

/* A link for the caller of this exchange, in its arena. It holds for link_lifetime_ms.
 *
 * kind  "zip" or "file": the last part of the path
 * ids   of documents, at most RUNRUN_DOCUMENTS_IN_ZIP */
slice runrun_key_link_make(struct http_exchange *, const char *kind, const int64_t *ids, size_t count);
/* Checks that the request is such a link, that it has not expired, and that its user is active. The reply is cut off when the
 * user is disabled while it is sent (guard_watch). */
MUST_USE err_t runrun_key_link_check(struct http_exchange *, const char *kind, struct runrun_key_link *ret);

#endif
