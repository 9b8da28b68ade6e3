/* SPDX-License-Identifier: Apache-2.0 */
/* Wraps any record store to make it fail when a test says so. */
#ifndef CAIS_RECORD_FAULT_FAULT_H
#define CAIS_RECORD_FAULT_FAULT_H

#include "base/fault.h"
#include "core/store/record_store.h"

/* The store takes `inner` over, and closes it. The plan is borrowed. */
struct record_store *record_fault_wrap(struct record_store *inner, struct fault_plan *plan);

#endif
