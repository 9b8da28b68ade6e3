/* SPDX-License-Identifier: Apache-2.0 */
/* The records that were imported into a section, read back: core/records/record.h. A set into which nothing was imported yet has no
 * records.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the stores; arena_check. Thread: any that may block. */
#ifndef CAIS_CORE_SYNC_RECORDS_H
#define CAIS_CORE_SYNC_RECORDS_H

#include "core/core.h"
#include "core/reasons.h"
#include "core/records/record.h"
#include "core/records/record_set.h"
#include "core/sync/workspace.h"

/* The set of an entity in a section that `who` may use. Errors: SYNC_NO_ENTITY; SYNC_NO_ACCESS. */
MUST_USE err_t records_find_set(struct core *, const struct principal *who, const struct section_names *, slice entity,
                                struct arena *a, struct record_set *ret);
/* Answers a question; its `keys` are left to this function, which looks records up by their key where the condition allows it.
 * Errors: EXPIRED, TOO_LARGE, INVALID as record_ops.query. */
MUST_USE err_t records_query(struct core *, const struct record_set *, const struct record_query *, struct arena *a,
                             struct record_result *ret);
/* The next of those that the result did not have: record_ops.more. */
MUST_USE err_t records_more(struct core *, const struct record_set *, const struct record_query *,
                            const struct record_id_list *, struct arena *a, struct record_rest *ret);
/* Errors: SYNC_NO_RECORD. */
MUST_USE err_t record_find(struct core *, const struct record_set *, slice id, struct arena *a, struct record *ret);

#endif
