/* SPDX-License-Identifier: Apache-2.0 */
/* A sync file in JSON: what sync_any.h says, and what passes is valid JSON, in which a walk finds as many elements. */
#include "sync_any.h"

static uint64_t count_elements(slice bytes, slice name)
{
    struct json_scan file, array;
    struct json_member m, element;
    enum json_scan_step step;
    uint64_t count = 0;
    HOLDS(json_scan_begin(&file, bytes) && file.close == '}');
    while ((step = json_scan_next(&file, &m)) == JSON_SCAN_MEMBER)
        if (slice_eq_nocase(m.name, name) && m.value.kind == JSON_KIND_ARRAY && json_scan_begin(&array, m.value.raw))
            while (json_scan_next(&array, &element) == JSON_SCAN_MEMBER)
                count++;
    /* An element is walked alone, and so may be nested two levels deeper than in the file as a whole. */
    return step == JSON_SCAN_END ? count : UINT64_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t upserts, deletes;
    if (size < 2 || !check_sync_file(data, size, SYNC_JSON, &upserts, &deletes))
        return 0;
    slice bytes = fuzz_slice(data + 2, size - 2);
    if (slice_starts(bytes, S("\xef\xbb\xbf")))
        bytes = slice_from(bytes, 3);
    uint64_t found = count_elements(bytes, S("data"));
    HOLDS(found == UINT64_MAX || (found == upserts && count_elements(bytes, S("delete")) == deletes));
    return 0;
}
