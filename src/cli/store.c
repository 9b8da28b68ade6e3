/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/store.h"

#include "blob/disk/disk.h"
#include "core/access/access.h"
#include "core/care/data_dir.h"
#include "core/care/master_key.h"
#include "core/store/blob_store.h"
#include "core/transfer/transfer.h"
#include "dataset/duckdb/duckdb_store.h"
#include "meta/meta.h"
#include "sql/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { LOCK_TRIES = 40, LOCK_PAUSE_NS = 50 * 1000 * 1000 }; /* two seconds together */

static const char *path_in(struct arena *a, slice dir, const char *name)
{
    return arena_printf(a, SLICE_FMT "/%s", SLICE_ARG(dir), name).p;
}

static err_t cannot_write(struct arena *a, slice dir, int errnum)
{
    char text[128];
    const char *why = strerror_r(errnum, text, sizeof text);
    enum err_code code = errnum == ENOSPC || errnum == EDQUOT ? ERR_NO_SPACE : ERR_FORBIDDEN;
    return err_make(a, code, "the data directory " SLICE_FMT " cannot be written: %s", SLICE_ARG(dir), why);
}

/* Syncs the directory `path` into its parent. One that was there before needs it, too: the start that made it may have
 * been killed before it did this. But there its parent may be one that we must not open, or that cannot be synced. */
static bool sync_into_parent(const char *path, bool was_there, struct arena *a)
{
    char *parent = arena_cstr(a, slice_of(path));
    char *slash = strrchr(parent, '/');
    const char *up = !slash ? "." : slash == parent ? "/" : (*slash = '\0', parent);
    SCOPED(fd_closep) int fd = open(up, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return was_there && errno == EACCES;
    return fsync(fd) == 0 || (was_there && (errno == EINVAL || errno == EROFS));
}

static bool is_ours(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_uid == geteuid();
}

/* Make every missing directory of the path, and sync each that we may have made into its parent. */
static err_t make_directories(slice dir, struct arena *a)
{
    char *path = arena_cstr(a, dir);
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char kept = *at;
        *at = '\0';
        bool made = mkdir(path, 0700) == 0;
        if (!made && errno != EEXIST)
            return cannot_write(a, dir, errno);
        if ((made || is_ours(path)) && !sync_into_parent(path, !made, a))
            return cannot_write(a, dir, errno);
        *at = kept;
        if (!kept)
            return NULL;
    }
}

/* A process that was killed keeps its lock until the kernel has ended it. A server that is started right after the kill
 * must not fail because of that, so a lock that is held is tried again for two seconds. */
static bool lock_with_retries(int fd)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        struct flock all = { .l_type = F_WRLCK };
        if (fcntl(fd, F_OFD_SETLK, &all) == 0)
            return true;
        if (errno != EAGAIN && errno != EACCES)
            return false;
        struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS }; /* fcntl cannot wait for a lock with a time limit */
        nanosleep(&pause, NULL);
    }
    return false;
}

static err_t lock_data_dir(struct store *s, slice dir, struct arena *a)
{
    SCOPED(fd_closep) int fd = open(path_in(a, dir, DATA_DIR_LOCK), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return cannot_write(a, dir, errno);
    if (!lock_with_retries(fd))
        return err_make(a, ERR_CONFLICT, "the data directory " SLICE_FMT " is used by another cais process",
                        SLICE_ARG(dir));
    s->lock_fd = TAKE_FD(fd);
    return NULL;
}

bool store_is_in_use(slice data_dir)
{
    SCRATCH(a);
    SCOPED(fd_closep) int fd = open(path_in(&a, data_dir, DATA_DIR_LOCK), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    /* F_OFD_GETLK asks without locking, so this question cannot keep a server from starting. */
    struct flock all = { .l_type = F_WRLCK };
    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &all) == 0 && all.l_type != F_UNLCK;
}

static void report_store_error(void *arg, err_t e)
{
    struct log *log = arg;
    if (log)
        log_error(log, "work of the metadata store failed", e);
}

static void report_failed_flush(void *arg, err_t e)
{
    struct log *log = arg;
    if (log)
        log_error(log, "a flush failed", e);
}

/* The line has both versions, because a person reads it to decide whether an older program can still be used. */
static void report_migration(struct log *log, const struct meta_migration *m, slice path)
{
    if (!log || m->from == 0 || m->from == m->to)
        return;
    SCRATCH(a);
    slice text =
        arena_printf(&a, "migrated the database from version %lld to %lld", (long long)m->from, (long long)m->to);
    log_line(log, LOG_INFO, text.p, LOG_S("database", path), LOG_I("from", m->from), LOG_I("to", m->to));
}

static err_t open_meta(slice dir, bool relaxed, const struct meta_options *options, struct arena *a,
                       struct meta_store **ret)
{
    struct log *log = options->report_error_arg;
    bool recovered = false;
    struct sqlite_options sqlite = { .path = path_in(a, dir, DATA_DIR_DATABASE),
                                     .relaxed = relaxed,
                                     .read_only = options->read_only,
                                     .reporter = { report_failed_flush, log },
                                     .ret_recovered = &recovered };
    struct sql_db *db;
    TRY(sqlite_open(&sqlite, a, &db));
    if (recovered && log)
        log_line(log, LOG_INFO, "what a failed flush left is on new blocks", LOG_S("database", slice_of(sqlite.path)));
    struct meta_migration migration = { 0 };
    struct meta_options with_migration = *options;
    with_migration.ret_migration = &migration;
    TRY(meta_open(db, &with_migration, a, ret));
    report_migration(log, &migration, slice_of(sqlite.path));
    return NULL;
}

static err_t records_are_lost(struct arena *a, slice dir, err_t cause)
{
    return err_because(a, cause, ERR_CORRUPT,
                       "the data directory " SLICE_FMT " holds files, but its database " DATA_DIR_DATABASE
                       " is missing or empty. A new database would make every file unreachable, so nothing was changed."
                       " Put the database back, or restore a backup into another directory ('cais restore'); to begin"
                       " anew, move " DATA_DIR_BLOBS " and " DATA_DIR_MASTER_KEY " away",
                       SLICE_ARG(dir));
}

/* The database is made when there is none, unless blobs or a master key show that there was one. It is made before the
 * master key: if a first start is killed in between, the next start treats the directory as new. */
static err_t open_or_make_meta(struct store *s, slice dir, struct arena *a)
{
    bool holds_data;
    TRY(data_dir_holds_data(arena_cstr(a, dir), a, &holds_data));
    struct stat st;
    if (holds_data && (stat(path_in(a, dir, DATA_DIR_DATABASE), &st) != 0 || st.st_size == 0))
        return records_are_lost(a, dir, NULL);
    struct meta_options options = { .must_have_records = holds_data,
                                    .report_error = report_store_error,
                                    .report_error_arg = s->log };
    err_t e = open_meta(dir, s->relaxed, &options, a, &s->meta);
    return err_is(e, ERR_EMPTY) ? records_are_lost(a, dir, e) : e;
}

static err_t open_seal(struct store *s, slice dir, struct random *random, struct arena *a)
{
    unsigned char key[SEAL_KEY_SIZE];
    TRY(master_key_ensure(arena_cstr(a, dir), random, a, key));
    s->seal = seal_new(key, random);
    explicit_bzero(key, sizeof key);
    return NULL;
}

/* After a restore without the master key, or with another one, everything works but the signatures of those keys, so
 * the server starts and reports them. Only the newest 100 are looked at, so that the start does not take longer with
 * every key. */
static err_t report_lost_keys(struct store *s, struct arena *a)
{
    int64_t lost;
    TRY(key_count_lost(&s->core, 100, a, &lost));
    if (!lost)
        return NULL;
    err_t what =
        err_make(a, ERR_CORRUPT,
                 "signing keys cannot be used, %lld of them: they were sealed under another master key. Put back the"
                 " " DATA_DIR_MASTER_KEY " that belongs to them, or revoke them ('cais fsck' names them)",
                 (long long)lost);
    log_error(s->log, "signing keys are lost", what);
    return NULL;
}

/* A program that was built without has none. */
static err_t open_datasets(const struct config *c, slice dir, struct clock *clock, struct arena *a,
                           struct dataset_store **ret)
{
    struct dataset_duckdb_options options = { .memory_bytes = (size_t)c->datasets.memory_bytes,
                                              .temp_bytes = (size_t)c->datasets.temporary_bytes,
                                              .open_max = (int)c->datasets.open };
    err_t e = dataset_duckdb_open(path_in(a, dir, DATA_DIR_DATASETS), &options, clock, a, ret);
    return err_is(e, ERR_UNSUPPORTED) ? NULL : e;
}

err_t store_open(struct store *s, const struct config *c, struct clock *clock, struct random *random, struct log *log,
                 struct arena *a)
{
    *s = (struct store){ .lock_fd = -1, .log = log };
    slice dir = c->server.data;
    s->relaxed = c->storage.durability == CONFIG_DURABILITY_RELAXED;
    TRY(make_directories(dir, a));
    TRY(data_dir_check_private(arena_cstr(a, dir), geteuid(), a));
    TRY(lock_data_dir(s, dir, a));
    if (access(arena_cstr(a, dir), W_OK) != 0)
        return cannot_write(a, dir, errno);
    err_t e = blob_disk_flush_time(arena_cstr(a, dir), a, &s->flush_us);
    if (e)
        return err_because(a, e, e->code, "the data directory " SLICE_FMT " is on a disk that takes no bytes",
                           SLICE_ARG(dir));
    TRY(open_or_make_meta(s, dir, a));
    TRY(open_seal(s, dir, random, a));
    TRY(blob_disk_open(path_in(a, dir, DATA_DIR_BLOBS), s->relaxed, a, &s->blob));
    TRY(open_datasets(c, dir, clock, a, &s->datasets));
    struct core_options options = { .inline_max_bytes = (uint64_t)c->storage.inline_max_bytes,
                                    .reserve_bytes = (uint64_t)c->storage.reserve_free_space_bytes,
                                    .purge_grace_ms = c->files.purge_grace_ms,
                                    .account_max_bytes = c->accounts.max_bytes,
                                    .account_max_files = c->accounts.max_files,
                                    .account_max_buckets = c->accounts.max_buckets,
                                    .account_max_uploads = c->accounts.max_uploads,
                                    .account_max_pending = c->accounts.max_pending,
                                    .user_max_keys = c->accounts.max_keys,
                                    .unverified_max_bytes = (uint64_t)c->storage.unverified_bytes,
                                    .finished_jobs_kept_ms = c->jobs.keep_finished_ms,
                                    .events_kept_ms = c->audit.keep_ms,
                                    .logins = { .window_ms = c->logins.window_ms,
                                                .failures = c->logins.failures,
                                                .failures_per_user = c->logins.failures_per_user,
                                                .failures_per_address = c->logins.failures_per_address,
                                                .per_user = c->logins.per_user },
                                    .sessions = { .lifetime_ms = c->sessions.lifetime_ms,
                                                  .idle_ms = c->sessions.idle_ms,
                                                  .per_user = c->sessions.per_user },
                                    .file_cache_bytes = (uint64_t)c->storage.cache_bytes };
    core_init(&s->core, &(struct core_params){ .meta = s->meta,
                                               .blob = s->blob,
                                               .datasets = s->datasets,
                                               .clock = clock,
                                               .random = random,
                                               .seal = s->seal,
                                               .options = options });
    TRY(access_bootstrap(&s->core, a));
    TRY(transfer_release_all(&s->core, a)); /* nobody else has the lock */
    return log ? report_lost_keys(s, a) : NULL;
}

void store_close(struct store *s)
{
    if (s->core.meta)
        core_release(&s->core);
    meta_close(s->meta);
    if (s->blob)
        s->blob->ops->close_store(s->blob);
    if (s->datasets)
        s->datasets->ops->close_store(s->datasets);
    seal_free(s->seal);
    fd_closep(&s->lock_fd);
    *s = (struct store){ .lock_fd = -1 };
}

static err_t open_for_backup(void *arg, const char *data_dir, bool read_only, struct arena *a,
                             struct meta_store **ret_meta, struct blob_store **ret_blob)
{
    const struct config *c = arg;
    bool relaxed = c->storage.durability == CONFIG_DURABILITY_RELAXED;
    struct blob_store *blob = NULL;
    if (ret_blob)
        TRY(blob_disk_open(path_in(a, slice_of(data_dir), DATA_DIR_BLOBS), relaxed, a, &blob));
    struct meta_options meta = { .read_only = read_only, .report_error = report_store_error };
    err_t e = ret_meta ? open_meta(slice_of(data_dir), relaxed, &meta, a, ret_meta) : NULL;
    if (e && blob)
        blob->ops->close_store(blob);
    else if (blob)
        *ret_blob = blob;
    return e;
}

static err_t open_datasets_for_backup(void *arg, const char *data_dir, struct arena *a, struct dataset_store **ret)
{
    return open_datasets(arg, slice_of(data_dir), clock_system(), a, ret);
}

struct store_opener store_opener(const struct config *config)
{
    return (struct store_opener){ .open = open_for_backup,
                                  .open_datasets = open_datasets_for_backup,
                                  .arg = (void *)(uintptr_t)config };
}
