/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a sync file, or with a row of one. Thread: any. */
#ifndef CAIS_CORE_SYNC_FAULT_H
#define CAIS_CORE_SYNC_FAULT_H

#include "base/slice.h"

enum sync_fault {
    SYNC_FINE,
#define SYNC_FAULT(name, word, text) SYNC_##name,
#include "core/sync/sync_faults.def"
#undef SYNC_FAULT
    SYNC_FAULT_COUNT
};

/* The stable word of a fault, such as BadHeader; empty for SYNC_FINE. */
slice sync_fault_word(enum sync_fault);
/* False: there is no fault of that word. */
bool sync_fault_find(slice word, enum sync_fault *ret);
/* What it means, for a person: the middle of a sentence. */
slice sync_fault_text(enum sync_fault);
/* The file is refused as a whole; else the fault is one of a row. */
static inline bool sync_fault_is_of_file(enum sync_fault fault)
{
    return fault > SYNC_FINE && fault < SYNC_FIELD_COUNT;
}

#endif
