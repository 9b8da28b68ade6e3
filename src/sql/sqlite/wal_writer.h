/* SPDX-License-Identifier: Apache-2.0 */
/* For each page that it adds to its write-ahead log, SQLite makes two small writes: the header of a frame, then the
 * page. This VFS lies over the default one, joins writes of the log that follow one another, and passes them on when
 * the log is synced, read or truncated, or when enough of them have collected.
 *
 * It is right only with synchronous=FULL. Then each commit syncs the log before anything, in this process or another,
 * learns of the commit, so nothing looks in the file for what is still in this buffer. A crash loses only what was not
 * committed. An error of the joined write is returned by the sync, and the commit fails with it. */
#ifndef CAIS_SQL_SQLITE_WAL_WRITER_H
#define CAIS_SQL_SQLITE_WAL_WRITER_H

/* The name of the VFS to open databases with. The first call registers it. Thread: any. */
const char *wal_writer_vfs(void);

#endif
