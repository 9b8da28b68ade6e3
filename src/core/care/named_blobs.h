/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_CARE_NAMED_BLOBS_H
#define CAIS_CORE_CARE_NAMED_BLOBS_H

#include "base/err.h"

struct meta_store;

/* Is there an object whose bytes are a blob? Reads all objects when there is none. Thread: any. Errors: those of the store. */
MUST_USE err_t are_blobs_named(struct meta_store *, struct arena *a, bool *ret_named);

#endif
