/* SPDX-License-Identifier: Apache-2.0 */
/* The checksums by which stored bytes are checked when they are read: a CRC32C of each 64 KiB. They are computed while the
 * bytes come in, and stand in the database, away from the bytes: damage to a blob cannot damage both, and a blob that is
 * replaced by another one, or by zeros, is noticed as well. A list of checksums is their bytes one after the other, four
 * each, the most significant first.
 *
 * The last piece may be shorter; its checksum goes on when more bytes come. So the list is also all that an upload in
 * several requests has to remember. */
#ifndef CAIS_CORE_OBJECT_CHECKSUMS_H
#define CAIS_CORE_OBJECT_CHECKSUMS_H

#include "base/buf.h"

#define CHECKSUM_PIECE ((size_t)64 * 1024)
#define CHECKSUM_SIZE 4

/* The checksums of bytes that come in. */
struct checksums {
    struct buf list;
    uint64_t first; /* the number of the piece that the list begins with */
    uint64_t bytes; /* came so far, those of pieces before the list too */
};

/* How many pieces are so many bytes? */
static inline uint64_t checksums_count(uint64_t bytes)
{
    return bytes / CHECKSUM_PIECE + (bytes % CHECKSUM_PIECE != 0);
}

/* A list that begins with the first piece. */
void checksums_init(struct checksums *);
/* Goes on where an earlier list has ended: `list` begins with the piece `first`, and ends with the piece that holds the
 * byte before `bytes`. False: it has another length, and the struct has no bytes. */
bool checksums_init_at(struct checksums *, slice list, uint64_t first, uint64_t bytes);
/* Forgets what comes before the last pieces, the number of whose first is a multiple of `step`; at least one stays. */
void checksums_forget_before(struct checksums *, uint64_t step);
void checksums_release(struct checksums *); /* also of a struct of zeros */
void checksums_add(struct checksums *, slice bytes);

/* The list of bytes that are in memory, in `a`. */
slice checksums_of(slice bytes, struct arena *a);
/* Is this the piece whose checksum has the place `i` in the list? False also if the list is shorter. */
bool checksum_fits(slice list, uint64_t i, slice piece);
/* Do all bytes fit, and is the list as long as it must be? */
bool checksums_fit(slice list, slice bytes);

#endif
