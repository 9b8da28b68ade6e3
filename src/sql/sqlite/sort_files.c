/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/sqlite/sort_files.h"

#include "base/arena.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sort_files {
    sqlite3_vfs vfs;
    atomic_ullong made;
    char name[32];
    char *path;
};

/* The default VFS needs the path for this call alone: it unlinks the file, and locks none that is no database. */
static int open_sort_file(struct sort_files *s, sqlite3_file *f, int flags, int *ret_flags)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    unsigned long long number = atomic_fetch_add(&s->made, 1);
    SCRATCH(scratch);
    slice path = arena_printf(&scratch, "%s-sort-%llu", s->path, number);
    return path.n < (size_t)real->mxPathname ? real->xOpen(real, path.p, f, flags, ret_flags) : SQLITE_CANTOPEN;
}

static int sort_vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    if (!name && flags & SQLITE_OPEN_DELETEONCLOSE)
        return open_sort_file(CONTAINER_OF(vfs, struct sort_files, vfs), f, flags, ret_flags);
    return real->xOpen(real, name, f, flags, ret_flags);
}

struct sort_files *sort_files_new(const char *path)
{
    struct sort_files *s = must_malloc(sizeof *s);
    s->vfs = *sqlite3_vfs_find(NULL);
    s->path = must_strdup(path);
    snprintf(s->name, sizeof s->name, "cais-sort-%p", (void *)s);
    s->vfs.zName = s->name;
    s->vfs.pNext = NULL;
    s->vfs.xOpen = sort_vfs_open;
    if (sqlite3_vfs_register(&s->vfs, 0) != SQLITE_OK)
        abort(); /* out of memory */
    return s;
}

const char *sort_files_vfs(const struct sort_files *s)
{
    return s->name;
}

void sort_files_free(struct sort_files *s)
{
    if (!s)
        return;
    sqlite3_vfs_unregister(&s->vfs);
    free(s->path);
    free(s);
}
