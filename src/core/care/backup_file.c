/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/backup_file.h"

#include "base/hash.h"
#include "base/scoped.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 128 * 1024 };
#define PARTIAL_SUFFIX ".partial"

err_t backup_file_sync(const char *path, struct arena *a)
{
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return err_errno(a, errno, "cannot sync %s", path);
    return NULL;
}

/* Never waits for a writer, as opening a pipe would. */
static err_t open_to_read(const char *path, struct arena *a, int *ret_fd)
{
    struct stat st;
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_errno(a, errno, "cannot open %s", path);
    if (!S_ISREG(st.st_mode))
        return err_make(a, ERR_CORRUPT, "%s is no file", path);
    *ret_fd = TAKE_FD(fd);
    return NULL;
}

static err_t write_all(int fd, slice bytes, const char *path, struct arena *a)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR)
            return err_errno(a, errno, "cannot write %s", path);
        bytes = slice_from(bytes, n > 0 ? (size_t)n : 0);
    }
    return NULL;
}

err_t backup_file_copy(const char *from, const char *to, struct arena *a, slice *ret_sha256)
{
    unsigned char digest[SHA256_SIZE];
    SCOPED(fd_closep) int in = -1;
    TRY(open_to_read(from, a, &in));
    SCOPED(fd_closep) int out = to ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (to && out < 0)
        return err_errno(a, errno, "cannot make %s", to);
    SCOPED(hash_freep) struct hash *sha256 = hash_new(HASH_SHA256);
    char *piece = arena_alloc(a, PIECE);
    for (ssize_t n = 1; n;) {
        n = TEMP_FAILURE_RETRY(read(in, piece, PIECE));
        if (n < 0)
            return err_errno(a, errno, "cannot read %s", from);
        hash_update(sha256, (slice){ piece, (size_t)n });
        if (to)
            TRY(write_all(out, (slice){ piece, (size_t)n }, to, a));
    }
    if (to && fsync(out) != 0)
        return err_errno(a, errno, "cannot sync %s", to);
    hash_final(sha256, digest);
    *ret_sha256 = hex_encode(a, (slice){ (const char *)digest, sizeof digest });
    return NULL;
}

err_t backup_file_write(const char *dir, const char *name, slice text, struct arena *a)
{
    const char *path = arena_printf(a, "%s/%s", dir, name).p, *partial = arena_printf(a, "%s" PARTIAL_SUFFIX, path).p;
    SCOPED(fd_closep) int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(a, errno, "cannot make %s", partial);
    TRY(write_all(fd, text, partial, a));
    if (fsync(fd) != 0 || rename(partial, path) != 0)
        return err_errno(a, errno, "cannot write %s", path);
    return backup_file_sync(dir, a);
}

err_t backup_file_read(const char *path, size_t max, struct arena *a, slice *ret)
{
    SCOPED(fd_closep) int fd = -1;
    TRY(open_to_read(path, a, &fd));
    char *text = arena_alloc(a, max);
    ssize_t n = TEMP_FAILURE_RETRY(read(fd, text, max));
    if (n < 0)
        return err_errno(a, errno, "cannot read %s", path);
    *ret = (slice){ text, (size_t)n };
    return NULL;
}

err_t backup_check_space(uint64_t free_bytes, uint64_t reserve_bytes, uint64_t bytes, struct arena *a)
{
    if (free_bytes >= reserve_bytes && free_bytes - reserve_bytes >= bytes)
        return NULL;
    return err_make(a, ERR_NO_SPACE,
                    "the disk of the copy would have less than storage.reserve_free_space left. Remove the unfinished"
                    " copy, and make it on a disk with more room");
}
