/* SPDX-License-Identifier: Apache-2.0 */
/* Policies of forms, which S3 calls POST policies: a user signs a policy that states what other people may upload in
 * the user's name. Source: Amazon S3 API reference, "Creating a POST Policy", "POST Object", and for the older
 * signature "Browser-Based Uploads Using POST (AWS Signature Version 2)".
 *
 *     policy_v4_parse, or the field AWSAccessKeyId → access key; the caller looks up its secret
 *     policy_v4_verify or policy_v2_verify         → the owner of the secret signed the policy
 *     policy_parse, policy_check                   → the conditions of the policy, and whether the form meets them
 *
 * `text` is always the policy in base64, exactly as the form contains it, because that is what is signed. */
#ifndef CAIS_SIGN_FORM_POLICY_H
#define CAIS_SIGN_FORM_POLICY_H

#include "sign/sigv4.h"

#define POLICY_CONDITIONS_MAX 200

enum policy_kind { POLICY_EQ, POLICY_STARTS_WITH, POLICY_LENGTH };

struct policy_condition {
    enum policy_kind kind;
    slice name; /* of a field, without $; "bucket" is the bucket of the address. Empty for LENGTH. */
    slice value;
    uint64_t min_bytes, max_bytes; /* LENGTH */
};

struct policy {
    int64_t expires_at_ms;
    const struct policy_condition *conditions;
    size_t count;
    /* The size of the file that all LENGTH conditions together allow; 0 and UINT64_MAX without one. policy_check does
     * not know the size: the caller compares. */
    uint64_t min_bytes, max_bytes;
};

/* Parse a policy. Everything lives in `a`. Faults: POLICY; detail->about names the part that is malformed. */
MUST_USE enum sign_fault policy_parse(slice text, struct arena *a, struct policy *ret, struct sign_detail *detail);

enum policy_signature { POLICY_V4, POLICY_V2 };

/* The part of a form that precedes the file. */
struct policy_form {
    enum policy_signature signature;
    slice bucket;                   /* of the address, even if a field names one */
    const struct sign_pair *fields; /* all fields but `file`, with ${filename} replaced */
    size_t field_count;
    /* Fields that need no condition, besides those that S3 exempts: policy, file, x-ignore-…, and x-amz-signature (V4)
     * or AWSAccessKeyId and signature (V2). */
    const slice *exempt;
    size_t exempt_count;
};

/* Check that the form meets the policy:
 *
 * - The policy has not expired. At expires_at_ms exactly it has.
 * - Every condition holds. A field that a condition names must be present. If it is present several times, the
 *   condition must hold for each of them. A starts-with condition for Content-Type must hold for each part of a
 *   comma-separated value.
 * - A condition names every field that is not exempt. The bucket of the address counts as a field, so the policy must
 *   name it.
 *
 * Names of fields are compared without regard to case.
 * Faults: EXPIRED, CONDITION, EXTRA_FIELD; detail->about is the name of the field. */
MUST_USE enum sign_fault policy_check(const struct policy *p, const struct policy_form *form, int64_t now_ms,
                                      struct sign_detail *detail);

/* The value of a field: the field that is spelled exactly so, else the first one that differs only in case. False: the
 * form has neither. */
bool policy_field(const struct sign_pair *fields, size_t count, slice name, slice *ret_value);

/* Parse x-amz-algorithm, x-amz-credential, x-amz-date and x-amz-signature. The date is not compared with the clock:
 * only the policy limits how long the signature is valid. Faults: MALFORMED, ALGORITHM, SCOPE, DATE. */
MUST_USE enum sign_fault policy_v4_parse(const struct sign_pair *fields, size_t count, slice region, struct arena *a,
                                         struct sigv4 *ret, struct sign_detail *detail);
/* Faults of both: MISMATCH. */
MUST_USE enum sign_fault policy_v4_verify(const struct sigv4 *claim, slice text, slice secret);
MUST_USE enum sign_fault policy_v2_verify(slice text, slice signature, slice secret);

/* Make a policy, in base64, with the conditions in the order given. */
slice policy_build(struct arena *a, int64_t expires_at_ms, const struct policy_condition *conditions, size_t count);
/* The field x-amz-signature. The conditions of the policy must name the same x-amz-credential (sigv4_credential) and
 * x-amz-date (sigv4_timestamp), both of now_ms. */
slice policy_v4_sign(struct arena *a, const struct sigv4_signer *who, slice text, int64_t now_ms);
slice policy_v2_sign(struct arena *a, slice secret, slice text); /* the field signature, base64 */

#endif
