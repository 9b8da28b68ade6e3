/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_SPACE_FOLDER_PRIV_H
#define CAIS_CORE_SPACE_FOLDER_PRIV_H

#include "core/records/folder.h"
#include "core/store/transaction.h"

/* Errors: FOLDER_NOT_THERE. */
MUST_USE err_t folder_read(struct meta_tx *, int64_t id, struct arena *a, struct folder *ret);
/* The file, which has its bytes, is in the folder from now on, and held by it. The caller takes room for a record. Errors:
 * FOLDER_NOT_THERE; FOLDER_FILE_TAKEN; COURSE_FULL; those of hold_add. */
MUST_USE err_t folder_place_file(struct meta_tx *, const struct folder *, const struct file *, int64_t now_ms,
                                 struct arena *a);

#endif
