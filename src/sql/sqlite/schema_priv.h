/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of a database that somebody else may have made. */
#ifndef CAIS_SQL_SQLITE_SCHEMA_PRIV_H
#define CAIS_SQL_SQLITE_SCHEMA_PRIV_H

#include "base/err.h"

#include <sqlite3.h>

/* match_schema of sql.h. The handle must not have a transaction of its own open that changed the schema. Errors: CORRUPT,
 * which names the first table, index, trigger or view that differs. */
MUST_USE err_t sqlite_schema_match(sqlite3 *handle, const char *const *scripts, size_t count, struct arena *a);

#endif
