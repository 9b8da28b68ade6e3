/* SPDX-License-Identifier: Apache-2.0 */
/* What this folder does with any handle of SQLite: errors, settings, checks, copies of a whole database. */
#ifndef CAIS_SQL_SQLITE_HANDLE_H
#define CAIS_SQL_SQLITE_HANDLE_H

#include "base/err.h"

#include <sqlite3.h>

/* The error for a result of SQLite. handle: where it happened; may be NULL. */
err_t sqlite_err_at(sqlite3 *handle, const char *where, int result, struct arena *a);
#define sqlite_err(handle, result, a) sqlite_err_at((handle), ERR_HERE, (result), (a))

/* The name by which SQLite opens (with SQLITE_OPEN_URI) a file that nobody changes: it looks for no log, and makes none. */
const char *sqlite_immutable_name(const char *path, struct arena *a);

/* The first column of the first row of a PRAGMA. */
MUST_USE err_t read_pragma(sqlite3 *handle, const char *pragma, struct arena *a, slice *ret_value);

/* SQLite's check of all pages. CORRUPT, with at most `max` findings as the lines of its text, when something is wrong. */
MUST_USE err_t check_pages(sqlite3 *handle, int max, struct arena *a);

/* Copies the database, as `from` sees it now, into the new file `path`. The copy is not synced. verify: also run
 * SQLite's check of all pages on the copy. Errors: CONFLICT when `path` exists; CORRUPT; otherwise those of sql.h. After
 * any other error than CONFLICT there is no file. */
MUST_USE err_t copy_database(sqlite3 *from, const char *path, bool verify, struct arena *a);

#endif
