/* SPDX-License-Identifier: Apache-2.0 */
/* The stores of a data directory, opened as the configuration says, and core on top of them. One process at a time can have
 * them open: the one that holds DIR/lock. */
#ifndef CAIS_CLI_STORE_H
#define CAIS_CLI_STORE_H

#include "cli/config.h"
#include "core/care/backup.h"
#include "core/core.h"

struct store {
    int lock_fd; /* -1: not locked by us */
    struct meta_store *meta;
    struct blob_store *blob;
    struct dataset_store *datasets; /* NULL: the program was built without */
    struct seal *seal;              /* of the master key */
    struct core core;
    struct log *log;
    int64_t flush_us; /* how long one durable write of 4 KiB takes on this disk */
    bool relaxed;     /* storage.durability */
};

/* Make the data directory if it is missing, lock it, open the stores, and make the master key and the first account if
 * they are missing. Signing keys that the master key does not open are reported to the log (may be NULL); they are not an
 * error.
 * Errors: CONFLICT another process holds the lock; FORBIDDEN the directory cannot be written, or other users may use the
 * master key; UNSUPPORTED a newer version wrote it; CORRUPT, also when the master key is not a key; UNAVAILABLE. */
MUST_USE err_t store_open(struct store *, const struct config *, struct clock *, struct random *, struct log *,
                          struct arena *a);
void store_close(struct store *); /* after everything that uses core has stopped; also when store_open failed */
/* Does a process hold the lock of this data directory? */
bool store_is_in_use(slice data_dir);
/* For backup and restore. config is borrowed. */
struct store_opener store_opener(const struct config *config);

#endif
