/* SPDX-License-Identifier: Apache-2.0 */
/* No text is a page token but one that page_token_make gives for its place. An input with a 0 in it is such a token, of which some
 * characters were changed: before the 0 stands its place, and behind it what is added to each character. */
#include "fuzz.h"

#include "api/kit/page_token.h"

static const struct page_token_key key = { .key = { "0123456789abcdef0123456789abcdef", 32 }, .dataset_id = 5 };

static struct row_query sample_query(void)
{
    static const struct column_list columns;
    static const struct row_item item = { .aggregate = ROW_COUNT_ROWS, .type = COLUMN_UINT64, .name = { "n", 1 } };
    return (struct row_query){ .columns = &columns, .items = &item, .item_count = 1, .is_grouped = true };
}

static slice change_token(slice made, slice changes, struct arena *a)
{
    char *token = arena_cstr(a, made);
    for (size_t i = 0; i < changes.n && i < made.n; i++)
        token[i] = (char)(token[i] + changes.p[i]);
    return (slice){ token, made.n };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    struct row_query query = sample_query();
    slice text = fuzz_slice(data, size), place_bytes, changes;
    struct page_place place = { 0 }, found;
    if (!slice_cut(text, '\0', &place_bytes, &changes)) {
        if (page_token_read(&key, &query, text, &a, &found)) /* libFuzzer learns tokens from comparisons */
            HOLDS(slice_eq(page_token_make(&key, &query, found, &a), text));
        return 0;
    }
    place.offset = slice_hash(place_bytes);
    place.newest_row = (int64_t)(place.offset >> 1);
    slice made = page_token_make(&key, &query, place, &a);
    slice changed = change_token(made, changes, &a);
    bool is_read = page_token_read(&key, &query, changed, &a, &found);
    HOLDS(is_read == slice_eq(made, changed)); /* it has no spare bits: its length is a multiple of three */
    HOLDS(!is_read || (found.offset == place.offset && found.newest_row == place.newest_row));
    return 0;
}
