/* SPDX-License-Identifier: Apache-2.0 */
#include "http/range.h"

#include "http/field.h"

/* Digits only. A number too large for 64 bits is larger than any file, which is all that matters. */
static bool to_position(slice digits, uint64_t *ret)
{
    for (size_t i = 0; i < digits.n; i++)
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
    while (digits.n > 1 && digits.p[0] == '0')
        digits = slice_from(digits, 1);
    if (digits.n && !slice_to_u64(digits, ret))
        *ret = UINT64_MAX;
    return digits.n > 0;
}

/* One range-spec: a-b, a- or -n. False when it is malformed. */
static bool parse_spec(slice spec, uint64_t size, struct range *ret)
{
    slice left, right;
    uint64_t first, last = UINT64_MAX;
    if (!slice_cut(spec, '-', &left, &right))
        return false;
    if (left.n == 0) { /* the last n bytes */
        uint64_t asked;
        if (!to_position(right, &asked))
            return false;
        uint64_t count = asked < size ? asked : size;
        *ret = (struct range){ RANGE_PART, size - count, count };
        if (asked == 0)
            ret->kind = RANGE_UNSATISFIABLE;
        else if (size == 0) /* satisfiable, says §14.1.2, but Content-Range cannot express it */
            ret->kind = RANGE_WHOLE;
        return true;
    }
    if (!to_position(left, &first) || (right.n && !to_position(right, &last)) || last < first)
        return false;
    if (first >= size) {
        *ret = (struct range){ .kind = RANGE_UNSATISFIABLE };
        return true;
    }
    uint64_t to_end = size - first;
    *ret = (struct range){ RANGE_PART, first, last - first < to_end ? last - first + 1 : to_end };
    return true;
}

struct range range_parse(slice header, uint64_t size_bytes)
{
    struct range whole = { RANGE_WHOLE, 0, size_bytes }, only = whole, other;
    slice unit, specs, spec;
    size_t count = 0;
    if (!slice_cut(header, '=', &unit, &specs) || !slice_eq_nocase(slice_trim(unit), S("bytes")))
        return whole;
    while (field_list_next(&specs, &spec))
        if (!parse_spec(spec, size_bytes, count++ ? &other : &only))
            return whole;
    return count == 1 ? only : whole;
}
