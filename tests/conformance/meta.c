/* SPDX-License-Identifier: Apache-2.0 */
/* Holds every database to the headers of core/store/, call by call. meta_threads.c and meta_crash.c test threads and
 * crashes. */
#include "core/records/comment.h"
#include "core/records/credential.h"
#include "core/records/job.h"
#include "core/records/record_ids.h"
#include "core/records/reference.h"
#include "core/records/task.h"
#include "core/store/application_store.h"
#include "core/store/comment_store.h"
#include "core/store/credential_store.h"
#include "core/store/hold_store.h"
#include "core/store/job_store.h"
#include "core/store/reference_store.h"
#include "core/store/task_store.h"
#include "meta/statement_priv.h"
#include "meta_suite.h"

#include <fcntl.h>

IN_WRITE(two_accounts)
{
    (void)arg;
    int64_t id;
    TRY(meta_account_add(
        tx, &(struct account){ .name = S("other"), .created_at_ms = 5, .max_bytes = 100, .max_files = 2 }, a, &id));
    EXPECT_ERR(meta_account_add(tx, &(struct account){ .name = S("other") }, a, &id), ERR_CONFLICT);
    EXPECT_ERR(meta_account_set_limits(tx, 99, 1, 1, a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_account_use(tx, 99, &(struct account_use){ 1, 1 }, a), ERR_NOT_FOUND);
    return NULL;
}

IN_WRITE(use_all_of_the_limits)
{
    (void)arg;
    TRY(meta_account_use(tx, 2, &(struct account_use){ 100, 1 }, a)); /* exactly the limit */
    EXPECT_ERR(meta_account_use(tx, 2, &(struct account_use){ 1, 0 }, a), ERR_QUOTA);
    TRY(meta_account_use(tx, 2, &(struct account_use){ 0, 1 }, a));
    EXPECT_ERR(meta_account_use(tx, 2, &(struct account_use){ 0, 1 }, a), ERR_QUOTA);
    EXPECT_ERR(meta_account_use(tx, 2, &(struct account_use){ INT64_MAX, 1 }, a), ERR_QUOTA);
    TRY(meta_account_use(tx, 2, &(struct account_use){ -100, -1 }, a));
    TRY(meta_account_set_limits(tx, 2, 0, 0, a));
    return meta_account_use(tx, 2, &(struct account_use){ 1000, 10 }, a);
}

FOR_EACH_DATABASE(an_account_may_use_exactly_as_much_as_its_limits)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, two_accounts);
    RUN_WRITE(&w, use_all_of_the_limits);
    struct meta_tx *tx = snapshot(&w);
    struct account one;
    struct account_list all;
    EXPECT_OK(meta_account_get(tx, 2, w.a, &one));
    EXPECT_SLICE(one.name, S("other"));
    EXPECT(one.created_at_ms == 5 && one.used_bytes == 1000 && one.used_files == 11 && one.max_bytes == 0);
    EXPECT_OK(meta_account_by_name(tx, S("other"), w.a, &one));
    EXPECT_EQ(one.id, 2);
    EXPECT_ERR(meta_account_by_name(tx, S("Other"), w.a, &one), ERR_NOT_FOUND);
    EXPECT_ERR(meta_account_get(tx, 3, w.a, &one), ERR_NOT_FOUND);
    EXPECT_OK(meta_account_list(tx, w.a, &all));
    EXPECT(all.count == 2 && all.items[0].id == 1 && all.items[1].id == 2);
    meta_read_end(tx);
    meta_world_release(&w);
}

enum { MANY_ACCOUNTS = 100 };

IN_WRITE(use_many_accounts)
{
    (void)arg;
    for (int i = 0; i < MANY_ACCOUNTS; i++) {
        int64_t id;
        struct account account = { .name = arena_printf(a, "account %d", i), .max_bytes = 10 };
        TRY(meta_account_add(tx, &account, a, &id));
        TRY(meta_account_use(tx, id, &(struct account_use){ 10, 1 }, a));
    }
    for (int64_t id = 2; id < 2 + MANY_ACCOUNTS; id++) {
        EXPECT_ERR(meta_account_use(tx, id, &(struct account_use){ 1, 0 }, a), ERR_QUOTA);
        TRY(meta_account_use(tx, id, &(struct account_use){ -3, 1 }, a));
        TRY(meta_account_use(tx, id, &(struct account_use){ 2, 0 }, a));
    }
    struct account_list all;
    TRY(meta_account_list(tx, a, &all));
    for (size_t i = 1; i < all.count; i++)
        EXPECT(all.items[i].used_bytes == 9 && all.items[i].used_files == 2);
    return NULL;
}

FOR_EACH_DATABASE(one_write_may_use_many_accounts)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, use_many_accounts);
    struct meta_tx *tx = snapshot(&w);
    struct account_list all;
    EXPECT_OK(meta_account_list(tx, w.a, &all));
    EXPECT_EQ(all.count, 1 + MANY_ACCOUNTS);
    for (size_t i = 1; i < all.count; i++)
        EXPECT(all.items[i].used_bytes == 9 && all.items[i].used_files == 2);
    meta_read_end(tx);
    meta_world_release(&w);
}

/* It has added an account when it finds that there is no room for what it reads next, and does not ask. */
IN_WRITE(copy_more_than_a_write_may_hold)
{
    (void)arg;
    static const char text[100000] = "x";
    int64_t id;
    TRY(meta_account_add(tx, &(struct account){ .name = S("half") }, a, &id));
    for (int i = 0; i < 1000; i++)
        arena_copy_if_room(a, (slice){ text, sizeof text });
    return NULL;
}

FOR_EACH_DATABASE(a_write_or_a_list_that_takes_too_much_memory_is_refused)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    EXPECT_ERR(meta_write(w.store, copy_more_than_a_write_may_hold, NULL, w.a), ERR_TOO_LARGE);
    RUN_WRITE(&w, use_many_accounts); /* the next write has room again */
    struct meta_tx *tx = snapshot(&w);
    struct account account;
    struct account_list all;
    EXPECT_ERR(meta_account_by_name(tx, S("half"), w.a, &account), ERR_NOT_FOUND);
    SCRATCH(small);
    arena_set_limit(&small, 5000, NULL);
    EXPECT_ERR(meta_account_list(tx, &small, &all), ERR_TOO_LARGE);
    EXPECT(small.peak < 5000 + 2000);
    EXPECT_ERR(meta_write(w.store, use_many_accounts, NULL, &small),
               ERR_TOO_LARGE); /* what it stores may be incomplete */
    meta_read_end(tx);
    meta_world_release(&w);
}

/* Uses room as another machine could: after the look-up of the account and before the statement that adds to its
 * counters. */
IN_WRITE(use_room_that_another_takes)
{
    struct meta_world *w = arg;
    TRY(meta_account_set_limits(tx, w->account, 100, 0, a));
    TRY(meta_account_use(tx, w->account, &(struct account_use){ 60, 1 }, a));
    return sql_exec(tx->conn, STATEMENT("UPDATE accounts SET used_bytes = used_bytes + 50"), SQL_NO_VALUES, a, NULL);
}

FOR_EACH_DATABASE(a_write_is_refused_when_the_quota_is_used_up_before_its_end)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    EXPECT_ERR(meta_write(w.store, use_room_that_another_takes, &w, w.a), ERR_QUOTA);
    struct meta_tx *tx = snapshot(&w);
    struct account account;
    EXPECT_OK(meta_account_get(tx, w.account, w.a, &account));
    EXPECT(account.used_bytes == 0 && account.used_files == 0 && account.max_bytes == 0);
    meta_read_end(tx);
    meta_world_release(&w);
}

/* The same for a user, whose account has no limit. */
IN_WRITE(use_room_of_a_user_that_another_takes)
{
    struct meta_world *w = arg;
    TRY(meta_user_set_limits(tx, w->user, 100, 0, a));
    struct account_use more = { .bytes = 60, .files = 1, .owner_id = w->user };
    TRY(meta_account_use(tx, w->account, &more, a));
    more.bytes = 41;
    EXPECT_ERR(meta_account_use(tx, w->account, &more, a), ERR_QUOTA); /* nothing of it is counted */
    struct user u;
    TRY(meta_user_get(tx, w->user, a, &u));
    EXPECT(u.used_bytes == 60 && u.used_files == 1);
    return sql_exec(tx->conn, STATEMENT("UPDATE users SET used_bytes = used_bytes + 50"), SQL_NO_VALUES, a, NULL);
}

FOR_EACH_DATABASE(a_write_is_refused_when_the_quota_of_the_user_is_used_up_before_its_end)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    EXPECT_ERR(meta_write(w.store, use_room_of_a_user_that_another_takes, &w, w.a), ERR_QUOTA);
    struct meta_tx *tx = snapshot(&w);
    struct user u;
    EXPECT_OK(meta_user_get(tx, w.user, w.a, &u));
    EXPECT(u.used_bytes == 0 && u.used_files == 0 && u.max_bytes == 0);
    meta_read_end(tx);
    meta_world_release(&w);
}

IN_WRITE(add_and_remove_users)
{
    struct meta_world *w = arg;
    int64_t bob, again;
    struct user u = { .account_id = w->account,
                      .login = S("bob"),
                      .name = S("Bob"),
                      .email = S("bob@example.org"),
                      .kind = USER_BOT,
                      .is_admin = true,
                      .created_at_ms = 7 };
    TRY(meta_user_add(tx, &u, a, &bob));
    EXPECT_ERR(meta_user_add(tx, &u, a, &again), ERR_CONFLICT);
    TRY(meta_user_set_password(tx, bob, S("$argon2id$x"), a));
    EXPECT_ERR(meta_user_set_password(tx, 99, S("x"), a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_user_set_state(tx, 99, USER_DISABLED, a), ERR_NOT_FOUND);
    TRY(meta_user_set_state(tx, bob, USER_DELETED, a));
    TRY(meta_user_add(tx, &u, a, &again)); /* the deleted user's login is free again */
    EXPECT(again > bob);
    EXPECT_ERR(meta_user_set_state(tx, bob, USER_ACTIVE, a), ERR_NOT_FOUND); /* deleted is final */
    EXPECT_ERR(meta_user_set_password(tx, bob, S("x"), a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_user_add(tx, &(struct user){ .account_id = 99, .login = S("x") }, a, &again), ERR_CONFLICT);
    EXPECT_ERR(meta_user_add(tx, &(struct user){ .account_id = w->account }, a, &again), ERR_CONFLICT);
    return NULL;
}

FOR_EACH_DATABASE(a_login_is_unique_among_users_that_are_not_deleted)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, add_and_remove_users);
    struct meta_tx *tx = snapshot(&w);
    struct user u;
    struct user_list all;
    slice hash;
    EXPECT_OK(meta_user_by_login(tx, S("bob"), w.a, &u));
    EXPECT(u.id == 3 && u.kind == USER_BOT && u.is_admin && u.created_at_ms == 7 && u.state == USER_ACTIVE);
    EXPECT_SLICE(u.email, S("bob@example.org"));
    EXPECT_OK(meta_user_get(tx, 2, w.a, &u));
    EXPECT_EQ(u.state, USER_DELETED);
    EXPECT_OK(meta_user_by_email(tx, w.account, S("bob@example.org"), w.a, &u));
    EXPECT_EQ(u.id, 3);
    int64_t by_email = u.id;
    EXPECT_OK(meta_user_by_address(tx, w.account, S("BOB@example.ORG"), w.a, &u));
    EXPECT_EQ(u.id, by_email);
    EXPECT_OK(meta_user_by_address(tx, w.account, S("Bob"), w.a, &u));
    EXPECT_SLICE(u.login, S("bob"));
    EXPECT_ERR(meta_user_by_address(tx, w.account, S("carol"), w.a, &u), ERR_NOT_FOUND);
    EXPECT_ERR(meta_user_by_address(tx, 99, S("bob"), w.a, &u), ERR_NOT_FOUND);
    EXPECT_OK(meta_user_by_email(tx, w.account, S("alice"), w.a, &u));
    EXPECT_EQ(u.id, w.user);
    EXPECT_ERR(meta_user_by_email(tx, w.account, S(""), w.a, &u), ERR_NOT_FOUND);
    EXPECT_ERR(meta_user_by_email(tx, 99, S("alice"), w.a, &u), ERR_NOT_FOUND);
    EXPECT_ERR(meta_user_by_login(tx, S("carol"), w.a, &u), ERR_NOT_FOUND);
    EXPECT_OK(meta_user_list(tx, 0, ALL_IDS, w.a, &all));
    EXPECT_EQ(all.count, 3);
    EXPECT_OK(meta_user_list(tx, 99, ALL_IDS, w.a, &all));
    EXPECT_EQ(all.count, 0);
    EXPECT_OK(meta_user_list(tx, w.account, ALL_IDS, w.a, &all));
    EXPECT(all.count == 3 && all.items[0].id == w.user);
    EXPECT_OK(meta_user_password(tx, 2, w.a, &hash));
    EXPECT_SLICE(hash, S("$argon2id$x"));
    EXPECT_OK(meta_user_password(tx, 3, w.a, &hash));
    EXPECT_EQ(hash.n, 0);
    EXPECT_ERR(meta_user_password(tx, 99, w.a, &hash), ERR_NOT_FOUND);
    meta_read_end(tx);
    meta_world_release(&w);
}

static struct credential token(struct meta_world *w, unsigned char secret, int64_t parent, int64_t created)
{
    struct credential k = { .account_id = w->account,
                            .user_id = w->user,
                            .purpose = S("pyrus"),
                            .form = parent ? CREDENTIAL_TOKEN : CREDENTIAL_KEY,
                            .parent_id = parent,
                            .created_at_ms = created };
    memset(k.secret_hash, secret, sizeof k.secret_hash);
    return k;
}

IN_WRITE(add_keys_and_tokens)
{
    struct meta_world *w = arg;
    int64_t id, key;
    struct credential k = token(w, 1, 0, 1);
    TRY(meta_credential_add(tx, &k, a, &key));
    EXPECT_ERR(meta_credential_add(tx, &k, a, &id), ERR_CONFLICT);
    for (unsigned char i = 2; i < 7; i++) { /* ids 2 … 6 */
        k = token(w, i, key, i);
        k.expires_at_ms = i == 6 ? 50 : 0;
        TRY(meta_credential_add(tx, &k, a, &id));
        EXPECT_EQ(id, i);
    }
    TRY(meta_credential_trim_tokens(tx, w->user, S("pyrus"), 2, 100, a)); /* 6 has expired; 5 and 4 stay */
    TRY(meta_credential_trim_tokens(tx, w->user, S("redu"), 0, 100, a));
    TRY(meta_credential_get(tx, 3, a, &k));
    EXPECT_EQ(k.revoked_at_ms, 100);
    TRY(meta_credential_get(tx, 4, a, &k));
    EXPECT_EQ(k.revoked_at_ms, 0);
    EXPECT_ERR(meta_credential_revoke(tx, 99, 1, a), ERR_NOT_FOUND);
    return NULL;
}

/* Ids 2 to 5 have not expired; of these, 2 and 3 are revoked. */
IN_WRITE(extend_tokens)
{
    struct credential k;
    static const struct {
        int64_t id, now_ms, expires_at_ms, step_ms, then_ms;
    } cases[] = {
        { 6, 49, 80, 30, 80 },    /* just live, and just far enough */
        { 6, 79, 109, 30, 80 },   /* not far enough */
        { 6, 80, 200, 30, 80 },   /* expired at just this time */
        { 4, 100, 200, 10, 0 },   /* never expires */
        { 1, 100, 200, 10, 0 },   /* a key */
        { 99, 100, 200, 10, -1 }, /* nothing */
    };
    (void)arg;
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        TRY(meta_credential_extend(tx, cases[i].id, cases[i].expires_at_ms, cases[i].step_ms, cases[i].now_ms, a));
        if (cases[i].then_ms < 0)
            continue;
        TRY(meta_credential_get(tx, cases[i].id, a, &k));
        EXPECT_EQ(k.expires_at_ms, cases[i].then_ms);
    }
    TRY(meta_credential_revoke(tx, 6, 70, a));
    TRY(meta_credential_extend(tx, 6, 150, 10, 71, a));
    TRY(meta_credential_get(tx, 6, a, &k));
    EXPECT_EQ(k.expires_at_ms, 80);
    return NULL;
}

FOR_EACH_DATABASE(only_a_live_token_is_extended)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, add_keys_and_tokens);
    uint64_t before = meta_generation(w.store);
    RUN_WRITE(&w, extend_tokens);
    EXPECT(meta_generation(w.store) > before);
    meta_world_release(&w);
}

IN_WRITE(revoke_the_key)
{
    (void)arg;
    TRY(meta_credential_revoke(tx, 1, 200, a));
    return meta_credential_revoke(tx, 1, 300, a);
}

IN_WRITE(forget_and_revoke_tokens)
{
    struct meta_world *w = arg;
    int64_t n;
    TRY(meta_credential_forget(tx, 200, a, &n)); /* 2 and 3 were revoked at 100, 6 expired at 50 */
    EXPECT_EQ(n, 3);
    TRY(meta_credential_forget(tx, 1000, a, &n)); /* 4 and 5; the key stays */
    EXPECT_EQ(n, 2);
    struct credential k = token(w, 9, 1, 1);
    TRY(meta_credential_add(tx, &k, a, &n));
    return meta_credential_revoke_tokens(tx, w->user, 400, a);
}

FOR_EACH_DATABASE(revoking_a_key_revokes_the_tokens_made_from_it)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, add_keys_and_tokens);
    RUN_WRITE(&w, revoke_the_key);
    struct meta_tx *tx = snapshot(&w);
    struct credential k;
    struct credential_list all;
    for (int64_t id = 1; id <= 6; id++) {
        EXPECT_OK(meta_credential_get(tx, id, w.a, &k));
        EXPECT_EQ(k.revoked_at_ms, id == 2 || id == 3 ? 100 : 200);
    }
    struct credential want = token(&w, 4, 1, 4);
    EXPECT_OK(meta_credential_by_hash(tx, S("pyrus"), CREDENTIAL_TOKEN, want.secret_hash, w.a, &k));
    EXPECT(k.id == 4 && k.parent_id == 1 && k.created_at_ms == 4 && k.user_id == w.user);
    EXPECT_EQ(memcmp(k.secret_hash, want.secret_hash, sizeof k.secret_hash), 0);
    EXPECT_ERR(meta_credential_by_hash(tx, S("redu"), CREDENTIAL_TOKEN, want.secret_hash, w.a, &k), ERR_NOT_FOUND);
    EXPECT_ERR(meta_credential_by_hash(tx, S("pyrus"), CREDENTIAL_KEY, want.secret_hash, w.a, &k), ERR_NOT_FOUND);
    EXPECT_OK(meta_credential_list(tx, 0, CREDENTIAL_KEY, w.a, &all));
    EXPECT_EQ(all.count, 1);
    EXPECT_OK(meta_credential_list(tx, w.user, CREDENTIAL_TOKEN, w.a, &all));
    EXPECT(all.count == 5 && all.items[0].id == 2);
    meta_read_end(tx);
    RUN_WRITE(&w, forget_and_revoke_tokens);
    tx = snapshot(&w);
    EXPECT_OK(meta_credential_list(tx, w.user, CREDENTIAL_TOKEN, w.a, &all));
    EXPECT(all.count == 1 && all.items[0].id == 7 && all.items[0].revoked_at_ms == 400);
    EXPECT_ERR(meta_credential_get(tx, 2, w.a, &k), ERR_NOT_FOUND);
    EXPECT_OK(meta_credential_get(tx, 1, w.a, &k));
    meta_read_end(tx);
    meta_world_release(&w);
}

IN_WRITE(add_a_reader_and_what_is_made_from_it)
{
    struct meta_world *w = arg;
    struct credential key = token(w, 1, 0, 1), from_key, from_token;
    key.role = KEY_READER;
    TRY(meta_credential_add(tx, &key, a, &key.id));
    from_key = token(w, 2, key.id, 2);
    from_key.role = KEY_ADMIN; /* has no effect */
    TRY(meta_credential_add(tx, &from_key, a, &from_key.id));
    from_token = token(w, 3, from_key.id, 3);
    TRY(meta_credential_add(tx, &from_token, a, &from_token.id));
    struct credential other = token(w, 4, 0, 4);
    other.role = KEY_WRITER;
    return meta_credential_add(tx, &other, a, &other.id);
}

FOR_EACH_DATABASE(what_is_made_from_a_key_has_the_role_of_the_key)
{
    static const enum key_role want[] = { KEY_READER, KEY_READER, KEY_READER, KEY_WRITER };
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, add_a_reader_and_what_is_made_from_it);
    struct meta_tx *tx = snapshot(&w);
    for (size_t i = 0; i < LENGTH_OF(want); i++) {
        struct credential k;
        EXPECT_OK(meta_credential_get(tx, (int64_t)i + 1, w.a, &k));
        EXPECT_EQ(k.role, want[i]);
    }
    meta_read_end(tx);
    meta_world_release(&w);
}

static struct credential application_token(struct meta_world *w, unsigned char secret, int64_t parent, slice purpose)
{
    struct credential k = token(w, secret, parent, secret);
    k.purpose = purpose;
    return k;
}

/* Credential 1 is the key, 2 the token that came with it, 3 and 4 are codes, 5 … 7 tokens: of the key, of code 3, and of neither. */
IN_WRITE(add_an_application)
{
    struct meta_world *w = arg;
    const int64_t parents[] = { 0, 1, 1, 1, 1, 3, 0 };
    slice callbacks[] = { S("https://a.example/1"), S("https://a.example/0") };
    for (unsigned char i = 0; i < LENGTH_OF(parents); i++) {
        struct credential k = application_token(w, i + 1, parents[i], i == 2 || i == 3 ? S("x:code") : S("x"));
        int64_t id;
        k.form = i ? CREDENTIAL_TOKEN : CREDENTIAL_KEY;
        TRY(meta_credential_add(tx, &k, a, &id));
        EXPECT_EQ(id, i + 1);
    }
    const struct application app = {
        .key_id = 1, .client_id = S("client"), .token_id = 2, .callbacks = { callbacks, LENGTH_OF(callbacks) }
    };
    TRY(meta_application_add(tx, &app, a));
    EXPECT_ERR(meta_application_add(tx, &app, a), ERR_CONFLICT);
    TRY(meta_code_add(
        tx, &(struct code){ .credential_id = 3, .redirect = S("https://a.example/0"), .challenge = S("c") }, a));
    return meta_code_add(tx, &(struct code){ .credential_id = 4, .is_reusable = true }, a);
}

IN_WRITE(use_a_code_twice)
{
    bool is_first;
    (void)arg;
    TRY(meta_code_use(tx, 3, 50, a, &is_first));
    EXPECT(is_first);
    TRY(meta_code_use(tx, 3, 60, a, &is_first));
    EXPECT(!is_first);
    TRY(meta_code_use(tx, 99, 60, a, &is_first));
    EXPECT(!is_first);
    return NULL;
}

static err_t expect_surplus(struct meta_tx *tx, const struct surplus_query *q, const char *ids, struct arena *a)
{
    struct record_ids got;
    slice text = S("");
    TRY(meta_application_surplus(tx, q, a, &got));
    for (size_t i = 0; i < got.count; i++)
        text = arena_printf(a, SLICE_FMT " %lld", SLICE_ARG(text), (long long)got.items[i]);
    EXPECT_SLICE(text, slice_of(ids));
    return NULL;
}

IN_WRITE(look_for_surplus)
{
    struct surplus_query q = {
        .user_id = ((struct meta_world *)arg)->user, .key_id = 1, .purpose = S("x"), .spared_id = 2, .now_ms = 100
    };
    TRY(expect_surplus(tx, &q, " 6 5", a)); /* not 2, which is spared, and not 7 */
    q.keep = 1;
    TRY(expect_surplus(tx, &q, " 5", a));
    q.keep = 2;
    TRY(expect_surplus(tx, &q, "", a));
    q.purpose = S("x:code");
    q.keep = 1;
    return expect_surplus(tx, &q, " 3", a);
}

FOR_EACH_DATABASE(an_application_is_found_with_its_key_and_its_callbacks)
{
    struct meta_world w;
    struct application app;
    struct code code;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, add_an_application);
    uint64_t before = meta_generation(w.store);
    RUN_WRITE(&w, use_a_code_twice);
    EXPECT_EQ(meta_generation(w.store), before); /* no cache has codes */
    struct meta_tx *tx = snapshot(&w);
    EXPECT_OK(meta_application_by_client_id(tx, S("client"), w.a, &app));
    EXPECT(app.key_id == 1 && app.token_id == 2 && app.owner_id == w.user && app.account_id == w.account);
    EXPECT(app.secret_hash[0] == 1 && app.secret_hash[31] == 1 && !app.revoked_at_ms && app.owner_state == USER_ACTIVE);
    EXPECT_SLICE(app.purpose, S("x"));
    EXPECT_EQ(app.callbacks.count, 2);
    EXPECT_SLICE(app.callbacks.items[0], S("https://a.example/1"));
    EXPECT_SLICE(app.callbacks.items[1], S("https://a.example/0"));
    EXPECT_ERR(meta_application_by_client_id(tx, S("Client"), w.a, &app), ERR_NOT_FOUND);
    EXPECT_OK(meta_code_get(tx, 3, w.a, &code));
    EXPECT(!code.is_reusable && code.used_at_ms == 50);
    EXPECT_SLICE(code.redirect, S("https://a.example/0"));
    EXPECT_SLICE(code.challenge, S("c"));
    EXPECT_OK(meta_code_get(tx, 4, w.a, &code));
    EXPECT(code.is_reusable && !code.used_at_ms);
    EXPECT_ERR(meta_code_get(tx, 5, w.a, &code), ERR_NOT_FOUND);
    meta_read_end(tx);
    RUN_WRITE(&w, look_for_surplus);
    meta_world_release(&w);
}

IN_WRITE(remove_application_tokens)
{
    struct credential k;
    struct code code;
    int64_t n;
    (void)arg;
    TRY(meta_credential_remove_token(tx, 1, a)); /* a key */
    TRY(meta_credential_remove_token(tx, 3, a)); /* 6 was made from it */
    TRY(meta_credential_get(tx, 1, a, &k));
    TRY(meta_credential_get(tx, 3, a, &k));
    TRY(meta_credential_remove_token(tx, 6, a));
    EXPECT_ERR(meta_credential_get(tx, 6, a, &k), ERR_NOT_FOUND);
    TRY(meta_credential_revoke(tx, 3, 100, a));
    TRY(meta_credential_forget(tx, 101, a, &n));
    EXPECT_EQ(n, 1);
    EXPECT_ERR(meta_code_get(tx, 3, a, &code), ERR_NOT_FOUND); /* its code goes with it */
    return meta_code_get(tx, 4, a, &code);
}

IN_WRITE(remove_a_code)
{
    struct credential k;
    struct code code;
    (void)arg;
    TRY(meta_code_remove(tx, 3, a));
    EXPECT_ERR(meta_code_get(tx, 3, a, &code), ERR_NOT_FOUND);
    EXPECT_ERR(meta_credential_get(tx, 3, a, &k), ERR_NOT_FOUND);
    EXPECT_ERR(meta_credential_get(tx, 6, a, &k), ERR_NOT_FOUND); /* made from it */
    TRY(meta_code_remove(tx, 99, a));
    return meta_credential_get(tx, 5, a, &k);
}

FOR_EACH_DATABASE(a_code_is_removed_with_its_tokens)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, add_an_application);
    RUN_WRITE(&w, remove_a_code);
    meta_world_release(&w);
}

FOR_EACH_DATABASE(a_token_is_removed_when_none_was_made_from_it)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, add_an_application);
    RUN_WRITE(&w, remove_application_tokens);
    meta_world_release(&w);
}

static err_t count_object(void *arg, const struct object *o)
{
    *(int *)arg += (int)o->id;
    EXPECT_EQ(o->inline_bytes.n, 0);
    return NULL;
}

IN_WRITE(release_the_objects)
{
    (void)arg;
    TRY(meta_object_release(tx, 1, 500, a)); /* does nothing: its file still exists */
    struct object o;
    TRY(meta_object_get(tx, 1, a, &o));
    EXPECT_ERR(meta_file_remove(tx, 99, a), ERR_NOT_FOUND);
    for (int64_t id = 1; id <= 3; id++) {
        TRY(meta_file_remove(tx, id, a));
        TRY(meta_object_release(tx, id, 500 + id, a));
        TRY(meta_object_release(tx, id, 600, a)); /* removed already: no error */
    }
    return NULL;
}

IN_WRITE(forget_garbage)
{
    (void)arg;
    TRY(meta_garbage_forget(tx, S("aa/1"), a));
    return meta_garbage_forget(tx, S("aa/1"), a);
}

FOR_EACH_DATABASE(an_object_is_removed_with_its_last_file_and_its_key_becomes_garbage)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    put_upload(&w, 1, S("in\0line"), S(""));
    put_upload(&w, 2, S("12345"), S("aa/1"));
    put_upload(&w, 3, S("123456"), S("aa/2"));
    struct meta_upload clash = { .world = &w, .number = 4, .blob_key = S("aa/2") };
    EXPECT_ERR(meta_write(w.store, meta_upload_apply, &clash, w.a), ERR_CONFLICT);
    struct meta_upload empty = put_upload(&w, 5, S(""), S(""));
    struct meta_tx *tx = snapshot(&w);
    struct object o;
    bool has;
    int sum = 0;
    EXPECT_OK(meta_object_get(tx, 1, w.a, &o));
    EXPECT_SLICE(o.inline_bytes, S("in\0line"));
    EXPECT(o.size_bytes == 7 && o.blob_key.n == 0);
    EXPECT_OK(meta_object_get(tx, 2, w.a, &o));
    EXPECT_SLICE(o.blob_key, S("aa/1"));
    EXPECT_OK(meta_object_get(tx, empty.object_id, w.a, &o));
    EXPECT_EQ(o.inline_bytes.n, 0);
    EXPECT_ERR(meta_object_get(tx, 99, w.a, &o), ERR_NOT_FOUND);
    EXPECT_OK(meta_object_each(tx, 1, w.a, count_object, &sum));
    EXPECT_EQ(sum, 2 + 3 + empty.object_id);
    EXPECT_OK(meta_object_has_key(tx, S("aa/2"), w.a, &has));
    EXPECT(has);
    EXPECT_OK(meta_object_has_key(tx, S("aa/3"), w.a, &has));
    EXPECT(!has);
    meta_read_end(tx);

    RUN_WRITE(&w, release_the_objects);
    tx = snapshot(&w);
    struct blob_key_list keys;
    EXPECT_ERR(meta_object_get(tx, 1, w.a, &o), ERR_NOT_FOUND);
    EXPECT_OK(meta_garbage_list(tx, 1000, 10, w.a, &keys));
    EXPECT_EQ(keys.count, 2);
    EXPECT_SLICE(keys.items[0], S("aa/1"));
    EXPECT_SLICE(keys.items[1], S("aa/2"));
    EXPECT_OK(meta_garbage_list(tx, 503, 10, w.a, &keys));
    EXPECT_EQ(keys.count, 1); /* only keys from before that time, not at it */
    EXPECT_OK(meta_garbage_list(tx, 1000, 1, w.a, &keys));
    EXPECT_EQ(keys.count, 1);
    meta_read_end(tx);
    RUN_WRITE(&w, forget_garbage);
    put_upload(&w, 6, S("x"), S("aa/2")); /* a key that an object names again is no garbage */
    tx = snapshot(&w);
    EXPECT_OK(meta_garbage_list(tx, 1000, 10, w.a, &keys));
    EXPECT_EQ(keys.count, 0);
    meta_read_end(tx);
    meta_world_release(&w);
}

IN_WRITE(add_ten_files)
{
    struct meta_world *w = arg;
    int64_t bob, id;
    TRY(meta_user_add(tx, &(struct user){ .account_id = w->account, .login = S("bob") }, a, &bob));
    for (int i = 0; i < 10; i++) {
        struct file f = { .account_id = w->account,
                          .owner_id = i % 2 ? bob : w->user,
                          .origin = S("redu"),
                          .name = i % 3 ? S("Notes_2026.PDF") : S("100%.txt"),
                          .content_type = S("text/plain"),
                          .state = i < 2 ? FILE_ISSUED : FILE_STORED,
                          .created_at_ms = i,
                          .stored_at_ms = i + 1,
                          .purge_at_ms = i < 5 ? 0 : 100 - i };
        f.uuid[0] = (unsigned char)(i + 1);
        f.md5[0] = 9;
        f.size_bytes = 3;
        if (f.state == FILE_STORED)
            TRY(meta_object_add(tx,
                                &(struct object){ .account_id = w->account, .size_bytes = 3, .inline_bytes = S("abc") },
                                a, &f.object_id));
        TRY(meta_file_add(tx, &f, a, &id));
        if (i == 9)
            EXPECT_ERR(meta_file_add(tx, &f, a, &id), ERR_CONFLICT); /* the UUID exists */
    }
    return NULL;
}

IN_WRITE(move_file_3)
{
    (void)arg;
    TRY(meta_file_move(tx, 3, FILE_STORED, FILE_READY, 77, a));
    EXPECT_ERR(meta_file_move(tx, 3, FILE_STORED, FILE_READY, 77, a), ERR_CONFLICT);
    EXPECT_ERR(meta_file_move(tx, 99, FILE_STORED, FILE_READY, 77, a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_file_move(tx, 1, FILE_ISSUED, FILE_READY, 0, a),
               ERR_CONFLICT); /* a file without bytes cannot become READY */
    return NULL;
}

static size_t expect_files(struct meta_world *w, struct meta_tx *tx, struct file_query q, int64_t first)
{
    struct file_list files;
    EXPECT_OK(meta_file_list(tx, &q, w->a, &files));
    EXPECT_EQ(files.count ? files.items[0].id : 0, first);
    for (size_t i = 1; i < files.count; i++)
        EXPECT(files.items[i].id < files.items[i - 1].id);
    return files.count;
}

FOR_EACH_DATABASE(files_are_found_change_state_and_become_due)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, add_ten_files);
    RUN_WRITE(&w, move_file_3);
    struct meta_tx *tx = snapshot(&w);
    struct file f;
    struct file_list due;
    unsigned char uuid[16] = { 3 };
    EXPECT_OK(meta_file_by_uuid(tx, uuid, w.a, &f));
    struct file with;
    struct object its;
    EXPECT_OK(meta_file_with_object(tx, uuid, w.a, &with, &its));
    EXPECT(with.id == f.id && with.size_bytes == f.size_bytes && with.object_id == its.id);
    EXPECT_SLICE(with.name, f.name);
    if (f.object_id) {
        struct object alone;
        EXPECT_OK(meta_object_get(tx, f.object_id, w.a, &alone));
        EXPECT(its.account_id == alone.account_id && its.size_bytes == alone.size_bytes);
        EXPECT_SLICE(its.inline_bytes, alone.inline_bytes);
        EXPECT_SLICE(its.blob_key, alone.blob_key);
    }
    EXPECT(f.id == 3 && f.state == FILE_READY && f.purge_at_ms == 77 && f.size_bytes == 3 && f.md5[0] == 9 &&
           f.created_at_ms == 2 && f.stored_at_ms == 3 && f.object_id == 1);
    EXPECT_SLICE(f.owner_login, S("alice"));
    EXPECT_SLICE(f.origin, S("redu"));
    EXPECT_SLICE(f.content_type, S("text/plain"));
    EXPECT_EQ(memcmp(f.uuid, uuid, 16), 0);
    uuid[0] = 99;
    EXPECT_ERR(meta_file_by_uuid(tx, uuid, w.a, &f), ERR_NOT_FOUND);
    EXPECT_ERR(meta_file_with_object(tx, uuid, w.a, &with, &its), ERR_NOT_FOUND);
    EXPECT_OK(meta_file_get(tx, 1, w.a, &f));
    EXPECT(f.object_id == 0 && f.state == FILE_ISSUED);
    EXPECT_EQ(expect_files(&w, tx, (struct file_query){ .state = -1, .limit = 100 }, 10), 10);
    EXPECT_EQ(expect_files(&w, tx, (struct file_query){ .state = -1, .limit = 4 }, 10), 4);
    EXPECT_EQ(expect_files(&w, tx, (struct file_query){ .state = -1, .limit = 100, .before_id = 4 }, 3), 3);
    EXPECT_EQ(expect_files(&w, tx, (struct file_query){ .state = FILE_ISSUED, .limit = 100 }, 2), 2);
    EXPECT_EQ(expect_files(&w, tx, (struct file_query){ .state = -1, .limit = 100, .account_id = w.account }, 10), 10);
    EXPECT_EQ(expect_files(&w, tx, (struct file_query){ .state = -1, .limit = 100, .account_id = 9 }, 0), 0);
    EXPECT_EQ(expect_files(&w, tx, (struct file_query){ .state = -1, .limit = 100, .owner_id = w.user }, 9), 5);
    EXPECT_EQ(
        expect_files(&w, tx, (struct file_query){ .state = -1, .limit = 100, .owner_id = w.user, .account_id = 1 }, 9),
        5);
    EXPECT_EQ(
        expect_files(&w, tx, (struct file_query){ .state = -1, .limit = 100, .owner_id = w.user, .account_id = 9 }, 0),
        0);
    EXPECT_EQ(expect_files(&w, tx, (struct file_query){ .state = -1, .limit = 100, .name_contains = S("NOTES_") }, 9),
              6);
    EXPECT_EQ(expect_files(&w, tx, (struct file_query){ .state = -1, .limit = 100, .name_contains = S("0%") }, 10), 4);
    EXPECT_EQ(expect_files(&w, tx, (struct file_query){ .state = -1, .limit = 100, .name_contains = S("_%") }, 0), 0);
    EXPECT_OK(meta_file_due(tx, 93, 10, w.a, &due)); /* 91 … 93 and 77: a file is due at exactly its time */
    EXPECT_EQ(due.count, 4);
    EXPECT(due.items[0].id == 3 && due.items[1].purge_at_ms == 91 && due.items[3].purge_at_ms == 93);
    EXPECT_OK(meta_file_due(tx, 76, 10, w.a, &due));
    EXPECT_EQ(due.count, 0);
    meta_read_end(tx);
    meta_world_release(&w);
}

IN_WRITE(spoil_usage_counters)
{
    struct meta_world *w = arg;
    TRY(meta_account_use(tx, w->account, &(struct account_use){ 1000, 3 }, a));
    int64_t wrong;
    TRY(meta_usage_check(tx, false, a, &wrong));
    EXPECT_EQ(wrong, 1);
    TRY(meta_usage_check(tx, true, a, &wrong));
    EXPECT_EQ(wrong, 1);
    TRY(meta_usage_check(tx, true, a, &wrong));
    EXPECT_EQ(wrong, 0);
    struct account account;
    TRY(meta_account_get(tx, w->account, a, &account));
    EXPECT(account.used_bytes == 12 && account.used_files == 2);
    return NULL;
}

FOR_EACH_DATABASE(usage_check_finds_and_repairs_wrong_counters)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    put_upload(&w, 1, S("hello"), S(""));
    put_upload(&w, 2, S("1234567"), S("k"));
    RUN_WRITE(&w, two_accounts);
    RUN_WRITE(&w, spoil_usage_counters);
    meta_world_release(&w);
}

IN_WRITE(add_task_with_references)
{
    struct meta_world *w = arg;
    struct task t = { .account_id = w->account,
                      .author_id = w->user,
                      .text = S("text"),
                      .subject = S("subject"),
                      .details = S("{}"),
                      .created_at_ms = 1,
                      .modified_at_ms = 2 };
    struct comment m = { .author_id = w->user, .text = S("said"), .details = S("{\"x\":1}"), .created_at_ms = 3 };
    int64_t id;
    TRY(meta_task_add(tx, &t, a, &t.id));
    m.task_id = t.id;
    TRY(meta_comment_add(tx, &m, a, &id));
    m.text = S("said again");
    TRY(meta_comment_add(tx, &m, a, &id));
    TRY(meta_comment_set_text(tx, id, S("said better"), 9, a));
    EXPECT_ERR(meta_comment_set_text(tx, 99, S(""), 9, a), ERR_NOT_FOUND);
    TRY(meta_task_set_member(tx, t.id, w->user, TASK_PARTICIPANT, a));
    TRY(meta_task_set_member(tx, t.id, w->user, TASK_PARTICIPANT | TASK_RESPONSIBLE, a));
    EXPECT_ERR(meta_task_set_member(tx, t.id, 99, TASK_PARTICIPANT, a), ERR_CONFLICT);
    t.text = S("new text");
    t.closed_at_ms = 4;
    TRY(meta_task_update(tx, &t, a));
    t.id = 99;
    EXPECT_ERR(meta_task_update(tx, &t, a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_task_remove(tx, 99, a), ERR_NOT_FOUND);

    struct reference r = { .account_id = w->account, .task_id = 1, .comment_id = 1, .file_id = 1, .created_at_ms = 5 };
    TRY(meta_reference_add(tx, &r, a));
    EXPECT(r.id == 1 && r.root_id == 1 && r.version == 1);
    r.comment_id = 2;
    r.file_id = 2;
    r.name = S("renamed.txt");
    TRY(meta_reference_add(tx, &r, a));
    EXPECT(r.id == 2 && r.root_id == 1 && r.version == 2);
    struct reference link = { .account_id = w->account, .task_id = 1, .url = S("https://example.org"), .name = S("l") };
    TRY(meta_reference_add(tx, &link, a));
    EXPECT(link.id == 3 && link.root_id == 3);
    r.root_id = 99;
    EXPECT_ERR(meta_reference_add(tx, &r, a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_file_remove(tx, 1, a), ERR_CONFLICT); /* a reference names it */
    return NULL;
}

IN_WRITE(remove_the_task_and_members)
{
    struct meta_world *w = arg;
    TRY(meta_task_set_member(tx, 1, w->user, 0, a));
    struct task_member_list members;
    TRY(meta_task_members(tx, 1, a, &members));
    EXPECT_EQ(members.count, 0);
    TRY(meta_task_remove(tx, 1, a));
    return meta_file_remove(tx, 1, a);
}

FOR_EACH_DATABASE(a_file_with_references_cannot_be_removed_before_its_task)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    put_upload(&w, 1, S("hello"), S(""));
    put_upload(&w, 2, S("1234567"), S("k"));
    RUN_WRITE(&w, add_task_with_references);
    struct meta_tx *tx = snapshot(&w);
    struct task t;
    struct task_member_list members;
    struct comment m;
    struct comment_list comments;
    struct reference r;
    struct reference_list refs;
    int64_t count;
    EXPECT_OK(meta_task_get(tx, 1, w.a, &t));
    EXPECT_SLICE(t.text, S("new text"));
    EXPECT_SLICE(t.details, S("{}"));
    EXPECT(t.closed_at_ms == 4 && t.author_id == w.user && t.modified_at_ms == 2);
    EXPECT_ERR(meta_task_get(tx, 2, w.a, &t), ERR_NOT_FOUND);
    EXPECT_OK(meta_task_members(tx, 1, w.a, &members));
    EXPECT(members.count == 1 && members.items[0].user_id == w.user && members.items[0].roles == 5);
    EXPECT_OK(
        meta_comment_list(tx, &(struct comment_query){ .task_id = 1, .until_id = 100, .limit = 100 }, w.a, &comments));
    EXPECT(comments.count == 2 && comments.items[0].id == 1);
    EXPECT_SLICE(comments.items[1].text, S("said better"));
    EXPECT_OK(meta_comment_get(tx, 2, w.a, &m));
    EXPECT(m.edited_at_ms == 9 && m.created_at_ms == 3);
    EXPECT_ERR(meta_comment_get(tx, 3, w.a, &m), ERR_NOT_FOUND);
    EXPECT_OK(meta_comment_count(tx, 1, w.a, &count));
    EXPECT_EQ(count, 2);
    EXPECT_OK(meta_comment_bytes(tx, 1, w.a, &count));
    EXPECT_EQ(count, (int64_t)(comments.items[0].text.n + comments.items[0].details.n + comments.items[1].text.n +
                               comments.items[1].details.n));
    EXPECT_OK(meta_reference_list(tx, 1, w.a, &refs));
    EXPECT_EQ(refs.count, 3);
    EXPECT_SLICE(refs.items[0].name, S("a.txt"));
    EXPECT_SLICE(refs.items[1].name, S("renamed.txt"));
    EXPECT(refs.items[1].size_bytes == 7 && refs.items[1].comment_id == 2 && refs.items[2].file_id == 0);
    EXPECT_OK(meta_reference_get(tx, 3, w.a, &r));
    EXPECT_SLICE(r.url, S("https://example.org"));
    EXPECT_ERR(meta_reference_get(tx, 4, w.a, &r), ERR_NOT_FOUND);
    EXPECT_OK(meta_reference_count(tx, 1, w.a, &count));
    EXPECT_EQ(count, 3);
    meta_read_end(tx);
    RUN_WRITE(&w, remove_the_task_and_members);
    tx = snapshot(&w);
    EXPECT_OK(meta_comment_count(tx, 1, w.a, &count));
    EXPECT_EQ(count, 0);
    EXPECT_OK(meta_comment_bytes(tx, 1, w.a, &count));
    EXPECT_EQ(count, 0);
    meta_read_end(tx);
    meta_world_release(&w);
}

static err_t expect_no_task(struct meta_world *w, struct meta_tx *tx, struct arena *a)
{
    struct task task;
    struct record_ids list;
    int64_t total;
    bool sees;
    const int64_t one = 1;
    struct task_query all = { .account_id = w->account, .closed = -1, .limit = 9 };
    struct task_query by_author = all, by_member = all, by_id = all;
    by_author.author_id = by_member.member_id = w->user;
    by_member.member_roles = TASK_PARTICIPANT;
    by_id.ids = &one;
    by_id.id_count = 1;
    const struct task_query *const queries[] = { &all, &by_author, &by_member, &by_id };
    EXPECT_ERR(meta_task_get(tx, 1, a, &task), ERR_NOT_FOUND);
    TRY(meta_task_sees(tx, 1, &(struct task_viewer){ w->account, w->user, true }, a, &sees));
    EXPECT(!sees);
    for (size_t i = 0; i < LENGTH_OF(queries); i++) {
        TRY(meta_task_list(tx, queries[i], a, &list, &total));
        EXPECT(list.count == 0 && total == 0);
    }
    EXPECT_ERR(meta_task_lock(tx, 1, a), ERR_NOT_FOUND);
    return NULL;
}

IN_WRITE(mark_the_task_as_removed)
{
    struct meta_world *w = arg;
    struct removed_task removed = { 1, 7, w->account, w->user, S("request") }, r;
    bool is, comment_is;
    TRY(meta_task_lock(tx, 1, a));
    TRY(meta_task_is_removed(tx, 1, a, &is));
    EXPECT(!is);
    EXPECT_ERR(meta_removed_task_first(tx, a, &r), ERR_NOT_FOUND);
    TRY(meta_removed_task_add(tx, &removed, a));
    EXPECT_ERR(meta_removed_task_add(tx, &removed, a), ERR_CONFLICT);
    TRY(meta_task_is_removed(tx, 1, a, &is));
    EXPECT(is);
    TRY(meta_ended_holder_has(tx, (struct holder){ HOLDER_TASK, 1 }, a, &is));
    TRY(meta_ended_holder_has(tx, (struct holder){ HOLDER_COMMENT, 2 }, a, &comment_is));
    EXPECT(is && comment_is);
    TRY(meta_removed_task_first(tx, a, &r));
    EXPECT(r.task_id == 1 && r.purge_at_ms == 7 && r.account_id == w->account && r.removed_by == w->user);
    EXPECT_SLICE(r.request_id, S("request"));
    return expect_no_task(w, tx, a);
}

IN_WRITE(remove_the_first_rows)
{
    struct record_ids ids;
    int64_t count;
    (void)arg;
    TRY(meta_reference_remove_first(tx, 1, 1, a, &count));
    TRY(meta_comment_first_ids(tx, 1, 1, a, &ids));
    return meta_comment_remove_up_to(tx, 1, ids.items[0], a);
}

IN_WRITE(remove_the_marked_task_in_pieces)
{
    struct record_ids ids;
    struct removed_task r;
    int64_t count;
    (void)arg;
    TRY(meta_reference_remove_first(tx, 1, 2, a, &count));
    EXPECT_EQ(count, 2);
    TRY(meta_reference_remove_first(tx, 1, 2, a, &count));
    EXPECT_EQ(count, 1);
    TRY(meta_comment_first_ids(tx, 1, 1, a, &ids));
    EXPECT(ids.count == 1 && ids.items[0] == 1);
    TRY(meta_comment_remove_up_to(tx, 1, 1, a));
    TRY(meta_comment_first_ids(tx, 1, 9, a, &ids));
    EXPECT(ids.count == 1 && ids.items[0] == 2);
    TRY(meta_task_remove(tx, 1, a));
    TRY(meta_comment_count(tx, 1, a, &count));
    EXPECT_EQ(count, 0);
    EXPECT_ERR(meta_removed_task_first(tx, a, &r), ERR_NOT_FOUND);
    return meta_file_remove(tx, 1, a);
}

FOR_EACH_DATABASE(a_removed_task_is_in_no_read_of_the_store_and_is_removed_in_pieces)
{
    struct meta_world w;
    int64_t wrong;
    meta_world_init(&w, kind, INLINE);
    put_upload(&w, 1, S("hello"), S(""));
    put_upload(&w, 2, S("1234567"), S("k"));
    RUN_WRITE(&w, add_task_with_references);
    uint64_t generation = meta_generation(w.store);
    RUN_WRITE(&w, mark_the_task_as_removed);
    EXPECT(meta_generation(w.store) > generation);
    struct meta_tx *tx = snapshot(&w);
    struct removed_task r;
    EXPECT_OK(meta_removed_task_first(tx, w.a, &r));
    EXPECT_EQ(r.task_id, 1);
    meta_read_end(tx);
    RUN_WRITE(&w, remove_the_marked_task_in_pieces);
    tx = snapshot(&w);
    EXPECT_OK(meta_usage_check(tx, false, w.a, &wrong));
    meta_read_end(tx);
    EXPECT_OK(meta_verify(w.store, w.a));
    meta_world_release(&w);
}

IN_WRITE(add_comments_to_two_tasks)
{
    struct meta_world *w = arg;
    struct task t = { .account_id = w->account, .author_id = w->user, .text = S("t") };
    struct comment m = { .author_id = w->user, .text = S("a\0\u00e9"), .details = S("{\"\u20ac\":1}") };
    int64_t id;
    for (int i = 0; i < 2; i++) {
        TRY(meta_task_add(tx, &t, a, &m.task_id));
        TRY(meta_comment_add(tx, &m, a, &id));
    }
    m.details = S("");
    return meta_comment_add(tx, &m, a, &id);
}

FOR_EACH_DATABASE(comment_sizes_are_counted_in_bytes_not_characters)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, add_comments_to_two_tasks);
    struct meta_tx *tx = snapshot(&w);
    int64_t bytes;
    EXPECT_OK(meta_comment_bytes(tx, 1, w.a, &bytes));
    EXPECT_EQ(bytes, 4 + 9);
    EXPECT_OK(meta_comment_bytes(tx, 2, w.a, &bytes));
    EXPECT_EQ(bytes, 4 + 9 + 4);
    meta_read_end(tx);
    meta_world_release(&w);
}

IN_WRITE(add_three_events)
{
    struct meta_world *w = arg;
    for (int i = 1; i <= 3; i++)
        TRY(meta_event_add(tx,
                           &(struct event){ .at_ms = i,
                                            .account_id = w->account,
                                            .actor_id = i == 1 ? 0 : w->user,
                                            .action = S("file.store"),
                                            .subject = S("file:x"),
                                            .detail = S("d"),
                                            .request_id = S("r") },
                           a));
    return NULL;
}

FOR_EACH_DATABASE(events_are_listed_newest_first_and_cannot_be_changed)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, add_three_events);
    struct meta_tx *tx = snapshot(&w);
    struct event_list e;
    EXPECT_OK(meta_event_list(tx, 0, 10, w.a, &e));
    EXPECT(e.count == 3 && e.items[0].id == 3 && e.items[0].at_ms == 3 && e.items[2].actor_id == 0 &&
           e.items[2].actor.n == 0);
    EXPECT_SLICE(e.items[0].actor, S("alice"));
    EXPECT_SLICE(e.items[0].request_id, S("r"));
    EXPECT_OK(meta_event_list(tx, 3, 1, w.a, &e));
    EXPECT(e.count == 1 && e.items[0].id == 2);
    meta_read_end(tx);
    if (kind == DATABASE_FILE) { /* triggers refuse it, whatever program asks */
        struct sql_db *db = test_database_open(&w.database, w.a);
        struct sql_conn *conn;
        EXPECT_OK(sql_connect(db, SQL_WRITE, w.a, &conn));
        EXPECT_ERR(sql_script(conn, "DELETE FROM events", w.a), ERR_CONFLICT);
        EXPECT_ERR(sql_script(conn, "UPDATE events SET detail = ''", w.a), ERR_CONFLICT);
        EXPECT_ERR(sql_script(conn, "INSERT OR REPLACE INTO events VALUES (1,1,1,1,'a','','','')", w.a), ERR_CONFLICT);
        sql_disconnect(conn);
        sql_close_db(db);
    }
    meta_world_release(&w);
}

/* ---- jobs ---- */

#define LEASE_MS 1000

static struct job_wanted wanted(slice kind, slice owner, int64_t now_ms)
{
    return (struct job_wanted){ .kind = kind, .owner = owner, .now_ms = now_ms, .lease_ms = LEASE_MS };
}

static struct job_claim claim_of(const struct job *j)
{
    return (struct job_claim){ j->id, j->lease_owner, j->attempts };
}

static err_t find_and_claim(struct meta_tx *tx, const struct job_wanted *w, struct arena *a, struct job *ret)
{
    int64_t id;
    TRY(meta_job_find(tx, w, a, &id));
    return meta_job_claim(tx, w, id, a, ret);
}

IN_WRITE(jobs_run)
{
    (void)arg;
    struct job j, k;
    int64_t id, next_ms, periodic;
    bool cancel;
    struct job_wanted purge = wanted(S("purge"), S("w1"), 39), import = wanted(S("import"), S("w1"), 39);
    EXPECT_ERR(meta_job_find(tx, &purge, a, &id), ERR_NOT_FOUND);
    TRY(meta_job_next_ms(tx, S("import"), 39, a, &next_ms));
    EXPECT_EQ(next_ms, INT64_MAX);
    TRY(meta_job_ensure(tx, S("purge"), 50, a));
    TRY(meta_job_ensure(tx, S("purge"), 60, a));
    struct job one = { .kind = S("import"), .subject = S("file:1"), .payload = S("p"), .run_at_ms = 40 };
    TRY(meta_job_add(tx, &one, a, &id));
    EXPECT_ERR(meta_job_find(tx, &import, a, &id), ERR_NOT_FOUND);
    EXPECT_ERR(meta_job_claim(tx, &import, id, a, &j), ERR_NOT_FOUND); /* it is not due yet */
    TRY(meta_job_next_ms(tx, S("import"), 39, a, &next_ms));
    EXPECT_EQ(next_ms, 40);
    import.now_ms = purge.now_ms = 100;
    EXPECT_ERR(meta_job_claim(tx, &purge, id, a, &j), ERR_NOT_FOUND); /* of another kind */
    TRY(find_and_claim(tx, &import, a, &j));
    EXPECT(j.id == id && j.state == JOB_RUNNING && j.attempts == 1 && j.started_at_ms == 100 && j.run_at_ms == 40);
    EXPECT_EQ(j.lease_until_ms, 100 + LEASE_MS);
    EXPECT_SLICE(j.payload, S("p"));
    TRY(find_and_claim(tx, &purge, a, &k));
    EXPECT_SLICE(k.kind, S("purge"));
    EXPECT_EQ(k.run_at_ms, 50);
    periodic = k.id;

    /* During the lease no other worker can claim the job; after the lease every worker can. */
    struct job_wanted other = wanted(S("import"), S("w2"), 100 + LEASE_MS - 1);
    EXPECT_ERR(meta_job_find(tx, &other, a, &next_ms), ERR_NOT_FOUND);
    EXPECT_ERR(meta_job_claim(tx, &other, id, a, &k), ERR_NOT_FOUND);
    TRY(meta_job_next_ms(tx, S("import"), 100, a, &next_ms));
    EXPECT_EQ(next_ms, 100 + LEASE_MS);
    struct job_claim old = claim_of(&j);
    TRY(meta_job_renew(tx, &old, 500 + LEASE_MS, a, &cancel));
    EXPECT(!cancel);
    TRY(meta_job_note(tx, &old, &(struct job_notes){ 3, 4, S("at 3") }, a));
    TRY(meta_job_note(tx, &old, &(struct job_notes){ 4, 4, { 0 } }, a)); /* leaves the checkpoint */
    other.now_ms = 500 + LEASE_MS;
    TRY(find_and_claim(tx, &other, a, &j));
    EXPECT(j.id == id && j.attempts == 2 && j.progress == 4 && j.total == 4);
    EXPECT_SLICE(j.checkpoint, S("at 3"));
    EXPECT_ERR(meta_job_renew(tx, &old, 9999, a, &cancel), ERR_CONFLICT);
    EXPECT_ERR(meta_job_note(tx, &old, &(struct job_notes){ 9, 9, S("") }, a), ERR_CONFLICT);
    EXPECT_ERR(meta_job_finish(tx, &old, &j, JOB_FINISH_ALWAYS, a), ERR_CONFLICT);

    /* Other jobs that may be claimed: a job under the worker's own name, one with a lease from a clock that was ahead,
     * and ended leases. */
    TRY(find_and_claim(tx, &other, a, &j));
    EXPECT_EQ(j.attempts, 3);
    import.now_ms = other.now_ms - LEASE_MS - 1;
    TRY(find_and_claim(tx, &import, a, &j));
    TRY(meta_job_end_leases(tx, S("import"), 200, a));
    other.now_ms = 200;
    TRY(find_and_claim(tx, &other, a, &j));
    EXPECT_EQ(j.attempts, 5);

    /* The job is cancelled during its run. */
    struct job_claim now = claim_of(&j);
    TRY(meta_job_cancel(tx, id, 210, a));
    TRY(meta_job_renew(tx, &now, 220 + LEASE_MS, a, &cancel));
    EXPECT(cancel);
    j.state = JOB_FAILED;
    j.error = S("why");
    j.finished_at_ms = 80;
    EXPECT_ERR(meta_job_finish(tx, &now, &j, JOB_FINISH_UNLESS_CANCELLED, a), ERR_CONFLICT);
    TRY(meta_job_finish(tx, &now, &j, JOB_FINISH_IF_CANCELLED, a));
    EXPECT_ERR(meta_job_finish(tx, &now, &j, JOB_FINISH_ALWAYS, a), ERR_CONFLICT);
    EXPECT_ERR(meta_job_cancel(tx, id, 210, a), ERR_CONFLICT);
    TRY(meta_job_retry(tx, id, 300, a));
    TRY(meta_job_cancel(tx, id, 310, a));
    TRY(meta_job_get(tx, id, a, &j));
    EXPECT(j.state == JOB_CANCELLED && j.finished_at_ms == 310 && j.cancel_at_ms == 0);
    TRY(meta_job_retry(tx, id, 320, a));
    TRY(meta_job_retry(tx, id, 330, a));
    TRY(find_and_claim(tx, &(struct job_wanted){ S("import"), S("w3"), 330, LEASE_MS }, a, &j));
    EXPECT_EQ(j.attempts, 1);
    EXPECT_ERR(meta_job_retry(tx, id, 340, a), ERR_CONFLICT);
    j.state = JOB_DONE;
    j.error = S("");
    j.result = S("it worked");
    j.finished_at_ms = 350;
    now = claim_of(&j);
    TRY(meta_job_finish(tx, &now, &j, JOB_FINISH_UNLESS_CANCELLED, a));
    EXPECT_ERR(meta_job_retry(tx, id, 360, a), ERR_CONFLICT);
    EXPECT_ERR(meta_job_get(tx, 99, a, &j), ERR_NOT_FOUND);

    /* The periodic job, which is never final. */
    TRY(meta_job_get(tx, periodic, a, &j));
    now = claim_of(&j);
    j.state = JOB_QUEUED;
    j.run_at_ms = 5000;
    TRY(meta_job_finish(tx, &now, &j, JOB_FINISH_ALWAYS, a));
    EXPECT_ERR(meta_job_cancel(tx, periodic, 360, a), ERR_CONFLICT);
    TRY(meta_job_advance(tx, S("purge"), 400, 5000, a));
    TRY(meta_job_get(tx, periodic, a, &j));
    EXPECT_EQ(j.run_at_ms, 5000);
    TRY(meta_job_advance(tx, S("purge"), 400, 4999, a));
    TRY(meta_job_get(tx, periodic, a, &j));
    EXPECT_EQ(j.run_at_ms, 400);
    return NULL;
}

IN_WRITE(jobs_forgotten)
{
    (void)arg;
    int64_t count;
    TRY(meta_job_forget(tx, 350, 10, a, &count));
    EXPECT_EQ(count, 0);
    TRY(meta_job_forget(tx, 351, 10, a, &count));
    EXPECT_EQ(count, 1);
    return NULL;
}

FOR_EACH_DATABASE(a_job_is_claimed_by_one_worker_until_its_lease_ends)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, jobs_run);
    struct meta_tx *tx = snapshot(&w);
    struct job_list jobs;
    EXPECT_OK(meta_job_list(tx, ALL_IDS, w.a, &jobs));
    EXPECT(jobs.count == 2 && jobs.items[0].state == JOB_QUEUED && jobs.items[1].state == JOB_DONE);
    EXPECT(jobs.items[1].progress == 4 && jobs.items[1].attempts == 1 && jobs.items[1].lease_owner.n == 0);
    EXPECT_SLICE(jobs.items[1].subject, S("file:1"));
    EXPECT_SLICE(jobs.items[1].result, S("it worked"));
    meta_read_end(tx);
    RUN_WRITE(&w, jobs_forgotten);
    meta_world_release(&w);
}

static err_t add_import(struct meta_tx *tx, int64_t account, slice group, struct arena *a, int64_t *ret_id)
{
    struct job j = { .kind = S("import"), .subject = S("x"), .account_id = account, .group = group, .run_at_ms = 10 };
    return meta_job_add(tx, &j, a, ret_id);
}

/* One worker reads its clock and then waits for the store. Meanwhile another one claims the job, by a later time. */
IN_WRITE(claim_by_an_older_clock)
{
    (void)arg;
    struct job j;
    int64_t id, found;
    TRY(add_import(tx, 0, S(""), a, &id));
    struct job_wanted first = wanted(S("import"), S("w1"), 1001), late = wanted(S("import"), S("w2"), 1000);
    TRY(find_and_claim(tx, &first, a, &j));
    for (late.now_ms = 1000; late.now_ms >= first.now_ms - LEASE_MS; late.now_ms -= 333) {
        EXPECT_ERR(meta_job_find(tx, &late, a, &found), ERR_NOT_FOUND);
        EXPECT_ERR(meta_job_claim(tx, &late, id, a, &j), ERR_NOT_FOUND);
    }
    return NULL;
}

FOR_EACH_DATABASE(a_worker_with_an_older_time_does_not_take_a_job_that_was_just_claimed)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, claim_by_an_older_clock);
    meta_world_release(&w);
}

static err_t end_import(struct meta_tx *tx, struct job *j, struct arena *a)
{
    struct job_claim claim = claim_of(j);
    j->state = JOB_FAILED;
    return meta_job_finish(tx, &claim, j, JOB_FINISH_ALWAYS, a);
}

IN_WRITE(jobs_in_groups)
{
    (void)arg;
    struct job j, k;
    int64_t id[4];
    struct job_wanted w1 = wanted(S("import"), S("w1"), 20), w2 = wanted(S("import"), S("w2"), 20);
    for (int i = 0; i < 3; i++)
        TRY(add_import(tx, 1, S("g"), a, &id[i]));
    TRY(find_and_claim(tx, &w1, a, &j));
    EXPECT_EQ(j.id, id[0]);
    EXPECT_ERR(meta_job_find(tx, &w2, a, &id[3]), ERR_NOT_FOUND); /* the others wait for it */
    EXPECT_ERR(meta_job_claim(tx, &w2, id[1], a, &k), ERR_NOT_FOUND);
    TRY(add_import(tx, 1, S("h"), a, &id[3]));
    TRY(find_and_claim(tx, &w2, a, &k));
    EXPECT_EQ(k.id, id[3]);
    TRY(end_import(tx, &k, a));
    TRY(end_import(tx, &j, a));
    TRY(find_and_claim(tx, &w1, a, &j));
    EXPECT_EQ(j.id, id[1]);
    TRY(meta_job_retry(tx, id[0], 20, a)); /* earlier, but one of the group runs */
    EXPECT_ERR(meta_job_find(tx, &w2, a, &id[3]), ERR_NOT_FOUND);
    EXPECT_ERR(meta_job_claim(tx, &w2, id[0], a, &k), ERR_NOT_FOUND);
    TRY(end_import(tx, &j, a));
    TRY(find_and_claim(tx, &w1, a, &j));
    EXPECT_EQ(j.id, id[0]);
    return NULL;
}

FOR_EACH_DATABASE(jobs_of_a_group_run_one_after_the_other)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, jobs_in_groups);
    meta_world_release(&w);
}

IN_WRITE(jobs_of_two_accounts)
{
    (void)arg;
    static const int64_t expected[] = { 1, 2, 1, 2, 1, 1 };
    int64_t id;
    struct job_wanted w = wanted(S("import"), S("w"), 20);
    for (int i = 0; i < 6; i++)
        TRY(add_import(tx, i < 4 ? 1 : 2, S(""), a, &id));
    for (size_t i = 0; i < LENGTH_OF(expected); i++, w.now_ms++) {
        struct job j;
        TRY(find_and_claim(tx, &w, a, &j));
        EXPECT_EQ(j.account_id, expected[i]);
        TRY(end_import(tx, &j, a));
    }
    EXPECT_ERR(meta_job_find(tx, &w, a, &id), ERR_NOT_FOUND);
    return NULL;
}

FOR_EACH_DATABASE(accounts_take_turns_however_many_jobs_each_has)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, jobs_of_two_accounts);
    meta_world_release(&w);
}

IN_WRITE(jobs_of_two_groups)
{
    (void)arg;
    static const int64_t expected[] = { 1, 5, 2, 6, 3, 4 };
    int64_t id;
    struct job_wanted w = wanted(S("import"), S("w"), 20);
    for (int i = 0; i < 6; i++)
        TRY(add_import(tx, 1, i < 4 ? S("g") : S("h"), a, &id));
    for (size_t i = 0; i < LENGTH_OF(expected); i++, w.now_ms++) {
        struct job j;
        TRY(find_and_claim(tx, &w, a, &j));
        EXPECT_EQ(j.id - id + 6, expected[i]);
        TRY(end_import(tx, &j, a));
    }
    return NULL;
}

FOR_EACH_DATABASE(groups_of_an_account_take_turns_however_many_jobs_each_has)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, jobs_of_two_groups);
    meta_world_release(&w);
}

/* ---- the store itself ---- */

IN_WRITE(disable_user)
{
    return meta_user_set_state(tx, ((struct meta_world *)arg)->user, USER_DISABLED, a);
}

IN_WRITE(disable_user_then_fail)
{
    TRY(disable_user(tx, arg, a));
    return err_make(a, ERR_INVALID, "on second thoughts");
}

FOR_EACH_DATABASE(the_generation_rises_only_when_an_existing_record_changes)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    uint64_t before = meta_generation(w.store);
    put_upload(&w, 1, S("x"), S("")); /* adds records and changes counters: caches stay valid */
    EXPECT(meta_generation(w.store) == before);
    RUN_WRITE(&w, disable_user);
    EXPECT(meta_generation(w.store) > before);
    meta_world_release(&w);
}

FOR_EACH_DATABASE(a_write_that_fails_leaves_nothing)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    EXPECT_ERR(meta_write(w.store, disable_user_then_fail, &w, w.a), ERR_INVALID);
    struct meta_tx *tx = snapshot(&w);
    struct user u;
    EXPECT_OK(meta_user_get(tx, w.user, w.a, &u));
    EXPECT_EQ(u.state, USER_ACTIVE);
    meta_read_end(tx);
    meta_world_release(&w);
}

TEST(ids_are_never_used_twice)
{
    struct meta_world w;
    meta_world_init(&w, DATABASE_FILE, INLINE);
    for (int i = 0; i < 3; i++)
        put_upload(&w, (uint64_t)i, S("x"), S(""));
    RUN_WRITE(&w, release_the_objects);
    meta_close(w.store);
    meta_world_open(&w);
    struct meta_upload u = put_upload(&w, 9, S("x"), S(""));
    EXPECT(u.file_id > 3 && u.object_id > 3);
    meta_world_release(&w);
}

TEST(a_database_of_a_newer_version_is_refused)
{
    struct meta_world w;
    meta_world_init(&w, DATABASE_FILE, INLINE);
    meta_close(w.store);
    struct sql_db *db = test_database_open(&w.database, w.a);
    struct sql_conn *conn;
    EXPECT_OK(sql_connect(db, SQL_WRITE, w.a, &conn));
    EXPECT_OK(sql_script(conn, "INSERT INTO schema_version (version, name) VALUES (999, '0999_future')", w.a));
    sql_disconnect(conn);
    sql_close_db(db);
    EXPECT_ERR(meta_open(test_database_open(&w.database, w.a), &w.options, w.a, &w.store), ERR_UNSUPPORTED);
    EXPECT_ERR(
        meta_open(test_database_open(&w.database, w.a), &(struct meta_options){ .read_only = true }, w.a, &w.store),
        ERR_UNSUPPORTED);
    w.store = NULL;
    meta_world_release(&w);
}

TEST(a_read_only_store_refuses_writes)
{
    struct meta_world w;
    meta_world_init(&w, DATABASE_FILE, INLINE);
    meta_close(w.store);
    struct sql_db *db;
    EXPECT_OK(sqlite_open(&(struct sqlite_options){ .path = w.database.path, .read_only = true }, w.a, &db));
    EXPECT_OK(meta_open(db, &(struct meta_options){ .read_only = true }, w.a, &w.store));
    EXPECT_ERR(meta_write(w.store, disable_user, &w, w.a), ERR_UNAVAILABLE);
    struct meta_tx *tx = snapshot(&w);
    struct user u;
    EXPECT_OK(meta_user_by_login(tx, S("alice"), w.a, &u));
    meta_read_end(tx);
    EXPECT_OK(meta_verify(w.store, w.a));
    meta_world_release(&w);
}

/* Whichever call of opening fails (migrations, first statements), the next start must succeed. */
TEST(opening_succeeds_after_a_failure_of_any_call)
{
    for (int64_t nth = 1;; nth++) {
        struct meta_world w = { .options = INLINE };
        test_database_init(&w.database, DATABASE_FAULT);
        arena_init(&w.arena);
        w.a = &w.arena;
        w.database.plan = (struct fault_plan){ .fail_at = nth, .code = ERR_UNAVAILABLE };
        err_t e = meta_open(test_database_open(&w.database, w.a), &w.options, w.a, &w.store);
        if (e) {
            EXPECT_EQ(e->code, ERR_UNAVAILABLE);
            w.database.plan.fail_at = 0;
            meta_world_open(&w);
        }
        w.database.plan.fail_at = 0;
        EXPECT_OK(meta_write(w.store, meta_world_add_user, &w, w.a));
        meta_world_release(&w);
        if (!e)
            break;
    }
}

/* The nth store call of an upload fails, for n = 1, 2, 3 …: nothing of the upload is left, and the next one
 * succeeds. */
TEST(an_upload_leaves_nothing_whichever_call_fails)
{
    struct meta_world w;
    meta_world_init(&w, DATABASE_FAULT, INLINE);
    for (int64_t nth = 1;; nth++) {
        w.database.plan = (struct fault_plan){ .fail_at = nth, .code = nth % 2 ? ERR_NO_SPACE : ERR_UNAVAILABLE };
        struct meta_upload u = { .world = &w, .number = (uint64_t)nth, .bytes = S("hello") };
        err_t e = meta_write(w.store, meta_upload_apply, &u, w.a);
        w.database.plan.fail_at = 0;
        struct meta_tx *tx = snapshot(&w);
        struct account account;
        struct file f;
        unsigned char uuid[16] = { 0 };
        memcpy(uuid, &u.number, sizeof u.number);
        EXPECT_OK(meta_account_get(tx, w.account, w.a, &account));
        EXPECT_EQ(account.used_files, e ? 0 : 1);
        if (e)
            EXPECT_ERR(meta_file_by_uuid(tx, uuid, w.a, &f), ERR_NOT_FOUND);
        else
            EXPECT_OK(meta_file_by_uuid(tx, uuid, w.a, &f));
        meta_read_end(tx);
        if (!e)
            break;
        EXPECT_EQ(e->code, nth % 2 ? ERR_NO_SPACE : ERR_UNAVAILABLE);
    }
    meta_world_release(&w);
}

/* ---- no hot query reads a whole table ---- */

/* These statements read whole tables because their callers ask for everything, and one reads a first row. */
static bool may_scan(slice sql)
{
    return slice_find(sql, S("WITH counted")) != SLICE_NONE || slice_ends(sql, S("FROM accounts ORDER BY id")) ||
           slice_ends(sql, S("FROM users ORDER BY id")) || slice_ends(sql, S("FROM jobs ORDER BY id")) ||
           slice_find(sql, S("FROM credentials WHERE form = $1 ORDER BY id")) != SLICE_NONE ||
           slice_ends(sql, S("FROM objects o WHERE o.id > $1 ORDER BY o.id")) ||
           slice_find(sql, S("FROM events e")) != SLICE_NONE ||
           slice_find(sql, S("FROM removed_tasks ORDER BY task_id LIMIT 1")) != SLICE_NONE ||
           slice_ends(sql, S("= 0) ORDER BY f.id DESC LIMIT $5"));
}

static err_t read_applications(struct meta_tx *tx, struct arena *a)
{
    struct application app;
    struct code code;
    struct record_ids ids;
    bool is_first;
    const struct surplus_query q = { .user_id = 1, .key_id = 1, .purpose = S("x"), .now_ms = 1 };
    EXPECT_ERR(meta_application_by_client_id(tx, S("x"), a, &app), ERR_NOT_FOUND);
    slice client_id;
    EXPECT_ERR(meta_application_client_id(tx, 99, a, &client_id), ERR_NOT_FOUND);
    EXPECT_ERR(meta_code_get(tx, 99, a, &code), ERR_NOT_FOUND);
    TRY(meta_code_use(tx, 99, 1, a, &is_first));
    TRY(meta_code_remove(tx, 99, a));
    return meta_application_surplus(tx, &q, a, &ids);
}

IN_WRITE(read_everything)
{
    struct meta_world *w = arg;
    struct user_list users;
    struct credential_list keys;
    struct blob_key_list garbage;
    struct file_list files;
    struct event_list events;
    struct reference_list references;
    unsigned char bytes[32] = { 0 };
    struct account account;
    struct user u;
    struct credential k;
    struct file f;
    slice text;
    bool has;
    TRY(meta_account_by_name(tx, S("default"), a, &account));
    TRY(meta_user_by_login(tx, S("alice"), a, &u));
    EXPECT_ERR(meta_user_by_email(tx, 1, S("x"), a, &u), ERR_NOT_FOUND);
    TRY(meta_user_list(tx, 1, ALL_IDS, a, &users));
    TRY(meta_user_password(tx, 1, a, &text));
    EXPECT_ERR(meta_credential_by_hash(tx, S("x"), 0, bytes, a, &k), ERR_NOT_FOUND);
    TRY(read_applications(tx, a));
    TRY(meta_credential_list(tx, 1, CREDENTIAL_KEY, a, &keys));
    TRY(meta_object_has_key(tx, S("x"), a, &has));
    TRY(meta_garbage_list(tx, 1, 1, a, &garbage));
    EXPECT_ERR(meta_file_by_uuid(tx, bytes, a, &f), ERR_NOT_FOUND);
    TRY(meta_file_due(tx, 1, 1, a, &files));
    for (int i = 0; i < 4; i++) {
        struct file_query q = { .account_id = i & 1, .owner_id = i >> 1, .state = -1, .limit = 5 };
        TRY(meta_file_list(tx, &q, a, &files));
    }
    TRY(meta_event_list(tx, 0, 5, a, &events));
    TRY(meta_reference_list(tx, 1, a, &references));
    int64_t held;
    TRY(meta_comment_bytes(tx, 1, a, &held));
    (void)w;
    return NULL;
}

TEST(no_hot_query_reads_a_whole_table)
{
    struct meta_world w;
    spied_world_init(&w);
    put_upload(&w, 1, S("x"), S(""));
    put_upload(&w, 2, S("y"), S("k"));
    RUN_WRITE(&w, add_keys_and_tokens);
    RUN_WRITE(&w, revoke_the_key);
    RUN_WRITE(&w, add_task_with_references);
    RUN_WRITE(&w, mark_the_task_as_removed);
    RUN_WRITE(&w, remove_the_first_rows);
    RUN_WRITE(&w, remove_the_task_and_members);
    RUN_WRITE(&w, jobs_run);
    RUN_WRITE(&w, jobs_forgotten);
    RUN_WRITE(&w, jobs_in_groups);
    RUN_WRITE(&w, forget_garbage);
    RUN_WRITE(&w, read_everything);
    EXPECT(spy.n > 40);
    spied_check_plans(&w, may_scan);
    meta_world_release(&w);
}

RUN_TESTS(cmocka_unit_test(an_account_may_use_exactly_as_much_as_its_limits),
          cmocka_unit_test(one_write_may_use_many_accounts),
          cmocka_unit_test(a_write_or_a_list_that_takes_too_much_memory_is_refused),
          cmocka_unit_test(a_write_is_refused_when_the_quota_is_used_up_before_its_end),
          cmocka_unit_test(a_write_is_refused_when_the_quota_of_the_user_is_used_up_before_its_end),
          cmocka_unit_test(a_login_is_unique_among_users_that_are_not_deleted),
          cmocka_unit_test(revoking_a_key_revokes_the_tokens_made_from_it),
          cmocka_unit_test(only_a_live_token_is_extended),
          cmocka_unit_test(what_is_made_from_a_key_has_the_role_of_the_key),
          cmocka_unit_test(an_application_is_found_with_its_key_and_its_callbacks),
          cmocka_unit_test(a_code_is_removed_with_its_tokens),
          cmocka_unit_test(a_token_is_removed_when_none_was_made_from_it),
          cmocka_unit_test(an_object_is_removed_with_its_last_file_and_its_key_becomes_garbage),
          cmocka_unit_test(files_are_found_change_state_and_become_due),
          cmocka_unit_test(usage_check_finds_and_repairs_wrong_counters),
          cmocka_unit_test(a_file_with_references_cannot_be_removed_before_its_task),
          cmocka_unit_test(a_removed_task_is_in_no_read_of_the_store_and_is_removed_in_pieces),
          cmocka_unit_test(comment_sizes_are_counted_in_bytes_not_characters),
          cmocka_unit_test(events_are_listed_newest_first_and_cannot_be_changed),
          cmocka_unit_test(a_job_is_claimed_by_one_worker_until_its_lease_ends),
          cmocka_unit_test(a_worker_with_an_older_time_does_not_take_a_job_that_was_just_claimed),
          cmocka_unit_test(jobs_of_a_group_run_one_after_the_other),
          cmocka_unit_test(accounts_take_turns_however_many_jobs_each_has),
          cmocka_unit_test(groups_of_an_account_take_turns_however_many_jobs_each_has),
          cmocka_unit_test(the_generation_rises_only_when_an_existing_record_changes),
          cmocka_unit_test(a_write_that_fails_leaves_nothing), cmocka_unit_test(ids_are_never_used_twice),
          cmocka_unit_test(a_database_of_a_newer_version_is_refused),
          cmocka_unit_test(a_read_only_store_refuses_writes),
          cmocka_unit_test(opening_succeeds_after_a_failure_of_any_call),
          cmocka_unit_test(an_upload_leaves_nothing_whichever_call_fails),
          cmocka_unit_test(no_hot_query_reads_a_whole_table))
