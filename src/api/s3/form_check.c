/* SPDX-License-Identifier: Apache-2.0 */
/* A form is signed through its policy: the signature covers the text of the policy, and the policy states which values
 * the fields may have. The user who signed it could store the object without a form; the policy limits what others may
 * store in that user's name. So every condition must hold, and a condition must cover every field. The rules themselves
 * are in sign/form_policy.h. Source: Amazon S3 API reference, "POST Object" and "POST Policy". */
#include "api/s3/form_check_priv.h"

#include "api/s3/auth_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/signing_keys_priv.h"
#include "base/live.h"
#include "base/text.h"
#include "core/access/access.h"

/* ---- signature ---- */

static err_t refuse_signature(struct s3_call *call, slice access_key, slice policy, slice signature)
{
    err_t e = s3_refuse_fault(&call->x->arena, S3_IN_FORM, SIGN_MISMATCH, S(""));
    s3_show(call, e, "AWSAccessKeyId", access_key);
    s3_show(call, e, "StringToSign", policy);
    return s3_show(call, e, "SignatureProvided", signature);
}

static err_t verify_form_v4(struct s3_call *call, const struct form_fields *f, slice policy)
{
    struct arena *a = &call->x->arena;
    struct sign_detail detail = { 0 };
    slice region = LIVE(call->s3->options.only_region) ? call->s3->options.region : S(""), secret;
    enum sign_fault fault = policy_v4_parse(f->items, f->count, region, a, &call->claim, &detail);
    if (fault)
        return s3_show(call, s3_refuse_fault(a, S3_IN_FORM, fault, detail.about), "ArgumentName", detail.about);
    TRY(s3_find_secret(call, call->claim.access_key, &secret));
    s3_signing_key(call->s3, call->claim.access_key, secret, &call->claim, &call->key4);
    if (slice_eq_secret(sigv4_mac_hex(a, &call->key4, policy), call->claim.signature))
        return NULL;
    return refuse_signature(call, call->claim.access_key, policy, call->claim.signature);
}

static err_t verify_form_v2(struct s3_call *call, const struct form_fields *f, slice policy)
{
    slice access_key = form_value(f, S("AWSAccessKeyId")), signature = form_value(f, S("signature")), secret;
    TRY(s3_find_secret(call, access_key, &secret));
    return policy_v2_verify(policy, signature, secret) ? refuse_signature(call, access_key, policy, signature) : NULL;
}

/* The field that a form of this version lacks. A form that nobody signed is unauthenticated; one that was meant to be signed is
 * incomplete. */
static err_t check_signature_fields(struct s3_call *call, const struct form_fields *f, bool v4)
{
    static const char *const of_v2[] = { "AWSAccessKeyId", "signature", "policy" };
    bool has_any = v4;
    for (size_t i = 0; i < LENGTH_OF(of_v2); i++)
        has_any = has_any || form_has_field(f, slice_of(of_v2[i]));
    if (!has_any)
        return s3_refuse(&call->x->arena, S3_ACCESS_DENIED);
    for (size_t i = v4 ? 2 : 0; i < LENGTH_OF(of_v2); i++) {
        slice name = slice_of(of_v2[i]);
        if (!form_has_field(f, name))
            return s3_show(call, s3_refuse_with(&call->x->arena, S3_FORM_NO_FIELD, name), "ArgumentName", name);
    }
    return NULL;
}

err_t form_check_signature(struct s3_call *call, struct form_fields *f, slice *ret_policy)
{
    bool v4 = form_has_field(f, S("x-amz-signature"));
    f->signature = v4 ? POLICY_V4 : POLICY_V2;
    TRY(check_signature_fields(call, f, v4));
    /* A form that is made for both versions contains two policies, "Policy" for version 4 and "policy" for version 2. */
    *ret_policy = form_value(f, v4 ? S("Policy") : S("policy"));
    return v4 ? verify_form_v4(call, f, *ret_policy) : verify_form_v2(call, f, *ret_policy);
}

/* ---- policy ---- */

static err_t refuse_policy(struct s3_call *call, enum sign_fault fault, const struct sign_detail *detail)
{
    struct arena *a = &call->x->arena;
    err_t e = s3_refuse_fault(a, S3_IN_FORM, fault, detail->about);
    if (fault == SIGN_EXPIRED) {
        s3_show(call, e, "Expires", time_format_utc(a, call->claim.expires_at_ms));
        return s3_show(call, e, "ServerTime", time_format_utc(a, core_now_ms(call->s3->core)));
    }
    return detail->about.n ? s3_show(call, e, "Condition", detail->about) : e;
}

err_t form_check_policy(struct s3_call *call, const struct form_fields *f, slice text, struct form_limits *limits)
{
    struct sign_detail detail = { 0 };
    struct policy policy;
    enum sign_fault fault = policy_parse(text, &call->x->arena, &policy, &detail);
    if (fault)
        return refuse_policy(call, fault, &detail);
    struct policy_form form = {
        .signature = f->signature, .bucket = call->bucket, .fields = f->items, .field_count = f->count
    };
    if (f->exemption && f->signature == POLICY_V4) {
        form.exempt = f->exemption->fields;
        form.exempt_count = f->exemption->field_count;
    }
    call->claim.expires_at_ms = policy.expires_at_ms;
    fault = policy_check(&policy, &form, core_now_ms(call->s3->core), &detail);
    if (fault)
        return refuse_policy(call, fault, &detail);
    if (policy.max_bytes < limits->max_bytes)
        limits->max_bytes = policy.max_bytes;
    limits->min_bytes = policy.min_bytes;
    return NULL;
}
