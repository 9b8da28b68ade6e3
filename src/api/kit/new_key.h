/* SPDX-License-Identifier: Apache-2.0 */
/* A key for an API, of the form that the API asks for. */
#ifndef CAIS_API_KIT_NEW_KEY_H
#define CAIS_API_KIT_NEW_KEY_H

#include "api/kit/module.h"
#include "core/access/access.h"
#include "core/access/application.h"

struct new_key_request {
    const struct api_module *api; /* whose purpose key.purpose is */
    struct key_request key;
    struct callback_list callbacks; /* API_KEYS_APPLICATION */
    slice public_key;               /* API_KEYS_PUBLIC: the text of its file */
};
struct new_key {
    int64_t id;
    slice parts[API_KEY_NAMES]; /* as api->key_names calls them; in the arena, and never shown again */
};
/* Make the key, or add the public one. Errors: those of key_mint, key_mint_pair, key_mint_signing, key_add_public, application_add;
 * INVALID the text is no public key that is accepted. */
MUST_USE err_t new_key_make(struct core *, const struct principal *who, const struct new_key_request *, struct arena *a,
                            struct new_key *ret);

#endif
