/* SPDX-License-Identifier: Apache-2.0 */
/* Growing blobs: DIR/growing/key, until settle gives the file its name as a blob.
 *
 * Invariants
 *   - What is beyond an acknowledged offset is never trusted: grow and settle cut it off and sync the cut. That is also
 *     what makes up for a failed sync, which needs no mark. Linux counts the pages of a failed write as clean. On ext4
 *     with its defaults, their blocks keep the mark "never written", and read as zeros after a power failure, even when
 *     the same bytes were written again and synced without an error. The cut gives pages and blocks back, so the bytes
 *     that are written again get new ones. Only the block that contains the offset stays. An earlier sync that succeeded
 *     wrote it, so it has no such mark; the cut fills the rest of it with zeros, which makes its page dirty again. So
 *     the next sync writes all of it. Without the cut, acknowledged bytes were lost in 12 of 12 rounds on an ext4 whose
 *     disk refused a few writes; with it, in none of 30 (the test of growing blobs in tests/crash/).
 *   - That block is written again with the acknowledged bytes in it. As SQLite does, this relies on a disk that does
 *     not damage bytes beside those that are written when the power fails.
 *   - A cut whose sync failed is synced with the next flush, or before the file is settled.
 *   - A name whose sync failed is removed, because the next sync could succeed without it. It had acknowledged nothing.
 *   - At most one writer of a key is not fenced. A fenced writer changes nothing any more: neither what a later writer
 *     wrote, nor a blob that was settled.
 *   - A blob has its name, synced, before the growing one loses its own. So a crash leaves one of the two, or both. */
#include "blob/disk/growing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A flush follows every few MiB, so the kernel begins to write earlier than for other blobs. In steps of 8 MiB, a blob of
 * 256 MiB was written with 1290 and 1410 MB/s; 950 when write-back began after 8 MiB, 1080 after 2 MiB, 710 to 970 after
 * 512 KiB (medians of five rounds of bench/blob_grow.c on ext4). */
#define GROWING_WRITEBACK_BYTES (1024 * 1024)

struct growing_writer {
    struct disk_writer disk;
    struct growing_writer *next; /* in its shard */
    pthread_mutex_t mutex;       /* held during write and flush, so that fencing waits for them */
    bool fenced;
    bool name_is_synced;
};

static const struct blob_ops growing_ops;

static struct growing_writer *growing_of(struct blob_writer *writer)
{
    return CONTAINER_OF(disk_writer_of(writer), struct growing_writer, disk);
}

/* ---- fencing ---- */

/* End every writer of the key. The writers_mutex of the shard is held. */
static void fence_writers(struct shard *s, const char *name)
{
    for (struct growing_writer *w = s->writers; w; w = w->next) {
        if (strcmp(w->disk.name, name) != 0)
            continue;
        SCOPED(unlockp) pthread_mutex_t *held = lock(&w->mutex);
        w->fenced = true;
    }
}

/* The mutex of the writer is held. */
static err_t refuse_fenced(const struct growing_writer *w, struct arena *a)
{
    return w->fenced ? err_make(a, ERR_UNAVAILABLE, "another writer took over %s", w->disk.name) : NULL;
}

/* ---- writing ---- */

static err_t growing_corrupt(struct arena *a, const char *name, const struct stat *st, uint64_t want_bytes)
{
    return err_make(a, ERR_CORRUPT, "growing blob %s has %lld of %llu bytes", name, (long long)st->st_size,
                    (unsigned long long)want_bytes);
}

/* Open the file of a growing blob for writing. Errors: those of grow. */
static err_t open_growing_file(struct disk_store *d, const char *name, int flags, struct arena *a, int *ret_fd,
                               struct stat *ret)
{
    flags |= O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    SCOPED(fd_closep) int fd = TEMP_FAILURE_RETRY(d->sys->openat(d->growing.fd, name, flags, 0600));
    if (fd < 0 && errno == ENOENT)
        return disk_blob_absent(&d->growing, a, name);
    if (fd < 0 && errno == ELOOP)
        return err_make(a, ERR_CORRUPT, "growing blob %s is a symbolic link", name);
    if (fd < 0 || fstat(fd, ret))
        return disk_failed(d, change_failed(a, errno, "cannot open a growing blob"));
    if (!S_ISREG(ret->st_mode))
        return err_make(a, ERR_CORRUPT, "growing blob %s is not a file", name);
    *ret_fd = TAKE_FD(fd);
    return NULL;
}

static err_t sync_file(struct disk_store *d, int fd, struct arena *a)
{
    if (!d->options.relaxed && TEMP_FAILURE_RETRY(d->sys->fdatasync(fd)))
        return change_failed(a, errno, "cannot sync a growing blob");
    return NULL;
}

/* Cut off what is beyond `size_bytes`; the sync is the caller's. */
static err_t cut_file(struct disk_store *d, int fd, uint64_t size_bytes, struct arena *a)
{
    if (TEMP_FAILURE_RETRY(d->sys->ftruncate(fd, (off_t)size_bytes)))
        return disk_failed(d, change_failed(a, errno, "cannot cut a growing blob"));
    return NULL;
}

static struct growing_writer *growing_new(struct disk_store *d, struct shard *s, const char *name, uint64_t offset)
{
    struct growing_writer *w = must_malloc(sizeof *w);
    *w = (struct growing_writer){
        .disk = { .writer.ops = &growing_ops,
                  .store = d,
                  .shard = s,
                  .size_bytes = offset,
                  .writeback_bytes = offset,
                  .writeback_step = GROWING_WRITEBACK_BYTES },
        .name_is_synced = offset > 0, /* otherwise nothing was acknowledged */
    };
    memcpy(w->disk.name, name, strlen(name) + 1);
    pthread_mutex_init(&w->mutex, NULL);
    w->next = s->writers;
    s->writers = w;
    return w;
}

err_t disk_grow(struct blob_store *store, slice key, uint64_t offset, struct arena *a, struct blob_writer **ret_writer)
{
    if (!blob_key_is_valid(key))
        return err_make(a, ERR_CORRUPT, "no growing blob can have the key that is asked for");
    struct disk_store *d = disk_of(store);
    struct shard *s = disk_shard_of(d, key);
    char name[BLOB_KEY_MAX + 1];
    disk_name_of(key, name);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->writers_mutex);
    fence_writers(s, name);
    struct stat st;
    SCOPED(fd_closep) int fd = -1;
    TRY(open_growing_file(d, name, offset ? 0 : O_CREAT, a, &fd, &st));
    if (st.st_nlink > 1)
        return err_make(a, ERR_CONFLICT, "growing blob %s is settled", name);
    if ((uint64_t)st.st_size < offset)
        return growing_corrupt(a, name, &st, offset);
    if ((uint64_t)st.st_size > offset) {
        TRY(cut_file(d, fd, offset, a));
        TRY(disk_failed(d, sync_file(d, fd, a)));
    }
    struct growing_writer *w = growing_new(d, s, name, offset);
    w->disk.fd = TAKE_FD(fd);
    *ret_writer = &w->disk.writer;
    return NULL;
}

static err_t growing_write(struct blob_writer *writer, slice bytes, struct arena *a)
{
    struct growing_writer *w = growing_of(writer);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->mutex);
    TRY(refuse_fenced(w, a));
    return disk_write(writer, bytes, a);
}

static err_t sync_name(struct growing_writer *w, struct arena *a)
{
    struct disk_store *d = w->disk.store;
    err_t e = w->name_is_synced ? NULL : disk_shard_sync(d, &d->growing, a);
    if (e)
        d->sys->unlinkat(d->growing.fd, w->disk.name, 0);
    w->name_is_synced = !e;
    return e;
}

static err_t growing_flush(struct blob_writer *writer, struct arena *a)
{
    struct growing_writer *w = growing_of(writer);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&w->mutex);
    TRY(refuse_fenced(w, a));
    if (w->disk.failed)
        return err_make(a, ERR_UNAVAILABLE, "an earlier write or flush of this growing blob failed");
    err_t e = sync_file(w->disk.store, w->disk.fd, a);
    if (!e)
        e = sync_name(w, a);
    w->disk.failed = e != NULL;
    return disk_ended(w->disk.store, e);
}

static void growing_discard(struct blob_writer *writer)
{
    if (!writer)
        return;
    struct growing_writer *w = growing_of(writer);
    {
        SCOPED(unlockp) pthread_mutex_t *held = lock(&w->disk.shard->writers_mutex);
        struct growing_writer **at = &w->disk.shard->writers;
        while (*at != w)
            at = &(*at)->next;
        *at = w->next;
    }
    pthread_mutex_destroy(&w->mutex);
    close(w->disk.fd);
    free(w);
}

static const struct blob_ops growing_ops = {
    .name = "disk",
    .write = growing_write,
    .flush = growing_flush,
    .discard = growing_discard,
};

/* ---- settling ---- */

/* What has the name of a growing blob, and what has the name of the blob; each may be absent. */
struct both_names {
    int fd; /* of the growing blob; -1: absent */
    struct stat growing, blob;
    bool has_blob;
};

static void names_closep(struct both_names *n)
{
    fd_closep(&n->fd);
}

static err_t look_at_names(struct disk_store *d, struct shard *s, const char *name, struct arena *a,
                           struct both_names *n)
{
    err_t e = open_growing_file(d, name, 0, a, &n->fd, &n->growing);
    if (e && !err_is(e, ERR_NOT_FOUND))
        return e;
    n->has_blob = fstatat(s->fd, name, &n->blob, AT_SYMLINK_NOFOLLOW) == 0;
    if (n->has_blob)
        return NULL;
    if (errno != ENOENT)
        return change_failed(a, errno, "cannot look at a blob");
    return n->fd < 0 ? disk_blob_absent(s, a, name) : NULL;
}

/* An earlier call gave the blob its name. */
static err_t check_settled(const struct both_names *n, const char *name, uint64_t size_bytes, struct arena *a)
{
    if (n->fd >= 0 && (n->blob.st_ino != n->growing.st_ino || n->blob.st_dev != n->growing.st_dev))
        return err_make(a, ERR_CONFLICT, "another blob has the key %s", name);
    if (!S_ISREG(n->blob.st_mode) || (uint64_t)n->blob.st_size != size_bytes)
        return err_make(a, ERR_CORRUPT, "blob %s is settled with another size than %llu bytes", name,
                        (unsigned long long)size_bytes);
    return NULL;
}

static err_t name_blob(struct disk_store *d, struct shard *s, const struct both_names *n, const char *name,
                       uint64_t size_bytes, struct arena *a)
{
    if ((uint64_t)n->growing.st_size < size_bytes)
        return growing_corrupt(a, name, &n->growing, size_bytes);
    if ((uint64_t)n->growing.st_size > size_bytes)
        TRY(cut_file(d, n->fd, size_bytes, a));
    TRY(disk_failed(d, sync_file(d, n->fd, a))); /* also without a cut: the sync after an earlier cut may have failed */
    if (TEMP_FAILURE_RETRY(d->sys->linkat(d->growing.fd, name, s->fd, name, 0)))
        return disk_failed(d, change_failed(a, errno, "cannot name a blob"));
    return NULL;
}

err_t disk_settle(struct blob_store *store, slice key, uint64_t size_bytes, struct arena *a)
{
    if (!blob_key_is_valid(key))
        return err_make(a, ERR_CORRUPT, "no growing blob can have the key that is asked for");
    struct disk_store *d = disk_of(store);
    struct shard *s = disk_shard_of(d, key);
    char name[BLOB_KEY_MAX + 1];
    disk_name_of(key, name);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->writers_mutex);
    fence_writers(s, name);
    SCOPED(names_closep) struct both_names n = { .fd = -1 };
    TRY(look_at_names(d, s, name, a, &n));
    TRY(n.has_blob ? check_settled(&n, name, size_bytes, a) : name_blob(d, s, &n, name, size_bytes, a));
    err_t e = disk_shard_sync(d, s, a); /* also when it has its name: an earlier call may not have synced it */
    if (e && n.fd >= 0)
        d->sys->unlinkat(s->fd, name, 0); /* as after a failed commit; the growing name keeps the bytes */
    if (!e && n.fd >= 0)
        d->sys->unlinkat(d->growing.fd, name, 0); /* if this fails or is not synced, drop or the next call removes it */
    return disk_ended(d, e);
}

/* ---- reading, removing, listing ---- */

err_t disk_open_growing(struct blob_store *store, slice key, struct arena *a, struct blob_reader **ret_reader)
{
    if (!blob_key_is_valid(key))
        return err_make(a, ERR_CORRUPT, "no growing blob can have the key that is asked for");
    struct disk_store *d = disk_of(store);
    return disk_open_in(d, &d->growing, key, a, ret_reader);
}

err_t disk_drop(struct blob_store *store, slice key, struct arena *a)
{
    if (!blob_key_is_valid(key))
        return NULL;
    struct disk_store *d = disk_of(store);
    struct shard *s = disk_shard_of(d, key);
    char name[BLOB_KEY_MAX + 1];
    disk_name_of(key, name);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->writers_mutex);
    fence_writers(s, name);
    return disk_remove_in(d, &d->growing, key, a);
}

err_t disk_each_growing(struct blob_store *store, struct arena *a, disk_visit *visit, void *arg)
{
    struct disk_store *d = disk_of(store);
    return disk_each_in(d, &d->growing, a, visit, arg);
}
