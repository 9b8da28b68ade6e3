/* SPDX-License-Identifier: Apache-2.0 */
/* A blob store that wraps another one and fails as planned, for tests. It owns the wrapped store and borrows the plan.
 *
 * Each operation that can fail counts as one call; discard and the closes do not. A call that is planned to fail does not
 * reach the wrapped store, unless plan->answer_lost is set. A commit that fails discards the wrapped writer, and after a
 * write or flush that fails the writer can only be discarded. Readers have no descriptor, so every read is counted. */
#ifndef CAIS_BLOB_FAULT_FAULT_H
#define CAIS_BLOB_FAULT_FAULT_H

#include "base/fault.h"
#include "core/store/blob_store.h"

struct blob_store *blob_fault_wrap(struct blob_store *store, struct fault_plan *plan);

#endif
