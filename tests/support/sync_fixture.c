/* SPDX-License-Identifier: Apache-2.0 */
#include "sync_fixture.h"

#include "core/store/sync_file_store.h"
#include "test.h"

#include <string.h>

struct principal sync_fixture_key(const struct sync_fixture *f, const struct key_request *request, slice *ret_secret)
{
    struct world *w = f->w;
    struct minted_key minted;
    struct principal who = { 0 };
    EXPECT_OK(key_mint(&w->core, &w->operator_, request, w->a, &minted));
    EXPECT_OK(access_check(&w->core, request->purpose, CREDENTIAL_KEY, minted.key, w->a, &who));
    *ret_secret = minted.key;
    return who;
}

struct sync_fixture sync_fixture_new(struct world *w)
{
    struct sync_fixture f = { .g = guarded_fixture_new(w), .w = w };
    struct workspace workspace;
    struct section section;
    world_user(w, S("ana"));
    EXPECT_OK(workspace_add(&w->core, &w->operator_, S("W"), w->a, &workspace));
    EXPECT_OK(section_add(&w->core, &w->operator_, &(struct section_request){ S("W"), S("B"), false }, w->a, &section));
    EXPECT_OK(
        section_add(&w->core, &w->operator_, &(struct section_request){ S("W"), S("other"), false }, w->a, &section));
    struct key_request request = {
        .login = S("ana"), .purpose = S("test"), .role = KEY_WRITER, .workspace = S("W"), .section = S("B")
    };
    f.ana = sync_fixture_key(&f, &request, &f.key);
    return f;
}

struct sync_request sync_fixture_request(const struct sync_fixture *f, slice name)
{
    return (struct sync_request){ .workspace = S(""),
                                  .section = S(""),
                                  .origin = S("test"),
                                  .bucket_id = f->g.s.bucket.id,
                                  .name = name,
                                  .folder = S("daily"),
                                  .entity_type = S("wks_family"),
                                  .category = S(""),
                                  .remark = S(""),
                                  .tags = S(""),
                                  .metadata = S(""),
                                  .action = S(""),
                                  .lifetime_ms = SYNC_LIFETIME_MS,
                                  .pending_ms = SYNC_PENDING_MS,
                                  .idle_ms = SYNC_IDLE_MS };
}

/* ---- issuing ---- */

struct outcome {
    struct arena *a;
    pthread_mutex_t mutex;
    pthread_cond_t has_ended;
    int calls;
    err_t e;
    struct sync_file file;
};

static void note_issued(void *arg, err_t e, const struct sync_file *file)
{
    struct outcome *o = arg;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&o->mutex);
    o->calls++;
    o->e = err_copy(o->a, e);
    if (!e) {
        o->file = *file;
        o->file.handle = arena_copy(o->a, file->handle);
        o->file.key = arena_copy(o->a, file->key);
        o->file.action = arena_copy(o->a, file->action);
        o->file.section = arena_copy(o->a, file->section);
    }
    pthread_cond_signal(&o->has_ended);
}

err_t sync_fixture_try(const struct sync_fixture *f, const struct principal *who, const struct sync_request *request,
                       struct sync_file *ret)
{
    struct outcome o = { .a = f->w->a, .mutex = PTHREAD_MUTEX_INITIALIZER, .has_ended = PTHREAD_COND_INITIALIZER };
    sync_file_issue(&f->w->core, who, request, note_issued, &o);
    pthread_mutex_lock(&o.mutex);
    while (!o.calls)
        pthread_cond_wait(&o.has_ended, &o.mutex);
    pthread_mutex_unlock(&o.mutex);
    *ret = o.file;
    return o.e;
}

struct sync_file sync_fixture_issue(const struct sync_fixture *f, slice name)
{
    struct sync_request request = sync_fixture_request(f, name);
    struct sync_file file;
    EXPECT_OK(sync_fixture_try(f, &f->ana, &request, &file));
    return file;
}

/* ---- bytes and states ---- */

err_t sync_fixture_put(const struct sync_fixture *f, const struct sync_file *file, slice bytes, struct arena *a)
{
    struct entry_request request = bucket_fixture_request(file->key);
    struct stored_entry unused;
    return bucket_fixture_put(&f->g.s, &request, bytes, a, &unused);
}

struct sync_file sync_fixture_get(const struct sync_fixture *f, const struct sync_file *file)
{
    struct sync_file now = { 0 };
    struct meta_tx *tx = world_tx(f->w);
    EXPECT_OK(meta_sync_file_get(tx, file->id, f->w->a, &now));
    meta_read_end(tx);
    return now;
}

struct moving {
    struct sync_file_move move;
    bool changed;
};

static err_t apply_move(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct moving *m = arg;
    return meta_sync_file_move(tx, &m->move, a, &m->changed);
}

void sync_fixture_move(const struct sync_fixture *f, const struct sync_file *file, enum sync_state from,
                       enum sync_state to)
{
    int64_t now_ms = core_now_ms(&f->w->core);
    struct moving m = { { file->id, from, to, now_ms, now_ms + SYNC_IDLE_MS }, false };
    world_write(f->w, apply_move, &m);
    EXPECT(m.changed);
}
