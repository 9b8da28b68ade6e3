/* SPDX-License-Identifier: Apache-2.0 */
/* The server's certificates, and the TLS side of a new connection. */
#ifndef CAIS_HTTP_TLS_H
#define CAIS_HTTP_TLS_H

#include "http/options.h"

#include <openssl/ssl.h>

struct tls; /* a set of certificates; reference-counted, because connections outlive a reload */

/* Errors: INVALID no certificate, a file that cannot be read, a key that does not fit, too many certificates. */
MUST_USE err_t tls_load(const struct http_certificate *, size_t count, struct arena *a, struct tls **ret);
void tls_release(struct tls *); /* gives up the caller's reference; NULL is fine. Thread: any */
/* The TLS state of an accepted socket; it holds a reference of its own. NULL: out of memory. Thread: any. */
SSL *tls_accept(struct tls *, int fd);

#endif
