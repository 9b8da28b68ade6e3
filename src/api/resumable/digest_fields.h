/* SPDX-License-Identifier: Apache-2.0 */
/* Digest fields, RFC 9530: Content-Digest, Repr-Digest, Want-Repr-Digest. We know sha-256 and sha-512; others are ignored, as the
 * RFC allows. */
#ifndef CAIS_API_RESUMABLE_DIGEST_FIELDS_H
#define CAIS_API_RESUMABLE_DIGEST_FIELDS_H

#include "base/hash.h"
#include "http/http.h"

struct digest_field {
    bool is_there; /* with an algorithm that we know: the stronger one, if there are both */
    enum hash_kind kind;
    slice bytes; /* hash_size(kind) of them, in the arena of the exchange */
};
/* Errors: BAD_DIGEST it is no dictionary of byte sequences, or a digest has another size than its algorithm. */
MUST_USE err_t digest_field_read(struct http_exchange *, const char *header, struct digest_field *ret);
/* Want-Repr-Digest: the one that the client prefers; without bytes. Errors: BAD_DIGEST. */
MUST_USE err_t digest_field_read_wanted(struct http_exchange *, struct digest_field *ret);
/* The value of the field. In `a`. */
slice digest_field_format(enum hash_kind, const unsigned char *digest, struct arena *a);

#endif
