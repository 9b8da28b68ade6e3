/* SPDX-License-Identifier: Apache-2.0 */
/* The keys by which clients know this server. They are private keys without a passphrase, in files that only their owner may read. */
#ifndef CAIS_SFTP_HOST_KEY_H
#define CAIS_SFTP_HOST_KEY_H

#include "base/err.h"

#include <libssh/server.h>

/* Gives the keys in these files to the server. At most one of each type counts: the last.
 * Errors: those of secret_file_read; INVALID a file holds no such key, or one of a type that clients do not accept. */
MUST_USE err_t host_keys_load(ssh_bind, const char *const *paths, size_t count, struct arena *a);
/* The same with those of a data directory, which are made when they are missing: an Ed25519 key, and an ECDSA key for clients that do not know
 * Ed25519, such as JSch. The caller holds the lock of the directory. Errors: also NO_SPACE. */
MUST_USE err_t host_keys_ensure(ssh_bind, const char *data_dir, struct arena *a);

#endif
