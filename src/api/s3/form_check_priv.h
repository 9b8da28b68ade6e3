/* SPDX-License-Identifier: Apache-2.0 */
/* How a signed form is checked: who signed its policy, and whether the form keeps to it. */
#ifndef CAIS_API_S3_FORM_CHECK_PRIV_H
#define CAIS_API_S3_FORM_CHECK_PRIV_H

#include "api/s3/call_priv.h"
#include "api/s3/form_fields_priv.h"

/* How many bytes the file may have. */
struct form_limits {
    uint64_t min_bytes, max_bytes;
};

/* Verify the signature over the policy: sets call->who, the version in *fields, and *ret_policy, the text that was
 * signed. A form that has signatures of both versions counts as version 4. */
MUST_USE err_t form_check_signature(struct s3_call *, struct form_fields *fields, slice *ret_policy);
/* Check that the policy has not expired, that every condition holds, and that a condition covers every field. Narrows
 * *limits to what the policy allows. */
MUST_USE err_t form_check_policy(struct s3_call *, const struct form_fields *, slice policy,
                                 struct form_limits *limits);

#endif
