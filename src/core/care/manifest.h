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
    int64_t datasets;    /* that have rows */
    int64_t record_sets; /* that have a file */
    bool with_key;       /* the backup holds the master key */
    /* The rest is not in the MANIFEST. */
    int64_t linked;        /* of the blobs, those that the base has, too, and that were not copied again */
    uint64_t linked_bytes; /* … their bytes */
    int64_t not_linked;    /* blobs of the base that were copied, because it is on another file system */
    int64_t damaged;       /* blobs of the base that were copied, because they are not what was stored (verify) */
    bool replaced;         /* an unfinished backup was in the folder */
    bool verified;
};

struct manifest {
    struct backup_report report;
    slice database_sha256;    /* in hex, lower case, like the next ones */
    slice record_sets_sha256; /* of table_copy.h; empty: there is none */
    slice key_sha256;         /* empty: there is no master key */
};

/* The text of the file, in `a`. The sizes and counts must not be negative. */
slice manifest_text(const struct manifest *, struct arena *a);
/* Errors: CORRUPT, also when the text is longer than MANIFEST_MAX; UNSUPPORTED a newer version made it. */
MUST_USE err_t manifest_parse(slice text, struct arena *a, struct manifest *ret);

#endif
