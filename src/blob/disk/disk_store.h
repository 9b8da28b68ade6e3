/* SPDX-License-Identifier: Apache-2.0 */
/* What the blobs and the growing blobs of the disk store share. */
#ifndef CAIS_BLOB_DISK_DISK_STORE_H
#define CAIS_BLOB_DISK_DISK_STORE_H

#include "core/store/blob_store.h"

#include <pthread.h>
#include <sys/types.h>

#define SHARDS 256

struct growing_writer;

/* Every system call that changes the disk. Tests record their order, make one of them fail, or follow what they leave on a disk
 * whose power fails (tests/unit/blob_power.c). */
struct disk_syscalls {
    int (*openat)(int dir, const char *name, int flags, mode_t mode);
    int (*mkdirat)(int dir, const char *name, mode_t mode);
    int (*linkat)(int from_dir, const char *from, int to_dir, const char *to, int flags);
    int (*unlinkat)(int dir, const char *name, int flags);
    ssize_t (*pwrite)(int fd, const void *bytes, size_t n, off_t offset);
    int (*ftruncate)(int fd, off_t size);
    int (*sync_file_range)(int fd, off_t offset, off_t len, unsigned flags);
    int (*fdatasync)(int fd);
    int (*fsync)(int fd);
};
extern const struct disk_syscalls disk_syscalls_real;

struct disk_options {
    bool relaxed;                    /* no sync at all */
    bool read_only;                  /* folders that are missing stay so: their descriptor is -1 */
    bool temporary_names;            /* as if O_TMPFILE were not supported */
    const struct disk_syscalls *sys; /* NULL: the real ones */
};

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

    pthread_mutex_t writers_mutex; /* held also while a growing blob of these keys is opened, settled or dropped */
    struct growing_writer *writers;
};

struct disk_store {
    struct blob_store store;
    struct disk_options options;
    const struct disk_syscalls *sys;
    int fd;
    uint64_t temporaries; /* temporary names given so far */
    struct shard shards[SHARDS];
    struct shard growing; /* the directory of the growing blobs of all keys */
};

struct disk_writer {
    struct blob_writer writer;
    struct disk_store *store;
    struct shard *shard;
    int fd;
    bool failed;
    uint64_t size_bytes, writeback_bytes; /* written; and of these, the bytes whose write-back has begun */
    uint64_t writeback_step;              /* write-back begins whenever so many bytes more are written */
    char name[BLOB_KEY_MAX + 1];
    char temporary[32]; /* empty when the file has no name */
};

/* During a change, ENOENT means that a directory of the store went away. That is UNAVAILABLE, not NOT_FOUND. */
err_t disk_change_failed_at(struct arena *a, const char *where, int errnum, const char *what);
#define change_failed(a, errnum, what) disk_change_failed_at((a), ERR_HERE, (errnum), (what))

/* How a change of the disk ended: the watch of the store learns of it, and e is returned. disk_failed: only of a failure. */
err_t disk_ended(struct disk_store *d, err_t e);
err_t disk_failed(struct disk_store *d, err_t e);

struct disk_store *disk_of(struct blob_store *store);
struct disk_writer *disk_writer_of(struct blob_writer *w);
struct shard *disk_shard_of(struct disk_store *d, slice key); /* the key is valid */
void disk_name_of(slice key, char ret_name[BLOB_KEY_MAX + 1]);

/* Make the caller's earlier changes of the directory durable. Errors: NO_SPACE, UNAVAILABLE. */
err_t disk_shard_sync(struct disk_store *d, struct shard *s, struct arena *a);
/* The error for ENOENT in a directory of the store: NOT_FOUND, or UNAVAILABLE if the directory itself is gone. */
err_t disk_blob_absent(struct shard *s, struct arena *a, const char *name);

/* What struct blob_ops asks for, for both kinds of blobs. Keys are valid. */
err_t disk_write(struct blob_writer *writer, slice bytes, struct arena *a);
err_t disk_open_in(struct disk_store *d, struct shard *s, slice key, struct arena *a, struct blob_reader **ret_reader);
err_t disk_remove_in(struct disk_store *d, struct shard *s, slice key, struct arena *a);
typedef err_t disk_visit(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms);
err_t disk_each_in(struct disk_store *d, struct shard *s, struct arena *a, disk_visit *visit, void *arg);

/* Call fn with every name in the shard directory, `.` and `..` too. */
err_t disk_shard_names(struct shard *s, struct arena *a,
                       err_t (*fn)(void *arg, struct shard *s, const char *name, struct arena *a), void *arg);

#endif
