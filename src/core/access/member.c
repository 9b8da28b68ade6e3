/* SPDX-License-Identifier: Apache-2.0 */
/* A write that may take away an administrator holds the account before it looks for another one, so two of them see each other. */
#include "core/access/member.h"

#include "base/password.h"
#include "core/access/access_priv.h"
#include "core/grant.h"
#include "core/store/account_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

static err_t find_member(struct meta_tx *tx, const struct principal *who, int64_t id, struct arena *a, struct user *ret)
{
    struct user user;
    TRY(meta_user_get(tx, id, a, &user));
    if (user.account_id != who->account_id || user.state == USER_DELETED || user.kind == USER_SYSTEM)
        return err_make(a, ERR_NOT_FOUND, "no such user");
    *ret = user;
    return NULL;
}

err_t member_list(struct core *core, const struct principal *who, const struct id_page *page, struct arena *a,
                  struct user_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_user_members(tx, who->account_id, page, a, ret);
}

err_t member_get(struct core *core, const struct principal *who, int64_t id, struct arena *a, struct user *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return find_member(tx, who, id, a, ret);
}

/* ---- changes ---- */

struct member_write {
    struct core *core;
    const struct principal *who;
    int64_t now_ms;
    const struct member_change *change; /* of member_change */
    int64_t id;
    slice new_hash, old_hash; /* of a password */
};

/* Somebody who was an administrator when the request came may have been removed meanwhile. */
static err_t check_actor(struct core *core, struct meta_tx *tx, const struct principal *who, struct arena *a)
{
    struct user actor;
    TRY(grant_recheck_maker_in(core, tx, who, a));
    TRY(meta_user_get(tx, who->user_id, a, &actor));
    bool is_administrator = actor.state == USER_ACTIVE && actor.is_admin && actor.account_id == who->account_id;
    return is_administrator || actor.kind == USER_SYSTEM
               ? NULL
               : err_make(a, ERR_FORBIDDEN, "only administrators of the account do this");
}

static err_t check_other_administrator(struct meta_tx *tx, const struct user *user, const struct member_change *c,
                                       struct arena *a)
{
    bool is_one = user->is_admin && user->state == USER_ACTIVE, has_other;
    bool stays = (!c->sets_admin || c->is_admin) && (!c->sets_state || c->state == USER_ACTIVE);
    if (!is_one || stays)
        return NULL;
    TRY(meta_user_has_other_administrator(tx, user->account_id, user->id, a, &has_other));
    return has_other ? NULL : err_make(a, ERR_CONFLICT, "the account keeps at least one administrator");
}

static err_t apply_member_change(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct member_write *w = arg;
    const struct member_change *c = w->change;
    struct user_write write = { .who = w->who, .now_ms = w->now_ms };
    struct user *user = &write.user;
    TRY(meta_account_hold(tx, w->who->account_id, a));
    TRY(check_actor(w->core, tx, w->who, a));
    TRY(find_member(tx, w->who, c->id, a, user));
    if (user->id == w->who->user_id && c->sets_state && c->state != USER_ACTIVE)
        return err_make(a, ERR_CONFLICT, "nobody disables or removes oneself");
    TRY(check_other_administrator(tx, user, c, a));
    if (c->sets_admin && c->is_admin != user->is_admin) {
        TRY(meta_user_set_admin(tx, user->id, c->is_admin, a));
        TRY(user_write_event(tx, &write, S("user.admin"), c->is_admin ? S("yes") : S("no"), a));
    }
    return c->sets_state && c->state != user->state ? user_write_state(tx, &write, c->state, a) : NULL;
}

err_t member_change(struct core *core, const struct principal *who, const struct member_change *change, struct arena *a,
                    struct user *ret)
{
    struct member_write w = { .core = core, .who = who, .now_ms = core_now_ms(core), .change = change };
    struct user user;
    TRY(meta_write(core->meta, apply_member_change, &w, a));
    TRY(user_get(core, change->id, a, &user));
    *ret = user;
    return NULL;
}

static err_t apply_member_password(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct member_write *w = arg;
    struct user_write write = { .who = w->who, .now_ms = w->now_ms };
    TRY(check_actor(w->core, tx, w->who, a));
    TRY(find_member(tx, w->who, w->id, a, &write.user));
    return user_write_password(tx, &write, w->new_hash, a);
}

err_t member_set_password(struct core *core, const struct principal *who, int64_t id, slice password, struct arena *a)
{
    struct user user;
    TRY(password_check_length(password, a));
    TRY(member_get(core, who, id, a, &user)); /* before the slow part */
    if (id == who->user_id)
        return err_make(a, ERR_CONFLICT, "one's own password is changed by showing the present one");
    struct member_write w = { .core = core,
                              .who = who,
                              .now_ms = core_now_ms(core),
                              .id = id,
                              .new_hash = password_hash(core->random, a, password) };
    return meta_write(core->meta, apply_member_password, &w, a);
}

/* ---- one's own password ---- */

static err_t apply_own_password(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct member_write *w = arg;
    struct user_write write = { .who = w->who, .now_ms = w->now_ms };
    slice hash;
    TRY(meta_user_hold(tx, w->who->user_id, a));
    TRY(find_member(tx, w->who, w->who->user_id, a, &write.user));
    TRY(meta_user_password(tx, write.user.id, a, &hash));
    if (write.user.state != USER_ACTIVE || !slice_eq_secret(hash, w->old_hash))
        return err_make(a, ERR_CONFLICT, "the password was changed meanwhile");
    return user_write_password(tx, &write, w->new_hash, a);
}

static err_t read_own_password(struct core *core, const struct principal *who, struct arena *a, slice *ret_hash)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_user_password(tx, who->user_id, a, ret_hash);
}

err_t member_has_password(struct core *core, const struct principal *who, struct arena *a, bool *ret)
{
    slice hash;
    TRY(read_own_password(core, who, a, &hash));
    *ret = hash.n > 0;
    return NULL;
}

err_t member_change_own_password(struct core *core, const struct principal *who, const struct own_password *own,
                                 struct arena *a)
{
    struct member_write w = { .who = who };
    if (who->is_system)
        return err_make(a, ERR_FORBIDDEN, "the server's own user has no password");
    TRY(password_check_length(own->password, a));
    TRY(read_own_password(core, who, a, &w.old_hash));
    if (w.old_hash.n) {
        const struct password_login login = { who->login, own->current, own->address };
        struct user user;
        TRY(access_check_password(core, &login, a, &user, &w.old_hash));
        if (user.id != who->user_id)
            return err_make(a, ERR_UNAUTHENTICATED, "login or password is wrong");
    }
    w.new_hash = password_hash(core->random, a, own->password);
    w.now_ms = core_now_ms(core);
    return meta_write(core->meta, apply_own_password, &w, a);
}
