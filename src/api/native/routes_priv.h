/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of this API share. */
#ifndef CAIS_API_NATIVE_ROUTES_PRIV_H
#define CAIS_API_NATIVE_ROUTES_PRIV_H

#include "api/native/native.h"

#include <assert.h>

static inline struct native_api *native_of(const struct http_exchange *x)
{
    return x->api->context;
}

static inline const struct principal *native_caller(const struct http_exchange *x)
{
    assert(x->principal);
    return x->principal;
}

/* GET /v1/native/jobs/{id} and GET /v1/native/jobs/{id}/events: docs/native.md. */
err_t show_job(struct http_exchange *);
err_t send_job_events(struct http_exchange *);

#endif
