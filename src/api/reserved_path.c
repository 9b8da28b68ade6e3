/* SPDX-License-Identifier: Apache-2.0 */
#include "api/reserved_path.h"

#include "base/scoped.h"

bool path_is_reserved(slice name)
{
    static const char *const names[] = {
#define PATH(name) #name,
#include "api/apis.def"
    };
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        if (slice_eq(name, slice_of(names[i])))
            return true;
    return false;
}
