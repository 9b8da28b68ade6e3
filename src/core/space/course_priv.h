/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the writes on courses, for those that write several nouns at once (standalone.c). Rights, texts and names were checked by the
 * caller. */
#ifndef CAIS_CORE_SPACE_COURSE_PRIV_H
#define CAIS_CORE_SPACE_COURSE_PRIV_H

#include "core/space/course.h"
#include "core/space/course_write_priv.h"

/* In an environment that was found; `who` is enrolled as its administrator. Errors: CONFLICT another write has taken a name; QUOTA. */
MUST_USE err_t course_add(struct meta_tx *, const struct course_write *, const struct course_request *, struct arena *a,
                          int64_t *ret_id);
MUST_USE err_t course_end(struct meta_tx *, const struct course_write *, int64_t id, slice path, struct arena *a);

#endif
