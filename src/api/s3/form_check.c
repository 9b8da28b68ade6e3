/* SPDX-License-Identifier: Apache-2.0 */
/* A form is signed through its policy: the signature covers the text of the policy, and the policy states which values
 * the fields may have. The user who signed it could store the object without a form; the policy limits what others may
 * store in that user's name. So every condition must hold, and a condition must cover every field. The rules themselves
 * are in sign/form_policy.h. Source: Amazon S3 API reference, "POST Object" and "POST Policy". */
#include "api/s3/form_check_priv.h"

#include "api/s3/auth_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/error_reply_priv.h"
#include "api/s3/signing_keys_priv.h"
#include "base/text.h"
#include "core/access/access.h"

/* An error that shows which field, key or condition it is about. value is copied. */
static err_t form_error(struct s3_call *call, enum s3_error error, const char *element, slice value, struct arena *a)
{
    s3_detail(call, element, arena_copy(&call->x->arena, value));
    return s3_err(call, error, a);
}

/* ---- signature ---- */

static err_t find_form_secret(struct s3_call *call, slice access_key, struct arena *a, slice *ret_secret)
{
    err_t e = access_signing(call->s3->core, S3_PURPOSE, access_key, &call->x->arena, &call->who, ret_secret);
    if (e)
        s3_detail(call, "AWSAccessKeyId", access_key);
    call->who.request_id = call->x->req.id;
    return err_copy(a, e);
}

static err_t signature_error(struct s3_call *call, slice access_key, slice policy, slice signature, struct arena *a)
{
    s3_detail(call, "AWSAccessKeyId", access_key);
    s3_detail(call, "StringToSign", policy);
    return form_error(call, S3_SIGNATURE_MISMATCH, "SignatureProvided", signature, a);
}

static err_t verify_form_v4(struct s3_call *call, const struct form_fields *f, slice policy, struct arena *a)
{
    struct arena *own = &call->x->arena;
    struct sign_detail detail = { 0 };
    slice region = call->s3->options.only_region ? call->s3->options.region : S(""), secret;
    if (policy_v4_parse(f->items, f->count, region, own, &call->claim, &detail))
        return form_error(call, S3_INVALID_ARGUMENT, "ArgumentName", detail.about, a);
    TRY(find_form_secret(call, call->claim.access_key, a, &secret));
    s3_signing_key(call->s3, call->claim.access_key, secret, &call->claim, &call->key4);
    if (slice_eq_secret(sigv4_mac_hex(own, &call->key4, policy), call->claim.signature))
        return NULL;
    return signature_error(call, call->claim.access_key, policy, call->claim.signature, a);
}

static err_t verify_form_v2(struct s3_call *call, const struct form_fields *f, slice policy, struct arena *a)
{
    slice access_key = form_value(f, S("AWSAccessKeyId")), signature = form_value(f, S("signature")), secret;
    TRY(find_form_secret(call, access_key, a, &secret));
    return policy_v2_verify(policy, signature, secret) ? signature_error(call, access_key, policy, signature, a) : NULL;
}

err_t form_check_signature(struct s3_call *call, struct form_fields *f, struct arena *a, slice *ret_policy)
{
    bool v4 = form_has_field(f, S("x-amz-signature"));
    f->signature = v4 ? POLICY_V4 : POLICY_V2;
    if ((!v4 && !form_has_field(f, S("signature"))) || !form_has_field(f, S("policy")))
        return s3_err(call, S3_ACCESS_DENIED, a);
    /* A form that is made for both versions contains two policies, "Policy" for version 4 and "policy" for version 2. */
    *ret_policy = form_value(f, v4 ? S("Policy") : S("policy"));
    return v4 ? verify_form_v4(call, f, *ret_policy, a) : verify_form_v2(call, f, *ret_policy, a);
}

/* ---- policy ---- */

static err_t policy_error(struct s3_call *call, enum sign_fault fault, const struct sign_detail *detail,
                          struct arena *a)
{
    enum s3_error error = s3_sign_error(call, fault, detail);
    if (fault == SIGN_EXPIRED)
        return s3_err(call, S3_POLICY_EXPIRED, a);
    return detail->about.n ? form_error(call, error, "Condition", detail->about, a) : s3_err(call, error, a);
}

err_t form_check_policy(struct s3_call *call, const struct form_fields *f, slice text, struct arena *a,
                        struct form_limits *limits)
{
    struct sign_detail detail = { 0 };
    struct policy policy;
    enum sign_fault fault = policy_parse(text, &call->x->arena, &policy, &detail);
    if (fault)
        return policy_error(call, fault, &detail, a);
    struct policy_form form = {
        .signature = f->signature, .bucket = call->bucket, .fields = f->items, .field_count = f->count
    };
    if (f->exemption && f->signature == POLICY_V4) {
        form.exempt = f->exemption->fields;
        form.exempt_count = f->exemption->field_count;
    }
    fault = policy_check(&policy, &form, core_now_ms(call->s3->core), &detail);
    if (fault)
        return policy_error(call, fault, &detail, a);
    if (policy.max_bytes < limits->max_bytes)
        limits->max_bytes = policy.max_bytes;
    limits->min_bytes = policy.min_bytes;
    return NULL;
}
