/* SPDX-License-Identifier: Apache-2.0 */
/* Backup: a consistent copy of the whole store, made while uploads go on; and restore, which makes a data directory
 * from it. A backup is a data directory (data_dir.h: database and blobs) with a MANIFEST, which is written last. */
#ifndef CAIS_CORE_CARE_BACKUP_H
#define CAIS_CORE_CARE_BACKUP_H

#include "core/care/fsck.h"
#include "core/care/manifest.h"
#include "core/core.h"
#include "core/store/blob_link.h"

/* Opens the stores of a data directory. main provides it, because core does not know the kinds of stores. The blob
 * store is made when it is missing. With read_only the database is opened for reading only. A store whose ret_ argument
 * is NULL is not opened. The caller closes both; after an error neither is open. */
struct store_opener {
    err_t (*open)(void *arg, const char *data_dir, bool read_only, struct arena *a, struct meta_store **ret_meta,
                  struct blob_store **ret_blob);
    /* The dataset store of a data directory. *ret is NULL when the program has none. NULL: it has none. */
    err_t (*open_datasets)(void *arg, const char *data_dir, struct arena *a, struct dataset_store **ret);
    /* The record store of a data directory. NULL: the program has none. */
    err_t (*open_records)(void *arg, const char *data_dir, struct random *, struct arena *a, struct record_store **ret);
    /* Gives a blob of one data directory a second name in that of another, whose blob store is open. NULL: that is not possible. */
    err_t (*link_blob)(void *arg, const struct blob_link *, struct arena *a, enum blob_link_result *ret);
    /* Syncs the names of all blobs of a data directory. */
    err_t (*sync_names)(void *arg, const char *dir, struct arena *a);
    void *arg;
};

struct backup_params {
    const char *dir;      /* made, or empty, or with what an unfinished backup left, which is removed */
    const char *base;     /* a complete backup: its blobs are linked, not copied; NULL: none */
    const char *key_from; /* the data directory whose master key is copied, too; NULL: the backup has none */
    bool verify; /* read everything back before the backup counts as complete, and the blobs of the base as well */
    const struct store_opener *opener;
    /* What is copied now, and how many bytes of about so many (0: it is not known). May be NULL; it is called often. */
    void (*on_progress)(void *arg, const char *what, uint64_t done_bytes, uint64_t total_bytes);
    void *arg;
};

/* Copy the stores of `core` to dir, which is made, or empty. While the backup runs, no bytes are removed from the
 * store. Objects that are stored after the database was copied are not in the backup. While the database and the tables of datasets
 * and records are copied, no rows are added to these (core/dataset/gate.h). All digests are compared, the copies of record sets are
 * verified, and all bytes are on stable storage before the MANIFEST is written.
 *
 * A blob that the base has under the same key, with the same size, becomes a second name of that file, which nobody ever changes:
 * blobs are written once. With `verify` its digest is compared, too, and if it differs the blob is copied.
 *
 * Errors    CONFLICT dir is not empty (backup_folder.h); NOT_FOUND base is no complete backup; NO_SPACE the disk of dir would keep
 *           less than the reserve of core/free_space.h, in which case the unfinished copy stays there; CORRUPT the store's bytes do
 *           not match its records, or what was read back is not what was written; those of the stores and of master_key_read */
MUST_USE err_t backup_run(struct core *, const struct backup_params *, struct arena *a, struct backup_report *ret);

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
