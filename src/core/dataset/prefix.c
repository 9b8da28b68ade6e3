/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dataset/prefix.h"

#include "base/hash.h"
#include "core/access/access.h"
#include "core/dataset/dataset_write_priv.h"
#include "core/grant.h"
#include "core/job.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/records/user.h"
#include "core/store/account_store.h"
#include "core/store/credential_store.h"
#include "core/store/dataset_record_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

#include <stdlib.h>

enum { PIECE = 100 /* records that are forgotten in one write */ };
#define KEPT_MS ((int64_t)7 * 24 * 3600 * 1000)

static err_t no_prefix(err_t cause, struct arena *a)
{
    return core_refuse_because(a, cause, REASON_DATASET_NO_PREFIX, "the permission does not hold");
}

/* ---- issuing ---- */

struct prefix_issuing {
    struct core *core;
    const struct principal *who;
    const struct prefix_request *request;
    prefix_done_fn *done;
    void *arg;
    struct meta_write write;
    int64_t now_ms;
    struct prefix_issued result;
    char secret[PREFIX_SECRET_LENGTH];
};

static err_t apply_issue(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct prefix_issuing *i = arg;
    struct dataset d;
    bool there;
    TRY(dataset_gone(meta_dataset_by_slug(tx, i->who->account_id, i->request->slug, a, &d), a));
    TRY(meta_dataset_hold(tx, d.id, a, &there));
    if (!there)
        return core_refuse(a, REASON_DATASET_NOT_THERE);
    slice secret = { i->secret, sizeof i->secret };
    struct upload_prefix prefix = { .account_id = i->who->account_id,
                                    .owner_id = i->who->user_id,
                                    .credential_id = i->who->credential_id,
                                    .dataset_id = d.id,
                                    .created_at_ms = i->now_ms,
                                    .expires_at_ms = i->now_ms + i->request->lifetime_ms };
    hash_sha256(secret, prefix.secret_hash);
    TRY(quota_change_records(i->core, tx, prefix.account_id, RECORD_BYTES, a));
    TRY(meta_prefix_add(tx, &prefix, a, &prefix.id));
    i->result = (struct prefix_issued){ prefix, secret, d.slug };
    struct event_params event = { .at_ms = i->now_ms,
                                  .who = i->who,
                                  .action = S("dataset.permit"),
                                  .subject = arena_printf(a, "prefix:%lld", (long long)prefix.id),
                                  .detail = d.slug };
    return event_write(tx, &event, a);
}

static void finish_issue(struct meta_write *write, err_t e)
{
    struct prefix_issuing *i = CONTAINER_OF(write, struct prefix_issuing, write);
    i->done(i->arg, e, &i->result);
    free(i);
}

void prefix_issue(struct core *core, const struct principal *who, const struct prefix_request *request,
                  prefix_done_fn *done, void *arg)
{
    SCRATCH(scratch);
    struct prefix_issuing *i = must_malloc(sizeof *i);
    *i = (struct prefix_issuing){ .core = core,
                                  .who = who,
                                  .request = request,
                                  .done = done,
                                  .arg = arg,
                                  .write = { .apply = apply_issue, .arg = i, .done = finish_issue },
                                  .now_ms = core_now_ms(core) };
    slice secret = random_text(core->random, &scratch, PREFIX_SECRET_LENGTH);
    for (size_t n = 0; n < PREFIX_SECRET_LENGTH; n++)
        i->secret[n] = secret.p[n];
    if (meta_submit(core->meta, &i->write))
        return; /* the write may have ended already, and `i` with it */
    free(i);
    done(arg, &core_queue_full, &(struct prefix_issued){ .slug = S("") });
}

/* ---- using ---- */

/* The owner as whom files are sent, with the key that asked. */
static err_t find_owner(struct meta_tx *tx, const struct upload_prefix *p, struct arena *a, struct principal *ret)
{
    struct user user;
    struct credential key = { .role = KEY_ADMIN };
    TRY(meta_user_get(tx, p->owner_id, a, &user));
    if (user.state != USER_ACTIVE)
        return err_make(a, ERR_BLOCKED, "the owner is disabled");
    if (p->credential_id)
        TRY(meta_credential_get(tx, p->credential_id, a, &key));
    if (key.revoked_at_ms)
        return err_make(a, ERR_REVOKED, "the key of the owner was revoked");
    ret->account_id = p->account_id;
    ret->user_id = p->owner_id;
    ret->login = user.login;
    ret->role = key.role;
    ret->link_credential_id = p->credential_id;
    return key_may(ret, KEY_WRITER) ? NULL : err_make(a, ERR_FORBIDDEN, "the key of the owner may not send files");
}

static err_t open_prefix(struct core *core, struct meta_tx *tx, slice secret, struct arena *a, struct prefix_use *ret)
{
    unsigned char hash[SHA256_SIZE];
    if (secret.n != PREFIX_SECRET_LENGTH)
        return err_make(a, ERR_NOT_FOUND, "no secret has that length");
    hash_sha256(secret, hash);
    TRY(meta_prefix_by_secret(tx, hash, a, &ret->prefix));
    if (ret->prefix.revoked_at_ms)
        return err_make(a, ERR_REVOKED, "it was revoked");
    if (ret->prefix.expires_at_ms <= core_now_ms(core))
        return err_make(a, ERR_EXPIRED, "it has expired");
    TRY(find_owner(tx, &ret->prefix, a, &ret->owner));
    return meta_dataset_get(tx, ret->prefix.dataset_id, a, &ret->dataset);
}

static bool is_a_refusal(err_t e)
{
    return err_is(e, ERR_NOT_FOUND) || err_is(e, ERR_REVOKED) || err_is(e, ERR_EXPIRED) || err_is(e, ERR_BLOCKED) ||
           err_is(e, ERR_FORBIDDEN);
}

err_t prefix_open(struct core *core, slice secret, struct arena *a, struct prefix_use *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct prefix_use use = { .dataset = { 0 } };
    grant_begin(core, &use.owner);
    TRY(meta_read_begin(core->meta, a, &tx));
    err_t e = open_prefix(core, tx, secret, a, &use);
    if (e)
        return is_a_refusal(e) ? no_prefix(e, a) : e;
    *ret = use;
    return NULL;
}

/* ---- while a body comes ---- */

static const struct err has_ended = {
    .code = ERR_NOT_FOUND, .reason = REASON_DATASET_NO_PREFIX, .msg = "the permission has ended", .where = ERR_HERE
};

struct prefix_watch prefix_watch_begin(const struct prefix_use *use)
{
    return (struct prefix_watch){ .prefix_id = use->prefix.id,
                                  .dataset_id = use->prefix.dataset_id,
                                  .ends_at_ms = use->prefix.expires_at_ms + PREFIX_GRACE_MS,
                                  .generation = use->owner.generation,
                                  .grant = grant_of(&use->owner) };
}

static err_t read_again(struct core *core, const struct prefix_watch *w, struct arena *a, bool *ret_holds)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct upload_prefix prefix;
    struct dataset d;
    TRY(meta_read_begin(core->meta, a, &tx));
    err_t e = meta_prefix_get(tx, w->prefix_id, a, &prefix);
    if (!e)
        e = meta_dataset_get(tx, w->dataset_id, a, &d);
    *ret_holds = !e && !prefix.revoked_at_ms;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

err_t prefix_recheck(struct core *core, struct prefix_watch *w)
{
    if (core_now_ms(core) >= w->ends_at_ms)
        return &has_ended;
    uint64_t generation = meta_generation(core->meta); /* before the rows are read */
    if (generation == w->generation)
        return NULL;
    SCRATCH(scratch);
    bool holds;
    if (read_again(core, w, &scratch, &holds))
        return NULL;
    if (!holds)
        return &has_ended;
    w->generation = generation;
    return grant_recheck(core, &w->grant);
}

/* ---- asking and revoking ---- */

static err_t find_own(struct meta_tx *tx, int64_t account_id, int64_t id, struct arena *a, struct upload_prefix *ret,
                      struct dataset *ret_dataset)
{
    err_t e = meta_prefix_get(tx, id, a, ret);
    if (!e && ret->account_id != account_id)
        e = err_make(a, ERR_NOT_FOUND, "it is another account's");
    if (!e)
        e = meta_dataset_get(tx, ret->dataset_id, a, ret_dataset);
    return err_is(e, ERR_NOT_FOUND) ? no_prefix(e, a) : e;
}

err_t prefix_info(struct core *core, const struct principal *who, int64_t id, struct arena *a, struct prefix_info *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct prefix_info info;
    struct dataset d;
    struct principal unused;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(find_own(tx, who->account_id, id, a, &info.prefix, &d));
    TRY(meta_dataset_file_count_prefix(tx, id, a, &info.files));
    info.slug = d.slug;
    info.is_valid = !info.prefix.revoked_at_ms && info.prefix.expires_at_ms > core_now_ms(core);
    if (info.is_valid) {
        err_t e = find_owner(tx, &info.prefix, a, &unused);
        info.is_valid = !e;
        if (e && !is_a_refusal(e))
            return e;
    }
    *ret = info;
    return NULL;
}

struct prefix_revocation {
    struct dataset_write w;
    int64_t id;
};

static err_t apply_revoke(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct prefix_revocation *r = arg;
    struct upload_prefix prefix;
    struct dataset d;
    TRY(find_own(tx, r->w.who->account_id, r->id, a, &prefix, &d));
    err_t e = meta_prefix_revoke(tx, r->id, r->w.now_ms, a);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL; /* it was revoked before */
    TRY(e);
    struct event_params event = { .at_ms = r->w.now_ms,
                                  .who = r->w.who,
                                  .action = S("dataset.forbid"),
                                  .subject = arena_printf(a, "prefix:%lld", (long long)r->id),
                                  .detail = d.slug };
    return event_write(tx, &event, a);
}

err_t prefix_revoke(struct core *core, const struct principal *who, int64_t id, struct arena *a)
{
    struct prefix_revocation r = { .w = { core, who, core_now_ms(core) }, .id = id };
    return meta_write(core->meta, apply_revoke, &r, a);
}

/* ---- forgetting ---- */

struct forgetting {
    int64_t before_ms, count;
};

static err_t apply_forget(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct forgetting *f = arg;
    for (f->count = 0; f->count < PIECE; f->count++) {
        int64_t account_id;
        err_t e = meta_prefix_forget(tx, f->before_ms, 0, a, &account_id);
        if (err_is(e, ERR_NOT_FOUND))
            return NULL;
        TRY(e);
        TRY(meta_account_use(tx, account_id, &(struct account_use){ .records = -RECORD_BYTES }, a));
    }
    return NULL;
}

err_t prefix_forget_expired(struct core *core, struct job_run *run, struct arena *a)
{
    struct forgetting f = { .before_ms = core_now_ms(core) - KEPT_MS };
    return job_write_pieces(core, run, &(struct job_pieces){ apply_forget, &f, &f.count, PIECE }, a);
}
