/* SPDX-License-Identifier: Apache-2.0 */
/* Every way in that a server speaks, set up as the configuration says. */
#ifndef CAIS_CLI_APIS_H
#define CAIS_CLI_APIS_H

#include "api/native/native.h"
#include "api/pyrus/pyrus.h"
#include "api/runrun/runrun.h"
#include "api/s3/s3.h"
#include "api/service/service.h"
#include "cli/config.h"
#include "cli/store.h"

enum { APIS_MAX = 16 };

struct apis {
    struct arena arena;
    struct native_api native;
    struct pyrus pyrus;
    struct http_api pyrus_api;
    struct runrun runrun;
    struct http_api runrun_api;
    struct s3 s3;
    struct http_api s3_api;
    struct service service, metrics;
    struct http_api later; /* listeners whose part is not built yet: 501 */
    const struct http_api *all[APIS_MAX];
    size_t count;
};

/* Stores are open; makes the buckets and keys that APIs need of their own. Everything is borrowed until
 * apis_close, which must follow, also after an error. Errors: those of the stores; INVALID a setting that cannot
 * be. */
MUST_USE err_t apis_open(struct apis *, struct store *, const struct config *, const struct link_base *,
                         const struct http_api *admin, struct log *, struct arena *a);
/* Health and metrics tell of this engine. */
void apis_set_http_server(struct apis *, struct http_server *);
void apis_close(struct apis *); /* no request is under way any more; a zeroed one is fine */

#endif
