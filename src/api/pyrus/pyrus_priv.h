/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by all files of this folder. */
#ifndef CAIS_API_PYRUS_PYRUS_PRIV_H
#define CAIS_API_PYRUS_PYRUS_PRIV_H

#include "api/pyrus/pyrus.h"

#define PYRUS_PURPOSE S("pyrus")  /* purpose of credentials, origin of files */
#define PYRUS_ID_MAX INT32_MAX    /* clients keep ids in signed 32 bits */
#define PYRUS_DRAIN_MAX (1 << 20) /* a refused body up to this size is read, which keeps the connection alive */
#define PYRUS_FRAMING_MAX 65536   /* bytes that the multipart framing may add to a file of maximum size */

static inline struct pyrus *pyrus_of(struct http_exchange *x)
{
    return x->api->context;
}
/* The authenticated user; NULL on public routes. */
static inline const struct principal *pyrus_caller(struct http_exchange *x)
{
    return x->principal;
}

#endif
