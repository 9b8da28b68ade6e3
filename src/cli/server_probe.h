/* SPDX-License-Identifier: Apache-2.0 */
/* Is a server running on this data directory? One process at a time has the lock of a data directory: a server, or a
 * command while it runs. A command that finds a server asks it over DIR/admin.sock. While another process starts or stops,
 * the lock is held and the socket does not answer yet, or no longer; then the command tries again:
 *
 *     do if (server_probe(dir)) ask the server;  else take the lock and work here
 *     while (that failed with CONFLICT && server_probe_pause(clock, &deadline_ms)) */
#ifndef CAIS_CLI_SERVER_PROBE_H
#define CAIS_CLI_SERVER_PROBE_H

#include "base/clock.h"
#include "base/slice.h"

#include <stdbool.h>

/* True when a process accepts connections on DIR/admin.sock. */
bool server_probe(slice data_dir);
/* Sleep for a moment before the next try. Returns false once ten seconds have passed since the first call, before which
 * *deadline_ms is 0. */
bool server_probe_pause(struct clock *, int64_t *deadline_ms);

#endif
