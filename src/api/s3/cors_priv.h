/* SPDX-License-Identifier: Apache-2.0 */
/* CORS headers of ordinary replies; the operations themselves are in operations_priv.h. */
#ifndef CAIS_API_S3_CORS_PRIV_H
#define CAIS_API_S3_CORS_PRIV_H

#include "api/s3/call_priv.h"

/* Add Access-Control-* as the bucket's rules allow for the Origin of the request. */
void s3_cors_headers(struct s3_call *);
/* The same for a link of the server itself whose signature was verified: the page that it names may read the reply, and no other,
 * whatever the rules say. */
void s3_cors_link_headers(struct s3_call *);

#endif
