/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and comments as holders of files (core/file/holder.h): a task holds the files of its own references, a comment
 * those of the references that were attached with it (reference_holder). */
#ifndef CAIS_CORE_TASK_TASK_HOLDER_H
#define CAIS_CORE_TASK_TASK_HOLDER_H

#include "core/file/holder.h"

extern const struct holder_rules task_holder, comment_holder;

#endif
