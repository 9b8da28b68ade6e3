/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/key_purpose.h"

#include "api/apis.h"

/* The roles are those of the API for sync files, whose other way in this is. */
static const struct api_module sftp = {
    .name = "sftp",
    .key_form = API_KEYS_PUBLIC,
    .key_names = { "fingerprint" },
    .key_has_login = true,
    .key_roles =
        (const struct api_key_role[]){
            { "viewer", KEY_READER }, { "uploader", KEY_WRITER }, { "admin", KEY_ADMIN }, { 0 } },
    .key_has_workspace = true,
};

const struct api_module *key_purpose_nth(size_t n)
{
    for (size_t i = 0; i < API_COUNT; i++)
        if (api_modules[i]->key_form != API_KEYS_NONE && n-- == 0)
            return api_modules[i];
    return n == 0 ? &sftp : NULL;
}

const struct api_module *key_purpose_find(slice name)
{
    const struct api_module *purpose;
    for (size_t i = 0; (purpose = key_purpose_nth(i)); i++)
        if (slice_eq(slice_of(purpose->name), name))
            return purpose;
    return NULL;
}
