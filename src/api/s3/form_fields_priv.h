/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a form that come before its file. */
#ifndef CAIS_API_S3_FORM_FIELDS_PRIV_H
#define CAIS_API_S3_FORM_FIELDS_PRIV_H

#include "api/s3/s3.h"
#include "sign/form_policy.h"

#define FORM_FIELDS_MAX 200
#define FORM_FIELD_BYTES_MAX 20480 /* of all fields in front of the file: S3's limit */

struct form_fields {
    struct sign_pair items[FORM_FIELDS_MAX]; /* in the exchange's arena */
    size_t count, bytes;
    enum policy_signature signature;        /* set by form_check_signature */
    const struct form_exemption *exemption; /* of the bucket; NULL: it has none */
};

/* The value of a field, without regard to case; empty when it is absent. */
slice form_value(const struct form_fields *, slice name);
bool form_has_field(const struct form_fields *, slice name);
/* May this field stay without a condition, because it has no effect in this bucket? */
bool form_ignores(const struct form_fields *, slice name);
/* Replace ${filename} in the key and in the address of the redirection by the last part of the file's name, which is
 * UTF-8, as http/multipart.h decodes it. New values live in `a`. A few bytes of a form may ask for many copies of a long
 * name, so only a form whose signature was verified is worth the work, and the limit FORM_FIELD_BYTES_MAX holds for the
 * result. False: the fields would be larger, and some are not replaced.
 * Source: Amazon S3 API reference, "POST Object", which replaces it in other fields, too. */
MUST_USE bool form_replace_filename(struct form_fields *, slice filename, struct arena *a);

#endif
