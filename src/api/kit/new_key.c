/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/new_key.h"

#include "base/public_key.h"

static err_t make_application(struct core *core, const struct principal *who, const struct new_key_request *r,
                              struct arena *a, struct new_key *ret)
{
    const struct application_request request = { r->key.login, r->key.purpose, r->callbacks, r->key.account_id };
    struct minted_application minted;
    TRY(application_add(core, who, &request, a, &minted));
    *ret = (struct new_key){ minted.id, { minted.token, minted.client_id, minted.client_secret, minted.pin } };
    return NULL;
}

/* Nothing is made: the owner of the key has its other half. */
static err_t add_public_key(struct core *core, const struct principal *who, const struct new_key_request *r,
                            struct arena *a, struct new_key *ret)
{
    struct public_key key;
    TRY(public_key_read_file(r->public_key, a, &key));
    TRY(key_add_public(core, who, &r->key, key.fingerprint, a, &ret->id));
    ret->parts[0] = key.fingerprint;
    return NULL;
}

err_t new_key_make(struct core *core, const struct principal *who, const struct new_key_request *r, struct arena *a,
                   struct new_key *ret)
{
    enum api_key_form form = r->api->key_form;
    struct minted_key minted;
    if (form == API_KEYS_APPLICATION)
        return make_application(core, who, r, a, ret);
    if (form == API_KEYS_PUBLIC)
        return add_public_key(core, who, r, a, ret);
    if (form == API_KEYS_PAIR)
        TRY(key_mint_pair(core, who, &r->key, a, &minted));
    else if (form == API_KEYS_SIGNING)
        TRY(key_mint_signing(core, who, &r->key, a, &minted));
    else
        TRY(key_mint(core, who, &r->key, a, &minted));
    *ret = (struct new_key){ minted.id, { minted.key, form == API_KEYS_PAIR ? minted.token : minted.secret } };
    return NULL;
}
