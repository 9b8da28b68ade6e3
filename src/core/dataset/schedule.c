/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dataset/schedule.h"

#define MINUTE_MS ((int64_t)60000)
#define DAY_MS (24 * 60 * MINUTE_MS)

struct times {
    int64_t period_ms, offset_ms; /* they are at offset + n * period */
};

static bool read_every(slice text, struct times *ret)
{
    uint64_t number;
    if (text.n < 2 || !slice_to_u64(slice_part(text, 0, text.n - 1), &number))
        return false;
    char unit = text.p[text.n - 1];
    if ((unit != 'm' && unit != 'h') || number < 1 || number > (unit == 'm' ? 24 * 60 : 24))
        return false;
    *ret = (struct times){ (int64_t)number * MINUTE_MS * (unit == 'h' ? 60 : 1), 0 };
    return true;
}

static bool read_daily(slice text, struct times *ret)
{
    uint64_t hour, minute;
    if (text.n != 5 || text.p[2] != ':' || !slice_to_u64(slice_part(text, 0, 2), &hour) ||
        !slice_to_u64(slice_from(text, 3), &minute) || hour > 23 || minute > 59)
        return false;
    *ret = (struct times){ DAY_MS, (int64_t)(hour * 60 + minute) * MINUTE_MS };
    return true;
}

static bool read_schedule(slice schedule, struct times *ret)
{
    slice word, rest;
    if (!slice_cut(schedule, ' ', &word, &rest))
        return false;
    if (slice_eq(word, S("every")))
        return read_every(rest, ret);
    return slice_eq(word, S("daily")) && read_daily(rest, ret);
}

bool schedule_is_valid(slice schedule)
{
    struct times unused;
    return read_schedule(schedule, &unused);
}

int64_t schedule_next_ms(slice schedule, int64_t now_ms)
{
    struct times t;
    if (!read_schedule(schedule, &t))
        return 0;
    int64_t since = now_ms - t.offset_ms;
    int64_t n = since / t.period_ms - (since % t.period_ms < 0);
    return t.offset_ms + (n + 1) * t.period_ms;
}
