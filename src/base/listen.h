/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that listen on TCP addresses. */
#ifndef CAIS_BASE_LISTEN_H
#define CAIS_BASE_LISTEN_H

#include "base/err.h"

/* Bind and listen. address: "host:port", "[v6]:port", or ":port" for every address of the machine; the host is a number, or
 * "localhost". *ret_fd is not blocking. *ret_address: the address with the actual port, in `a`.
 * Errors: INVALID not an address; CONFLICT the address is in use; UNAVAILABLE. */
MUST_USE err_t listen_on_tcp(const char *address, struct arena *a, int *ret_fd, slice *ret_address);

#endif
