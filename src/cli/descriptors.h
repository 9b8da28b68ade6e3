/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections the limit of file descriptors allows. A connection needs one, and a second one while it reads or
 * writes a blob. Everything else has descriptors of its own, which no number of connections can use up: the database, the
 * blob folders, listeners, operators and monitors. Running out would fail the requests of others, and the database. */
#ifndef CAIS_CLI_DESCRIPTORS_H
#define CAIS_CLI_DESCRIPTORS_H

#include "base/err.h"

/* Raise the soft limit of the process to its hard limit. Returns the limit. */
size_t descriptors_raise_limit(void);
/* Connections that fit into `limit` descriptors beside `threads` threads of the server; 0: none. */
size_t descriptors_for_connections(size_t limit, size_t threads);

#endif
