/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox of webhooks: what they are to be told is written in the transaction of the change, so it is told exactly if the change was
 * committed, also after a crash. core/webhook/webhook.h delivers it. */
#ifndef CAIS_CORE_WEBHOOK_OUTBOX_H
#define CAIS_CORE_WEBHOOK_OUTBOX_H

#include "core/records/event.h"
#include "core/store/transaction.h"

#define WEBHOOK_JOB "webhooks" /* the kind of the periodic job that calls webhook_deliver */
#define WEBHOOK_WAITING_MAX                                                                                            \
    INT64_C(100000) /* deliveries of one webhook that wait; what comes then is counted and dropped */

/* Are webhooks told of such actions? */
bool webhook_may_tell(slice action);
/* Inside the write of the change: a delivery for each webhook of the account that wants the event. Errors: those of the store. */
MUST_USE err_t webhook_enqueue(struct meta_tx *, const struct event *, struct arena *a);

#endif
