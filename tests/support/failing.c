/* SPDX-License-Identifier: Apache-2.0 */
/* cais-failing: the program with flushes that fail when tests say so. CAIS_TEST_FAIL_FLUSH names a file. When it exists
 * and holds the end of a path, the next flush of such a path fails with EIO, without flushing, and the file is removed.
 * fdatasync, fsync and syncfs of this program stand before those of the C library, for SQLite, too. */
#include "base/clock.h"
#include "base/random.h"
#include "cli/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool must_fail(int flushed)
{
    const char *order = getenv("CAIS_TEST_FAIL_FLUSH");
    int fd = order ? open(order, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    char end[64] = "", link_path[64], path[4096] = "";
    ssize_t n = read(fd, end, sizeof end - 1);
    close(fd);
    snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", flushed);
    ssize_t length = readlink(link_path, path, sizeof path - 1);
    bool is_meant = n > 0 && length >= n && strcmp(path + length - n, end) == 0;
    return is_meant && unlink(order) == 0; /* of two threads one succeeds */
}

static int flush_or_fail(int fd, long call)
{
    if (!must_fail(fd))
        return (int)syscall(call, fd);
    errno = EIO;
    return -1;
}

int fdatasync(int fd)
{
    return flush_or_fail(fd, SYS_fdatasync);
}

int fsync(int fd)
{
    return flush_or_fail(fd, SYS_fsync);
}

int syncfs(int fd)
{
    return flush_or_fail(fd, SYS_syncfs);
}

int main(int argc, char **argv)
{
    return cais_main(argc, argv, clock_system(), random_system());
}
