/* SPDX-License-Identifier: Apache-2.0 */
/* For each page that it adds to its write-ahead log, SQLite makes two small writes: the header of a frame, then the
 * page. This VFS lies over the default one, joins writes of the log that follow one another, and passes them on when
 * the log is synced, read or truncated, or when enough of them have collected.
 *
 * It is right only with synchronous=FULL. Then each commit syncs the log before anything, in this process or another,
 * learns of the commit, so nothing looks in the file for what is still in this buffer. A crash loses only what was not
 * committed. An error of the joined write is returned by the sync, and the commit fails with it. All of this also holds for a
 * sync that is skipped on command: it passes the buffer on, and leaves out only the system call that waits for the disk.
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
    /* Called each time a connection has opened the file; SQLite makes a new log when its last connection was closed. */
    void (*opened)(struct flush_watch *, enum flushed_file file);
};

/* A VFS for the writing connections of one database. joins: join writes of the log. `watch` is borrowed. */
struct wal_writer *wal_writer_new(bool joins, struct flush_watch *watch);
/* The name to open the database with. Thread: any. */
const char *wal_writer_vfs(const struct wal_writer *);
/* While `skips`, syncs of this log, which a connection has open, pass on what was written, and wait for no disk; except for the sync
 * of a new header, without which old frames behind new ones could count again. A log that is not joined, or NULL, is synced as
 * ever. On the thread of the connection. */
struct sqlite3_file;
void wal_writer_skip_syncs(struct sqlite3_file *log, bool skips);
void wal_writer_free(struct wal_writer *); /* after its last connection was closed; NULL is fine */

#endif
