/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of records, as clients write them in paths and queries: numbers. */
#ifndef CAIS_API_KIT_RECORD_ID_H
#define CAIS_API_KIT_RECORD_ID_H

#include "base/slice.h"

/* Is it digits, and nothing else? */
bool record_id_is_number(slice text);
/* The number; 0, which no record has, when it is none or is more than `max`. */
int64_t record_id(slice text, int64_t max);

#endif
