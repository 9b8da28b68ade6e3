/* SPDX-License-Identifier: Apache-2.0 */
/* Records as clients see them: the members of the object, and what the server knows of it (docs/apis/appfile.md 6.1). */
#ifndef CAIS_API_APPFILE_RECORD_JSON_H
#define CAIS_API_APPFILE_RECORD_JSON_H

#include "api/appfile/appfile_priv.h"
#include "core/records/record.h"

extern const char *const record_column_names[RECORD_COLUMNS]; /* by enum record_column: _id … */

/* A record as JSON, in the order of its parts. Members of the object with the name of a column are left out. */
struct record_text {
    slice head, body, tail;
};
/* columns: which of them are shown. The body is a part of the object, or made in `a`. Errors: CORRUPT; those of arena_check. */
MUST_USE err_t record_text_make(const struct record *, const bool columns[RECORD_COLUMNS], struct arena *a,
                                struct record_text *ret);

#endif
