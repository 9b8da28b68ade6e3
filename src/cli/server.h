/* SPDX-License-Identifier: Apache-2.0 */
/* A whole server in this process: stores, APIs, HTTP engine, jobs. `cais serve` runs one; put, get and ls start a private
 * one when no server uses the data directory. */
#ifndef CAIS_CLI_SERVER_H
#define CAIS_CLI_SERVER_H

#include "cli/config.h"
#include "cli/options.h"
#include "cli/reload.h"

#include <stdio.h>

struct server;

/* Open the stores, bind the addresses, start the threads. private_only: listen on DIR/private.sock alone, which other
 * commands do not use, because the server ends with its command; jobs do not run. config, log and everything that cli
 * points to are borrowed until server_stop; a reload changes config.
 * Errors: those of store_open, of listeners and of certificates; UNSUPPORTED a part that is not built yet. */
MUST_USE err_t server_start(const struct cli *, struct config *, struct log *, bool private_only, struct arena *a,
                            struct server **ret_server);
/* Show a person at a terminal how to open the portal (welcome.h). Nothing is printed if no address is for people. */
MUST_USE err_t server_welcome(struct server *, FILE *out, struct arena *a);
/* Where server_reload finds the configuration as it is now. Errors: those of config_read_file and config_check. */
struct server_source {
    err_t (*read)(void *arg, struct arena *a, struct config *ret);
    void *arg;
};
/* From here on the server can be reloaded, by server_reload and by `cais reload`. source is copied. */
void server_allow_reload(struct server *, const struct server_source *);
/* Read the configuration again and change what can change while the server runs (cli/reload.h); open log.file and load the certificates
 * again, also when no key has changed. What was done is in the log, and in *ret_report, in `a`. Thread: any.
 * Errors: INVALID the configuration is refused: nothing has changed; or the certificates or log.file are: these alone stay. */
MUST_USE err_t server_reload(struct server *, struct arena *a, struct reload_report *ret_report);
/* Does every loop still turn? For a watchdog: to be called at intervals that a loop never needs for one turn. One thread at a time. */
bool server_is_alive(struct server *);
/* Stop listening, and let requests in flight finish, for http.shutdown_grace at most. */
void server_drain(struct server *);
/* Cut the requests in flight now. Called from another thread during server_drain. */
void server_hurry(struct server *);
/* Stop listeners, requests in flight, jobs and stores, in this order. NULL is fine. */
void server_stop(struct server *);

#endif
