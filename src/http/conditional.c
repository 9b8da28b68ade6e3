/* SPDX-License-Identifier: Apache-2.0 */
#include "http/conditional.h"

#include "base/text.h"

/* A parsed entity tag. Backslashes and commas in it are ordinary characters. */
struct entity_tag {
    slice opaque; /* between the quotes */
    bool weak;
};

/* Cut the next tag off *rest. False: at the end, or at a malformed element, after which no tag can be recognised. */
static bool next_tag(slice *rest, struct entity_tag *ret)
{
    slice s = slice_trim(*rest);
    while (s.n && s.p[0] == ',')
        s = slice_trim(slice_from(s, 1));
    if (s.n == 0)
        return false;
    ret->weak = slice_starts(s, S("W/\""));
    slice quoted = slice_from(s, ret->weak ? 2 : 0);
    if (quoted.p[0] == '"') {
        bool closed = slice_cut(slice_from(quoted, 1), '"', &ret->opaque, rest);
        *rest = slice_trim(*rest);
        return closed && (rest->n == 0 || rest->p[0] == ',');
    }
    slice_cut(s, ',', &ret->opaque, rest);
    ret->opaque = slice_trim(ret->opaque);
    return true;
}

bool etag_list_has(slice list, slice tag, bool weak)
{
    struct entity_tag ours, theirs;
    if (slice_eq(slice_trim(list), S("*")))
        return true;
    if (!next_tag(&tag, &ours) || (ours.weak && !weak))
        return false;
    while (next_tag(&list, &theirs))
        if (slice_eq(ours.opaque, theirs.opaque) && (weak || !theirs.weak))
            return true;
    return false;
}

static int64_t whole_second(int64_t ms)
{
    return ms - ms % 1000;
}

/* Does the header contain a date, and do we know the time of the last change? */
static bool date_given(slice header, const struct validators *now, int64_t *ret_ms)
{
    return header.n && now->exists && now->modified_at_ms > 0 && time_parse_http(slice_trim(header), ret_ms);
}

enum precondition preconditions_check(const struct preconditions *conditions, const struct validators *now,
                                      bool reading)
{
    int64_t date_ms;
    if (conditions->if_match.n) { /* step 1 */
        if (!now->exists || !etag_list_has(conditions->if_match, now->etag, false))
            return PRECONDITION_FAILED;
    } else if (date_given(conditions->if_unmodified_since, now, &date_ms)) { /* step 2 */
        if (whole_second(now->modified_at_ms) > date_ms)
            return PRECONDITION_FAILED;
    }
    if (conditions->if_none_match.n) { /* step 3 */
        if (now->exists && etag_list_has(conditions->if_none_match, now->etag, true))
            return reading ? PRECONDITION_NOT_MODIFIED : PRECONDITION_FAILED;
    } else if (reading && date_given(conditions->if_modified_since, now, &date_ms)) { /* step 4 */
        if (whole_second(now->modified_at_ms) <= date_ms)
            return PRECONDITION_NOT_MODIFIED;
    }
    return PRECONDITION_PROCEED;
}

bool if_range_holds(slice if_range, const struct validators *now)
{
    int64_t date_ms;
    if_range = slice_trim(if_range);
    if (if_range.n == 0)
        return true;
    if (date_given(if_range, now, &date_ms))
        return whole_second(now->modified_at_ms) == date_ms;
    bool one_tag =
        if_range.n >= 2 && if_range.p[0] == '"' && slice_find_byte(slice_from(if_range, 1), '"') == if_range.n - 2;
    return one_tag && now->exists && now->etag.n && etag_list_has(if_range, now->etag, false);
}
