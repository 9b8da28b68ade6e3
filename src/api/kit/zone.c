/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/zone.h"

#include "base/text.h"

bool zone_parse(slice text, int *ret_minutes)
{
    uint64_t hours, minutes;
    if (text.n != 6 || (text.p[0] != '+' && text.p[0] != '-') || text.p[3] != ':' ||
        !slice_to_u64(slice_part(text, 1, 2), &hours) || !slice_to_u64(slice_part(text, 4, 2), &minutes) ||
        minutes > 59 || hours * 60 + minutes > 14 * 60)
        return false;
    *ret_minutes = (int)(hours * 60 + minutes) * (text.p[0] == '-' ? -1 : 1);
    return true;
}

slice zone_format(int minutes, int64_t ms, struct arena *a)
{
    int size = minutes < 0 ? -minutes : minutes;
    slice local = time_format_utc(a, ms + minutes * INT64_C(60000));
    return arena_printf(a, SLICE_FMT "%c%02d:%02d", SLICE_ARG(slice_part(local, 0, local.n - 1)),
                        minutes < 0 ? '-' : '+', size / 60, size % 60);
}
