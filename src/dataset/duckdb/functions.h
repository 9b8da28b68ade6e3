/* SPDX-License-Identifier: Apache-2.0 */
/* Functions for the statements of compile.c. DuckDB looks at interruptions only between chunks of rows, and does not count the
 * texts that a function makes for a chunk as memory. These functions end at a deadline, and when their texts are more than they may be.
 *
 *   cais_lower, cais_upper   (text, room, deadline) -> text: the letters of ASCII
 *   cais_trim                (text, room, deadline) -> text without blanks around it
 *   cais_like                (text, pattern, room, deadline) -> BOOLEAN: % _ and \, as core/records/row_query.h says
 *   cais_room                (room, text ...) -> BOOLEAN: always true, unless the texts of a chunk are more bytes than the room
 *
 * room: bytes, for the texts that one call makes for one chunk. deadline: ms, of clock_monotonic_ms. Of null they make null. */
#ifndef CAIS_DATASET_DUCKDB_FUNCTIONS_H
#define CAIS_DATASET_DUCKDB_FUNCTIONS_H

#include "base/clock.h"
#include "base/err.h"

#include <duckdb.h>

/* What the error of a statement contains when a function ended it. */
#define FUNCTION_IS_LATE "cais: the deadline has passed"
#define FUNCTION_HAS_NO_ROOM "cais: the texts are too large"

/* Adds them to a database, in memory: the file does not know them. clock: lives longer than the database. */
MUST_USE err_t functions_register(duckdb_connection, struct clock *clock, struct arena *a);

#endif
