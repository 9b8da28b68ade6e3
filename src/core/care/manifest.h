/* SPDX-License-Identifier: Apache-2.0 */
/* The MANIFEST of a backup: what the backup holds, as JSON. It is written last, so a directory that has one is a finished
 * backup. Whoever hands over a backup wrote it, so it is parsed as any input from outside. */
#ifndef CAIS_CORE_CARE_MANIFEST_H
#define CAIS_CORE_CARE_MANIFEST_H

#include "base/err.h"

enum { MANIFEST_MAX = 64 * 1024 }; /* bytes */

struct backup_report {
    int64_t created_at_ms; /* when the backup was made */
    int64_t objects, blobs;
    uint64_t blob_bytes;
    int64_t datasets; /* that have rows */
    bool with_key;    /* the backup holds the master key */
};

struct manifest {
    struct backup_report report;
    slice database_sha256, key_sha256; /* in hex, lower case; key_sha256 is empty when there is no master key */
};

/* The text of the file, in `a`. The sizes and counts must not be negative. */
slice manifest_text(const struct manifest *, struct arena *a);
/* Errors: CORRUPT, also when the text is longer than MANIFEST_MAX; UNSUPPORTED a newer version made it. */
MUST_USE err_t manifest_parse(slice text, struct arena *a, struct manifest *ret);

#endif
