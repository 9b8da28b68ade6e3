/* SPDX-License-Identifier: Apache-2.0 */
/* The sync files of a workspace, asked for by what they are: core/records/sync_file_query.h.
 *
 * Errors of every call: also UNAVAILABLE, CORRUPT of the store; arena_check. Thread: any that may block. */
#ifndef CAIS_CORE_SYNC_FILES_H
#define CAIS_CORE_SYNC_FILES_H

#include "core/core.h"
#include "core/reasons.h"
#include "core/records/sync_file.h"
#include "core/records/sync_file_query.h"
#include "core/sync/workspace.h"

struct sync_files_request {
    struct section_names names; /* section empty: files of all sections of the workspace */
    const struct row_query *rows;
    bool with_total;
    int64_t limit_ms; /* how long it may take; 0: no limit */
};
/* Errors: SYNC_NO_ACCESS; EXPIRED it took longer than limit_ms; TOO_LARGE, INVALID as meta_sync_file_query. */
MUST_USE err_t sync_files_query(struct core *, const struct principal *who, const struct sync_files_request *,
                                struct arena *a, struct sync_file_found *ret);
/* The files of these ids, as they are now. Those that are forgotten meanwhile are left out. */
MUST_USE err_t sync_files_get(struct core *, const int64_t *ids, size_t count, struct arena *a,
                              struct sync_file_list *ret);

#endif
