/* SPDX-License-Identifier: Apache-2.0 */
/* Not as a merge patch (RFC 7396), which SQLite could do: it would merge the objects in fields, too, and remove the nulls in them. Values are copied as they
 * stand, so no digit of a number changes. Members stay in their order; new ones come at the end. */
#include "record/merge.h"

#include "base/buf.h"
#include "core/store/record_store.h"

#include <stdlib.h>

struct found_member {
    struct json_member member;
    uint32_t place;
};

static int by_name(const void *x, const void *y)
{
    return slice_cmp(((const struct found_member *)x)->member.name, ((const struct found_member *)y)->member.name);
}

static err_t bad_object(struct arena *a, const char *why)
{
    return err_make(a, ERR_INVALID, "a row is no object: %s", why);
}

/* Counts the members, so that no memory depends on the text before it is known to be valid. */
static err_t count_members(slice text, struct arena *a, size_t *ret_count)
{
    struct json_scan scan;
    struct json_member m;
    enum json_scan_step step;
    if (!text.n || *text.p != '{' || !json_scan_begin(&scan, text))
        return bad_object(a, "it begins with no brace");
    *ret_count = 0;
    while ((step = json_scan_next(&scan, &m)) == JSON_SCAN_MEMBER) {
        if (m.name_has_escapes)
            return bad_object(a, "a name has escapes");
        ++*ret_count;
    }
    return step == JSON_SCAN_BAD ? bad_object(a, "it is not valid JSON") : NULL;
}

static void scan_members(slice text, struct found_member *found)
{
    struct json_scan scan;
    uint32_t place = 0;
    json_scan_begin(&scan, text);
    for (; json_scan_next(&scan, &found[place].member) == JSON_SCAN_MEMBER; place++)
        found[place].place = place;
}

err_t merge_read(slice text, struct arena *a, struct merge_row *ret_row)
{
    size_t count = 0;
    TRY(count_members(text, a, &count));
    *ret_row = (struct merge_row){ .text = text, .count = count, .is_too_large = count > RECORD_MEMBERS_MAX };
    if (ret_row->is_too_large) {
        ret_row->count = 0;
        return NULL;
    }
    /* One more, because the step that ends a scan may write its member, too. */
    struct found_member *found = arena_array(a, struct found_member, count + 1);
    scan_members(text, found);
    qsort(found, count, sizeof *found, by_name);
    ret_row->members = arena_array(a, struct merge_member, count + 1);
    ret_row->order = arena_array(a, uint32_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        if (i && slice_eq(found[i - 1].member.name, found[i].member.name))
            return bad_object(a, "a name stands there twice");
        ret_row->members[i].member = found[i].member;
        ret_row->order[found[i].place] = (uint32_t)i;
    }
    return NULL;
}

static struct merge_member *find_member(const struct merge_row *row, slice name)
{
    size_t low = 0, high = row->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = slice_cmp(row->members[middle].member.name, name);
        if (!order)
            return &row->members[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void add_member(struct buf *to, slice name, slice raw, size_t *count)
{
    buf_add(to, (*count)++ ? S(",\"") : S("\""));
    buf_add(to, name);
    buf_add(to, S("\":"));
    buf_add(to, raw);
}

/* The members that are there, changed by the row. */
static err_t add_old(struct buf *to, slice old, struct merge_row *row, struct arena *a, size_t *count)
{
    struct json_scan scan;
    struct json_member m;
    enum json_scan_step step;
    if (!json_scan_begin(&scan, old))
        return err_make(a, ERR_CORRUPT, "a record is no object");
    while ((step = json_scan_next(&scan, &m)) == JSON_SCAN_MEMBER) {
        struct merge_member *changed = find_member(row, m.name);
        if (changed)
            changed->is_used = true;
        const struct json_value *value = changed ? &changed->member.value : &m.value;
        if (value->kind != JSON_KIND_NULL)
            add_member(to, m.name, value->raw, count);
    }
    return step == JSON_SCAN_BAD ? err_make(a, ERR_CORRUPT, "a record is no object") : NULL;
}

err_t merge_into(struct buf *to, slice old, struct merge_row *row, struct arena *a, bool *ret_fits)
{
    size_t count = 0;
    buf_add_byte(to, '{');
    if (old.n)
        TRY(add_old(to, old, row, a, &count));
    for (size_t i = 0; i < row->count; i++) {
        const struct merge_member *m = &row->members[row->order[i]];
        if (!m->is_used && m->member.value.kind != JSON_KIND_NULL)
            add_member(to, m->member.name, m->member.value.raw, &count);
    }
    buf_add_byte(to, '}');
    *ret_fits = !to->failed && count <= RECORD_MEMBERS_MAX;
    return NULL;
}
