/* SPDX-License-Identifier: Apache-2.0 */
/* Holds every database to the headers of core/store/: workspaces, sections, entities and sync files. */
#include "core/records/bucket.h"
#include "core/store/bucket_store.h"
#include "core/store/job_store.h"
#include "core/store/record_set_store.h"
#include "core/store/sync_file_store.h"
#include "core/store/workspace_store.h"
#include "meta_suite.h"

#include <string.h>

enum { LINK_EXPIRES = 500, DUE = 1000 };

static struct sync_file sample(struct meta_world *w, slice handle)
{
    return (struct sync_file){ .handle = handle,
                               .account_id = w->account,
                               .owner_id = w->user,
                               .workspace_id = 1,
                               .section_id = 2,
                               .bucket_id = 1,
                               .key = S("W/import/h_a"),
                               .origin = S("test"),
                               .way = SYNC_BY_FOLDER,
                               .name = S("a"),
                               .entity_type = S("t"),
                               .folder = S("d/e"),
                               .category = S("c"),
                               .remark = S("r"),
                               .tags = S("[\"x\"]"),
                               .metadata = S("{}"),
                               .action = S("run 1"),
                               .max_bytes = 77,
                               .idle_ms = 88,
                               .state = SYNC_CREATED,
                               .created_at_ms = 1,
                               .modified_at_ms = 2,
                               .link_expires_at_ms = LINK_EXPIRES,
                               .due_at_ms = DUE };
}

/* Workspaces 1 "W" and 2 "V"; sections 1 "A" and 2 "B" of W; bucket 1; an entity. */
IN_WRITE(add_workspaces)
{
    struct meta_world *w = arg;
    struct bucket bucket = { .owner_id = w->user, .name = S("docs"), .kind = BUCKET_GUARDED };
    struct workspace one = { .account_id = w->account, .name = S("W"), .created_at_ms = 5 }, other = one;
    struct section section = { .workspace_id = 1, .name = S("A"), .created_at_ms = 6 };
    struct entity entity = {
        .account_id = w->account, .name = S("bus"), .type = S("wks_bus"), .data_source = S("cc-bus"), .created_at_ms = 7
    };
    int64_t id;
    other.name = S("V");
    TRY(meta_bucket_add(tx, &bucket, a, &id));
    TRY(meta_workspace_add(tx, &one, a, &id));
    EXPECT_EQ(id, 1);
    EXPECT_ERR(meta_workspace_add(tx, &one, a, &id), ERR_CONFLICT);
    TRY(meta_workspace_add(tx, &other, a, &id));
    TRY(meta_section_add(tx, &section, a, &id));
    EXPECT_ERR(meta_section_add(tx, &section, a, &id), ERR_CONFLICT);
    section.name = S("B");
    section.refuses_deletes = true;
    TRY(meta_section_add(tx, &section, a, &id));
    EXPECT_EQ(id, 2);
    TRY(meta_entity_add(tx, &entity, a, &id));
    EXPECT_ERR(meta_entity_add(tx, &entity, a, &id), ERR_CONFLICT);
    entity.name = S("car");
    EXPECT_ERR(meta_entity_add(tx, &entity, a, &id), ERR_CONFLICT); /* that data source */
    entity.name = S("bus");
    entity.data_source = S("cc-car");
    EXPECT_ERR(meta_entity_add(tx, &entity, a, &id), ERR_CONFLICT); /* that name */
    return NULL;
}

static void world_with_workspaces(struct meta_world *w, enum database_kind kind)
{
    meta_world_init(w, kind, INLINE);
    RUN_WRITE(w, add_workspaces);
}

static void read_workspaces(struct meta_world *w)
{
    struct meta_tx *tx = snapshot(w);
    struct workspace workspace;
    struct section section;
    struct workspace_list workspaces;
    struct section_list sections;
    EXPECT_OK(meta_workspace_by_name(tx, w->account, S("V"), w->a, &workspace));
    EXPECT(workspace.id == 2 && workspace.created_at_ms == 5);
    EXPECT_ERR(meta_workspace_by_name(tx, w->account + 1, S("V"), w->a, &workspace), ERR_NOT_FOUND);
    EXPECT_OK(meta_workspace_get(tx, 1, w->a, &workspace));
    EXPECT_SLICE(workspace.name, S("W"));
    EXPECT_ERR(meta_workspace_get(tx, 3, w->a, &workspace), ERR_NOT_FOUND);
    EXPECT_OK(meta_workspace_list(tx, w->account, &(struct id_page){ 1, 10 }, w->a, &workspaces));
    EXPECT(workspaces.count == 1 && workspaces.items[0].id == 2);
    EXPECT_OK(meta_section_by_name(tx, 1, S("B"), w->a, &section));
    EXPECT(section.id == 2 && section.refuses_deletes && section.created_at_ms == 6);
    EXPECT_ERR(meta_section_by_name(tx, 2, S("B"), w->a, &section), ERR_NOT_FOUND);
    EXPECT_OK(meta_section_get(tx, 1, w->a, &section));
    EXPECT(slice_eq(section.name, S("A")) && !section.refuses_deletes);
    EXPECT_ERR(meta_section_get(tx, 9, w->a, &section), ERR_NOT_FOUND);
    EXPECT_OK(meta_section_list(tx, 1, &(struct id_page){ 0, 1 }, w->a, &sections));
    EXPECT(sections.count == 1 && sections.items[0].id == 1);
    meta_read_end(tx);
}

static void read_entities(struct meta_world *w)
{
    struct meta_tx *tx = snapshot(w);
    struct entity entity;
    struct entity_list entities;
    EXPECT_OK(meta_entity_by_name(tx, w->account, S("bus"), w->a, &entity));
    EXPECT(slice_eq(entity.type, S("wks_bus")) && entity.created_at_ms == 7);
    EXPECT_OK(meta_entity_by_data_source(tx, w->account, S("cc-bus"), w->a, &entity));
    EXPECT_SLICE(entity.name, S("bus"));
    EXPECT_ERR(meta_entity_by_name(tx, w->account, S("car"), w->a, &entity), ERR_NOT_FOUND);
    EXPECT_ERR(meta_entity_by_data_source(tx, w->account + 1, S("cc-bus"), w->a, &entity), ERR_NOT_FOUND);
    EXPECT_OK(meta_entity_list(tx, w->account, &(struct id_page){ 0, 10 }, w->a, &entities));
    EXPECT_EQ(entities.count, 1);
    bool has;
    EXPECT_OK(meta_entity_has_type(tx, w->account, S("wks_bus"), w->a, &has));
    EXPECT(has);
    EXPECT_OK(meta_entity_has_type(tx, w->account + 1, S("wks_bus"), w->a, &has));
    EXPECT(!has);
    meta_read_end(tx);
}

FOR_EACH_DATABASE(workspaces_sections_and_entities_are_found_by_their_names)
{
    struct meta_world w;
    world_with_workspaces(&w, kind);
    read_workspaces(&w);
    read_entities(&w);
    meta_world_release(&w);
}

/* ---- sync files ---- */

IN_WRITE(add_three)
{
    struct meta_world *w = arg;
    struct sync_file f = sample(w, S("one"));
    int64_t id;
    TRY(meta_sync_file_add(tx, &f, a, &id));
    EXPECT_EQ(id, 1);
    EXPECT_ERR(meta_sync_file_add(tx, &f, a, &id), ERR_CONFLICT);
    f.handle = S("two");
    f.due_at_ms = DUE - 1;
    TRY(meta_sync_file_add(tx, &f, a, &id));
    f.handle = S("three");
    f.due_at_ms = 0;
    return meta_sync_file_add(tx, &f, a, &id);
}

static void expect_sample(const struct sync_file *f)
{
    EXPECT(f->id == 1 && f->owner_id && f->workspace_id == 1 && f->section_id == 2 && f->bucket_id == 1);
    EXPECT(f->way == SYNC_BY_FOLDER && f->state == SYNC_CREATED && f->revision == 1 && f->file_id == 0);
    EXPECT(f->max_bytes == 77 && f->idle_ms == 88 && f->created_at_ms == 1 && f->modified_at_ms == 2);
    EXPECT(f->link_expires_at_ms == LINK_EXPIRES && f->due_at_ms == DUE && f->uploaded_at_ms == 0);
    const struct {
        slice got, want;
    } texts[] = { { f->handle, S("one") },       { f->workspace, S("W") },  { f->section, S("B") },
                  { f->key, S("W/import/h_a") }, { f->origin, S("test") },  { f->name, S("a") },
                  { f->entity_type, S("t") },    { f->folder, S("d/e") },   { f->category, S("c") },
                  { f->remark, S("r") },         { f->tags, S("[\"x\"]") }, { f->metadata, S("{}") },
                  { f->action, S("run 1") },     { f->content_type, S("") } };
    for (size_t i = 0; i < LENGTH_OF(texts); i++)
        EXPECT_SLICE(texts[i].got, texts[i].want);
}

FOR_EACH_DATABASE(a_sync_file_is_read_as_it_was_written)
{
    struct meta_world w;
    struct sync_file f;
    struct sync_file_list list;
    world_with_workspaces(&w, kind);
    RUN_WRITE(&w, add_three);
    struct meta_tx *tx = snapshot(&w);
    EXPECT_OK(meta_sync_file_get(tx, 1, w.a, &f));
    expect_sample(&f);
    EXPECT_OK(meta_sync_file_by_handle(tx, S("one"), w.a, &f));
    expect_sample(&f);
    EXPECT_ERR(meta_sync_file_get(tx, 9, w.a, &f), ERR_NOT_FOUND);
    EXPECT_ERR(meta_sync_file_by_handle(tx, S("on"), w.a, &f), ERR_NOT_FOUND);
    EXPECT_OK(meta_sync_file_list(tx, &(struct id_page){ 1, 10 }, w.a, &list));
    EXPECT(list.count == 2 && list.items[0].id == 2);
    EXPECT_OK(meta_sync_file_page(tx, f.account_id, &(struct id_page){ 0, 2 }, w.a, &list));
    EXPECT(list.count == 2 && list.items[0].id == 3 && list.items[1].id == 2);
    EXPECT_OK(meta_sync_file_page(tx, f.account_id, &(struct id_page){ 2, 2 }, w.a, &list));
    EXPECT(list.count == 1 && list.items[0].id == 1);
    EXPECT_OK(meta_sync_file_page(tx, f.account_id + 99, &(struct id_page){ 0, 2 }, w.a, &list));
    EXPECT_EQ(list.count, 0);
    EXPECT_OK(meta_sync_file_due(tx, DUE, 10, w.a, &list));
    EXPECT(list.count == 2 && list.items[0].id == 2 && list.items[1].id == 1);
    EXPECT_OK(meta_sync_file_due(tx, DUE - 1, 10, w.a, &list));
    EXPECT_EQ(list.count, 1);
    EXPECT_OK(meta_sync_file_due(tx, DUE, 1, w.a, &list));
    EXPECT_EQ(list.count, 1);
    meta_read_end(tx);
    meta_world_release(&w);
}

static bool store(struct meta_tx *tx, int64_t file_id, int64_t old_file_id, struct arena *a)
{
    struct sync_file now = { .id = 1,
                             .file_id = file_id,
                             .size_bytes = 5,
                             .content_type = S("text/plain"),
                             .uploaded_at_ms = 300,
                             .due_at_ms = 900 };
    bool changed;
    memset(now.md5, 3, MD5_SIZE);
    EXPECT_OK(meta_sync_file_store(tx, &now, old_file_id, a, &changed));
    return changed;
}

static bool move(struct meta_tx *tx, enum sync_state from, enum sync_state to, struct arena *a)
{
    bool changed;
    EXPECT_OK(meta_sync_file_move(tx, &(struct sync_file_move){ 1, from, to, 400, 0 }, a, &changed));
    return changed;
}

IN_WRITE(upload_and_import)
{
    struct sync_file f;
    (void)arg;
    EXPECT(!store(tx, 11, 10, a)); /* it has another file, or none */
    EXPECT(store(tx, 11, 0, a));
    EXPECT(!store(tx, 12, 0, a));
    EXPECT(store(tx, 12, 11, a));
    TRY(meta_sync_file_get(tx, 1, a, &f));
    EXPECT(f.state == SYNC_UPLOADED && f.revision == 3 && f.file_id == 12 && f.size_bytes == 5);
    EXPECT(f.uploaded_at_ms == 300 && f.modified_at_ms == 300 && f.due_at_ms == 900 && f.md5[15] == 3);
    EXPECT_SLICE(f.content_type, S("text/plain"));
    EXPECT(!move(tx, SYNC_CREATED, SYNC_QUEUED, a));
    EXPECT(move(tx, SYNC_UPLOADED, SYNC_QUEUED, a));
    EXPECT(!move(tx, SYNC_UPLOADED, SYNC_QUEUED, a));
    EXPECT(!store(tx, 13, 12, a));
    TRY(meta_sync_file_get(tx, 1, a, &f));
    EXPECT(f.state == SYNC_QUEUED && f.revision == 4 && f.modified_at_ms == 400 && f.due_at_ms == 0);
    EXPECT_EQ(f.file_id, 12);
    return NULL;
}

FOR_EACH_DATABASE(a_state_changes_only_from_the_one_that_the_caller_names)
{
    struct meta_world w;
    world_with_workspaces(&w, kind);
    RUN_WRITE(&w, add_three);
    uint64_t generation = meta_generation(w.store);
    RUN_WRITE(&w, upload_and_import);
    EXPECT_EQ(meta_generation(w.store), generation); /* no cache holds these rows */
    meta_world_release(&w);
}

static bool end(struct meta_tx *tx, int64_t id, enum sync_state from, enum sync_state to, int64_t at_ms,
                struct arena *a)
{
    bool changed;
    EXPECT_OK(meta_sync_file_end(tx, &(struct sync_file_move){ id, from, to, at_ms, 2000 }, a, &changed));
    return changed;
}

IN_WRITE(end_them)
{
    struct sync_file f;
    bool changed;
    (void)arg;
    EXPECT(!end(tx, 1, SYNC_CREATED, SYNC_EXPIRED, DUE - 1, a)); /* not due */
    EXPECT(!end(tx, 1, SYNC_UPLOADED, SYNC_PURGED, DUE, a));
    EXPECT(end(tx, 1, SYNC_CREATED, SYNC_EXPIRED, DUE, a));
    EXPECT(!end(tx, 3, SYNC_CREATED, SYNC_EXPIRED, DUE, a)); /* never due */
    EXPECT(!store(tx, 11, 0, a));
    TRY(meta_sync_file_get(tx, 1, a, &f));
    EXPECT(f.state == SYNC_EXPIRED && f.revision == 2 && f.due_at_ms == 2000 && f.modified_at_ms == DUE);
    TRY(meta_sync_file_forget(tx, 2, 5000, a, &changed)); /* it has not ended */
    EXPECT(!changed);
    TRY(meta_sync_file_forget(tx, 1, 1999, a, &changed));
    EXPECT(!changed);
    TRY(meta_sync_file_forget(tx, 1, 2000, a, &changed));
    EXPECT(changed);
    EXPECT_ERR(meta_sync_file_get(tx, 1, a, &f), ERR_NOT_FOUND);
    return NULL;
}

FOR_EACH_DATABASE(a_sync_file_ends_at_its_time_and_is_forgotten_later)
{
    struct meta_world w;
    world_with_workspaces(&w, kind);
    RUN_WRITE(&w, add_three);
    RUN_WRITE(&w, end_them);
    meta_world_release(&w);
}

/* ---- imports ---- */

static bool queue(struct meta_tx *tx, struct sync_file *f, enum sync_state from, struct arena *a)
{
    bool changed;
    EXPECT_OK(meta_sync_file_queue(tx, f, from, a, &changed));
    return changed;
}

static bool step(struct meta_tx *tx, const struct sync_file *f, enum sync_state from, enum sync_state to,
                 struct arena *a)
{
    bool changed;
    EXPECT_OK(meta_sync_import_move(tx, f, &(struct sync_file_move){ f->id, from, to, 600, 0 }, a, &changed));
    return changed;
}

IN_WRITE(import_twice)
{
    struct sync_file f = { .id = 1, .action = S("run 2"), .remark = S("again") }, now;
    struct sync_report report;
    (void)arg;
    f.import = (struct sync_import){ .number = 1,
                                     .job_id = 3,
                                     .form = SYNC_JSON,
                                     .may_delete = true,
                                     .data_source = S("cc-family"),
                                     .reference = S("REF"),
                                     .queued_at_ms = 450,
                                     .started_at_ms = 500,
                                     .finished_at_ms = 600,
                                     .rows = { 9, 8, 1, 2, 3, 4 } };
    f.report_bytes = 12;
    EXPECT(!queue(tx, &f, SYNC_UPLOADED, a)); /* no bytes have come */
    EXPECT(store(tx, 11, 0, a));
    EXPECT(queue(tx, &f, SYNC_UPLOADED, a));
    EXPECT(!queue(tx, &f, SYNC_UPLOADED, a));
    TRY(meta_sync_file_get(tx, 1, a, &now));
    EXPECT(now.state == SYNC_QUEUED && now.due_at_ms == 0 && now.modified_at_ms == 450);
    EXPECT(now.import.number == 1 && now.import.job_id == 3 && now.import.form == SYNC_JSON && now.import.may_delete);
    EXPECT(now.import.queued_at_ms == 450 && !now.import.started_at_ms && !now.import.data_source.n);
    EXPECT(slice_eq(now.action, S("run 2")) && slice_eq(now.remark, S("again")));
    EXPECT(!step(tx, &f, SYNC_PROCESSING, SYNC_IMPORTED, a));
    EXPECT(step(tx, &f, SYNC_QUEUED, SYNC_PROCESSING, a));
    TRY(meta_sync_report_put(tx, 1, &(struct sync_report){ S("e"), S("n") }, a));
    TRY(meta_sync_report_put(tx, 1, &(struct sync_report){ S("errors"), S("notes") }, a));
    f.import.number = 2;
    EXPECT(!step(tx, &f, SYNC_PROCESSING, SYNC_FAILED, a)); /* of another import */
    f.import.number = 1;
    EXPECT(step(tx, &f, SYNC_PROCESSING, SYNC_FAILED, a));
    TRY(meta_sync_file_get(tx, 1, a, &now));
    EXPECT(now.state == SYNC_FAILED && now.report_bytes == 12 && now.import.finished_at_ms == 600);
    EXPECT(now.import.rows.total == 9 && now.import.rows.done == 8 && now.import.rows.inserted == 1);
    EXPECT(now.import.rows.updated == 2 && now.import.rows.deleted == 3 && now.import.rows.failed == 4);
    EXPECT(slice_eq(now.import.data_source, S("cc-family")) && slice_eq(now.import.reference, S("REF")));
    TRY(meta_sync_report_get(tx, 1, a, &report));
    EXPECT(slice_eq(report.errors, S("errors")) && slice_eq(report.notes, S("notes")));
    EXPECT(!queue(tx, &f, SYNC_FAILED, a)); /* number 1 was */
    f.import.number = 2;
    EXPECT(queue(tx, &f, SYNC_FAILED, a));
    TRY(meta_sync_file_get(tx, 1, a, &now));
    EXPECT(now.import.rows.total == 0 && !now.report_bytes && !now.import.finished_at_ms && !now.import.reference.n);
    TRY(meta_sync_report_get(tx, 1, a, &report));
    EXPECT(!report.errors.n && !report.notes.n);
    return NULL;
}

FOR_EACH_DATABASE(an_import_changes_only_its_own_sync_file_and_the_next_one_begins_empty)
{
    struct meta_world w;
    world_with_workspaces(&w, kind);
    RUN_WRITE(&w, add_three);
    RUN_WRITE(&w, import_twice);
    meta_world_release(&w);
}

static size_t count_left(struct meta_tx *tx, struct arena *a)
{
    struct sync_file_list left;
    EXPECT_OK(meta_sync_file_left(tx, &(struct id_page){ 0, 10 }, a, &left));
    return left.count;
}

IN_WRITE(leave_imports)
{
    struct meta_world *w = arg;
    struct job job = { .kind = S("import"), .subject = S("sync:one"), .account_id = w->account };
    struct job_wanted wanted = { S("import"), S("w"), 1, 10 };
    struct sync_file f = { .id = 1, .action = S(""), .remark = S(""), .import = { .number = 1 } };
    TRY(meta_job_add(tx, &job, a, &f.import.job_id));
    EXPECT(store(tx, 11, 0, a));
    EXPECT(queue(tx, &f, SYNC_UPLOADED, a));
    EXPECT_EQ(count_left(tx, a), 0);
    TRY(meta_job_claim(tx, &wanted, f.import.job_id, a, &job));
    EXPECT_EQ(count_left(tx, a), 0);
    job.state = JOB_CANCELLED;
    TRY(meta_job_finish(tx, &(struct job_claim){ job.id, S("w"), 1 }, &job, JOB_FINISH_ALWAYS, a));
    EXPECT_EQ(count_left(tx, a), 1);
    EXPECT(step(tx, &f, SYNC_QUEUED, SYNC_FAILED, a));
    EXPECT_EQ(count_left(tx, a), 0);
    return NULL;
}

FOR_EACH_DATABASE(imports_whose_job_has_ended_are_found)
{
    struct meta_world w;
    world_with_workspaces(&w, kind);
    RUN_WRITE(&w, add_three);
    RUN_WRITE(&w, leave_imports);
    meta_world_release(&w);
}

IN_WRITE(add_record_sets)
{
    struct meta_world *w = arg;
    struct record_set set = { .account_id = w->account, .section_id = 1, .data_source = S("cc-a"), .created_at_ms = 3 },
                      got;
    struct record_set_list list;
    int64_t id, more;
    TRY(meta_record_set_add(tx, &set, a, &id));
    EXPECT_ERR(meta_record_set_add(tx, &set, a, &more), ERR_CONFLICT);
    set.section_id = 2;
    TRY(meta_record_set_add(tx, &set, a, &id));
    EXPECT_ERR(meta_record_set_find(tx, 1, S("cc-b"), a, &got), ERR_NOT_FOUND);
    TRY(meta_record_set_find(tx, 2, S("cc-a"), a, &got));
    EXPECT(got.id == id && got.account_id == w->account && got.bytes == 0 && got.created_at_ms == 3);
    TRY(meta_record_set_measure(tx, id, 70, a, &more));
    EXPECT_EQ(more, 70);
    TRY(meta_record_set_measure(tx, id, 50, a, &more));
    EXPECT_EQ(more, -20);
    EXPECT_ERR(meta_record_set_measure(tx, 99, 50, a, &more), ERR_NOT_FOUND);
    TRY(meta_record_set_get(tx, id, a, &got));
    EXPECT_EQ(got.bytes, 50);
    TRY(meta_record_set_list(tx, &(struct id_page){ 0, 10 }, a, &list));
    EXPECT(list.count == 2 && list.items[1].id == id);
    return NULL;
}

FOR_EACH_DATABASE(a_section_has_one_set_of_records_for_each_data_source)
{
    struct meta_world w;
    world_with_workspaces(&w, kind);
    RUN_WRITE(&w, add_record_sets);
    meta_world_release(&w);
}

/* ---- query plans ---- */

static bool may_scan(slice sql)
{
    return slice_find(sql, S("WHERE f.id > $1 ORDER BY f.id")) != SLICE_NONE || /* of all sync files, for fsck */
           slice_find(sql, S("FROM record_sets WHERE id > $1 ORDER BY id")) != SLICE_NONE; /* the same */
}

TEST(no_query_of_sync_files_reads_a_whole_table)
{
    struct meta_world w;
    struct sync_file f;
    struct sync_file_list list;
    spied_world_init(&w);
    RUN_WRITE(&w, add_workspaces);
    read_workspaces(&w);
    read_entities(&w);
    RUN_WRITE(&w, add_three);
    struct meta_tx *tx = snapshot(&w);
    EXPECT_OK(meta_sync_file_by_handle(tx, S("one"), w.a, &f));
    EXPECT_OK(meta_sync_file_due(tx, DUE, 10, w.a, &list));
    meta_read_end(tx);
    RUN_WRITE(&w, leave_imports);
    RUN_WRITE(&w, add_record_sets);
    EXPECT(spy.n > 25);
    spied_check_plans(&w, may_scan);
    meta_world_release(&w);
}

RUN_TESTS(cmocka_unit_test(workspaces_sections_and_entities_are_found_by_their_names),
          cmocka_unit_test(a_sync_file_is_read_as_it_was_written),
          cmocka_unit_test(a_state_changes_only_from_the_one_that_the_caller_names),
          cmocka_unit_test(a_sync_file_ends_at_its_time_and_is_forgotten_later),
          cmocka_unit_test(an_import_changes_only_its_own_sync_file_and_the_next_one_begins_empty),
          cmocka_unit_test(imports_whose_job_has_ended_are_found),
          cmocka_unit_test(a_section_has_one_set_of_records_for_each_data_source),
          cmocka_unit_test(no_query_of_sync_files_reads_a_whole_table))
