/* SPDX-License-Identifier: Apache-2.0 */
/* Included by every fuzz target. A target is one function. libFuzzer calls it in a build with -Dfuzz=true, and
 * replay_main.c in any other build. */
#ifndef CAIS_FUZZ_FUZZ_H
#define CAIS_FUZZ_FUZZ_H

#include "base/arena.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold for every input. */
#define HOLDS(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

static inline slice fuzz_slice(const uint8_t *data, size_t size)
{
    return (slice){ (const char *)data, size };
}

#endif
