/* SPDX-License-Identifier: Apache-2.0 */
/* Form policies. Input: the policy as JSON on the first line, then a field name=value on each line. In a form that is
 * accepted, conditions cover every field and the bucket. A policy that is parsed and built again has the same conditions. */
#include "fuzz.h"

#include "base/text.h"
#include "sign/form_policy.h"

static bool covers(const struct policy *p, slice name)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->conditions[i].kind != POLICY_LENGTH && slice_eq_nocase(p->conditions[i].name, name))
            return true;
    return false;
}

static void try_again(const struct policy *p, struct arena *a)
{
    struct policy again;
    for (size_t i = 0; i < p->count; i++)
        if (slice_find_byte(p->conditions[i].name, 0) != SLICE_NONE || p->conditions[i].max_bytes > INT64_MAX)
            return;
    if (p->expires_at_ms < 0)
        return;
    HOLDS(policy_parse(policy_build(a, p->expires_at_ms, p->conditions, p->count), a, &again, NULL) == SIGN_OK);
    HOLDS(again.count == p->count && again.expires_at_ms == p->expires_at_ms);
    HOLDS(again.min_bytes == p->min_bytes && again.max_bytes == p->max_bytes);
    for (size_t i = 0; i < p->count; i++)
        HOLDS(slice_eq(again.conditions[i].name, p->conditions[i].name) &&
              slice_eq(again.conditions[i].value, p->conditions[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    struct sign_pair fields[50];
    struct policy p;
    struct policy_form form = { .bucket = S("bucket"), .fields = fields };
    struct sign_detail detail = { 0 };
    struct sigv4 claim;
    slice document, rest, line, value;
    slice_cut(fuzz_slice(data, size), '\n', &document, &rest);
    while (rest.n && form.field_count < LENGTH_OF(fields)) {
        slice_cut(rest, '\n', &line, &rest);
        struct sign_pair *f = &fields[form.field_count++];
        slice_cut(line, '=', &f->name, &f->value);
        HOLDS(policy_field(fields, form.field_count, f->name, &value));
    }
    if (!policy_v4_parse(fields, form.field_count, S(""), &a, &claim, &detail))
        HOLDS(policy_v4_verify(&claim, S("text"), S("secret")) == SIGN_MISMATCH);
    if (policy_parse(base64_encode(&a, document), &a, &p, &detail))
        return 0;
    HOLDS(policy_check(&p, &form, p.expires_at_ms, &detail) == SIGN_EXPIRED);
    if (policy_check(&p, &form, p.expires_at_ms - 1, &detail) == SIGN_OK) {
        HOLDS(covers(&p, S("bucket")));
        for (size_t i = 0; i < form.field_count; i++)
            HOLDS(covers(&p, fields[i].name) || slice_eq_nocase(slice_part(fields[i].name, 0, 9), S("x-ignore-")) ||
                  slice_eq_nocase(fields[i].name, S("policy")) || slice_eq_nocase(fields[i].name, S("file")) ||
                  slice_eq_nocase(fields[i].name, S("x-amz-signature")));
    }
    try_again(&p, &a);
    return 0;
}
