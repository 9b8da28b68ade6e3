/* SPDX-License-Identifier: Apache-2.0 */
/* Logins with a public key. The server knows no secret of theirs; whoever calls has checked a signature. */
#include "core/access/access_priv.h"
#include "core/access/key_use.h"
#include "core/event.h"
#include "core/grant.h"
#include "core/store/credential_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

/* Looks for the key also when the login is unknown, so that both take the same time. */
static err_t find_public_key(struct meta_tx *tx, const struct public_key_login *login, struct arena *a,
                             struct credential *ret)
{
    struct user user = { 0 };
    err_t no_user = meta_user_by_login(tx, login->login, a, &user);
    if (no_user && no_user->code != ERR_NOT_FOUND)
        return no_user;
    err_t e = meta_credential_by_public_key(tx, user.id, login->purpose, login->fingerprint, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? err_make(a, ERR_UNAUTHENTICATED, "the user is unknown, or has no such key") : e;
}

err_t access_public_key(struct core *core, const struct public_key_login *login, struct arena *a, struct principal *ret)
{
    uint64_t generation = meta_generation(core->meta); /* before the rows are read */
    struct credential key;
    struct access_found found;
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(find_public_key(tx, login, a, &key));
    TRY(access_check_credential(tx, &key, core_now_ms(core), a, &found));
    *ret = found.principal;
    ret->generation = generation;
    return NULL;
}

struct public_key_event {
    struct core *core;
    const struct principal *who;
    slice purpose, address;
    int64_t now_ms;
};

static err_t apply_public_key_begin(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct public_key_event *l = arg;
    struct grant grant = grant_of(l->who);
    TRY(grant_recheck_in(l->core, tx, &grant, a));
    slice detail = arena_printf(a, SLICE_FMT " from " SLICE_FMT, SLICE_ARG(l->purpose), SLICE_ARG(l->address));
    struct event_params event = { .at_ms = l->now_ms,
                                  .who = l->who,
                                  .account_id = l->who->account_id,
                                  .action = S("key.login"),
                                  .subject = key_subject(a, l->who->credential_id),
                                  .detail = detail };
    return event_write(tx, &event, a);
}

err_t access_public_key_begin(struct core *core, const struct principal *who, slice purpose, slice address,
                              struct arena *a)
{
    struct public_key_event l = { core, who, purpose, address, core_now_ms(core) };
    TRY(meta_write(core->meta, apply_public_key_begin, &l, a));
    key_use_note(core, who->credential_id, l.now_ms);
    return NULL;
}
