/* SPDX-License-Identifier: Apache-2.0 */
#include "api/pyrus/pyrus_priv.h"
#include "api/pyrus/rate_priv.h"

const struct rate_headers pyrus_rate_headers = { "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
                                                 NULL };

void pyrus_add_fresh_rate(struct http_exchange *x)
{
    guard_add_rate_headers(x, &pyrus_rate_headers, &pyrus_of(x)->rate);
}
