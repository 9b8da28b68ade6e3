/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in decimal text of any length, by the grammar of JSON (json_is_number of json_scan.h): the caller has checked
 * that. Nothing is allocated, and no locale has a say. Thread: any. */
#ifndef CAIS_BASE_NUMBER_H
#define CAIS_BASE_NUMBER_H

#include "base/buf.h"

enum number_rounding {
    NUMBER_EXACT,     /* what does not fit exactly is refused */
    NUMBER_HALF_EVEN, /* to the nearest; halves to the even neighbour */
    NUMBER_FLOOR,     /* down, also below zero */
};

struct number {
    bool is_negative; /* also of -0 */
    uint64_t magnitude;
};

/* The number times 10^places, as a whole number. False: it does not fit. */
bool number_scale(slice text, unsigned places, enum number_rounding, struct number *ret);
/* The nearest double; halves to the even one. False: it would be infinite. */
bool number_to_double(slice text, double *ret);

/* A text that number_to_double reads as `v` again: the shortest that %g has for it. `v` is finite. */
void buf_add_double(struct buf *, double v);

#endif
