/* SPDX-License-Identifier: Apache-2.0 */
/* A binary search in the runs of the table for each character that is not ASCII. No character folds to one that is more
 * than half as long again: the longest step is from two bytes to three (U+023A), so one allocation is enough. */
#include "base/case_fold.h"

#include "base/character.h"

#include "base/case_fold_table.h"

#include <assert.h>

#define RUN_COUNT (sizeof case_fold_runs / sizeof *case_fold_runs)

static uint32_t fold_character(uint32_t c)
{
    size_t low = 0, high = RUN_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct case_fold_run *run = &case_fold_runs[middle];
        if (c > run->last)
            low = middle + 1;
        else if (c < run->first)
            high = middle;
        else
            return (c - run->first) % (uint32_t)run->step == 0 ? c + (uint32_t)run->delta : c;
    }
    return c;
}

static size_t encode_character(uint32_t c, char *p)
{
    if (c < 0x80) {
        p[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        p[i] = (char)(0x80 | (c & 0x3f));
    p[0] = (char)((0xf0u << (4 - n)) | c);
    return n;
}

slice case_fold(struct arena *a, slice text)
{
    size_t max = text.n + text.n / 2;
    if (max < text.n || !arena_has_room(a, max)) {
        arena_mark_over(a);
        return (slice){ "", 0 };
    }
    char *folded = arena_alloc(a, max ? max : 1);
    size_t n = 0;
    for (size_t at = 0; at < text.n;) {
        unsigned char byte = (unsigned char)text.p[at];
        size_t length = byte < 0x80 ? 1 : slice_utf8_length(slice_part(text, at, 4));
        if (length > 1)
            n += encode_character(fold_character(character_decode(text.p + at, length)), folded + n);
        else
            folded[n++] = (char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
        at += length ? length : 1;
    }
    assert(n <= max);
    return (slice){ folded, n };
}
