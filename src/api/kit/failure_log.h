/* SPDX-License-Identifier: Apache-2.0 */
/* The line in the log about a request that failed because of the server, not of the client. */
#ifndef CAIS_API_KIT_FAILURE_LOG_H
#define CAIS_API_KIT_FAILURE_LOG_H

#include "base/log.h"
#include "http/http.h"

/* Does the error say that the server failed: a store does not answer, is full, or is damaged? Its operator should see it;
 * the client learns only that it may try again. A refusal of the engine is none. */
bool is_server_failure(err_t e);
/* Writes "request failed", with the request id and the error. log may be NULL. */
void log_failure(struct log *log, const struct http_exchange *, err_t e);

#endif
