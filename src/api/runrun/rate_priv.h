/* SPDX-License-Identifier: Apache-2.0 */
/* The headers that tell a client how many requests it has left. Every reply carries them.
 * Source: docs/apis/runrun.md §4. */
#ifndef CAIS_API_RUNRUN_RATE_PRIV_H
#define CAIS_API_RUNRUN_RATE_PRIV_H

#include "core/access/rate_limit.h"
#include "http/http.h"

/* Adds the headers for this state, or none when the rate limit is off. */
void runrun_write_rate(struct http_exchange *, const struct rate_state *);
/* Adds the headers for an unauthenticated client, which has the whole limit left. For replies to which the guard added
 * none. */
void runrun_rate_headers(struct http_exchange *);

#endif
