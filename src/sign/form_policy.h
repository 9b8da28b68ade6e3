/* SPDX-License-Identifier: Apache-2.0 */
/* POST policies: what a form may upload, signed by somebody who could have uploaded it himself.
 * Spec: Amazon S3 API reference, "Creating a POST Policy", "POST Object", and for the older signature "Browser-Based
 * Uploads Using POST (AWS Signature Version 2)".
 *
 *     policy_v4_parse or the field AWSAccessKeyId → access key; the caller looks up the secret
 *     policy_v4_verify or policy_v2_verify       → the text was signed with it
 *     policy_parse, policy_check                 → what it says, and whether the form keeps to it
 *
 * The text is the base64 as it stands in the form: it is what is signed. */
#ifndef CAIS_SIGN_FORM_POLICY_H
#define CAIS_SIGN_FORM_POLICY_H

#include "sign/sigv4.h"

#define POLICY_CONDITIONS_MAX 200

enum policy_kind { POLICY_EQ, POLICY_STARTS_WITH, POLICY_LENGTH };

struct policy_condition {
    enum policy_kind kind;
    slice name; /* of a field, without $; "bucket" is that of the address. Empty for LENGTH. */
    slice value;
    uint64_t min_bytes, max_bytes; /* LENGTH */
};

struct policy {
    int64_t expires_at_ms;
    const struct policy_condition *conditions;
    size_t count;
    /* All LENGTH conditions together; 0 and UINT64_MAX without one. To be counted on the bytes of the file. */
    uint64_t min_bytes, max_bytes;
};

/* Read a policy. Everything lives in `a`. Faults: POLICY (detail->about says what cannot be read). */
MUST_USE enum sign_fault policy_parse(slice text, struct arena *a, struct policy *ret, struct sign_detail *detail);

enum policy_signature { POLICY_V4, POLICY_V2 };

/* A form as far as it stands in front of the file. */
struct policy_form {
    enum policy_signature signature;
    slice bucket;                   /* of the address, whether or not a field names one */
    const struct sign_pair *fields; /* all of them, ${filename} in the key already replaced; without `file` */
    size_t field_count;
    /* Names that need no condition, besides those that S3 exempts: policy, file, x-ignore-…, and x-amz-signature (V4)
     * or AWSAccessKeyId and signature (V2). */
    const slice *exempt;
    size_t exempt_count;
};

/* Does the form keep to the policy? At expires_at_ms exactly it has expired. Names are compared without case. A field
 * sent several times must hold every time; one that a condition names must be there, and a condition for
 * Content-Type that begins with something must hold for each part of a comma-separated value.
 * The bucket of the address counts as a field, so a policy must name it.
 * Faults: EXPIRED, CONDITION, EXTRA_FIELD (detail->about is the name of the field). */
MUST_USE enum sign_fault policy_check(const struct policy *p, const struct policy_form *form, int64_t now_ms,
                                      struct sign_detail *detail);

/* The value of a field: the one spelled exactly so, else the first without regard to case. False: absent. */
bool policy_field(const struct sign_pair *fields, size_t count, slice name, slice *ret_value);

/* Read x-amz-algorithm, x-amz-credential, x-amz-date and x-amz-signature. Times are the policy's to limit.
 * Faults: MALFORMED, ALGORITHM, SCOPE, DATE. */
MUST_USE enum sign_fault policy_v4_parse(const struct sign_pair *fields, size_t count, slice region, struct arena *a,
                                         struct sigv4 *ret, struct sign_detail *detail);
MUST_USE enum sign_fault policy_v4_verify(const struct sigv4 *claim, slice text, slice secret);
MUST_USE enum sign_fault policy_v2_verify(slice text, slice signature, slice secret);

/* A policy of our own: base64, the conditions in the order given. */
slice policy_build(struct arena *a, int64_t expires_at_ms, const struct policy_condition *conditions, size_t count);
/* The field x-amz-signature. The policy's conditions name the same x-amz-credential (sigv4_credential) and x-amz-date
 * (sigv4_timestamp), both of now_ms. */
slice policy_v4_sign(struct arena *a, const struct sigv4_signer *who, slice text, int64_t now_ms);
slice policy_v2_sign(struct arena *a, slice secret, slice text); /* the field signature, base64 */

#endif
