/* SPDX-License-Identifier: Apache-2.0 */
#include "bucket_fixture.h"

#include "core/records/file.h"
#include "core/records/object.h"
#include "core/records/record_size.h"
#include "core/records/ticket.h"
#include "core/store/account_store.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"
#include "core/store/ticket_store.h"
#include "test.h"

#include <stdlib.h>

enum { PIECE = 1000, ODD_PIECE = 777 };

struct bucket_fixture bucket_fixture_new(struct world *w)
{
    struct bucket_fixture s = { .w = w, .who = world_user(w, S("ana")) };
    EXPECT_OK(bucket_create(&w->core, &s.who, S("sample"), w->a));
    EXPECT_OK(bucket_find(&w->core, &s.who, S("sample"), BUCKET_WRITE, w->a, &s.bucket));
    return s;
}

/* ---- writing entries ---- */

struct put_outcome {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct arena *a; /* of the thread that waits */
    int calls;
    err_t e;
    struct stored_entry stored;
};

static void keep_outcome(void *arg, err_t e, const struct entry_stored *stored)
{
    struct put_outcome *t = arg;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&t->mutex);
    t->calls++;
    t->e = err_copy(t->a, e);
    EXPECT(!e == !!stored);
    if (stored)
        t->stored = (struct stored_entry){ arena_copy(t->a, stored->etag), stored->digest };
    pthread_cond_signal(&t->changed);
}

static err_t wait_for_outcome(struct put_outcome *t, struct stored_entry *ret)
{
    pthread_mutex_lock(&t->mutex);
    while (!t->calls)
        pthread_cond_wait(&t->changed, &t->mutex);
    pthread_mutex_unlock(&t->mutex);
    EXPECT_EQ(t->calls, 1);
    *ret = t->stored;
    return t->e;
}

static err_t write_in_pieces(struct intake *in, slice bytes, struct arena *a)
{
    for (slice left = bytes; left.n; left = slice_from(left, PIECE))
        TRY(intake_write(in, slice_part(left, 0, PIECE), a));
    return NULL;
}

struct entry_request bucket_fixture_request(slice key)
{
    return (struct entry_request){ .key = key, .exact_bytes = -1 };
}

err_t bucket_fixture_put(const struct bucket_fixture *s, const struct entry_request *request, slice bytes,
                         struct arena *a, struct stored_entry *ret)
{
    struct entry_put put;
    TRY(entry_put_open(&s->w->core, &s->who, &s->bucket, request, a, &put));
    err_t e = write_in_pieces(put.intake, bytes, a);
    if (e) {
        entry_put_discard(&put);
        return e;
    }
    struct put_outcome t = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .a = a };
    entry_put_finish(&put, keep_outcome, &t);
    return wait_for_outcome(&t, ret);
}

void bucket_fixture_store(const struct bucket_fixture *s, slice key, slice bytes)
{
    struct entry_request request = bucket_fixture_request(key);
    struct stored_entry unused;
    EXPECT_OK(bucket_fixture_put(s, &request, bytes, s->w->a, &unused));
}

/* ---- reading entries ---- */

static err_t read_in_pieces(const struct content *content, struct arena *a, slice *ret)
{
    size_t n = (size_t)content->size_bytes, at = 0, got = 1;
    char *to = arena_alloc(a, n + 1);
    for (; at < n && got; at += got)
        TRY(content_read_at(content, at, to + at, n - at < ODD_PIECE ? n - at : ODD_PIECE, a, &got));
    *ret = (slice){ to, at };
    return NULL;
}

err_t bucket_fixture_read(const struct bucket_fixture *s, slice key, struct arena *a, slice *ret)
{
    struct entry entry;
    struct content content;
    TRY(entry_open(&s->w->core, &s->bucket, key, a, &entry, &content));
    err_t e = NULL;
    if (content.bytes.p)
        *ret = arena_copy(a, content.bytes);
    else
        e = read_in_pieces(&content, a, ret);
    EXPECT(e || ret->n == entry.size_bytes);
    EXPECT_EQ(content.size_bytes, entry.size_bytes);
    content_close(&content);
    return e;
}

void bucket_fixture_expect(const struct bucket_fixture *s, slice key, slice bytes)
{
    SCRATCH(a);
    slice back = S("");
    EXPECT_OK(bucket_fixture_read(s, key, &a, &back));
    EXPECT_EQ(back.n, bytes.n);
    EXPECT(slice_eq(back, bytes));
}

bool bucket_fixture_has(const struct bucket_fixture *s, slice key)
{
    SCRATCH(a);
    struct entry entry;
    err_t e = entry_get(&s->w->core, &s->bucket, key, &a, &entry);
    EXPECT(!e || e->code == ERR_NOT_FOUND);
    return !e;
}

err_t bucket_fixture_remove(const struct bucket_fixture *s, slice key, struct arena *a)
{
    bool existed;
    return entry_remove(&s->w->core, &s->who, &s->bucket, &(struct entry_removal){ key }, a, &existed);
}

/* ---- uploads ---- */

slice bucket_fixture_upload(const struct bucket_fixture *s, slice key)
{
    struct upload_request request = { .key = key, .lifetime_ms = hours(1) };
    slice name;
    EXPECT_OK(upload_create(&s->w->core, &s->who, &s->bucket, &request, s->w->a, &name));
    return name;
}

struct upload_ref bucket_fixture_ref(const struct bucket_fixture *s, slice key, slice name)
{
    return (struct upload_ref){ &s->bucket, key, name };
}

err_t bucket_fixture_put_part(const struct bucket_fixture *s, slice key, slice name, const struct part_bytes *part,
                              struct arena *a, struct completed_part *ret)
{
    struct upload_ref ref = bucket_fixture_ref(s, key, name);
    struct part_request request = { .number = part->number, .exact_bytes = -1 };
    struct part_put put;
    TRY(part_put_open(&s->w->core, &s->who, &ref, &request, a, &put));
    err_t e = write_in_pieces(put.intake, part->bytes, a);
    if (e) {
        part_put_discard(&put);
        return e;
    }
    struct put_outcome outcome = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .a = a };
    struct stored_entry stored;
    part_put_finish(&put, keep_outcome, &outcome);
    TRY(wait_for_outcome(&outcome, &stored));
    *ret = (struct completed_part){ .number = part->number, .etag = stored.etag, .digest = stored.digest };
    return NULL;
}

struct complete_request bucket_fixture_complete_request(const struct bucket_fixture *s, slice key, slice name,
                                                        const struct completed_part *parts, size_t count)
{
    return (struct complete_request){
        .upload = bucket_fixture_ref(s, key, name), .parts = parts, .part_count = count, .exact_bytes = -1
    };
}

err_t bucket_fixture_complete(const struct bucket_fixture *s, const struct complete_request *request, struct arena *a,
                              struct entry *ret)
{
    return upload_complete(&s->w->core, &s->who, request, a, ret);
}

err_t bucket_fixture_abort(const struct bucket_fixture *s, slice key, slice name, struct arena *a)
{
    struct upload_ref ref = bucket_fixture_ref(s, key, name);
    return upload_abort(&s->w->core, &s->who, &ref, a);
}

/* ---- a guarded bucket ---- */

struct guarded_fixture guarded_fixture_new(struct world *w)
{
    struct guarded_fixture t = { .s = { .w = w, .who = w->operator_ }, .bob = world_user(w, S("bob")) };
    EXPECT_OK(bucket_ensure(&w->core, S("tickets"), w->a, &t.s.bucket));
    return t;
}

struct issuing {
    struct file file;
    struct ticket ticket;
};

static err_t apply_ticket_add(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct issuing *i = arg;
    TRY(meta_file_add(tx, &i->file, a, &i->ticket.file_id));
    struct account_use more = { .records = file_record_size(&i->file) + ticket_record_size(&i->ticket), .pending = 1 };
    TRY(meta_account_use(tx, i->file.account_id, &more, a));
    return meta_ticket_add(tx, &i->ticket, a);
}

int64_t guarded_fixture_issue(const struct guarded_fixture *t, slice key, uint64_t bytes)
{
    int64_t now_ms = core_now_ms(&t->s.w->core);
    struct issuing i = { .file = { .account_id = t->bob.account_id,
                                   .owner_id = t->bob.user_id,
                                   .origin = S("test"),
                                   .name = S("a.txt"),
                                   .content_type = S("text/csv"),
                                   .state = FILE_ISSUED,
                                   .created_at_ms = now_ms,
                                   .purge_at_ms = now_ms + minutes(20) },
                         .ticket = { .bucket_id = t->s.bucket.id,
                                     .key = key,
                                     .declared_bytes = bytes,
                                     .expires_at_ms = now_ms + minutes(10) } };
    random_uuid(t->s.w->core.random, i.file.uuid);
    world_write(t->s.w, apply_ticket_add, &i);
    return i.ticket.file_id;
}

/* ---- the whole store ---- */

static err_t count_object(void *arg, const struct object *object)
{
    (void)object;
    ++*(int64_t *)arg;
    return NULL;
}

int64_t count_objects(struct world *w)
{
    int64_t count = 0;
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_object_each(tx, 0, w->a, count_object, &count));
    meta_read_end(tx);
    return count;
}

void expect_empty_store(struct world *w)
{
    EXPECT_EQ(count_objects(w), 0);
    EXPECT_EQ(world_account(w).used_files, 0);
    EXPECT_EQ(world_account(w).used_bytes, 0);
    EXPECT_EQ(world_fsck(w, false), 0);
    world_wait(w, WORLD_GRACE_MS + hours(6));
    world_run_jobs(w);
    EXPECT_EQ(world_blob_count(w), 0);
    EXPECT_EQ(world_fsck(w, true), 0);
}
