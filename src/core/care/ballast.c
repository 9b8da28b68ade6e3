/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/ballast.h"

#include "base/arena.h"
#include "base/scoped.h"
#include "core/care/data_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STAT_BLOCK = 512 }; /* of st_blocks, on every file system */

static const char *ballast_path(const char *data_dir, struct arena *a)
{
    return arena_printf(a, "%s/" DATA_DIR_BALLAST, data_dir).p;
}

bool ballast_make(const char *data_dir, uint64_t free_bytes, uint64_t reserve_bytes)
{
    SCRATCH(a);
    const char *path = ballast_path(data_dir, &a);
    struct stat st;
    /* The copy of a data directory may have made a hole of it, which would give back nothing. */
    if (lstat(path, &st) == 0 && st.st_size == BALLAST_BYTES && st.st_blocks * STAT_BLOCK >= BALLAST_BYTES)
        return true;
    if (free_bytes < reserve_bytes || free_bytes - reserve_bytes < 2 * (uint64_t)BALLAST_BYTES)
        return false;
    SCOPED(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    if (posix_fallocate(fd, 0, BALLAST_BYTES) == 0) /* its size comes last, so one that was interrupted is continued */
        return true;
    unlink(path);
    return false;
}

bool ballast_drop(const char *data_dir)
{
    SCRATCH(a);
    return unlink(ballast_path(data_dir, &a)) == 0;
}
