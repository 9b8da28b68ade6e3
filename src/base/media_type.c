/* SPDX-License-Identifier: Apache-2.0 */
#include "base/media_type.h"

#include <stdlib.h>

struct media_type_row {
    const char *extension, *type;
};
/* Sorted by extension for the binary search; a test checks the order. */
static const struct media_type_row table[] = {
#define TYPE(extension, type) { extension, type },
#include "base/media_types.def"
#undef TYPE
};

slice file_extension(slice name, struct arena *a)
{
    size_t dot = slice_rfind_byte(name, '.');
    if (dot == SLICE_NONE || dot == 0 || dot + 1 == name.n)
        return S("");
    slice extension = slice_from(name, dot + 1);
    char *lower = arena_cstr(a, extension);
    for (size_t i = 0; i < extension.n; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] + ('a' - 'A'));
    return (slice){ lower, extension.n };
}

static int compare_extension(const void *key, const void *row)
{
    return slice_cmp(*(const slice *)key, slice_of(((const struct media_type_row *)row)->extension));
}

slice media_type_of(slice extension)
{
    const struct media_type_row *row = bsearch(&extension, table, LENGTH_OF(table), sizeof *table, compare_extension);
    return row ? slice_of(row->type) : S("application/octet-stream");
}
