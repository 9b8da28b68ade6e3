/* SPDX-License-Identifier: Apache-2.0 */
/* Facts for the audit log, written in the transaction of the change they tell of. */
#ifndef CAIS_CORE_EVENT_H
#define CAIS_CORE_EVENT_H

#include "core/core.h"
#include "core/records/event.h"
#include "core/records/file.h"

/* who      who did it; NULL: the server itself
 * account  where it belongs; 0: the account of `who`
 * subject  "file:UUID", "user:LOGIN", "key:ID"; detail: short, without secrets; may be empty */
MUST_USE err_t event_write(struct meta_tx *, int64_t at_ms, const struct principal *who, int64_t account_id,
                           slice action, slice subject, slice detail, struct arena *a);
/* The audit log, newest first: at most `limit` events with ids below before_id (0: from the newest). */
MUST_USE err_t event_list(struct core *, int64_t before_id, size_t limit, struct arena *a, struct event_list *ret);
/* "file:UUID" */
slice event_file(struct arena *a, const struct file *);

#endif
