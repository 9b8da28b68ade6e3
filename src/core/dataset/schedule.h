/* SPDX-License-Identifier: Apache-2.0 */
/* When a dataset of DATASET_SCHEDULED reads the files that wait:
 *
 *   "every 15m", "every 6h"    at multiples of that time since 1970 UTC, 1 minute to 24 hours
 *   "daily 03:30"              each day at that time, UTC
 */
#ifndef CAIS_CORE_DATASET_SCHEDULE_H
#define CAIS_CORE_DATASET_SCHEDULE_H

#include "base/slice.h"

bool schedule_is_valid(slice schedule);
/* The first time of the schedule after now_ms; 0 when it is not valid. */
int64_t schedule_next_ms(slice schedule, int64_t now_ms);

#endif
