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

/* Sorted, for readers. A type is here when no browser runs scripts in it. */
static const char *const inert_types[] = {
    "application/json",
    "application/octet-stream",
    "application/pdf",
    "application/zip",
    "audio/aac",
    "audio/flac",
    "audio/midi",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "audio/x-wav",
    "binary/octet-stream",
    "image/apng",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heic",
    "image/heif",
    "image/jp2",
    "image/jpeg",
    "image/jpg",
    "image/jxl",
    "image/png",
    "image/tiff",
    "image/vnd.microsoft.icon",
    "image/webp",
    "image/x-icon",
    "text/csv",
    "text/plain",
    "video/3gpp",
    "video/matroska",
    "video/mp4",
    "video/mpeg",
    "video/ogg",
    "video/quicktime",
    "video/webm",
    "video/x-m4v",
    "video/x-matroska",
    "video/x-msvideo",
};
static const char *const inert_charsets[] = { "utf-8",        "us-ascii",     "iso-8859-1", "iso-8859-15",
                                              "windows-1251", "windows-1252", "koi8-r" };

static bool is_listed(slice s, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(s, slice_of(list[i])))
            return true;
    return false;
}

bool media_type_is_inert(slice type)
{
    const slice charset = S("charset=");
    slice essence, parameter;
    bool has_parameter = slice_cut(type, ';', &essence, &parameter);
    if (!is_listed(slice_trim(essence), inert_types, LENGTH_OF(inert_types)))
        return false;
    if (!has_parameter)
        return true;
    parameter = slice_trim(parameter);
    if (!slice_starts_nocase(parameter, charset))
        return false;
    slice value = slice_from(parameter, charset.n);
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
        value = slice_part(value, 1, value.n - 2);
    return is_listed(value, inert_charsets, LENGTH_OF(inert_charsets));
}
