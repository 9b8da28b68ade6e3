/* SPDX-License-Identifier: Apache-2.0 */
/* A cleaned file name is short, well-formed UTF-8 and one segment of a path, and cleaning it again does not change
 * it. */
#include "fuzz.h"

#include "core/file/file_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    slice raw = fuzz_slice(data, size), name, again;
    err_t e = file_name_clean(raw, &a, &name);
    HOLDS(!slice_is_utf8(raw) == err_is(e, ERR_INVALID));
    if (e)
        return 0;
    HOLDS(!file_name_clean_long(raw, &a, &again) && slice_eq(name, again));
    HOLDS(name.n >= 1 && name.n <= FILE_NAME_MAX_BYTES && slice_is_utf8(name));
    HOLDS(slice_find_byte(name, '/') == SLICE_NONE && slice_find_byte(name, '\\') == SLICE_NONE);
    HOLDS(!slice_eq(name, S(".")) && !slice_eq(name, S("..")));
    for (size_t i = 0; i < name.n; i++)
        HOLDS((unsigned char)name.p[i] >= ' ' && name.p[i] != 0x7f);
    HOLDS(!file_name_clean(name, &a, &again) && slice_eq(name, again));
    return 0;
}
