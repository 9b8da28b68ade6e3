/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/data_dir.h"

#include "base/dir.h"
#include "base/scoped.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

err_t data_dir_check_private(const char *dir, uid_t uid, struct arena *a)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        return err_errno(a, errno, "cannot look at the data directory %s", dir);
    if (st.st_uid != uid)
        return err_make(a, ERR_FORBIDDEN,
                        "the data directory %s belongs to the user with the id %u, and this is the user with the id %u."
                        " Run cais as its owner, or give it away with 'chown -R %u %s'",
                        dir, (unsigned)st.st_uid, (unsigned)uid, (unsigned)uid, dir);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return err_make(a, ERR_FORBIDDEN,
                        "the data directory %s has mode %04o: other users can write to it. Run 'chmod 0700 %s'", dir,
                        (unsigned)(st.st_mode & 07777), dir);
    return NULL;
}

/* The first name in `path` that is not "." or ".."; NULL when there is none. A missing directory is empty. */
static err_t first_name(const char *path, DIR *dir, struct arena *a, const char **ret_name)
{
    *ret_name = NULL;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? err_errno(a, errno, "cannot read %s", path) : NULL;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        *ret_name = arena_cstr(a, slice_of(entry->d_name));
        return NULL;
    }
}

static err_t holds_a_name(const char *path, struct arena *a, bool *ret_holds)
{
    const char *name;
    SCOPED(dir_closep) DIR *dir = opendir(path);
    *ret_holds = false;
    if (!dir)
        return errno == ENOENT || errno == ENOTDIR ? NULL : err_errno(a, errno, "cannot open %s", path);
    TRY(first_name(path, dir, a, &name));
    *ret_holds = name != NULL;
    return NULL;
}

/* Blobs and growing blobs stand in subdirectories of `path`, one level below. */
static err_t holds_a_blob(const char *path, struct arena *a, bool *ret_holds)
{
    SCOPED(dir_closep) DIR *dir = opendir(path);
    *ret_holds = false;
    if (!dir)
        return errno == ENOENT ? NULL : err_errno(a, errno, "cannot open %s", path);
    for (;;) {
        const char *shard;
        TRY(first_name(path, dir, a, &shard));
        if (!shard)
            return NULL;
        TRY(holds_a_name(arena_printf(a, "%s/%s", path, shard).p, a, ret_holds));
        if (*ret_holds)
            return NULL;
    }
}

err_t data_dir_holds_data(const char *dir, struct arena *a, bool *ret_holds)
{
    static const char *const tables[] = { DATA_DIR_DATASETS, DATA_DIR_RECORDS };
    *ret_holds = access(arena_printf(a, "%s/" DATA_DIR_MASTER_KEY, dir).p, F_OK) == 0;
    for (size_t i = 0; i < LENGTH_OF(tables) && !*ret_holds; i++)
        TRY(holds_a_name(arena_printf(a, "%s/%s", dir, tables[i]).p, a, ret_holds));
    return *ret_holds ? NULL : holds_a_blob(arena_printf(a, "%s/" DATA_DIR_BLOBS, dir).p, a, ret_holds);
}
