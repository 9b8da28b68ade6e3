/* SPDX-License-Identifier: Apache-2.0 */
/* A whole server in this process: stores, APIs, HTTP engine, jobs. `cais serve` runs one; put, get and ls start a private
 * one when no server uses the data directory. */
#ifndef CAIS_CLI_SERVER_H
#define CAIS_CLI_SERVER_H

#include "cli/config.h"
#include "cli/options.h"

struct server;

/* Open the stores, bind the addresses, start the threads. private_only: listen on DIR/private.sock alone, which other
 * commands do not use, because the server ends with its command; jobs do not run. config, log and everything that cli
 * points to are borrowed until server_stop.
 * Errors: those of store_open, of listeners and of certificates; UNSUPPORTED a part that is not built yet. */
MUST_USE err_t server_start(const struct cli *, const struct config *, struct log *, bool private_only, struct arena *a,
                            struct server **ret_server);
/* Load the certificates again. After an error the old ones stay in use. */
MUST_USE err_t server_reload(struct server *, struct arena *a);
/* Stop listening, and let requests in flight finish, for http.shutdown_grace at most. */
void server_drain(struct server *);
/* Cut the requests in flight now. Called from another thread during server_drain. */
void server_hurry(struct server *);
/* Stop listeners, requests in flight, jobs and stores, in this order. NULL is fine. */
void server_stop(struct server *);

#endif
