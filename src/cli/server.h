/* SPDX-License-Identifier: Apache-2.0 */
/* A whole server in this process: stores, APIs, engine, jobs. What `cais serve` runs, and what put, get and ls
 * start for themselves when nobody serves the data directory. */
#ifndef CAIS_CLI_SERVER_H
#define CAIS_CLI_SERVER_H

#include "cli/config.h"
#include "cli/options.h"

struct server;

/* Open, bind, start. private_only: nothing but DIR/private.sock, which nobody else asks, since it may end any moment.
 * config, log and what cli points to are borrowed until server_stop. Errors: those of store_open, of listeners and
 * certificates; UNSUPPORTED a part that is not there yet. */
MUST_USE err_t server_start(const struct cli *, const struct config *, struct log *, bool private_only, struct arena *a,
                            struct server **ret_server);
/* Load the certificates again; on an error the old ones stay. */
MUST_USE err_t server_reload(struct server *, struct arena *a);
/* Stop listening and let what is in flight finish, for http.shutdown_grace at most. */
void server_drain(struct server *);
void server_hurry(struct server *); /* from another thread during server_drain: no grace any more */
void server_stop(struct server *);  /* in order: listeners, requests in flight, jobs, stores; NULL is fine */

#endif
