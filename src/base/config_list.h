/* SPDX-License-Identifier: Apache-2.0 */
/* A value of the configuration that is a list. */
#ifndef CAIS_BASE_CONFIG_LIST_H
#define CAIS_BASE_CONFIG_LIST_H

#include "base/slice.h"

struct config_list {
    slice *items;
    size_t count;
};

#endif
