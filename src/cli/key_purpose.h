/* SPDX-License-Identifier: Apache-2.0 */
/* What keys are made for: the APIs, and what is no API and has keys all the same. */
#ifndef CAIS_CLI_KEY_PURPOSE_H
#define CAIS_CLI_KEY_PURPOSE_H

#include "api/kit/module.h"

/* Of what is no API, only the members that are about keys are set. NULL: there is no such purpose, or it has no keys. */
const struct api_module *key_purpose_find(slice name);
/* Number n, counted from 0; NULL past the last one. */
const struct api_module *key_purpose_nth(size_t n);

#endif
