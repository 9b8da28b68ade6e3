/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/form_fields_priv.h"

#include "base/buf.h"
#include "base/text.h"
#include "core/file/file_name.h"

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

#define VARIABLE S("${filename}")

static size_t count_variables(slice text)
{
    size_t n = 0;
    for (size_t at = slice_find(text, VARIABLE); at != SLICE_NONE; at = slice_find(text, VARIABLE), n++)
        text = slice_from(text, at + VARIABLE.n);
    return n;
}

static slice replace_variables(struct arena *a, slice text, slice filename)
{
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, a);
    for (size_t at = slice_find(text, VARIABLE); at != SLICE_NONE; at = slice_find(text, VARIABLE)) {
        buf_add(&b, slice_part(text, 0, at));
        buf_add(&b, filename);
        text = slice_from(text, at + VARIABLE.n);
    }
    buf_add(&b, text);
    return buf_give(&b, a);
}

static bool may_hold_variable(slice name)
{
    return slice_eq_nocase(name, S("key")) || slice_eq_nocase(name, S("success_action_redirect")) ||
           slice_eq_nocase(name, S("redirect"));
}

bool form_replace_filename(struct form_fields *f, slice filename, struct arena *a)
{
    filename = file_name_without_controls(last_part_of_path(filename), a);
    for (size_t i = 0; i < f->count; i++) {
        struct sign_pair *field = &f->items[i];
        size_t times = may_hold_variable(field->name) ? count_variables(field->value) : 0;
        if (!times)
            continue;
        f->bytes += times * filename.n; /* both are below the limit of a part's head, so this cannot overflow */
        f->bytes -= times * VARIABLE.n;
        if (f->bytes > FORM_FIELD_BYTES_MAX)
            return false;
        field->value = replace_variables(a, field->value, filename);
    }
    return true;
}
