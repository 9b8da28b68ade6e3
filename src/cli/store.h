/* SPDX-License-Identifier: Apache-2.0 */
/* The stores of a data directory, opened as the configuration says, with core on top. One process at a time: whoever
 * holds DIR/lock. */
#ifndef CAIS_CLI_STORE_H
#define CAIS_CLI_STORE_H

#include "cli/config.h"
#include "core/care/backup.h"
#include "core/core.h"

struct store {
    int lock_fd; /* -1: not ours */
    struct meta_store *meta;
    struct blob_store *blob;
    struct seal *seal; /* of the master key */
    struct core core;
    struct log *log;
    int64_t flush_us; /* what one durable 4 KiB write costs on this disk */
    bool relaxed;
};

/* Make the data directory when it is missing, lock it, open everything, make the master key and the first account.
 * log may be NULL; else it is told of signing keys that the master key does not open, which is no error.
 * Errors: CONFLICT another process has it; FORBIDDEN it cannot be written, or others may use the master key;
 * UNSUPPORTED written by a newer version; CORRUPT, also a master key that is none; UNAVAILABLE. */
MUST_USE err_t store_open(struct store *, const struct config *, struct clock *, struct random *, struct log *,
                          struct arena *a);
void store_close(struct store *); /* after everything that uses core has stopped; also after a failed open */
/* True when some process holds the lock of this data directory. */
bool store_is_in_use(slice data_dir);
/* For backup and restore. config is borrowed. */
struct store_opener store_opener(const struct config *config);

#endif
