/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of records: what was imported from the files of a data source into a section. The first import of a data source makes the
 * set; from then on all of its files have the same fields as their key.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the stores. Thread: any that may block. */
#ifndef CAIS_CORE_SYNC_RECORD_SET_H
#define CAIS_CORE_SYNC_RECORD_SET_H

#include "core/core.h"
#include "core/reasons.h"
#include "core/records/record_set.h"
#include "core/sync/workspace.h"

/* The set of a data source in a section that `who` may use. *ret: id 0 when nothing was imported yet. Errors: SYNC_NO_ACCESS. */
MUST_USE err_t record_set_find(struct core *, const struct principal *who, const struct section_names *,
                               slice data_source, struct arena *a, struct record_set *ret);

#endif
