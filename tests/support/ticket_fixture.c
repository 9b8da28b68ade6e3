/* SPDX-License-Identifier: Apache-2.0 */
#include "ticket_fixture.h"

#include "core/records/bucket.h"
#include "core/store/account_store.h"
#include "core/store/bucket_store.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"
#include "test.h"

#include <string.h>

static err_t add_guarded_bucket(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct ticket_fixture *p = arg;
    struct bucket bucket = { .owner_id = p->w->operator_.user_id,
                             .name = S("tickets"),
                             .kind = BUCKET_GUARDED,
                             .created_at_ms = WORLD_START_MS };
    return meta_bucket_add(tx, &bucket, a, &p->bucket_id);
}

struct ticket_fixture ticket_fixture_new(struct world *w)
{
    struct ticket_fixture p = { .w = w };
    world_write(w, add_guarded_bucket, &p);
    return p;
}

/* ---- issuing ---- */

struct ticket_request ticket_fixture_request(const struct ticket_fixture *p, int64_t task_id, slice name,
                                             uint64_t declared_bytes)
{
    slice parts[] = { S("/"), name };
    return (struct ticket_request){ .origin = S("test"),
                                    .name = name,
                                    .content_type = S("text/plain"),
                                    .declared_bytes = declared_bytes,
                                    .bucket_id = p->bucket_id,
                                    .key_head = S("data/1/"),
                                    .key_tail = arena_join(p->w->a, parts, LENGTH_OF(parts)),
                                    .lifetime_ms = TICKET_LIFETIME_MS,
                                    .pending_ms = TICKET_PENDING_MS,
                                    .holder = { task_id ? HOLDER_TASK : HOLDER_NONE, task_id } };
}

struct issue_outcome {
    struct arena *a;
    pthread_mutex_t mutex;
    pthread_cond_t has_ended;
    int calls;
    err_t e;
    struct ticket_fixture_issued issued;
};

static void note_issued(void *arg, err_t e, const struct ticket_issued *issued)
{
    struct issue_outcome *o = arg;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&o->mutex);
    o->calls++;
    o->e = err_copy(o->a, e);
    o->issued = (struct ticket_fixture_issued){ .document = { .file = issued->file,
                                                              .has_ticket = true,
                                                              .ticket = issued->ticket,
                                                              .owner_name = issued->owner_name,
                                                              .task_id = issued->ticket.holder.id,
                                                              .task_text = issued->holder_text },
                                                .duplicate_id = issued->duplicate_id };
    struct document *d = &o->issued.document;
    d->file.owner_login = arena_copy(o->a, d->file.owner_login);
    d->file.name = arena_copy(o->a, d->file.name);
    d->ticket.key = arena_copy(o->a, d->ticket.key);
    d->owner_name = arena_copy(o->a, d->owner_name);
    d->task_text = arena_copy(o->a, d->task_text);
    pthread_cond_signal(&o->has_ended);
}

err_t ticket_fixture_try(const struct ticket_fixture *p, const struct principal *who,
                         const struct ticket_request *request, struct ticket_fixture_issued *ret)
{
    struct issue_outcome o = { .a = p->w->a,
                               .mutex = PTHREAD_MUTEX_INITIALIZER,
                               .has_ended = PTHREAD_COND_INITIALIZER };
    ticket_issue(&p->w->core, who, request, note_issued, &o);
    pthread_mutex_lock(&o.mutex);
    while (!o.calls)
        pthread_cond_wait(&o.has_ended, &o.mutex);
    pthread_mutex_unlock(&o.mutex);
    EXPECT_EQ(o.calls, 1);
    *ret = o.issued;
    return o.e;
}

int64_t ticket_fixture_issue(const struct ticket_fixture *p, const struct principal *who, int64_t task_id, slice name,
                             uint64_t declared_bytes)
{
    struct ticket_request request = ticket_fixture_request(p, task_id, name, declared_bytes);
    struct ticket_fixture_issued issued;
    EXPECT_OK(ticket_fixture_try(p, who, &request, &issued));
    return issued.document.file.id;
}

/* ---- bytes ---- */

struct fixture_put {
    const struct ticket_fixture *p;
    int64_t file_id;
    slice bytes;
};

static err_t apply_fixture_put(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct fixture_put *put = arg;
    struct file f;
    int64_t old, now_ms = core_now_ms(&put->p->w->core);
    TRY(meta_file_get(tx, put->file_id, a, &f));
    struct object object = {
        .account_id = f.account_id, .size_bytes = put->bytes.n, .inline_bytes = put->bytes, .created_at_ms = now_ms
    };
    hash_md5(put->bytes, object.md5);
    TRY(meta_object_add(tx, &object, a, &object.id));
    TRY(meta_file_set_object(tx, f.id, &object, now_ms, a, &old));
    if (old)
        TRY(meta_object_release(tx, old, now_ms, a));
    struct account_use more = { .bytes = (int64_t)put->bytes.n - (int64_t)f.size_bytes,
                                .files = old ? 0 : 1,
                                .pending = old ? 0 : -1,
                                .owner_id = f.owner_id };
    return meta_account_use(tx, f.account_id, &more, a);
}

err_t ticket_fixture_put(const struct ticket_fixture *p, int64_t file_id, slice bytes)
{
    struct fixture_put put = { p, file_id, bytes };
    return meta_write(p->w->core.meta, apply_fixture_put, &put, p->w->a);
}

/* ---- confirmation and queries ---- */

err_t ticket_fixture_confirm(const struct ticket_fixture *p, const struct principal *who, int64_t file_id)
{
    return ticket_confirm(&p->w->core, who, file_id, p->w->a);
}

int64_t ticket_fixture_document(const struct ticket_fixture *p, const struct principal *who, int64_t task_id,
                                slice name, slice bytes)
{
    int64_t id = ticket_fixture_issue(p, who, task_id, name, bytes.n);
    EXPECT_OK(ticket_fixture_put(p, id, bytes));
    EXPECT_OK(ticket_fixture_confirm(p, who, id));
    return id;
}

bool ticket_fixture_has_file(const struct ticket_fixture *p, int64_t file_id)
{
    struct file f;
    struct meta_tx *tx = world_tx(p->w);
    err_t e = meta_file_get(tx, file_id, p->w->a, &f);
    meta_read_end(tx);
    EXPECT(!e || e->code == ERR_NOT_FOUND);
    return !e;
}

int64_t ticket_fixture_task(const struct ticket_fixture *p, const struct principal *who)
{
    int64_t id;
    EXPECT_OK(task_create(&p->w->core, who,
                          &(struct task_request){ .text = S("a task"), .is_silent = true, .is_shared = true }, p->w->a,
                          &id));
    return id;
}
