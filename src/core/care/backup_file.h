/* SPDX-License-Identifier: Apache-2.0 */
/* The single files of which a backup consists. Errors of every call: NOT_FOUND, NO_SPACE, UNAVAILABLE, as the operating system says. */
#ifndef CAIS_CORE_CARE_BACKUP_FILE_H
#define CAIS_CORE_CARE_BACKUP_FILE_H

#include "base/err.h"

/* Sync a file or a folder. */
MUST_USE err_t backup_file_sync(const char *path, struct arena *a);
/* Copy `from` to the new file `to`, and sync it. NULL for `to`: only compute the digest. *ret_sha256: in hex, in `a`. */
MUST_USE err_t backup_file_copy(const char *from, const char *to, struct arena *a, slice *ret_sha256);
/* Write a file so that after a crash all of it exists, or none. */
MUST_USE err_t backup_file_write(const char *dir, const char *name, slice text, struct arena *a);
/* The first `max` bytes of a file. */
MUST_USE err_t backup_file_read(const char *path, size_t max, struct arena *a, slice *ret);

/* A backup is often on the disk of the server, which must not be full because of it. Errors: NO_SPACE the disk of the copy, which
 * has so many bytes free, would have less than the reserve after so many more. */
MUST_USE err_t backup_check_space(uint64_t free_bytes, uint64_t reserve_bytes, uint64_t bytes, struct arena *a);

#endif
