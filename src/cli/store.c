/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/store.h"

#include "base/live.h"
#include "blob/disk/disk.h"
#include "cli/terminal.h"
#include "core/access/access.h"
#include "core/care/ballast.h"
#include "core/care/data_dir.h"
#include "core/care/master_key.h"
#include "core/care/named_blobs.h"
#include "core/free_space.h"
#include "core/store/blob_store.h"
#include "core/transfer/transfer.h"
#include "dataset/duckdb/duckdb_store.h"
#include "meta/meta.h"
#include "record/record.h"
#include "sql/sqlite/log_check.h"
#include "sql/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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

static bool lock_file(int fd)
{
    struct flock all = { .l_type = F_WRLCK };
    return fcntl(fd, F_OFD_SETLK, &all) == 0;
}

/* The folder is locked as well, because somebody may remove the file `lock` while a server runs. Where a folder cannot be locked, the
 * file must be enough. */
static bool lock_folder(int fd)
{
    return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

/* A process that was killed keeps its lock until the kernel has ended it. A server that is started right after the kill
 * must not fail because of that, so a lock that is held is tried again for two seconds. */
static bool lock_with_retries(int fd, bool (*lock_it)(int fd))
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (lock_it(fd))
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
    const char *path = path_in(a, dir, DATA_DIR_LOCK);
    struct stat st;
    SCOPED(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &st) != 0)
        return cannot_write(a, dir, errno);
    if (!S_ISREG(st.st_mode))
        return err_make(a, ERR_FORBIDDEN, "%s is no file. Remove it", path);
    SCOPED(fd_closep) int folder = open(arena_cstr(a, dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!lock_with_retries(fd, lock_file) || !lock_with_retries(folder, lock_folder))
        return err_make(a, ERR_CONFLICT, "the data directory " SLICE_FMT " is used by another cais process",
                        SLICE_ARG(dir));
    s->lock_fd = TAKE_FD(fd);
    s->dir_lock_fd = TAKE_FD(folder);
    return NULL;
}

bool store_is_in_use(slice data_dir)
{
    SCRATCH(a);
    const char *path = path_in(&a, data_dir, DATA_DIR_LOCK);
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    /* F_OFD_GETLK asks without locking, so this question cannot keep a server from starting. */
    struct flock all = { .l_type = F_WRLCK };
    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &all) == 0 && all.l_type != F_UNLCK;
}

static slice absolute_path(slice path, struct arena *a)
{
    if (slice_starts(path, S("/")))
        return path;
    char *folder = getcwd(NULL, 0);
    while (slice_starts(path, S("./")))
        path = slice_from(path, 2);
    slice absolute = folder ? arena_printf(a, "%s/" SLICE_FMT, folder, SLICE_ARG(path)) : path;
    free(folder);
    return absolute;
}

err_t store_check_exists(slice dir, struct arena *a)
{
    struct stat st;
    bool holds_data;
    if (stat(path_in(a, dir, DATA_DIR_DATABASE), &st) == 0 ? st.st_size > 0 : errno != ENOENT && errno != ENOTDIR)
        return NULL;
    if (store_is_in_use(dir))
        return err_make(a, ERR_CONFLICT, "the data directory " SLICE_FMT " is being made by another cais process",
                        SLICE_ARG(dir));
    TRY(data_dir_holds_data(arena_cstr(a, dir), a, &holds_data));
    if (holds_data)
        return NULL;
    return err_make(a, ERR_NOT_FOUND,
                    SLICE_FMT
                    " is no data directory of cais: it has no " DATA_DIR_DATABASE
                    ". Name the one of your server with --data or --config; 'cais serve' and 'cais init' make a"
                    " new one",
                    SLICE_ARG(terminal_safe(a, absolute_path(dir, a))));
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

/* Called while a change is reported: a log with a queue does not block. */
static void report_writes(void *arg, enum core_store which, err_t e)
{
    struct store *s = arg;
    static const char *const names[] = { [CORE_METADATA] = "metadata", [CORE_BLOBS] = "blobs" };
    if (err_is(e, ERR_NO_SPACE) && ballast_drop(s->data_dir)) {
        __atomic_store_n(&s->has_ballast, false, __ATOMIC_SEQ_CST);
        if (s->log)
            log_line(s->log, LOG_WARNING, "the disk is full: the ballast was given up so that files can be deleted",
                     LOG_S("data", slice_of(s->data_dir)));
    }
    if (!s->log)
        return;
    if (e)
        log_error(s->log, which == CORE_METADATA ? "writes of records fail" : "writes of blobs fail", e);
    else
        log_line(s->log, LOG_INFO, "writes succeed again", LOG_S("store", slice_of(names[which])));
}

static void report_space(void *arg, uint64_t free_bytes, bool is_full)
{
    struct store *s = arg;
    uint64_t reserve_bytes = LIVE(s->core.options.reserve_bytes);
    if (!__atomic_load_n(&s->has_ballast, __ATOMIC_SEQ_CST) && ballast_make(s->data_dir, free_bytes, reserve_bytes))
        __atomic_store_n(&s->has_ballast, true, __ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&s->is_full, is_full, __ATOMIC_SEQ_CST) == is_full || !s->log)
        return;
    log_line(s->log, is_full ? LOG_ERROR : LOG_INFO,
             is_full ? "the disk is full: uploads are refused" : "the disk has space again",
             LOG_I("free_bytes", (int64_t)free_bytes), LOG_I("reserve_bytes", (int64_t)reserve_bytes));
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

/* A damaged log says itself what to do. */
err_t store_advise_salvage(slice dir, err_t e, struct arena *a)
{
    const char *path = path_in(a, dir, DATA_DIR_DATABASE);
    struct log_state log;
    if (!err_is(e, ERR_CORRUPT) || (!log_check(path, a, &log) && log.is_damaged))
        return e;
    return err_because(a, e, ERR_CORRUPT,
                       "the database %s is damaged, and cannot be used. 'cais salvage' gets out what can be read; or"
                       " restore a backup",
                       path);
}

static err_t open_meta(slice dir, bool relaxed, const struct meta_options *options, struct arena *a,
                       struct meta_store **ret)
{
    struct log *log = options->report_error_arg;
    bool recovered = false;
    struct sqlite_options sqlite = { .path = path_in(a, dir, DATA_DIR_DATABASE),
                                     .relaxed = relaxed,
                                     .read_only = options->read_only,
                                     .checks_log = !options->read_only,
                                     .reporter = { report_failed_flush, log },
                                     .ret_recovered = &recovered };
    struct sql_db *db;
    err_t e = sqlite_open(&sqlite, a, &db);
    if (e)
        return store_advise_salvage(dir, e, a);
    if (recovered && log)
        log_line(log, LOG_INFO, "what a failed flush left is on new blocks", LOG_S("database", slice_of(sqlite.path)));
    struct meta_migration migration = { 0 };
    struct meta_options with_migration = *options;
    with_migration.ret_migration = &migration;
    e = meta_open(db, &with_migration, a, ret);
    if (e)
        return store_advise_salvage(dir, e, a);
    report_migration(log, &migration, slice_of(sqlite.path));
    return NULL;
}

static err_t records_are_lost(struct arena *a, slice dir, err_t cause)
{
    return err_because(a, cause, ERR_CORRUPT,
                       "the data directory " SLICE_FMT " holds files, but its database " DATA_DIR_DATABASE
                       " is missing or empty. A new database would make every file unreachable, so nothing was changed."
                       " Put the database back, or restore a backup into another directory ('cais restore'); to begin"
                       " anew, move " DATA_DIR_BLOBS ", " DATA_DIR_DATASETS ", " DATA_DIR_RECORDS
                       " and " DATA_DIR_MASTER_KEY " away",
                       SLICE_ARG(dir));
}

/* The database is made when there is none, unless blobs, tables or a master key show that there was one. It is made before the
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

/* The other half of records_are_lost: the file system of the blobs is not mounted, or they were left behind. A store made in their place
 * would take new files where nobody looks for them. One folder is enough to show that there is a store. */
static err_t refuse_without_blobs(struct store *s, slice dir, struct arena *a)
{
    const char *blobs = path_in(a, dir, DATA_DIR_BLOBS);
    bool is_named;
    if (blob_disk_is_made(blobs))
        return NULL;
    err_t e = are_blobs_named(s->meta, a, &is_named);
    if (e || !is_named)
        return store_advise_salvage(dir, e, a);
    return err_make(a, ERR_CORRUPT,
                    "the database of " SLICE_FMT " names blobs, and %s has none of their folders: is its file system"
                    " mounted? No blob store was made in its place. Put the folder back, or restore a backup; 'cais"
                    " salvage' gets out what stands in the database, and names what is missing. To go on without these"
                    " blobs, make the folder %s/00",
                    SLICE_ARG(dir), blobs, blobs);
}

static bool records_were_lost(slice dir, struct log *log, struct arena *a)
{
    const char *path = path_in(a, dir, DATA_DIR_DATABASE);
    if (!log_was_given_up(path))
        return false;
    if (log)
        log_error(log, "records are lost",
                  err_make(a, ERR_CORRUPT,
                           "a person went on without the end of the damaged log %s-wal-damaged. Until it is moved away,"
                           " no blob without a record is removed",
                           path));
    return true;
}

err_t store_accept_lost_records(slice dir, struct arena *a, const char **ret_kept)
{
    struct store s = { .lock_fd = -1, .dir_lock_fd = -1 };
    *ret_kept = NULL;
    err_t e = lock_data_dir(&s, dir, a);
    if (!e)
        e = log_give_up(path_in(a, dir, DATA_DIR_DATABASE), a, ret_kept);
    fd_closep(&s.dir_lock_fd);
    fd_closep(&s.lock_fd);
    return e;
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

static err_t open_records(slice dir, struct clock *clock, struct random *random, struct log *log, struct arena *a,
                          struct record_store **ret)
{
    struct record_options options = { .dir = path_in(a, dir, DATA_DIR_RECORDS),
                                      .random = random,
                                      .clock = clock,
                                      .report = report_failed_flush,
                                      .report_arg = log };
    return record_open(&options, a, ret);
}

static err_t disk_takes_nothing(struct arena *a, slice dir, err_t cause)
{
    return err_because(a, cause, cause->code, "the data directory " SLICE_FMT " is on a disk that takes no bytes",
                       SLICE_ARG(dir));
}

/* *ret_full: why nothing can be written, not even what the ballast took; NULL: there is space. */
static err_t measure_flush(struct store *s, struct arena *a, err_t *ret_full)
{
    s->flush_us = -1;
    err_t e = blob_disk_flush_time(s->data_dir, a, &s->flush_us);
    if (err_is(e, ERR_NO_SPACE) && ballast_drop(s->data_dir)) {
        if (s->log)
            log_error(s->log, "the disk is full: the ballast was given up so that files can be deleted", e);
        e = blob_disk_flush_time(s->data_dir, a, &s->flush_us);
    }
    *ret_full = err_is(e, ERR_NO_SPACE) ? e : NULL;
    return *ret_full ? NULL : e;
}

void store_limits(const struct config *c, struct core_options *ret)
{
    *ret = (struct core_options){ .inline_max_bytes = (uint64_t)c->storage.inline_max_bytes,
                                  .reserve_bytes = (uint64_t)c->storage.reserve_free_space_bytes,
                                  .purge_grace_ms = c->files.purge_grace_ms,
                                  .account_max_bytes = c->accounts.max_bytes,
                                  .account_max_files = c->accounts.max_files,
                                  .account_max_buckets = c->accounts.max_buckets,
                                  .account_max_uploads = c->accounts.max_uploads,
                                  .account_max_pending = c->accounts.max_pending,
                                  .account_max_users = c->accounts.max_users,
                                  .user_max_keys = c->accounts.max_keys,
                                  .unverified_max_bytes = (uint64_t)c->storage.unverified_bytes,
                                  .finished_jobs_kept_ms = c->jobs.keep_finished_ms,
                                  .scrub_period_ms = c->scrub.period_ms,
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
}

static err_t open_stores(struct store *s, const struct config *c, struct clock *clock, struct random *random,
                         struct arena *a)
{
    slice dir = c->server.data;
    TRY(open_or_make_meta(s, dir, a));
    TRY(open_seal(s, dir, random, a));
    TRY(refuse_without_blobs(s, dir, a));
    TRY(blob_disk_open(path_in(a, dir, DATA_DIR_BLOBS), s->relaxed, a, &s->blob));
    TRY(open_datasets(c, dir, clock, a, &s->datasets));
    TRY(open_records(dir, clock, random, s->log, a, &s->records));
    struct core_options options;
    store_limits(c, &options);
    options.records_were_lost = records_were_lost(dir, s->log, a);
    core_init(&s->core, &(struct core_params){ .meta = s->meta,
                                               .blob = s->blob,
                                               .datasets = s->datasets,
                                               .records = s->records,
                                               .clock = clock,
                                               .random = random,
                                               .seal = s->seal,
                                               .options = options,
                                               .watch = { report_writes, report_space, s } });
    err_t e = access_bootstrap(&s->core, a);
    if (!e)
        e = transfer_release_all(&s->core, a); /* nobody else has the lock */
    return store_advise_salvage(dir, e, a);
}

err_t store_open(struct store *s, const struct config *c, struct clock *clock, struct random *random, struct log *log,
                 struct arena *a)
{
    *s = (struct store){ .lock_fd = -1, .dir_lock_fd = -1, .log = log };
    slice dir = c->server.data;
    s->data_dir = must_strdup(arena_cstr(a, dir));
    s->relaxed = c->storage.durability == CONFIG_DURABILITY_RELAXED;
    TRY(make_directories(dir, a));
    TRY(data_dir_check_private(arena_cstr(a, dir), geteuid(), a));
    TRY(lock_data_dir(s, dir, a));
    if (access(arena_cstr(a, dir), W_OK) != 0)
        return cannot_write(a, dir, errno);
    err_t full, e = measure_flush(s, a, &full);
    if (e)
        return disk_takes_nothing(a, dir, e);
    e = open_stores(s, c, clock, random, a);
    if (e)
        return full ? disk_takes_nothing(a, dir, full) : e;
    err_t space = free_space_check(&s->core, 0, a); /* reports a full disk, and makes the ballast */
    if (space && !err_is(space, ERR_NO_SPACE))
        return space;
    return log ? store_advise_salvage(dir, report_lost_keys(s, a), a) : NULL;
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
    if (s->records)
        s->records->ops->close_store(s->records);
    seal_free(s->seal);
    fd_closep(&s->dir_lock_fd);
    fd_closep(&s->lock_fd);
    free((char *)(uintptr_t)s->data_dir);
    *s = (struct store){ .lock_fd = -1, .dir_lock_fd = -1 };
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

static err_t open_records_for_backup(void *arg, const char *data_dir, struct random *random, struct arena *a,
                                     struct record_store **ret)
{
    (void)arg;
    return open_records(slice_of(data_dir), clock_system(), random, NULL, a, ret);
}

static err_t link_for_backup(void *arg, const struct blob_link *link, struct arena *a, enum blob_link_result *ret)
{
    (void)arg;
    struct blob_link blobs = *link;
    blobs.from = path_in(a, slice_of(link->from), DATA_DIR_BLOBS);
    blobs.to = path_in(a, slice_of(link->to), DATA_DIR_BLOBS);
    return blob_disk_link(&blobs, a, ret);
}

static err_t sync_names_for_backup(void *arg, const char *dir, struct arena *a)
{
    (void)arg;
    return blob_disk_sync_names(path_in(a, slice_of(dir), DATA_DIR_BLOBS), a);
}

struct store_opener store_opener(const struct config *config)
{
    return (struct store_opener){ .open = open_for_backup,
                                  .open_datasets = open_datasets_for_backup,
                                  .open_records = open_records_for_backup,
                                  .link_blob = link_for_backup,
                                  .sync_names = sync_names_for_backup,
                                  .arg = (void *)(uintptr_t)config };
}
