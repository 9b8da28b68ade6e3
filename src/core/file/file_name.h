/* SPDX-License-Identifier: Apache-2.0 */
/* Names of files as users see them. They are never used as paths on a disk. */
#ifndef CAIS_CORE_FILE_FILE_NAME_H
#define CAIS_CORE_FILE_FILE_NAME_H

#include "base/err.h"

#define FILE_NAME_MAX_BYTES 255
/* Of names whose senders count characters. In bytes, so that the name fits into a key of a bucket, with what stands before it. */
#define FILE_NAME_MAX_CHARACTERS 255
#define FILE_NAME_LONG_MAX_BYTES 960

/* Does the name contain a control character (C0, DEL or C1)? name: well-formed UTF-8. */
bool file_name_has_control(slice name);
/* The name without its control characters, in `a`. name: well-formed UTF-8. */
slice file_name_without_controls(slice name, struct arena *a);

/* Make the name that a sender gave fit to be stored and shown: what follows the last / or \, without control characters;
 * "file" if that is empty, "." or "..". A name is never shortened: one that is too long is refused.
 *
 * raw       as decoded from the request; borrowed
 * ret_name  1 to FILE_NAME_MAX_BYTES bytes of UTF-8, in `a`
 * Errors    INVALID not UTF-8; TOO_LARGE longer than FILE_NAME_MAX_BYTES after cleaning
 * Source    the sections on file names in docs/apis */
MUST_USE err_t file_name_clean(slice raw, struct arena *a, slice *ret_name);
/* The same with 1 to FILE_NAME_MAX_CHARACTERS characters, and at most FILE_NAME_LONG_MAX_BYTES bytes. */
MUST_USE err_t file_name_clean_long(slice raw, struct arena *a, slice *ret_name);

#endif
