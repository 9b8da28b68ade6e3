/* SPDX-License-Identifier: Apache-2.0 */
/* One header may have some 4,000 keys, so they are sorted to find one that came twice. */
#include "api/resumable/metadata.h"

#include "base/text.h"
#include "http/field.h"

#include <stdlib.h>

static bool is_key(slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == ',')
            return false;
    return s.n > 0;
}

/* Standard alphabet, with all the padding. */
static bool decode_padded_base64(slice text, struct arena *a, slice *ret)
{
    return text.n % 4 == 0 && base64_decode(a, text, ret);
}

static int compare_keys(const void *left, const void *right)
{
    return slice_cmp(*(const slice *)left, *(const slice *)right);
}

static bool keys_differ(slice *keys, size_t count)
{
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++)
        if (slice_eq(keys[i - 1], keys[i]))
            return false;
    return true;
}

/* The values that are used; empty when the key is absent or has no value. */
enum { FILENAME, NAME, FILETYPE, TYPE, USED };
static const char *const used_keys[USED] = { "filename", "name", "filetype", "type" };

static err_t read_pair(slice pair, struct arena *a, slice *ret_key, slice values[USED])
{
    slice key, encoded, value;
    slice_cut(slice_trim(pair), ' ', &key, &encoded);
    if (!is_key(key))
        return err_make(a, ERR_INVALID, "Upload-Metadata has a key that is empty or not visible ASCII");
    if (!decode_padded_base64(encoded, a, &value))
        return err_make(a, ERR_INVALID, "Upload-Metadata has a value that is not base64");
    for (size_t i = 0; i < USED; i++)
        if (slice_eq(key, slice_of(used_keys[i])))
            values[i] = value;
    *ret_key = key;
    return NULL;
}

static err_t read_pairs(slice value, struct arena *a, slice values[USED])
{
    size_t pairs = 1, count = 0;
    for (size_t i = 0; i < value.n; i++)
        pairs += value.p[i] == ',';
    slice *keys = arena_array(a, slice, pairs);
    for (slice rest = value; count < pairs;) {
        slice pair;
        slice_cut(rest, ',', &pair, &rest);
        TRY(read_pair(pair, a, &keys[count++], values));
    }
    if (!keys_differ(keys, count))
        return err_make(a, ERR_INVALID, "Upload-Metadata has a key twice");
    return NULL;
}

/* A control character would end up in the header of a download. */
static bool content_type_is_usable(slice type)
{
    return type.n > 0 && type.n <= UPLOAD_METADATA_TYPE_MAX_BYTES && slice_is_utf8(type) && !field_has_control(type);
}

err_t upload_metadata_parse(slice value, struct arena *a, struct upload_metadata *ret)
{
    slice values[USED] = { 0 };
    if (value.n > UPLOAD_METADATA_MAX_BYTES)
        return err_make(a, ERR_TOO_LARGE, "Upload-Metadata has more than %d bytes", UPLOAD_METADATA_MAX_BYTES);
    if (slice_trim(value).n > 0)
        TRY(read_pairs(value, a, values));
    struct upload_metadata m = { .file_name = values[FILENAME].n ? values[FILENAME] : values[NAME],
                                 .content_type = slice_trim(values[FILETYPE].n ? values[FILETYPE] : values[TYPE]) };
    m.has_file_name = m.file_name.n > 0;
    m.has_content_type = content_type_is_usable(m.content_type);
    if (!m.has_content_type)
        m.content_type = (slice){ 0 };
    *ret = m;
    return NULL;
}
