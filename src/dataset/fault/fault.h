/* SPDX-License-Identifier: Apache-2.0 */
/* Wraps any dataset store to make it fail when a test says so. */
#ifndef CAIS_DATASET_FAULT_FAULT_H
#define CAIS_DATASET_FAULT_FAULT_H

#include "base/fault.h"
#include "core/store/dataset_store.h"

/* The store takes `inner` over, and closes it. The plan is borrowed. */
struct dataset_store *dataset_fault_wrap(struct dataset_store *inner, struct fault_plan *plan);

#endif
