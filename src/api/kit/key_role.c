/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/key_role.h"

#include "core/access/access.h"

#include <string.h>

static const struct api_key_role *roles_of(const struct api_module *api)
{
    static const struct api_key_role none[] = { { 0 } };
    return api && api->key_roles ? api->key_roles : none;
}

bool key_role_parse(const struct api_module *api, const char *text, enum key_role *ret)
{
    if (!text)
        *ret = KEY_ADMIN;
    for (const struct api_key_role *r = roles_of(api); text && r->name; r++)
        if (strcmp(text, r->name) == 0) {
            *ret = r->role;
            return true;
        }
    return !text;
}

const char *key_role_list(const struct api_module *api, struct arena *a)
{
    slice list = S("");
    for (const struct api_key_role *r = roles_of(api); r->name; r++)
        list = arena_printf(a, SLICE_FMT "%s%s", SLICE_ARG(list), list.n ? ", " : "", r->name);
    return arena_cstr(a, list);
}

const char *key_role_text(const struct api_module *api, enum key_role role)
{
    for (const struct api_key_role *r = roles_of(api); r->name; r++)
        if (r->role == role)
            return r->name;
    return key_role_name(role);
}
