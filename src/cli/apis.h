/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that answers requests, set up from the configuration: the APIs of api/apis.def, health and metrics, and the
 * commands of the admin socket. */
#ifndef CAIS_CLI_APIS_H
#define CAIS_CLI_APIS_H

#include "api/apis.h"
#include "api/service/service.h"
#include "cli/config.h"
#include "cli/store.h"

struct apis {
    struct arena arena;
    const struct http_api *opened[API_COUNT]; /* in the order of api_modules; NULL: not open */
    struct service service, metrics;
    struct http_api later;                     /* for listeners of a protocol that is not built yet: replies 501 */
    const struct http_api *all[API_COUNT + 4]; /* those above and the admin commands */
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
