/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log. */
#ifndef CAIS_CORE_STORE_EVENT_STORE_H
#define CAIS_CORE_STORE_EVENT_STORE_H

#include "core/records/event.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_event_add(struct meta_tx *, const struct event *, struct arena *a);
/* Newest first, those with ids below before_id (0: from the newest). */
MUST_USE err_t meta_event_list(struct meta_tx *, int64_t before_id, size_t limit, struct arena *a,
                               struct event_list *ret);
/* The same, of one account. */
MUST_USE err_t meta_event_list_of(struct meta_tx *, int64_t account_id, int64_t before_id, size_t limit,
                                  struct arena *a, struct event_list *ret);
/* The first `limit` events with ids above after_id, oldest first. */
MUST_USE err_t meta_event_list_after(struct meta_tx *, int64_t after_id, size_t limit, struct arena *a,
                                     struct event_list *ret);
MUST_USE err_t meta_event_span(struct meta_tx *, struct arena *a, struct event_span *ret);
/* Removes the oldest events, up to the id last_id but no more than `limit` of them. The newest event of all must have a higher
 * id: the store refuses to remove it, so that no id is used again. *ret_count: how many were removed. */
MUST_USE err_t meta_event_remove_oldest(struct meta_tx *, int64_t last_id, size_t limit, struct arena *a,
                                        int64_t *ret_count);

#endif
