/* SPDX-License-Identifier: Apache-2.0 */
/* The digests that a sender may declare besides MD5, computed while the bytes pass. */
#ifndef CAIS_CORE_OBJECT_DIGEST_H
#define CAIS_CORE_OBJECT_DIGEST_H

#include "base/err.h"
#include "core/records/digest.h"

size_t digest_size(enum digest_kind); /* bytes; 0 for DIGEST_NONE */
/* "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"; "" for DIGEST_NONE. */
slice digest_name(enum digest_kind);
/* Without regard to case; false: none of them. */
bool digest_by_name(slice name, enum digest_kind *ret);
/* May the digest of a whole be worked out from those of its parts (the CRCs)? */
bool digest_joins(enum digest_kind);

struct digester;                                 /* one running digest */
struct digester *digester_new(enum digest_kind); /* not DIGEST_NONE */
void digester_free(struct digester *);           /* NULL is fine */
void digester_update(struct digester *, slice bytes);
/* Ends it; only digester_free may follow. form is DIGEST_WHOLE. */
void digester_final(struct digester *, struct digest *ret);

void digest_of(enum digest_kind, slice bytes, struct digest *ret);
/* Of a whole from those of two pieces of it; both of the same kind, for which digest_joins. */
void digest_join(const struct digest *first, const struct digest *second, uint64_t second_bytes, struct digest *ret);
/* In constant time; kinds and forms must be equal too. */
bool digest_eq(const struct digest *, const struct digest *);

#endif
