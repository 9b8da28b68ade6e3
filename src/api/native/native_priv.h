/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of src/api/native only. */
#ifndef CAIS_API_NATIVE_NATIVE_PRIV_H
#define CAIS_API_NATIVE_NATIVE_PRIV_H

#include "api/native/native.h"

/* Reply with an error of core. */
void native_fail(struct http_exchange *, err_t e);
void native_refuse(struct http_exchange *, enum http_refusal, int status, const char *text);

#endif
