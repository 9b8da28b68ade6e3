/* SPDX-License-Identifier: Apache-2.0 */
/* A challenge is kept as the SHA-256 of its verifier also when it is the verifier itself (plain), so that a reader of the
 * database cannot use it. */
#include "base/text.h"
#include "core/access/application_priv.h"
#include "core/event.h"
#include "core/grant.h"
#include "core/records/record_ids.h"
#include "core/store/credential_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

#include <string.h>

enum { CHALLENGE_LENGTH = 43, VERIFIER_MIN = 43, VERIFIER_MAX = 128 };

/* ---- PKCE ---- */

static bool is_unreserved(slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
              c == '_' || c == '~'))
            return false;
    }
    return true;
}

/* RFC 7636 §4.1 */
static bool verifier_is_valid(slice verifier)
{
    return verifier.n >= VERIFIER_MIN && verifier.n <= VERIFIER_MAX && is_unreserved(verifier);
}

static slice challenge_of(slice verifier, struct arena *a)
{
    unsigned char hash[SHA256_SIZE];
    hash_sha256(verifier, hash);
    slice base64 = base64_encode(a, (slice){ (const char *)hash, SHA256_SIZE });
    char *text = arena_alloc(a, CHALLENGE_LENGTH);
    for (size_t i = 0; i < CHALLENGE_LENGTH; i++)
        text[i] = base64.p[i] == '+' ? '-' : base64.p[i] == '/' ? '_' : base64.p[i];
    return (slice){ text, CHALLENGE_LENGTH };
}

bool code_verifier_fits(const struct code *code, slice verifier, struct arena *a)
{
    if (!code->challenge.n || !verifier.n)
        return !code->challenge.n && !verifier.n;
    return verifier_is_valid(verifier) && slice_eq_secret(challenge_of(verifier, a), code->challenge);
}

static err_t keep_challenge(const struct code_request *request, struct arena *a, slice *ret)
{
    slice challenge = request->challenge;
    bool is_valid = request->challenge_is_plain ? verifier_is_valid(challenge)
                                                : challenge.n == CHALLENGE_LENGTH && is_unreserved(challenge);
    if (challenge.n && !is_valid)
        return err_make(a, ERR_INVALID, "the code challenge is not one of RFC 7636");
    *ret = challenge.n && request->challenge_is_plain ? challenge_of(challenge, a) : challenge;
    return NULL;
}

/* ---- records ---- */

slice code_purpose(const struct application *app, struct arena *a)
{
    return arena_printf(a, SLICE_FMT ":code", SLICE_ARG(app->purpose));
}

err_t code_add(struct meta_tx *tx, const struct code_addition *n, struct arena *a, int64_t *ret_id)
{
    struct credential credential = { .account_id = n->application->account_id,
                                     .user_id = n->user_id,
                                     .purpose = code_purpose(n->application, a),
                                     .form = CREDENTIAL_TOKEN,
                                     .parent_id = n->application->key_id,
                                     .created_at_ms = n->now_ms,
                                     .expires_at_ms = n->expires_at_ms };
    struct code code = n->code;
    memcpy(credential.secret_hash, n->hash, SHA256_SIZE);
    TRY(meta_credential_add(tx, &credential, a, &code.credential_id));
    TRY(meta_code_add(tx, &code, a));
    *ret_id = code.credential_id;
    return NULL;
}

err_t code_find(struct meta_tx *tx, const struct application *app, const unsigned char hash[SHA256_SIZE],
                struct arena *a, struct credential *ret_credential, struct code *ret)
{
    struct credential credential;
    err_t e = meta_credential_by_hash(tx, code_purpose(app, a), CREDENTIAL_TOKEN, hash, a, &credential);
    if (err_is(e, ERR_NOT_FOUND) || (!e && credential.parent_id != app->key_id))
        return err_make(a, ERR_UNAUTHENTICATED, "the application has no such code");
    TRY(e);
    TRY(meta_code_get(tx, credential.id, a, ret));
    *ret_credential = credential;
    return NULL;
}

/* ---- issuing ---- */

struct code_issue {
    struct core *core;
    const struct principal *who;
    const struct code_request *request;
    struct code_addition addition;
};

/* They and their tokens leave no record, so whoever allows an application again and again adds none without end. */
static err_t remove_surplus_codes(struct meta_tx *tx, const struct code_issue *c, struct arena *a)
{
    const struct application *app = c->request->application;
    struct surplus_query q = { .user_id = c->who->user_id,
                               .key_id = app->key_id,
                               .purpose = code_purpose(app, a),
                               .keep = APPLICATION_CODES_MAX - 1,
                               .now_ms = c->addition.now_ms };
    struct record_ids ids;
    TRY(meta_application_surplus(tx, &q, a, &ids));
    for (size_t i = 0; i < ids.count; i++)
        TRY(meta_code_remove(tx, ids.items[i], a));
    return NULL;
}

static err_t apply_code_issue(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct code_issue *c = arg;
    const struct application *app = c->request->application;
    struct grant grant = grant_of(c->who);
    struct application now;
    int64_t unused;
    TRY(grant_recheck_in(c->core, tx, &grant, a));
    TRY(application_find_in(tx, app->purpose, app->client_id, a, &now));
    TRY(remove_surplus_codes(tx, c, a));
    TRY(code_add(tx, &c->addition, a, &unused));
    struct event_params event = { .at_ms = c->addition.now_ms,
                                  .who = c->who,
                                  .account_id = app->account_id,
                                  .action = S("code.issue"),
                                  .subject = key_subject(a, app->key_id),
                                  .detail = c->addition.code.is_reusable ? S("pin") : S("redirect") };
    return event_write(tx, &event, a);
}

err_t code_issue(struct core *core, const struct principal *who, const struct code_request *request, struct arena *a,
                 slice *ret_code)
{
    const struct application *app = request->application;
    struct code_issue c = { .core = core, .who = who, .request = request };
    struct code_addition *n = &c.addition;
    if (app->account_id != who->account_id)
        return err_make(a, ERR_NOT_FOUND, "the application is another account's");
    *n = (struct code_addition){ .application = app, .user_id = who->user_id, .now_ms = core_now_ms(core) };
    n->code = (struct code){ .redirect = request->redirect, .is_reusable = !app->callbacks.count };
    n->expires_at_ms = n->code.is_reusable ? 0 : n->now_ms + CODE_LIFETIME_MS;
    TRY(keep_challenge(request, a, &n->code.challenge));
    slice secret = random_text(core->random, a, CODE_LENGTH);
    hash_sha256(secret, n->hash);
    TRY(meta_write(core->meta, apply_code_issue, &c, a));
    *ret_code = secret;
    return NULL;
}
