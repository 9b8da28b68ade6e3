/* SPDX-License-Identifier: Apache-2.0 */
#include "core/grant.h"

#include "core/store/credential_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

static const struct err credential_revoked = { .code = ERR_REVOKED,
                                               .msg = "the key or token was revoked",
                                               .where = ERR_HERE };
static const struct err user_disabled = { .code = ERR_BLOCKED, .msg = "the user was disabled", .where = ERR_HERE };
static const struct err user_deleted = { .code = ERR_REVOKED, .msg = "the user was deleted", .where = ERR_HERE };

struct grant grant_of(const struct principal *who)
{
    return (struct grant){ .user_id = who->on_behalf_of ? who->on_behalf_of : who->user_id,
                           .credential_id = who->credential_id,
                           .link_credential_id = who->link_credential_id,
                           .generation = who->generation };
}

void grant_begin(struct core *core, struct principal *who)
{
    who->generation = meta_generation(core->meta);
}

static err_t check_user(struct meta_tx *tx, int64_t id, struct arena *a)
{
    struct user user;
    err_t e = meta_user_get(tx, id, a, &user);
    if (err_is(e, ERR_NOT_FOUND) || (!e && user.state == USER_DELETED))
        return &user_deleted;
    TRY(e);
    return user.state == USER_ACTIVE ? NULL : &user_disabled;
}

static err_t check_credential(struct meta_tx *tx, int64_t id, struct arena *a)
{
    struct credential credential;
    err_t e = meta_credential_get(tx, id, a, &credential);
    return err_is(e, ERR_NOT_FOUND) || (!e && credential.revoked_at_ms) ? &credential_revoked : e;
}

static err_t check_grant(struct meta_tx *tx, const struct grant *grant, struct arena *a)
{
    if (grant->credential_id)
        TRY(check_credential(tx, grant->credential_id, a));
    if (grant->link_credential_id)
        TRY(check_credential(tx, grant->link_credential_id, a));
    return grant->user_id ? check_user(tx, grant->user_id, a) : NULL;
}

err_t grant_check(struct core *core, const struct grant *grant, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return check_grant(tx, grant, a);
}

err_t grant_recheck_in(struct core *core, struct meta_tx *tx, const struct grant *grant, struct arena *a)
{
    /* A revocation that is part of this batch was not acknowledged yet, so the two happen at the same time. */
    if (!grant->generation || meta_generation(core->meta) == grant->generation)
        return NULL;
    return check_grant(tx, grant, a);
}

err_t grant_recheck_maker_in(struct core *core, struct meta_tx *tx, const struct principal *who, struct arena *a)
{
    struct user user;
    if (!who || who->is_system)
        return NULL;
    const struct grant grant = grant_of(who);
    TRY(grant_recheck_in(core, tx, &grant, a));
    if (!who->is_admin || !grant.generation || meta_generation(core->meta) == grant.generation)
        return NULL;
    TRY(meta_user_get(tx, who->user_id, a, &user));
    return user.is_admin ? NULL : err_make(a, ERR_FORBIDDEN, "only administrators of the account do this");
}

err_t grant_recheck(struct core *core, struct grant *grant)
{
    uint64_t generation = meta_generation(core->meta); /* before the rows are read */
    if (!grant->generation || generation == grant->generation)
        return NULL;
    SCRATCH(scratch);
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    err_t e = meta_read_begin(core->meta, &scratch, &tx);
    if (!e)
        e = check_grant(tx, grant, &scratch);
    if (err_is(e, ERR_REVOKED) || err_is(e, ERR_BLOCKED))
        return e;
    if (!e)
        grant->generation = generation;
    return NULL;
}
