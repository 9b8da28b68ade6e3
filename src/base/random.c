/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include "base/text.h"

#include <stdlib.h>
#include <sys/random.h>

static void system_fill(struct random *r, void *bytes, size_t n)
{
    (void)r;
    for (char *p = bytes; n > 0;) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0)
            continue; /* EINTR, the only error for a valid buffer */
        p += got;
        n -= (size_t)got;
    }
}

struct random *random_system(void)
{
    static struct random system = { system_fill }; /* stateless */
    return &system;
}

static void seeded_fill(struct random *r, void *bytes, size_t n)
{
    struct random_seeded *s = CONTAINER_OF(r, struct random_seeded, random);
    for (size_t i = 0; i < n; i++) {
        /* splitmix64 over an atomic counter, so that each byte on each thread gets a step of its own */
        uint64_t z = __atomic_add_fetch(&s->state, 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        ((unsigned char *)bytes)[i] = (unsigned char)(z ^ (z >> 31));
    }
}

void random_seeded_init(struct random_seeded *r, uint64_t seed)
{
    *r = (struct random_seeded){ { seeded_fill }, seed };
}

slice random_of(struct random *r, slice letters, struct arena *a, size_t n)
{
    char *text = arena_alloc(a, n + 1);
    size_t fair = 256 - 256 % letters.n; /* larger bytes are rejected, because they would favour the first letters */
    for (size_t have = 0; have < n;) {
        unsigned char raw[64];
        random_fill(r, raw, sizeof raw);
        for (size_t i = 0; i < sizeof raw && have < n; i++)
            if (raw[i] < fair)
                text[have++] = letters.p[raw[i] % letters.n];
    }
    return (slice){ text, n };
}

slice random_text(struct random *r, struct arena *a, size_t n)
{
    return random_of(r, S("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), a, n);
}

slice random_hex(struct random *r, struct arena *a, size_t n)
{
    unsigned char *raw = arena_alloc(a, n / 2 + 1);
    random_fill(r, raw, n / 2 + 1);
    slice hex = hex_encode(a, (slice){ (char *)raw, n / 2 + 1 });
    hex.n = n;
    return hex;
}

void random_uuid(struct random *r, unsigned char ret_uuid[16])
{
    random_fill(r, ret_uuid, 16);
    ret_uuid[6] = (unsigned char)((ret_uuid[6] & 0x0f) | 0x40);
    ret_uuid[8] = (unsigned char)((ret_uuid[8] & 0x3f) | 0x80);
}
