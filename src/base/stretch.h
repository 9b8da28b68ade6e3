/* SPDX-License-Identifier: Apache-2.0 */
/* How long a thread that serves everybody works for one of them without a pause: a stretch. Counted is the time of the
 * processor that the thread used, so a thread that waits, or that the system interrupts, is not charged for it.
 *
 * To ask the system for that time is a call of about a microsecond. So a stretch is first measured by the wall clock,
 * and the other one is read only when the wall clock says that the stretch is a new maximum or above its budget, and
 * else at most once a millisecond. Where the wall clock ran on without the thread, up to a millisecond of its earlier
 * work may be counted, too: a stretch is never found shorter than it was. */
#ifndef CAIS_BASE_STRETCH_H
#define CAIS_BASE_STRETCH_H

#include <stdint.h>

/* Of one thread. All zero at first. */
struct stretch {
    int64_t began_us;    /* wall clock */
    int64_t cpu_us;      /* time of the processor that the thread had used … */
    int64_t cpu_read_us; /* … at this time of the wall clock */
};

/* Of all threads that do the same work. The numbers are relaxed atomics. */
struct stretch_budget {
    int64_t limit_us;
    uint64_t longest_us; /* since the start */
    uint64_t over;       /* how many stretches were above the limit */
};

void stretch_begin(struct stretch *);
/* Ends the stretch, and begins the next one. */
void stretch_end(struct stretch *, struct stretch_budget *);

#endif
