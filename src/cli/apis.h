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
    const struct http_api *all[API_COUNT + 3]; /* those above and the admin commands */
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
/* How the inboxes of a protocol of files are opened (core/sync/inbox.h). origin, way: those of the protocol. */
void apis_inbox(const struct apis *, slice origin, enum sync_way way, struct inbox_options *ret);
/* Webhooks go out by this sender, in the formats of the APIs that have one. Both are borrowed until the jobs have ended. */
void apis_use_webhooks(struct apis *, struct core *, struct hook_sender *);
/* /metrics also has what this function writes. */
void apis_add_metrics(struct apis *, void (*more)(void *arg, struct buf *), void *arg);
/* Health and metrics report about this engine. */
void apis_set_http_server(struct apis *, struct http_server *);
/* The numbers and bools among the options of the APIs are those of this configuration from here on. One thread at a time. */
void apis_reload(struct apis *, const struct config *);
/* The names in [hosts] that each API has are those of this configuration, which is borrowed until apis_close. One thread at a time. */
void apis_rename_hosts(struct apis *, const struct config *);
void apis_close(struct apis *); /* after the last request has ended; a zeroed struct is fine */

#endif
