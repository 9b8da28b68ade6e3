/* SPDX-License-Identifier: Apache-2.0 */
/* What the writes of this room share. */
#ifndef CAIS_CORE_DATASET_DATASET_WRITE_PRIV_H
#define CAIS_CORE_DATASET_DATASET_WRITE_PRIV_H

#include "core/event.h"
#include "core/reasons.h"
#include "core/records/dataset.h"
#include "core/records/holder.h"

struct dataset_write {
    struct core *core;
    const struct principal *who; /* NULL: the server itself */
    int64_t now_ms;
};

/* An event about a dataset, as "dataset:SLUG". */
MUST_USE err_t dataset_write_event(struct meta_tx *, const struct dataset_write *, const struct dataset *, slice action,
                                   struct arena *a);
/* UNSUPPORTED: this server has no store for rows. */
MUST_USE err_t dataset_need_store(struct core *, struct arena *a);
/* dataset_open_table, while the caller is inside the gate. */
MUST_USE err_t dataset_define_table(struct core *, const struct dataset *, struct arena *a);
/* Counts what the table takes in the room of its account, which may end above its limit. */
MUST_USE err_t dataset_measure_table(struct core *, int64_t dataset_id, struct arena *a);
/* NOT_FOUND becomes DATASET_NOT_THERE. */
err_t dataset_gone(err_t e, struct arena *a);

static inline struct holder dataset_holder_of(int64_t dataset_id)
{
    return (struct holder){ HOLDER_DATASET, dataset_id };
}

#endif
