/* SPDX-License-Identifier: Apache-2.0 */
/* Did the write-ahead log lose commits that were acknowledged?
 *
 * SQLite takes the log up to the first frame whose checksum is wrong, and overwrites the rest with the next commit. That is right for the
 * end of the last transaction, which a power failure may tear: it was not flushed, so nobody was told of it. A damaged frame in the
 * middle looks the same to SQLite, and everything behind it is gone without a word.
 *
 * Each commit is flushed before the next one begins. So frames of two commits behind the first bad frame prove that the first of
 * them was flushed and is damaged. A frame counts only with the salts of the header, because frames of an earlier round of the log
 * have others; and both commits must follow each other by their checksums, because frames of a transaction that was torn or rolled back
 * before may stand behind the end, too. The index of the log (-shm) is a second witness: it names a commit only after its flush. It
 * survives the end of a process, and proves the loss of the last commit and of the whole log.
 *
 * All of this holds only when each commit is flushed: not with durability = relaxed, nor with ordered commits. */
#ifndef CAIS_SQL_SQLITE_LOG_CHECK_H
#define CAIS_SQL_SQLITE_LOG_CHECK_H

#include "base/err.h"

struct log_state {
    bool is_damaged;        /* commits that were flushed cannot be read by SQLite */
    int64_t good_bytes;     /* of the log: up to the end of the last commit that SQLite reads; 0: it reads none */
    int64_t commits_behind; /* how many are known to be lost; 0 when only the index knows of them */
};

/* Looks at the log of the database at `path`. Changes nothing. No connection may be open: closing a file ends its locks.
 * Errors: CORRUPT the log is no file; UNAVAILABLE it cannot be read. */
MUST_USE err_t log_check(const char *path, struct arena *a, struct log_state *ret);
/* The refusal of a damaged log. */
err_t log_refusal(const char *path, const struct log_state *, struct arena *a);

/* For salvage: makes `to` a copy of the database at `path` with its log applied, which needs no log. Of a damaged log, each frame that
 * is whole is applied up to the last commit, also behind the damage; of another one, what SQLite would apply. Pages that cannot be
 * read are zeros; of a database that is missing, or no file, what the log holds is copied. The folder of `to` is ours alone.
 * ret_unread: how many pages could not be read.
 * Errors: CONFLICT `to` exists; NOT_FOUND there is no database, and no commit in its log; CORRUPT one of them is no file; NO_SPACE;
 * UNAVAILABLE. */
MUST_USE err_t log_apply_to_copy(const char *path, const char *to, struct arena *a, int64_t *ret_unread);

/* A person gives up what is behind the damage: the log is copied to cais.db-wal-damaged (or with a number, if there is one), and then ends
 * where SQLite's reading of it ends; both durably. A log that is not damaged stays as it is. No connection may be open.
 * ret_kept: the name of the copy; NULL: nothing was damaged. Errors: NO_SPACE, UNAVAILABLE: then the log is as it was. */
MUST_USE err_t log_give_up(const char *path, struct arena *a, const char **ret_kept);
/* Is there the copy of a log that was given up? */
bool log_was_given_up(const char *path);

#endif
