/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of Unix sockets. The address of a socket holds at most 107 bytes, and a data directory may have a longer
 * path. */
#ifndef CAIS_BASE_UNIX_SOCKET_H
#define CAIS_BASE_UNIX_SOCKET_H

#include "base/err.h"

/* A path for the same socket that fits into an address. A long path is replaced by one through a descriptor of its
 * folder, which stays open as long as `a` lives. Errors: those of opening the folder; INVALID the name alone is too
 * long. */
MUST_USE err_t unix_socket_path(const char *path, struct arena *a, const char **ret_path);

#endif
