/* SPDX-License-Identifier: Apache-2.0 */
/* The table of APIs, made from apis.def. */
#ifndef CAIS_API_APIS_H
#define CAIS_API_APIS_H

#include "api/kit/module.h"

enum {
    API_COUNT = 0
#define API(name) +1
#include "api/apis.def"
};

extern const struct api_module *const api_modules[API_COUNT];

#endif
