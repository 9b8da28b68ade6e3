/* SPDX-License-Identifier: Apache-2.0 */
/* The stores of a data directory, opened as the configuration says, and core on top of them. One process at a time can have
 * them open: the one that holds DIR/lock. */
#ifndef CAIS_CLI_STORE_H
#define CAIS_CLI_STORE_H

#include "cli/config.h"
#include "core/care/backup.h"
#include "core/core.h"

struct store {
    int lock_fd, dir_lock_fd; /* -1: not locked by us */
    struct meta_store *meta;
    struct blob_store *blob;
    struct dataset_store *datasets; /* NULL: the program was built without */
    struct record_store *records;
    struct seal *seal; /* of the master key */
    struct core core;
    struct log *log;
    int64_t flush_us; /* how long one durable write of 4 KiB takes on this disk; -1: it was full at the start */
    const char *data_dir;
    bool is_full, has_ballast; /* as last seen; atomic */
    bool relaxed;              /* storage.durability */
};

/* On a disk that is full the ballast (core/care/ballast.h) is given up, so that reads and deletions work. What changes with the
 * disk is reported to the log, once for each change.
 *
 * Make the data directory if it is missing, lock it, open the stores, and make the master key and the first account if
 * they are missing. Signing keys that the master key does not open are reported to the log (may be NULL); they are not an
 * error.
 * Errors: CONFLICT another process holds the lock; FORBIDDEN the directory cannot be written, or other users may use the
 * master key; UNSUPPORTED a newer version wrote it; CORRUPT, also when the master key is not a key; UNAVAILABLE. */
MUST_USE err_t store_open(struct store *, const struct config *, struct clock *, struct random *, struct log *,
                          struct arena *a);
/* Is there a store? A check or a backup of a path that was mistyped, or where nothing is mounted, must not succeed with a new, empty
 * one, so only `cais serve` and `cais init` call store_open without this. A directory whose database was lost is one, and store_open
 * says so. Errors: NOT_FOUND there is none, and how to name another; CONFLICT a server is just making it; UNAVAILABLE. */
MUST_USE err_t store_check_exists(slice data_dir, struct arena *a);
void store_close(struct store *); /* after everything that uses core has stopped; also when store_open failed */
/* The options of core that the configuration has. records_were_lost is false. */
void store_limits(const struct config *, struct core_options *ret);
/* Does a process hold the lock of this data directory? */
bool store_is_in_use(slice data_dir);
/* An error of a damaged database, with what a person can do; any other error as it is. */
err_t store_advise_salvage(slice data_dir, err_t e, struct arena *a);
/* Go on without what stands behind the damage of the write-ahead log (sql/sqlite/log_check.h). ret_kept: where the damaged log is kept;
 * NULL: the log is not damaged. Errors: CONFLICT another process holds the lock; NO_SPACE; UNAVAILABLE. */
MUST_USE err_t store_accept_lost_records(slice data_dir, struct arena *a, const char **ret_kept);
/* For backup and restore. config is borrowed. */
struct store_opener store_opener(const struct config *config);

#endif
