/* SPDX-License-Identifier: Apache-2.0 */
#include "core/object/checksums.h"

#include "base/arena.h"
#include "base/crc.h"

#include <string.h>

static uint32_t load_checksum(const char *from)
{
    const unsigned char *p = (const unsigned char *)from;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_checksum(char *to, uint32_t checksum)
{
    for (int i = CHECKSUM_SIZE; i-- > 0; checksum >>= 8)
        to[i] = (char)checksum;
}

void checksums_init(struct checksums *c)
{
    *c = (struct checksums){ 0 };
    buf_init(&c->list, 0);
}

bool checksums_init_at(struct checksums *c, slice list, uint64_t first, uint64_t bytes)
{
    checksums_init(c);
    if (first > checksums_count(bytes) || list.n != (checksums_count(bytes) - first) * CHECKSUM_SIZE)
        return false;
    buf_add(&c->list, list);
    c->first = first;
    c->bytes = bytes;
    return true;
}

void checksums_release(struct checksums *c)
{
    buf_release(&c->list);
}

void checksums_add(struct checksums *c, slice bytes)
{
    while (bytes.n) {
        size_t begun = (size_t)(c->bytes % CHECKSUM_PIECE);
        slice piece = slice_part(bytes, 0, CHECKSUM_PIECE - begun);
        if (!begun)
            buf_add(&c->list, (slice){ "\0\0\0\0", CHECKSUM_SIZE });
        char *last = c->list.p + c->list.n - CHECKSUM_SIZE;
        store_checksum(last, crc32c_update(load_checksum(last), piece));
        c->bytes += piece.n;
        bytes = slice_from(bytes, piece.n);
    }
}

void checksums_forget_before(struct checksums *c, uint64_t step)
{
    uint64_t count = checksums_count(c->bytes), from = count ? (count - 1) / step * step : 0;
    if (from <= c->first)
        return;
    size_t gone = (size_t)(from - c->first) * CHECKSUM_SIZE;
    memmove(c->list.p, c->list.p + gone, c->list.n - gone);
    c->list.n -= gone;
    c->first = from;
}

slice checksums_of(slice bytes, struct arena *a)
{
    char *list = arena_alloc(a, checksums_count(bytes.n) * CHECKSUM_SIZE + 1);
    size_t count = 0;
    for (; bytes.n; count++) {
        slice piece = slice_part(bytes, 0, CHECKSUM_PIECE);
        store_checksum(list + count * CHECKSUM_SIZE, crc32c_update(0, piece));
        bytes = slice_from(bytes, piece.n);
    }
    return (slice){ list, count * CHECKSUM_SIZE };
}

bool checksum_fits(slice list, uint64_t i, slice piece)
{
    return i < list.n / CHECKSUM_SIZE && crc32c_update(0, piece) == load_checksum(list.p + i * CHECKSUM_SIZE);
}

bool checksums_fit(slice list, slice bytes)
{
    bool fit = list.n == checksums_count(bytes.n) * CHECKSUM_SIZE;
    for (uint64_t i = 0; fit && bytes.n; i++) {
        slice piece = slice_part(bytes, 0, CHECKSUM_PIECE);
        fit = checksum_fits(list, i, piece);
        bytes = slice_from(bytes, piece.n);
    }
    return fit;
}
