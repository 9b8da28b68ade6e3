/* SPDX-License-Identifier: Apache-2.0 */
/* How long the statements of a handle may run, and the function that must know it:
 *
 *   cais_matches(text, pattern)   1 if the pattern (base/regex.h) is found in the text, else 0; null of what is no text. A pattern that is
 *                                 none is an error */
#ifndef CAIS_SQL_SQLITE_LIMIT_H
#define CAIS_SQL_SQLITE_LIMIT_H

#include "base/clock.h"
#include "base/err.h"

#include <sqlite3.h>

struct sqlite_limit {
    struct clock *clock; /* NULL: there is no limit */
    int64_t deadline_ms; /* of its monotonic time */
};

/* From now on, statements of the handle end with SQLITE_INTERRUPT when the limit says so. It is borrowed as long as the handle is open, and
 * may change at any time on the thread that uses the handle. */
MUST_USE err_t limit_handle(sqlite3 *, const struct sqlite_limit *, struct arena *a);

#endif
