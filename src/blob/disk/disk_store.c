/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/disk/disk_store.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct disk_store *disk_of(struct blob_store *store)
{
    return CONTAINER_OF(store, struct disk_store, store);
}

struct disk_writer *disk_writer_of(struct blob_writer *w)
{
    return CONTAINER_OF(w, struct disk_writer, writer);
}

err_t disk_change_failed_at(struct arena *a, const char *where, int errnum, const char *what)
{
    err_t e = err_errno_at(a, where, errnum, "%s", what);
    return err_is(e, ERR_NOT_FOUND) ? err_because(a, e, ERR_UNAVAILABLE, "the blob directory changed underneath") : e;
}

err_t disk_ended(struct disk_store *d, err_t e)
{
    write_watch_note(&d->store.watch, e);
    return e;
}

err_t disk_failed(struct disk_store *d, err_t e)
{
    return e ? disk_ended(d, e) : NULL;
}

struct shard *disk_shard_of(struct disk_store *d, slice key)
{
    assert(blob_key_is_valid(key));
    char digits[3] = { key.p[0], key.p[1], 0 };
    return &d->shards[strtoul(digits, NULL, 16)];
}

void disk_name_of(slice key, char ret_name[BLOB_KEY_MAX + 1])
{
    memcpy(ret_name, key.p, key.n);
    ret_name[key.n] = 0;
}

/* ---- syncing ---- */

err_t disk_shard_sync(struct disk_store *d, struct shard *s, struct arena *a)
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

/* ---- writing, reading, removing ---- */

err_t disk_write(struct blob_writer *writer, slice bytes, struct arena *a)
{
    struct disk_writer *w = disk_writer_of(writer);
    while (bytes.n && !w->failed) {
        ssize_t n = TEMP_FAILURE_RETRY(w->store->sys->pwrite(w->fd, bytes.p, bytes.n, (off_t)w->size_bytes));
        if (n <= 0) {
            w->failed = true;
            return disk_failed(w->store, change_failed(a, n ? errno : ENOSPC, "cannot write a blob"));
        }
        bytes = slice_from(bytes, (size_t)n);
        w->size_bytes += (uint64_t)n;
    }
    if (w->failed)
        return err_make(a, ERR_UNAVAILABLE, "an earlier write of this blob failed");
    uint64_t pending = w->size_bytes - w->writeback_bytes;
    if (pending >= w->writeback_step && !w->store->options.relaxed) {
        /* Only a hint: fdatasync reports what goes wrong. */
        (void)w->store->sys->sync_file_range(w->fd, (off_t)w->writeback_bytes, (off_t)pending, SYNC_FILE_RANGE_WRITE);
        w->writeback_bytes = w->size_bytes;
    }
    return NULL;
}

err_t disk_blob_absent(struct shard *s, struct arena *a, const char *name)
{
    struct stat st;
    if (fstat(s->fd, &st) || st.st_nlink == 0)
        return err_make(a, ERR_UNAVAILABLE, "the blob directory of %s is gone", name);
    return err_make(a, ERR_NOT_FOUND, "no blob %s", name);
}

err_t disk_open_in(struct disk_store *d, struct shard *s, slice key, struct arena *a, struct blob_reader **ret_reader)
{
    char name[BLOB_KEY_MAX + 1];
    disk_name_of(key, name);
    if (s->fd < 0)
        return disk_blob_absent(s, a, name);
    /* O_NONBLOCK: a FIFO at this path must not block the thread. For a file it changes nothing. */
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    SCOPED(fd_closep) int fd = TEMP_FAILURE_RETRY(d->sys->openat(s->fd, name, flags, 0));
    if (fd < 0 && errno == ENOENT)
        return disk_blob_absent(s, a, name);
    if (fd < 0 && errno == ELOOP)
        return err_make(a, ERR_CORRUPT, "blob %s is a symbolic link", name);
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        return change_failed(a, errno, "cannot open a blob");
    if (!S_ISREG(st.st_mode))
        return err_make(a, ERR_CORRUPT, "blob %s is not a file", name);
    struct blob_reader *r = must_malloc(sizeof *r);
    *r = (struct blob_reader){ .ops = d->store.ops, .size_bytes = (uint64_t)st.st_size, .fd = TAKE_FD(fd) };
    *ret_reader = r;
    return NULL;
}

err_t disk_remove_in(struct disk_store *d, struct shard *s, slice key, struct arena *a)
{
    char name[BLOB_KEY_MAX + 1];
    disk_name_of(key, name);
    if (TEMP_FAILURE_RETRY(d->sys->unlinkat(s->fd, name, 0))) {
        if (errno != ENOENT)
            return disk_failed(d, change_failed(a, errno, "cannot remove a blob"));
        err_t e = disk_blob_absent(s, a, name);
        if (!err_is(e, ERR_NOT_FOUND))
            return e;
    }
    /* Also when it was gone: the thread that removed it may not have synced yet. */
    return disk_failed(d, disk_shard_sync(d, s, a));
}

/* ---- listing ---- */

static void closedirp(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

err_t disk_shard_names(struct shard *s, struct arena *a,
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
    disk_visit *visit;
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
    if (!blob_key_is_valid(key) || (disk_shard_of(l->store, key) != s && s != &l->store->growing))
        return NULL; /* a temporary file, or one that the store did not make */
    struct stat st;
    if (fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? NULL : change_failed(a, errno, "cannot look at a blob");
    if (!S_ISREG(st.st_mode))
        return NULL;
    /* linkat and write set ctime. mtime is that of the last write, which may be long before the commit. */
    return l->visit(l->arg, key, (uint64_t)st.st_size, time_ms(st.st_ctim));
}

err_t disk_each_in(struct disk_store *d, struct shard *s, struct arena *a, disk_visit *visit, void *arg)
{
    struct disk_listing l = { d, visit, arg };
    return disk_shard_names(s, a, list_blob, &l);
}
