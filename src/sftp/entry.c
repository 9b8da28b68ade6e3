/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/entry.h"

#include "base/text.h"

#include <sys/stat.h>

#define HALF_A_YEAR_MS ((int64_t)182 * 24 * 3600 * 1000)

static unsigned mode_of(const struct inbox_entry *e)
{
    if (e->is_folder)
        return S_IFDIR | (e->is_writable ? 0755 : 0555);
    return S_IFREG | (e->is_writable ? 0644 : 0444);
}

struct sftp_attributes entry_attributes(const struct inbox_entry *e)
{
    int64_t s = e->modified_at_ms / 1000;
    uint32_t at_s = s < 0 ? 0 : s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
    return (struct sftp_attributes){ .flags = SFTP_ATTRIBUTE_SIZE | SFTP_ATTRIBUTE_PERMISSIONS | SFTP_ATTRIBUTE_TIMES,
                                     .size = e->size_bytes,
                                     .permissions = mode_of(e),
                                     .read_at_s = at_s,
                                     .written_at_s = at_s };
}

slice entry_long_name(const struct inbox_entry *e, int64_t now_ms, struct arena *a)
{
    unsigned mode = mode_of(e);
    char rights[] = "drwxrwxrwx";
    if (!e->is_folder)
        rights[0] = '-';
    for (int i = 0; i < 9; i++)
        if (!(mode & (0400u >> i)))
            rights[i + 1] = '-';
    slice date = time_format_http(a, e->modified_at_ms); /* Sun, 06 Nov 1994 08:49:37 GMT */
    slice month = slice_part(date, 8, 3), day = slice_part(date, 5, 2), year = slice_part(date, 12, 4),
          time = slice_part(date, 17, 5);
    int64_t age_ms = now_ms - e->modified_at_ms;
    bool is_recent = age_ms > -HALF_A_YEAR_MS && age_ms < HALF_A_YEAR_MS;
    return arena_printf(a, "%s    1 cais     cais     %8llu " SLICE_FMT " " SLICE_FMT " %5.*s " SLICE_FMT, rights,
                        (unsigned long long)e->size_bytes, SLICE_ARG(month), SLICE_ARG(day),
                        SLICE_ARG(is_recent ? time : year), SLICE_ARG(e->name));
}
