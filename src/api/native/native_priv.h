/* SPDX-License-Identifier: Apache-2.0 */
/* The error replies of this API. */
#ifndef CAIS_API_NATIVE_NATIVE_PRIV_H
#define CAIS_API_NATIVE_NATIVE_PRIV_H

#include "api/native/native.h"

/* Replies with an error: of core, by native_errors, or of the engine. One with a status from 500 on is also logged, but for
 * QUOTA, UNSUPPORTED, and those of the engine. */
void native_fail(struct http_exchange *, err_t e);

#endif
