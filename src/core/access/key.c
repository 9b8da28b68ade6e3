/* SPDX-License-Identifier: Apache-2.0 */
/* Keys are made, shown once, and revoked.
 *
 * A signing key is stored twice: a hash of its access key, by which it is found, and both of its halves, sealed under
 * the master key. The secret half is needed to check a signature, and the access key to say which key the server itself
 * signs with. */
#include "base/live.h"
#include "core/access/access_priv.h"
#include "core/access/key_use.h"
#include "core/event.h"
#include "core/grant.h"
#include "core/reasons.h"
#include "core/store/application_store.h"
#include "core/store/credential_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"
#include "core/store/workspace_store.h"

#include <string.h>

enum { ACCOUNT_KEY_LENGTH = 32, USER_TOKEN_LENGTH = 20 };
#define ACCESS_KEY_HEAD S("CAIS")
enum { ACCESS_KEY_REST = 16 }; /* 36^16: 82 bits. With the head 20, the length that clients expect */

slice key_subject(struct arena *a, int64_t id)
{
    return arena_printf(a, "key:%lld", (long long)id);
}

/* ---- making ---- */

struct key_change {
    struct core *core;
    const struct principal *who;
    int64_t now_ms;
    const struct key_request *request;
    slice public_key;
    int64_t of_account;       /* of key_revoke: the account that the key must belong to; 0: any */
    struct minted_key minted; /* its members are empty where this kind of key has none; its id also for key_revoke */
};

static err_t add_token(struct meta_tx *tx, const struct key_change *c, const struct credential *key, struct arena *a)
{
    struct credential token = *key;
    token.form = CREDENTIAL_TOKEN;
    token.parent_id = c->minted.id;
    hash_sha256(c->minted.token, token.secret_hash);
    int64_t id;
    return meta_credential_add(tx, &token, a, &id);
}

static err_t add_sealed_halves(struct meta_tx *tx, const struct key_change *c, struct arena *a)
{
    slice parts[] = { c->minted.key, c->minted.secret };
    slice both = arena_join(a, parts, LENGTH_OF(parts));
    slice sealed = seal_close(c->core->seal, key_subject(a, c->minted.id), both, a);
    return meta_secret_put(tx, c->minted.id, sealed, a);
}

/* The operator is exempt: the server makes the keys with which it signs by itself, and must not fail to. */
static err_t check_key_count(struct meta_tx *tx, const struct key_addition *k, const struct user *user, struct arena *a)
{
    int64_t count, max = LIVE(k->core->options.user_max_keys);
    if (!max || user->kind == USER_SYSTEM)
        return NULL;
    TRY(meta_credential_count_keys(tx, user->id, a, &count));
    if (count < max)
        return NULL;
    return err_make(a, ERR_QUOTA,
                    "the user has %lld keys, which is the most that accounts.max_keys allows: revoke one that is not "
                    "used (key list, key revoke), or raise the limit",
                    (long long)count);
}

/* Where the key works. */
static err_t find_workspace(struct meta_tx *tx, const struct key_request *request, struct arena *a,
                            struct credential *key)
{
    struct workspace workspace;
    struct section section;
    if (!request->workspace.n)
        return NULL;
    err_t e = meta_workspace_by_name(tx, key->account_id, request->workspace, a, &workspace);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_SYNC_NO_WORKSPACE);
    TRY(e);
    e = meta_section_by_name(tx, workspace.id, request->section, a, &section);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_SYNC_NO_SECTION);
    TRY(e);
    key->workspace_id = workspace.id;
    key->section_id = section.id;
    return NULL;
}

static slice describe_key(const struct credential *key, slice login, struct arena *a)
{
    return arena_printf(a, SLICE_FMT " for " SLICE_FMT "%s%s%s" SLICE_FMT, SLICE_ARG(key->purpose), SLICE_ARG(login),
                        key->role ? " as " : "", key->role ? key_role_name(key->role) : "",
                        key->public_key.n ? " with " : "", SLICE_ARG(key->public_key));
}

/* One user logs in with a public key into one place. */
static err_t check_public_key(struct meta_tx *tx, const struct key_addition *k, int64_t user_id, struct arena *a)
{
    struct credential there;
    if (!k->public_key.n)
        return NULL;
    TRY(meta_user_hold(tx, user_id, a));
    err_t e = meta_credential_by_public_key(tx, user_id, k->request->purpose, k->public_key, a, &there);
    if (err_is(e, ERR_NOT_FOUND) || (!e && there.revoked_at_ms))
        return NULL;
    TRY(e);
    return err_make(a, ERR_CONFLICT,
                    "the user has this public key already, as key %lld: revoke that one first, or make another pair of"
                    " keys",
                    (long long)there.id);
}

err_t key_add(struct meta_tx *tx, const struct key_addition *k, struct arena *a, struct credential *ret)
{
    slice login = k->request->login, purpose = k->request->purpose;
    struct user user;
    TRY(grant_recheck_maker_in(k->core, tx, k->who, a));
    TRY(meta_user_by_login(tx, login, a, &user));
    if (k->request->account_id && (user.account_id != k->request->account_id || user.kind == USER_SYSTEM))
        return err_make(a, ERR_NOT_FOUND, "no such user");
    if (user.state != USER_ACTIVE)
        return err_make(a, ERR_CONFLICT, "the user is disabled"); /* BLOCKED is who asks */
    TRY(check_key_count(tx, k, &user, a));
    TRY(check_public_key(tx, k, user.id, a));
    struct credential key = { .account_id = user.account_id,
                              .user_id = user.id,
                              .purpose = purpose,
                              .form = CREDENTIAL_KEY,
                              .role = k->request->role,
                              .public_key = k->public_key,
                              .creator_id = k->who ? k->who->user_id : 0,
                              .created_at_ms = k->now_ms,
                              .expires_at_ms = k->request->expires_at_ms };
    if (key.expires_at_ms && key.expires_at_ms <= k->now_ms)
        return err_make(a, ERR_INVALID, "the key would have expired already");
    TRY(find_workspace(tx, k->request, a, &key));
    memcpy(key.secret_hash, k->secret_hash, SHA256_SIZE);
    TRY(meta_credential_add(tx, &key, a, &key.id));
    struct event_params event = { .at_ms = k->now_ms,
                                  .who = k->who,
                                  .account_id = user.account_id,
                                  .action = S("key.mint"),
                                  .subject = key_subject(a, key.id),
                                  .detail = describe_key(&key, login, a) };
    TRY(event_write(tx, &event, a));
    *ret = key;
    return NULL;
}

static err_t apply_key_mint(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct key_change *c = arg;
    struct key_addition addition = { .core = c->core, .who = c->who, .request = c->request, .now_ms = c->now_ms };
    struct credential key;
    addition.public_key = c->public_key;
    if (c->minted.secret.n)
        signing_hash(c->minted.key, addition.secret_hash);
    else
        hash_sha256(c->minted.key, addition.secret_hash);
    TRY(key_add(tx, &addition, a, &key));
    c->minted.id = key.id;
    if (c->minted.token.n)
        TRY(add_token(tx, c, &key, a));
    return c->minted.secret.n ? add_sealed_halves(tx, c, a) : NULL;
}

/* Record the key that *minted describes, and set its id. */
static err_t record_key(struct core *core, const struct principal *who, const struct key_request *request,
                        struct arena *a, struct minted_key *minted)
{
    struct key_change c = {
        .core = core, .who = who, .now_ms = core_now_ms(core), .request = request, .minted = *minted
    };
    TRY(meta_write(core->meta, apply_key_mint, &c, a));
    minted->id = c.minted.id;
    return NULL;
}

err_t key_mint(struct core *core, const struct principal *who, const struct key_request *request, struct arena *a,
               struct minted_key *ret)
{
    struct minted_key minted = { .key = random_text(core->random, a, SECRET_LENGTH) };
    TRY(record_key(core, who, request, a, &minted));
    *ret = minted;
    return NULL;
}

err_t key_mint_pair(struct core *core, const struct principal *who, const struct key_request *request, struct arena *a,
                    struct minted_key *ret)
{
    struct minted_key minted = { .key = random_hex(core->random, a, ACCOUNT_KEY_LENGTH) };
    minted.token = random_text(core->random, a, USER_TOKEN_LENGTH);
    TRY(record_key(core, who, request, a, &minted));
    *ret = minted;
    return NULL;
}

err_t key_mint_signing(struct core *core, const struct principal *who, const struct key_request *request,
                       struct arena *a, struct minted_key *ret)
{
    if (!core->seal)
        return err_make(a, ERR_UNSUPPORTED, "there is no master key to keep a signing key under");
    slice rest = random_of(core->random, S("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), a, ACCESS_KEY_REST);
    slice parts[] = { ACCESS_KEY_HEAD, rest };
    struct minted_key minted = { .key = arena_join(a, parts, LENGTH_OF(parts)) };
    minted.secret = random_text(core->random, a, SIGNING_SECRET_LENGTH);
    TRY(record_key(core, who, request, a, &minted));
    *ret = minted;
    return NULL;
}

err_t key_add_public(struct core *core, const struct principal *who, const struct key_request *request,
                     slice fingerprint, struct arena *a, int64_t *ret_id)
{
    struct key_change c = {
        .core = core, .who = who, .now_ms = core_now_ms(core), .request = request, .public_key = fingerprint
    };
    c.minted.key = random_text(core->random, a, SECRET_LENGTH); /* which nobody ever knows */
    TRY(meta_write(core->meta, apply_key_mint, &c, a));
    *ret_id = c.minted.id;
    return NULL;
}

/* ---- revoking ---- */

static err_t apply_key_revoke(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct key_change *c = arg;
    struct credential key;
    TRY(meta_credential_get(tx, c->minted.id, a, &key));
    struct user owner = { 0 };
    if (c->of_account) {
        TRY(grant_recheck_maker_in(c->core, tx, c->who, a));
        TRY(meta_user_get(tx, key.user_id, a, &owner));
    }
    if (key.form != CREDENTIAL_KEY || (c->of_account && (key.account_id != c->of_account || owner.kind == USER_SYSTEM)))
        return err_make(a, ERR_NOT_FOUND, "there is no key with that id");
    TRY(meta_credential_revoke(tx, key.id, c->now_ms, a));
    struct event_params event = { .at_ms = c->now_ms,
                                  .who = c->who,
                                  .account_id = key.account_id,
                                  .action = S("key.revoke"),
                                  .subject = key_subject(a, key.id) };
    return event_write(tx, &event, a);
}

err_t key_revoke(struct core *core, const struct principal *who, int64_t id, struct arena *a)
{
    struct key_change c = { .who = who, .now_ms = core_now_ms(core), .minted = { .id = id } };
    return meta_write(core->meta, apply_key_revoke, &c, a);
}

err_t key_revoke_of(struct core *core, const struct principal *who, int64_t id, struct arena *a)
{
    struct key_change c = {
        .core = core, .who = who, .now_ms = core_now_ms(core), .minted = { .id = id }, .of_account = who->account_id
    };
    return meta_write(core->meta, apply_key_revoke, &c, a);
}

/* ---- signing keys ---- */

/* This is not the plain hash of the access key. An access key is public, so it must not be accepted where a secret key
 * is looked up by its hash. */
void signing_hash(slice access_key, unsigned char ret_hash[SHA256_SIZE])
{
    hash_hmac_sha256(S("access key"), access_key, ret_hash);
}

err_t signing_open(struct core *core, struct meta_tx *tx, int64_t credential_id, struct arena *a, slice *ret_access_key,
                   slice *ret_secret)
{
    slice sealed, both;
    if (!core->seal)
        return err_make(a, ERR_CORRUPT, "there is no master key to open the signing key with");
    TRY(meta_secret_get(tx, credential_id, a, &sealed));
    err_t e = seal_open(core->seal, key_subject(a, credential_id), sealed, a, &both);
    if (e || both.n <= SIGNING_SECRET_LENGTH)
        return err_because(a, e, ERR_CORRUPT, "signing key %lld cannot be opened with this master key",
                           (long long)credential_id);
    *ret_access_key = slice_part(both, 0, both.n - SIGNING_SECRET_LENGTH);
    *ret_secret = slice_from(both, both.n - SIGNING_SECRET_LENGTH);
    return NULL;
}

static err_t read_workspace_names(struct meta_tx *tx, const struct credential *key, struct arena *a,
                                  struct key_info *ret)
{
    struct workspace workspace;
    struct section section;
    err_t e = meta_workspace_get(tx, key->workspace_id, a, &workspace);
    if (!e)
        e = meta_section_get(tx, key->section_id, a, &section);
    if (err_is(e, ERR_NOT_FOUND)) /* they were removed, and the key was revoked with them */
        return NULL;
    TRY(e);
    ret->workspace = workspace.name;
    ret->section = section.name;
    return NULL;
}

static err_t read_key_info(struct core *core, struct meta_tx *tx, const struct credential *key, struct arena *a,
                           struct key_info *ret)
{
    int64_t noted_ms = key_use_noted(core, key->id);
    *ret = (struct key_info){ .key = *key };
    if (noted_ms > key->used_at_ms)
        ret->key.used_at_ms = noted_ms;
    struct user owner;
    err_t e = meta_user_get(tx, key->user_id, a, &owner);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    if (!e)
        ret->login = owner.login;
    e = key->creator_id ? meta_user_get(tx, key->creator_id, a, &owner) : NULL;
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    if (!e && key->creator_id)
        ret->creator = owner.login;
    slice access_key, secret;
    if (!signing_open(core, tx, key->id, a, &access_key, &secret))
        ret->access_key = access_key;
    e = meta_application_client_id(tx, key->id, a, &ret->client_id);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    return key->workspace_id ? read_workspace_names(tx, key, a, ret) : NULL;
}

err_t key_list(struct core *core, slice login, const struct id_page *page, struct arena *a, struct key_info_list *ret)
{
    struct user user = { 0 };
    struct credential_list keys;
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    if (login.n)
        TRY(meta_user_by_login(tx, login, a, &user));
    TRY(meta_credential_page(tx, user.id, CREDENTIAL_KEY, page, a, &keys));
    struct key_info *items = arena_array(a, struct key_info, keys.count);
    for (size_t i = 0; i < keys.count; i++)
        TRY(read_key_info(core, tx, &keys.items[i], a, &items[i]));
    *ret = (struct key_info_list){ items, keys.count };
    return NULL;
}

err_t key_list_of(struct core *core, const struct account_keys *of, const struct id_page *page, struct arena *a,
                  struct key_info_list *ret)
{
    struct credential_list keys;
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_credential_keys(tx, of->account_id, of->with_revoked, page, a, &keys));
    struct key_info *items = arena_array(a, struct key_info, keys.count);
    for (size_t i = 0; i < keys.count; i++)
        TRY(read_key_info(core, tx, &keys.items[i], a, &items[i]));
    *ret = (struct key_info_list){ items, keys.count };
    return NULL;
}

enum { SECRETS_PAGE = 500 };

/* The server replaces a key of its own when it needs it (access_own_signing), so such a key is no loss. One that was removed
 * meanwhile is none either. */
static err_t is_loss(struct meta_tx *tx, int64_t credential_id, struct arena *a, bool *ret)
{
    struct credential key;
    struct user user;
    err_t e = meta_credential_get(tx, credential_id, a, &key);
    if (!e)
        e = meta_user_get(tx, key.user_id, a, &user);
    *ret = !e && user.kind != USER_SYSTEM;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

err_t key_each_lost(struct core *core, size_t max, struct arena *a, void (*on_lost)(void *arg, int64_t id, err_t why),
                    void *arg)
{
    size_t looked_at = 0, count = SECRETS_PAGE;
    int64_t before_id = 0;
    while (count == SECRETS_PAGE && (!max || looked_at < max)) {
        SCRATCH(scratch);
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        struct secret_list secrets = { 0 };
        err_t e = meta_read_begin(core->meta, &scratch, &tx);
        if (!e)
            e = meta_secret_list(tx, before_id, max && max < SECRETS_PAGE ? max : SECRETS_PAGE, &scratch, &secrets);
        count = secrets.count;
        for (size_t i = 0; i < count && !e; i++, looked_at++) {
            slice key, secret;
            before_id = secrets.items[i].credential_id;
            err_t why = signing_open(core, tx, before_id, &scratch, &key, &secret);
            bool is_lost = false;
            if (err_is(why, ERR_CORRUPT))
                e = is_loss(tx, before_id, &scratch, &is_lost);
            if (is_lost)
                on_lost(arg, before_id, why);
            else if (err_is(why, ERR_CORRUPT))
                continue;
            else if (why && why->code != ERR_NOT_FOUND)
                e = why;
        }
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

static void count_lost_key(void *arg, int64_t id, err_t why)
{
    (void)id, (void)why;
    ++*(int64_t *)arg;
}

err_t key_count_lost(struct core *core, size_t max, struct arena *a, int64_t *ret)
{
    int64_t count = 0;
    TRY(key_each_lost(core, max, a, count_lost_key, &count));
    *ret = count;
    return NULL;
}

static err_t open_newest_signing(struct core *core, const struct principal *operator_, slice purpose, struct arena *a,
                                 slice *ret_access_key, slice *ret_secret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct credential key;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_credential_newest(tx, operator_->user_id, purpose, a, &key));
    return signing_open(core, tx, key.id, a, ret_access_key, ret_secret);
}

err_t access_own_signing(struct core *core, slice purpose, struct arena *a, slice *ret_access_key, slice *ret_secret)
{
    struct principal operator_;
    TRY(access_operator(core, S(""), a, &operator_));
    err_t e = open_newest_signing(core, &operator_, purpose, a, ret_access_key, ret_secret);
    /* A signing key of another master key is useless: what was signed with it cannot be checked any more either. */
    if (!err_is(e, ERR_NOT_FOUND) && !err_is(e, ERR_CORRUPT))
        return e;
    struct minted_key minted;
    struct key_request request = { .login = operator_.login, .purpose = purpose };
    TRY(key_mint_signing(core, &operator_, &request, a, &minted));
    *ret_access_key = minted.key;
    *ret_secret = minted.secret;
    return NULL;
}
