/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a sync file by type, as JSON text. Thread: any. */
#ifndef CAIS_CORE_SYNC_VALUE_H
#define CAIS_CORE_SYNC_VALUE_H

#include "base/buf.h"
#include "base/json_scan.h"
#include "core/sync/sync_header.h"

/* Append a text, which is not empty, as a value of the type; true and nothing appended: it is blank, and so no value. False: it is
 * none of the type; `to` then has a part of it. Whether there was room is seen in to->failed. `scratch` has what dies with the
 * caller; it may be marked as over. */
bool sync_value_add_text(enum sync_type, slice text, struct arena *scratch, struct buf *to);
/* The same for a value of JSON: one of the kind that the type becomes, or a text as above, or a number or boolean that says the
 * same as one. A null is no value, and an empty string neither. */
bool sync_value_add_json(enum sync_type, const struct json_value *, struct arena *scratch, struct buf *to);
/* Append what a value says as a part of a key; `json` is what the above appended. A string is its bytes, and numbers that are equal
 * have one form. There is no NUL in it. */
void sync_value_add_key(enum sync_type, slice json, struct buf *to);

/* Append text in quotes, escaped. False: it has a NUL, which JSON may not have in cais. */
bool sync_quote(slice text, struct buf *to);

#endif
