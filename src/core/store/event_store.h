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

#endif
