/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the metadata store: its connections, its transactions, and the two threads that write the database. */
#ifndef CAIS_META_STORE_PRIV_H
#define CAIS_META_STORE_PRIV_H

#include "meta/meta.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- the history of the schema, generated from migrations/ ---- */

struct migration {
    int64_t version;
    const char *name;
    const char *sql[SQL_DIALECTS];
};
extern const struct migration migrations[]; /* by version, ascending */
extern const size_t migration_count;
/* A script that leaves in an empty database what all migrations leave. NULL: this database runs the migrations. */
extern const char *const newest_schema[SQL_DIALECTS];
/* The table that says which migrations ran. It is created before the first of them, by every database in these words. */
#define CREATE_SCHEMA_VERSION                                                                                          \
    "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, name TEXT NOT NULL)"

/* ---- transactions ---- */

struct usage;
struct meta_tx {
    struct meta_store *store;
    struct sql_conn *conn;
    struct usage *usage; /* what is still to be added to counters; NULL in a snapshot */
    bool is_write;
    bool has_written;      /* something was added, changed or removed */
    bool changed_existing; /* a record that existed before was changed or removed */
    struct meta_job_changes jobs;
};

/* A connection for snapshots. Between two snapshots it waits in the store's list. */
struct reader {
    struct meta_tx tx; /* first, so that a pointer to a snapshot is a pointer to its reader */
    struct reader *next;
};
MUST_USE err_t reader_acquire(struct meta_store *, struct arena *a, struct reader **ret_reader);
void reader_release(struct meta_store *, struct reader *);

/* ---- ids ---- */

/* A block of ids that the store has reserved in the database and not yet given to rows. */
enum id_kind { OBJECT_IDS, FILE_IDS, JOB_IDS, ID_KINDS };
struct id_block {
    int64_t next, end;
};
/* Must be called after each rollback: it may have undone the reservation of a block. */
void forget_ids(struct meta_store *);

/* ---- the store ---- */

struct committer;
struct checkpointer;

struct meta_store {
    struct sql_db *db;
    struct meta_options options;
    struct sql_conn *writer; /* used by the committer alone; NULL when read_only */
    atomic_ullong generation;
    void (*on_jobs)(void *arg, const struct meta_job_changes *); /* meta_on_jobs; may be NULL */
    void *on_jobs_arg;
    pthread_mutex_t watch_lock; /* held while the watch is called */
    struct write_watch watch;
    struct id_block ids[ID_KINDS];     /* used by the committer alone */
    struct committer *committer;       /* NULL when read_only */
    struct checkpointer *checkpointer; /* the same */
    pthread_mutex_t readers_lock;
    struct reader *readers; /* those that no snapshot uses now */
};

/* Starts the committer and the checkpointer. After an error, call committer_stop. */
MUST_USE err_t committer_start(struct meta_store *, struct arena *a);
/* Runs every write that was submitted, then stops both. Nothing happens when they were not started. */
void committer_stop(struct meta_store *);

MUST_USE err_t checkpointer_start(struct meta_store *, struct arena *a);
void checkpointer_stop(struct meta_store *);
/* Looks how large the write-ahead log is, and starts or makes the checkpoint that is due. The committer calls it
 * between two batches. */
void maintain_wal(struct checkpointer *);

#endif
