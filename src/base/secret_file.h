/* SPDX-License-Identifier: Apache-2.0 */
/* Files that only their owner may read: keys. A lost key cannot be made again, so it is written once, as safely as an object. */
#ifndef CAIS_BASE_SECRET_FILE_H
#define CAIS_BASE_SECRET_FILE_H

#include "base/err.h"

/* The bytes of a file, in `a`; the caller wipes them (secret_wipe). Errors: NOT_FOUND; FORBIDDEN its mode lets other users read it, or it
 * cannot be read; CORRUPT it is no ordinary file, or longer than max; UNAVAILABLE. */
MUST_USE err_t secret_file_read(const char *path, size_t max, struct arena *a, slice *ret);
/* Make the file dir/name, mode 0600, which is on stable storage before this returns. An existing file is never changed. One process at a
 * time makes files in the directory. Errors: CONFLICT there is such a file; NO_SPACE; UNAVAILABLE. */
MUST_USE err_t secret_file_make(const char *dir, const char *name, slice bytes, struct arena *a);
/* A file that was found is on stable storage with its name: the process that made it may have been killed in between. */
MUST_USE err_t secret_file_keep(const char *dir, struct arena *a);
void secret_wipe(slice bytes);

#endif
