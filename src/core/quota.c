/* SPDX-License-Identifier: Apache-2.0 */
#include "core/quota.h"

#include "base/live.h"
#include "core/free_space.h"
#include "core/reasons.h"
#include "core/store/account_store.h"
#include "core/store/user_store.h"

static bool limit_has_room(int64_t own_limit, int64_t default_limit, int64_t used, int64_t more)
{
    int64_t limit = own_limit ? own_limit : default_limit;
    return limit == 0 || more <= 0 || more <= limit - used; /* `used + more` could overflow */
}

static err_t check_open_work(const struct core_options *o, const struct account *account,
                             const struct account_use *more, struct arena *a)
{
    if (!limit_has_room(0, LIVE(o->account_max_pending), account->pending_files, more->pending))
        return core_refuse(a, REASON_TICKET_TOO_MANY_PENDING);
    if (!limit_has_room(0, LIVE(o->account_max_uploads), account->open_uploads, more->uploads))
        return core_refuse(a, REASON_UPLOAD_TOO_MANY);
    return NULL;
}

static err_t check_account(struct core *core, struct meta_tx *tx, int64_t account_id, const struct account_use *more,
                           struct arena *a)
{
    const struct core_options *o = &core->options;
    struct account account;
    TRY(meta_account_get(tx, account_id, a, &account));
    if (!limit_has_room(account.max_bytes, LIVE(o->account_max_bytes), account.used_bytes + account.record_bytes,
                        more->bytes + more->records))
        return err_make(a, ERR_QUOTA, "the account's limit of bytes is used up");
    if (!limit_has_room(account.max_files, LIVE(o->account_max_files), account.used_files, more->files))
        return err_make(a, ERR_QUOTA, "the account's limit of files is used up");
    return check_open_work(o, &account, more, a);
}

err_t quota_check_owner(struct meta_tx *tx, const struct account_use *more, struct arena *a)
{
    struct user owner;
    if (!more->owner_id || (more->bytes <= 0 && more->files <= 0))
        return NULL;
    TRY(meta_user_get(tx, more->owner_id, a, &owner));
    if (!limit_has_room(owner.max_bytes, 0, owner.used_bytes, more->bytes))
        return core_refuse_detail(a, REASON_QUOTA_OF_USER, "the user's limit of bytes is used up");
    if (!limit_has_room(owner.max_files, 0, owner.used_files, more->files))
        return core_refuse_detail(a, REASON_QUOTA_OF_USER, "the user's limit of files is used up");
    return NULL;
}

err_t quota_check(struct core *core, struct meta_tx *tx, int64_t account_id, const struct account_use *more,
                  struct arena *a)
{
    TRY(check_account(core, tx, account_id, more, a));
    return quota_check_owner(tx, more, a);
}

err_t quota_check_disk(struct core *core, struct meta_tx *tx, int64_t account_id, int64_t bytes, struct arena *a)
{
    struct account account;
    TRY(meta_account_get(tx, account_id, a, &account));
    int64_t limit = account.max_bytes ? account.max_bytes : LIVE(core->options.account_max_bytes);
    if (!limit)
        return NULL;
    /* The first difference is not below -limit, unless the account was given less room later: no sum overflows. */
    int64_t room = limit - account.used_bytes - account.record_bytes;
    if (room < -limit || bytes - room > limit - account.garbage_bytes)
        return err_make(a, ERR_QUOTA, "what the account removed still takes room on the disk for a while");
    return NULL;
}

static err_t account_room(struct core *core, struct meta_tx *tx, int64_t account_id, struct arena *a,
                          struct quota_room *ret)
{
    struct account account;
    TRY(meta_account_get(tx, account_id, a, &account));
    int64_t limit = account.max_bytes ? account.max_bytes : LIVE(core->options.account_max_bytes);
    int64_t used = account.used_bytes + account.record_bytes;
    *ret = (struct quota_room){ -1, -1, used };
    if (!limit)
        return NULL;
    int64_t room = used < limit ? limit - used : 0;
    int64_t too_much = account.garbage_bytes > limit ? account.garbage_bytes - limit : 0;
    ret->limit_bytes = limit;
    ret->free_bytes = room > too_much ? room - too_much : 0;
    return NULL;
}

/* As quota_check and quota_check_disk find it. */
err_t quota_room(struct core *core, struct meta_tx *tx, const struct principal *who, struct arena *a,
                 struct quota_room *ret)
{
    struct quota_room room;
    struct user user;
    TRY(account_room(core, tx, who->account_id, a, &room));
    TRY(meta_user_get(tx, who->user_id, a, &user));
    int64_t left = user.used_bytes < user.max_bytes ? user.max_bytes - user.used_bytes : 0;
    *ret = user.max_bytes && (room.limit_bytes < 0 || left < room.free_bytes)
               ? (struct quota_room){ user.max_bytes, left, user.used_bytes }
               : room;
    return NULL;
}

err_t quota_take(struct core *core, struct meta_tx *tx, int64_t account_id, const struct account_use *more,
                 struct arena *a)
{
    if (LIVE(core->options.account_max_bytes) || LIVE(core->options.account_max_files) || more->pending > 0 ||
        more->uploads > 0)
        TRY(check_account(core, tx, account_id, more, a));
    err_t e = meta_account_use(tx, account_id, more, a); /* checks the own limits of the account, and of the owner */
    if (err_is(e, ERR_QUOTA))
        TRY(quota_check_owner(tx, more, a)); /* says which of the two it is */
    return e;
}

err_t quota_take_records(struct core *core, struct meta_tx *tx, int64_t account_id, const struct account_use *more,
                         struct arena *a)
{
    if (more->records > 0)
        TRY(free_space_check(core, (uint64_t)more->records, a));
    return quota_take(core, tx, account_id, more, a);
}

err_t quota_change_records(struct core *core, struct meta_tx *tx, int64_t account_id, int64_t records, struct arena *a)
{
    struct account_use more = { .records = records };
    return records > 0 ? quota_take_records(core, tx, account_id, &more, a)
                       : meta_account_use(tx, account_id, &more, a);
}
