/* SPDX-License-Identifier: Apache-2.0 */
/* The clock, which is injected so that tests can set it. Nothing else in the tree asks the system for the time. */
#ifndef CAIS_BASE_CLOCK_H
#define CAIS_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

struct clock {
    int64_t (*now_ms)(struct clock *);       /* wall clock, milliseconds since 1970 UTC; may go backwards */
    int64_t (*monotonic_ms)(struct clock *); /* for time-outs; never goes backwards */
};

struct clock *clock_system(void);

/* A clock that stands still until clock_manual_advance moves it. Thread-safe. */
struct clock_manual {
    struct clock clock;
    int64_t wall_ms, mono_ms;
};
void clock_manual_init(struct clock_manual *c, int64_t wall_ms);
void clock_manual_advance(struct clock_manual *c, int64_t ms); /* a negative step moves only the wall clock */

static inline int64_t clock_now_ms(struct clock *c)
{
    return c->now_ms(c);
}
static inline int64_t clock_monotonic_ms(struct clock *c)
{
    return c->monotonic_ms(c);
}

/* For measuring the speed of the machine; never for deadlines or records, which follow the injected clock. */
int64_t clock_stopwatch_us(void);
/* The processor time that the calling thread has used. It needs a system call, which clock_stopwatch_us does not. */
int64_t clock_thread_cpu_us(void);
/* When that much real time has passed, for pthread_cond_timedwait of a condition with CLOCK_MONOTONIC: what somebody waits for
 * outside the program does not follow the injected clock. ms: 0 or more. */
struct timespec clock_real_deadline(int64_t ms);

#endif
