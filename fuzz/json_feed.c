/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that comes in pieces is judged as json_scan judges the whole, and the same value is found in it. The first eight bytes say where
 * it is cut. */
#include "fuzz.h"

#include "../tests/support/json_feed_check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t cuts;
    if (size < sizeof cuts)
        return 0;
    memcpy(&cuts, data, sizeof cuts);
    HOLDS(feed_agrees(fuzz_slice(data + sizeof cuts, size - sizeof cuts), S("Data"), cuts));
    return 0;
}
