/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the writes on environments, for those that write several nouns at once (standalone.c). Rights, texts and names were checked by the
 * caller. */
#ifndef CAIS_CORE_SPACE_ENVIRONMENT_PRIV_H
#define CAIS_CORE_SPACE_ENVIRONMENT_PRIV_H

#include "core/space/course_write_priv.h"
#include "core/space/environment.h"

/* With `who` as its administrator, room and event. Errors: CONFLICT another write has taken a name; QUOTA. */
MUST_USE err_t environment_add(struct meta_tx *, const struct course_write *, const struct environment_request *,
                               struct arena *a, int64_t *ret_id);

#endif
