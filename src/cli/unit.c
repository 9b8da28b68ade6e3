/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/unit.h"

#include "base/config_key.h"

static const struct unit sizes[] = { { "", 1 }, { "K", KiB }, { "M", MiB }, { "G", GiB }, { "T", TiB } };
static const struct unit durations[] = {
    { "ms", 1 }, { "s", SECOND }, { "m", 60 * SECOND }, { "h", HOUR }, { "d", DAY },
};
const struct unit_list units_of_size = { sizes, LENGTH_OF(sizes) };
const struct unit_list units_of_duration = { durations, LENGTH_OF(durations) };

bool unit_parse(const struct unit_list *list, slice text, int64_t *ret)
{
    size_t digits = 0;
    uint64_t number;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    if (!slice_to_u64(slice_part(text, 0, digits), &number))
        return false;
    for (size_t i = 0; i < list->count; i++)
        if (slice_eq_nocase(slice_from(text, digits), slice_of(list->units[i].suffix)))
            return number <= INT64_MAX && !__builtin_mul_overflow((int64_t)number, list->units[i].factor, ret);
    /* 0 needs no unit. */
    *ret = 0;
    return number == 0 && digits == text.n;
}

slice unit_format(const struct unit_list *list, int64_t value, struct arena *a)
{
    const struct unit *best = &list->units[0];
    for (size_t i = 1; value && i < list->count; i++)
        if (value % list->units[i].factor == 0)
            best = &list->units[i];
    return arena_printf(a, "%lld%s", (long long)(value / best->factor), best->suffix);
}
