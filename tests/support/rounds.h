/* SPDX-License-Identifier: Apache-2.0 */
/* How often a loop of a test runs, and what it draws its chance from: tests/rounds.def, CAIS_ROUNDS and CAIS_SEED. */
#ifndef CAIS_TESTS_ROUNDS_H
#define CAIS_TESTS_ROUNDS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum rounds_name {
#define ROUNDS(name, proof, test, what) ROUNDS_##name,
#include "../rounds.def"
#undef ROUNDS
};

/* The number of rounds of this loop: that of the proof when CAIS_ROUNDS is `full`, else that of a test; at least 1. */
static inline int rounds(enum rounds_name name)
{
    static const struct {
        int proof, test;
    } numbers[] = {
#define ROUNDS(name, proof, test, what) { (proof), (test) },
#include "../rounds.def"
#undef ROUNDS
    };
    const char *wanted = getenv("CAIS_ROUNDS");
    return wanted && strcmp(wanted, "full") == 0 ? numbers[name].proof : numbers[name].test;
}

/* What chance begins with: CAIS_SEED, else 1. A run with the same seed draws the same. */
static inline uint64_t rounds_seed(void)
{
    const char *seed = getenv("CAIS_SEED");
    return seed ? strtoull(seed, NULL, 10) : 1;
}

/* For a loop `for (nth = fault_first(); …; nth += fault_step())` over the calls that can fail, counted from 1: every
 * call in a proof, one in ten otherwise, from a place that the seed chooses. */
static inline int64_t fault_step(void)
{
    return 10 / rounds(ROUNDS_fault_places);
}

static inline int64_t fault_first(void)
{
    return 1 + (int64_t)(rounds_seed() % (uint64_t)fault_step());
}

#endif
