/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects are rows of the database and which are blobs. An object of up to 16 KiB is a row, in the same
 * transaction as its record; a larger one is a blob, which the blob store keeps (ARCHITECTURE.md, "Small objects are
 * rows"). The key storage.inline_max changes the limit. It applies to objects that come in: those that are stored stay
 * where they are, since each object's record says which of the two it is (an empty blob_key: a row). */
#ifndef CAIS_CORE_OBJECT_INLINE_LIMIT_H
#define CAIS_CORE_OBJECT_INLINE_LIMIT_H

#include "core/core.h"

#define INLINE_MAX_DEFAULT ((uint64_t)16 << 10) /* bytes; config_keys.def names the same number for users */

/* The largest object that becomes a row, in bytes. */
static inline uint64_t inline_limit(const struct core *core)
{
    return core->options.inline_max_bytes ? core->options.inline_max_bytes : INLINE_MAX_DEFAULT;
}

/* Does an object of that many bytes become a row? */
static inline bool object_is_inline(const struct core *core, uint64_t bytes)
{
    return bytes <= inline_limit(core);
}

/* Is it known before the first byte that the object will be a blob? exact_bytes: -1 when the length is not known. */
static inline bool object_will_be_blob(const struct core *core, int64_t exact_bytes)
{
    return exact_bytes >= 0 && !object_is_inline(core, (uint64_t)exact_bytes);
}

#endif
