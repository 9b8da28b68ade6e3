/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_OBJECT_CHECKED_ROW_H
#define CAIS_CORE_OBJECT_CHECKED_ROW_H

#include "core/core.h"

struct object;

/* Are the inline bytes of an object those that were stored? By their checksums, or by their MD5, which all objects have, if they
 * are older than checksums. Whoever takes inline bytes from a record asks this first. Errors: CORRUPT, reported (damage.h). */
MUST_USE err_t checked_row(struct core *, const struct object *, struct arena *a);

#endif
