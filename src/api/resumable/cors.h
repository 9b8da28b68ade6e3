/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of other hosts that upload with a token. They never act with the session of a browser: credentials are not allowed. */
#ifndef CAIS_API_RESUMABLE_CORS_H
#define CAIS_API_RESUMABLE_CORS_H

#include "http/http.h"

/* If the operator allows the page that sent the request (resumable.cors_origins), it may read the reply and its headers. */
void cors_add_headers(struct http_exchange *);

#endif
