/* SPDX-License-Identifier: Apache-2.0 */
/* A comment as JSON. */
#ifndef CAIS_API_RUNRUN_COMMENTS_PRIV_H
#define CAIS_API_RUNRUN_COMMENTS_PRIV_H

#include "api/runrun/items_priv.h"

/* Write a comment with its documents: runrun_item_fn. */
MUST_USE err_t runrun_write_comment(struct runrun_items *, int64_t id, struct buf *out, struct arena *a,
                                    bool *ret_done);

#endif
