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
/* NOT_FOUND when the file has no ticket that is pending, here and in the next call. The ticket names no holder any more. */
MUST_USE err_t meta_ticket_confirm(struct meta_tx *, int64_t file_id, int64_t confirmed_at_ms, struct arena *a);
/* Sets the holder that will hold the file after the confirmation. */
MUST_USE err_t meta_ticket_set_holder(struct meta_tx *, int64_t file_id, struct holder, struct arena *a);
/* Pending tickets that name this holder, by file id, ascending. */
MUST_USE err_t meta_ticket_pending(struct meta_tx *, struct holder, size_t limit, struct arena *a,
                                   struct ticket_list *ret);

#endif
