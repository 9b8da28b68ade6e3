/* SPDX-License-Identifier: Apache-2.0 */
/* The guard of guarded buckets (entry_guard.h): a key exists there because a ticket was issued for it, and the bytes
 * that are put under the key become the bytes of the ticket's file.
 *
 * The upload carries a form or link that the server's own key signed. That signature says nothing about the user whom
 * the form was handed to, so this file checks that the user is still active.
 *
 * The permission is checked twice. When the request head arrives, the ticket must exist, be pending, and not have
 * expired. Inside the write that places the bytes it must still exist and be pending. An upload that began in time may
 * end after expires_at_ms: its sender cannot know how long the transfer takes, and the file is purged with its ticket
 * anyway unless it is confirmed. */
#include "core/bucket/entry.h"
#include "core/bucket/entry_guard.h"
#include "core/event.h"
#include "core/file/file.h"
#include "core/file/lifecycle.h"
#include "core/quota.h"
#include "core/records/bucket.h"
#include "core/records/entry.h"
#include "core/records/file.h"
#include "core/records/object.h"
#include "core/records/ticket.h"
#include "core/records/user.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"
#include "core/store/ticket_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

#include <string.h>

static err_t forbid_put(struct arena *a, const char *why)
{
    return err_make(a, ERR_FORBIDDEN, "%s", why);
}

/* A ticket and its file. */
struct ticket_target {
    struct ticket ticket;
    struct file file;
};

/* Bytes that the file has now; 0 before the first upload is complete. */
static int64_t bytes_before(const struct file *file)
{
    return file->object_id ? (int64_t)file->size_bytes : 0;
}

/* Find the ticket of the key, and check that bytes may still be put. Errors: NOT_FOUND there is none; FORBIDDEN. */
static err_t find_pending_ticket(struct meta_tx *tx, const struct entry_put *put, int64_t now_ms, struct arena *a,
                                 struct ticket_target *ret)
{
    err_t e = meta_ticket_by_key(tx, put->bucket.id, put->request.key, a, &ret->ticket);
    if (!e)
        e = meta_file_get(tx, ret->ticket.file_id, a, &ret->file);
    TRY(e);
    if (ret->ticket.confirmed_at_ms)
        return forbid_put(a, "the file was confirmed: its bytes do not change any more");
    if (file_purge_is_due(&ret->file, now_ms) || (ret->file.state != FILE_ISSUED && ret->file.state != FILE_STORED))
        return forbid_put(a, "the permission to put these bytes has ended");
    struct user owner;
    TRY(meta_user_get(tx, ret->file.owner_id, a, &owner));
    return owner.state == USER_ACTIVE ? NULL
                                      : forbid_put(a, "the user who was permitted to put these bytes is not active");
}

/* ---- when the request head arrives ---- */

static err_t check_declared_size(const struct entry_request *request, uint64_t declared, struct arena *a)
{
    if ((request->exact_bytes >= 0 && (uint64_t)request->exact_bytes > declared) ||
        (request->max_bytes && declared > request->max_bytes))
        return err_make(a, ERR_TOO_LARGE, "%llu bytes were permitted", (unsigned long long)declared);
    if (request->exact_bytes >= 0 && (uint64_t)request->exact_bytes < declared)
        return err_make(a, ERR_EMPTY, "fewer bytes than the %llu that were permitted", (unsigned long long)declared);
    return NULL;
}

static err_t admit_ticket_put(struct entry_put *put, struct intake_request *in, struct arena *a)
{
    struct core *core = put->core;
    struct ticket_target target;
    int64_t now_ms = core_now_ms(core);
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(find_pending_ticket(tx, put, now_ms, a, &target));
    const struct ticket *ticket = &target.ticket;
    const struct file *file = &target.file;
    if (ticket->expires_at_ms <= now_ms)
        return forbid_put(a, "the time in which bytes could be put has run out");
    TRY(check_declared_size(&put->request, ticket->declared_bytes, a));
    struct account_use more = { .bytes = (int64_t)ticket->declared_bytes - bytes_before(file),
                                .files = file->object_id ? 0 : 1,
                                .owner_id = file->owner_id };
    TRY(quota_check(core, tx, file->account_id, &more, a));
    put->file_id = ticket->file_id;
    if (put->request.min_bytes < ticket->declared_bytes)
        put->request.min_bytes = ticket->declared_bytes;
    in->account_id = file->account_id;
    in->owner_id = file->owner_id;
    in->exact_bytes =
        (int64_t)ticket->declared_bytes; /* the ticket fixes the length, even when the sender gives none */
    return NULL;
}

/* ---- inside the write ---- */

static err_t check_put_condition(const struct entry_put *put, const struct file *file, struct arena *a)
{
    struct entry there = { .size_bytes = file->size_bytes };
    memcpy(there.md5, file->md5, MD5_SIZE);
    return entry_check_condition(&put->request.condition, file->object_id ? &there : NULL, a);
}

static err_t place_ticket_bytes(struct meta_tx *tx, struct entry_put *put, const struct intake_result *result,
                                struct arena *a)
{
    struct ticket_target target;
    err_t e = find_pending_ticket(tx, put, result->at_ms, a, &target);
    if (err_is(e, ERR_NOT_FOUND))
        return forbid_put(a, "the ticket has gone");
    TRY(e);
    const struct file *file = &target.file;
    if (target.ticket.file_id != put->file_id)
        return forbid_put(a, "the permission to put these bytes has ended");
    if (result->object.size_bytes != target.ticket.declared_bytes)
        return err_make(a, ERR_EMPTY, "not the %llu bytes that were permitted",
                        (unsigned long long)target.ticket.declared_bytes);
    TRY(check_put_condition(put, file, a));
    struct account_use more = { .bytes = (int64_t)result->object.size_bytes - bytes_before(file),
                                .files = file->object_id ? 0 : 1,
                                .pending = file->object_id ? 0 : -1,
                                .owner_id = file->owner_id };
    TRY(quota_take(put->core, tx, file->account_id, &more, a));
    struct object object = result->object;
    int64_t old_object_id;
    TRY(meta_object_add(tx, &object, a, &object.id));
    TRY(meta_file_set_object(tx, file->id, &object, result->at_ms, a, &old_object_id));
    if (old_object_id != file->object_id)
        return err_make(a, ERR_UNAVAILABLE, "other bytes were put at the same time");
    if (old_object_id)
        TRY(meta_object_release(tx, old_object_id, result->at_ms, a));
    put->entry.object_id = object.id;
    /* The event names the user who was given the ticket: the key that signed the request is the server's own. */
    struct principal owner = { .account_id = file->account_id,
                               .user_id = file->owner_id,
                               .login = file->owner_login,
                               .request_id = put->who.request_id };
    struct event_params event = { .at_ms = result->at_ms,
                                  .who = &owner,
                                  .action = S("file.store"),
                                  .subject = event_file(a, file),
                                  .detail = file->name };
    return event_write(tx, &event, a);
}

/* ---- reading ---- */

/* Find the ticket of the key and its file, if the file has bytes. */
static err_t find_stored(struct core *core, struct meta_tx *tx, const struct bucket *bucket, slice key, struct arena *a,
                         struct ticket_target *ret)
{
    TRY(meta_ticket_by_key(tx, bucket->id, key, a, &ret->ticket));
    TRY(meta_file_get(tx, ret->ticket.file_id, a, &ret->file));
    if (!ret->file.object_id || file_purge_is_due(&ret->file, core_now_ms(core)))
        return err_make(a, ERR_NOT_FOUND, "no such file");
    return NULL;
}

static err_t find_ticket_entry(struct core *core, struct meta_tx *tx, const struct bucket *bucket, slice key,
                               struct arena *a, struct entry *ret)
{
    struct ticket_target target = { 0 };
    TRY(find_stored(core, tx, bucket, key, a, &target));
    *ret = entry_of_file(bucket, target.ticket.key, &target.file, a);
    return NULL;
}

static err_t open_ticket_entry(struct core *core, const struct bucket *bucket, slice key, struct arena *a,
                               struct entry *ret, struct content *ret_content)
{
    struct ticket_target target = { 0 };
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(find_stored(core, tx, bucket, key, a, &target));
    }
    TRY(file_open_record(core, &target.file, a, ret_content));
    *ret = entry_of_file(bucket, target.ticket.key, &target.file, a);
    return NULL;
}

const struct entry_guard ticket_entry_guard = {
    .find = find_ticket_entry, .open = open_ticket_entry, .admit = admit_ticket_put, .place = place_ticket_bytes
};
