/* SPDX-License-Identifier: Apache-2.0 */
/* Entities: what records are about. Some are built in and belong to every account; an administrator registers others, each for one
 * account.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any that may block; what only reads is fit
 * for a loop. */
#ifndef CAIS_CORE_SYNC_ENTITY_H
#define CAIS_CORE_SYNC_ENTITY_H

#include "core/core.h"
#include "core/reasons.h"
#include "core/records/entity.h"
#include "core/records/record_ids.h"

extern const struct entity entities_built_in[];
extern const size_t entities_built_in_count;

struct entity_request {
    slice name, type, data_source; /* as sync_name_is_valid */
};
/* In the account of `who`. Errors: SYNC_BAD_NAME; SYNC_ENTITY_TAKEN, also by one that is built in; QUOTA. */
MUST_USE err_t entity_add(struct core *, const struct principal *who, const struct entity_request *, struct arena *a,
                          struct entity *ret);
/* Errors: SYNC_NO_ENTITY. */
MUST_USE err_t entity_find(struct core *, int64_t account_id, slice name, struct arena *a, struct entity *ret);
/* Errors: SYNC_NO_ENTITY. */
MUST_USE err_t entity_of_data_source(struct core *, int64_t account_id, slice data_source, struct arena *a,
                                     struct entity *ret);
/* Those that the account registered, by id. */
MUST_USE err_t entity_list(struct core *, int64_t account_id, const struct id_page *, struct arena *a,
                           struct entity_list *ret);

#endif
