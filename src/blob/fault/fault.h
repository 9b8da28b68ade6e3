/* SPDX-License-Identifier: Apache-2.0 */
/* A blob store that wraps another one and fails on command, for tests. Takes store; borrows plan.
 * Every operation that can fail is a store call; discard and the closes are not. A call that is told to fail does not
 * reach the wrapped store unless plan->answer_lost; a failed commit discards the writer there, a failed write spoils
 * it. Readers have no descriptor, so that every read is seen here. */
#ifndef CAIS_BLOB_FAULT_FAULT_H
#define CAIS_BLOB_FAULT_FAULT_H

#include "base/fault.h"
#include "core/store/blob_store.h"

struct blob_store *blob_fault_wrap(struct blob_store *store, struct fault_plan *plan);

#endif
