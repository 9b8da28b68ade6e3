/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_SQL_SQLITE_TYPES_PRIV_H
#define CAIS_SQL_SQLITE_TYPES_PRIV_H

#include "sql/sqlite/handle.h"

/* Looks for a value that is neither of the type of its column nor NULL. CORRUPT, with the table and the column of the first
 * one in its text. The schema must be one of ours: the names of its tables and columns are words, and the types are
 * INTEGER, BIGINT, TEXT and BLOB. */
MUST_USE err_t check_types(sqlite3 *handle, struct arena *a);

#endif
