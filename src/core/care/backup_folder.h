/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of a backup: how one is begun, finished, recognised and removed.
 *
 *   (nothing) ──backup_folder_begin──► unfinished ──MANIFEST, backup_folder_finish──► complete
 *   complete ──backup_folder_keep──► being removed ──► (nothing)
 *
 * An unfinished folder and one that is being removed hold the file UNFINISHED, which is made first and removed last. So a crash at
 * any point leaves a folder of which it is known that nothing in it is needed. A removal takes the MANIFEST first; one that stands
 * beside UNFINISHED is that of a complete backup. Whoever makes a backup has UNFINISHED locked. Symbolic links are removed, never followed. */
#ifndef CAIS_CORE_CARE_BACKUP_FOLDER_H
#define CAIS_CORE_CARE_BACKUP_FOLDER_H

#include "base/err.h"
#include "base/scoped.h"

#define BACKUP_UNFINISHED "UNFINISHED"

struct backup_folder {
    int fd, mark_fd; /* of the folder and of its UNFINISHED; -1: none */
    bool replaced;   /* an unfinished backup was removed from it */
};

/* Makes the folder, or takes one that is empty, or removes what an unfinished backup left in it. Errors: CONFLICT there is something
 * else in it, or somebody makes that backup now; NO_SPACE; UNAVAILABLE. */
MUST_USE err_t backup_folder_begin(const char *dir, struct arena *a, struct backup_folder *ret);
/* Its MANIFEST is there and flushed: the backup is complete. */
MUST_USE err_t backup_folder_finish(struct backup_folder *, struct arena *a);
static inline void backup_folder_closep(struct backup_folder *f)
{
    fd_closep(&f->mark_fd);
    fd_closep(&f->fd);
}

/* A folder that was removed, or that could not be. */
struct removed_backup {
    const char *name;
    err_t e; /* NULL: it is gone */
};
struct removed_backups {
    struct removed_backup *items;
    size_t count;
};
/* Removes the oldest complete backups beside `dir`, which is one itself, until `keep` are left, and goes on with removals that were
 * interrupted. A folder is a backup when it belongs to the user who runs the program, its MANIFEST can be read, and it holds nothing
 * but what a backup holds; a data directory, which has a lock, is none. `dir` and `base` (NULL: none) are never removed.
 * Errors: UNAVAILABLE the folder above cannot be read. */
MUST_USE err_t backup_folder_keep(const char *dir, const char *base, int64_t keep, struct arena *a,
                                  struct removed_backups *ret);

#endif
