/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets. */
#ifndef CAIS_CORE_STORE_TICKET_STORE_H
#define CAIS_CORE_STORE_TICKET_STORE_H

#include "core/records/ticket.h"
#include "core/store/transaction.h"

/* CONFLICT when the bucket has a ticket for that key already, or the file has a ticket. */
MUST_USE err_t meta_ticket_add(struct meta_tx *, const struct ticket *, struct arena *a);
MUST_USE err_t meta_ticket_get(struct meta_tx *, int64_t file_id, struct arena *a, struct ticket *ret);
MUST_USE err_t meta_ticket_by_key(struct meta_tx *, int64_t bucket_id, slice key, struct arena *a, struct ticket *ret);
MUST_USE err_t meta_ticket_confirm(struct meta_tx *, int64_t file_id, int64_t confirmed_at_ms, struct arena *a);
/* Sets what the file is attached to when the ticket is confirmed. */
MUST_USE err_t meta_ticket_set_target(struct meta_tx *, int64_t file_id, int64_t task_id, int64_t comment_id,
                                      struct arena *a);
/* Pending tickets that name this task, and, when comment_id is not 0, this comment of it; by file id, ascending. */
MUST_USE err_t meta_ticket_pending(struct meta_tx *, int64_t task_id, int64_t comment_id, size_t limit, struct arena *a,
                                   struct ticket_list *ret);

#endif
