/* SPDX-License-Identifier: Apache-2.0 */
/* A database that an older version wrote is migrated to the schema of this version and loses no data. */
#include "core/records/bucket.h"
#include "core/records/comment.h"
#include "core/records/entry.h"
#include "core/records/reference.h"
#include "core/records/task.h"
#include "core/records/ticket.h"
#include "core/store/bucket_store.h"
#include "core/store/comment_store.h"
#include "core/store/course_store.h"
#include "core/store/credential_store.h"
#include "core/store/entry_store.h"
#include "core/store/environment_store.h"
#include "core/store/hold_store.h"
#include "core/store/job_store.h"
#include "core/store/reference_store.h"
#include "core/store/task_store.h"
#include "core/store/ticket_store.h"
#include "meta_suite.h"
#include "old_version.h"
#include "rounds.h"

/* Rows as the first version wrote them. Today's code can no longer write them. */
static const char first_data[] =
    "INSERT INTO accounts VALUES (1, 'default', 1, 0, 0, 12, 2);"
    "INSERT INTO users VALUES (1, 1, 'alice', 'Alice', '', 0, 0, 0, 1, '');"
    "INSERT INTO credentials VALUES (1, 1, 1, 'native', 0, zeroblob(32), NULL, 1, 0, 0);"
    "INSERT INTO objects VALUES (1, 1, 5, zeroblob(16), 1, NULL, CAST('hello' AS BLOB));"
    "INSERT INTO objects VALUES (2, 1, 7, zeroblob(16), 1, 'aa/1', NULL);"
    "INSERT INTO objects VALUES (3, 1, 16384, zeroblob(16), 1, NULL, zeroblob(16384));"
    "UPDATE next_ids SET next_id = 257;"
    "INSERT INTO files VALUES (1, CAST('0123456789abcdef' AS BLOB), 1, 1, 'native', 'a.txt', '', 1, 1, 5,"
    " zeroblob(16), 1, 1, 99);"
    "INSERT INTO files VALUES (2, CAST('0123456789abcdeF' AS BLOB), 1, 1, 'pyrus', 'b.txt', '', 2, 2, 7,"
    " zeroblob(16), 1, 1, 0);"
    "INSERT INTO tasks VALUES (1, 1, 1, 'text', 'subject', '{}', 1, 2, 0);"
    "INSERT INTO task_members VALUES (1, 1, 4);"
    "INSERT INTO comments VALUES (1, 1, 1, 'said', '{}', 3, 0);"
    "INSERT INTO refs VALUES (1, 1, 1, 1, 2, 1, 1, '', '', 5);"
    "INSERT INTO events VALUES (1, 1, 1, 1, 'file.store', 'file:x', '', '');"
    "INSERT INTO garbage VALUES (1, 'aa/0', 1);"
    "INSERT INTO jobs VALUES (1, 'purge', '', 0, 50, 40, 45, 2, 7, 0, 'why');"
    "INSERT INTO jobs VALUES (2, 'sweep', '', 1, 60, 60, 0, 0, 0, 0, '');"
    "INSERT INTO jobs VALUES (3, 'garbage', '', 3, 70, 0, 0, 0, 0, 0, '');"
    "INSERT INTO jobs VALUES (9, 'import', 'file:x', 2, 80, 81, 82, 1, 5, 6, '')";

static void old_version_world(struct meta_world *w, int64_t version, const char *data, enum database_kind kind)
{
    *w = (struct meta_world){ .options = INLINE, .account = 1, .user = 1 };
    test_database_init(&w->database, kind);
    arena_init(&w->arena);
    w->a = &w->arena;
    struct sql_db *db = test_database_open(&w->database, w->a);
    old_version_create(db, version, data, w->a);
    sql_close_db(db);
}

static void expect_first_data(struct meta_world *w)
{
    struct meta_tx *tx = snapshot(w);
    struct file f;
    struct object o;
    struct task t;
    struct comment m;
    struct reference r;
    struct task_member_list members;
    int64_t wrong;
    EXPECT_OK(meta_file_with_object(tx, (const unsigned char *)"0123456789abcdef", w->a, &f, &o));
    EXPECT(f.id == 1 && f.state == FILE_STORED && f.purge_at_ms == 99 && o.part_count == 0);
    EXPECT_SLICE(o.inline_bytes, S("hello"));
    EXPECT_OK(meta_object_get(tx, 2, w->a, &o));
    EXPECT_SLICE(o.blob_key, S("aa/1"));
    EXPECT_EQ(o.part_count, 0);
    EXPECT_OK(meta_object_get(tx, 3, w->a, &o));
    EXPECT(o.part_count == 0 && o.inline_bytes.n == 16384);
    EXPECT_OK(meta_task_get(tx, 1, w->a, &t));
    EXPECT(!t.is_shared && t.modified_at_ms == 2);
    EXPECT_SLICE(t.text, S("text"));
    EXPECT_OK(meta_task_members(tx, 1, w->a, &members));
    EXPECT(members.count == 1 && members.items[0].roles == TASK_RESPONSIBLE);
    EXPECT_OK(meta_comment_get(tx, 1, w->a, &m));
    EXPECT(m.file_id == 0 && m.created_at_ms == 3);
    EXPECT_SLICE(m.text, S("said"));
    EXPECT_OK(meta_reference_get(tx, 1, w->a, &r));
    EXPECT(r.file_id == 2 && r.size_bytes == 7 && r.comment_id == 1);
    bool held;
    EXPECT_OK(meta_hold_has(tx, &(struct hold){ 2, { HOLDER_COMMENT, 1 } }, w->a, &held));
    EXPECT(held && !f.is_kept);
    struct job_list jobs;
    EXPECT_OK(meta_job_list(tx, ALL_IDS, w->a, &jobs));
    EXPECT_EQ(jobs.count, 4);
    for (size_t i = 0; i < 3; i++) /* periodic jobs wait, whatever they did */
        EXPECT(jobs.items[i].state == JOB_QUEUED && jobs.items[i].run_at_ms == 50 + 10 * (int64_t)i);
    EXPECT(jobs.items[0].attempts == 2 && jobs.items[0].progress == 7 && jobs.items[0].finished_at_ms == 45);
    EXPECT_SLICE(jobs.items[0].error, S("why"));
    EXPECT(jobs.items[3].id == 9 && jobs.items[3].state == JOB_DONE && jobs.items[3].total == 6);
    EXPECT_SLICE(jobs.items[3].subject, S("file:x"));
    EXPECT_OK(meta_usage_check(tx, false, w->a, &wrong));
    EXPECT_EQ(wrong, 0);
    meta_read_end(tx);
    EXPECT_OK(meta_verify(w->store, w->a));
}

/* The tables and columns of the second version work together with the old data. */
IN_WRITE(use_new_tables)
{
    struct meta_world *w = arg;
    int64_t bucket, whole;
    struct replaced_entry replaced;
    TRY(meta_bucket_add(tx, &(struct bucket){ .account_id = 1, .owner_id = 1, .name = S("photos") }, a, &bucket));
    const struct placed_part parts[] = { { .object_id = 1 }, { .object_id = 2 }, { .object_id = 3 } };
    struct object o = { .account_id = w->account };
    TRY(meta_object_compose(tx, &o, parts, 3, a, &whole));
    EXPECT(whole > 3);
    TRY(meta_object_get(tx, whole, a, &o));
    EXPECT_EQ(o.size_bytes, 5 + 7 + 16384);
    struct entry e = { .bucket_id = bucket,
                       .key = S("k"),
                       .owner_id = 1,
                       .object_id = whole,
                       .size_bytes = o.size_bytes,
                       .part_count = 3 };
    TRY(meta_entry_put(tx, &e, a, &replaced));
    int64_t id;
    TRY(meta_job_ensure(tx, S("purge"), 100, a));
    TRY(meta_job_find(tx, &(struct job_wanted){ S("purge"), S("w"), 100, 1000 }, a, &id));
    EXPECT_EQ(id, 1);
    TRY(meta_job_add(tx, &(struct job){ .kind = S("import"), .subject = S("file:y") }, a, &id));
    EXPECT_EQ(id, 10);
    struct comment m = { .task_id = 1, .author_id = 1, .file_id = 1 };
    TRY(meta_comment_add(tx, &m, a, &m.id));
    TRY(meta_removed_task_add(tx, &(struct removed_task){ .task_id = 1, .request_id = S("request") }, a));
    struct task t;
    EXPECT_ERR(meta_task_get(tx, 1, a, &t), ERR_NOT_FOUND);
    return meta_task_remove(tx, 1, a);
}

TEST(a_database_of_the_first_version_is_upgraded_with_its_data)
{
    struct meta_world w;
    old_version_world(&w, 1, first_data, DATABASE_FILE);
    EXPECT_ERR(
        meta_open(test_database_open(&w.database, w.a), &(struct meta_options){ .read_only = true }, w.a, &w.store),
        ERR_UNSUPPORTED);
    meta_world_open(&w);
    expect_first_data(&w);
    meta_close(w.store);
    meta_world_open(&w); /* no migration runs a second time */
    expect_first_data(&w);
    RUN_WRITE(&w, use_new_tables);
    meta_world_release(&w);
}

/* ---- the second version: holds, and holders of tickets ---- */

static void expect_file(struct meta_world *w, struct meta_tx *tx, int64_t id, enum file_state state, bool is_kept,
                        int64_t holds)
{
    struct file f;
    struct hold_list held;
    int64_t count = 0;
    EXPECT_OK(meta_file_get(tx, id, w->a, &f));
    EXPECT(f.state == state && f.is_kept == is_kept);
    EXPECT_EQ(f.purge_at_ms == 0, state == FILE_READY);
    EXPECT_OK(meta_hold_list(tx, &(struct hold){ .file_id = id }, 100, w->a, &held));
    for (size_t i = 0; i < held.count; i++)
        count += held.items[i].file_id == id;
    EXPECT_EQ(count, holds);
}

static void expect_ticket(struct meta_world *w, struct meta_tx *tx, int64_t file_id, struct holder holder,
                          bool is_confirmed)
{
    struct ticket k;
    EXPECT_OK(meta_ticket_get(tx, file_id, w->a, &k));
    EXPECT(k.holder.kind == holder.kind && k.holder.id == holder.id && k.declared_bytes == 5 && k.expires_at_ms == 9);
    EXPECT_EQ(k.confirmed_at_ms, is_confirmed ? 3 : 0);
    EXPECT_SLICE(k.key, arena_printf(w->a, "k%lld", (long long)file_id));
}

static void expect_second_data(struct meta_world *w)
{
    struct meta_tx *tx = snapshot(w);
    bool has;
    expect_file(w, tx, 1, FILE_STORED, false, 0);
    expect_file(w, tx, 2, FILE_READY, false, 2);
    expect_file(w, tx, 3, FILE_READY, true, 0);
    expect_file(w, tx, 4, FILE_READY, true, 1);
    expect_file(w, tx, 5, FILE_READY, true, 0);
    expect_file(w, tx, 6, FILE_ISSUED, false, 0);
    expect_file(w, tx, 7, FILE_STORED, false, 0);
    expect_file(w, tx, 8, FILE_READY, false, 1);
    expect_file(w, tx, 9, FILE_READY, true, 0);
    expect_file(w, tx, 10, FILE_STORED, false, 0);
    const struct hold holds[] = {
        { 2, { HOLDER_TASK, 1 } }, { 2, { HOLDER_COMMENT, 1 } }, { 4, { HOLDER_TASK, 1 } }, { 8, { HOLDER_COMMENT, 1 } }
    };
    for (size_t i = 0; i < LENGTH_OF(holds); i++) {
        EXPECT_OK(meta_hold_has(tx, &holds[i], w->a, &has));
        EXPECT(has);
    }
    expect_ticket(w, tx, 6, (struct holder){ HOLDER_TASK, 1 }, false);
    expect_ticket(w, tx, 7, (struct holder){ HOLDER_COMMENT, 1 }, false);
    expect_ticket(w, tx, 8, (struct holder){ 0 }, true);
    expect_ticket(w, tx, 9, (struct holder){ 0 }, true);
    expect_ticket(w, tx, 10, (struct holder){ 0 }, false);
    meta_read_end(tx);
    EXPECT_OK(meta_verify(w->store, w->a));
}

TEST(references_of_the_second_version_become_holds_and_tickets_name_holders)
{
    struct meta_world w;
    old_version_world(&w, 2, second_version_data, DATABASE_FILE);
    meta_world_open(&w);
    expect_second_data(&w);
    meta_close(w.store);
    meta_world_open(&w);
    expect_second_data(&w);
    meta_world_release(&w);
}

/* ---- courses of version 12 ---- */

static const char courses_data[] =
    "INSERT INTO accounts (id, name, created_at_ms, max_bytes, max_files, used_bytes, used_files)"
    " VALUES (1, 'default', 1, 0, 0, 0, 0), (2, 'other', 1, 0, 0, 0, 0);"
    "INSERT INTO users (id, account_id, login, name, email, kind, state, is_admin, created_at_ms, password_hash)"
    " VALUES (1, 1, 'alice', 'Alice', '', 0, 0, 0, 1, ''), (2, 2, 'bob', 'Bob', '', 0, 0, 0, 1, '');"
    "INSERT INTO environments (id, account_id, creator_id, name, name_key, path, path_key, initials, description,"
    " created_at_ms, modified_at_ms) VALUES (1, 1, 1, 'e', 'e', 'e', 'e', '', '', 1, 1),"
    " (2, 2, 2, 'e', 'e', 'e', 'e', '', '', 1, 1);"
    "INSERT INTO courses (id, environment_id, creator_id, name, name_key, path, path_key, description, workload,"
    " created_at_ms, modified_at_ms) VALUES (1, 1, 1, 'c', 'c', 'c', 'c', '', 0, 1, 1),"
    " (2, 2, 2, 'c', 'c', 'c', 'c', '', 0, 1, 1);"
    "INSERT INTO enrolments (course_id, user_id, email, email_key, state, role, token, created_at_ms, modified_at_ms)"
    " VALUES (2, 2, '', '', 4, 2, '', 1, 1);";

static void expect_courses(struct meta_world *w)
{
    struct meta_tx *tx = snapshot(w);
    struct course course;
    enum course_role role;
    int64_t id;
    for (int64_t account = 1; account <= 2; account++) {
        EXPECT_OK(meta_course_by_path(tx, account, S("c"), w->a, &course));
        EXPECT_EQ(course.id, account);
    }
    EXPECT_OK(meta_environment_role(tx, 2, 2, w->a, &role));
    EXPECT_EQ(role, ROLE_MEMBER);
    EXPECT_OK(meta_environment_role(tx, 1, 2, w->a, &role));
    EXPECT_EQ(role, ROLE_NONE);
    EXPECT_OK(meta_environment_next_of_user(tx, 2, 0, w->a, &id));
    EXPECT_EQ(id, 2);
    meta_read_end(tx);
    EXPECT_OK(meta_verify(w->store, w->a));
}

TEST(courses_and_enrolments_of_version_12_are_found_by_account_and_environment)
{
    struct meta_world w;
    old_version_world(&w, 12, courses_data, DATABASE_FILE);
    meta_world_open(&w);
    expect_courses(&w);
    meta_world_release(&w);
}

/* ---- keys of version 14, which had no roles ---- */

static const char keys_data[] =
    "INSERT INTO accounts (id, name, created_at_ms, max_bytes, max_files, used_bytes, used_files)"
    " VALUES (1, 'default', 1, 0, 0, 0, 0);"
    "INSERT INTO users (id, account_id, login, name, email, kind, state, is_admin, created_at_ms, password_hash)"
    " VALUES (1, 1, 'alice', 'Alice', '', 0, 0, 0, 1, '');"
    "INSERT INTO credentials (id, account_id, user_id, purpose, form, secret_hash, parent_id, created_at_ms,"
    " expires_at_ms, revoked_at_ms) VALUES (1, 1, 1, 'native', 0, zeroblob(32), NULL, 1, 0, 0),"
    " (2, 1, 1, 'native', 1, zeroblob(32), 1, 1, 0, 0);";

static void expect_keys(struct meta_world *w)
{
    struct meta_tx *tx = snapshot(w);
    for (int64_t id = 1; id <= 2; id++) {
        struct credential k = { .role = KEY_NO_ROLE };
        EXPECT_OK(meta_credential_get(tx, id, w->a, &k));
        EXPECT(k.role == KEY_ADMIN && k.created_at_ms == 1 && k.parent_id == id - 1);
    }
    meta_read_end(tx);
    EXPECT_OK(meta_verify(w->store, w->a));
}

TEST(keys_of_version_14_may_still_do_everything)
{
    struct meta_world w;
    old_version_world(&w, 14, keys_data, DATABASE_FILE);
    meta_world_open(&w);
    expect_keys(&w);
    meta_world_release(&w);
}

TEST(a_number_that_is_no_role_of_this_program_allows_nothing)
{
    static const char *const roles[] = { "3", "31", "-1", "4294967296" }; /* the last two only without constraints */
    for (size_t i = 0; i < LENGTH_OF(roles); i++) {
        SCRATCH(a);
        struct meta_world w;
        struct credential k;
        const char *script = arena_printf(&a, "%s%sUPDATE credentials SET role = %s", keys_data,
                                          i < 2 ? "" : "PRAGMA ignore_check_constraints = ON;", roles[i])
                                 .p;
        old_version_world(&w, 15, script, DATABASE_FILE);
        meta_world_open(&w);
        struct meta_tx *tx = snapshot(&w);
        EXPECT_OK(meta_credential_get(tx, 1, w.a, &k));
        EXPECT_EQ(k.role, KEY_NO_ROLE);
        meta_read_end(tx);
        meta_world_release(&w);
    }
}

/* Otherwise each start would compare with the slower scripts, too. */
TEST(a_migrated_schema_is_what_the_script_for_new_databases_makes)
{
    const char *const scripts[] = { CREATE_SCHEMA_VERSION, newest_schema[SQL_SQLITE] };
    struct meta_world w;
    struct sql_conn *conn;
    old_version_world(&w, 1, first_data, DATABASE_FILE);
    meta_world_open(&w);
    struct sql_db *db = test_database_open(&w.database, w.a);
    EXPECT_OK(sql_connect(db, SQL_READ, w.a, &conn));
    EXPECT_OK(sql_match_schema(conn, scripts, LENGTH_OF(scripts), w.a));
    sql_disconnect(conn);
    sql_close_db(db);
    meta_world_release(&w);
}

/* Whichever call of a migration fails, the next start finishes it. */
static void fail_each_call(int64_t version, const char *data, void (*expect_data)(struct meta_world *))
{
    for (int64_t nth = fault_first();; nth += fault_step()) {
        struct meta_world w;
        old_version_world(&w, version, data, DATABASE_FAULT);
        w.database.plan = (struct fault_plan){ .fail_at = nth, .code = ERR_NO_SPACE };
        err_t e = meta_open(test_database_open(&w.database, w.a), &w.options, w.a, &w.store);
        w.database.plan.fail_at = 0;
        if (e) {
            EXPECT_EQ(e->code, ERR_NO_SPACE);
            meta_world_open(&w);
        }
        expect_data(&w);
        meta_world_release(&w);
        if (!e)
            break;
    }
}

TEST(an_upgrade_succeeds_after_a_failure_of_any_call)
{
    fail_each_call(1, first_data, expect_first_data);
    fail_each_call(2, second_version_data, expect_second_data);
    fail_each_call(12, courses_data, expect_courses);
    fail_each_call(14, keys_data, expect_keys);
}

RUN_TESTS(cmocka_unit_test(a_database_of_the_first_version_is_upgraded_with_its_data),
          cmocka_unit_test(references_of_the_second_version_become_holds_and_tickets_name_holders),
          cmocka_unit_test(courses_and_enrolments_of_version_12_are_found_by_account_and_environment),
          cmocka_unit_test(keys_of_version_14_may_still_do_everything),
          cmocka_unit_test(a_number_that_is_no_role_of_this_program_allows_nothing),
          cmocka_unit_test(a_migrated_schema_is_what_the_script_for_new_databases_makes),
          cmocka_unit_test(an_upgrade_succeeds_after_a_failure_of_any_call))
