/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/sync_fault.h"

#include <assert.h>

static const struct {
    const char *word, *text;
} faults[] = {
    { "", "" },
#define SYNC_FAULT(name, word, text) { word, text },
#include "core/sync/sync_faults.def"
#undef SYNC_FAULT
};

slice sync_fault_word(enum sync_fault fault)
{
    assert(fault < SYNC_FAULT_COUNT);
    return slice_of(faults[fault].word);
}

slice sync_fault_text(enum sync_fault fault)
{
    assert(fault < SYNC_FAULT_COUNT);
    return slice_of(faults[fault].text);
}

bool sync_fault_find(slice word, enum sync_fault *ret)
{
    for (int i = SYNC_FINE + 1; i < SYNC_FAULT_COUNT; i++)
        if (slice_eq(word, slice_of(faults[i].word))) {
            *ret = (enum sync_fault)i;
            return true;
        }
    return false;
}
