/* SPDX-License-Identifier: Apache-2.0 */
/* The headers that tell a client how many requests it has left. Every reply carries them. Source: docs/apis/runrun.md §4. */
#ifndef CAIS_API_RUNRUN_RATE_PRIV_H
#define CAIS_API_RUNRUN_RATE_PRIV_H

#include "core/access/rate_limit.h"
#include "http/http.h"

/* Writes the headers for this state; none when the rate limit is off. */
void runrun_write_rate(struct http_exchange *, const struct rate_state *);
/* The headers for an unauthenticated client: the whole limit. For replies where the guard wrote none. */
void runrun_rate_headers(struct http_exchange *);

#endif
