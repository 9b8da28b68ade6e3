/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when the disk is full. All of it:
 *
 *   The reserve    core_options.reserve_bytes (the key storage.reserve_free_space) of free space stays for the database
 *                  and its log. What would leave less than that is refused with NO_SPACE.
 *   At the start   intake_open and ticket_issue ask free_space_check for the declared length, so that a client does not
 *                  send a body that is then refused. Each API answers NO_SPACE in its own way, with a status that a
 *                  client retries (503, 507).
 *   On the way     intake_write calls free_space_take before each write to the blob store, so an upload of unknown or false
 *                  length stops there too, and uploads that run at once cannot together use more than there is.
 *   Rows           dataset_ingest holds what each batch of rows has in memory, which is more than it takes on the disk,
 *                  because the dataset store may keep many rows in memory until it writes them. A file that finds no
 *                  space is read again when there is some.
 *   Records        a write that adds records and no bytes of a file asks in quota_take_records, before it changes
 *                  anything.
 *   The real end   the blob store and the database report NO_SPACE when the disk says ENOSPC or EDQUOT, whatever was
 *                  counted here. A commit that finds no space is repeated write by write (src/meta/committer.c), so
 *                  that a large write does not fail the small ones beside it.
 *   What is left   nothing of the refused upload: the blob writer is discarded, no row was written.
 *   What goes on   downloads, logins, deletions, purge and garbage collection, which need the reserve at most. GET
 *                  /health says "full" (503) while not even one byte would be taken.
 *   How it ends    by itself, within a second after space is there again.
 *
 * Objects that are rows (inline_limit.h) are checked at the start like others, but not counted on the way: they are
 * small, and the database has the reserve.
 *
 * Free space is that of the blob store. It is looked up at most once a second; in between, what uploads take is
 * subtracted from the last answer. What is held is subtracted from every answer. Thread: any. */
#ifndef CAIS_CORE_FREE_SPACE_H
#define CAIS_CORE_FREE_SPACE_H

#include "core/core.h"

/* Can `bytes` more be stored? Errors: NO_SPACE the free space would fall below the reserve; UNAVAILABLE. */
MUST_USE err_t free_space_check(struct core *, uint64_t bytes, struct arena *a);
/* The same, and subtracts them from the known free space. Errors: as free_space_check. */
MUST_USE err_t free_space_take(struct core *, uint64_t bytes, struct arena *a);

/* How many bytes can still be stored above the reserve; about INT64_MAX when the store has no limit. Errors: UNAVAILABLE. */
MUST_USE err_t free_space_left(struct core *, struct arena *a, uint64_t *ret_bytes);

/* Bytes that will be written, but may not be on the disk yet. */
struct space_hold {
    uint64_t bytes;
};
/* Adds `bytes` to what is held, until free_space_let. Errors: as free_space_check; then nothing is added. */
MUST_USE err_t free_space_hold(struct core *, struct space_hold *, uint64_t bytes, struct arena *a);
/* They were written, or never will be. Until the store is asked again they count as written. */
void free_space_let(struct core *, struct space_hold *);

#endif
