/* SPDX-License-Identifier: Apache-2.0 */
/* Conditional requests: evaluates the headers of a request against the state of a resource. Pure functions.
 * Spec: RFC 9110 §8.8.3 (entity tags), §13 (preconditions, their order). */
#ifndef CAIS_HTTP_CONDITIONAL_H
#define CAIS_HTTP_CONDITIONAL_H

#include "base/slice.h"

/* The current state of the resource. Our objects never change, so their dates count as strong validators. */
struct validators {
    bool exists;            /* false: there is none, and the other members do not matter */
    slice etag;             /* as in our ETag header, with its quotes: "abc" or W/"abc"; empty: none */
    int64_t modified_at_ms; /* since 1970 UTC, compared in whole seconds; 0: unknown */
};

/* The headers of the request; empty when absent. A date that is not an IMF-fixdate is ignored (RFC 9110 §13.1.3). */
struct preconditions {
    slice if_match, if_none_match, if_modified_since, if_unmodified_since;
};

enum precondition {
    PRECONDITION_PROCEED,
    PRECONDITION_NOT_MODIFIED, /* 304 */
    PRECONDITION_FAILED,       /* 412 */
};

/* Evaluate them in the order of RFC 9110 §13.2.2. `reading`: the method is GET or HEAD. */
enum precondition preconditions_check(const struct preconditions *conditions, const struct validators *now,
                                      bool reading);

/* Does a list of entity tags contain `tag`, or is the list "*"? Tags without quotes are accepted, because S3 clients
 * send them. Weak comparison ignores W/; in strong comparison a weak tag equals no tag, not even itself. */
bool etag_list_has(slice list, slice tag, bool weak);

/* If-Range (RFC 9110 §13.1.5): may a part be sent? True also for an empty header, which is no condition. */
bool if_range_holds(slice if_range, const struct validators *now);

#endif
