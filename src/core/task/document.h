/* SPDX-License-Identifier: Apache-2.0 */
/* Documents: files as tasks and comments show them (struct document), found by file id.
 *
 *   visibility   A file that came by ticket is visible to everybody of the account once it is confirmed; while it is
 *                pending, only to its owner. A file that came without a ticket is visible to its owner, to
 *                administrators, and to every user who sees a task that holds it.
 *
 * Errors of every call: REASON_FILE_NOT_VISIBLE; UNAVAILABLE, NO_SPACE, CORRUPT of the stores. */
#ifndef CAIS_CORE_TASK_DOCUMENT_H
#define CAIS_CORE_TASK_DOCUMENT_H

#include "core/file/file.h"
#include "core/records/document.h"

/* True while the file waits for its bytes or for its confirmation. */
static inline bool document_is_pending(const struct document *d)
{
    return d->has_ticket && !d->ticket.confirmed_at_ms;
}

MUST_USE err_t document_get(struct core *, const struct principal *who, int64_t file_id, struct arena *a,
                            struct document *ret);
/* The same inside a snapshot or a write of the caller. */
MUST_USE err_t document_find_visible(struct meta_tx *, const struct principal *who, int64_t file_id, int64_t now_ms,
                                     struct arena *a, struct document *ret);

struct document_list_request {
    int64_t task_id;
    int64_t comment_id;    /* only what this comment holds; 0: the task and all its comments */
    int64_t after_file_id; /* only files with ids above it */
    size_t offset, limit;
};
struct document_page {
    struct document *items;
    size_t count;
    int64_t total; /* how many documents the task and its comments have */
};
/* The confirmed documents of a task and of its comments, by file id. */
MUST_USE err_t document_list(struct core *, const struct principal *who, const struct document_list_request *,
                             struct arena *a, struct document_page *ret);
/* Open the bytes of a document that is not pending. Fit for a loop. */
MUST_USE err_t document_open(struct core *, const struct principal *who, int64_t file_id, struct arena *a,
                             struct document *ret, struct content *ret_content);
/* Delete the file with its record, the references to it, and its bytes. Its owner may delete it while it is pending, and
 * until window_ms after it was confirmed (without a ticket: stored); administrators may at any time.
 * Errors: also FORBIDDEN. */
MUST_USE err_t document_delete(struct core *, const struct principal *who, int64_t file_id, int64_t window_ms,
                               struct arena *a);

#endif
