/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums: x-amz-checksum-* and Content-MD5, as a request declares them and as replies show them. */
#ifndef CAIS_API_S3_DIGESTS_PRIV_H
#define CAIS_API_S3_DIGESTS_PRIV_H

#include "api/s3/call_priv.h"
#include "core/object/digest.h"
#include "core/records/digest.h"

/* "x-amz-checksum-crc32" → its kind. False: not the name of a checksum that we compute. */
bool s3_digest_of_name(slice name, enum digest_kind *ret);
/* Is this the name of a checksum that we cannot compute? Such a request must be refused: to ignore the checksum would
 * tell the client that it was right. */
bool s3_digest_is_unsupported(slice name);
/* Decode the base64 of a digest. False: not as many bytes as this kind has. */
bool s3_digest_parse(struct arena *a, enum digest_kind, slice text, struct digest *ret);
slice s3_digest_type(const struct digest *); /* FULL_OBJECT or COMPOSITE */
/* x-amz-checksum-* of an entry or a part, as a header with its type, and as an XML element. Nothing for DIGEST_NONE. */
void s3_digest_header(struct s3_call *, const struct digest *, int64_t part_count);
/* The same of a part of an object, as a header; the type is that of the object. */
void s3_part_digest_header(struct s3_call *, const struct digest *part, const struct digest *object);
void s3_digest_xml(struct buf *, struct arena *a, const struct digest *, int64_t part_count);
/* <ChecksumAlgorithm> and <ChecksumType>. Nothing for DIGEST_NONE. */
void s3_put_digest_kind(struct buf *, enum digest_kind, enum digest_form);

/* The digests that a request declares: in a header, or announced (x-amz-checksum-algorithm, x-amz-trailer), then only its
 * kind. */
struct s3_declared {
    struct digest digest;
    bool has_value;
    bool is_promised;   /* x-amz-sdk-checksum-algorithm: a value must come … */
    bool is_in_trailer; /* … in a header, or behind the body */
    bool has_md5;
    unsigned char md5[MD5_SIZE];
};
/* Refuses digests that are malformed, two different ones, and a promise of one that nothing keeps. */
MUST_USE err_t s3_declared_read(struct s3_call *, struct s3_declared *ret);

#endif
