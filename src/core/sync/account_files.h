/* SPDX-License-Identifier: Apache-2.0 */
/* Sync files of an account, in whichever workspace they are, for its administrators: whether `who` is one is the caller's business.
 * A key for sync files sees those of its workspace alone: sync_file.h.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any that may block; what only reads is fit for a loop,
 * lists for one page. */
#ifndef CAIS_CORE_SYNC_ACCOUNT_FILES_H
#define CAIS_CORE_SYNC_ACCOUNT_FILES_H

#include "core/core.h"
#include "core/reasons.h"
#include "core/records/record_ids.h"
#include "core/records/sync_file.h"

/* Newest first. page: after_id is that of the last one of the page before; 0: from the newest. */
MUST_USE err_t account_files_list(struct core *, int64_t account_id, const struct id_page *page, struct arena *a,
                                  struct sync_file_list *ret);
/* With what its last import found, both of one moment. Errors: SYNC_NO_FILE. */
MUST_USE err_t account_files_find(struct core *, int64_t account_id, slice handle, struct arena *a,
                                  struct sync_file *ret, struct sync_report *ret_report);
/* Import it again, with a new action, whatever became of the last import; nothing happens while one has not ended. A file that was never
 * imported is read as lines, unless its name ends in .json. *ret: as it is now.
 * Errors: SYNC_NO_FILE there is none, or its bytes are gone; SYNC_NO_BYTES; SYNC_LINK_EXPIRED; QUOTA. */
MUST_USE err_t account_files_import(struct core *, const struct principal *who, slice handle, struct arena *a,
                                    struct sync_file *ret);

#endif
