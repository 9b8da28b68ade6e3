/* SPDX-License-Identifier: Apache-2.0 */
/* A blob that is checked as it is read: what does not have its checksums (checksums.h) is an error, never bytes. A blob
 * that is older than checksums is read as it is, until the scrub (scrub.h) has made them. */
#ifndef CAIS_CORE_OBJECT_CHECKED_BLOB_H
#define CAIS_CORE_OBJECT_CHECKED_BLOB_H

#include "core/core.h"

struct blob_reader;
struct object;

/* Opens the blob of an object, which is not a composite, and not inline. read_at reads whole pieces, so a caller that
 * asks for multiples of CHECKSUM_PIECE has no byte copied; for others the reader keeps the last piece, 64 KiB. The first
 * read looks the checksums up, in a snapshot of its own; at most 16 KiB of them are in memory. The descriptor is that of
 * the blob, and nothing checks what is read from it but checked_blob_check.
 * Errors: those of open in blob_store.h. CORRUPT also when the length is not the object's; so do reads of damaged bytes,
 * which are reported (damage.h). Thread: as blob_reader. */
MUST_USE err_t checked_blob_open(struct core *, const struct object *, struct arena *a, struct blob_reader **ret);
/* The same for a growing blob, of which `size_bytes` were acknowledged and no more will be: the bytes of a finished part. The
 * reader ends there. Errors: those of open_growing in blob_store.h; CORRUPT also when it holds fewer bytes. */
MUST_USE err_t checked_blob_open_growing(struct core *, slice key, uint64_t size_bytes, struct arena *a,
                                         struct blob_reader **ret);
/* Checks the pieces that hold the bytes from `from` up to and without `to`: for a caller that sends them from the
 * descriptor. Those that were found right within the last minute are not read again (check_memory.h).
 * has_left  their pages may have left the memory of the kernel: then nothing of the blob counts as checked any more
 * memory    CHECKSUM_PIECE bytes that may be written to
 * Errors    those of read_at */
MUST_USE err_t checked_blob_check(struct blob_reader *, uint64_t from, uint64_t to, bool has_left, char *memory,
                                  struct arena *a);
/* Did checked_blob_open make it? */
bool is_checked_blob(const struct blob_reader *);

#endif
