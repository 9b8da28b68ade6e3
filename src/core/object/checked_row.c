/* SPDX-License-Identifier: Apache-2.0 */
#include "core/object/checked_row.h"

#include "core/object/checksums.h"
#include "core/object/damage.h"
#include "core/records/object.h"

#include <string.h>

err_t checked_row(struct core *core, const struct object *object, struct arena *a)
{
    slice bytes = object->inline_bytes;
    unsigned char md5[MD5_SIZE];
    bool fits = bytes.n == object->size_bytes;
    if (fits && object->checksums.n) {
        fits = checksums_fit(object->checksums, bytes);
    } else if (fits) {
        hash_md5(bytes, md5);
        fits = memcmp(md5, object->md5, MD5_SIZE) == 0;
    }
    if (fits)
        return NULL;
    return damage_found(core, err_make(a, ERR_CORRUPT, "the row of object %lld has not the bytes that were stored",
                                       (long long)object->id));
}
