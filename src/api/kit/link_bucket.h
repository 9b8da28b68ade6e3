/* SPDX-License-Identifier: Apache-2.0 */
/* The bucket to which an API's signed forms and links lead. Its clients send bytes to it, or read them from it, without a
 * token, over the S3 protocol; so the server signs with a key pair of its own. */
#ifndef CAIS_API_KIT_LINK_BUCKET_H
#define CAIS_API_KIT_LINK_BUCKET_H

#include "core/bucket/bucket.h"
#include "sign/sigv4.h"

/* Makes the bucket if it is missing, and fills in the key pair of the signer, whose region is given; the texts are in `a`. May
 * block. Errors: INVALID the name or the region is empty, or has a character that belongs neither into a path nor into a
 * credential; those of bucket_ensure and access_own_signing. */
MUST_USE err_t link_bucket_open(struct core *, slice name, struct sigv4_signer *, struct arena *a, struct bucket *ret);

#endif
