/* SPDX-License-Identifier: Apache-2.0 */
/* Structured field values: the strict grammar of newer header fields. A value that breaks it anywhere has no meaning at all,
 * so a caller ignores the field or refuses the request. Pure functions. They take time in proportion to the length of the
 * value; the caller limits it. Spec: RFC 9651 §4.2. */
#ifndef CAIS_HTTP_STRUCTURED_FIELD_H
#define CAIS_HTTP_STRUCTURED_FIELD_H

#include "http/http.h"

/* The value of a field: that of its line, or of all its lines in the order in which they came, joined with ", " in `a`
 * (RFC 9651 §4.2). So an Item that came twice is no Item. name: in any case. .p is NULL when the field is absent. */
slice sf_field(const struct http_request *, const char *name, struct arena *a);

#define SF_INTEGER_MAX INT64_C(999999999999999) /* and the same below zero */

/* An Item of that type. Its parameters must be well-formed, and are ignored. False: it is none. */
bool sf_integer(slice value, int64_t *ret);
bool sf_boolean(slice value, bool *ret);

enum sf_kind { SF_INTEGER, SF_BOOLEAN, SF_BYTES, SF_OTHER /* a String, a Token, an Inner List, … */ };
struct sf_member {
    slice key; /* points into the value */
    enum sf_kind kind;
    int64_t integer; /* SF_INTEGER; 0 or 1 of a SF_BOOLEAN */
    slice bytes;     /* SF_BYTES, decoded, in `a` */
};
/* RFC 9651 wants room for 1024 members. The fields that we read have less than ten, and a bound this low makes the search
 * for equal keys cheap. */
#define SF_MEMBERS_MAX 64
/* A Dictionary. An empty value is one without members. Of equal keys the last value counts, in the place of the first one.
 * False: it is none, or it has more than SF_MEMBERS_MAX different keys. */
bool sf_dictionary(slice value, struct arena *a, struct sf_member **ret, size_t *ret_count);
/* The member with that key; NULL: there is none. */
const struct sf_member *sf_find(const struct sf_member *members, size_t count, slice key);

#endif
