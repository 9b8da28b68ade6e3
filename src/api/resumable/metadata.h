/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the header Upload-Metadata. Spec: tus 1.0.0, "Upload-Metadata". */
#ifndef CAIS_API_RESUMABLE_METADATA_H
#define CAIS_API_RESUMABLE_METADATA_H

#include "base/err.h"

#define UPLOAD_METADATA_MAX_BYTES 8192
#define UPLOAD_METADATA_TYPE_MAX_BYTES 255 /* as the native API has it */

/* What clients call the file: the first of the keys that has a value. Its bytes may be anything. */
struct upload_metadata {
    bool has_file_name, has_content_type;
    slice
        file_name; /* `filename`, else `name`; not empty if there is one. For file_name_clean of core/file/file_name.h */
    slice content_type; /* `filetype`, else `type`: UTF-8 without control characters and without blanks around it */
};

/* Parse a header value.
 *
 * value     borrowed: pairs `key base64`, separated by commas with or without blanks around them. A value may be empty, with
 *           or without the blank. A key is visible ASCII without a comma, and occurs once; `Name` and `name` differ. An empty
 *           header is one without pairs, since tus-py-client always sends the header
 * ret       its slices live in `a`
 * Errors    TOO_LARGE more than UPLOAD_METADATA_MAX_BYTES; INVALID an empty pair, a bad key, a key that came before, or a
 *           value that is not base64 with all its padding, whatever its key
 * Types     a content type that is too long or has other characters is left out: the file is stored without it, as if the
 *           client had not known it
 * Echo      a value that was accepted contains only visible ASCII, blanks and tabs, so it may be sent as a header */
MUST_USE err_t upload_metadata_parse(slice value, struct arena *a, struct upload_metadata *ret);

#endif
