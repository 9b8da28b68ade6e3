/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the writes on spaces, for those that write several nouns at once (standalone.c). Rights, texts and names were checked by the
 * caller. */
#ifndef CAIS_CORE_SPACE_SPACE_PRIV_H
#define CAIS_CORE_SPACE_SPACE_PRIV_H

#include "core/space/course_write_priv.h"
#include "core/space/space.h"

/* Errors: SPACE_NOT_THERE. */
MUST_USE err_t space_read(struct meta_tx *, int64_t id, struct arena *a, struct space *ret);
/* Errors: as space_create has for them. */
MUST_USE err_t space_check_texts(const struct space_request *, struct arena *a);
/* With its root. Errors: QUOTA. */
MUST_USE err_t space_add(struct meta_tx *, const struct course_write *, int64_t course_id, const struct space_request *,
                         struct arena *a, int64_t *ret_id);
MUST_USE err_t space_end(struct meta_tx *, const struct course_write *, const struct space *, struct arena *a);

#endif
