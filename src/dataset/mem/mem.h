/* SPDX-License-Identifier: Apache-2.0 */
/* The dataset store in memory, for tests: tables are arrays of cells, and an evaluator that is simple rather than fast
 * answers queries. backup and restore are UNSUPPORTED, and nothing survives close_store. */
#ifndef CAIS_DATASET_MEM_MEM_H
#define CAIS_DATASET_MEM_MEM_H

#include "base/clock.h"
#include "core/store/dataset_store.h"

/* clock is borrowed; the time that a query may take follows it. */
struct dataset_store *dataset_mem_new(struct clock *clock);

#endif
