/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of Unix sockets. An address holds 107 bytes, a data directory may lie deeper. */
#ifndef CAIS_BASE_UNIX_SOCKET_H
#define CAIS_BASE_UNIX_SOCKET_H

#include "base/err.h"

/* The same path, short enough for an address: a long one goes through a descriptor of its folder, which stays open as
 * long as `a`. Errors: those of opening the folder; INVALID the name alone is too long. */
MUST_USE err_t unix_socket_path(const char *path, struct arena *a, const char **ret_path);

#endif
