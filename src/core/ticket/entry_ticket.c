/* SPDX-License-Identifier: Apache-2.0 */
/* Redeeming: the bytes that come under the key of a ticket become those of its file.
 *
 * The form or link was signed with the server's key, which knows nothing of the user whom it was handed to: that this
 * one was not shut out meanwhile is asked here.
 *
 * Permission is asked twice. At the head: the ticket is there, pending, and not past its time. Inside the write that
 * places the bytes: it is still there and pending. An upload that began in time may end after it: its sender cannot
 * know how long the line takes, and what comes of it is purged with the file in any case unless somebody confirms it.
 */
#include "core/bucket/entry_priv.h"

#include "core/core_priv.h"
#include "core/event.h"
#include "core/file/lifecycle.h"

#include <string.h>

static err_t forbidden(struct arena *a, const char *why)
{
    return err_make(a, ERR_FORBIDDEN, "%s", why);
}

/* The ticket and its file, if bytes may still be put. */
static err_t find_pending(struct meta_tx *tx, const struct entry_put *put, int64_t now_ms, struct arena *a,
                          struct ticket *ret_ticket, struct file *ret_file)
{
    err_t e = meta_ticket_by_key(tx, put->bucket.id, put->order.key, a, ret_ticket);
    if (!e)
        e = meta_file_get(tx, ret_ticket->file_id, a, ret_file);
    if (err_is(e, ERR_NOT_FOUND))
        return forbidden(a, "nobody was permitted to put bytes under this key");
    TRY(e);
    if (ret_ticket->confirmed_at_ms)
        return forbidden(a, "the file was confirmed: its bytes do not change any more");
    if (file_is_past(ret_file, now_ms) || (ret_file->state != FILE_ISSUED && ret_file->state != FILE_STORED))
        return forbidden(a, "the permission to put these bytes has ended");
    struct user owner;
    TRY(meta_user_get(tx, ret_file->owner_id, a, &owner));
    return owner.state == USER_ACTIVE ? NULL
                                      : forbidden(a, "the user who was permitted to put these bytes is not active");
}

/* ---- at the head ---- */

static err_t check_declared(const struct entry_order *order, uint64_t declared, struct arena *a)
{
    if ((order->exact_bytes >= 0 && (uint64_t)order->exact_bytes > declared) ||
        (order->max_bytes && declared > order->max_bytes))
        return err_make(a, ERR_TOO_LARGE, "%llu bytes were permitted", (unsigned long long)declared);
    if (order->exact_bytes >= 0 && (uint64_t)order->exact_bytes < declared)
        return err_make(a, ERR_EMPTY, "fewer bytes than the %llu that were permitted", (unsigned long long)declared);
    return NULL;
}

err_t ticket_put_open(struct entry_put *put, struct intake_order *in, struct arena *a)
{
    struct core *core = put->core;
    struct ticket ticket;
    struct file file;
    int64_t now_ms = core_now_ms(core);
    SCOPED(meta_read_endp)
    struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(find_pending(tx, put, now_ms, a, &ticket, &file));
    if (ticket.expires_at_ms <= now_ms)
        return forbidden(a, "the time in which bytes could be put has run out");
    TRY(check_declared(&put->order, ticket.declared_bytes, a));
    int64_t old_bytes = file.object_id ? (int64_t)file.size_bytes : 0;
    TRY(account_check_room(core, tx, file.account_id, (int64_t)ticket.declared_bytes - old_bytes,
                           file.object_id ? 0 : 1, a));
    put->file_id = ticket.file_id;
    if (put->order.min_bytes < ticket.declared_bytes)
        put->order.min_bytes = ticket.declared_bytes;
    in->account_id = file.account_id;
    in->owner_id = file.owner_id;
    in->exact_bytes = (int64_t)ticket.declared_bytes; /* known, whether or not the sender says so; also when it is 0 */
    return NULL;
}

/* ---- in the write ---- */

err_t ticket_place(struct meta_tx *tx, struct entry_put *put, const struct intake_result *result, struct arena *a)
{
    struct ticket ticket;
    struct file file;
    TRY(find_pending(tx, put, result->at_ms, a, &ticket, &file));
    if (ticket.file_id != put->file_id)
        return forbidden(a, "the permission to put these bytes has ended");
    if (result->object.size_bytes != ticket.declared_bytes)
        return err_make(a, ERR_EMPTY, "not the %llu bytes that were permitted",
                        (unsigned long long)ticket.declared_bytes);
    if (entry_is_conditional(&put->order.condition)) {
        struct entry there = { .size_bytes = file.size_bytes };
        memcpy(there.md5, file.md5, MD5_SIZE);
        TRY(entry_check_condition(&put->order.condition, file.object_id ? &there : NULL, a));
    }
    int64_t old_bytes = file.object_id ? (int64_t)file.size_bytes : 0, old_object_id;
    TRY(account_take_room(put->core, tx, file.account_id, (int64_t)result->object.size_bytes - old_bytes,
                          file.object_id ? 0 : 1, a));
    struct object object = result->object;
    TRY(meta_object_add(tx, &object, a, &object.id));
    TRY(meta_file_set_object(tx, file.id, &object, result->at_ms, a, &old_object_id));
    if (old_object_id)
        TRY(meta_object_release(tx, old_object_id, result->at_ms, a));
    put->entry.object_id = object.id;
    /* By whoever got the permission: the key that signed it is the server's own. */
    struct principal owner = { .account_id = file.account_id,
                               .user_id = file.owner_id,
                               .login = file.owner_login,
                               .request_id = put->who.request_id };
    return event_write(tx, result->at_ms, &owner, 0, S("file.store"), event_file(a, &file), file.name, a);
}

/* ---- reading ---- */

static slice type_header(struct arena *a, slice content_type)
{
    slice parts[] = { S("Content-Type: "), content_type, S("\n") };
    return content_type.n ? arena_join(a, parts, LENGTH_OF(parts)) : S("");
}

err_t ticket_entry(struct meta_tx *tx, struct core *core, const struct bucket *bucket, slice key, struct arena *a,
                   struct entry *ret, struct file *ret_file)
{
    struct ticket ticket;
    struct file file = { 0 };
    TRY(meta_ticket_by_key(tx, bucket->id, key, a, &ticket));
    TRY(meta_file_get(tx, ticket.file_id, a, &file));
    if (!file.object_id || file_is_past(&file, core_now_ms(core)))
        return err_make(a, ERR_NOT_FOUND, "no such file");
    *ret = (struct entry){ .bucket_id = bucket->id,
                           .key = ticket.key,
                           .owner_id = file.owner_id,
                           .object_id = file.object_id,
                           .size_bytes = file.size_bytes,
                           .upload = S(""),
                           .headers = type_header(a, file.content_type),
                           .tags = S(""),
                           .modified_at_ms = file.stored_at_ms };
    memcpy(ret->md5, file.md5, MD5_SIZE);
    *ret_file = file;
    return NULL;
}
