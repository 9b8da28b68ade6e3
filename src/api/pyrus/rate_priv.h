/* SPDX-License-Identifier: Apache-2.0 */
/* The headers that tell a client how many requests it has left. Every reply carries them.
 * Source: docs/apis/pyrus.md §4. */
#ifndef CAIS_API_PYRUS_RATE_PRIV_H
#define CAIS_API_PYRUS_RATE_PRIV_H

#include "api/kit/guard.h"

extern const struct rate_headers pyrus_rate_headers;
/* Adds the headers for an unauthenticated client, which has the whole limit left. For replies to which the guard added
 * none. */
void pyrus_add_fresh_rate(struct http_exchange *);

#endif
