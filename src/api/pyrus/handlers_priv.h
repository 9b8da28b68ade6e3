/* SPDX-License-Identifier: Apache-2.0 */
/* The guard and the handlers, for the table of routes. */
#ifndef CAIS_API_PYRUS_HANDLERS_PRIV_H
#define CAIS_API_PYRUS_HANDLERS_PRIV_H

#include "http/http.h"

/* Checks token and rate limit of a request, on the loop. */
err_t pyrus_guard(struct http_exchange *);

/* Each function handles the route to which routes.c assigns it. */
err_t pyrus_login(struct http_exchange *);
err_t pyrus_login_by_get(struct http_exchange *);
err_t pyrus_upload(struct http_exchange *);
err_t pyrus_download(struct http_exchange *);
err_t pyrus_download_by_query(struct http_exchange *);
err_t pyrus_task_create(struct http_exchange *);
err_t pyrus_task_get(struct http_exchange *);
err_t pyrus_task_delete(struct http_exchange *);
err_t pyrus_comment_add(struct http_exchange *);
err_t pyrus_profile(struct http_exchange *);

#endif
