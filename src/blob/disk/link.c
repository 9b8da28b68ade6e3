/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/disk/disk_store.h"

#include "blob/disk/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The shard directory of the key. -1 with errno. */
static int open_shard(const char *dir, slice key)
{
    char shard[3] = { key.p[0], key.p[1], 0 };
    SCOPED(fd_closep) int store = open(dir, OPEN_DIR);
    return store < 0 ? -1 : openat(store, shard, OPEN_DIR);
}

static bool is_the_blob(int shard, const char *name, uint64_t size_bytes)
{
    struct stat st;
    return fstatat(shard, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t)st.st_size == size_bytes;
}

err_t blob_disk_link(const struct blob_link *link, struct arena *a, enum blob_link_result *ret)
{
    *ret = BLOB_ABSENT;
    if (!blob_key_is_valid(link->key))
        return NULL;
    char name[BLOB_KEY_MAX + 1];
    disk_name_of(link->key, name);
    SCOPED(fd_closep) int old = open_shard(link->from, link->key);
    if (old < 0 || !is_the_blob(old, name, link->size_bytes))
        return NULL;
    SCOPED(fd_closep) int new = open_shard(link->to, link->key);
    if (new < 0)
        return change_failed(a, errno, "cannot open a blob directory");
    if (linkat(old, name, new, name, 0) == 0) {
        if (is_the_blob(new, name, link->size_bytes))
            *ret = BLOB_LINKED;
        else if (unlinkat(new, name, 0) != 0) /* somebody exchanged it meanwhile */
            return change_failed(a, errno, "cannot remove a link");
        return NULL;
    }
    if (errno == EEXIST)
        return err_make(a, ERR_CONFLICT, "blob %s exists", name);
    if (errno == EXDEV || errno == EMLINK || errno == EPERM)
        *ret = BLOB_NOT_LINKABLE;
    return *ret == BLOB_NOT_LINKABLE || errno == ENOENT ? NULL : change_failed(a, errno, "cannot link a blob");
}

err_t blob_disk_sync_names(const char *dir, struct arena *a)
{
    SCOPED(fd_closep) int store = open(dir, OPEN_DIR);
    if (store < 0)
        return change_failed(a, errno, "cannot open the blob directory");
    for (unsigned i = 0; i < SHARDS; i++) {
        char name[3];
        snprintf(name, sizeof name, "%02x", i & 0xff);
        SCOPED(fd_closep) int shard = openat(store, name, OPEN_DIR);
        if (shard < 0 || fsync(shard) != 0)
            return change_failed(a, errno, "cannot sync a blob directory");
    }
    return NULL;
}
