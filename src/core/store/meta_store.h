/* SPDX-License-Identifier: Apache-2.0 */
/* Where records live. Implemented once, by src/meta over src/sql; tests/conformance/meta.c holds every database to it.
 *
 * Reading: meta_read_begin gives a consistent snapshot; short, on any thread.
 * Writing: there is one writer, the committer. A caller hands it a function that runs inside its transaction; the
 * committer takes whatever waits, runs each function in turn, commits once on stable storage, then tells each caller.
 * A function that returns an error is undone alone and fails alone. Because functions run one after the other, "check,
 * then change" inside one of them is a compare-and-set.
 *
 * Errors of every call: NO_SPACE, UNAVAILABLE, CORRUPT, as in sql.h; NOT_FOUND where a single record is asked for;
 * CONFLICT where uniqueness is broken.
 * ret_ values are written only on success and live in `a`. */
#ifndef CAIS_CORE_STORE_META_STORE_H
#define CAIS_CORE_STORE_META_STORE_H

#include "base/err.h"
#include "core/types.h"

struct meta_store;
struct meta_tx; /* a snapshot, or the committer's transaction */

/* ---- transactions ---- */

MUST_USE err_t meta_read_begin(struct meta_store *, struct arena *a, struct meta_tx **ret_tx);
void meta_read_end(struct meta_tx *); /* NULL is fine */
static inline void meta_read_endp(struct meta_tx **tx)
{
    meta_read_end(*tx);
}

/* Runs on the committer's thread. May be run twice when the transaction has to be repeated, so it must change nothing
 * but the store and what it returns through arg. `a` lives until done was called. */
typedef err_t meta_apply_fn(struct meta_tx *, void *arg, struct arena *a);

struct meta_write {
    meta_apply_fn *apply;
    void *arg;
    /* Called once, on the committer's thread, after the commit or the failure; must not block. `e` (NULL: committed)
     * lives in `a`, which dies when done returns. */
    void (*done)(struct meta_write *, err_t e);
    struct meta_write *next; /* the store's, while submitted */
};
/* Hand over a write. The struct must live until done. False: the queue is full or the store is closing; done will not
 * be called: tell the client to come back (UNAVAILABLE). */
MUST_USE bool meta_submit(struct meta_store *, struct meta_write *);
/* Submit and wait for the commit. Not on a thread that must not block. */
MUST_USE err_t meta_write(struct meta_store *, meta_apply_fn *apply, void *arg, struct arena *a);

/* Goes up before the done of every write that changed or removed a record that existed before (not by those that only
 * add). A cached record is good while the generation read before it was looked up still stands. */
uint64_t meta_generation(struct meta_store *);

/* A consistent copy at `path` while in use; see sql.h. */
MUST_USE err_t meta_backup(struct meta_store *, const char *path, struct arena *a);
/* The database's own check, then foreign keys. CORRUPT with the first complaint. */
MUST_USE err_t meta_verify(struct meta_store *, struct arena *a);
void meta_close(struct meta_store *); /* finishes what was submitted; NULL is fine */

/* ---- accounts and users ---- */

MUST_USE err_t meta_account_add(struct meta_tx *, const struct account *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_account_get(struct meta_tx *, int64_t id, struct arena *a, struct account *ret);
MUST_USE err_t meta_account_by_name(struct meta_tx *, slice name, struct arena *a, struct account *ret);
MUST_USE err_t meta_account_list(struct meta_tx *, struct arena *a, struct account **ret, size_t *ret_count);
MUST_USE err_t meta_account_set_limits(struct meta_tx *, int64_t id, int64_t max_bytes, int64_t max_files,
                                       struct arena *a);
/* Adds (or, negative, gives back) what files use. QUOTA when a limit of the account would be passed by adding. */
MUST_USE err_t meta_account_use(struct meta_tx *, int64_t id, int64_t bytes, int64_t files, struct arena *a);

MUST_USE err_t meta_user_add(struct meta_tx *, const struct user *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_user_get(struct meta_tx *, int64_t id, struct arena *a, struct user *ret); /* also deleted ones */
MUST_USE err_t meta_user_by_login(struct meta_tx *, slice login, struct arena *a, struct user *ret); /* not deleted */
/* By e-mail or login, within an account, active only. */
MUST_USE err_t meta_user_by_email(struct meta_tx *, int64_t account_id, slice email, struct arena *a, struct user *ret);
MUST_USE err_t meta_user_list(struct meta_tx *, int64_t account_id /* 0: all */, struct arena *a, struct user **ret,
                              size_t *ret_count);
MUST_USE err_t meta_user_set_state(struct meta_tx *, int64_t id, enum user_state, struct arena *a);
MUST_USE err_t meta_user_set_password(struct meta_tx *, int64_t id, slice hash, struct arena *a);
MUST_USE err_t meta_user_password(struct meta_tx *, int64_t id, struct arena *a, slice *ret_hash); /* empty: none set */

/* ---- credentials ---- */

MUST_USE err_t meta_credential_add(struct meta_tx *, const struct credential *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_credential_get(struct meta_tx *, int64_t id, struct arena *a, struct credential *ret);
/* By purpose, form and hash, whatever its state. */
MUST_USE err_t meta_credential_by_hash(struct meta_tx *, slice purpose, enum credential_form,
                                       const unsigned char hash[SHA256_SIZE], struct arena *a, struct credential *ret);
MUST_USE err_t meta_credential_list(struct meta_tx *, int64_t user_id /* 0: all */, enum credential_form,
                                    struct arena *a, struct credential **ret, size_t *ret_count);
/* Ends it and every token made from it. Ended before is success. */
MUST_USE err_t meta_credential_revoke(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* Ends every token of the user (keys stay). */
MUST_USE err_t meta_credential_revoke_tokens(struct meta_tx *, int64_t user_id, int64_t now_ms, struct arena *a);
/* Ends the user's oldest live tokens of that purpose so that at most `keep` are left. */
MUST_USE err_t meta_credential_trim_tokens(struct meta_tx *, int64_t user_id, slice purpose, int64_t keep,
                                           int64_t now_ms, struct arena *a);
/* The sealed half of a key pair; one that is put again takes the place of the first. */
MUST_USE err_t meta_secret_put(struct meta_tx *, int64_t credential_id, slice sealed, struct arena *a);
MUST_USE err_t meta_secret_get(struct meta_tx *, int64_t credential_id, struct arena *a, slice *ret_sealed);
/* Those of keys that have not ended, newest first, ids below before_id (0: no bound): for fsck. */
struct secret {
    int64_t credential_id;
    slice sealed;
};
MUST_USE err_t meta_secret_list(struct meta_tx *, int64_t before_id, size_t most, struct arena *a, struct secret **ret,
                                size_t *ret_count);
/* The newest key of that user and purpose that was not ended and never expires. NOT_FOUND when it has none. */
MUST_USE err_t meta_credential_newest(struct meta_tx *, int64_t user_id, slice purpose, struct arena *a,
                                      struct credential *ret);
/* Forgets tokens that ended or expired before `before_ms`. */
MUST_USE err_t meta_credential_forget(struct meta_tx *, int64_t before_ms, struct arena *a, int64_t *ret_count);

/* ---- objects and files ---- */

/* Inline bytes are written when blob_key is empty. */
MUST_USE err_t meta_object_add(struct meta_tx *, const struct object *, struct arena *a, int64_t *ret_id);
/* With inline bytes (copied into `a`). */
MUST_USE err_t meta_object_get(struct meta_tx *, int64_t id, struct arena *a, struct object *ret);
/* One that is put together from `count` objects, in this order. size_bytes, part_count and the offsets are worked out
 * here from the parts; account, md5 and time are the caller's. An object may be several of the parts.
 * Errors: EMPTY no parts; NOT_FOUND one of them; INVALID one is put together itself; TOO_LARGE together. */
MUST_USE err_t meta_object_compose(struct meta_tx *, const struct object *, const int64_t *part_ids, size_t count,
                                   struct arena *a, int64_t *ret_id);
/* The parts of one, in order, without inline bytes. None for an object that is whole. */
MUST_USE err_t meta_object_parts(struct meta_tx *, int64_t id, struct arena *a, struct object_part **ret,
                                 size_t *ret_count);
/* Remove the object's record if nothing refers to it: no file, entry, part of an upload, or object that it is a part
 * of; and then, of one put together, those of its parts that nothing else refers to. Blob keys go to the garbage list
 * in the same transaction. */
MUST_USE err_t meta_object_release(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* It is there, but nothing refers to it: should not be, since the last reference takes it along. */
MUST_USE err_t meta_object_is_stray(struct meta_tx *, int64_t id, struct arena *a, bool *ret_is);
/* Objects in id order after `after_id`, without bytes: for fsck and backup. Stops at the first error of visit. */
MUST_USE err_t meta_object_each(struct meta_tx *, int64_t after_id, struct arena *a,
                                err_t (*visit)(void *arg, const struct object *), void *arg);
MUST_USE err_t meta_object_has_key(struct meta_tx *, slice blob_key, struct arena *a, bool *ret_has);
/* Blob keys whose bytes may go, oldest first, put there before `before_ms`. */
MUST_USE err_t meta_garbage_list(struct meta_tx *, int64_t before_ms, size_t most, struct arena *a, slice **ret_keys,
                                 size_t *ret_count);
MUST_USE err_t meta_garbage_forget(struct meta_tx *, slice blob_key, struct arena *a);

MUST_USE err_t meta_file_add(struct meta_tx *, const struct file *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_file_get(struct meta_tx *, int64_t id, struct arena *a, struct file *ret);
MUST_USE err_t meta_file_by_uuid(struct meta_tx *, const unsigned char uuid[16], struct arena *a, struct file *ret);
/* The same with its object (inline bytes too) in one look-up: what a download needs. owner_login is not filled;
 * ret_object->id is 0 when there is none. */
MUST_USE err_t meta_file_with_object(struct meta_tx *, const unsigned char uuid[16], struct arena *a,
                                     struct file *ret_file, struct object *ret_object);
struct file_query {
    int64_t account_id;  /* 0: all */
    int64_t owner_id;    /* 0: any */
    int64_t pending_of;  /* of those that are pending only this owner's; 0: all */
    int64_t before_id;   /* only ids below it; 0: no bound */
    int state;           /* an enum file_state, -1: any */
    slice name_contains; /* without case (ASCII); empty: any */
    size_t most;
};
/* Newest first. */
MUST_USE err_t meta_file_list(struct meta_tx *, const struct file_query *, struct arena *a, struct file **ret,
                              size_t *ret_count);
/* Compare-and-set: CONFLICT unless the file is in state `from`. */
MUST_USE err_t meta_file_move(struct meta_tx *, int64_t id, enum file_state from, enum file_state to,
                              int64_t purge_at_ms, struct arena *a);
/* Bytes have come: ISSUED or STORED becomes STORED with this object, its size and MD5. CONFLICT in another state. The
 * object from before (ret_old_object_id; 0: none) is the caller's to release. */
MUST_USE err_t meta_file_set_object(struct meta_tx *, int64_t id, const struct object *, int64_t stored_at_ms,
                                    struct arena *a, int64_t *ret_old_object_id);
/* Removes the record (references to it must be gone) and its ticket, not the object. */
MUST_USE err_t meta_file_remove(struct meta_tx *, int64_t id, struct arena *a);
/* Files whose purge_at_ms is set and not after now, oldest first. */
MUST_USE err_t meta_file_due(struct meta_tx *, int64_t now_ms, size_t most, struct arena *a, struct file **ret,
                             size_t *ret_count);
/* Recount what every account's files, entries and parts use and compare with its counters; `repair` corrects them. */
MUST_USE err_t meta_usage_check(struct meta_tx *, bool repair, struct arena *a, int64_t *ret_wrong);

/* ---- tickets ---- */

/* CONFLICT: the bucket has a ticket for that key, or the file has one. */
MUST_USE err_t meta_ticket_add(struct meta_tx *, const struct ticket *, struct arena *a);
MUST_USE err_t meta_ticket_get(struct meta_tx *, int64_t file_id, struct arena *a, struct ticket *ret);
MUST_USE err_t meta_ticket_by_key(struct meta_tx *, int64_t bucket_id, slice key, struct arena *a, struct ticket *ret);
MUST_USE err_t meta_ticket_confirm(struct meta_tx *, int64_t file_id, int64_t confirmed_at_ms, struct arena *a);
/* What it is to be hung on. */
MUST_USE err_t meta_ticket_set_place(struct meta_tx *, int64_t file_id, int64_t task_id, int64_t comment_id,
                                     struct arena *a);
/* At most `most` pending tickets that are to be hung on the task (or, comment_id not 0, on that comment), by file. */
MUST_USE err_t meta_ticket_pending(struct meta_tx *, int64_t task_id, int64_t comment_id, size_t most, struct arena *a,
                                   struct ticket **ret, size_t *ret_count);

/* A file as it hangs on a task: what a list of a task's files shows. */
struct document {
    struct file file;
    bool has_ticket;
    struct ticket ticket;        /* zeros when it came in without one */
    slice owner_name;            /* of the file's owner */
    int64_t reference_id;        /* the first that holds it, in a list the first of those asked for; 0: none */
    int64_t task_id, comment_id; /* of that reference, or where a pending ticket says it will hang; 0: nowhere */
    slice task_text;             /* its beginning: a list repeats it for each of many files */
};
#define DOCUMENT_TASK_TEXT_MAX 1000 /* characters of it */
MUST_USE err_t meta_document_get(struct meta_tx *, int64_t file_id, struct arena *a, struct document *ret);
/* Files that references of the task (and of its comments) hold, each once, by id. comment_id 0: of all of them. */
MUST_USE err_t meta_document_list(struct meta_tx *, int64_t task_id, int64_t comment_id, size_t offset, size_t most,
                                  struct arena *a, struct document **ret, size_t *ret_count);
MUST_USE err_t meta_document_count(struct meta_tx *, int64_t task_id, struct arena *a, int64_t *ret);
/* The first file of that name (as it came in, byte by byte) that a reference of the task holds. NOT_FOUND when there is
 * none. */
MUST_USE err_t meta_document_named(struct meta_tx *, int64_t task_id, slice name, struct arena *a,
                                   int64_t *ret_file_id);

/* ---- buckets, entries, uploads in parts ---- */

MUST_USE err_t meta_bucket_add(struct meta_tx *, const struct bucket *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_bucket_by_name(struct meta_tx *, slice name, struct arena *a, struct bucket *ret);
MUST_USE err_t meta_bucket_list(struct meta_tx *, int64_t account_id /* 0: all, the server's too */, struct arena *a,
                                struct bucket **ret, size_t *ret_count); /* by name */
MUST_USE err_t meta_bucket_set_cors(struct meta_tx *, int64_t id, slice cors, struct arena *a);
/* CONFLICT while it has entries, uploads or tickets. */
MUST_USE err_t meta_bucket_remove(struct meta_tx *, int64_t id, struct arena *a);

/* Puts a new entry, or replaces the one with that key; then ret_old_object_id (0: there was none) is the caller's to
 * release (it may be the new one's, too), and ret_old_bytes is what it held. NOT_FOUND: there is no such bucket. */
MUST_USE err_t meta_entry_put(struct meta_tx *, const struct entry *, struct arena *a, int64_t *ret_old_object_id,
                              uint64_t *ret_old_bytes);
MUST_USE err_t meta_entry_get(struct meta_tx *, int64_t bucket_id, slice key, struct arena *a, struct entry *ret);
/* With its object, inline bytes too, in one look-up: what a download needs. */
MUST_USE err_t meta_entry_with_object(struct meta_tx *, int64_t bucket_id, slice key, struct arena *a,
                                      struct entry *ret_entry, struct object *ret_object);
MUST_USE err_t meta_entry_set_tags(struct meta_tx *, int64_t bucket_id, slice key, slice tags, struct arena *a);
/* Removes the record, not the object. */
MUST_USE err_t meta_entry_remove(struct meta_tx *, int64_t bucket_id, slice key, struct arena *a);
/* Keys in ascending order of bytes: those at or after `from` (from_after: only after it) and, when `before` is not
 * empty, below `before`. visit is called for each until it says *ret_stop or there are no more; headers, tags and
 * upload are not filled. The slices live for the call. Constant memory. */
struct entry_range {
    int64_t bucket_id;
    slice from;
    bool from_after;
    slice before;
};
MUST_USE err_t meta_entry_each(struct meta_tx *, const struct entry_range *, struct arena *a,
                               err_t (*visit)(void *arg, const struct entry *, bool *ret_stop), void *arg);

MUST_USE err_t meta_upload_add(struct meta_tx *, const struct upload *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_upload_by_name(struct meta_tx *, slice name, struct arena *a, struct upload *ret);
/* Removes the upload and its parts' records, not the objects. */
MUST_USE err_t meta_upload_remove(struct meta_tx *, int64_t id, struct arena *a);
/* By key, then id: those after (after_key, after_id), of which only keys that begin with `prefix`. after_id 0: all
 * uploads of after_key are left out. Empty after_key: from the start. */
MUST_USE err_t meta_upload_list(struct meta_tx *, int64_t bucket_id, slice prefix, slice after_key, int64_t after_id,
                                size_t most, struct arena *a, struct upload **ret, size_t *ret_count);
/* Uploads whose expires_at_ms is not after now, oldest first. */
MUST_USE err_t meta_upload_due(struct meta_tx *, int64_t now_ms, size_t most, struct arena *a, struct upload **ret,
                               size_t *ret_count);
/* As meta_entry_put. NOT_FOUND: there is no such upload (any more). */
MUST_USE err_t meta_part_put(struct meta_tx *, const struct upload_part *, struct arena *a, int64_t *ret_old_object_id,
                             uint64_t *ret_old_bytes);
/* By number, those after `after`. */
MUST_USE err_t meta_part_list(struct meta_tx *, int64_t upload_id, int64_t after, size_t most, struct arena *a,
                              struct upload_part **ret, size_t *ret_count);

/* ---- tasks, comments, references ---- */

MUST_USE err_t meta_task_add(struct meta_tx *, const struct task *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_task_get(struct meta_tx *, int64_t id, struct arena *a, struct task *ret);
MUST_USE err_t meta_task_update(struct meta_tx *, const struct task *,
                                struct arena *a); /* all but id, account, author */
/* Removes the task, its members, comments and references; files are the caller's business before that. Confirmed
 * tickets no longer name it. CONFLICT while a pending one does: what is not confirmed goes first. */
MUST_USE err_t meta_task_remove(struct meta_tx *, int64_t id, struct arena *a);
struct task_query {
    int64_t account_id;
    int64_t seen_by;   /* shared tasks, those of this user, and those it is a member of; 0: all of the account */
    int64_t author_id; /* 0: any */
    int64_t member_id; /* who is a member, in one of these roles; 0: any */
    int member_roles;
    int64_t also_member_id; /* the same, a second time: both must hold */
    int also_member_roles;
    const int64_t *ids; /* only these; NULL: any */
    size_t id_count;
    int closed;      /* 1: closed ones, 0: open ones, -1: both */
    bool descending; /* by id */
    /* The value, compared as text, that a member of details, a JSON number or string, must have; name empty: any. */
    slice detail_name, detail_value;
    slice also_detail_name, also_detail_value; /* the same, a second time */
    size_t offset, most;
};
/* ret_total: how many there are without offset and most. */
MUST_USE err_t meta_task_list(struct meta_tx *, const struct task_query *, struct arena *a, struct task **ret,
                              size_t *ret_count, int64_t *ret_total);
MUST_USE err_t meta_task_members(struct meta_tx *, int64_t task_id, struct arena *a, struct task_member **ret,
                                 size_t *ret_count);
/* roles 0 removes the member. */
MUST_USE err_t meta_task_set_member(struct meta_tx *, int64_t task_id, int64_t user_id, int roles, struct arena *a);

MUST_USE err_t meta_comment_add(struct meta_tx *, const struct comment *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_comment_get(struct meta_tx *, int64_t id, struct arena *a, struct comment *ret);
MUST_USE err_t meta_comment_set_text(struct meta_tx *, int64_t id, slice text, int64_t edited_at_ms, struct arena *a);
MUST_USE err_t meta_comment_list(struct meta_tx *, int64_t task_id, struct arena *a, struct comment **ret,
                                 size_t *ret_count); /* oldest first */
/* With the references of the comment: files are the caller's business before that. Pending tickets that were to be hung
 * on it are to be hung on its task. */
MUST_USE err_t meta_comment_remove(struct meta_tx *, int64_t id, struct arena *a);
MUST_USE err_t meta_comment_count(struct meta_tx *, int64_t task_id, struct arena *a, int64_t *ret);
/* Bytes of texts and details of all comments of the task. */
MUST_USE err_t meta_comment_bytes(struct meta_tx *, int64_t task_id, struct arena *a, int64_t *ret);

/* root_id 0: version 1 of a new chain. Sets id, root_id and version. */
MUST_USE err_t meta_reference_add(struct meta_tx *, struct reference *, struct arena *a);
MUST_USE err_t meta_reference_get(struct meta_tx *, int64_t id, struct arena *a, struct reference *ret);
MUST_USE err_t meta_reference_list(struct meta_tx *, int64_t task_id, struct arena *a, struct reference **ret,
                                   size_t *ret_count); /* by id */
MUST_USE err_t meta_reference_list_file(struct meta_tx *, int64_t file_id, struct arena *a, struct reference **ret,
                                        size_t *ret_count); /* by id */
/* The file is the caller's business after that. */
MUST_USE err_t meta_reference_remove(struct meta_tx *, int64_t id, struct arena *a);
MUST_USE err_t meta_reference_count(struct meta_tx *, int64_t task_id, struct arena *a, int64_t *ret);
MUST_USE err_t meta_reference_holds(struct meta_tx *, int64_t file_id, struct arena *a, int64_t *ret_count);

/* ---- events and jobs ---- */

MUST_USE err_t meta_event_add(struct meta_tx *, const struct event *, struct arena *a);
/* Newest first, ids below before_id (0: no bound). */
MUST_USE err_t meta_event_list(struct meta_tx *, int64_t before_id, size_t most, struct arena *a, struct event **ret,
                               size_t *ret_count);

MUST_USE err_t meta_job_add(struct meta_tx *, const struct job *, struct arena *a, int64_t *ret_id);
/* Make sure that a periodic job of that kind exists; one that was RUNNING when the server died is QUEUED again. */
MUST_USE err_t meta_job_ensure(struct meta_tx *, slice kind, int64_t run_at_ms, struct arena *a);
/* The job that has been due longest; NOT_FOUND when none is. */
MUST_USE err_t meta_job_due(struct meta_tx *, int64_t now_ms, struct arena *a, struct job *ret);
MUST_USE err_t meta_job_save(struct meta_tx *, const struct job *, struct arena *a); /* all but id, kind, subject */
MUST_USE err_t meta_job_list(struct meta_tx *, struct arena *a, struct job **ret, size_t *ret_count);

#endif
