/* SPDX-License-Identifier: Apache-2.0 */
/* What was not flushed is not trusted.
 *
 * After a failed flush Linux counts the pages as written. When they are written again, a flush may succeed without them:
 * on ext4 with its defaults a block that was allocated for the failed write keeps the mark "never written", and reads as
 * zeros after a restart of the machine. Only the kernel's memory has this fault, so it lasts until the file system is
 * mounted again, also over a restart of the server. Therefore the file gets a mark at the moment of the failure, and the
 * next open of the database for writing moves what is good to new blocks before anything is written.
 *
 * The mark of FILE is a second name of it (a hard link), FILE-distrusted: making it needs no space and no new file. It is
 * not flushed, because with the kernel's memory the reason for it is gone, too. A kill during the flush that fails leaves no
 * mark: ARCHITECTURE.md, "Known limits", says why none is made before each flush. */
#ifndef CAIS_SQL_SQLITE_DISTRUST_H
#define CAIS_SQL_SQLITE_DISTRUST_H

#include "base/err.h"

/* Marks a file whose flush failed. Returns 0, or an errno when it cannot be marked. Thread: any. */
int distrust_mark(const char *file);
bool distrust_is_marked(const char *file);
/* Was the replacement of the database interrupted after its copy was whole? */
bool distrust_is_copied(const char *path);

/* When the database at `path` is marked, replaces it by a copy on new blocks, and removes its log, whose contents are in
 * the copy. Continues a replacement that was interrupted at any point. No connection may be open.
 * *ret_replaced   whether that was done; then a mark of the log is gone, too
 * Errors          NO_SPACE for the copy; CORRUPT when the copy does not pass SQLite's check, or when the one of an
 *                 interrupted replacement is damaged and the log is gone; UNAVAILABLE. Then the database and its log are as
 *                 they were. */
MUST_USE err_t distrust_replace_database(const char *path, struct arena *a, bool *ret_replaced);

/* When the log is marked, replaces it by a copy on new blocks. Only then may anything of it be copied into the database: a power
 * failure could leave the database with the pages of a commit whose frames in the log are lost. No connection may be open.
 * *ret_replaced   whether that was done
 * Errors          NO_SPACE for the copy; UNAVAILABLE. Then the log is as it was. */
MUST_USE err_t distrust_replace_log(const char *log, struct arena *a, bool *ret_replaced);

#endif
