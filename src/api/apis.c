/* SPDX-License-Identifier: Apache-2.0 */
#include "api/apis.h"

#define API(name) extern const struct api_module name##_module;
#include "api/apis.def"

const struct api_module *const api_modules[API_COUNT] = {
#define API(name) &name##_module,
#include "api/apis.def"
};
