/* SPDX-License-Identifier: Apache-2.0 */
/* Not as a merge patch (RFC 7396), which SQLite could do: it would merge the objects in fields, too, and remove the nulls in them. Values are copied as they
 * stand, so no digit of a number changes. Members stay in their order; new ones come at the end. */
#include "record/merge.h"

#include "base/buf.h"
#include "core/store/record_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static err_t bad_object(struct arena *a, const char *why)
{
    return err_make(a, ERR_INVALID, "a row is no object: %s", why);
}

/* Reads the first few members, and counts all of them, so that no memory depends on the text before it is known to be valid. */
static err_t read_few(struct merge_row *row, struct arena *a)
{
    struct json_scan scan;
    struct json_member more;
    enum json_scan_step step;
    if (!row->text.n || *row->text.p != '{' || !json_scan_begin(&scan, row->text))
        return bad_object(a, "it begins with no brace");
    for (;; row->count++) {
        struct json_member *m = row->count < MERGE_FEW ? &row->few[row->count].member : &more;
        if ((step = json_scan_next(&scan, m)) != JSON_SCAN_MEMBER)
            break;
        if (m->name_has_escapes)
            return bad_object(a, "a name has escapes");
    }
    return step == JSON_SCAN_BAD ? bad_object(a, "it is not valid JSON") : NULL;
}

static void read_all(struct merge_row *row, struct arena *a)
{
    struct json_scan scan;
    row->members = arena_array(a, struct merge_member, row->count);
    json_scan_begin(&scan, row->text);
    for (size_t i = 0; i < row->count; i++) {
        enum json_scan_step step = json_scan_next(&scan, &row->members[i].member);
        assert(step == JSON_SCAN_MEMBER);
    }
}

/* ---- names */

static slice name_at(const struct merge_row *row, size_t i)
{
    return row->members[row->sorted[i]].member.name;
}

/* As many comparisons as members, if the order is right already. */
static void sort_few(struct merge_row *row, struct merge_order *order)
{
    row->sorted = order->places;
    if (order->count != row->count)
        for (uint32_t i = 0; i < row->count; i++)
            order->places[i] = i;
    order->count = row->count;
    for (size_t i = 1; i < row->count; i++)
        for (size_t k = i; k && slice_cmp(name_at(row, k - 1), name_at(row, k)) > 0; k--) {
            uint32_t place = row->sorted[k];
            row->sorted[k] = row->sorted[k - 1];
            row->sorted[k - 1] = place;
        }
}

struct named_place {
    slice name;
    uint32_t place;
};

static int by_name(const void *x, const void *y)
{
    return slice_cmp(((const struct named_place *)x)->name, ((const struct named_place *)y)->name);
}

static void sort_many(struct merge_row *row, struct arena *a)
{
    struct named_place *names = arena_array(a, struct named_place, row->count);
    row->sorted = arena_array(a, uint32_t, row->count);
    for (uint32_t i = 0; i < row->count; i++)
        names[i] = (struct named_place){ row->members[i].member.name, i };
    qsort(names, row->count, sizeof *names, by_name);
    for (size_t i = 0; i < row->count; i++)
        row->sorted[i] = names[i].place;
}

/* Is the text as long as its members without blanks, and is none of them null? */
static bool stands_as_object(const struct merge_row *row)
{
    size_t n = row->count ? S("{}").n + row->count - 1 : S("{}").n;
    for (size_t i = 0; i < row->count; i++) {
        const struct json_member *m = &row->members[i].member;
        if (m->value.kind == JSON_KIND_NULL)
            return false;
        n += m->name.n + S("\"\":").n + m->value.raw.n;
    }
    return n == row->text.n;
}

err_t merge_read(slice text, struct merge_order *order, struct arena *a, struct merge_row *ret_row)
{
    struct merge_row *row = ret_row;
    row->text = text;
    row->members = row->few;
    row->count = 0;
    TRY(read_few(row, a));
    row->is_too_large = row->count > RECORD_MEMBERS_MAX;
    if (row->is_too_large) {
        row->count = 0;
        return NULL;
    }
    if (row->count > MERGE_FEW) {
        read_all(row, a);
        sort_many(row, a);
    } else {
        sort_few(row, order);
    }
    for (size_t i = 0; i < row->count; i++) {
        row->members[i].is_used = false;
        if (i && slice_eq(name_at(row, i - 1), name_at(row, i)))
            return bad_object(a, "a name stands there twice");
    }
    row->is_object = stands_as_object(row);
    return NULL;
}

/* *at: where it is looked for first, and from then on the place behind it. */
static struct merge_member *find_member(const struct merge_row *row, slice name, size_t *at)
{
    size_t low = 0, high = row->count;
    if (*at < row->count && slice_eq(row->members[*at].member.name, name))
        return &row->members[(*at)++];
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = slice_cmp(name_at(row, middle), name);
        if (!order) {
            *at = row->sorted[middle] + 1;
            return &row->members[row->sorted[middle]];
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- objects */

static char *add_bytes(char *to, slice bytes)
{
    memcpy(to, bytes.p, bytes.n);
    return to + bytes.n;
}

/* The largest part of the work of an update: one reservation for all pieces. */
static void add_member(struct buf *to, slice name, slice raw, size_t *count)
{
    size_t n = name.n + raw.n + S(",\"\":").n;
    char *begin = buf_reserve(to, n), *at = begin;
    if (!begin)
        return;
    at = add_bytes(at, (*count)++ ? S(",\"") : S("\""));
    at = add_bytes(at, name);
    at = add_bytes(at, S("\":"));
    at = add_bytes(at, raw);
    to->n += (size_t)(at - begin);
}

/* The members that are there, changed by the row. */
static err_t add_old(struct buf *to, slice old, struct merge_row *row, struct arena *a, size_t *count)
{
    struct json_scan scan;
    struct json_member m;
    enum json_scan_step step;
    size_t at = 0;
    if (!json_scan_begin(&scan, old))
        return err_make(a, ERR_CORRUPT, "a record is no object");
    while ((step = json_scan_next(&scan, &m)) == JSON_SCAN_MEMBER) {
        struct merge_member *changed = find_member(row, m.name, &at);
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
        const struct merge_member *m = &row->members[i];
        if (!m->is_used && m->member.value.kind != JSON_KIND_NULL)
            add_member(to, m->member.name, m->member.value.raw, &count);
    }
    buf_add_byte(to, '}');
    *ret_fits = !to->failed && count <= RECORD_MEMBERS_MAX;
    return NULL;
}
