/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by all files of this folder. */
#ifndef CAIS_API_RUNRUN_RUNRUN_PRIV_H
#define CAIS_API_RUNRUN_RUNRUN_PRIV_H

#include "api/runrun/runrun.h"

static inline struct runrun *runrun_of(struct http_exchange *x)
{
    return x->api->context;
}
/* The authenticated user; NULL on public routes. */
static inline const struct principal *runrun_caller(struct http_exchange *x)
{
    return x->principal;
}

#endif
