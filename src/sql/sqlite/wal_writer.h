/* SPDX-License-Identifier: Apache-2.0 */
/* For each page that it adds to its write-ahead log, SQLite makes two small writes: the header of a frame, then the
 * page. This VFS lies over the default one, joins writes of the log that follow one another, and passes them on when
 * the log is synced, read or truncated, or when enough of them have collected.
 *
 * It is right only with synchronous=FULL. Then each commit syncs the log before anything, in this process or another,
 * learns of the commit, so nothing looks in the file for what is still in this buffer. A crash loses only what was not
 * committed. An error of the joined write is returned by the sync, and the commit fails with it.
 *
 * The VFS also notices every sync that fails, of the log and of the database, at the moment when it fails. */
#ifndef CAIS_SQL_SQLITE_WAL_WRITER_H
#define CAIS_SQL_SQLITE_WAL_WRITER_H

#include <stdbool.h>

enum flushed_file { FLUSHED_LOG, FLUSHED_DATABASE };

struct flush_watch {
    /* Called on the thread that synced, each time a sync fails, before SQLite learns of it. system_errno: what the
     * system said; 0 when that is not known. It may call SQLite for no database. */
    void (*failed)(struct flush_watch *, enum flushed_file file, int system_errno);
};

/* A VFS for the writing connections of one database. joins: join writes of the log. `watch` is borrowed. */
struct wal_writer *wal_writer_new(bool joins, struct flush_watch *watch);
/* The name to open the database with. Thread: any. */
const char *wal_writer_vfs(const struct wal_writer *);
void wal_writer_free(struct wal_writer *); /* after its last connection was closed; NULL is fine */

#endif
