/* SPDX-License-Identifier: Apache-2.0 */
#include "api/apis.h"

#define API(name) extern const struct api_module name##_module;
#include "api/apis.def"

const struct api_module *const api_modules[API_COUNT] = {
#define API(name) &name##_module,
#include "api/apis.def"
};

const struct api_module *api_module_find(slice name)
{
    for (size_t i = 0; i < API_COUNT; i++)
        if (slice_eq(name, slice_of(api_modules[i]->name)))
            return api_modules[i];
    return NULL;
}
