/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into the JSON of a reply by a path like "fields.key" or "0.id". Each fails the test when what it finds is not
 * what it is asked for; `a` holds what is parsed. */
#ifndef CAIS_TESTS_REPLY_JSON_H
#define CAIS_TESTS_REPLY_JSON_H

#include "base/json.h"
#include "fake_http.h"

/* NULL when nothing is there; "" is the whole. */
const struct json *reply_at(struct arena *a, const struct fake_reply *, const char *path);
int64_t reply_int(struct arena *a, const struct fake_reply *, const char *path);
slice reply_text(struct arena *a, const struct fake_reply *, const char *path);
bool reply_bool(struct arena *a, const struct fake_reply *, const char *path);
size_t reply_count(struct arena *a, const struct fake_reply *, const char *path); /* elements; 0 when absent */

#endif
