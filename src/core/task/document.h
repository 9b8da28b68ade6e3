/* SPDX-License-Identifier: Apache-2.0 */
/* Files as they hang on tasks and comments (struct document): looked up by number, listed, opened,
 * deleted. Everybody of the account sees a file that came by ticket and was confirmed; one that is pending only its
 * owner. A file without ticket is seen by who sees a task that holds it, by its owner, and by administrators.
 *
 * Errors of every call: NOT_FOUND, also when it may not be seen; UNAVAILABLE, NO_SPACE, CORRUPT of the stores. */
#ifndef CAIS_CORE_TASK_DOCUMENT_H
#define CAIS_CORE_TASK_DOCUMENT_H

#include "core/file/file.h"
#include "core/records/document.h"

MUST_USE err_t document_get(struct core *, const struct principal *who, int64_t file_id, struct arena *a,
                            struct document *ret);
/* Those of a task and of its comments that are confirmed, by id. ret_total: all of them. */
MUST_USE err_t document_list(struct core *, const struct principal *who, int64_t task_id, size_t offset, size_t most,
                             struct arena *a, struct document **ret, size_t *ret_count, int64_t *ret_total);
/* The bytes of a confirmed one. Fit for a loop. */
MUST_USE err_t document_open(struct core *, const struct principal *who, int64_t file_id, struct arena *a,
                             struct document *ret, struct content *ret_content);
/* Record, references to it, and bytes: final. Only its owner, and while confirmed only window_ms long after that;
 * administrators always; a pending one its owner at any time. Errors: also FORBIDDEN. */
MUST_USE err_t document_delete(struct core *, const struct principal *who, int64_t file_id, int64_t window_ms,
                               struct arena *a);

#endif
