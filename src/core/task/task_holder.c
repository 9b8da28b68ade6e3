/* SPDX-License-Identifier: Apache-2.0 */
#include "core/task/task_holder.h"

const struct holder_rules task_holder = { .kind = HOLDER_TASK, .name = "task", .removes_ticket_files = true };
const struct holder_rules comment_holder = { .kind = HOLDER_COMMENT, .name = "comment", .removes_ticket_files = true };
