/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a composite, an object whose bytes are those of its parts, as if it were one blob. */
#ifndef CAIS_CORE_OBJECT_COMPOSITE_H
#define CAIS_CORE_OBJECT_COMPOSITE_H

#include "core/core.h"

struct blob_reader;
struct object;

/* Open a composite, in a snapshot that has it; the reader outlives the snapshot. It has no descriptor (fd is -1) and
 * opens one part at a time, when reading reaches it: a read_at fails with CORRUPT if that part has gone meanwhile.
 * Errors: CORRUPT the parts do not make up what the object's record says; those of the store. Thread: as blob_reader. */
MUST_USE err_t composite_open(struct core *, struct meta_tx *, const struct object *, struct arena *a,
                              struct blob_reader **ret_reader);

#endif
