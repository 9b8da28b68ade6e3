/* SPDX-License-Identifier: Apache-2.0 */
/* The open sets of a store.
 *
 *            set_acquire          nobody uses it, and too many are idle, a flush failed,
 *                                 or set_lock_files wants the files
 *   (closed) ───────────► busy ─► open ─────────────────────────────────► busy ─► (closed)
 *
 * While a set is busy, one thread works with its files, outside of the lock, and others wait. In memory a set is open from define to
 * remove. */
#ifndef CAIS_RECORD_SETS_H
#define CAIS_RECORD_SETS_H

#include "sql/sql.h"
#include "sql/sqlite/sqlite.h"

struct record_set {
    struct record_set *next;
    struct set_pool *pool;
    int64_t id;
    slice prefix;         /* of ids; set while it is open */
    char prefix_bytes[8]; /* where it stands */
    struct sql_db *db;
    struct sql_conn *writer;
    bool has_committed; /* a batch since it was opened; for the one who writes, as the next */
    int64_t log_limit;  /* a longer log is copied into the file */
    /* The mutex of the pool guards all that follows. */
    struct sql_conn *reader; /* that nobody uses; may be NULL */
    bool is_busy, has_writer;
    int users;        /* the writer, too */
    uint64_t used_at; /* the larger, the later */
};

struct set_pool {
    char *dir; /* NULL: in memory */
    int dir_fd;
    int idle_max;
    int64_t log_bytes; /* that are added to a log before it is copied into the file */
    struct flush_reporter reporter;
    struct sql_db *(*wrap)(void *arg, struct sql_db *); /* each database of a set that is opened; NULL: nothing */
    void *wrap_arg;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct record_set *sets;
    uint64_t uses;
};

void set_pool_init(struct set_pool *, const char *dir, int dir_fd, int idle_max,
                   struct flush_reporter); /* dir: copied; dir_fd: taken */
void set_pool_release(struct set_pool *);  /* nobody uses a set */

/* The path of a file: suffix ".db", ".new" … */
const char *set_path(const struct set_pool *, int64_t id, const char *suffix, struct arena *a);
/* The error of work with the set, with the path of its file; NULL for success. It lives in `a`, wherever e does. */
err_t set_named(const struct record_set *, struct arena *a, err_t e);

/* Every acquire is followed by a release. Errors: NOT_FOUND there is no set; those of opening it. */
MUST_USE err_t set_acquire(struct set_pool *, int64_t id, struct arena *a, struct record_set **ret);
void set_release(struct record_set *);
/* The same, for the one who writes. Errors: also CONFLICT. */
MUST_USE err_t set_acquire_to_write(struct set_pool *, int64_t id, struct arena *a, struct record_set **ret);
void set_release_writer(struct record_set *);
/* A connection to read with, for one thread. */
MUST_USE err_t set_take_reader(struct record_set *, struct arena *a, struct sql_conn **ret);
void set_give_reader(struct record_set *, struct sql_conn *);

/* Waits until nobody uses the set, closes it (not in memory), and keeps it so until set_unlock_files: for making, removing and replacing its files.
 * *ret_exists: there is a set. Errors: CONFLICT it has a writer. */
MUST_USE err_t set_lock_files(struct set_pool *, int64_t id, struct arena *a, struct record_set **ret,
                              bool *ret_exists);
void set_unlock_files(struct record_set *);
/* In memory: the set, whose files are locked, has this database from now on, which is taken. */
MUST_USE err_t set_keep(struct record_set *, struct sql_db *, struct arena *a);
/* And has none any more. */
void set_forget(struct record_set *);

#endif
