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
/* Replace ${filename} in every field but the policy by the last part of the file's name. Lives in `a`. */
void form_replace_filename(struct form_fields *, slice filename, struct arena *a);

#endif
