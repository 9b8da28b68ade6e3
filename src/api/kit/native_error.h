/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals in the form of docs/native.md, "Errors", for the APIs below /v1/native. */
#ifndef CAIS_API_KIT_NATIVE_ERROR_H
#define CAIS_API_KIT_NATIVE_ERROR_H

#include "api/kit/error_table.h"
#include "base/log.h"

/* The words of an error, for struct http_api's fail. A failure of the server is logged (log may be NULL), and the headers are
 * added that its status asks for: WWW-Authenticate, Retry-After. */
struct error_row native_error_begin(struct http_exchange *, struct log *, const struct error_table *, err_t e);
/* Ends the exchange: {"error": {"code": …, "message": …, "request_id": …}} */
void native_error_reply(struct http_exchange *, const struct error_row *words);

#endif
