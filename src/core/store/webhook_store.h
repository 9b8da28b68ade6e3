/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks, and their deliveries. What adds or ends a delivery also counts it in `waiting` of its webhook. */
#ifndef CAIS_CORE_STORE_WEBHOOK_STORE_H
#define CAIS_CORE_STORE_WEBHOOK_STORE_H

#include "core/records/webhook.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_webhook_add(struct meta_tx *, const struct webhook *, struct arena *a, int64_t *ret_id);
/* Writes sealed_secret, which is bound to the id. NOT_FOUND. */
MUST_USE err_t meta_webhook_set_secret(struct meta_tx *, int64_t id, slice sealed, struct arena *a);
MUST_USE err_t meta_webhook_get(struct meta_tx *, int64_t id, struct arena *a, struct webhook *ret);
/* Of one account; 0: of all accounts. By id. */
MUST_USE err_t meta_webhook_list(struct meta_tx *, int64_t account_id, struct arena *a, struct webhook_list *ret);
/* Those with deliveries that wait, by id. */
MUST_USE err_t meta_webhook_list_waiting(struct meta_tx *, struct arena *a, struct webhook_list *ret);
MUST_USE err_t meta_webhook_count(struct meta_tx *, int64_t account_id, struct arena *a, int64_t *ret);
/* Removes at most `limit` deliveries of it; when none is left, the webhook. *ret_gone: it is gone. NOT_FOUND. */
MUST_USE err_t meta_webhook_remove(struct meta_tx *, int64_t id, size_t limit, struct arena *a, bool *ret_gone);
/* An event was not added, because too many wait. */
MUST_USE err_t meta_webhook_drop(struct meta_tx *, int64_t id, struct arena *a);

MUST_USE err_t meta_delivery_add(struct meta_tx *, const struct webhook_delivery *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_delivery_get(struct meta_tx *, int64_t id, struct arena *a, struct webhook_delivery *ret);
/* Those of the webhook that wait and are due, the first in front, at most `limit`. */
MUST_USE err_t meta_delivery_due(struct meta_tx *, int64_t webhook_id, int64_t now_ms, size_t limit, struct arena *a,
                                 struct webhook_delivery_list *ret);
/* When the next one of any webhook is due; INT64_MAX: none waits. */
MUST_USE err_t meta_delivery_next_ms(struct meta_tx *, struct arena *a, int64_t *ret_ms);
MUST_USE err_t meta_delivery_list(struct meta_tx *, const struct delivery_page *, struct arena *a,
                                  struct webhook_delivery_list *ret);
/* Writes state, attempts, next_at_ms, ended_at_ms, status and error of one that waits. CONFLICT: it does not wait any more. */
MUST_USE err_t meta_delivery_update(struct meta_tx *, const struct webhook_delivery *, struct arena *a);
/* Makes one that is DONE or FAILED wait again, due at now_ms, with no attempts made; one that waits becomes due. NOT_FOUND. */
MUST_USE err_t meta_delivery_retry(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* Removes at most `limit` that ended before that time. */
MUST_USE err_t meta_delivery_forget(struct meta_tx *, int64_t before_ms, size_t limit, struct arena *a,
                                    int64_t *ret_count);

#endif
