/* SPDX-License-Identifier: Apache-2.0 */
/* A file is written under another name and flushed; link() then gives it its own name without replacing a file, and the directory is
 * flushed. */
#include "base/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define NEW_SUFFIX ".new"

err_t secret_file_read(const char *path, size_t max, struct arena *a, slice *ret)
{
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == EACCES)
        return err_make(a, ERR_FORBIDDEN, "%s cannot be read by this user", path);
    if (fd < 0)
        return err_errno(a, errno, "cannot open %s", path);
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(a, errno, "cannot look at %s", path);
    if (!S_ISREG(st.st_mode))
        return err_make(a, ERR_CORRUPT, "%s is no ordinary file", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return err_make(a, ERR_FORBIDDEN, "%s has mode %04o: others may use it; give it mode 0600", path,
                        (unsigned)(st.st_mode & 07777));
    char *bytes = arena_alloc(a, max + 1); /* one more, to notice a longer file */
    ssize_t n = read(fd, bytes, max + 1);
    if (n < 0)
        return err_errno(a, errno, "cannot read %s", path);
    *ret = (slice){ bytes, (size_t)n };
    if ((size_t)n <= max)
        return NULL;
    secret_wipe(*ret);
    return err_make(a, ERR_CORRUPT, "%s is longer than %zu bytes", path, max);
}

static err_t write_new(const char *path, slice bytes, struct arena *a)
{
    SCOPED(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_errno(a, errno, "cannot make %s", path);
    ssize_t n = write(fd, bytes.p, bytes.n);
    if (n != (ssize_t)bytes.n)
        return err_errno(a, n < 0 ? errno : ENOSPC, "cannot write %s", path);
    if (fsync(fd) != 0)
        return err_errno(a, errno, "cannot sync %s", path);
    return NULL;
}

err_t secret_file_keep(const char *dir, struct arena *a)
{
    SCOPED(fd_closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return err_errno(a, errno, "cannot sync %s", dir);
    return NULL;
}

static err_t link_into_place(const char *from, const char *to, const char *dir, struct arena *a)
{
    if (link(from, to) != 0)
        return errno == EEXIST ? err_make(a, ERR_CONFLICT, "%s is there already", to)
                               : err_errno(a, errno, "cannot name %s", to);
    return secret_file_keep(dir, a);
}

err_t secret_file_make(const char *dir, const char *name, slice bytes, struct arena *a)
{
    const char *path = arena_printf(a, "%s/%s", dir, name).p, *made = arena_printf(a, "%s" NEW_SUFFIX, path).p;
    (void)unlink(made); /* left by a start that was interrupted before it used the key */
    err_t e = write_new(made, bytes, a);
    if (!e)
        e = link_into_place(made, path, dir, a);
    (void)unlink(made);
    return e;
}

void secret_wipe(slice bytes)
{
    explicit_bzero((void *)(uintptr_t)bytes.p, bytes.n);
}
