/* SPDX-License-Identifier: Apache-2.0 */
/* Backup: a consistent copy of the whole store, made while uploads go on; and restore, which makes a data directory
 * from it. A backup is a data directory (data_dir.h: database and blobs) with a MANIFEST, which is written last. */
#ifndef CAIS_CORE_CARE_BACKUP_H
#define CAIS_CORE_CARE_BACKUP_H

#include "core/care/fsck.h"
#include "core/care/manifest.h"
#include "core/core.h"

/* Opens the stores of a data directory. main provides it, because core does not know the kinds of stores. The blob
 * store is made when it is missing. With read_only the database is opened for reading only. A store whose ret_ argument
 * is NULL is not opened. The caller closes both; after an error neither is open. */
struct store_opener {
    err_t (*open)(void *arg, const char *data_dir, bool read_only, struct arena *a, struct meta_store **ret_meta,
                  struct blob_store **ret_blob);
    /* The dataset store of a data directory. *ret is NULL when the program has none. NULL: it has none. */
    err_t (*open_datasets)(void *arg, const char *data_dir, struct arena *a, struct dataset_store **ret);
    void *arg;
};

/* Copy the stores of `core` to dir, which is made, or empty. While the backup runs, no bytes are removed from the
 * store. Objects that are stored after the database was copied are not in the backup. All digests are compared and all
 * bytes are on stable storage before the MANIFEST is written.
 *
 * key_from  the data directory whose master key is copied too; NULL: the backup has no master key, so that a thief of
 *           the backup gets no signing keys
 * Errors    CONFLICT dir is not empty; NO_SPACE the disk of dir would keep less than the reserve of core/free_space.h, in which
 *           case the unfinished copy stays there; CORRUPT the store's bytes do not match its records; those of the stores and of
 *           master_key_read */
MUST_USE err_t backup_run(struct core *, const char *dir, const char *key_from, const struct store_opener *,
                          struct arena *a, struct backup_report *ret);

struct restore_params {
    const char *from;     /* the backup; restoring does not change it */
    const char *data_dir; /* made, or empty but for a lock */
    const struct store_opener *opener;
    struct clock *clock;
    struct random *random;
};
/* Make a data directory from a backup, and check all of it (fsck, with digests). The records of a backup that an older
 * version made are migrated. The schema of its database must be that of its version, and no row
 * may hold what this program never writes. The database gets its name last, so a restore that failed or was interrupted
 * leaves no directory on which a server would start. A master key in the backup is restored; without it, ret_fsck lists the signing keys as warnings.
 * Errors: NOT_FOUND the backup has no MANIFEST; CONFLICT data_dir is not empty; CORRUPT the backup is damaged;
 * UNSUPPORTED a newer version made it; those of the stores. */
MUST_USE err_t backup_restore(const struct restore_params *, struct arena *a, struct backup_report *ret,
                              struct fsck_report *ret_fsck);

#endif
