/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and durations as people write them, in the configuration and on the command line: a number and a unit. */
#ifndef CAIS_CLI_UNIT_H
#define CAIS_CLI_UNIT_H

#include "base/arena.h"

struct unit {
    const char *suffix;
    int64_t factor;
};
struct unit_list {
    const struct unit *units; /* from the smallest to the largest */
    size_t count;
};
extern const struct unit_list units_of_size;     /* bytes; K, M, G, T */
extern const struct unit_list units_of_duration; /* milliseconds, which have the unit ms; s, m, h, d */

/* The case of the unit does not matter; 0 needs none. False: the text has another form, or the number does not fit. */
bool unit_parse(const struct unit_list *, slice text, int64_t *ret);
/* In the largest unit of which the value is a multiple. */
slice unit_format(const struct unit_list *, int64_t value, struct arena *a);

#endif
