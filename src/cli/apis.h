/* SPDX-License-Identifier: Apache-2.0 */
/* Every API that the server speaks, set up from the configuration. */
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
    struct http_api later; /* for listeners of a protocol that is not built yet: replies 501 */
    const struct http_api *all[APIS_MAX];
    size_t count;
};

/* All of it is borrowed until apis_close. */
struct apis_params {
    struct store *store; /* open */
    const struct config *config;
    const struct link_base *links;
    const struct http_api *admin; /* the commands of admin.sock: served along with the APIs */
    struct log *log;
};
/* Make the buckets and keys that the APIs need for themselves, and fill `all`. apis_close must follow, also after an
 * error. Errors: those of the stores; INVALID a setting has an impossible value. */
MUST_USE err_t apis_open(struct apis *, const struct apis_params *, struct arena *a);
/* Health and metrics report about this engine. */
void apis_set_http_server(struct apis *, struct http_server *);
void apis_close(struct apis *); /* after the last request has ended; a zeroed struct is fine */

#endif
