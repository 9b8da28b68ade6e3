/* SPDX-License-Identifier: Apache-2.0 */
/* Every token of an application is added by one write, apply_application_token. What it relies on is checked before, on the caller's
 * thread, so that wrong guesses do not keep the committer busy, and once more in the write.
 *
 * A token is made from the code that it was exchanged for, or else from the key of the application, so that the end of either ends the
 * token. Tokens that are displaced leave no record: a program that exchanges its PIN at each start adds no rows. */
#include "core/access/application_priv.h"
#include "core/event.h"
#include "core/grant.h"
#include "core/records/record_ids.h"
#include "core/store/credential_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

#include <string.h>

struct token_change {
    struct core *core;
    const struct application_token_request *request;
    const struct principal *who; /* of token_for_user; else NULL */
    const struct code_proof *proof;
    unsigned char code_hash[SHA256_SIZE], token_hash[SHA256_SIZE]; /* code_hash: only with a proof */
    int64_t user_id;                                               /* without a proof */
    slice password_hash;                                           /* that was checked; empty: none was */
    int64_t now_ms;
    bool is_replay; /* the code was used before: there is no token, and those that it was exchanged for have ended */
};

/* ---- codes ---- */

struct used_code {
    struct credential credential;
    struct code code;
    bool is_replay;
};

/* A code that was used is reported first, whatever else is wrong with it: it is known to somebody who should not know it. */
static err_t check_code(struct meta_tx *tx, const struct token_change *c, struct arena *a, struct used_code *ret)
{
    struct used_code u = { 0 };
    TRY(code_find(tx, c->request->application, c->code_hash, a, &u.credential, &u.code));
    if (u.credential.revoked_at_ms)
        return err_make(a, ERR_UNAUTHENTICATED, "the code was revoked");
    u.is_replay = !u.code.is_reusable && u.code.used_at_ms;
    bool has_expired = u.credential.expires_at_ms > 0 && u.credential.expires_at_ms <= c->now_ms;
    if (!u.is_replay && has_expired)
        return err_make(a, ERR_UNAUTHENTICATED, "the code has expired");
    if (!u.is_replay && !slice_eq(u.code.redirect, c->proof->redirect))
        return err_make(a, ERR_UNAUTHENTICATED, "the code is for another redirect");
    if (!u.is_replay && !code_verifier_fits(&u.code, c->proof->verifier, a))
        return err_make(a, ERR_UNAUTHENTICATED, "the verifier does not fit the challenge");
    *ret = u;
    return NULL;
}

static err_t write_token_event(struct meta_tx *tx, const struct token_change *c, const struct user *user, slice action,
                               struct arena *a)
{
    const struct application *app = c->request->application;
    struct principal who = {
        .account_id = user->account_id, .user_id = user->id, .login = user->login, .request_id = c->request->request_id
    };
    struct event_params event = { .at_ms = c->now_ms,
                                  .who = &who,
                                  .account_id = app->account_id,
                                  .action = action,
                                  .subject = key_subject(a, app->key_id),
                                  .detail = app->purpose };
    return event_write(tx, &event, a);
}

/* A code that is used twice takes its tokens with it. That is no error of the write, which would undo it. */
static err_t use_code(struct meta_tx *tx, struct token_change *c, const struct user *user, struct used_code *u,
                      struct arena *a)
{
    bool is_first = !u->is_replay;
    if (u->code.is_reusable)
        return NULL;
    if (is_first)
        TRY(meta_code_use(tx, u->code.credential_id, c->now_ms, a, &is_first));
    c->is_replay = !is_first;
    if (is_first)
        return NULL;
    TRY(meta_credential_revoke(tx, u->code.credential_id, c->now_ms, a));
    return write_token_event(tx, c, user, S("code.replay"), a);
}

/* ---- the write ---- */

static err_t remove_surplus_tokens(struct meta_tx *tx, const struct token_change *c, int64_t user_id, struct arena *a)
{
    const struct application *app = c->request->application;
    struct surplus_query q = { .user_id = user_id,
                               .key_id = app->key_id,
                               .purpose = app->purpose,
                               .spared_id = app->token_id,
                               .keep = c->request->policy->per_user - 1,
                               .now_ms = c->now_ms };
    struct record_ids ids;
    TRY(meta_application_surplus(tx, &q, a, &ids));
    for (size_t i = 0; i < ids.count; i++)
        TRY(meta_credential_remove_token(tx, ids.items[i], a));
    return NULL;
}

static err_t check_holder(struct meta_tx *tx, const struct token_change *c, int64_t user_id, struct arena *a,
                          struct user *ret)
{
    struct user user;
    slice hash = S("");
    TRY(meta_user_get(tx, user_id, a, &user));
    if (c->password_hash.n)
        TRY(meta_user_password(tx, user_id, a, &hash));
    if (user.state != USER_ACTIVE || user.account_id != c->request->application->account_id ||
        !slice_eq_secret(hash, c->password_hash))
        return err_make(a, ERR_UNAUTHENTICATED, "the user has ended, has a new password, or is of another account");
    *ret = user;
    return NULL;
}

static err_t add_application_token(struct meta_tx *tx, const struct token_change *c, const struct user *user,
                                   int64_t parent_id, struct arena *a)
{
    const struct token_policy *policy = c->request->policy;
    TRY(remove_surplus_tokens(tx, c, user->id, a));
    struct credential token = { .account_id = user->account_id,
                                .user_id = user->id,
                                .purpose = c->request->application->purpose,
                                .form = CREDENTIAL_TOKEN,
                                .parent_id = parent_id,
                                .created_at_ms = c->now_ms,
                                .expires_at_ms = policy->lifetime_ms ? c->now_ms + policy->lifetime_ms : 0 };
    int64_t unused;
    memcpy(token.secret_hash, c->token_hash, SHA256_SIZE);
    TRY(meta_credential_add(tx, &token, a, &unused));
    return write_token_event(tx, c, user, S("token.issue"), a);
}

static err_t find_again(struct meta_tx *tx, const struct application *app, struct arena *a)
{
    struct application now;
    err_t e = application_find_in(tx, app->purpose, app->client_id, a, &now);
    return err_is(e, ERR_NOT_FOUND) ? err_make(a, ERR_UNAUTHENTICATED, "the application has ended") : e;
}

static err_t apply_application_token(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct token_change *c = arg;
    const struct application *app = c->request->application;
    struct used_code used = { 0 };
    struct user user = { 0 };
    c->is_replay = false;
    if (c->who) {
        struct grant grant = grant_of(c->who);
        TRY(grant_recheck_in(c->core, tx, &grant, a));
    }
    TRY(find_again(tx, app, a));
    if (c->proof)
        TRY(check_code(tx, c, a, &used));
    TRY(check_holder(tx, c, c->proof ? used.credential.user_id : c->user_id, a, &user));
    if (c->proof)
        TRY(use_code(tx, c, &user, &used, a));
    return c->is_replay ? NULL
                        : add_application_token(tx, c, &user, c->proof ? used.code.credential_id : app->key_id, a);
}

/* Each token is a write, so they count like logins that succeed. */
static err_t count_token(struct core *core, const struct application *app, int64_t user_id, struct arena *a)
{
    slice name = arena_printf(a, "tokens of user %lld for application " SLICE_FMT, (long long)user_id,
                              SLICE_ARG(app->client_id));
    if (!login_limit_begin(core->logins, name, S("")))
        return err_make(a, ERR_RATE, "too many tokens");
    login_limit_end(core->logins, name, S(""), true);
    return NULL;
}

static err_t issue(struct token_change *c, struct arena *a, slice *ret_token)
{
    slice secret = random_text(c->core->random, a, APPLICATION_SECRET_LENGTH);
    hash_sha256(secret, c->token_hash);
    TRY(count_token(c->core, c->request->application, c->user_id, a));
    TRY(meta_write(c->core->meta, apply_application_token, c, a));
    if (c->is_replay)
        return err_make(a, ERR_UNAUTHENTICATED, "the code was used before: its tokens have been revoked");
    *ret_token = secret;
    return NULL;
}

/* ---- the ways to a token ---- */

static err_t look_at_code(struct token_change *c, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct used_code used;
    TRY(meta_read_begin(c->core->meta, a, &tx));
    TRY(check_code(tx, c, a, &used));
    c->user_id = used.credential.user_id;
    return NULL;
}

err_t token_for_code(struct core *core, const struct application_token_request *request, const struct code_proof *proof,
                     struct arena *a, slice *ret_token)
{
    struct token_change c = { .core = core, .request = request, .proof = proof, .now_ms = core_now_ms(core) };
    slice name = application_guess_name(request->application, "code", request->address, a);
    hash_sha256(proof->code, c.code_hash);
    if (!login_limit_begin(core->logins, name, request->address))
        return err_make(a, ERR_RATE, "too many guesses at the codes of an application");
    err_t e = look_at_code(&c, a);
    if (!err_is(e, ERR_UNAUTHENTICATED))
        login_limit_end(core->logins, name, request->address, false);
    TRY(e);
    return issue(&c, a, ret_token);
}

/* The login of the user of that login or e-mail address; else the text itself, which then is refused like any other. */
static err_t find_login(struct core *core, const struct application *app, slice text, struct arena *a, slice *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct user user = { .login = text };
    TRY(meta_read_begin(core->meta, a, &tx));
    err_t e = meta_user_by_login(tx, text, a, &user);
    if (err_is(e, ERR_NOT_FOUND) && text.n)
        e = meta_user_by_address(tx, app->account_id, text, a, &user);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    *ret = user.login;
    return NULL;
}

err_t token_for_password(struct core *core, const struct application_token_request *request, slice login,
                         slice password, struct arena *a, slice *ret_token)
{
    struct token_change c = { .core = core, .request = request };
    struct password_login attempt = { .password = password, .address = request->address };
    struct user user;
    TRY(find_login(core, request->application, slice_is_utf8(login) ? login : S(""), a, &attempt.login));
    TRY(access_check_password(core, &attempt, a, &user, &c.password_hash));
    c.user_id = user.id;
    c.now_ms = core_now_ms(core);
    return issue(&c, a, ret_token);
}

err_t token_for_owner(struct core *core, const struct application_token_request *request, struct arena *a,
                      slice *ret_token)
{
    struct token_change c = {
        .core = core, .request = request, .user_id = request->application->owner_id, .now_ms = core_now_ms(core)
    };
    return issue(&c, a, ret_token);
}

err_t token_for_user(struct core *core, const struct application_token_request *request, const struct principal *who,
                     struct arena *a, slice *ret_token)
{
    struct token_change c = {
        .core = core, .request = request, .who = who, .user_id = who->user_id, .now_ms = core_now_ms(core)
    };
    return issue(&c, a, ret_token);
}
