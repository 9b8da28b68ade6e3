/* SPDX-License-Identifier: Apache-2.0 */
/* A small cache of the signing keys of the day: to derive one costs four HMACs. */
#ifndef CAIS_API_S3_SIGNING_KEYS_PRIV_H
#define CAIS_API_S3_SIGNING_KEYS_PRIV_H

#include "api/s3/s3.h"
#include "sign/sigv4.h"

/* The signing key that this secret has for the day and region of the claim. Thread: any. */
void s3_signing_key(struct s3 *, slice access_key, slice secret, const struct sigv4 *, struct sigv4_key *ret);

#endif
