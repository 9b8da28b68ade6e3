/* SPDX-License-Identifier: Apache-2.0 */
/* Names of files as people see them. Never used as paths on a disk. */
#ifndef CAIS_CORE_FILE_FILE_NAME_H
#define CAIS_CORE_FILE_FILE_NAME_H

#include "base/err.h"

#define FILE_NAME_MAX_BYTES 255

/* Is there a control character (C0, DEL or C1) in it? name: well-formed UTF-8. */
bool file_name_has_control(slice name);

/* Make a name that a sender gave fit to be stored and shown: what follows the last / or \, without control characters;
 * "file" when that is empty, "." or "..". A name is never shortened: one that is too long is refused.
 *
 * raw       as decoded from the request, UTF-8; borrowed
 * ret_name  1 to FILE_NAME_MAX_BYTES bytes of UTF-8, in `a`
 * Errors    INVALID not UTF-8; TOO_LARGE longer than FILE_NAME_MAX_BYTES after cleaning
 * Spec      seed 4 (file names), seed 1 (full local paths arrive in `filename`) */
MUST_USE err_t file_name_clean(slice raw, struct arena *a, slice *ret_name);

#endif
