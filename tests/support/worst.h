/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that take as much memory as their bytes can. Each is as large as the limit that is given, or a little less. */
#ifndef CAIS_TESTS_WORST_H
#define CAIS_TESTS_WORST_H

#include "base/arena.h"

/* begin, then unit as often as there is room; the last byte of the last one is left out; then end */
slice worst_repeat(struct arena *, const char *begin, const char *unit, const char *end, size_t max_bytes);
/* The same with a number in place of %zu in each unit; at most `count` units. */
slice worst_count(struct arena *, const char *begin, const char *unit, const char *end, size_t count);

enum { WORST_MAX = 16 };
struct worst {
    slice items[WORST_MAX];
    size_t count;
};
void worst_json(struct arena *, size_t max_bytes, struct worst *ret); /* arrays, members, depth, texts */
void worst_form(struct arena *, size_t max_bytes, struct worst *ret); /* application/x-www-form-urlencoded */
void worst_xml(struct arena *, size_t max_bytes, struct worst *ret);  /* elements, attributes, texts, references */
void worst_multipart(struct arena *, struct worst *ret);              /* with the boundary b1 */

#endif
