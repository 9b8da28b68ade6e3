/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, and the check of tokens and keys (key.c makes keys).
 *
 * A secret is found by its SHA-256, through an index. The time of that look-up reveals nothing useful about the secret,
 * which is random and long. */
#include "core/access/access_priv.h"
#include "core/access/key_use.h"
#include "core/event.h"
#include "core/grant.h"
#include "core/store/credential_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

#include <string.h>

#define ENDED_TOKEN_KEPT_MS ((int64_t)7 * 24 * 3600 * 1000)

/* ---- tokens ---- */

struct token_issue {
    const struct token_request *request;
    unsigned char key_hash[SHA256_SIZE], token_hash[SHA256_SIZE];
    int64_t now_ms;
};

/* The user's key, if it is valid. Looks for the key also when the login is unknown, so that both take the same time. */
static err_t token_check_key(struct meta_tx *tx, const struct token_issue *t, struct arena *a,
                             struct credential *ret_key)
{
    const struct token_request *request = t->request;
    struct user user = { 0 };
    struct credential key = { 0 };
    err_t no_user = meta_user_by_login(tx, request->login, a, &user);
    if (no_user && no_user->code != ERR_NOT_FOUND)
        return no_user;
    err_t no_key = meta_credential_by_hash(tx, request->purpose, CREDENTIAL_KEY, t->key_hash, a, &key);
    if (no_key && no_key->code != ERR_NOT_FOUND)
        return no_key;
    if (no_user || no_key || key.user_id != user.id || key.revoked_at_ms)
        return err_make(a, ERR_UNAUTHENTICATED, "login or key is wrong");
    if (user.state != USER_ACTIVE)
        return err_make(a, ERR_BLOCKED, "the user is disabled");
    *ret_key = key;
    return NULL;
}

static err_t apply_token_issue(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct token_issue *t = arg;
    const struct token_request *request = t->request;
    const struct token_policy *policy = request->policy;
    struct credential key = { 0 };
    TRY(token_check_key(tx, t, a, &key));
    TRY(meta_credential_trim_tokens(tx, key.user_id, request->purpose, policy->per_user - 1, t->now_ms, a));
    struct credential token = { .account_id = key.account_id,
                                .user_id = key.user_id,
                                .purpose = request->purpose,
                                .form = CREDENTIAL_TOKEN,
                                .parent_id = key.id,
                                .created_at_ms = t->now_ms,
                                .expires_at_ms = t->now_ms + policy->lifetime_ms };
    memcpy(token.secret_hash, t->token_hash, SHA256_SIZE);
    int64_t id;
    TRY(meta_credential_add(tx, &token, a, &id));
    struct principal who = { .account_id = key.account_id, .user_id = key.user_id, .login = request->login };
    struct event_params event = { .at_ms = t->now_ms,
                                  .who = &who,
                                  .account_id = key.account_id,
                                  .action = S("token.issue"),
                                  .subject = key_subject(a, key.id),
                                  .detail = request->purpose };
    return event_write(tx, &event, a);
}

static err_t check_login(struct core *core, const struct token_issue *t, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct credential unused;
    TRY(meta_read_begin(core->meta, a, &tx));
    return token_check_key(tx, t, a, &unused);
}

err_t token_issue(struct core *core, const struct token_request *request, struct arena *a, slice *ret_token)
{
    slice secret = random_text(core->random, a, SECRET_LENGTH);
    struct token_issue t = { .request = request, .now_ms = core_now_ms(core) };
    hash_sha256(request->key, t.key_hash);
    hash_sha256(secret, t.token_hash);
    if (!login_limit_begin(core->logins, request->login, request->address))
        return err_make(a, ERR_RATE, "too many logins");
    /* Wrong guesses are refused here, on the caller's thread, so that they do not keep the committer busy. */
    err_t e = check_login(core, &t, a);
    if (!err_is(e, ERR_UNAUTHENTICATED))
        login_limit_end(core->logins, request->login, request->address, !e);
    TRY(e);
    TRY(meta_write(core->meta, apply_token_issue, &t, a));
    *ret_token = secret;
    return NULL;
}

struct token_cleanup {
    int64_t before_ms, count;
};

static err_t apply_token_forget(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct token_cleanup *c = arg;
    return meta_credential_forget(tx, c->before_ms, a, &c->count);
}

err_t token_forget_ended(struct core *core, struct arena *a, int64_t *ret_count)
{
    struct token_cleanup c = { .before_ms = core_now_ms(core) - ENDED_TOKEN_KEPT_MS };
    TRY(meta_write(core->meta, apply_token_forget, &c, a));
    *ret_count = c.count;
    return NULL;
}

/* ---- the check ---- */

/* At exactly expires_at_ms it has expired. */
static bool is_past(int64_t expires_at_ms, int64_t now_ms)
{
    return expires_at_ms > 0 && expires_at_ms <= now_ms;
}

err_t access_check_credential(struct meta_tx *tx, const struct credential *c, int64_t now_ms, struct arena *a,
                              struct access_found *ret)
{
    /* A token that was revoked after it had expired is reported as expired. */
    if (c->revoked_at_ms && !is_past(c->expires_at_ms, c->revoked_at_ms))
        return err_make(a, ERR_REVOKED, "the key or token was revoked");
    if (is_past(c->expires_at_ms, now_ms))
        return err_make(a, ERR_EXPIRED, "the token has expired");
    struct user user;
    TRY(meta_user_get(tx, c->user_id, a, &user));
    if (user.state != USER_ACTIVE)
        return err_make(a, user.state == USER_DELETED ? ERR_REVOKED : ERR_BLOCKED, "the user is not active");
    *ret = (struct access_found){ .principal = { .account_id = user.account_id,
                                                 .user_id = user.id,
                                                 .login = user.login,
                                                 .is_admin = user.is_admin,
                                                 .is_system = user.kind == USER_SYSTEM,
                                                 .credential_id = c->id,
                                                 .role = c->role,
                                                 .expires_at_ms = c->expires_at_ms,
                                                 .workspace_id = c->workspace_id,
                                                 .section_id = c->section_id,
                                                 .request_id = S("") },
                                  .created_at_ms = c->created_at_ms,
                                  .expires_at_ms = c->expires_at_ms,
                                  .key_id = user.kind == USER_SYSTEM      ? 0
                                            : c->form == CREDENTIAL_TOKEN ? c->parent_id
                                                                          : c->id };
    return NULL;
}

static err_t read_valid_credential(struct core *core, const struct access_query *q, int64_t now_ms, struct arena *a,
                                   struct access_found *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    struct credential c;
    err_t e = meta_credential_by_hash(tx, q->purpose, q->form, q->hash, a, &c);
    if (err_is(e, ERR_NOT_FOUND))
        return err_make(a, ERR_UNAUTHENTICATED, "unknown key or token");
    TRY(e);
    struct access_found found;
    TRY(access_check_credential(tx, &c, now_ms, a, &found));
    if (q->access_key.n) {
        slice access_key;
        TRY(signing_open(core, tx, c.id, a, &access_key, &found.secret));
        if (!slice_eq(access_key, q->access_key))
            return err_make(a, ERR_CORRUPT, "key %lld holds another access key", (long long)c.id);
    }
    *ret = found;
    return NULL;
}

err_t access_find(struct core *core, const struct access_query *q, struct arena *a, struct access_found *ret)
{
    int64_t now_ms = core_now_ms(core);
    uint64_t generation = meta_generation(core->meta); /* before the rows are read */
    if (access_cache_find(core->access, q, generation, a, ret)) {
        if (is_past(ret->expires_at_ms, now_ms))
            return err_make(a, ERR_EXPIRED, "the token has expired");
        key_use_note(core, ret->key_id, now_ms);
        return NULL;
    }
    TRY(read_valid_credential(core, q, now_ms, a, ret));
    key_use_note(core, ret->key_id, now_ms);
    ret->principal.generation = generation;
    access_cache_put(core->access, q, generation, ret);
    return NULL;
}

err_t access_check(struct core *core, slice purpose, enum credential_form form, slice secret, struct arena *a,
                   struct principal *ret)
{
    struct access_query q = { .purpose = purpose, .form = form };
    struct access_found found = { 0 };
    hash_sha256(secret, q.hash);
    TRY(access_find(core, &q, a, &found));
    *ret = found.principal;
    return NULL;
}

err_t access_check_pair(struct core *core, slice purpose, const struct key_and_token *pair, struct arena *a,
                        struct principal *ret, int64_t *ret_key_id)
{
    struct principal account, user;
    TRY(access_check(core, purpose, CREDENTIAL_KEY, pair->key, a, &account));
    TRY(access_check(core, purpose, CREDENTIAL_TOKEN, pair->token, a, &user));
    if (account.account_id != user.account_id)
        return err_make(a, ERR_UNAUTHENTICATED, "key and token belong to different accounts");
    *ret = user;
    *ret_key_id = account.credential_id;
    return NULL;
}

err_t access_signing(struct core *core, slice purpose, slice access_key, struct arena *a, struct principal *ret,
                     slice *ret_secret)
{
    struct access_query q = { .purpose = purpose, .form = CREDENTIAL_KEY, .access_key = access_key };
    struct access_found found = { 0 };
    if (!access_key.n)
        return err_make(a, ERR_UNAUTHENTICATED, "no access key");
    signing_hash(access_key, q.hash);
    TRY(access_find(core, &q, a, &found));
    *ret = found.principal;
    *ret_secret = found.secret;
    return NULL;
}

/* A role includes what has its bit in its row. */
#define ROLE(name) (1u << (name))

bool key_may(const struct principal *who, enum key_role needed)
{
    static const unsigned includes[] = {
        [KEY_ADMIN] = ROLE(KEY_ADMIN) | ROLE(KEY_WRITER) | ROLE(KEY_READER),
        [KEY_WRITER] = ROLE(KEY_WRITER) | ROLE(KEY_READER),
        [KEY_READER] = ROLE(KEY_READER),
        [KEY_NO_ROLE] = 0,
    };
    return (size_t)who->role < LENGTH_OF(includes) && (includes[who->role] & ROLE(needed)) != 0;
}

const char *key_role_name(enum key_role role)
{
    static const char *const names[] = { [KEY_ADMIN] = "admin", [KEY_WRITER] = "writer", [KEY_READER] = "reader" };
    return (size_t)role < LENGTH_OF(names) ? names[role] : "unknown";
}

/* ---- links of the server ---- */

err_t access_act_for(struct core *core, int64_t user_id, int64_t credential_id, struct arena *a, struct principal *who)
{
    if (!who->is_system)
        return NULL;
    const struct grant named = { .user_id = user_id, .link_credential_id = credential_id };
    TRY(grant_check(core, &named, a));
    who->on_behalf_of = user_id;
    who->link_credential_id = credential_id;
    return NULL;
}
