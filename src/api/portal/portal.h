/* SPDX-License-Identifier: Apache-2.0 */
/* The pages for people: login and logout. The contract: docs/apis/portal.md. */
#ifndef CAIS_API_PORTAL_PORTAL_H
#define CAIS_API_PORTAL_PORTAL_H

#include "api/kit/links.h"
#include "base/log.h"
#include "core/core.h"
#include "http/http.h"

struct portal {
    struct core *core;
    struct log *log;               /* for errors of the server itself; may be NULL */
    const struct link_base *links; /* where stored files are shown from; NULL: from this host. Set after portal_init */
    struct http_api http_api;
};
/* core and log are borrowed. `p` must not move while http_api is served. */
void portal_init(struct portal *p, struct core *core, struct log *log);

#endif
