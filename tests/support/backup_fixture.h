/* SPDX-License-Identifier: Apache-2.0 */
/* Backups of a world, in a directory of the test: opening the stores in one, as main does, and changing what is in it. The functions
 * fail the test on an error, but for those that return err_t. */
#ifndef CAIS_TESTS_BACKUP_FIXTURE_H
#define CAIS_TESTS_BACKUP_FIXTURE_H

#include "core/care/backup.h"
#include "world.h"

/* A new directory, which is removed at the end of the block. */
const char *folder_new(struct world *w);
void folder_removep(const char **dir);
#define FOLDER(name)                                                                                                   \
    SCOPED(folder_removep)                                                                                             \
    const char *name = folder_new(w)
const char *path_in(struct world *w, const char *dir, const char *name);

extern const struct store_opener backup_fixture_opener;
/* Its `open`. */
err_t open_stores(void *arg, const char *dir, bool read_only, struct arena *a, struct meta_store **ret_meta,
                  struct blob_store **ret_blob);
err_t back_up(struct world *w, const char *to, struct backup_report *ret);
err_t restore_and_check(struct world *w, const char *from, const char *to, struct backup_report *ret,
                        struct fsck_report *ret_fsck);
err_t restore(struct world *w, const char *from, const char *to, struct backup_report *ret);

void flip_byte(const char *path, off_t at);
void write_new_file(const char *path, slice text);
slice read_whole_file(struct world *w, const char *path);
slice sha256_of_file(struct world *w, const char *path);
/* Run SQL statements on a database, whatever its constraints say. */
void run_script_on_file(struct world *w, const char *database, const char *script);
/* The same on that of a backup; its MANIFEST fits again afterwards. */
void change_backup(struct world *w, const char *backup, const char *script);
/* Replaces a part of the MANIFEST of a backup. */
void change_manifest(struct world *w, const char *backup, slice from, slice to);

#endif
