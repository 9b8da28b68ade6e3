/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_SQL_SQLITE_TYPES_PRIV_H
#define CAIS_SQL_SQLITE_TYPES_PRIV_H

#include "sql/sqlite/handle.h"

/* Looks for a value in a column of integers that is neither an integer nor NULL. CORRUPT, with the table and the column of
 * the first one in its text. The schema must be one of ours: the names of its tables and columns are words. */
MUST_USE err_t check_integers(sqlite3 *handle, struct arena *a);

#endif
