/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite writes its log as two small pieces for each page: the header of a frame, then the page. This is a way to the
 * disk (a VFS over the default one) that puts pieces which follow one another together, and writes them when the log is
 * synced, read or cut, or when they are many.
 *
 * Only for synchronous=FULL: there each commit syncs the log before anybody is told of it, in this process or another,
 * so nobody looks for what is still in memory here. What a crash takes is what was not committed. An error of the write
 * is told by the sync, and the commit fails with it. */
#ifndef CAIS_SQL_SQLITE_LOG_WRITER_H
#define CAIS_SQL_SQLITE_LOG_WRITER_H

/* The name to open databases with. Registers it the first time. Thread: any. */
const char *log_writer_vfs(void);

#endif
