/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/sync_draft_priv.h"

void sync_draft_init(struct sync_draft *d, struct arena *a)
{
    *d = (struct sync_draft){ .fields = arena_array(a, struct sync_field, SYNC_FIELDS_MAX) };
}

bool sync_draft_add_key(struct sync_draft *d, slice code)
{
    if (d->key_count == SYNC_KEYS_MAX || !sync_code_is_valid(code))
        return false;
    for (size_t i = 0; i < d->key_count; i++)
        if (slice_eq(d->keys[i], code))
            return false;
    d->keys[d->key_count++] = code;
    return true;
}

/* Names that end in _id are those of the store itself. */
static bool check_names(const struct sync_draft *d, slice *ret_bad)
{
    for (size_t i = 0; i < d->field_count; i++) {
        const struct sync_field *f = &d->fields[i];
        *ret_bad = f->code;
        if (!sync_code_is_valid(f->code))
            return false;
        *ret_bad = f->name;
        if (!sync_code_is_valid(f->name) || slice_ends(f->name, S("_id")))
            return false;
        for (size_t k = 0; k < i; k++)
            if (slice_eq(d->fields[k].code, f->code) || slice_eq(d->fields[k].name, f->name))
                return false;
    }
    return true;
}

/* Move the field of key `i` to position i, and those between by one, so that they keep their order. */
static bool move_key(struct sync_draft *d, size_t i)
{
    size_t at = i;
    while (at < d->field_count && !slice_eq(d->fields[at].code, d->keys[i]))
        at++;
    if (at == d->field_count || (at != i && d->keys_must_begin))
        return false;
    struct sync_field field = d->fields[at];
    for (; at > i; at--)
        d->fields[at] = d->fields[at - 1];
    d->fields[i] = field;
    return true;
}

enum sync_fault sync_draft_end(struct sync_draft *d, struct arena *a, slice *ret_bad)
{
    *ret_bad = S("");
    if (!d->key_count || !d->field_count || !check_names(d, ret_bad))
        return SYNC_BAD_FIELD;
    for (size_t i = 0; i < d->key_count; i++) {
        *ret_bad = d->keys[i];
        if (!move_key(d, i))
            return SYNC_BAD_FIELD;
    }
    for (size_t i = 0; i < d->field_count; i++)
        d->fields[i].label = arena_join(a, (slice[]){ S("\""), d->fields[i].name, S("\":") }, 3);
    d->header.fields = d->fields;
    d->header.field_count = d->field_count;
    d->header.key_count = d->key_count;
    *ret_bad = S("");
    return SYNC_FINE;
}
