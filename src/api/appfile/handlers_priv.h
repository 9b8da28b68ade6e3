/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of routes.c. */
#ifndef CAIS_API_APPFILE_HANDLERS_PRIV_H
#define CAIS_API_APPFILE_HANDLERS_PRIV_H

#include "http/http.h"

err_t appfile_file_issue(struct http_exchange *);  /* issue.c */
err_t appfile_file_status(struct http_exchange *); /* status.c */
err_t appfile_refresh(struct http_exchange *);     /* status.c */

#endif
