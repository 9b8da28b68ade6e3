/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/running_etag.h"

#include "base/text.h"

void running_etag_init(struct running_etag *e, const int64_t *part_sizes, size_t part_count)
{
    *e = (struct running_etag){ .part_sizes = part_sizes, .part_count = part_count };
    md5_init(&e->md5);
    md5_init(&e->part_md5);
}

/* A part may be empty, so several may end at once. */
static void end_whole_parts(struct running_etag *e)
{
    while (e->part < e->part_count && e->part_bytes == e->part_sizes[e->part]) {
        unsigned char digest[MD5_SIZE];
        md5_final(&e->part_md5, digest);
        md5_update(&e->md5, (slice){ (const char *)digest, sizeof digest });
        md5_init(&e->part_md5);
        e->part_bytes = 0;
        e->part++;
    }
}

void running_etag_update(struct running_etag *e, slice bytes)
{
    e->bytes += (int64_t)bytes.n;
    if (!e->part_count) {
        md5_update(&e->md5, bytes);
        return;
    }
    end_whole_parts(e);
    while (bytes.n && e->part < e->part_count) {
        slice piece = slice_part(bytes, 0, (size_t)(e->part_sizes[e->part] - e->part_bytes));
        md5_update(&e->part_md5, piece);
        e->part_bytes += (int64_t)piece.n;
        bytes = slice_from(bytes, piece.n);
        end_whole_parts(e);
    }
}

static int64_t bytes_of_parts(const struct running_etag *e)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < e->part_count; i++)
        bytes += e->part_sizes[i];
    return bytes;
}

slice running_etag_final(struct running_etag *e, struct arena *a)
{
    unsigned char digest[MD5_SIZE];
    end_whole_parts(e);
    if (e->part < e->part_count || (e->part_count && e->bytes != bytes_of_parts(e)))
        return S("");
    md5_final(&e->md5, digest);
    slice hex = hex_encode(a, (slice){ (const char *)digest, sizeof digest });
    return e->part_count ? arena_printf(a, SLICE_FMT "-%zu", SLICE_ARG(hex), e->part_count) : hex;
}
