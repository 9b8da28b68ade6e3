/* SPDX-License-Identifier: Apache-2.0 */
/* The digests that a sender may declare besides MD5. They are computed while the bytes come in. */
#ifndef CAIS_CORE_OBJECT_DIGEST_H
#define CAIS_CORE_OBJECT_DIGEST_H

#include "base/err.h"
#include "core/records/digest.h"

size_t digest_size(enum digest_kind); /* bytes; 0 for DIGEST_NONE */
/* "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128"; "" for DIGEST_NONE. */
slice digest_name(enum digest_kind);
/* Case-insensitive. False: no digest has that name. */
bool digest_by_name(slice name, enum digest_kind *ret);
/* Can the digest of a composite be worked out from those of its parts? True for the CRCs. */
bool digest_joins(enum digest_kind);

struct digester;                                 /* a digest that is being computed */
struct digester *digester_new(enum digest_kind); /* not DIGEST_NONE */
void digester_free(struct digester *);           /* NULL is fine */
void digester_update(struct digester *, slice bytes);
/* The digest of all the bytes, of the form DIGEST_WHOLE. Only digester_free may follow. */
void digester_final(struct digester *, struct digest *ret);

/* The digest of the bytes, of the form DIGEST_WHOLE. Not for DIGEST_NONE. */
void digest_of(enum digest_kind, slice bytes, struct digest *ret);
/* The digest of two pieces, one after the other, from the digests of the two. Both are of one kind that digest_joins. */
void digest_join(const struct digest *first, const struct digest *second, uint64_t second_bytes, struct digest *ret);
/* Are kind, form and bytes equal? The bytes are compared in constant time. */
bool digest_eq(const struct digest *, const struct digest *);

#endif
