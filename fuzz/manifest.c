/* SPDX-License-Identifier: Apache-2.0 */
/* The MANIFEST of a backup, which whoever hands the backup over wrote. One that is accepted, written and parsed again is the
 * same, and holds digests and counts only. */
#include "fuzz.h"

#include "core/care/manifest.h"

static bool is_hex(slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (slice_find_byte(S("0123456789abcdef"), s.p[i]) == SLICE_NONE)
            return false;
    return s.n == 64;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    struct manifest first, again;
    if (manifest_parse(fuzz_slice(data, size), &a, &first))
        return 0;
    HOLDS(size <= MANIFEST_MAX);
    const struct backup_report *r = &first.report;
    HOLDS(r->created_at_ms >= 0 && r->objects >= 0 && r->blobs >= 0 && r->blob_bytes <= INT64_MAX);
    HOLDS(is_hex(first.database_sha256) && (r->with_key ? is_hex(first.key_sha256) : !first.key_sha256.n));
    HOLDS(!manifest_parse(manifest_text(&first, &a), &a, &again));
    HOLDS(slice_eq(again.database_sha256, first.database_sha256) && slice_eq(again.key_sha256, first.key_sha256));
    HOLDS(again.report.created_at_ms == r->created_at_ms && again.report.objects == r->objects &&
          again.report.blobs == r->blobs && again.report.blob_bytes == r->blob_bytes &&
          again.report.with_key == r->with_key);
    return 0;
}
