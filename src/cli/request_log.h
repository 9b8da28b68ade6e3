/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: one line for each request. Each loop collects its lines and writes them once a turn. Targets are redacted:
 * signatures, tokens and secrets in paths are never logged; of an API that hides its targets only the route is. */
#ifndef CAIS_CLI_REQUEST_LOG_H
#define CAIS_CLI_REQUEST_LOG_H

#include "base/log.h"
#include "http/server.h"

enum { REQUEST_LOG_LOOPS = 257 /* the most that can be configured, and the one for listeners apart */ };

struct request_log;
struct request_log *request_log_new(struct log *, int loops); /* log is borrowed */
void request_log_set(struct request_log *, bool is_on);       /* as log.requests says; on at first. Thread: any */
void request_log_free(struct request_log *);                  /* NULL is fine */
/* For http_options; arg is the request_log. */
void request_log_report(void *arg, int loop, const struct http_report *);
void request_log_flush(void *arg, int loop);

#endif
