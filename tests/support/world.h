/* SPDX-License-Identifier: Apache-2.0 */
/* The whole core for a test: stores in memory, a clock that only the test moves, a seeded random source, no threads. A
 * write is committed before its call returns. All stores are wrapped so that the nth store call fails on demand
 * (w->faults).
 *
 *   WORLD(w);
 *   world_user(w, S("alice"));
 *   struct file f = world_store(w, S("alice"), S("a.pdf"), S("hello"), minutes(10));
 *   world_wait(w, minutes(10));
 *   world_run_jobs(w);
 *   EXPECT_EQ(world_blob_count(w), 0);
 */
#ifndef CAIS_TESTS_WORLD_H
#define CAIS_TESTS_WORLD_H

#include "base/fault.h"
#include "base/seal.h"
#include "core/access/access.h"
#include "core/care/fsck.h"
#include "core/file/file.h"
#include "core/object/intake.h"
#include "core/store/blob_store.h"
#include "core/store/transaction.h"
#include "jobs/jobs.h"

#define WORLD_START_MS 1795269849000 /* 2026-11-21T14:04:09Z */
#define WORLD_INLINE_MAX 16384
#define WORLD_GRACE_MS minutes(60)
#define WORLD_JOBS_KEPT_MS hours(24)
#define WORLD_CACHE_BYTES (1 << 20)
#define WORLD_ARENA_MAX ((size_t)4 << 30) /* of what a test asks for */

struct world {
    struct arena arena, *a; /* for what a test asks for */
    struct clock_manual clock;
    struct random_seeded random;
    struct seal *seal;
    struct fault_plan faults;
    struct sql_db *db;       /* of the metadata store */
    struct world_kept *kept; /* may be NULL */
    struct core core;
    struct jobs *jobs;
    struct principal operator_;
};

/* A database that worlds use one after the other, each beginning as a copy of the same world. A world takes a few milliseconds to
 * make, nearly all of it for the schema and the statements, so a fuzz target keeps them. Everything else belongs to one world: its
 * clock, its random numbers, its blobs and its caches. Zeroed but for the image. */
struct world_kept {
    slice image; /* of world_image */
    struct sql_db *db;
    struct meta_store *meta; /* NULL: none yet, or a world uses it */
    int worlds;              /* that used the database */
};
#define WORLDS_MAX 400 /* then the database is made anew, so that nothing is carried over without end */
void world_kept_release(struct world_kept *); /* also frees the image */

struct world_options {
    uint64_t blob_capacity; /* 0: no limit */
    uint64_t reserve_bytes;
    uint64_t unverified_bytes; /* core/unverified.h; 0: the default */
    bool threaded;             /* a committer thread, as in the product */
    struct world_kept *kept;   /* begin as a copy of that world; one world at a time, not threaded */
    const char *database;      /* a file, so that readers do not wait for the writer; NULL: in memory */
    const char *records;       /* the directory of the record store; NULL: in memory, as for the next one */
    const char *blobs;         /* of the blob store */
};

struct world *world_new(void);
/* The database of a world, for world_kept. Objects above WORLD_INLINE_MAX bytes are not in it. The caller frees the bytes. */
slice world_image(struct world *w);
struct world *world_new_with(const struct world_options *);
void world_free(struct world *);
static inline void world_freep(struct world **w)
{
    world_free(*w);
}
#define WORLD(name)                                                                                                    \
    SCOPED(world_freep)                                                                                                \
    struct world *name = world_new()

static inline int64_t seconds(int64_t n)
{
    return n * 1000;
}
static inline int64_t minutes(int64_t n)
{
    return n * 60 * 1000;
}
static inline int64_t hours(int64_t n)
{
    return n * 3600 * 1000;
}

/* A new user of the account "default". The slices of the principal live in w->a. Like all calls below, it fails the test on
 * any error. */
struct principal world_user(struct world *w, slice login);
struct principal world_admin(struct world *w, slice login);
struct principal world_principal(struct world *w, slice login); /* of an existing user */
slice world_key(struct world *w, slice login, slice purpose);   /* the secret of a new key */

/* The request of an API for a file of that user that is kept, without limits. */
struct intake_request world_request(const struct principal *who, slice name);
/* Open an intake, write the bytes in pieces of 1000, finish, and wait. Returns the error, made in w->a. */
err_t world_put(struct world *w, const struct intake_request *, slice bytes, struct file *ret);
/* A stored file. purge_after_ms 0: it is kept. */
struct file world_store(struct world *w, const struct principal *who, slice name, slice bytes, int64_t purge_after_ms);
void world_attach(struct world *w, int64_t task_id,
                  const struct file *);       /* to the task itself, which then holds the file */
slice world_bytes(struct world *w, size_t n); /* n random bytes */
/* The bytes of a file, or the error of opening or reading it. */
err_t world_read(struct world *w, const struct principal *who, const struct file *, slice *ret);

void world_wait(struct world *w, int64_t ms); /* moves the clock */
void world_run_jobs(struct world *w);         /* that are due */

int64_t world_blob_count(struct world *w);
slice world_only_blob(struct world *w); /* the key of the only blob in the store */
int64_t world_file_count(struct world *w);
int64_t world_event_count(struct world *w, slice action);
struct account world_account(struct world *w); /* the account "default" as it is now */
/* Limits the account "default" to `bytes` more than it uses now, records included, and to `files`; 0: any number. */
void world_set_room(struct world *w, int64_t bytes, int64_t files);
/* The number of errors and warnings that a full fsck finds; with_notes: and of notes. */
int64_t world_fsck(struct world *w, bool with_notes);
/* One write in the metadata store, without the checks of core. */
void world_write(struct world *w, meta_apply_fn *apply, void *arg);
/* A snapshot of the metadata store. */
struct meta_tx *world_tx(struct world *w);

#endif
