/* SPDX-License-Identifier: Apache-2.0 */
/* The open databases of a store.
 *
 *              pool_acquire             nobody uses it, and it is broken, too many are idle,
 *                                       or pool_lock_files wants the files
 *   (no file) ──────────────► OPENING ─► OPEN ──────────────────────────► CLOSING ─► not in the list
 *
 * A database is in the list while it is open or about to be, and in no other state does anybody touch its files. Opening and
 * closing take milliseconds and are done outside of the lock; others that want the same database wait. A database that had an error which
 * it may not recover from is closed as soon as nobody uses it, and opened again by the next caller: what is on the disk is true. */
#ifndef CAIS_DATASET_DUCKDB_POOL_H
#define CAIS_DATASET_DUCKDB_POOL_H

#include "dataset/duckdb/database.h"

enum database_state { DATABASE_OPENING, DATABASE_OPEN, DATABASE_CLOSING };

struct database {
    struct database *next;
    struct pool *pool;
    int64_t id;
    enum database_state state;
    duckdb_database handle;
    pthread_mutex_t files; /* held while a commit or a backup uses the files of the database */
    struct arena arena;    /* of the columns */
    /* The mutex of the pool guards all that follows. */
    int users, cursors;
    bool has_writer;   /* who set it may read `contents` without the lock, and alone may change it */
    bool is_extending; /* has_writer is set by somebody who adds columns, and will be gone in a moment */
    bool is_broken;
    uint64_t commits;                  /* odd while one changes what transactions see, but not yet `contents` */
    uint64_t used_at;                  /* the larger, the later */
    struct database_contents contents; /* what was committed */
};

struct pool {
    char *dir;
    int dir_fd;
    struct database_limits limits;
    int idle_max;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct database *databases;
    uint64_t uses;
};

/* dir: copied; dir_fd: taken. */
void pool_init(struct pool *, const char *dir, int dir_fd, const struct database_limits *, int idle_max);
void pool_release(struct pool *); /* nobody uses a database */

/* The path of a file of a database: suffix "", ".wal" … */
slice pool_path(const struct pool *, int64_t id, const char *suffix, struct arena *a);

/* Every acquire is followed by a release. Errors: NOT_FOUND there is no file; those of database_open and
 * database_read_contents; UNAVAILABLE others use it, and it is broken. */
MUST_USE err_t pool_acquire(struct pool *, int64_t id, struct arena *a, struct database **ret);
/* Waits while somebody adds columns, and takes the right to write. The caller holds the mutex, and gives the right back by
 * pool_let_write. Errors: CONFLICT rows are being added. */
MUST_USE err_t pool_take_write(struct database *, struct arena *a);
void pool_let_write(struct database *);
/* Closes databases that have been idle for longest, and this one if it is broken. e: the error of the caller's work, or NULL. */
void pool_release_database(struct database *, err_t e);
/* Wait until nobody uses or opens the files of the database, and keep it so until pool_unlock_files: for making, removing and replacing
 * them. *ret_exists: there is a file. Errors: CONFLICT there is a writer or a cursor. */
MUST_USE err_t pool_lock_files(struct pool *, int64_t id, struct arena *a, struct database **ret, bool *ret_exists);
void pool_unlock_files(struct database *);
/* The error of work with the database, with the path of its file; NULL for success. */
err_t pool_named(const struct database *, struct arena *a, err_t e);

#endif
