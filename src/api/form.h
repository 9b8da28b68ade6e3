/* SPDX-License-Identifier: Apache-2.0 */
/* Forms with bracketed names, read as the JSON they stand for: a[b]=1&c[]=2 is {"a":{"b":"1"},"c":["2"]}. Values are
 * strings; of a name that comes twice the last one counts. a[][b]=1&a[][c]=2&a[][b]=3 is two objects: one ends where a
 * name comes again. Spec: WHATWG URL "application/x-www-form-urlencoded" for the pairs; the brackets are the custom of
 * Rack (`parse_nested_query`). */
#ifndef CAIS_API_FORM_H
#define CAIS_API_FORM_H

#include "base/json.h"

#define FORM_PAIRS_MAX 1000

/* ret_json  an object, in `a` or pointing into the text
 * Errors    INVALID an escape that is none, NUL or no UTF-8, brackets that do not match, a name that is at once a value
 *           and a container; TOO_LARGE more than FORM_PAIRS_MAX pairs, or deeper than JSON_MAX_DEPTH */
MUST_USE err_t form_parse(slice text, struct arena *a, const struct json **ret_json);

#endif
