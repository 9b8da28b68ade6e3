/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_DIGEST_H
#define CAIS_CORE_RECORDS_DIGEST_H

/* A digest that a sender declared or asked for besides the MD5 that every object has. */
enum digest_kind {
    DIGEST_NONE,
    DIGEST_CRC32,
    DIGEST_CRC32C,
    DIGEST_CRC64NVME,
    DIGEST_SHA1,
    DIGEST_SHA256,
    DIGEST_KINDS
};
/* Of an object put together from parts: of all its bytes, or of the digests of its parts. */
enum digest_form { DIGEST_WHOLE, DIGEST_OF_PARTS };
#define DIGEST_SIZE_MAX 32
struct digest {
    enum digest_kind kind;
    enum digest_form form;
    unsigned char bytes[DIGEST_SIZE_MAX]; /* digest_size(kind) of them; CRCs most significant byte first */
};

#endif
