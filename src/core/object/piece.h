/* SPDX-License-Identifier: Apache-2.0 */
/* A piece of a body is hashed and written. MD5 is the slower of the two, and two cores cannot hash one stream. So if only one
 * body comes, another thread writes its piece meanwhile. If several come, there is no core to spare, and their MD5s are computed
 * together (base/md5_crew.h). */
#ifndef CAIS_CORE_OBJECT_PIECE_H
#define CAIS_CORE_OBJECT_PIECE_H

#include "core/core.h"
#include "core/store/blob_store.h"

/* A body that comes. Between the two calls it counts among those that come at once. */
void piece_body_begins(struct core *);
void piece_body_ends(struct core *);
/* Writes the bytes, and hashes them with `hash`, which is called once, on this thread. Errors: those of the write. */
MUST_USE err_t piece_write(struct core *, struct blob_writer *, slice bytes, void (*hash)(void *arg, slice bytes),
                           void *arg, struct arena *a);

#endif
