/* SPDX-License-Identifier: Apache-2.0 */
/* The errors in the fields of a request, each with the path of its field, such as limit or where.1.op: docs/apis/datasnap.md 7.3.
 * A parser notes an error and goes on, so that a client sees all of them at once. */
#ifndef CAIS_API_DATASNAP_FIELD_ERRORS_H
#define CAIS_API_DATASNAP_FIELD_ERRORS_H

#include "base/json.h"

#define FIELD_ERRORS_MAX 500 /* further ones are dropped */

struct field_error;
struct field_errors {
    struct arena *a;
    struct field_error *first, *last;
    size_t count;
};

void field_errors_init(struct field_errors *, struct arena *a);
/* text: in Portuguese, for people; lives as long as the arena. The path is made from its format. */
void field_error_add(struct field_errors *, slice text, const char *path, ...) PRINTF_LIKE(3, 4);
/* The text of the first error; empty: there is none. */
slice field_errors_first(const struct field_errors *);
/* Append an object of paths and arrays of texts. */
void field_errors_write(const struct field_errors *, struct json_out *);

#endif
