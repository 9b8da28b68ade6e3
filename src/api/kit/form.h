/* SPDX-License-Identifier: Apache-2.0 */
/* Forms with bracketed names, parsed into the JSON that they describe: a[b]=1&c[]=2 is {"a":{"b":"1"},"c":["2"]}. All
 * values are strings. When a name is repeated, the last value counts. a[][b]=1&a[][c]=2&a[][b]=3 is an array of two
 * objects: a member that the current object already has begins the next object. Source: WHATWG URL
 * "application/x-www-form-urlencoded" for the pairs; Rack (`parse_nested_query`) for the brackets, which no standard
 * describes. */
#ifndef CAIS_API_KIT_FORM_H
#define CAIS_API_KIT_FORM_H

#include "base/json.h"

#define FORM_PAIRS_MAX 1000

/* Parse `text` into an object.
 *
 * ret_json  in `a`, and partly pointing into `text`
 * Errors    INVALID a malformed percent escape, a NUL, bytes that are not UTF-8, unbalanced brackets, or a name that is
 *           used both as a value and as a container; TOO_LARGE more than FORM_PAIRS_MAX pairs, or nested deeper than
 *           JSON_MAX_DEPTH
 * Thread    any */
MUST_USE err_t form_parse(slice text, struct arena *a, const struct json **ret_json);

#endif
