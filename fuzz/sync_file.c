/* SPDX-License-Identifier: Apache-2.0 */
/* A sync file in lines: what sync_any.h says, and the rows are the lines that begin with 10 and 90. */
#include "sync_any.h"

static uint64_t count_lines(slice bytes, slice type)
{
    slice line;
    uint64_t count = 0;
    for (bool has_more = true; has_more;) {
        has_more = slice_cut(bytes, '\n', &line, &bytes);
        count += slice_starts(line, type);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t upserts, deletes;
    if (size < 2 || !check_sync_file(data, size, SYNC_LINES, &upserts, &deletes))
        return 0;
    slice bytes = fuzz_slice(data + 2, size - 2);
    HOLDS(slice_is_utf8(bytes) && count_lines(bytes, S("10")) == upserts && count_lines(bytes, S("90")) == deletes);
    return 0;
}
