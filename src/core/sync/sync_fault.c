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
