/* SPDX-License-Identifier: Apache-2.0 */
/* A ticket is two rows that one write makes: a file that is ISSUED, and the ticket itself. The file id is known only
 * inside that write, so the key is built there.
 *
 * Usage     When the ticket is issued, the account is charged for the two records. For the bytes it is charged when they
 *           come; while a file is ISSUED its size_bytes is 0. Until then, quota and free space are only checked for them,
 *           so that a client does not upload bytes that are then refused. They are not reserved, so the upload may still
 *           be refused.
 * Confirm   Everything is checked inside the write that confirms. Writes run one after the other, so a purge, a
 *           deletion, or new bytes come either wholly before or wholly after it. */
#include "core/ticket/ticket.h"

#include "core/event.h"
#include "core/file/lifecycle.h"
#include "core/free_space.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/records/user.h"
#include "core/store/account_store.h"
#include "core/store/file_store.h"
#include "core/store/ticket_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

#include <assert.h>
#include <stdlib.h>

enum { KEY_MAX = 1024 };

/* ---- issuing ---- */

struct ticket_issuing {
    struct core *core;
    const struct principal *who;
    const struct ticket_request *request;
    ticket_done_fn *done;
    void *arg;
    struct meta_write write;
    struct file file;
    struct ticket_issued result;
};

/* May the user put the file where the request says? */
static err_t check_holder(struct meta_tx *tx, struct ticket_issuing *i, struct arena *a)
{
    const struct holder *holder = &i->request->holder;
    if (!holder->kind)
        return NULL;
    const struct holder_rules *rules = holder_rules_of(i->core, holder->kind);
    assert(rules);
    TRY(rules->admit(tx, i->who, holder->id, a, &i->result.holder_text));
    if (!i->request->refuse_duplicate)
        return NULL;
    err_t e = rules->find_named(tx, holder->id, i->request->name, a, &i->result.duplicate_id);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    TRY(e);
    return core_refuse_detail(a, REASON_TICKET_DUPLICATE, "the %s has a file of that name", rules->name);
}

static err_t make_key(const struct ticket_request *request, int64_t file_id, struct arena *a, slice *ret)
{
    slice parts[] = { request->key_head, arena_printf(a, "%lld", (long long)file_id), request->key_tail };
    slice key = arena_join(a, parts, LENGTH_OF(parts));
    if (key.n > KEY_MAX)
        return err_make(a, ERR_INVALID, "the key has more than %d bytes", KEY_MAX);
    *ret = key;
    return NULL;
}

static err_t apply_ticket_issue(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct ticket_issuing *i = arg;
    const struct ticket_request *request = i->request;
    int64_t now_ms = i->file.created_at_ms;
    struct user owner;
    i->result = (struct ticket_issued){ .file = i->file };
    struct file *file = &i->result.file;
    struct ticket *ticket = &i->result.ticket;
    TRY(check_holder(tx, i, a));
    struct account_use later = { .bytes = (int64_t)request->declared_bytes,
                                 .files = 1,
                                 .owner_id = i->who->user_id,
                                 .records = file_record_size(file) + record_size(KEY_MAX),
                                 .pending = 1 };
    TRY(quota_check(i->core, tx, i->who->account_id, &later, a));
    TRY(meta_user_get(tx, i->who->user_id, a, &owner));
    TRY(meta_file_add(tx, file, a, &file->id));
    i->result.owner_name = owner.name;
    *ticket = (struct ticket){
        .file_id = file->id,
        .bucket_id = request->bucket_id,
        .declared_bytes = request->declared_bytes,
        .expires_at_ms = now_ms + request->lifetime_ms,
        .holder = request->holder,
    };
    TRY(make_key(request, file->id, a, &ticket->key));
    struct account_use now = { .records = file_record_size(file) + ticket_record_size(ticket), .pending = 1 };
    TRY(meta_account_use(tx, i->who->account_id, &now, a));
    TRY(meta_ticket_add(tx, ticket, a));
    struct event_params event = { .at_ms = now_ms,
                                  .who = i->who,
                                  .action = S("file.issue"),
                                  .subject = event_file(a, file),
                                  .detail = request->name };
    return event_write(tx, &event, a);
}

static void finish_ticket_issue(struct meta_write *write, err_t e)
{
    struct ticket_issuing *i = CONTAINER_OF(write, struct ticket_issuing, write);
    i->done(i->arg, e, &i->result);
    free(i);
}

void ticket_issue(struct core *core, const struct principal *who, const struct ticket_request *request,
                  ticket_done_fn *done, void *arg)
{
    SCRATCH(scratch);
    struct ticket_issued nothing = { 0 };
    err_t e = request->declared_bytes > INT64_MAX ? err_make(&scratch, ERR_QUOTA, "nobody has that much room")
                                                  : free_space_check(core, request->declared_bytes, &scratch);
    if (e) {
        done(arg, e, &nothing);
        return;
    }
    int64_t now_ms = core_now_ms(core);
    struct ticket_issuing *i = must_malloc(sizeof *i);
    *i = (struct ticket_issuing){ .core = core,
                                  .who = who,
                                  .request = request,
                                  .done = done,
                                  .arg = arg,
                                  .write = { .apply = apply_ticket_issue, .arg = i, .done = finish_ticket_issue },
                                  .file = { .account_id = who->account_id,
                                            .owner_id = who->user_id,
                                            .owner_login = who->login,
                                            .origin = request->origin,
                                            .name = request->name,
                                            .content_type = request->content_type,
                                            .state = FILE_ISSUED,
                                            .created_at_ms = now_ms,
                                            .purge_at_ms = now_ms + request->pending_ms } };
    random_uuid(core->random, i->file.uuid);
    if (meta_submit(core->meta, &i->write))
        return; /* the write may have ended already, and `i` with it */
    free(i);
    done(arg, &core_queue_full, &nothing);
}

/* ---- confirming ---- */

struct ticket_confirmation {
    struct core *core;
    const struct principal *who;
    int64_t file_id;
};

/* The file and its ticket, if the user sees the file: the confirmed ones of the account, and its own. While a ticket is
 * pending, the user must also be admitted to the holder that it names. */
static err_t find_ticket_file(struct meta_tx *tx, const struct ticket_confirmation *c, int64_t now_ms, struct arena *a,
                              struct file *ret_file, struct ticket *ret_ticket)
{
    slice unused;
    TRY(meta_file_get(tx, c->file_id, a, ret_file));
    TRY(meta_ticket_get(tx, c->file_id, a, ret_ticket));
    bool is_pending = !ret_ticket->confirmed_at_ms, is_own = ret_file->owner_id == c->who->user_id;
    if (ret_file->account_id != c->who->account_id || file_purge_is_due(ret_file, now_ms) || (is_pending && !is_own))
        return err_make(a, ERR_NOT_FOUND, "no such file");
    if (!is_pending || !ret_ticket->holder.kind)
        return NULL;
    const struct holder_rules *rules = holder_rules_of(c->core, ret_ticket->holder.kind);
    if (!rules)
        return err_make(a, ERR_CORRUPT, "a ticket names a holder of the unknown kind %d", ret_ticket->holder.kind);
    return rules->admit(tx, c->who, ret_ticket->holder.id, a, &unused);
}

/* From now on the file is like any other: held by its holder or, without one, kept until it is deleted. */
static err_t give_to_holder(struct meta_tx *tx, const struct ticket_confirmation *c, const struct file *f,
                            struct holder holder, int64_t now_ms, struct arena *a)
{
    if (!holder.kind)
        return meta_file_keep(tx, f->id, now_ms, a);
    err_t e = holder_rules_of(c->core, holder.kind)->attach(c->core, tx, holder.id, f, now_ms, a);
    return err_is(e, ERR_TOO_LARGE) ? core_refuse(a, REASON_TICKET_TOO_MANY) : e;
}

static err_t apply_ticket_confirm(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct ticket_confirmation *c = arg;
    int64_t now_ms = core_now_ms(c->core);
    struct file file;
    struct ticket ticket;
    err_t e = find_ticket_file(tx, c, now_ms, a, &file, &ticket);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_TICKET_NOT_THERE);
    TRY(e);
    if (ticket.confirmed_at_ms)
        return NULL; /* confirmed before */
    if (file.state != FILE_STORED)
        return core_refuse(a, REASON_TICKET_NO_BYTES);
    if (file.size_bytes != ticket.declared_bytes)
        return core_refuse(a, REASON_TICKET_BAD_SIZE);
    TRY(meta_ticket_confirm(tx, file.id, now_ms, a));
    TRY(give_to_holder(tx, c, &file, ticket.holder, now_ms, a));
    struct event_params event = { .at_ms = now_ms,
                                  .who = c->who,
                                  .action = S("file.confirm"),
                                  .subject = event_file(a, &file),
                                  .detail = file.name };
    return event_write(tx, &event, a);
}

err_t ticket_confirm(struct core *core, const struct principal *who, int64_t file_id, struct arena *a)
{
    struct ticket_confirmation c = { .core = core, .who = who, .file_id = file_id };
    return meta_write(core->meta, apply_ticket_confirm, &c, a);
}
