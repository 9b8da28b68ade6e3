/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of an object. An entry holds them as tags text, which is the format of x-amz-tagging: name=value&…, both
 * percent-encoded, in the order given. */
#ifndef CAIS_API_S3_TAGS_PRIV_H
#define CAIS_API_S3_TAGS_PRIV_H

#include "api/s3/call_priv.h"

struct s3_tag {
    slice name, value;
};
#define S3_TAGS_MAX 10
/* Check tags by S3's rules (number, lengths, characters, no name twice) and write them as tags text. */
MUST_USE err_t s3_tags_write(struct arena *a, const struct s3_tag *, size_t count, slice *ret_tags);
/* Read tags text. False: it is malformed, or has more than S3_TAGS_MAX tags. */
bool s3_tags_read(struct arena *a, slice tags, struct s3_tag ret[S3_TAGS_MAX], size_t *ret_count);

#endif
