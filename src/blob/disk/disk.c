/* SPDX-License-Identifier: Apache-2.0 */
/* One file for each blob: DIR/xx/key.
 *
 * Invariants
 *   - A name without a leading dot is a complete blob. Its bytes were synced before it got that name, and never change.
 *   - commit and remove return only after a sync of the shard directory that began after they changed it.
 *   - A name in DIR/growing is a growing blob (growing.c).
 *   - The file of a writer has no name (O_TMPFILE), so a crash leaves nothing. Where O_TMPFILE is not supported, its
 *   name
 *     begins with a dot, and the next open of the store removes it.
 *   - All work is relative to descriptors that were opened at the start. So a volume that went away is an error, and is
 *     never taken for an empty one. */
#include "blob/disk/disk.h"

#include "base/clock.h"
#include "blob/disk/disk_priv.h"
#include "blob/disk/growing.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define TEMPORARY_PREFIX ".tmp-"
#define GROWING_DIR "growing"
#define FLUSH_SAMPLES 7
static const char probe_page[4096] = { 1 };

/* The kernel begins to write a large blob to the disk while the rest still comes, so little is left to do for the sync
 * at its end. One stream of 256 MiB was 1.4 times as fast, four were 1.2 times (medians of six interleaved rounds on
 * ext4). */
#define WRITEBACK_BYTES (8 * 1024 * 1024)

static const struct blob_ops disk_ops;

static int real_openat(int dir, const char *name, int flags, mode_t mode)
{
    return openat(dir, name, flags, mode);
}

const struct disk_syscalls disk_syscalls_real = {
    .openat = real_openat,
    .mkdirat = mkdirat,
    .linkat = linkat,
    .unlinkat = unlinkat,
    .pwrite = pwrite,
    .ftruncate = ftruncate,
    .sync_file_range = sync_file_range,
    .fdatasync = fdatasync,
    .fsync = fsync,
};

/* ---- writing ---- */

static int open_temporary(struct disk_store *d, struct shard *s, char ret_name[32])
{
    if (!d->options.temporary_names) {
        ret_name[0] = 0;
        return TEMP_FAILURE_RETRY(d->sys->openat(s->fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    }
    int fd;
    do {
        uint64_t number = __atomic_add_fetch(&d->temporaries, 1, __ATOMIC_RELAXED);
        snprintf(ret_name, 32, TEMPORARY_PREFIX "%llu", (unsigned long long)number);
        fd = TEMP_FAILURE_RETRY(d->sys->openat(s->fd, ret_name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
    } while (fd < 0 && errno == EEXIST);
    return fd;
}

static void writer_drop(struct disk_writer *w)
{
    if (w->temporary[0])
        w->store->sys->unlinkat(w->shard->fd, w->temporary, 0);
    close(w->fd);
    free(w);
}

static void writer_dropp(struct disk_writer **w)
{
    writer_drop(*w);
}

/* size_hint is not used. Reserving the bytes with fallocate made one stream of 256 MiB no faster (median 0.95 of
 * without it, six interleaved rounds on ext4), and a declared length would occupy space that its bytes may never
 * fill. */
static err_t disk_create(struct blob_store *store, slice key, uint64_t size_hint, struct arena *a,
                         struct blob_writer **ret_writer)
{
    (void)size_hint;
    struct disk_store *d = disk_of(store);
    struct shard *s = disk_shard_of(d, key);
    char temporary[32];
    int fd = open_temporary(d, s, temporary);
    if (fd < 0)
        return disk_failed(d, change_failed(a, errno, "cannot create a blob"));
    struct disk_writer *w = must_malloc(sizeof *w);
    *w = (struct disk_writer){
        .writer.ops = &disk_ops, .store = d, .shard = s, .fd = fd, .writeback_step = WRITEBACK_BYTES
    };
    disk_name_of(key, w->name);
    memcpy(w->temporary, temporary, sizeof w->temporary);
    *ret_writer = &w->writer;
    return NULL;
}

/* Give the synced file its name. Errors: CONFLICT, NO_SPACE, UNAVAILABLE. */
static err_t writer_link(struct disk_writer *w, struct arena *a)
{
    const struct disk_syscalls *sys = w->store->sys;
    int dir = w->shard->fd, rc;
    if (w->temporary[0]) {
        rc = TEMP_FAILURE_RETRY(sys->linkat(dir, w->temporary, dir, w->name, 0));
    } else {
        char path[64]; /* AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH before Linux 6.10 */
        snprintf(path, sizeof path, "/proc/self/fd/%d", w->fd);
        rc = TEMP_FAILURE_RETRY(sys->linkat(AT_FDCWD, path, dir, w->name, AT_SYMLINK_FOLLOW));
    }
    if (rc && errno == EEXIST)
        return err_make(a, ERR_CONFLICT, "blob %s exists", w->name);
    return rc ? change_failed(a, errno, "cannot name a blob") : NULL;
}

static err_t make_durable(struct disk_writer *w, struct arena *a)
{
    struct disk_store *d = w->store;
    if (!d->options.relaxed && TEMP_FAILURE_RETRY(d->sys->fdatasync(w->fd)))
        return change_failed(a, errno, "cannot sync a blob");
    TRY(writer_link(w, a));
    if (w->temporary[0] && d->sys->unlinkat(w->shard->fd, w->temporary, 0) == 0)
        w->temporary[0] = 0; /* otherwise it is removed with the writer, or at the next open */
    err_t e = disk_shard_sync(d, w->shard, a);
    if (e)
        d->sys->unlinkat(w->shard->fd, w->name,
                         0); /* not acknowledged, so not visible; after a crash it may be back, complete */
    return e;
}

static err_t disk_commit(struct blob_writer *writer, struct arena *a)
{
    SCOPED(writer_dropp) struct disk_writer *w = disk_writer_of(writer);
    if (w->failed)
        return err_make(a, ERR_UNAVAILABLE, "an earlier write of this blob failed");
    return disk_ended(w->store, make_durable(w, a));
}

static void disk_discard(struct blob_writer *writer)
{
    if (writer)
        writer_drop(disk_writer_of(writer));
}

/* ---- reading ---- */

static err_t disk_open(struct blob_store *store, slice key, struct arena *a, struct blob_reader **ret_reader)
{
    if (!blob_key_is_valid(key))
        return err_make(a, ERR_CORRUPT, "no blob can have the key that is asked for");
    struct disk_store *d = disk_of(store);
    return disk_open_in(d, disk_shard_of(d, key), key, a, ret_reader);
}

static err_t disk_read_at(struct blob_reader *reader, uint64_t offset, char *to, size_t size, struct arena *a,
                          size_t *ret_read)
{
    uint64_t left = offset < reader->size_bytes ? reader->size_bytes - offset : 0;
    size_t want = left < size ? (size_t)left : size, got = 0;
    while (got < want) {
        ssize_t n = TEMP_FAILURE_RETRY(pread(reader->fd, to + got, want - got, (off_t)(offset + got)));
        if (n < 0)
            return change_failed(a, errno, "cannot read a blob");
        if (n == 0)
            return err_make(a, ERR_CORRUPT, "a blob became shorter than %llu bytes",
                            (unsigned long long)reader->size_bytes);
        got += (size_t)n;
    }
    *ret_read = got;
    return NULL;
}

static void disk_close(struct blob_reader *reader)
{
    if (!reader)
        return;
    close(reader->fd);
    free(reader);
}

/* ---- removing, listing ---- */

static err_t disk_remove(struct blob_store *store, slice key, struct arena *a)
{
    if (!blob_key_is_valid(key))
        return NULL;
    struct disk_store *d = disk_of(store);
    return disk_remove_in(d, disk_shard_of(d, key), key, a);
}

static err_t disk_each(struct blob_store *store, struct arena *a, disk_visit *visit, void *arg)
{
    struct disk_store *d = disk_of(store);
    err_t first = NULL;
    for (int i = 0; i < SHARDS; i++) {
        err_t e = disk_each_in(d, &d->shards[i], a, visit, arg);
        first = first ? first : e;
        if (e && !d->options.read_only)
            return e;
    }
    return first;
}

static err_t disk_free_bytes(struct blob_store *store, struct arena *a, uint64_t *ret_bytes)
{
    struct statvfs fs;
    if (TEMP_FAILURE_RETRY(fstatvfs(disk_of(store)->fd, &fs)))
        return change_failed(a, errno, "cannot ask for the free space");
    *ret_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return NULL;
}

static bool disk_is_read_only(struct blob_store *store)
{
    struct statvfs fs;
    return TEMP_FAILURE_RETRY(fstatvfs(disk_of(store)->fd, &fs)) == 0 && (fs.f_flag & ST_RDONLY);
}

static err_t disk_probe(struct blob_store *store, struct arena *a)
{
    struct disk_store *d = disk_of(store);
    struct blob_writer *writer;
    TRY(disk_create(store, S("00.probe"), sizeof probe_page, a, &writer));
    SCOPED(writer_dropp) struct disk_writer *w = disk_writer_of(writer);
    TRY(disk_write(writer, (slice){ probe_page, sizeof probe_page }, a));
    bool failed = !d->options.relaxed && TEMP_FAILURE_RETRY(d->sys->fdatasync(w->fd)) != 0;
    return disk_ended(d, failed ? change_failed(a, errno, "cannot sync a blob") : NULL);
}

/* ---- opening ---- */

static void shard_init(struct shard *s)
{
    s->fd = -1;
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->round_ended, NULL);
    pthread_mutex_init(&s->writers_mutex, NULL);
}

static void shard_release(struct shard *s)
{
    assert(!s->writers); /* otherwise a writer was leaked */
    fd_closep(&s->fd);
    pthread_mutex_destroy(&s->mutex);
    pthread_cond_destroy(&s->round_ended);
    pthread_mutex_destroy(&s->writers_mutex);
}

static void disk_close_store(struct blob_store *store)
{
    struct disk_store *d = disk_of(store);
    for (int i = 0; i < SHARDS; i++)
        shard_release(&d->shards[i]);
    shard_release(&d->growing);
    fd_closep(&d->fd);
    free(d);
}

static void store_closep(struct disk_store **d)
{
    if (*d)
        disk_close_store(&(*d)->store);
}

static const struct blob_ops disk_ops = {
    .name = "disk",
    .create = disk_create,
    .write = disk_write,
    .commit = disk_commit,
    .discard = disk_discard,
    .open = disk_open,
    .read_at = disk_read_at,
    .close = disk_close,
    .remove = disk_remove,
    .each = disk_each,
    .grow = disk_grow,
    .settle = disk_settle,
    .open_growing = disk_open_growing,
    .drop = disk_drop,
    .each_growing = disk_each_growing,
    .free_bytes = disk_free_bytes,
    .is_read_only = disk_is_read_only,
    .probe = disk_probe,
    .close_store = disk_close_store,
};

static struct disk_store *store_new(const struct disk_options *options)
{
    struct disk_store *d = must_malloc(sizeof *d);
    *d = (struct disk_store){ .store.ops = &disk_ops, .options = *options, .fd = -1 };
    d->sys = options->sys ? options->sys : &disk_syscalls_real;
    for (int i = 0; i < SHARDS; i++)
        shard_init(&d->shards[i]);
    shard_init(&d->growing);
    return d;
}

static err_t open_failed(struct arena *a, int errnum, const char *path)
{
    if (errnum == EACCES || errnum == EPERM || errnum == EROFS)
        return err_because(a, err_errno(a, errnum, "%s", path), ERR_FORBIDDEN, "no right to keep blobs in %s", path);
    return err_errno(a, errnum, "cannot open the blob directory %s", path);
}

struct directory {
    int parent_fd;
    const char *name;
    int flags;         /* for openat, besides those of every directory */
    const char *shown; /* in an error */
};

/* Open the directory, and make it first if it is not there. */
static err_t open_directory(const struct disk_syscalls *sys, const struct directory *d, struct arena *a, int *ret_fd)
{
    if (sys->mkdirat(d->parent_fd, d->name, 0700) && errno != EEXIST)
        return open_failed(a, errno, d->shown);
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | d->flags;
    SCOPED(fd_closep) int fd = TEMP_FAILURE_RETRY(sys->openat(d->parent_fd, d->name, flags, 0));
    if (fd < 0 || faccessat(fd, ".", R_OK | W_OK | X_OK, AT_EACCESS))
        return open_failed(a, errno, d->shown);
    *ret_fd = TAKE_FD(fd);
    return NULL;
}

static err_t open_below(const struct disk_store *d, const char *dir, const char *name, struct arena *a, int *ret_fd)
{
    SCRATCH(s);
    const char *shown = arena_printf(&s, "%s/%s", dir, name).p;
    return open_directory(d->sys, &(struct directory){ d->fd, name, O_NOFOLLOW, shown }, a, ret_fd);
}

bool blob_disk_is_made(const char *dir)
{
    for (unsigned i = 0; i < SHARDS; i++) {
        SCRATCH(s);
        if (access(arena_printf(&s, "%s/%02x", dir, i).p, F_OK) == 0)
            return true;
    }
    return false;
}

/* Needed also when no directory was made: an earlier open may have crashed after making one and before syncing. */
static err_t sync_tree(struct disk_store *d, const char *dir, struct arena *a)
{
    if (TEMP_FAILURE_RETRY(d->sys->fsync(d->fd)))
        return change_failed(a, errno, "cannot sync the blob directory");
    SCOPED(fd_closep)
    int parent = TEMP_FAILURE_RETRY(d->sys->openat(d->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
    if (parent < 0)
        return open_failed(a, errno, dir);
    if (TEMP_FAILURE_RETRY(d->sys->fsync(parent)))
        return change_failed(a, errno, "cannot sync the parent of the blob directory");
    return NULL;
}

/* A file without a name gets one through /proc, so O_TMPFILE and /proc are both needed. A failure for another reason (a
 * full disk) says nothing about the file system, and O_TMPFILE counts as supported. */
static bool tmpfile_works(struct disk_store *d)
{
    SCOPED(fd_closep) int fd = TEMP_FAILURE_RETRY(d->sys->openat(d->fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL || errno == ENOENT))
        return false;
    return access("/proc/self/fd", X_OK) == 0;
}

slice blob_disk_path(slice key, struct arena *a)
{
    slice parts[] = { slice_part(key, 0, 2), S("/"), key };
    return arena_join(a, parts, LENGTH_OF(parts));
}

static err_t remove_temporary(void *arg, struct shard *s, const char *name, struct arena *a)
{
    struct disk_store *d = arg;
    if (!slice_starts(slice_of(name), S(TEMPORARY_PREFIX)) || d->sys->unlinkat(s->fd, name, 0) == 0)
        return NULL;
    return change_failed(a, errno, "cannot remove a temporary file");
}

err_t blob_disk_open_with(const char *dir, const struct disk_options *options, struct arena *a,
                          struct blob_store **ret_store)
{
    SCOPED(store_closep) struct disk_store *d = store_new(options);
    TRY(open_directory(d->sys, &(struct directory){ AT_FDCWD, dir, 0, dir }, a, &d->fd));
    for (int i = 0; i < SHARDS; i++) {
        char name[3];
        snprintf(name, sizeof name, "%02x", (unsigned)i & 0xff);
        TRY(open_below(d, dir, name, a, &d->shards[i].fd));
    }
    TRY(open_below(d, dir, GROWING_DIR, a, &d->growing.fd));
    if (!options->relaxed)
        TRY(sync_tree(d, dir, a));
    d->options.temporary_names |= !tmpfile_works(d);
    for (int i = 0; i < SHARDS && d->options.temporary_names; i++)
        TRY(disk_shard_names(&d->shards[i], a, remove_temporary, d));
    *ret_store = &d->store;
    d = NULL;
    return NULL;
}

static err_t open_existing(int parent_fd, const char *name, int flags, struct arena *a, int *ret_fd)
{
    *ret_fd = TEMP_FAILURE_RETRY(openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags));
    return *ret_fd < 0 ? err_errno(a, errno, "cannot open the blob directory %s", name) : NULL;
}

err_t blob_disk_open_to_read(const char *dir, struct arena *a, struct blob_store **ret_store)
{
    SCOPED(store_closep) struct disk_store *d = store_new(&(struct disk_options){ .relaxed = true, .read_only = true });
    TRY(open_existing(AT_FDCWD, dir, 0, a, &d->fd));
    for (int i = 0; i <= SHARDS; i++) {
        SCRATCH(s);
        const char *name = i < SHARDS ? arena_printf(&s, "%02x", (unsigned)i).p : GROWING_DIR;
        err_t e = open_existing(d->fd, name, O_NOFOLLOW, &s, i < SHARDS ? &d->shards[i].fd : &d->growing.fd);
        (void)e; /* `each` reports it */
    }
    *ret_store = &d->store;
    d = NULL;
    return NULL;
}

err_t blob_disk_open(const char *dir, bool relaxed, struct arena *a, struct blob_store **ret_store)
{
    return blob_disk_open_with(dir, &(struct disk_options){ .relaxed = relaxed }, a, ret_store);
}

/* ---- measuring ---- */

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

err_t blob_disk_flush_time(const char *dir, struct arena *a, int64_t *ret_us)
{
    char name[] = "/" TEMPORARY_PREFIX "flush-XXXXXX";
    slice path = arena_printf(a, "%s%s", dir, name);
    SCOPED(fd_closep) int fd = mkostemp((char *)path.p, O_CLOEXEC);
    if (fd < 0)
        return open_failed(a, errno, dir);
    unlink(path.p);
    int64_t took_us[FLUSH_SAMPLES];
    for (size_t i = 0; i < FLUSH_SAMPLES; i++) {
        int64_t start_us = clock_stopwatch_us();
        ssize_t n = TEMP_FAILURE_RETRY(pwrite(fd, probe_page, sizeof probe_page, (off_t)(i * sizeof probe_page)));
        if (n != (ssize_t)sizeof probe_page)
            return change_failed(a, n < 0 ? errno : ENOSPC, "cannot write");
        if (TEMP_FAILURE_RETRY(fdatasync(fd)))
            return change_failed(a, errno, "cannot sync");
        took_us[i] = clock_stopwatch_us() - start_us;
    }
    qsort(took_us, FLUSH_SAMPLES, sizeof took_us[0], compare_times);
    *ret_us = took_us[FLUSH_SAMPLES / 2];
    return NULL;
}
