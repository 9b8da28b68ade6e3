/* SPDX-License-Identifier: Apache-2.0 */
/* Upload-Metadata. What is accepted can be sent back as a header, is accepted again with other blanks, and not with one of
 * its keys twice. */
#include "fuzz.h"

#include "api/resumable/metadata.h"
#include "base/text.h"
#include "core/file/file_name.h"
#include "http/field.h"

static slice joined(slice one, const char *between, slice other, struct arena *a)
{
    slice parts[] = { one, slice_of(between), other };
    return arena_join(a, parts, LENGTH_OF(parts));
}

static bool equals(const struct upload_metadata *m, const struct upload_metadata *other)
{
    return m->has_file_name == other->has_file_name && m->has_content_type == other->has_content_type &&
           slice_eq(m->file_name, other->file_name) && slice_eq(m->content_type, other->content_type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    slice value = fuzz_slice(data, size), name;
    struct upload_metadata m, again;
    err_t e = upload_metadata_parse(value, &a, &m);
    HOLDS((size > UPLOAD_METADATA_MAX_BYTES) == err_is(e, ERR_TOO_LARGE));
    HOLDS(!e || err_is(e, ERR_TOO_LARGE) || err_is(e, ERR_INVALID));
    if (e)
        return 0;
    HOLDS(!field_has_control(value));
    for (size_t i = 0; i < size; i++)
        HOLDS(data[i] < 0x80);
    HOLDS(m.has_file_name == (m.file_name.n > 0) && m.has_content_type == (m.content_type.n > 0));
    HOLDS(!field_has_control(m.content_type) && slice_is_utf8(m.content_type));
    HOLDS(m.content_type.n <= UPLOAD_METADATA_TYPE_MAX_BYTES);
    err_t refused = file_name_clean(m.file_name, &a, &name);
    HOLDS(refused || (name.n && !file_name_has_control(name)));
    if (size * 2 + 4 > UPLOAD_METADATA_MAX_BYTES)
        return 0;
    HOLDS(!upload_metadata_parse(joined(S(" "), "", joined(value, "", S("\t "), &a), &a), &a, &again) &&
          equals(&m, &again));
    HOLDS(upload_metadata_parse(joined(value, ",", S(""), &a), &a, &again) || slice_trim(value).n == 0);
    HOLDS(upload_metadata_parse(joined(value, " , ", value, &a), &a, &again));
    return 0;
}
