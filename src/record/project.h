/* SPDX-License-Identifier: Apache-2.0 */
/* Objects with only those members that a question names. */
#ifndef CAIS_RECORD_PROJECT_H
#define CAIS_RECORD_PROJECT_H

#include "base/buf.h"
#include "base/err.h"
#include "core/records/row_query.h"

struct projection {
    slice name;
    bool is_whole;               /* else it has children, and what is under the name counts only if it is an object */
    struct projection *children; /* sorted by name, once all of them are there */
    size_t count, room;
};

/* The members among the items. Borrows their names. */
struct projection *projection_new(const struct row_query *, struct arena *a);
/* Appends the object, whose text is without blanks, as the members say. Errors: CORRUPT it is none. */
MUST_USE err_t projection_add(const struct projection *, slice object, struct arena *a, struct buf *to);

#endif
