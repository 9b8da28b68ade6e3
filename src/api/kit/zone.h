/* SPDX-License-Identifier: Apache-2.0 */
/* Times in replies, in a zone that the operator chose: an offset from UTC, since the zones of countries change by law. */
#ifndef CAIS_API_KIT_ZONE_H
#define CAIS_API_KIT_ZONE_H

#include "base/arena.h"

/* Parses an offset such as "-03:00" into minutes east of UTC. False unless it is from -14:00 to +14:00. */
bool zone_parse(slice text, int *ret_minutes);
/* 2026-11-21T11:04:09-03:00, without the fraction of the second. */
slice zone_format(int minutes, int64_t ms, struct arena *a);

#endif
