/* SPDX-License-Identifier: Apache-2.0 */
/* A value of the configuration that is a list. */
#ifndef CAIS_CLI_CONFIG_VALUE_H
#define CAIS_CLI_CONFIG_VALUE_H

#include "base/slice.h"

struct config_list {
    slice *items;
    size_t count;
};

#endif
