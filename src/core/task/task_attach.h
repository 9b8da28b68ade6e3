/* SPDX-License-Identifier: Apache-2.0 */
/* Attaching a file to a task inside a write of another room. */
#ifndef CAIS_CORE_TASK_TASK_ATTACH_H
#define CAIS_CORE_TASK_TASK_ATTACH_H

#include "core/core.h"
#include "core/records/reference.h"

/* Hold the file of `reference` and add the reference to its task. Sets id, root_id and version.
 * Errors: TOO_LARGE the task has TASK_REFERENCES_MAX references already; those of hold_add. */
MUST_USE err_t task_attach_file(struct meta_tx *, struct reference *, int64_t now_ms, struct arena *a);

#endif
