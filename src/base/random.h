/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers, injected: the kernel's generator in the product, a seeded one in tests. Thread-safe. */
#ifndef CAIS_BASE_RANDOM_H
#define CAIS_BASE_RANDOM_H

#include "base/arena.h"

struct random {
    void (*fill)(struct random *, void *bytes, size_t n);
};

struct random *random_system(void);

struct random_seeded {
    struct random random;
    uint64_t state;
};
void random_seeded_init(struct random_seeded *r, uint64_t seed); /* predictable: tests only */

static inline void random_fill(struct random *r, void *bytes, size_t n)
{
    r->fill(r, bytes, n);
}
/* n characters of [A-Za-z0-9], each equally probable. */
slice random_text(struct random *r, struct arena *a, size_t n);
/* n characters of `letters` (at most 256), each equally probable. */
slice random_of(struct random *r, slice letters, struct arena *a, size_t n);
/* n lower-case hex digits. */
slice random_hex(struct random *r, struct arena *a, size_t n);
/* A version 4 UUID (RFC 9562 §5.4) as 16 bytes. */
void random_uuid(struct random *r, unsigned char ret_uuid[16]);

#endif
