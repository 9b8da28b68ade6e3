/* SPDX-License-Identifier: Apache-2.0 */
#include "http/range.h"

#include "http/field.h"

/* Parse a decimal number. One that does not fit in 64 bits becomes UINT64_MAX: both are beyond the end of any file. */
static bool parse_position(slice digits, uint64_t *ret)
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

/* Parse one range-spec: a-b, a- or -n. False: it is malformed. */
static bool parse_range_spec(slice spec, uint64_t size, struct range *ret)
{
    slice left, right;
    uint64_t first, last = UINT64_MAX;
    if (!slice_cut(spec, '-', &left, &right))
        return false;
    if (left.n == 0) { /* the last n bytes */
        uint64_t suffix;
        if (!parse_position(right, &suffix))
            return false;
        uint64_t count = suffix < size ? suffix : size;
        *ret = (struct range){ RANGE_PART, size - count, count };
        if (suffix == 0)
            ret->kind = RANGE_UNSATISFIABLE;
        else if (size == 0) /* satisfiable (§14.1.2), but Content-Range cannot express an empty range */
            ret->kind = RANGE_WHOLE;
        return true;
    }
    if (!parse_position(left, &first) || (right.n && !parse_position(right, &last)) || last < first)
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
        if (!parse_range_spec(spec, size_bytes, count++ ? &other : &only))
            return whole;
    return count == 1 ? only : whole;
}
