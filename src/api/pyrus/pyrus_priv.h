/* SPDX-License-Identifier: Apache-2.0 */
/* What every file of this folder needs. */
#ifndef CAIS_API_PYRUS_PYRUS_PRIV_H
#define CAIS_API_PYRUS_PYRUS_PRIV_H

#include "api/pyrus/pyrus.h"

#define PYRUS_WAY S("pyrus")      /* purpose of credentials, way of files */
#define PYRUS_ID_MAX INT32_MAX    /* clients keep ids in signed 32 bits */
#define PYRUS_DRAIN_MAX (1 << 20) /* a refused body up to this size is read, so that the connection lives on */
#define PYRUS_HEAD_SPARE 65536    /* what multipart may add to a file of the greatest size */

static inline struct pyrus *pyrus_of(struct http_exchange *x)
{
    return x->api->context;
}
/* Who was let in; NULL on public routes. */
static inline const struct principal *pyrus_caller(struct http_exchange *x)
{
    return x->principal;
}

#endif
