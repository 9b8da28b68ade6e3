/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite behind sql.h: one file in WAL mode, or one shared in-memory database under a lock (tests).
 * synchronous=FULL: a commit that returned is on stable storage. The only folder that names sqlite3.h. */
#ifndef CAIS_SQL_SQLITE_SQLITE_H
#define CAIS_SQL_SQLITE_SQLITE_H

#include "sql/sql.h"

struct sqlite_options {
    const char *path; /* NULL: in memory; every connection is the same one, used under a lock held from its first
                         statement of a transaction to the end of it */
    bool relaxed;     /* durability = relaxed: synchronous=NORMAL, commits may be lost when power fails */
    bool read_only;   /* open what is there, change nothing */
};
/* Errors: those of sql.h; NOT_FOUND when read_only and there is no file. */
MUST_USE err_t sqlite_open(const struct sqlite_options *options, struct arena *a, struct sql_db **ret_db);

#endif
