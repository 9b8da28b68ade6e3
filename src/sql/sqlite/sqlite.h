/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite as a driver of sql.h: one file in WAL mode, or, for tests, one in-memory database that all connections share
 * under a lock. With synchronous=FULL a commit that returned is on stable storage. After a failed flush the database is
 * only read until it is opened again (distrust.h). Only this folder names sqlite3.h. */
#ifndef CAIS_SQL_SQLITE_SQLITE_H
#define CAIS_SQL_SQLITE_SQLITE_H

#include "sql/sql.h"

/* Called once, on the thread that flushed, when a flush of the log or of the database fails: from then on nothing is
 * written. `e` says what to do, and lives until the call returns. */
struct flush_reporter {
    void (*report)(void *arg, err_t e); /* may be NULL */
    void *arg;
};

struct sqlite_options {
    const char *path; /* NULL: in memory; a connection then locks out all others while it has an open cursor or
                         transaction */
    slice image;      /* without a path: the database begins as a copy of these bytes, a file that sql_backup made */
    bool relaxed;     /* durability = relaxed: synchronous=NORMAL, a power failure may lose commits */
    bool read_only;   /* open an existing database and change nothing */
    bool immutable;   /* with read_only: the file has no log, and nobody changes it. For the copy of a damaged one */
    bool checks_log;  /* refuse a log that has lost commits with CORRUPT (log_check.h). Not for ordered commits */
    struct flush_reporter reporter;
    bool *ret_recovered; /* may be NULL. An earlier flush had failed, and what is good was moved to new blocks */
};
/* Errors: those of sql.h; NOT_FOUND when read_only and there is no file. */
MUST_USE err_t sqlite_open(const struct sqlite_options *options, struct arena *a, struct sql_db **ret_db);
/* Give a database that was opened with an image the content of an image of the same schema again. Its connections stay, with
 * what they have prepared, so this costs little more than to copy the bytes. No cursor and no transaction may be open. */
void sqlite_rewind(struct sql_db *, slice image);
/* The content of a database that was opened with an image, for sqlite_rewind of another. Borrowed until the database changes. No
 * transaction may be open. */
slice sqlite_content(struct sql_db *);

#endif
