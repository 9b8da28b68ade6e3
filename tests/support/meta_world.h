/* SPDX-License-Identifier: Apache-2.0 */
/* A metadata store over one of the test databases, with an account and a user. */
#ifndef CAIS_TESTS_META_WORLD_H
#define CAIS_TESTS_META_WORLD_H

#include "core/records/account.h"
#include "core/records/event.h"
#include "core/records/file.h"
#include "core/records/object.h"
#include "core/records/record_size.h"
#include "core/records/user.h"
#include "core/store/account_store.h"
#include "core/store/event_store.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"
#include "core/store/user_store.h"
#include "meta/meta.h"
#include "sql_kinds.h"

struct meta_world {
    struct test_database database;
    struct meta_options options;
    struct arena arena, *a;
    struct meta_store *store;
    int64_t account, user;
};

static inline err_t meta_world_add_user(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct meta_world *w = arg;
    TRY(meta_account_add(tx, &(struct account){ .name = S("default"), .created_at_ms = 1 }, a, &w->account));
    return meta_user_add(tx, &(struct user){ .account_id = w->account, .login = S("alice"), .name = S("Alice") }, a,
                         &w->user);
}

static inline void meta_world_open(struct meta_world *w)
{
    EXPECT_OK(meta_open(test_database_open(&w->database, w->a), &w->options, w->a, &w->store));
}

static inline void meta_world_init(struct meta_world *w, enum database_kind kind, struct meta_options options)
{
    *w = (struct meta_world){ .options = options };
    test_database_init(&w->database, kind);
    arena_init(&w->arena);
    w->a = &w->arena;
    meta_world_open(w);
    EXPECT_OK(meta_write(w->store, meta_world_add_user, w, w->a));
}

static inline void meta_world_release(struct meta_world *w)
{
    meta_close(w->store);
    arena_release(w->a);
    test_database_release(&w->database);
}

/* Everything that core writes for one upload. */
struct meta_upload {
    struct meta_world *world;
    uint64_t number; /* its bytes are the first bytes of the UUID */
    slice bytes, blob_key;
    int64_t file_id, object_id;
};

static inline err_t meta_upload_apply(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct meta_upload *u = arg;
    int64_t account = u->world->account;
    struct object o = {
        .account_id = account, .size_bytes = u->bytes.n, .inline_bytes = u->bytes, .blob_key = u->blob_key
    };
    TRY(meta_object_add(tx, &o, a, &u->object_id));
    struct file f = { .account_id = account,
                      .owner_id = u->world->user,
                      .origin = S("test"),
                      .name = S("a.txt"),
                      .state = FILE_STORED,
                      .object_id = u->object_id,
                      .size_bytes = u->bytes.n };
    memcpy(f.uuid, &u->number, sizeof u->number);
    struct account_use more = {
        .bytes = (int64_t)u->bytes.n, .files = 1, .records = file_record_size(&f), .owner_id = f.owner_id
    };
    TRY(meta_account_use(tx, account, &more, a));
    TRY(meta_file_add(tx, &f, a, &u->file_id));
    return meta_event_add(
        tx,
        &(struct event){
            .account_id = account, .actor_id = u->world->user, .action = S("file.store"), .subject = S("file:x") },
        a);
}

#endif
