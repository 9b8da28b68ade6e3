/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_DIGEST_H
#define CAIS_CORE_RECORDS_DIGEST_H

/* A digest that a client declared or asked for. Besides it, every object has an MD5. */
enum digest_kind {
    DIGEST_NONE,
    DIGEST_CRC32,
    DIGEST_CRC32C,
    DIGEST_CRC64NVME,
    DIGEST_SHA1,
    DIGEST_SHA256, /* the numbers are in rows: new kinds come last */
    DIGEST_SHA512,
    DIGEST_MD5,
    DIGEST_XXHASH64,
    DIGEST_XXHASH3,
    DIGEST_XXHASH128,
    DIGEST_KINDS
};
/* What the digest of a composite covers: all of its bytes, or the digests of its parts, one after the other. */
enum digest_form { DIGEST_WHOLE, DIGEST_OF_PARTS };
#define DIGEST_SIZE_MAX 64
struct digest {
    enum digest_kind kind;
    enum digest_form form;
    unsigned char bytes
        [DIGEST_SIZE_MAX]; /* digest_size(kind) of them; a CRC and an xxHash have their most significant byte first */
};

#endif
