/* SPDX-License-Identifier: Apache-2.0 */
/* Holds every database to the headers of core/store/: what stands in the folders of a section, transfers and sync files. */
#include "core/records/bucket.h"
#include "core/store/bucket_store.h"
#include "core/store/sync_file_store.h"
#include "core/store/transfer_store.h"
#include "core/store/workspace_store.h"
#include "meta_suite.h"

#include <string.h>

enum { EXPIRES = 1000 };

/* Sections 1 and 2 of a workspace, and bucket 1. */
IN_WRITE(add_sections)
{
    struct meta_world *w = arg;
    struct bucket bucket = { .owner_id = w->user, .name = S("docs"), .kind = BUCKET_GUARDED };
    struct workspace workspace = { .account_id = w->account, .name = S("W"), .created_at_ms = 5 };
    struct section section = { .workspace_id = 1, .name = S("A"), .created_at_ms = 6 };
    int64_t id;
    TRY(meta_bucket_add(tx, &bucket, a, &id));
    TRY(meta_workspace_add(tx, &workspace, a, &id));
    TRY(meta_section_add(tx, &section, a, &id));
    section.name = S("B");
    TRY(meta_section_add(tx, &section, a, &id));
    return meta_section_hold(tx, id, a);
}

static void world_with_sections(struct meta_world *w, enum database_kind kind)
{
    meta_world_init(w, kind, INLINE);
    RUN_WRITE(w, add_sections);
}

/* ---- transfers ---- */

static struct transfer sample_transfer(struct meta_world *w, int64_t section_id, slice file_name, slice name)
{
    struct transfer t = { .account_id = w->account,
                          .owner_id = w->user,
                          .name = name,
                          .origin = S("test"),
                          .file_name = file_name,
                          .content_type = S(""),
                          .metadata = S(""),
                          .blob_key = name,
                          .length = -1,
                          .composition = S(""),
                          .section_id = section_id,
                          .created_at_ms = 1,
                          .expires_at_ms = EXPIRES };
    md5_init(&t.md5);
    return t;
}

static err_t add_transfer(struct meta_tx *tx, struct meta_world *w, int64_t section_id, const char *file_name,
                          const char *name, struct arena *a)
{
    struct transfer t = sample_transfer(w, section_id, slice_of(file_name), slice_of(name));
    int64_t id;
    return meta_transfer_add(tx, &t, a, &id);
}

/* 1 to 5 */
IN_WRITE(add_transfers)
{
    struct meta_world *w = arg;
    TRY(add_transfer(tx, w, 1, "b", "00b", a));
    EXPECT_ERR(add_transfer(tx, w, 1, "b", "00other", a), ERR_CONFLICT);
    TRY(add_transfer(tx, w, 1, "B", "00B", a));
    TRY(add_transfer(tx, w, 2, "b", "00b2", a));
    TRY(add_transfer(tx, w, 0, "b", "00none", a));
    return add_transfer(tx, w, 0, "b", "00also", a);
}

static size_t count_names(struct meta_tx *tx, slice after, int64_t now_ms, size_t limit, struct arena *a)
{
    struct transfer_list list;
    EXPECT_OK(meta_transfer_list_in_section(tx, &(struct transfer_names){ 1, now_ms, after, limit }, a, &list));
    return list.count;
}

FOR_EACH_DATABASE(a_transfer_is_found_by_its_name_in_its_section)
{
    struct meta_world w;
    struct transfer t;
    struct transfer_list list;
    int64_t count;
    world_with_sections(&w, kind);
    RUN_WRITE(&w, add_transfers);
    struct meta_tx *tx = snapshot(&w);
    EXPECT_OK(meta_transfer_in_section(tx, 1, S("b"), w.a, &t));
    EXPECT(t.id == 1 && t.section_id == 1);
    EXPECT_OK(meta_transfer_in_section(tx, 2, S("b"), w.a, &t));
    EXPECT_EQ(t.section_id, 2);
    EXPECT_ERR(meta_transfer_in_section(tx, 1, S("c"), w.a, &t), ERR_NOT_FOUND);
    EXPECT_ERR(meta_transfer_in_section(tx, 0, S("b"), w.a, &t), ERR_NOT_FOUND);
    EXPECT_OK(meta_transfer_list_in_section(tx, &(struct transfer_names){ 1, EXPIRES - 1, S(""), 10 }, w.a, &list));
    EXPECT(list.count == 2 && slice_eq(list.items[0].file_name, S("B")));
    EXPECT_EQ(count_names(tx, S("B"), 0, 10, w.a), 1);
    EXPECT_EQ(count_names(tx, S(""), 0, 1, w.a), 1);
    EXPECT_EQ(count_names(tx, S(""), EXPIRES, 10, w.a), 0);
    EXPECT_OK(meta_transfer_count_in_section(tx, 1, w.a, &count));
    EXPECT_EQ(count, 2);
    struct transfer_listing own = { w.account, w.user, 0, { 0, 10 } };
    EXPECT_OK(meta_transfer_list_of(tx, &own, w.a, &list));
    EXPECT_EQ(list.count, 2); /* those of no section */
    meta_read_end(tx);
    meta_world_release(&w);
}

static bool renames(struct meta_tx *tx, int64_t id, slice file_name, struct arena *a)
{
    bool done;
    EXPECT_OK(meta_transfer_rename(tx, id, file_name, a, &done));
    return done;
}

IN_WRITE(rename_and_leave)
{
    struct transfer t;
    bool claimed;
    (void)arg;
    EXPECT(!renames(tx, 1, S("B"), a));
    EXPECT(renames(tx, 1, S("c"), a));
    EXPECT(renames(tx, 1, S("b"), a));
    TRY(meta_transfer_claim(tx, &(struct transfer_claim){ 1, S("w"), 0, 100, false }, a, &claimed));
    EXPECT(!renames(tx, 1, S("c"), a));
    TRY(meta_transfer_leave_section(tx, 1, S("b"), EXPIRES - 1, a));
    TRY(meta_transfer_in_section(tx, 1, S("b"), a, &t));
    TRY(meta_transfer_leave_section(tx, 1, S("b"), EXPIRES, a));
    EXPECT_ERR(meta_transfer_in_section(tx, 1, S("b"), a, &t), ERR_NOT_FOUND);
    TRY(meta_transfer_get(tx, 1, a, &t));
    EXPECT_EQ(t.section_id, 0);
    TRY(meta_transfer_in_section(tx, 2, S("b"), a, &t));
    TRY(meta_transfer_expire(tx, t.id, 7, a));
    EXPECT_ERR(meta_transfer_in_section(tx, 2, S("b"), a, &t), ERR_NOT_FOUND);
    return NULL;
}

FOR_EACH_DATABASE(a_name_in_a_section_changes_and_is_given_up)
{
    struct meta_world w;
    world_with_sections(&w, kind);
    RUN_WRITE(&w, add_transfers);
    RUN_WRITE(&w, rename_and_leave);
    meta_world_release(&w);
}

static bool takes(struct meta_tx *tx, int64_t offset, struct arena *a)
{
    bool done;
    EXPECT_OK(meta_transfer_take(tx, &(struct transfer){ .id = 1, .offset = offset, .file_name = S("c") }, a, &done));
    EXPECT(!done);
    EXPECT_OK(meta_transfer_take(tx, &(struct transfer){ .id = 1, .offset = offset, .file_name = S("b") }, a, &done));
    return done;
}

IN_WRITE(take_one)
{
    struct transfer t;
    bool done;
    (void)arg;
    EXPECT(!takes(tx, 0, a)); /* nobody said how long it is */
    TRY(meta_transfer_set_length(tx, 1, 0, a, &done));
    EXPECT(!takes(tx, 1, a));
    TRY(meta_transfer_claim(tx, &(struct transfer_claim){ 1, S("w"), 0, 100, false }, a, &done));
    EXPECT(!takes(tx, 0, a));
    TRY(meta_transfer_clear_length(tx, 1, S("another"), a));
    TRY(meta_transfer_get(tx, 1, a, &t));
    EXPECT_EQ(t.length, 0);
    TRY(meta_transfer_clear_length(tx, 1, S("w"), a));
    TRY(meta_transfer_get(tx, 1, a, &t));
    EXPECT_EQ(t.length, -1);
    TRY(meta_transfer_set_length(tx, 1, 0, a, &done));
    TRY(meta_transfer_release(tx, 1, S("w"), a));
    EXPECT(takes(tx, 0, a));
    EXPECT(!takes(tx, 0, a));
    return NULL;
}

FOR_EACH_DATABASE(only_a_whole_transfer_is_taken_and_only_once)
{
    struct meta_world w;
    world_with_sections(&w, kind);
    RUN_WRITE(&w, add_transfers);
    RUN_WRITE(&w, take_one);
    meta_world_release(&w);
}

/* ---- sync files ---- */

struct placed {
    const char *name;
    int64_t section_id;
    enum sync_way way;
    enum sync_state state;
};
static const struct placed placed[] = { /* their ids are 1, 2, … */
                                        { "b", 1, SYNC_BY_FOLDER, SYNC_UPLOADED },
                                        { "a", 1, SYNC_BY_PAGE, SYNC_QUEUED },
                                        { "b", 1, SYNC_BY_FOLDER, SYNC_PROCESSING },
                                        { "b", 1, SYNC_BY_FOLDER, SYNC_IMPORTED },
                                        { "b", 1, SYNC_BY_FOLDER, SYNC_IMPORTED_WITH_ERRORS },
                                        { "b", 1, SYNC_BY_FOLDER, SYNC_FAILED },
                                        { "b", 2, SYNC_BY_FOLDER, SYNC_UPLOADED },
                                        { "b", 1, SYNC_BY_LINK, SYNC_UPLOADED },
                                        { "b", 1, SYNC_BY_BODY, SYNC_IMPORTED },
                                        { "b", 1, SYNC_BY_FOLDER, SYNC_PURGED },
                                        { "b", 1, SYNC_BY_FOLDER, SYNC_CREATED },
                                        { "c", 1, SYNC_BY_FOLDER, SYNC_QUEUED }
};

IN_WRITE(place_files)
{
    struct meta_world *w = arg;
    for (size_t i = 0; i < LENGTH_OF(placed); i++) {
        struct sync_file f = { .handle = arena_printf(a, "handle %zu", i),
                               .account_id = w->account,
                               .owner_id = w->user,
                               .workspace_id = 1,
                               .section_id = placed[i].section_id,
                               .bucket_id = 1,
                               .key = S("k"),
                               .origin = S("test"),
                               .way = placed[i].way,
                               .name = slice_of(placed[i].name),
                               .entity_type = S(""),
                               .folder = S(""),
                               .category = S(""),
                               .remark = S(""),
                               .tags = S(""),
                               .metadata = S(""),
                               .action = S(""),
                               .state = placed[i].state };
        int64_t id;
        TRY(meta_sync_file_add(tx, &f, a, &id));
    }
    return NULL;
}

/* The ids that a listing in pages gives, as digits. */
static slice list_folder(struct meta_tx *tx, enum sync_folder folder, size_t limit, struct arena *a)
{
    struct sync_folder_page page = { .section_id = 1, .folder = folder, .after_name = S(""), .limit = limit };
    struct sync_file_list list;
    slice ids = S("");
    do {
        EXPECT_OK(meta_sync_file_list_in(tx, &page, a, &list));
        for (size_t i = 0; i < list.count; i++) {
            ids = arena_printf(a, SLICE_FMT "%lld ", SLICE_ARG(ids), (long long)list.items[i].id);
            page.after_name = list.items[i].name;
            page.after_id = list.items[i].id;
        }
    } while (list.count == limit);
    return ids;
}

static void read_folders(struct meta_world *w)
{
    struct meta_tx *tx = snapshot(w);
    struct sync_file f;
    EXPECT_OK(meta_sync_file_newest_in(tx, 1, SYNC_IN_IMPORT, S("b"), w->a, &f));
    EXPECT_EQ(f.id, 3);
    EXPECT_OK(meta_sync_file_newest_in(tx, 1, SYNC_IN_FAILED, S("b"), w->a, &f));
    EXPECT_EQ(f.id, 6);
    EXPECT_ERR(meta_sync_file_newest_in(tx, 1, SYNC_IN_DONE, S("a"), w->a, &f), ERR_NOT_FOUND);
    for (size_t limit = 1; limit < 6; limit++) {
        EXPECT_SLICE(list_folder(tx, SYNC_IN_IMPORT, limit, w->a), S("2 3 1 12 "));
        EXPECT_SLICE(list_folder(tx, SYNC_IN_DONE, limit, w->a), S("5 4 "));
        EXPECT_SLICE(list_folder(tx, SYNC_IN_FAILED, limit, w->a), S("6 "));
    }
    meta_read_end(tx);
}

FOR_EACH_DATABASE(sync_files_stand_in_the_folder_of_their_state)
{
    struct meta_world w;
    world_with_sections(&w, kind);
    RUN_WRITE(&w, place_files);
    read_folders(&w);
    meta_world_release(&w);
}

static bool renames_file(struct meta_tx *tx, int64_t id, struct arena *a)
{
    struct sync_file now = { .id = id, .name = S("new"), .key = S("new key"), .modified_at_ms = 99 };
    bool changed;
    EXPECT_OK(meta_sync_file_rename(tx, &now, a, &changed));
    return changed;
}

static bool discards(struct meta_tx *tx, int64_t id, struct arena *a)
{
    struct sync_file_move move = { id, SYNC_UPLOADED, SYNC_PURGED, 100, 200 };
    bool changed;
    EXPECT_OK(meta_sync_file_discard(tx, &move, a, &changed));
    return changed;
}

IN_WRITE(rename_and_discard)
{
    struct sync_file f;
    (void)arg;
    EXPECT(renames_file(tx, 1, a));
    EXPECT(!renames_file(tx, 2, a));
    TRY(meta_sync_file_get(tx, 1, a, &f));
    EXPECT(f.revision == 2 && f.modified_at_ms == 99 && f.state == SYNC_UPLOADED);
    EXPECT_SLICE(f.name, S("new"));
    EXPECT_SLICE(f.key, S("new key"));
    EXPECT(discards(tx, 1, a));
    EXPECT(!discards(tx, 1, a));
    EXPECT(!discards(tx, 2, a));
    TRY(meta_sync_file_get(tx, 1, a, &f));
    EXPECT(f.state == SYNC_PURGED && f.file_id == 0 && f.due_at_ms == 200 && f.modified_at_ms == 100);
    return NULL;
}

FOR_EACH_DATABASE(only_a_file_that_was_never_imported_is_renamed_or_discarded)
{
    struct meta_world w;
    world_with_sections(&w, kind);
    RUN_WRITE(&w, place_files);
    RUN_WRITE(&w, rename_and_discard);
    meta_world_release(&w);
}

/* ---- query plans ---- */

static bool may_scan(slice sql)
{
    (void)sql;
    return false;
}

/* A page is a range of an index, and nothing is sorted: what a page costs does not depend on how many files there are. */
static void expect_ranges(struct meta_world *w)
{
    struct sql_db *db = test_database_open(&w->database, w->a);
    struct sql_conn *conn;
    int listings = 0;
    EXPECT_OK(sql_connect(db, SQL_READ, w->a, &conn));
    for (size_t i = 0; i < spy.n; i++) {
        slice sql = slice_of(spy.seen[i].sql);
        if (slice_find(sql, S("f.way IN")) == SLICE_NONE && slice_find(sql, S("t.file_name > $2")) == SLICE_NONE)
            continue;
        struct sql_value none[8] = { 0 };
        SCOPED(sql_closep) struct sql_cursor *c = NULL;
        const char *explain = arena_printf(w->a, "EXPLAIN QUERY PLAN " SLICE_FMT, SLICE_ARG(sql)).p;
        EXPECT_OK(conn->driver->query(conn, explain, (struct sql_args){ none, spy.seen[i].count }, w->a, &c));
        listings++;
        for (bool row = true; row;) {
            EXPECT_OK(sql_next(c, w->a, &row));
            slice detail = row ? sql_column_copy(c, 3, w->a) : S("");
            if (slice_find(detail, S("TEMP B-TREE")) != SLICE_NONE)
                fail_msg("%s", spy.seen[i].sql);
            bool is_of_folder = slice_starts(detail, S("SEARCH f "));
            if (is_of_folder && slice_find(detail, S("section_id=? AND name")) == SLICE_NONE)
                fail_msg(SLICE_FMT ": %s", SLICE_ARG(detail), spy.seen[i].sql);
        }
    }
    EXPECT_EQ(listings, 2 * SYNC_FOLDERS + 1);
    sql_disconnect(conn);
    sql_close_db(db);
}

TEST(no_listing_of_a_folder_reads_more_than_its_page)
{
    struct meta_world w;
    struct transfer t;
    int64_t count;
    spied_world_init(&w);
    RUN_WRITE(&w, add_sections);
    RUN_WRITE(&w, place_files);
    RUN_WRITE(&w, add_transfers);
    read_folders(&w);
    struct meta_tx *tx = snapshot(&w);
    EXPECT_OK(meta_transfer_in_section(tx, 1, S("b"), w.a, &t));
    EXPECT_EQ(count_names(tx, S(""), 0, 10, w.a), 2);
    EXPECT_OK(meta_transfer_count_in_section(tx, 1, w.a, &count));
    meta_read_end(tx);
    RUN_WRITE(&w, rename_and_leave);
    RUN_WRITE(&w, rename_and_discard);
    spied_check_plans(&w, may_scan);
    expect_ranges(&w);
    meta_world_release(&w);
}

RUN_TESTS(cmocka_unit_test(a_transfer_is_found_by_its_name_in_its_section),
          cmocka_unit_test(a_name_in_a_section_changes_and_is_given_up),
          cmocka_unit_test(only_a_whole_transfer_is_taken_and_only_once),
          cmocka_unit_test(sync_files_stand_in_the_folder_of_their_state),
          cmocka_unit_test(only_a_file_that_was_never_imported_is_renamed_or_discarded),
          cmocka_unit_test(no_listing_of_a_folder_reads_more_than_its_page))
