/* SPDX-License-Identifier: Apache-2.0 */
/* Links to public routes of this API, with a temporary key. */
#ifndef CAIS_API_RUNRUN_KEY_LINK_PRIV_H
#define CAIS_API_RUNRUN_KEY_LINK_PRIV_H

#include "core/core.h"
#include "http/http.h"

/* A link to a public route of ours, with a key that holds for link_lifetime: of "zip" or "file", on behalf of whoever
 * asked. */
slice runrun_claim_link(struct http_exchange *, const char *what, const int64_t *ids, size_t count);
#define RUNRUN_DOCUMENTS_IN_ZIP 100
struct runrun_claim {
    struct principal who;
    int64_t ids[RUNRUN_DOCUMENTS_IN_ZIP];
    size_t count;
};
/* Is the request such a link, in time, and may its user still come in? False: replied. At least one id. */
bool runrun_read_claim(struct http_exchange *, const char *what, struct runrun_claim *ret);

#endif
