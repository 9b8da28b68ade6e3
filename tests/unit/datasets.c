/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets, permission to send files, and files that become rows. */
#include "records_fixture.h"
#include "rounds.h"
#include "test.h"
#include "world.h"

#include "core/core_priv.h"
#include "core/dataset/columns.h"
#include "core/dataset/dataset_file.h"
#include "core/dataset/file_errors.h"
#include "core/dataset/gate.h"
#include "core/dataset/ingest.h"
#include "core/dataset/prefix.h"
#include "core/dataset/row_reader.h"
#include "core/dataset/schedule.h"
#include "core/free_space.h"
#include "core/job.h"
#include "core/reasons.h"
#include "core/records/account.h"
#include "core/store/account_store.h"
#include "core/store/dataset_store.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"

#include <string.h>

struct fixture {
    struct world *w;
    struct principal ana;
    struct dataset dataset; /* "Vendas": id integer, required; produto string; valor decimal */
};

static const struct column vendas_columns[] = { { { "id", sizeof "id" - 1 }, COLUMN_INT64, true },
                                                { { "produto", sizeof "produto" - 1 }, COLUMN_STRING, false },
                                                { { "valor", sizeof "valor" - 1 }, COLUMN_DECIMAL, false } };

static struct column_list columns_of(struct world *w, const struct column *columns, size_t count)
{
    struct column_list list = { arena_array(w->a, struct column, count + 1), count };
    memcpy(list.items, columns, count * sizeof *columns);
    return list;
}

static struct dataset_request vendas(struct world *w)
{
    return (struct dataset_request){ .name = S("Vendas de 2026!"),
                                     .columns = columns_of(w, vendas_columns, LENGTH_OF(vendas_columns)) };
}

static struct fixture fixture_new(struct world *w, enum dataset_processing processing)
{
    struct fixture f = { .w = w, .ana = world_user(w, S("ana")) };
    struct dataset_request request = vendas(w);
    request.processing = processing;
    EXPECT_OK(dataset_create(&w->core, &f.ana, &request, w->a, &f.dataset));
    return f;
}

/* ---- permission ---- */

struct taken {
    struct arena *a;
    err_t e;
    struct prefix_issued issued;
};

static void take_prefix(void *arg, err_t e, const struct prefix_issued *issued)
{
    struct taken *t = arg;
    t->e = err_copy(t->a, e);
    t->issued = *issued;
    t->issued.secret = arena_copy(t->a, issued->secret);
}

static struct prefix_issued issue(const struct fixture *f, int64_t lifetime_ms)
{
    struct taken t = { .a = f->w->a };
    prefix_issue(&f->w->core, &f->ana, &(struct prefix_request){ f->dataset.slug, lifetime_ms }, take_prefix, &t);
    EXPECT_OK(t.e);
    return t.issued;
}

static bool is_open(const struct fixture *f, slice secret)
{
    struct prefix_use use;
    err_t e = prefix_open(&f->w->core, secret, f->w->a, &use);
    EXPECT(!e || err_reason(e) == REASON_DATASET_NO_PREFIX);
    return !e;
}

/* ---- files ---- */

static err_t try_send(const struct fixture *f, const struct dataset_upload *upload, slice bytes, int64_t *ret_id)
{
    struct world *w = f->w;
    struct dataset_upload u = *upload;
    struct file file = { 0 };
    struct intake_request request = world_request(&f->ana, S("file"));
    u.core = &w->core;
    u.dataset_id = f->dataset.id;
    dataset_upload_into(&u, &request);
    err_t e = world_put(w, &request, bytes, &file);
    *ret_id = file.id;
    return e;
}

static int64_t send(const struct fixture *f, const char *name, slice bytes)
{
    int64_t id;
    EXPECT_OK(try_send(f, &(struct dataset_upload){ .name = slice_of(name) }, bytes, &id));
    return id;
}

static struct dataset_file file_of(const struct fixture *f, int64_t id)
{
    struct dataset_file file = { 0 };
    EXPECT_OK(dataset_file_find(&f->w->core, f->dataset.id, id, f->w->a, &file));
    return file;
}

/* The job that reads a file. */
static struct job job_of(const struct fixture *f, int64_t file_id)
{
    struct job_list jobs;
    slice subject = arena_printf(f->w->a, "file:%lld", (long long)file_id);
    EXPECT_OK(job_list(&f->w->core, ALL_IDS, f->w->a, &jobs));
    for (size_t i = 0; i < jobs.count; i++)
        if (slice_eq(jobs.items[i].subject, subject))
            return jobs.items[i];
    fail_msg("the file has no job");
    return (struct job){ 0 };
}

static void run_jobs(const struct fixture *f)
{
    world_run_jobs(f->w);
}

/* How many rows the dataset has. */
static uint64_t count_rows(const struct fixture *f)
{
    struct dataset_store *store = f->w->core.datasets;
    struct row_item item = { .aggregate = ROW_COUNT_ROWS, .type = COLUMN_UINT64 };
    struct row_query q = {
        .columns = &f->dataset.columns, .items = &item, .item_count = 1, .is_grouped = true, .limit = 1
    };
    struct dataset_cursor *cursor = NULL;
    const struct cell *cells;
    size_t count;
    EXPECT_OK(dataset_open_table(&f->w->core, &f->dataset, f->w->a));
    EXPECT_OK(store->ops->query(store, f->dataset.id, &q, 0, f->w->a, &cursor));
    EXPECT_OK(cursor->ops->next(cursor, f->w->a, &cells, &count));
    EXPECT_EQ(count, 1);
    uint64_t rows = cells[0].natural;
    cursor->ops->close(cursor);
    return rows;
}

static void expect_sound(const struct fixture *f)
{
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

/* ---- datasets ---- */

TEST(a_dataset_gets_its_slug_from_its_name_and_keeps_its_columns_in_order)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    struct dataset found;
    EXPECT_SLICE(f.dataset.slug, S("vendas-de-2026"));
    EXPECT_SLICE(f.dataset.version, S("1.0.0"));
    EXPECT_OK(dataset_find(&w->core, f.ana.account_id, S("vendas-de-2026"), w->a, &found));
    EXPECT_EQ(found.columns.count, 3);
    for (size_t i = 0; i < 3; i++) {
        EXPECT_SLICE(found.columns.items[i].name, vendas_columns[i].name);
        EXPECT_EQ(found.columns.items[i].type, vendas_columns[i].type);
        EXPECT_EQ(found.columns.items[i].is_required, vendas_columns[i].is_required);
    }
    EXPECT_REFUSED(dataset_find(&w->core, f.ana.account_id + 1, S("vendas-de-2026"), w->a, &found),
                   REASON_DATASET_NOT_THERE);
    struct dataset_request again = vendas(w);
    EXPECT_REFUSED(dataset_create(&w->core, &f.ana, &again, w->a, &found), REASON_DATASET_TAKEN);
    expect_sound(&f);
}

TEST(what_is_wrong_with_a_dataset_is_refused_by_its_rule)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    struct dataset d;
    static const struct column twice[] = { { { "a", sizeof "a" - 1 }, COLUMN_BOOL, false },
                                           { { "a", sizeof "a" - 1 }, COLUMN_DATE, false } };
    static const struct column digit[] = { { { "1a", sizeof "1a" - 1 }, COLUMN_BOOL, false } };
    const struct {
        struct dataset_request request;
        enum core_reason reason;
    } cases[] = {
        { { .name = S("") }, REASON_DATASET_BAD_NAME },
        { { .name = S("a\nb") }, REASON_DATASET_BAD_NAME },
        { { .name = S("\xff") }, REASON_DATASET_BAD_NAME },
        { { .name = S("!!!") }, REASON_DATASET_BAD_SLUG }, /* nothing of it could be a slug */
        { { .name = S("a"), .slug = S("-a") }, REASON_DATASET_BAD_SLUG },
        { { .name = S("a"), .slug = S("A") }, REASON_DATASET_BAD_SLUG },
        { { .name = S("a"), .version = S("1.0") }, REASON_DATASET_BAD_VERSION },
        { { .name = S("a"), .version = S("1.0.0.0") }, REASON_DATASET_BAD_VERSION },
        { { .name = S("a"), .version = S("1..0") }, REASON_DATASET_BAD_VERSION },
        { { .name = S("a"), .volume_bytes = -1 }, REASON_DATASET_BAD_VOLUME },
        { { .name = S("a"), .volume_bytes = DATASET_VOLUME_MAX + 1 }, REASON_DATASET_BAD_VOLUME },
        { { .name = S("a"), .processing = DATASET_SCHEDULED }, REASON_DATASET_BAD_SCHEDULE },
        { { .name = S("a"), .schedule = S("every 0m") }, REASON_DATASET_BAD_SCHEDULE },
        { { .name = S("a"), .columns = columns_of(w, twice, 2) }, REASON_DATASET_BAD_COLUMN },
        { { .name = S("a"), .columns = columns_of(w, digit, 1) }, REASON_DATASET_BAD_COLUMN },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++)
        EXPECT_REFUSED(dataset_create(&w->core, &ana, &cases[i].request, w->a, &d), cases[i].reason);
    struct column_list many = { arena_array(w->a, struct column, COLUMNS_MAX + 1), COLUMNS_MAX + 1 };
    for (size_t i = 0; i < many.count; i++)
        many.items[i].name = arena_printf(w->a, "c%zu", i);
    struct dataset_request request = { .name = S("a"), .columns = many };
    EXPECT_REFUSED(dataset_create(&w->core, &ana, &request, w->a, &d), REASON_DATASET_TOO_MANY_COLUMNS);
    request.columns.count = COLUMNS_MAX;
    EXPECT_OK(dataset_create(&w->core, &ana, &request, w->a, &d));
    EXPECT_EQ(world_fsck(w, false), 0);
}

TEST(a_change_adds_columns_and_raises_the_version)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    struct dataset d;
    static const struct column more[] = { { { "loja", sizeof "loja" - 1 }, COLUMN_STRING, false },
                                          { { "valor", sizeof "valor" - 1 }, COLUMN_DECIMAL, false },
                                          { { "id", sizeof "id" - 1 }, COLUMN_INT64, true },
                                          { { "produto", sizeof "produto" - 1 }, COLUMN_STRING, false } };
    struct dataset_request request = { .name = S("Vendas"), .columns = columns_of(w, more, LENGTH_OF(more)) };
    EXPECT_OK(dataset_change(&w->core, &f.ana, f.dataset.slug, &request, w->a, &d));
    EXPECT_SLICE(d.version, S("1.1.0"));
    EXPECT_SLICE(d.name, S("Vendas"));
    EXPECT_EQ(d.columns.count, 4); /* the old ones in their order, the new one behind them */
    EXPECT_SLICE(d.columns.items[0].name, S("id"));
    EXPECT_SLICE(d.columns.items[3].name, S("loja"));
    EXPECT_OK(dataset_change(&w->core, &f.ana, f.dataset.slug, &request, w->a, &d));
    EXPECT_SLICE(d.version, S("1.1.0")); /* nothing changed */
    request.columns.count = 3;
    EXPECT_REFUSED(dataset_change(&w->core, &f.ana, f.dataset.slug, &request, w->a, &d), REASON_DATASET_COLUMN_KEPT);
    request.columns = columns_of(w, more, LENGTH_OF(more));
    request.columns.items[1].type = COLUMN_FLOAT;
    EXPECT_REFUSED(dataset_change(&w->core, &f.ana, f.dataset.slug, &request, w->a, &d), REASON_DATASET_COLUMN_KEPT);
    EXPECT_REFUSED(dataset_change(&w->core, &f.ana, S("other"), &request, w->a, &d), REASON_DATASET_NOT_THERE);
    expect_sound(&f);
}

TEST(of_two_changes_that_were_made_from_one_version_the_second_undid_the_first)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    struct dataset d;
    struct dataset_request first = vendas(w), second = vendas(w);
    first.base_version = second.base_version = f.dataset.version;
    first.is_strict = true;
    second.name = S("Loja");
    EXPECT_OK(dataset_change(&w->core, &f.ana, f.dataset.slug, &first, w->a, &d));
    EXPECT_ERR(dataset_change(&w->core, &f.ana, f.dataset.slug, &second, w->a, &d), ERR_UNAVAILABLE);
    EXPECT_OK(dataset_find(&w->core, f.ana.account_id, f.dataset.slug, w->a, &d));
    EXPECT(d.is_strict && !slice_eq(d.name, S("Loja")));
    second.base_version = d.version;
    second.is_strict = d.is_strict;
    EXPECT_OK(dataset_change(&w->core, &f.ana, f.dataset.slug, &second, w->a, &d));
}

TEST(schedules_are_multiples_of_a_time_or_a_time_of_each_day)
{
    const int64_t day = hours(24), now = 1795269849000; /* 2026-11-21T14:04:09Z */
    EXPECT_EQ(schedule_next_ms(S("every 15m"), now), now - now % minutes(15) + minutes(15));
    EXPECT_EQ(schedule_next_ms(S("every 6h"), now), now - now % hours(6) + hours(6));
    EXPECT_EQ(schedule_next_ms(S("daily 03:30"), now), now - now % day + day + hours(3) + minutes(30));
    EXPECT_EQ(schedule_next_ms(S("daily 23:59"), now), now - now % day + day - minutes(1));
    int64_t at = schedule_next_ms(S("every 15m"), now);
    EXPECT_EQ(schedule_next_ms(S("every 15m"), at), at + minutes(15)); /* after, not at */
    static const char *const wrong[] = { "",           "every",       "every 0m",       "every 1441m",
                                         "every 25h",  "every 5s",    "every -5m",      "daily 24:00",
                                         "daily 3:30", "daily 03:60", "daily 03:30:00", "weekly 1",
                                         "every 15m ", " every 15m" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        EXPECT(!schedule_is_valid(slice_of(wrong[i])));
}

/* ---- permission ---- */

TEST(permission_to_send_ends_at_its_time_or_when_it_is_revoked)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    struct prefix_issued first = issue(&f, minutes(10)), second = issue(&f, minutes(20));
    struct prefix_info info;
    EXPECT(first.prefix.id > 0 && first.secret.n == PREFIX_SECRET_LENGTH);
    EXPECT(!slice_eq(first.secret, second.secret));
    EXPECT(is_open(&f, first.secret) && is_open(&f, second.secret));
    EXPECT(!is_open(&f, slice_part(first.secret, 0, 42)) && !is_open(&f, S("")));
    world_wait(w, minutes(10) - 1);
    EXPECT(is_open(&f, first.secret));
    world_wait(w, 1);
    EXPECT(!is_open(&f, first.secret)); /* at exactly its time it has expired */
    EXPECT_OK(prefix_info(&w->core, &f.ana, first.prefix.id, w->a, &info));
    EXPECT(!info.is_valid && info.files == 0);
    EXPECT_OK(prefix_info(&w->core, &f.ana, second.prefix.id, w->a, &info));
    EXPECT(info.is_valid);
    EXPECT_SLICE(info.slug, f.dataset.slug);
    EXPECT_OK(prefix_revoke(&w->core, &f.ana, second.prefix.id, w->a));
    EXPECT_OK(prefix_revoke(&w->core, &f.ana, second.prefix.id, w->a));
    EXPECT(!is_open(&f, second.secret));
    struct principal other = f.ana;
    other.account_id++;
    EXPECT_REFUSED(prefix_info(&w->core, &other, first.prefix.id, w->a, &info), REASON_DATASET_NO_PREFIX);
    EXPECT_REFUSED(prefix_revoke(&w->core, &other, first.prefix.id, w->a), REASON_DATASET_NO_PREFIX);
    world_wait(w, 8 * hours(24));
    run_jobs(&f);
    EXPECT_REFUSED(prefix_info(&w->core, &f.ana, first.prefix.id, w->a, &info), REASON_DATASET_NO_PREFIX);
    expect_sound(&f);
}

TEST(permission_to_send_ends_with_its_owner_and_with_the_key)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    slice key = world_key(w, S("ana"), S("sample"));
    EXPECT_OK(access_check(&w->core, S("sample"), CREDENTIAL_KEY, key, w->a, &f.ana));
    struct prefix_issued p = issue(&f, minutes(10));
    EXPECT(is_open(&f, p.secret));
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("ana"), USER_DISABLED, w->a));
    EXPECT(!is_open(&f, p.secret));
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("ana"), USER_ACTIVE, w->a));
    EXPECT(is_open(&f, p.secret));
    EXPECT_OK(key_revoke(&w->core, &w->operator_, f.ana.credential_id, w->a));
    EXPECT(!is_open(&f, p.secret));
}

TEST(a_file_that_was_begun_under_a_permission_ends_only_while_it_is_not_revoked)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    struct prefix_issued p = issue(&f, minutes(10));
    struct dataset_upload upload = { .name = S("a.jsonl"), .prefix_id = p.prefix.id };
    int64_t id;
    world_wait(w, minutes(11));
    EXPECT_OK(try_send(&f, &upload, S("{\"id\":1}"), &id)); /* it had begun in time */
    EXPECT_OK(prefix_revoke(&w->core, &f.ana, p.prefix.id, w->a));
    EXPECT_REFUSED(try_send(&f, &upload, S("{\"id\":2}"), &id), REASON_DATASET_NO_PREFIX);
    expect_sound(&f);
}

static err_t recheck(const struct fixture *f, struct prefix_watch *watch)
{
    return prefix_recheck(&f->w->core, watch);
}

TEST(what_lets_a_body_in_is_asked_again_while_it_comes)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    slice key = world_key(w, S("ana"), S("sample"));
    EXPECT_OK(access_check(&w->core, S("sample"), CREDENTIAL_KEY, key, w->a, &f.ana));
    struct prefix_issued first = issue(&f, minutes(10)), second = issue(&f, minutes(10));
    struct prefix_use use;
    EXPECT_OK(prefix_open(&w->core, first.secret, w->a, &use));
    struct prefix_watch watch = prefix_watch_begin(&use), late = watch, of_key;
    EXPECT_OK(prefix_open(&w->core, second.secret, w->a, &use));
    of_key = prefix_watch_begin(&use);
    EXPECT_OK(recheck(&f, &watch));
    EXPECT_OK(prefix_revoke(&w->core, &f.ana, first.prefix.id, w->a));
    EXPECT_REFUSED(recheck(&f, &watch), REASON_DATASET_NO_PREFIX);
    EXPECT_REFUSED(recheck(&f, &watch), REASON_DATASET_NO_PREFIX);
    EXPECT_OK(recheck(&f, &of_key)); /* that of another permission */
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("ana"), USER_DISABLED, w->a));
    EXPECT_ERR(recheck(&f, &of_key), ERR_BLOCKED);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("ana"), USER_ACTIVE, w->a));
    EXPECT_OK(recheck(&f, &of_key));
    EXPECT_OK(key_revoke(&w->core, &w->operator_, f.ana.credential_id, w->a));
    EXPECT_ERR(recheck(&f, &of_key), ERR_REVOKED);
    late.generation = meta_generation(w->core.meta); /* nothing changed since */
    world_wait(w, minutes(70) - 1);
    EXPECT_OK(recheck(&f, &late)); /* it had begun in time */
    world_wait(w, 1);
    EXPECT_REFUSED(recheck(&f, &late), REASON_DATASET_NO_PREFIX);
}

TEST(a_body_for_a_dataset_that_is_removed_meanwhile_ends)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    struct prefix_issued p = issue(&f, minutes(10));
    struct prefix_use use;
    EXPECT_OK(prefix_open(&w->core, p.secret, w->a, &use));
    struct prefix_watch watch = prefix_watch_begin(&use);
    EXPECT_OK(dataset_remove(&w->core, &f.ana, f.dataset.slug, w->a));
    EXPECT_REFUSED(recheck(&f, &watch), REASON_DATASET_NO_PREFIX);
}

TEST(a_name_may_be_refused_when_it_was_sent_under_the_same_permission)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_MANUAL);
    struct prefix_issued p = issue(&f, minutes(10)), q = issue(&f, minutes(10));
    struct dataset_upload upload = { .name = S("dir/a.jsonl"), .prefix_id = p.prefix.id, .refuse_name = true };
    int64_t id, second;
    bool was_sent = true;
    EXPECT_OK(dataset_file_was_sent(&w->core, p.prefix.id, upload.name, w->a, &was_sent));
    EXPECT(!was_sent);
    EXPECT_OK(try_send(&f, &upload, S("{\"id\":1}"), &id));
    EXPECT_OK(dataset_file_was_sent(&w->core, p.prefix.id, upload.name, w->a, &was_sent));
    EXPECT(was_sent);
    EXPECT_OK(dataset_file_was_sent(&w->core, q.prefix.id, upload.name, w->a, &was_sent));
    EXPECT(!was_sent);
    EXPECT_REFUSED(try_send(&f, &upload, S("{\"id\":2}"), &second), REASON_DATASET_NAME_TAKEN);
    upload.refuse_name = false;
    EXPECT_OK(try_send(&f, &upload, S("{\"id\":2}"), &second)); /* a file of its own */
    EXPECT(second != id);
    upload.prefix_id = q.prefix.id;
    upload.refuse_name = true;
    EXPECT_OK(try_send(&f, &upload, S("{\"id\":3}"), &second));
    struct prefix_info info;
    EXPECT_OK(prefix_info(&w->core, &f.ana, p.prefix.id, w->a, &info));
    EXPECT_EQ(info.files, 2);
    EXPECT_SLICE(file_of(&f, id).name, S("dir/a.jsonl"));
    expect_sound(&f);
}

/* ---- files become rows ---- */

TEST(a_file_becomes_rows_after_it_has_come)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t id = send(&f, "a.jsonl", S("{\"id\":1,\"produto\":\"a\",\"valor\":1.5}\n\n{\"id\":2}\r\n{\"id\":\"3\"}"));
    EXPECT_EQ(file_of(&f, id).state, DATASET_FILE_QUEUED);
    run_jobs(&f);
    struct dataset_file file = file_of(&f, id);
    EXPECT_EQ(file.state, DATASET_FILE_DONE);
    EXPECT_EQ(file.rows, 3);
    EXPECT_EQ(file.processed_at_ms, WORLD_START_MS);
    EXPECT_SLICE(file.errors, S(""));
    EXPECT_SLICE(file.version, S("1.0.0"));
    EXPECT_EQ(count_rows(&f), 3);
    struct dataset d;
    EXPECT_OK(dataset_find(&w->core, f.ana.account_id, f.dataset.slug, w->a, &d));
    EXPECT(d.table_bytes > 0); /* rows count in the room of the account */
    expect_sound(&f);
}

TEST(one_bad_line_keeps_all_rows_of_its_file_out)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t id = send(&f, "a.jsonl", S("{\"id\":1}\n{\"id\":2}\n{\"id\":\"x\"}\n[]\n{\"produto\":\"a\"}\n"));
    int64_t good = send(&f, "b.jsonl", S("{\"id\":1}\n"));
    run_jobs(&f);
    struct dataset_file file = file_of(&f, id);
    EXPECT_EQ(file.state, DATASET_FILE_FAILED);
    EXPECT_EQ(file.rows, 0);
    EXPECT_EQ(file_of(&f, good).state, DATASET_FILE_DONE);
    EXPECT_EQ(count_rows(&f), 1);
    struct line_error e;
    slice errors = file.errors;
    EXPECT(file_errors_next(&errors, &e) && e.fault == LINE_BAD_VALUE && e.line == 3 && e.expected == COLUMN_INT64);
    EXPECT_SLICE(e.field, S("id"));
    EXPECT(file_errors_next(&errors, &e) && e.fault == LINE_NOT_AN_OBJECT && e.line == 4);
    EXPECT(file_errors_next(&errors, &e) && e.fault == LINE_NO_VALUE && e.line == 5);
    EXPECT(!file_errors_next(&errors, &e));
    expect_sound(&f);
}

TEST(no_more_errors_are_kept_than_a_hundred)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    struct buf lines;
    buf_init(&lines, 0);
    for (int i = 0; i < 1000; i++)
        buf_add(&lines, S("{}\n"));
    int64_t id = send(&f, "a.jsonl", buf_slice(&lines));
    buf_release(&lines);
    run_jobs(&f);
    struct line_error e;
    slice errors = file_of(&f, id).errors;
    int count = 0;
    while (file_errors_next(&errors, &e))
        count++;
    EXPECT_EQ(count, ROW_ERRORS_MAX);
    EXPECT_EQ(count_rows(&f), 0);
    expect_sound(&f);
}

TEST(a_file_of_another_kind_is_kept_but_fails)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t id = send(&f, "a.csv", S("1,2\n")), zipped = send(&f, "b.jsonl.gz", S("no gzip"));
    run_jobs(&f);
    struct line_error e;
    slice errors = file_of(&f, id).errors;
    EXPECT(file_errors_next(&errors, &e) && e.fault == FILE_NAME_UNKNOWN);
    errors = file_of(&f, zipped).errors;
    EXPECT(file_errors_next(&errors, &e) && e.fault == FILE_DAMAGED);
    EXPECT_EQ(file_of(&f, zipped).state, DATASET_FILE_FAILED);
    expect_sound(&f);
}

TEST(the_same_bytes_are_read_once_unless_the_dataset_takes_duplicates)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    slice bytes = S("{\"id\":1}\n");
    int64_t first = send(&f, "a.jsonl", bytes), second = send(&f, "b.jsonl", bytes); /* both wait together */
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, first).duplicate_of, 0);
    EXPECT_EQ(file_of(&f, second).duplicate_of, first);
    EXPECT_EQ(file_of(&f, second).state, DATASET_FILE_DONE);
    EXPECT_EQ(file_of(&f, second).rows, 0);
    EXPECT_EQ(count_rows(&f), 1);
    int64_t bad = send(&f, "c.jsonl", S("{}")), again = send(&f, "d.jsonl", S("{}"));
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, bad).state, DATASET_FILE_FAILED); /* a file that failed may be sent again */
    EXPECT_EQ(file_of(&f, again).state, DATASET_FILE_FAILED);
    struct dataset_request request = vendas(w);
    request.takes_duplicates = true;
    EXPECT_OK(dataset_change(&w->core, &f.ana, f.dataset.slug, &request, w->a, &f.dataset));
    int64_t third = send(&f, "e.jsonl", bytes);
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, third).rows, 1);
    EXPECT_EQ(count_rows(&f), 2);
    expect_sound(&f);
}

TEST(a_file_without_rows_is_done)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t id = send(&f, "a.jsonl", S(""));
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, id).state, DATASET_FILE_DONE);
    EXPECT_EQ(file_of(&f, id).rows, 0);
    EXPECT_EQ(count_rows(&f), 0);
}

TEST(the_job_of_a_file_shows_how_much_of_it_was_read)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t id = send(&f, "a.jsonl", S("{\"id\":1}\n{\"id\":2}\n"));
    EXPECT_EQ(job_of(&f, id).progress, 0);
    run_jobs(&f);
    struct job job = job_of(&f, id);
    EXPECT(job.state == JOB_DONE && job.progress == 18 && job.total == 18);
}

/* ---- when files are read ---- */

TEST(files_wait_until_somebody_starts_to_process_them)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_MANUAL);
    struct dataset_processing_started started;
    EXPECT_OK(dataset_process(&w->core, &f.ana, &f.dataset, w->a, &started));
    EXPECT_EQ(started.job_id, 0);
    int64_t ids[3];
    for (int i = 0; i < 3; i++)
        ids[i] = send(&f, "a.jsonl", arena_printf(w->a, "{\"id\":%d}", i));
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, ids[0]).state, DATASET_FILE_PENDING);
    EXPECT_OK(dataset_process(&w->core, &f.ana, &f.dataset, w->a, &started));
    EXPECT(started.job_id > 0 && started.files == 3 && started.bytes == 24);
    EXPECT_OK(dataset_process(&w->core, &f.ana, &f.dataset, w->a, &started));
    EXPECT_EQ(started.files, 0); /* they are taken already */
    int64_t later = send(&f, "a.jsonl", S("{\"id\":9}"));
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, ids[2]).state, DATASET_FILE_DONE);
    EXPECT_EQ(file_of(&f, later).state, DATASET_FILE_PENDING);
    EXPECT_EQ(count_rows(&f), 3);
    expect_sound(&f);
}

/* It was taken off the count of those that came later, which then were not seen to wait. */
TEST(a_file_that_was_removed_while_files_were_queued_hid_a_later_one)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_MANUAL);
    struct dataset_processing_started started;
    int64_t taken = send(&f, "a.jsonl", S("{\"id\":1}"));
    EXPECT_OK(dataset_process(&w->core, &f.ana, &f.dataset, w->a, &started));
    send(&f, "b.jsonl", S("{\"id\":2}"));
    EXPECT_ERR(dataset_file_remove(&w->core, &f.ana, &f.dataset, taken, w->a), ERR_CONFLICT);
    EXPECT_OK(dataset_process(&w->core, &f.ana, &f.dataset, w->a, &started));
    EXPECT_EQ(started.files, 1);
    run_jobs(&f);
    EXPECT_EQ(count_rows(&f), 2);
    int64_t waiting = send(&f, "c.jsonl", S("{\"id\":3}"));
    EXPECT_OK(dataset_file_remove(&w->core, &f.ana, &f.dataset, waiting, w->a));
    EXPECT_OK(dataset_process(&w->core, &f.ana, &f.dataset, w->a, &started));
    EXPECT_EQ(started.files, 0);
    expect_sound(&f);
}

TEST(files_are_read_when_they_have_the_volume_together)
{
    WORLD(w);
    struct fixture f = { .w = w, .ana = world_user(w, S("ana")) };
    struct dataset_request request = vendas(w);
    request.processing = DATASET_BY_VOLUME;
    request.volume_bytes = 20;
    EXPECT_OK(dataset_create(&w->core, &f.ana, &request, w->a, &f.dataset));
    send(&f, "a.jsonl", S("{\"id\":1}"));
    send(&f, "b.jsonl", S("{\"id\":2}"));
    run_jobs(&f);
    EXPECT_EQ(count_rows(&f), 0);
    send(&f, "c.jsonl", S("{\"id\":3}"));
    run_jobs(&f);
    EXPECT_EQ(count_rows(&f), 3);
    expect_sound(&f);
}

TEST(files_are_read_at_the_times_of_the_schedule)
{
    WORLD(w);
    struct fixture f = { .w = w, .ana = world_user(w, S("ana")) };
    struct dataset_request request = vendas(w);
    request.processing = DATASET_SCHEDULED;
    request.schedule = S("every 15m"); /* the clock shows 14:04:09 */
    EXPECT_OK(dataset_create(&w->core, &f.ana, &request, w->a, &f.dataset));
    send(&f, "a.jsonl", S("{\"id\":1}"));
    world_wait(w, minutes(10));
    run_jobs(&f);
    EXPECT_EQ(count_rows(&f), 0);
    world_wait(w, minutes(1));
    run_jobs(&f);
    EXPECT_EQ(count_rows(&f), 1);
    send(&f, "b.jsonl", S("{\"id\":2}"));
    world_wait(w, minutes(14));
    run_jobs(&f);
    EXPECT_EQ(count_rows(&f), 1);
    world_wait(w, minutes(1));
    run_jobs(&f);
    EXPECT_EQ(count_rows(&f), 2);
}

/* ---- removing ---- */

TEST(a_removed_file_leaves_its_rows_and_is_still_known_as_read)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    struct dataset_file gone;
    slice bytes = S("{\"id\":1}\n");
    int64_t id = send(&f, "a.jsonl", bytes), other;
    run_jobs(&f);
    EXPECT_OK(dataset_file_remove(&w->core, &f.ana, &f.dataset, id, w->a));
    EXPECT_REFUSED(dataset_file_find(&w->core, f.dataset.id, id, w->a, &gone), REASON_DATASET_NO_FILE);
    EXPECT_REFUSED(dataset_file_remove(&w->core, &f.ana, &f.dataset, id, w->a), REASON_DATASET_NO_FILE);
    world_wait(w, hours(2));
    run_jobs(&f);
    EXPECT_EQ(count_rows(&f), 1);
    other = send(&f, "b.jsonl", bytes);
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, other).duplicate_of, id);
    int64_t waiting = send(&f, "c.jsonl", S("{\"id\":2}"));
    EXPECT_OK(dataset_file_remove(&w->core, &f.ana, &f.dataset, waiting, w->a)); /* before its job has run */
    run_jobs(&f);
    EXPECT_EQ(count_rows(&f), 1);
    expect_sound(&f);
}

/* Removals of all accounts waited behind a table that somebody reads. */
TEST(a_removed_dataset_that_is_still_read_kept_others_from_being_removed)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    struct dataset_store *store = w->core.datasets;
    struct dataset_request request = vendas(w);
    struct dataset other;
    request.name = S("Other");
    EXPECT_OK(dataset_create(&w->core, &f.ana, &request, w->a, &other));
    EXPECT_OK(dataset_open_table(&w->core, &f.dataset, w->a));
    EXPECT_OK(dataset_open_table(&w->core, &other, w->a));
    struct row_item item = { .aggregate = ROW_COUNT_ROWS, .type = COLUMN_UINT64 };
    struct row_query q = {
        .columns = &f.dataset.columns, .items = &item, .item_count = 1, .is_grouped = true, .limit = 1
    };
    struct dataset_cursor *cursor = NULL;
    uint64_t bytes;
    EXPECT_OK(store->ops->query(store, f.dataset.id, &q, 0, w->a, &cursor));
    EXPECT_OK(dataset_remove(&w->core, &f.ana, f.dataset.slug, w->a));
    EXPECT_OK(dataset_remove(&w->core, &f.ana, other.slug, w->a));
    run_jobs(&f);
    EXPECT_OK(store->ops->size(store, f.dataset.id, w->a, &bytes));
    EXPECT_ERR(store->ops->size(store, other.id, w->a, &bytes), ERR_NOT_FOUND);
    cursor->ops->close(cursor);
    world_wait(w, minutes(2));
    run_jobs(&f);
    EXPECT_ERR(store->ops->size(store, f.dataset.id, w->a, &bytes), ERR_NOT_FOUND);
    EXPECT_EQ(world_account(w).record_bytes, 0);
    expect_sound(&f);
}

TEST(a_removed_dataset_gives_back_all_that_it_took)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    struct dataset unused;
    for (int i = 0; i < 250; i++)
        send(&f, "a.jsonl", arena_printf(w->a, "{\"id\":%d}", i));
    for (int i = 0; i < 150; i++)
        issue(&f, minutes(10));
    run_jobs(&f);
    EXPECT_EQ(count_rows(&f), 250);
    int64_t id = f.dataset.id;
    EXPECT_OK(dataset_remove(&w->core, &f.ana, f.dataset.slug, w->a));
    EXPECT_REFUSED(dataset_find(&w->core, f.ana.account_id, f.dataset.slug, w->a, &unused), REASON_DATASET_NOT_THERE);
    struct dataset_request again = vendas(w);
    EXPECT_OK(dataset_create(&w->core, &f.ana, &again, w->a, &unused)); /* the slug is free */
    EXPECT(unused.id != id);
    EXPECT_OK(dataset_remove(&w->core, &f.ana, f.dataset.slug, w->a));
    world_wait(w, minutes(2));
    run_jobs(&f);
    world_wait(w, hours(2));
    run_jobs(&f);
    EXPECT_EQ(world_account(w).record_bytes, 0);
    EXPECT_EQ(world_account(w).used_files, 0);
    bool has;
    uint64_t rows;
    EXPECT_ERR(w->core.datasets->ops->has_file(w->core.datasets, id, 1, w->a, &has, &rows), ERR_NOT_FOUND);
    expect_sound(&f);
}

/* ---- rows and records ---- */

static void expect_finding(const struct fixture *f, const char *what)
{
    struct fsck_report report;
    EXPECT_OK(fsck_run(&f->w->core, &(struct fsck_options){ 0 }, f->w->a, &report));
    bool found = false;
    for (size_t i = 0; i < report.listed; i++)
        found |= strcmp(report.list[i].what, what) == 0;
    EXPECT(found);
}

static void add_rows_of_file(const struct fixture *f, int64_t dataset_id, int64_t file_id)
{
    struct dataset_store *store = f->w->core.datasets;
    struct dataset_writer *writer = NULL;
    struct cell cells[3] = { { .integer = 1 }, { .is_null = true }, { .is_null = true } };
    EXPECT_OK(store->ops->define(store, dataset_id, &f->dataset.columns, f->w->a));
    EXPECT_OK(store->ops->open(store, dataset_id, file_id, f->w->a, &writer));
    EXPECT_OK(writer->ops->add(writer, cells, 1, f->w->a));
    EXPECT_OK(writer->ops->commit(writer, f->w->a));
}

TEST(fsck_finds_rows_that_are_missing)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    send(&f, "a.jsonl", S("{\"id\":1}"));
    run_jobs(&f);
    expect_sound(&f);
    EXPECT_OK(w->core.datasets->ops->remove(w->core.datasets, f.dataset.id, w->a));
    expect_finding(&f, "rows missing");
}

TEST(fsck_finds_rows_that_no_file_explains)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t bad = send(&f, "a.jsonl", S("{}"));
    run_jobs(&f);
    expect_sound(&f);
    add_rows_of_file(&f, f.dataset.id, bad);
    expect_finding(&f, "rows of a file that has none");
    add_rows_of_file(&f, f.dataset.id, 12345);
    expect_finding(&f, "rows of a file that has no record");
    add_rows_of_file(&f, 999, 1);
    expect_finding(&f, "rows of a dataset that has no record");
}

TEST(fsck_finds_another_number_of_rows_than_were_read)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    send(&f, "a.jsonl", S("{\"id\":1}"));
    run_jobs(&f);
    corrupt_records(w, "UPDATE dataset_files SET row_count = 2");
    expect_finding(&f, "not as many rows as were read");
}

TEST(a_run_that_ended_between_the_rows_and_the_record_is_made_good)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t id = send(&f, "a.jsonl", S("{\"id\":1}"));
    add_rows_of_file(&f, f.dataset.id, id); /* as the run before had */
    corrupt_records(w, "UPDATE dataset_files SET state = 2");
    expect_sound(&f);
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, id).state, DATASET_FILE_DONE);
    EXPECT_EQ(file_of(&f, id).rows, 1);
    EXPECT_EQ(count_rows(&f), 1);
    expect_sound(&f);
}

TEST(no_table_changes_while_a_backup_copies)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_MANUAL);
    EXPECT(dataset_gate_try(&w->core));
    dataset_gate_leave(&w->core);
    dataset_gate_close(&w->core);
    dataset_gate_close(&w->core);
    EXPECT(!dataset_gate_try(&w->core));
    EXPECT_ERR(dataset_open_table(&w->core, &f.dataset, w->a), ERR_UNAVAILABLE); /* there is none yet */
    dataset_gate_open(&w->core);
    EXPECT(!dataset_gate_try(&w->core));
    dataset_gate_open(&w->core);
    EXPECT_OK(dataset_open_table(&w->core, &f.dataset, w->a));
    dataset_gate_close(&w->core);
    EXPECT_OK(dataset_open_table(&w->core, &f.dataset, w->a)); /* it is used as it is */
    dataset_gate_open(&w->core);
}

static struct dataset extended(const struct fixture *f)
{
    struct world *w = f->w;
    struct dataset_request request = vendas(w);
    struct dataset d;
    request.columns.items[request.columns.count++] = (struct column){ S("loja"), COLUMN_STRING, false };
    EXPECT_OK(dataset_change(&w->core, &f->ana, f->dataset.slug, &request, w->a, &d));
    return d;
}

TEST(queries_were_refused_while_a_file_was_read_if_a_column_had_been_added)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    struct dataset_store *store = w->core.datasets;
    struct dataset_writer *writer = NULL;
    send(&f, "a.jsonl", S("{\"id\":1}\n{\"id\":2}"));
    run_jobs(&f);
    EXPECT_OK(store->ops->open(store, f.dataset.id, 1000, w->a, &writer));
    f.dataset = extended(&f);
    EXPECT_EQ(count_rows(&f), 2);
    writer->ops->discard(writer);
    EXPECT_EQ(count_rows(&f), 2);
    expect_sound(&f);
}

/* ---- faults ---- */

/* The nth call of a store fails while files are read. *ret_reached: there were so many calls. */
static void ingest_with_fault(int64_t nth, bool answer_lost, bool *ret_reached)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t good = send(&f, "a.jsonl", S("{\"id\":1}\n{\"id\":2}")), bad = send(&f, "b.jsonl", S("[]"));
    int64_t again = send(&f, "c.jsonl", S("{\"id\":1}\n{\"id\":2}"));
    w->faults =
        (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = answer_lost };
    err_t planned = jobs_run_due(w->jobs, w->a);
    (void)planned;
    *ret_reached = w->faults.calls >= nth;
    w->faults.fail_at = 0;
    expect_sound(&f);
    for (int i = 0; i < 3; i++) { /* the pauses between attempts */
        world_wait(w, minutes(1));
        run_jobs(&f);
    }
    EXPECT_EQ(file_of(&f, good).state, DATASET_FILE_DONE);
    EXPECT_EQ(file_of(&f, good).rows, 2);
    EXPECT_EQ(file_of(&f, bad).state, DATASET_FILE_FAILED);
    EXPECT_EQ(file_of(&f, again).duplicate_of, good);
    EXPECT_EQ(count_rows(&f), 2);
    expect_sound(&f);
}

TEST(rows_come_exactly_once_whatever_call_of_a_store_fails)
{
    for (int lost = 0; lost < 2; lost++) {
        bool reached = true;
        for (int64_t nth = fault_first(); reached; nth += fault_step()) {
            ingest_with_fault(nth, lost, &reached);
            assert_true(nth < 2000);
        }
    }
}

/* The file has failed, and that is all that is wrong with it. */
static void expect_fault(const struct fixture *f, int64_t id, enum line_fault fault)
{
    struct line_error e = { 0 };
    struct dataset_file file = file_of(f, id);
    EXPECT_EQ(file.state, DATASET_FILE_FAILED);
    EXPECT(file_errors_next(&file.errors, &e));
    EXPECT_EQ(e.fault, fault);
    EXPECT(!file_errors_next(&file.errors, &e));
}

TEST(a_file_that_cannot_be_read_has_failed_after_the_last_attempt)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t id = send(&f, "a.jsonl", world_bytes(w, 20000)), next = send(&f, "b.jsonl", S("{\"id\":1}"));
    struct object o;
    struct meta_tx *tx = world_tx(w);
    struct file file;
    EXPECT_OK(meta_file_get(tx, id, w->a, &file));
    EXPECT_OK(meta_object_get(tx, file.object_id, w->a, &o));
    meta_read_end(tx);
    EXPECT_OK(w->core.blob->ops->remove(w->core.blob, o.blob_key, w->a)); /* its bytes are lost */
    for (int i = 0; i < 2 * DATASET_INGEST_ATTEMPTS; i++) {
        err_t planned = jobs_run_due(w->jobs, w->a);
        (void)planned;
        world_wait(w, minutes(6));
    }
    EXPECT_EQ(file_of(&f, id).state, DATASET_FILE_FAILED);
    expect_fault(&f, id, FILE_UNREADABLE);
    EXPECT_EQ(file_of(&f, next).state, DATASET_FILE_DONE); /* those behind it are read */
    EXPECT_EQ(count_rows(&f), 1);
}

/* ---- no room ---- */

static struct account account_of(const struct fixture *f)
{
    struct account account;
    struct meta_tx *tx = world_tx(f->w);
    EXPECT_OK(meta_account_get(tx, f->ana.account_id, f->w->a, &account));
    meta_read_end(tx);
    return account;
}

TEST(files_wait_while_the_disk_is_full_however_long_it_takes)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t id = send(&f, "a.jsonl", S("{\"id\":1}"));
    w->core.options.reserve_bytes = INT64_MAX;
    for (int i = 0; i < 3 * DATASET_INGEST_ATTEMPTS; i++) {
        world_wait(w, minutes(1));
        EXPECT_ERR(jobs_run_due(w->jobs, w->a), ERR_NO_SPACE);
        EXPECT_EQ(file_of(&f, id).state, DATASET_FILE_RUNNING);
    }
    w->core.options.reserve_bytes = 0;
    world_wait(w, seconds(11));
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, id).state, DATASET_FILE_DONE);
    EXPECT_EQ(count_rows(&f), 1);
    expect_sound(&f);
    world_wait(w, seconds(1));
    EXPECT_OK(
        free_space_check(&w->core, INT64_MAX, w->a)); /* the store in memory has no end, and nothing is held any more */
}

TEST(a_query_made_a_table_that_nobody_counted)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    struct account before = account_of(&f);
    w->core.options.account_max_bytes = before.used_bytes + before.record_bytes;
    EXPECT_ERR(dataset_open_table(&w->core, &f.dataset, w->a), ERR_QUOTA);
    w->core.options.account_max_bytes = 0;
    EXPECT_OK(dataset_open_table(&w->core, &f.dataset, w->a));
    EXPECT(account_of(&f).record_bytes > before.record_bytes);
    expect_sound(&f);
}

TEST(an_account_above_its_limit_gets_no_more_rows)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t first = send(&f, "a.jsonl", S("{\"id\":1}")), second = send(&f, "b.jsonl", S("{\"id\":2}"));
    struct account account = account_of(&f);
    w->core.options.account_max_bytes =
        account.used_bytes + account.record_bytes + 1; /* the rows of `first` take more */
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, first).state, DATASET_FILE_DONE);
    expect_fault(&f, second, FILE_NO_ROOM);
    EXPECT_EQ(count_rows(&f), 1);
    expect_sound(&f);
    EXPECT_EQ(job_of(&f, second).state, JOB_DONE); /* it is not repeated */
}

/* ---- jobs that are cancelled ---- */

TEST(a_file_whose_job_was_cancelled_while_it_waited_has_failed_until_the_job_is_repeated)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t id = send(&f, "a.jsonl", S("{\"id\":1}"));
    bool runs;
    EXPECT_OK(job_cancel(&w->core, &w->operator_, job_of(&f, id).id, w->a, &runs));
    EXPECT(!runs);
    world_wait(w, minutes(1));
    run_jobs(&f);
    expect_fault(&f, id, FILE_CANCELLED);
    expect_sound(&f);
    EXPECT_OK(job_retry(&w->core, &w->operator_, job_of(&f, id).id, w->a));
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, id).state, DATASET_FILE_DONE);
    EXPECT_SLICE(file_of(&f, id).errors, S(""));
    EXPECT_EQ(count_rows(&f), 1);
    expect_sound(&f);
}

/* A store whose calls do something before them. */
static struct {
    struct dataset_ops ops;
    const struct dataset_ops *inner;
    const struct fixture *f;
    int64_t file_id;
} hooked;

static void hook(const struct fixture *f, int64_t file_id)
{
    hooked.inner = f->w->core.datasets->ops;
    hooked.ops = *hooked.inner;
    hooked.f = f;
    hooked.file_id = file_id;
    f->w->core.datasets->ops = &hooked.ops;
}

static void unhook(void)
{
    hooked.f->w->core.datasets->ops = hooked.inner;
}

static err_t cancel_and_add(struct dataset_writer *writer, const struct cell *cells, size_t count, struct arena *a)
{
    bool runs;
    const struct fixture *f = hooked.f;
    EXPECT_OK(job_cancel(&f->w->core, &f->w->operator_, job_of(f, hooked.file_id).id, f->w->a, &runs));
    EXPECT(runs);
    return hooked.inner->add(writer, cells, count, a);
}

static err_t open_to_cancel(struct dataset_store *store, int64_t dataset_id, int64_t file_id, struct arena *a,
                            struct dataset_writer **ret)
{
    TRY(hooked.inner->open(store, dataset_id, file_id, a, ret));
    (*ret)->ops = &hooked.ops;
    return NULL;
}

TEST(a_file_whose_job_was_cancelled_while_it_was_read_has_failed_at_once)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t id = send(&f, "a.jsonl", S("{\"id\":1}"));
    hook(&f, id);
    hooked.ops.open = open_to_cancel;
    hooked.ops.add = cancel_and_add;
    run_jobs(&f);
    unhook();
    expect_fault(&f, id, FILE_CANCELLED);
    EXPECT_EQ(job_of(&f, id).state, JOB_CANCELLED);
    EXPECT_EQ(count_rows(&f), 0);
    expect_sound(&f);
    EXPECT_OK(dataset_file_remove(&w->core, &f.ana, &f.dataset, id, w->a)); /* nobody reads it */
}

TEST(a_file_whose_job_ended_with_the_server_is_not_running_for_ever)
{
    static const struct {
        const char *job;
        bool has_rows;
        enum line_fault fault;
    } cases[] = { { "UPDATE jobs SET state = 4, finished_at_ms = 1 WHERE kind = 'ingest'", false, FILE_CANCELLED },
                  { "UPDATE jobs SET state = 3, finished_at_ms = 1 WHERE kind = 'ingest'", false, FILE_UNREADABLE },
                  { "UPDATE jobs SET state = 4, finished_at_ms = 1 WHERE kind = 'ingest'", true, LINE_FINE } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        WORLD(w);
        struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
        int64_t id = send(&f, "a.jsonl", S("{\"id\":1}"));
        if (cases[i].has_rows)
            add_rows_of_file(&f, f.dataset.id, id);
        corrupt_records(w, "UPDATE dataset_files SET state = 2");
        corrupt_records(w, cases[i].job);
        world_wait(w, minutes(1));
        run_jobs(&f);
        if (cases[i].has_rows)
            EXPECT_EQ(file_of(&f, id).rows, 1);
        else
            expect_fault(&f, id, cases[i].fault);
        expect_sound(&f);
    }
}

TEST(files_of_a_processing_that_was_cancelled_wait_for_the_next_one)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_MANUAL);
    struct dataset_processing_started first, second;
    bool runs;
    int64_t id = send(&f, "a.jsonl", S("{\"id\":1}"));
    EXPECT_OK(dataset_process(&w->core, &f.ana, &f.dataset, w->a, &first));
    EXPECT_OK(job_cancel(&w->core, &w->operator_, first.job_id, w->a, &runs));
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, id).state, DATASET_FILE_PENDING);
    EXPECT_OK(dataset_process(&w->core, &f.ana, &f.dataset, w->a, &second));
    EXPECT_EQ(second.files, 1);
    EXPECT_EQ(second.bytes, 8);
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, id).state, DATASET_FILE_DONE);
}

TEST(a_table_that_was_gone_was_made_again_without_its_rows)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    send(&f, "a.jsonl", S("{\"id\":1}"));
    run_jobs(&f);
    EXPECT_OK(dataset_find(&w->core, f.ana.account_id, f.dataset.slug, w->a, &f.dataset));
    EXPECT_OK(w->core.datasets->ops->remove(w->core.datasets, f.dataset.id, w->a));
    EXPECT_ERR(dataset_open_table(&w->core, &f.dataset, w->a), ERR_CORRUPT);
    send(&f, "b.jsonl", S("{\"id\":2}"));
    EXPECT_ERR(jobs_run_due(w->jobs, w->a), ERR_CORRUPT);
}

/* ---- columns that are added meanwhile ---- */

static err_t extend_and_open(struct dataset_store *store, int64_t dataset_id, int64_t file_id, struct arena *a,
                             struct dataset_writer **ret)
{
    const struct fixture *f = hooked.f;
    struct dataset_request request = vendas(f->w);
    struct dataset changed;
    request.columns.items[request.columns.count++] = (struct column){ .name = S("novo"), .type = COLUMN_INT64 };
    EXPECT_OK(dataset_change(&f->w->core, &f->ana, f->dataset.slug, &request, f->w->a, &changed));
    EXPECT_OK(dataset_open_table(&f->w->core, &changed, f->w->a)); /* as a query does */
    return hooked.inner->open(store, dataset_id, file_id, a, ret);
}

static err_t refuse_open(struct dataset_store *store, int64_t dataset_id, int64_t file_id, struct arena *a,
                         struct dataset_writer **ret)
{
    if (dataset_id == hooked.f->dataset.id)
        return err_make(a, ERR_CORRUPT, "the table is damaged");
    return hooked.inner->open(store, dataset_id, file_id, a, ret);
}

TEST(a_dataset_whose_files_cannot_be_read_lets_others_go_on)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD), other = f;
    struct dataset_request request = vendas(w);
    request.name = S("other");
    EXPECT_OK(dataset_create(&w->core, &f.ana, &request, w->a, &other.dataset));
    int64_t bad = send(&f, "a.jsonl", S("{\"id\":1}")), good = send(&other, "a.jsonl", S("{\"id\":1}"));
    hook(&f, bad);
    hooked.ops.open = refuse_open;
    EXPECT_ERR(jobs_run_due(w->jobs, w->a), ERR_CORRUPT);
    unhook();
    EXPECT_EQ(file_of(&f, bad).state, DATASET_FILE_RUNNING); /* it is tried again */
    EXPECT_EQ(file_of(&other, good).state, DATASET_FILE_DONE);
    EXPECT_EQ(count_rows(&other), 1);
}

/* The rows are there, and nobody knows. */
static err_t commit_and_lose_the_reply(struct dataset_writer *writer, struct arena *a)
{
    TRY(hooked.inner->commit(writer, a));
    return err_make(a, ERR_UNAVAILABLE, "the disk did not answer");
}

static err_t open_in_last_attempt(struct dataset_store *store, int64_t dataset_id, int64_t file_id, struct arena *a,
                                  struct dataset_writer **ret)
{
    if (job_of(hooked.f, file_id).attempts < DATASET_INGEST_ATTEMPTS)
        return err_make(a, ERR_UNAVAILABLE, "not now");
    TRY(hooked.inner->open(store, dataset_id, file_id, a, ret));
    (*ret)->ops = &hooked.ops;
    return NULL;
}

TEST(a_file_had_failed_though_the_commit_of_its_last_attempt_had_added_its_rows)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t id = send(&f, "a.jsonl", S("{\"id\":1}"));
    hook(&f, id);
    hooked.ops.open = open_in_last_attempt;
    hooked.ops.commit = commit_and_lose_the_reply;
    for (int i = 0; job_of(&f, id).state != JOB_FAILED; i++) {
        err_t planned = jobs_run_due(w->jobs, w->a);
        (void)planned;
        EXPECT(i < 10 * DATASET_INGEST_ATTEMPTS);
        world_wait(w, minutes(1));
    }
    unhook();
    EXPECT_EQ(count_rows(&f), 1);
    EXPECT(file_of(&f, id).state != DATASET_FILE_FAILED);
    world_wait(w, minutes(1));
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, id).state, DATASET_FILE_DONE);
    EXPECT_EQ(file_of(&f, id).rows, 1);
    expect_sound(&f);
}

TEST(rows_had_too_few_cells_when_a_column_was_added_as_their_file_was_opened)
{
    WORLD(w);
    struct fixture f = fixture_new(w, DATASET_ON_UPLOAD);
    int64_t id = send(&f, "a.jsonl", S("{\"id\":1,\"novo\":7}\n{\"id\":2,\"novo\":8}"));
    hook(&f, id);
    hooked.ops.open = extend_and_open;
    EXPECT_ERR(jobs_run_due(w->jobs, w->a), ERR_INVALID);
    unhook();
    world_wait(w, minutes(1));
    run_jobs(&f);
    EXPECT_EQ(file_of(&f, id).rows, 2);
    EXPECT_OK(dataset_find(&w->core, f.ana.account_id, f.dataset.slug, w->a, &f.dataset));
    EXPECT_EQ(f.dataset.columns.count, 4);
    EXPECT_EQ(count_rows(&f), 2);
    expect_sound(&f);
}

RUN_TESTS(cmocka_unit_test(a_dataset_gets_its_slug_from_its_name_and_keeps_its_columns_in_order),
          cmocka_unit_test(what_is_wrong_with_a_dataset_is_refused_by_its_rule),
          cmocka_unit_test(a_change_adds_columns_and_raises_the_version),
          cmocka_unit_test(of_two_changes_that_were_made_from_one_version_the_second_undid_the_first),
          cmocka_unit_test(schedules_are_multiples_of_a_time_or_a_time_of_each_day),
          cmocka_unit_test(permission_to_send_ends_at_its_time_or_when_it_is_revoked),
          cmocka_unit_test(permission_to_send_ends_with_its_owner_and_with_the_key),
          cmocka_unit_test(a_file_that_was_begun_under_a_permission_ends_only_while_it_is_not_revoked),
          cmocka_unit_test(what_lets_a_body_in_is_asked_again_while_it_comes),
          cmocka_unit_test(a_body_for_a_dataset_that_is_removed_meanwhile_ends),
          cmocka_unit_test(a_name_may_be_refused_when_it_was_sent_under_the_same_permission),
          cmocka_unit_test(a_file_becomes_rows_after_it_has_come),
          cmocka_unit_test(one_bad_line_keeps_all_rows_of_its_file_out),
          cmocka_unit_test(no_more_errors_are_kept_than_a_hundred),
          cmocka_unit_test(a_file_of_another_kind_is_kept_but_fails),
          cmocka_unit_test(the_same_bytes_are_read_once_unless_the_dataset_takes_duplicates),
          cmocka_unit_test(a_file_without_rows_is_done),
          cmocka_unit_test(the_job_of_a_file_shows_how_much_of_it_was_read),
          cmocka_unit_test(a_dataset_whose_files_cannot_be_read_lets_others_go_on),
          cmocka_unit_test(files_wait_until_somebody_starts_to_process_them),
          cmocka_unit_test(a_file_that_was_removed_while_files_were_queued_hid_a_later_one),
          cmocka_unit_test(files_are_read_when_they_have_the_volume_together),
          cmocka_unit_test(files_are_read_at_the_times_of_the_schedule),
          cmocka_unit_test(a_removed_file_leaves_its_rows_and_is_still_known_as_read),
          cmocka_unit_test(a_removed_dataset_that_is_still_read_kept_others_from_being_removed),
          cmocka_unit_test(a_removed_dataset_gives_back_all_that_it_took),
          cmocka_unit_test(fsck_finds_rows_that_are_missing), cmocka_unit_test(fsck_finds_rows_that_no_file_explains),
          cmocka_unit_test(fsck_finds_another_number_of_rows_than_were_read),
          cmocka_unit_test(a_run_that_ended_between_the_rows_and_the_record_is_made_good),
          cmocka_unit_test(no_table_changes_while_a_backup_copies),
          cmocka_unit_test(queries_were_refused_while_a_file_was_read_if_a_column_had_been_added),
          cmocka_unit_test(rows_come_exactly_once_whatever_call_of_a_store_fails),
          cmocka_unit_test(a_file_that_cannot_be_read_has_failed_after_the_last_attempt),
          cmocka_unit_test(files_wait_while_the_disk_is_full_however_long_it_takes),
          cmocka_unit_test(a_query_made_a_table_that_nobody_counted),
          cmocka_unit_test(an_account_above_its_limit_gets_no_more_rows),
          cmocka_unit_test(a_file_whose_job_was_cancelled_while_it_waited_has_failed_until_the_job_is_repeated),
          cmocka_unit_test(a_file_whose_job_was_cancelled_while_it_was_read_has_failed_at_once),
          cmocka_unit_test(a_file_whose_job_ended_with_the_server_is_not_running_for_ever),
          cmocka_unit_test(files_of_a_processing_that_was_cancelled_wait_for_the_next_one),
          cmocka_unit_test(a_table_that_was_gone_was_made_again_without_its_rows),
          cmocka_unit_test(a_file_had_failed_though_the_commit_of_its_last_attempt_had_added_its_rows),
          cmocka_unit_test(rows_had_too_few_cells_when_a_column_was_added_as_their_file_was_opened))
