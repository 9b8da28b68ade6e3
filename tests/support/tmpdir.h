/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary directory, which the test removes at its end. */
#ifndef CAIS_TESTS_TMPDIR_H
#define CAIS_TESTS_TMPDIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline char *tmpdir_make(void)
{
    const char *base = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/cais-test-XXXXXX", base && *base ? base : "/tmp") < 0 || !mkdtemp(path))
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
