/* SPDX-License-Identifier: Apache-2.0 */
/* The error replies of this API. Both functions end the exchange. */
#ifndef CAIS_API_NATIVE_NATIVE_PRIV_H
#define CAIS_API_NATIVE_NATIVE_PRIV_H

#include "api/native/native.h"

/* Replies with an error of core, by native_errors. One with a status from 500 on is also logged, but for QUOTA and
 * UNSUPPORTED. */
void native_fail(struct http_exchange *, err_t e);
/* Replies to a request that the engine refuses by itself. `text` says why, for people. */
void native_refuse(struct http_exchange *, enum http_refusal, int status, const char *text);

#endif
