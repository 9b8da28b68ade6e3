/* SPDX-License-Identifier: Apache-2.0 */
/* expires_at_ms of the record is the end if the session is not used any more; each use moves it, but never beyond the
 * lifetime, which counts from created_at_ms. Moving it is a write that raises the generation, so that no cache goes on with
 * the earlier end; hence the step.
 *
 * A password is checked before the write, because that is slow. The write reads its hash again: a session that begins while
 * the password is changed would otherwise outlive the change.
 *
 * An offer is accepted by the write that revokes it, so it counts once. */
#include "core/access/session.h"

#include "base/live.h"
#include "core/access/access_priv.h"
#include "core/event.h"
#include "core/grant.h"
#include "core/store/credential_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

#include <stdlib.h>
#include <string.h>

#define LIFETIME_DEFAULT_MS ((int64_t)12 * 3600 * 1000)
#define IDLE_DEFAULT_MS ((int64_t)3600 * 1000)
enum { PER_USER_DEFAULT = 10, STEPS_OF_IDLE = 16 };

static struct session_policy policy_of(const struct core *core)
{
    const struct session_policy *set = &core->options.sessions;
    struct session_policy p = { LIVE(set->lifetime_ms), LIVE(set->idle_ms), LIVE(set->per_user) };
    return (struct session_policy){ .lifetime_ms = p.lifetime_ms ? p.lifetime_ms : LIFETIME_DEFAULT_MS,
                                    .idle_ms = p.idle_ms ? p.idle_ms : IDLE_DEFAULT_MS,
                                    .per_user = p.per_user ? p.per_user : PER_USER_DEFAULT };
}

/* When a session that is used now ends, if it is not used again. */
static int64_t session_expiry(const struct session_policy *p, int64_t created_at_ms, int64_t now_ms)
{
    int64_t last_ms = created_at_ms + p->lifetime_ms;
    return last_ms < now_ms + p->idle_ms ? last_ms : now_ms + p->idle_ms;
}

/* ---- begin ---- */

struct session_change {
    slice purpose, request_id;
    struct user user;
    slice password_hash; /* that was checked */
    unsigned char secret_hash[SHA256_SIZE];
    unsigned char offered_hash[SHA256_SIZE]; /* of session_accept */
    struct session_policy policy;
    int64_t now_ms;
    const struct principal *who; /* of session_end */
    int64_t ret_id;
};

static err_t check_user_again(struct meta_tx *tx, const struct session_change *c, struct arena *a)
{
    struct user user;
    slice hash;
    TRY(meta_user_get(tx, c->user.id, a, &user));
    TRY(meta_user_password(tx, c->user.id, a, &hash));
    if (user.state != USER_ACTIVE || !slice_eq_secret(hash, c->password_hash))
        return err_make(a, ERR_UNAUTHENTICATED, "the password was changed, or the user disabled, meanwhile");
    return NULL;
}

static err_t write_session_event(struct meta_tx *tx, const struct session_change *c, slice action, struct arena *a)
{
    struct principal self = {
        .account_id = c->user.account_id, .user_id = c->user.id, .login = c->user.login, .request_id = c->request_id
    };
    const struct principal *who = c->who ? c->who : &self;
    struct event_params event = { .at_ms = c->now_ms,
                                  .who = who,
                                  .account_id = who->account_id,
                                  .action = action,
                                  .subject = arena_printf(a, "user:" SLICE_FMT, SLICE_ARG(who->login)),
                                  .detail = c->purpose };
    return event_write(tx, &event, a);
}

static err_t apply_session_begin(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct session_change *c = arg;
    TRY(meta_credential_trim_tokens(tx, c->user.id, c->purpose, c->policy.per_user - 1, c->now_ms, a));
    TRY(check_user_again(tx, c, a));
    struct credential session = { .account_id = c->user.account_id,
                                  .user_id = c->user.id,
                                  .purpose = c->purpose,
                                  .form = CREDENTIAL_TOKEN,
                                  .created_at_ms = c->now_ms,
                                  .expires_at_ms = session_expiry(&c->policy, c->now_ms, c->now_ms) };
    memcpy(session.secret_hash, c->secret_hash, SHA256_SIZE);
    TRY(meta_credential_add(tx, &session, a, &c->ret_id));
    return write_session_event(tx, c, S("session.begin"), a);
}

/* Write the session that `c` describes. */
static err_t write_session(struct core *core, struct session_change *c,
                           err_t (*apply)(struct meta_tx *, void *, struct arena *), struct arena *a, slice *ret_secret)
{
    slice secret = random_text(core->random, a, SECRET_LENGTH);
    hash_sha256(secret, c->secret_hash);
    c->now_ms = core_now_ms(core);
    TRY(meta_write(core->meta, apply, c, a));
    *ret_secret = secret;
    return NULL;
}

err_t session_begin(struct core *core, const struct session_request *request, struct arena *a, slice *ret_secret,
                    struct principal *ret)
{
    struct session_change c = { .purpose = request->purpose,
                                .request_id = request->request_id,
                                .policy = policy_of(core) };
    TRY(access_check_password(core, &request->login, a, &c.user, &c.password_hash));
    uint64_t generation = meta_generation(core->meta);
    TRY(write_session(core, &c, apply_session_begin, a, ret_secret));
    *ret = (struct principal){ .account_id = c.user.account_id,
                               .user_id = c.user.id,
                               .login = c.user.login,
                               .is_admin = c.user.is_admin,
                               .credential_id = c.ret_id,
                               .request_id = S(""),
                               .generation = generation };
    return NULL;
}

/* ---- offers ---- */

/* No API has a name with a blank, so nobody is admitted by an offer. */
static slice offer_purpose(slice purpose, struct arena *a)
{
    slice parts[] = { purpose, S(" offer") };
    return arena_join(a, parts, LENGTH_OF(parts));
}

struct offer_change {
    struct core *core;
    const struct session_offer *offer;
    const struct principal *who;
    unsigned char secret_hash[SHA256_SIZE];
    int64_t now_ms;
};

static err_t apply_session_offer(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct offer_change *c = arg;
    slice purpose = offer_purpose(c->offer->purpose, a);
    struct user user;
    int64_t id;
    TRY(grant_recheck_maker_in(c->core, tx, c->who, a));
    TRY(meta_user_by_login(tx, c->offer->login, a, &user));
    if (c->offer->account_id && c->offer->account_id != user.account_id)
        return err_make(a, ERR_NOT_FOUND, "no such user");
    if (user.kind == USER_SYSTEM)
        return err_make(a, ERR_FORBIDDEN, "the server's own user has no sessions");
    if (user.state != USER_ACTIVE)
        return err_make(a, ERR_CONFLICT, "the user is not active"); /* BLOCKED is who asks */
    if (c->offer->ends_password)
        TRY(user_write_password(tx, &(struct user_write){ c->who, user, c->now_ms }, S(""), a));
    TRY(meta_credential_trim_tokens(tx, user.id, purpose, 0, c->now_ms, a));
    struct credential offer = { .account_id = user.account_id,
                                .user_id = user.id,
                                .purpose = purpose,
                                .form = CREDENTIAL_TOKEN,
                                .created_at_ms = c->now_ms,
                                .expires_at_ms = c->now_ms + c->offer->lifetime_ms };
    memcpy(offer.secret_hash, c->secret_hash, SHA256_SIZE);
    TRY(meta_credential_add(tx, &offer, a, &id));
    struct event_params event = { .at_ms = c->now_ms,
                                  .who = c->who,
                                  .account_id = user.account_id,
                                  .action = S("session.offer"),
                                  .subject = arena_printf(a, "user:" SLICE_FMT, SLICE_ARG(user.login)),
                                  .detail = c->offer->purpose };
    return event_write(tx, &event, a);
}

err_t session_offer(struct core *core, const struct principal *who, const struct session_offer *offer, struct arena *a,
                    slice *ret_secret)
{
    struct offer_change c = { .core = core, .offer = offer, .who = who, .now_ms = core_now_ms(core) };
    slice secret = random_text(core->random, a, SECRET_LENGTH);
    hash_sha256(secret, c.secret_hash);
    TRY(meta_write(core->meta, apply_session_offer, &c, a));
    *ret_secret = secret;
    return NULL;
}

static err_t find_offer(struct meta_tx *tx, const struct session_change *c, struct arena *a, struct credential *ret)
{
    err_t e = meta_credential_by_hash(tx, offer_purpose(c->purpose, a), CREDENTIAL_TOKEN, c->offered_hash, a, ret);
    if (err_is(e, ERR_NOT_FOUND) || (!e && ret->revoked_at_ms))
        return err_make(a, ERR_UNAUTHENTICATED, "there is no such offer any more");
    TRY(e);
    return ret->expires_at_ms > c->now_ms ? NULL : err_make(a, ERR_EXPIRED, "the offer has expired");
}

/* Trimming the user's sessions holds the user, so that of two writes at once the later one finds the offer revoked. */
static err_t apply_session_accept(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct session_change c = *(const struct session_change *)arg;
    struct credential offer;
    TRY(find_offer(tx, &c, a, &offer));
    TRY(meta_credential_trim_tokens(tx, offer.user_id, c.purpose, c.policy.per_user - 1, c.now_ms, a));
    TRY(find_offer(tx, &c, a, &offer));
    TRY(meta_credential_revoke(tx, offer.id, c.now_ms, a));
    TRY(meta_user_get(tx, offer.user_id, a, &c.user));
    TRY(meta_user_password(tx, offer.user_id, a, &c.password_hash));
    return apply_session_begin(tx, &c, a);
}

err_t session_accept(struct core *core, const struct session_request *request, slice offered, struct arena *a,
                     slice *ret_secret, struct principal *ret)
{
    struct session_change c = { .purpose = request->purpose,
                                .request_id = request->request_id,
                                .policy = policy_of(core) };
    hash_sha256(offered, c.offered_hash);
    TRY(write_session(core, &c, apply_session_accept, a, ret_secret));
    return session_check(core, request->purpose, *ret_secret, a, ret);
}

/* ---- use ---- */

/* A write that nobody waits for. */
struct session_extension {
    struct meta_write write;
    int64_t id, expires_at_ms, step_ms, now_ms;
};

static err_t apply_session_extend(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct session_extension *x = arg;
    return meta_credential_extend(tx, x->id, x->expires_at_ms, x->step_ms, x->now_ms, a);
}

/* If the write failed, a later use of the session tries again. */
static void free_extension(struct meta_write *w, err_t e)
{
    (void)e;
    free(CONTAINER_OF(w, struct session_extension, write));
}

static void extend_session(struct core *core, const struct session_policy *p, const struct access_found *found,
                           int64_t now_ms)
{
    int64_t expires_at_ms = session_expiry(p, found->created_at_ms, now_ms), step_ms = p->idle_ms / STEPS_OF_IDLE;
    if (expires_at_ms - found->expires_at_ms < step_ms)
        return;
    struct session_extension *x = must_malloc(sizeof *x);
    *x = (struct session_extension){ .write = { .apply = apply_session_extend, .arg = x, .done = free_extension },
                                     .id = found->principal.credential_id,
                                     .expires_at_ms = expires_at_ms,
                                     .step_ms = step_ms,
                                     .now_ms = now_ms };
    if (!meta_submit(core->meta, &x->write))
        free(x);
}

err_t session_check(struct core *core, slice purpose, slice secret, struct arena *a, struct principal *ret)
{
    struct access_query q = { .purpose = purpose, .form = CREDENTIAL_TOKEN };
    struct access_found found = { 0 };
    struct session_policy p = policy_of(core);
    hash_sha256(secret, q.hash);
    TRY(access_find(core, &q, a, &found));
    int64_t now_ms = core_now_ms(core);
    if (found.created_at_ms + p.lifetime_ms <= now_ms) /* a shorter one was configured meanwhile */
        return err_make(a, ERR_EXPIRED, "the session has expired");
    extend_session(core, &p, &found, now_ms);
    *ret = found.principal;
    return NULL;
}

/* ---- end ---- */

static err_t apply_session_end(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct session_change *c = arg;
    struct credential session;
    TRY(meta_credential_get(tx, c->who->credential_id, a, &session));
    if (session.revoked_at_ms)
        return NULL;
    TRY(meta_credential_revoke(tx, session.id, c->now_ms, a));
    struct session_change of = *c;
    of.purpose = session.purpose;
    return write_session_event(tx, &of, S("session.end"), a);
}

err_t session_end(struct core *core, const struct principal *who, struct arena *a)
{
    struct session_change c = { .who = who, .now_ms = core_now_ms(core) };
    err_t e = meta_write(core->meta, apply_session_end, &c, a);
    return err_is(e, ERR_NOT_FOUND) ? NULL : e; /* it had ended long ago */
}
