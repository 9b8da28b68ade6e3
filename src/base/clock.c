/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "base/scoped.h"

#include <stddef.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t system_now(struct clock *c)
{
    (void)c;
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_monotonic(struct clock *c)
{
    (void)c;
    return read_ms(CLOCK_MONOTONIC);
}

struct clock *clock_system(void)
{
    static struct clock system = { system_now, system_monotonic }; /* stateless */
    return &system;
}

static int64_t manual_now(struct clock *c)
{
    return __atomic_load_n(&CONTAINER_OF(c, struct clock_manual, clock)->wall_ms, __ATOMIC_SEQ_CST);
}

static int64_t manual_monotonic(struct clock *c)
{
    return __atomic_load_n(&CONTAINER_OF(c, struct clock_manual, clock)->mono_ms, __ATOMIC_SEQ_CST);
}

void clock_manual_init(struct clock_manual *c, int64_t wall_ms)
{
    *c = (struct clock_manual){ .clock = { manual_now, manual_monotonic }, .wall_ms = wall_ms };
}

void clock_manual_advance(struct clock_manual *c, int64_t ms)
{
    __atomic_add_fetch(&c->wall_ms, ms, __ATOMIC_SEQ_CST);
    if (ms > 0)
        __atomic_add_fetch(&c->mono_ms, ms, __ATOMIC_SEQ_CST);
}

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_stopwatch_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_thread_cpu_us(void)
{
    return read_us(CLOCK_THREAD_CPUTIME_ID);
}

struct timespec clock_real_deadline(int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}
