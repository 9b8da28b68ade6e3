/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets. */
#ifndef CAIS_CORE_STORE_TICKET_STORE_H
#define CAIS_CORE_STORE_TICKET_STORE_H

#include "core/records/ticket.h"
#include "core/store/transaction.h"

/* CONFLICT: the bucket has a ticket for that key, or the file has one. */
MUST_USE err_t meta_ticket_add(struct meta_tx *, const struct ticket *, struct arena *a);
MUST_USE err_t meta_ticket_get(struct meta_tx *, int64_t file_id, struct arena *a, struct ticket *ret);
MUST_USE err_t meta_ticket_by_key(struct meta_tx *, int64_t bucket_id, slice key, struct arena *a, struct ticket *ret);
MUST_USE err_t meta_ticket_confirm(struct meta_tx *, int64_t file_id, int64_t confirmed_at_ms, struct arena *a);
/* What it is to be hung on. */
MUST_USE err_t meta_ticket_set_place(struct meta_tx *, int64_t file_id, int64_t task_id, int64_t comment_id,
                                     struct arena *a);
/* At most `limit` pending tickets that are to be hung on the task (or, comment_id not 0, on that comment), by file. */
MUST_USE err_t meta_ticket_pending(struct meta_tx *, int64_t task_id, int64_t comment_id, size_t limit, struct arena *a,
                                   struct ticket_list *ret);

#endif
