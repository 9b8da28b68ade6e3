/* SPDX-License-Identifier: Apache-2.0 */
/* Reads values from the JSON of a reply, by a path like "fields.key" or "0.id". Each function fails the test when the
 * value is not of its type. `a` holds the parsed JSON. */
#ifndef CAIS_TESTS_REPLY_JSON_H
#define CAIS_TESTS_REPLY_JSON_H

#include "base/json.h"
#include "fake_http.h"

/* The value at a path; NULL when there is none. The path "" selects the whole. */
const struct json *reply_at(struct arena *a, const struct fake_reply *, const char *path);
int64_t reply_int(struct arena *a, const struct fake_reply *, const char *path);
slice reply_text(struct arena *a, const struct fake_reply *, const char *path);
bool reply_bool(struct arena *a, const struct fake_reply *, const char *path);
size_t reply_count(struct arena *a, const struct fake_reply *, const char *path); /* elements; 0 when absent */

#endif
