/* SPDX-License-Identifier: Apache-2.0 */
/* The roles of keys as people name them, in commands and on pages, which is as the API does. */
#ifndef CAIS_API_KIT_KEY_ROLE_H
#define CAIS_API_KIT_KEY_ROLE_H

#include "api/kit/module.h"
#include "base/arena.h"

/* text: NULL is none, which is KEY_ADMIN. False: keys of the API have no such role. */
bool key_role_parse(const struct api_module *, const char *text, enum key_role *ret);
/* "first, second, …", in the order of the API; empty when its keys have no roles. */
const char *key_role_list(const struct api_module *, struct arena *a);
/* What the API calls the role. With none (NULL), or one that has no name for it: key_role_name. Static. */
const char *key_role_text(const struct api_module *, enum key_role);

#endif
