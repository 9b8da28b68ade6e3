/* SPDX-License-Identifier: Apache-2.0 */
/* Everything works on bytes of well-formed UTF-8: / and \ cannot be part of another character there. */
#include "core/file/file_name.h"

/* Length of the control character at p[at]: C0 and DEL are one byte, C1 (U+0080 to U+009F) two; 0 when it is none. */
static size_t control_length(slice s, size_t at)
{
    unsigned char c = (unsigned char)s.p[at];
    if (c < 0x20 || c == 0x7f)
        return 1;
    return c == 0xc2 && (unsigned char)s.p[at + 1] < 0xa0 ? 2 : 0; /* UTF-8: after C2 there is one more byte */
}

bool file_name_has_control(slice name)
{
    for (size_t i = 0; i < name.n; i++)
        if (control_length(name, i))
            return true;
    return false;
}

slice file_name_without_controls(slice name, struct arena *a)
{
    char *out = arena_alloc(a, name.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < name.n;) {
        size_t control = control_length(name, i);
        if (control)
            i += control;
        else
            out[n++] = name.p[i++];
    }
    return (slice){ out, n };
}

static err_t clean_name(slice raw, struct arena *a, slice *ret_name)
{
    if (!slice_is_utf8(raw))
        return err_make(a, ERR_INVALID, "the file name is not UTF-8");
    size_t start = raw.n;
    while (start && raw.p[start - 1] != '/' && raw.p[start - 1] != '\\')
        start--;
    slice name = file_name_without_controls(slice_from(raw, start), a);
    if (name.n == 0 || slice_eq(name, S(".")) || slice_eq(name, S("..")))
        name = S("file");
    *ret_name = name;
    return NULL;
}

err_t file_name_clean(slice raw, struct arena *a, slice *ret_name)
{
    slice name;
    TRY(clean_name(raw, a, &name));
    if (name.n > FILE_NAME_MAX_BYTES)
        return err_make(a, ERR_TOO_LARGE, "the file name has more than %d bytes", FILE_NAME_MAX_BYTES);
    *ret_name = name;
    return NULL;
}

err_t file_name_clean_long(slice raw, struct arena *a, slice *ret_name)
{
    slice name;
    TRY(clean_name(raw, a, &name));
    if (name.n > FILE_NAME_LONG_MAX_BYTES || slice_characters(name, FILE_NAME_MAX_CHARACTERS).n < name.n)
        return err_make(a, ERR_TOO_LARGE, "the file name has more than %d characters or %d bytes",
                        FILE_NAME_MAX_CHARACTERS, FILE_NAME_LONG_MAX_BYTES);
    *ret_name = name;
    return NULL;
}
