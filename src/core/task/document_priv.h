/* SPDX-License-Identifier: Apache-2.0 */
/* What documents, tickets and tasks ask each other inside core. */
#ifndef CAIS_CORE_TASK_DOCUMENT_PRIV_H
#define CAIS_CORE_TASK_DOCUMENT_PRIV_H

#include "core/task/document.h"

/* It waits for its bytes or for its confirmation: only its owner knows of it. */
static inline bool document_is_pending(const struct document *d)
{
    return d->has_ticket && !d->ticket.confirmed_at_ms;
}
/* Errors: NOT_FOUND, also when `who` may not see it now. */
MUST_USE err_t document_see(struct meta_tx *, const struct principal *who, int64_t file_id, int64_t now_ms,
                            struct arena *a, struct document *ret);

#endif
