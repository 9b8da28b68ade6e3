/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of the whole store that is consistent although uploads go on, and the way back.
 * A backup is a data directory (data_dir.h: database and blobs) with a MANIFEST, which is written last. */
#ifndef CAIS_CORE_CARE_BACKUP_H
#define CAIS_CORE_CARE_BACKUP_H

#include "core/care/fsck.h"
#include "core/core.h"

/* How to open the stores of a data directory: main knows which kinds there are. The blob store is made when it is
 * missing; the database is opened for reading only when `read_only`. What ret_meta or ret_blob is NULL for is not
 * opened at all. Both are closed by the caller. On failure neither is open. */
struct store_opener {
    err_t (*open)(void *arg, const char *data_dir, bool read_only, struct arena *a, struct meta_store **ret_meta,
                  struct blob_store **ret_blob);
    void *arg;
};

struct backup_report {
    int64_t created_at_ms; /* of the backup */
    int64_t objects, blobs;
    uint64_t blob_bytes;
    bool with_key; /* it holds the master key */
};

/* Copy what `core` holds to dir, which is made, or empty. Nothing is removed from the store meanwhile; what is stored
 * after the database was copied is not in it. Everything is on stable storage, digests compared, before the MANIFEST.
 * key_from  data directory whose master key goes with it; NULL: the backup has none, and who steals it has no signing
 * keys
 * Errors: CONFLICT dir is not empty; CORRUPT the store's bytes are not what the records say; those of the stores and of
 * master_key_read. */
MUST_USE err_t backup_run(struct core *, const char *dir, const char *key_from, const struct store_opener *,
                          struct arena *a, struct backup_report *ret);

/* Make data_dir out of the backup in `from`, and check all of it (fsck, with digests). data_dir is made, or empty but
 * for a lock. A backup of an older version becomes one of today's; the backup itself is not touched. The database takes
 * its name last: an interrupted restore leaves no data directory that a server would start on. A master key in the
 * backup comes with it; without one, signing keys are findings (warnings) in ret_fsck.
 * Errors: NOT_FOUND no MANIFEST; CONFLICT data_dir is not empty; CORRUPT the backup is damaged; UNSUPPORTED made by a
 * newer version; those of the stores. */
MUST_USE err_t backup_restore(const char *from, const char *data_dir, const struct store_opener *, struct clock *,
                              struct random *, struct arena *a, struct backup_report *ret,
                              struct fsck_report *ret_fsck);

#endif
