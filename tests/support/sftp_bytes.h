/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of SFTP, byte by byte, for tests and fuzz targets. Everything is in the arena. */
#ifndef CAIS_TESTS_SFTP_BYTES_H
#define CAIS_TESTS_SFTP_BYTES_H

#include "base/arena.h"

static inline slice sftp_number(struct arena *a, uint64_t v, size_t size)
{
    char *p = arena_alloc(a, size);
    for (size_t i = size; i-- > 0; v >>= 8)
        p[i] = (char)(v & 0xff);
    return (slice){ p, size };
}

static inline slice sftp_string(struct arena *a, slice s)
{
    slice parts[] = { sftp_number(a, s.n, 4), s };
    return arena_join(a, parts, 2);
}

#define SFTP_JOIN(a, ...)                                                                                              \
    arena_join((a), (const slice[]){ __VA_ARGS__ }, sizeof((const slice[]){ __VA_ARGS__ }) / sizeof(slice))

/* Without its length. */
static inline slice sftp_packet(struct arena *a, uint8_t type, uint32_t id, slice fields)
{
    return SFTP_JOIN(a, sftp_number(a, type, 1), sftp_number(a, id, 4), fields);
}

static inline uint64_t sftp_number_at(slice bytes, size_t at, size_t size)
{
    uint64_t v = 0;
    for (size_t i = 0; i < size; i++)
        v = v << 8 | (unsigned char)bytes.p[at + i];
    return v;
}

#endif
