/* SPDX-License-Identifier: Apache-2.0 */
/* The blob store in memory, for tests. Its readers have no descriptors, only read_at. */
#ifndef CAIS_BLOB_MEM_MEM_H
#define CAIS_BLOB_MEM_MEM_H

#include "base/clock.h"
#include "core/store/blob_store.h"

/* capacity_bytes: NO_SPACE above it; 0: no limit. clock is borrowed. */
struct blob_store *blob_mem_open(struct clock *clock, uint64_t capacity_bytes);

#endif
