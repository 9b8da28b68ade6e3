/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stretch.h"

#include "base/clock.h"

#include <stdbool.h>

#define CPU_READ_EVERY_US 1000

static void read_cpu_clock(struct stretch *s, int64_t now_us)
{
    s->cpu_us = clock_thread_cpu_us();
    s->cpu_read_us = now_us;
}

void stretch_begin(struct stretch *s)
{
    s->began_us = clock_stopwatch_us();
    if (s->began_us - s->cpu_read_us > CPU_READ_EVERY_US)
        read_cpu_clock(s, s->began_us);
}

static void note_longest(struct stretch_budget *b, uint64_t took_us)
{
    uint64_t longest = __atomic_load_n(&b->longest_us, __ATOMIC_RELAXED);
    while (took_us > longest &&
           !__atomic_compare_exchange_n(&b->longest_us, &longest, took_us, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

void stretch_end(struct stretch *s, struct stretch_budget *b)
{
    int64_t now_us = clock_stopwatch_us(), took_us = now_us - s->began_us;
    int64_t longest_us = (int64_t)__atomic_load_n(&b->longest_us, __ATOMIC_RELAXED);
    s->began_us = now_us;
    if (took_us > longest_us || took_us > b->limit_us) {
        int64_t before_us = s->cpu_us;
        read_cpu_clock(s, now_us);
        took_us = s->cpu_us - before_us < took_us ? s->cpu_us - before_us : took_us;
        note_longest(b, (uint64_t)took_us);
        if (took_us > b->limit_us)
            __atomic_fetch_add(&b->over, 1, __ATOMIC_RELAXED);
    } else if (now_us - s->cpu_read_us > CPU_READ_EVERY_US) {
        read_cpu_clock(s, now_us);
    }
}
