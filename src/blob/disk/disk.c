/* SPDX-License-Identifier: Apache-2.0 */
/* One file for each blob: DIR/xx/key.
 *
 * Invariants
 *   - A name without a leading dot is a complete blob. Its bytes were synced before it got that name, and never change.
 *   - commit and remove return only after a sync of the shard directory that began after they changed it.
 *   - The file of a writer has no name (O_TMPFILE), so a crash leaves nothing. Where O_TMPFILE is not supported, its
 *   name
 *     begins with a dot, and the next open of the store removes it.
 *   - All work is relative to descriptors that were opened at the start. So a volume that went away is an error, and is
 *     never taken for an empty one. */
#include "blob/disk/disk.h"

#include "base/clock.h"
#include "blob/disk/disk_priv.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define SHARDS 256
#define TEMPORARY_PREFIX ".tmp-"
#define FLUSH_SAMPLES 7

/* The kernel begins to write a large blob to the disk while the rest still comes, so little is left to do for the sync
 * at its end. One stream of 256 MiB was 1.4 times as fast, four were 1.2 times (medians of six interleaved rounds on
 * ext4). */
#define WRITEBACK_BYTES (8 * 1024 * 1024)

/* A shard directory. One sync serves all threads that made their changes before it began. A sync is a round; rounds are
 * numbered from 1 and never overlap. */
struct shard {
    int fd;
    pthread_mutex_t mutex;
    pthread_cond_t round_ended;
    bool syncing;
    uint64_t begun, ended; /* the newest round that began, and that ended */
    uint64_t failed;       /* the newest round that failed, and its error */
    int failed_errno;
};

struct disk_store {
    struct blob_store store;
    struct disk_options options;
    const struct disk_syscalls *sys;
    int fd;
    uint64_t temporaries; /* temporary names given so far */
    struct shard shards[SHARDS];
};

struct disk_writer {
    struct blob_writer writer;
    struct disk_store *store;
    struct shard *shard;
    int fd;
    bool failed;
    uint64_t size_bytes, writeback_bytes; /* written; and of these, the bytes whose write-back has begun */
    char name[BLOB_KEY_MAX + 1];
    char temporary[32]; /* empty when the file has no name */
};

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
    .sync_file_range = sync_file_range,
    .fdatasync = fdatasync,
    .fsync = fsync,
};

static struct disk_store *disk_of(struct blob_store *store)
{
    return CONTAINER_OF(store, struct disk_store, store);
}

static struct disk_writer *disk_writer_of(struct blob_writer *w)
{
    return CONTAINER_OF(w, struct disk_writer, writer);
}

/* During a change, ENOENT means that a directory of the store went away. That is UNAVAILABLE, not NOT_FOUND. */
static err_t change_failed_at(struct arena *a, const char *where, int errnum, const char *what)
{
    err_t e = err_errno_at(a, where, errnum, "%s", what);
    return err_is(e, ERR_NOT_FOUND) ? err_because(a, e, ERR_UNAVAILABLE, "the blob directory changed underneath") : e;
}
#define change_failed(a, errnum, what) change_failed_at((a), ERR_HERE, (errnum), (what))

static struct shard *disk_shard_of(struct disk_store *d, slice key)
{
    assert(blob_key_is_valid(key));
    char digits[3] = { key.p[0], key.p[1], 0 };
    return &d->shards[strtoul(digits, NULL, 16)];
}

static void name_of(slice key, char ret_name[BLOB_KEY_MAX + 1])
{
    memcpy(ret_name, key.p, key.n);
    ret_name[key.n] = 0;
}

/* ---- syncing ---- */

/* Make the caller's earlier changes of the directory durable. Errors: NO_SPACE, UNAVAILABLE. */
static err_t shard_sync(struct disk_store *d, struct shard *s, struct arena *a)
{
    if (d->options.relaxed)
        return NULL;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->mutex);
    uint64_t mine = s->begun + 1; /* a round that is running may have missed the change */
    while (s->ended < mine) {
        if (s->syncing) {
            pthread_cond_wait(&s->round_ended, &s->mutex);
            continue;
        }
        uint64_t round = ++s->begun;
        s->syncing = true;
        pthread_mutex_unlock(&s->mutex);
        int failed = TEMP_FAILURE_RETRY(d->sys->fsync(s->fd)) ? errno : 0;
        pthread_mutex_lock(&s->mutex);
        s->syncing = false;
        s->ended = round;
        if (failed) {
            s->failed = round;
            s->failed_errno = failed;
        }
        pthread_cond_broadcast(&s->round_ended);
    }
    /* The kernel reports a failed sync once, and the next one may succeed without the lost bytes. So a round that
     * succeeds later does not make up for one that failed. */
    return s->failed < mine ? NULL : change_failed(a, s->failed_errno, "cannot sync a blob directory");
}

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
        return change_failed(a, errno, "cannot create a blob");
    struct disk_writer *w = must_malloc(sizeof *w);
    *w = (struct disk_writer){ .writer.ops = &disk_ops, .store = d, .shard = s, .fd = fd };
    name_of(key, w->name);
    memcpy(w->temporary, temporary, sizeof w->temporary);
    *ret_writer = &w->writer;
    return NULL;
}

static err_t disk_write(struct blob_writer *writer, slice bytes, struct arena *a)
{
    struct disk_writer *w = disk_writer_of(writer);
    while (bytes.n && !w->failed) {
        ssize_t n = TEMP_FAILURE_RETRY(w->store->sys->pwrite(w->fd, bytes.p, bytes.n, (off_t)w->size_bytes));
        if (n <= 0) {
            w->failed = true;
            return change_failed(a, n ? errno : ENOSPC, "cannot write a blob");
        }
        bytes = slice_from(bytes, (size_t)n);
        w->size_bytes += (uint64_t)n;
    }
    if (w->failed)
        return err_make(a, ERR_UNAVAILABLE, "an earlier write of this blob failed");
    uint64_t pending = w->size_bytes - w->writeback_bytes;
    if (pending >= WRITEBACK_BYTES && !w->store->options.relaxed) {
        /* Only a hint: fdatasync reports what goes wrong. */
        (void)w->store->sys->sync_file_range(w->fd, (off_t)w->writeback_bytes, (off_t)pending, SYNC_FILE_RANGE_WRITE);
        w->writeback_bytes = w->size_bytes;
    }
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

static err_t disk_commit(struct blob_writer *writer, struct arena *a)
{
    SCOPED(writer_dropp) struct disk_writer *w = disk_writer_of(writer);
    struct disk_store *d = w->store;
    if (w->failed)
        return err_make(a, ERR_UNAVAILABLE, "an earlier write of this blob failed");
    if (!d->options.relaxed && TEMP_FAILURE_RETRY(d->sys->fdatasync(w->fd)))
        return change_failed(a, errno, "cannot sync a blob");
    TRY(writer_link(w, a));
    if (w->temporary[0] && d->sys->unlinkat(w->shard->fd, w->temporary, 0) == 0)
        w->temporary[0] = 0; /* otherwise it is removed with the writer, or at the next open */
    err_t e = shard_sync(d, w->shard, a);
    if (e)
        d->sys->unlinkat(w->shard->fd, w->name,
                         0); /* not acknowledged, so not visible; after a crash it may be back, complete */
    return e;
}

static void disk_discard(struct blob_writer *writer)
{
    if (writer)
        writer_drop(disk_writer_of(writer));
}

/* ---- reading ---- */

/* The error for ENOENT in a shard directory: NOT_FOUND, or UNAVAILABLE if the directory itself is gone. */
static err_t blob_absent(struct shard *s, struct arena *a, const char *name)
{
    struct stat st;
    if (fstat(s->fd, &st) || st.st_nlink == 0)
        return err_make(a, ERR_UNAVAILABLE, "the blob directory of %s is gone", name);
    return err_make(a, ERR_NOT_FOUND, "no blob %s", name);
}

static err_t disk_open(struct blob_store *store, slice key, struct arena *a, struct blob_reader **ret_reader)
{
    if (!blob_key_is_valid(key))
        return err_make(a, ERR_CORRUPT, "no blob can have the key that is asked for");
    struct disk_store *d = disk_of(store);
    struct shard *s = disk_shard_of(d, key);
    char name[BLOB_KEY_MAX + 1];
    name_of(key, name);
    /* O_NONBLOCK: a FIFO at this path must not block the thread. For a file it changes nothing. */
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    SCOPED(fd_closep) int fd = TEMP_FAILURE_RETRY(d->sys->openat(s->fd, name, flags, 0));
    if (fd < 0 && errno == ENOENT)
        return blob_absent(s, a, name);
    if (fd < 0 && errno == ELOOP)
        return err_make(a, ERR_CORRUPT, "blob %s is a symbolic link", name);
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        return change_failed(a, errno, "cannot open a blob");
    if (!S_ISREG(st.st_mode))
        return err_make(a, ERR_CORRUPT, "blob %s is not a file", name);
    struct blob_reader *r = must_malloc(sizeof *r);
    *r = (struct blob_reader){ .ops = &disk_ops, .size_bytes = (uint64_t)st.st_size, .fd = TAKE_FD(fd) };
    *ret_reader = r;
    return NULL;
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
    struct shard *s = disk_shard_of(d, key);
    char name[BLOB_KEY_MAX + 1];
    name_of(key, name);
    if (TEMP_FAILURE_RETRY(d->sys->unlinkat(s->fd, name, 0))) {
        if (errno != ENOENT)
            return change_failed(a, errno, "cannot remove a blob");
        err_t e = blob_absent(s, a, name);
        if (!err_is(e, ERR_NOT_FOUND))
            return e;
    }
    return shard_sync(d, s, a); /* also when it was gone: the thread that removed it may not have synced yet */
}

static void closedirp(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

/* Call fn with every name in the shard directory, `.` and `..` too. */
static err_t shard_names(struct shard *s, struct arena *a,
                         err_t (*fn)(void *arg, struct shard *s, const char *name, struct arena *a), void *arg)
{
    int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* with a read position of its own */
    SCOPED(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return change_failed(a, errno, "cannot list a blob directory");
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? change_failed(a, errno, "cannot list a blob directory") : NULL;
        TRY(fn(arg, s, entry->d_name, a));
    }
}

struct disk_listing {
    struct disk_store *store;
    err_t (*visit)(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms);
    void *arg;
};

static int64_t time_ms(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static err_t list_blob(void *arg, struct shard *s, const char *name, struct arena *a)
{
    struct disk_listing *l = arg;
    slice key = slice_of(name);
    if (!blob_key_is_valid(key) || disk_shard_of(l->store, key) != s)
        return NULL; /* a temporary file, or one that the store did not make */
    struct stat st;
    if (fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? NULL : change_failed(a, errno, "cannot look at a blob");
    if (!S_ISREG(st.st_mode))
        return NULL;
    /* linkat sets ctime. mtime is that of the last write, which may be long before the commit. */
    return l->visit(l->arg, key, (uint64_t)st.st_size, time_ms(st.st_ctim));
}

static err_t disk_each(struct blob_store *store, struct arena *a,
                       err_t (*visit)(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms), void *arg)
{
    struct disk_store *d = disk_of(store);
    struct disk_listing l = { d, visit, arg };
    for (int i = 0; i < SHARDS; i++)
        TRY(shard_names(&d->shards[i], a, list_blob, &l));
    return NULL;
}

static err_t disk_free_bytes(struct blob_store *store, struct arena *a, uint64_t *ret_bytes)
{
    struct statvfs fs;
    if (TEMP_FAILURE_RETRY(fstatvfs(disk_of(store)->fd, &fs)))
        return change_failed(a, errno, "cannot ask for the free space");
    *ret_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return NULL;
}

/* ---- opening ---- */

static void disk_close_store(struct blob_store *store)
{
    struct disk_store *d = disk_of(store);
    for (int i = 0; i < SHARDS; i++) {
        struct shard *s = &d->shards[i];
        fd_closep(&s->fd);
        pthread_mutex_destroy(&s->mutex);
        pthread_cond_destroy(&s->round_ended);
    }
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
    .free_bytes = disk_free_bytes,
    .close_store = disk_close_store,
};

static struct disk_store *store_new(const struct disk_options *options)
{
    struct disk_store *d = must_malloc(sizeof *d);
    *d = (struct disk_store){ .store.ops = &disk_ops, .options = *options, .fd = -1 };
    d->sys = options->sys ? options->sys : &disk_syscalls_real;
    for (int i = 0; i < SHARDS; i++) {
        d->shards[i].fd = -1;
        pthread_mutex_init(&d->shards[i].mutex, NULL);
        pthread_cond_init(&d->shards[i].round_ended, NULL);
    }
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
        TRY(open_directory(d->sys, &(struct directory){ d->fd, name, O_NOFOLLOW, dir }, a, &d->shards[i].fd));
    }
    if (!options->relaxed)
        TRY(sync_tree(d, dir, a));
    d->options.temporary_names |= !tmpfile_works(d);
    for (int i = 0; i < SHARDS && d->options.temporary_names; i++)
        TRY(shard_names(&d->shards[i], a, remove_temporary, d));
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
    static const char page[4096] = { 1 };
    int64_t took_us[FLUSH_SAMPLES];
    for (size_t i = 0; i < FLUSH_SAMPLES; i++) {
        int64_t start_us = clock_stopwatch_us();
        ssize_t n = TEMP_FAILURE_RETRY(pwrite(fd, page, sizeof page, (off_t)(i * sizeof page)));
        if (n != (ssize_t)sizeof page)
            return change_failed(a, n < 0 ? errno : ENOSPC, "cannot write");
        if (TEMP_FAILURE_RETRY(fdatasync(fd)))
            return change_failed(a, errno, "cannot sync");
        took_us[i] = clock_stopwatch_us() - start_us;
    }
    qsort(took_us, FLUSH_SAMPLES, sizeof took_us[0], compare_times);
    *ret_us = took_us[FLUSH_SAMPLES / 2];
    return NULL;
}
