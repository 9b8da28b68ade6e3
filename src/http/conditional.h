/* SPDX-License-Identifier: Apache-2.0 */
/* Conditional requests. Pure; the caller knows what the resource is, this knows what the headers ask.
 * Spec: RFC 9110 §8.8.3 (entity tags), §13 (preconditions, their order). */
#ifndef CAIS_HTTP_CONDITIONAL_H
#define CAIS_HTTP_CONDITIONAL_H

#include "base/slice.h"

/* What is there now. Our objects never change, so their dates count as strong validators. */
struct validators {
    bool exists;            /* false: nothing there; the rest is not looked at */
    slice etag;             /* as in our ETag header, quotes included: "abc" or W/"abc"; empty when there is none */
    int64_t modified_at_ms; /* since 1970 UTC, compared by the second; 0 when unknown */
};

/* The headers of the request; empty when absent. A date that is no IMF-fixdate is ignored (RFC 9110 §13.1.3). */
struct preconditions {
    slice if_match, if_none_match, if_modified_since, if_unmodified_since;
};

enum precondition {
    PRECONDITION_PROCEED,
    PRECONDITION_NOT_MODIFIED, /* 304 */
    PRECONDITION_FAILED,       /* 412 */
};

/* In the order of RFC 9110 §13.2.2. `reading`: the method is GET or HEAD. */
enum precondition preconditions_check(const struct preconditions *conditions, const struct validators *now,
                                      bool reading);

/* Is `tag` in a list of entity tags, or the list "*"? Tags without their quotes are taken too: S3 clients send them.
 * Weak comparison ignores W/; in a strong one a weak tag equals nothing, not even itself. */
bool etag_list_has(slice list, slice tag, bool weak);

/* If-Range (RFC 9110 §13.1.5): may a part be sent? An empty header is no condition: true. */
bool if_range_holds(slice if_range, const struct validators *now);

#endif
