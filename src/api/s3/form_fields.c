/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/form_fields_priv.h"

#include "base/buf.h"
#include "base/text.h"

slice form_value(const struct form_fields *f, slice name)
{
    slice value = S("");
    policy_field(f->items, f->count, name, &value);
    return value;
}

bool form_has_field(const struct form_fields *f, slice name)
{
    slice unused;
    return policy_field(f->items, f->count, name, &unused);
}

bool form_ignores(const struct form_fields *f, slice name)
{
    if (!f->exemption || f->signature != POLICY_V4)
        return false;
    for (size_t i = 0; i < f->exemption->field_count; i++)
        if (slice_eq_nocase(name, f->exemption->fields[i]))
            return true;
    return false;
}

/* Some browsers send the whole local path as the name of the file. */
static slice last_part_of_path(slice path)
{
    size_t slash = slice_rfind_byte(path, '/'), back = slice_rfind_byte(path, '\\');
    if (back != SLICE_NONE && (slash == SLICE_NONE || back > slash))
        slash = back;
    return slash == SLICE_NONE ? path : slice_from(path, slash + 1);
}

static slice replace_variable(struct arena *a, slice text, slice filename)
{
    const slice variable = S("${filename}");
    size_t at = slice_find(text, variable);
    if (at == SLICE_NONE)
        return text;
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    for (; at != SLICE_NONE; at = slice_find(text, variable)) {
        buf_add(&b, slice_part(text, 0, at));
        buf_add(&b, filename);
        text = slice_from(text, at + variable.n);
    }
    buf_add(&b, text);
    return arena_copy(a, buf_slice(&b));
}

void form_replace_filename(struct form_fields *f, slice filename, struct arena *a)
{
    filename = last_part_of_path(filename);
    for (size_t i = 0; i < f->count; i++)
        if (!slice_eq_nocase(f->items[i].name, S("policy"))) /* the policy is signed as it was sent */
            f->items[i].value = replace_variable(a, f->items[i].value, filename);
}
