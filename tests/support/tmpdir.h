/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary directory, which the test removes at its end. */
#ifndef CAIS_TESTS_TMPDIR_H
#define CAIS_TESTS_TMPDIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* For tests whose files need no disk, and whose flushes would take longer than the tests. */
static inline void tmpdir_use_memory(void)
{
    if (!getenv("TMPDIR") && access("/dev/shm", W_OK | X_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
}

static inline const char *tmpdir_base(void)
{
    const char *base = getenv("TMPDIR");
    return base && *base ? base : "/tmp";
}

static inline char *tmpdir_make(void)
{
    char *path = NULL;
    if (asprintf(&path, "%s/cais-test-XXXXXX", tmpdir_base()) < 0 || !mkdtemp(path))
        abort();
    return path;
}

static inline int tmpdir_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void tmpdir_remove(char *path)
{
    nftw(path, tmpdir_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    free(path);
}

#endif
