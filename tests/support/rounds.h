/* SPDX-License-Identifier: Apache-2.0 */
/* The number of rounds of each loop (tests/rounds.def, CAIS_ROUNDS) and the seed of its random numbers (CAIS_SEED). */
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

/* The number of rounds of this loop: the number for `make proof` if CAIS_ROUNDS is `full`, else that for `make test`. It
 * is at least 1. */
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

/* The seed of all random numbers: CAIS_SEED, else 1. Runs with the same seed use the same random numbers. */
static inline uint64_t rounds_seed(void)
{
    const char *seed = getenv("CAIS_SEED");
    return seed ? strtoull(seed, NULL, 10) : 1;
}

/* For a loop `for (nth = fault_first(); …; nth += fault_step())` that makes the nth call fail, counted from 1. `make proof`
 * makes every call fail in turn. Otherwise every tenth call fails, and the seed chooses the first one. */
static inline int64_t fault_step(void)
{
    return 10 / rounds(ROUNDS_fault_places);
}

static inline int64_t fault_first(void)
{
    return 1 + (int64_t)(rounds_seed() % (uint64_t)fault_step());
}

#endif
