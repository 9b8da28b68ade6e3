/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of more rows than one write removes. From the commit of the removal on, every call does as if the task had never been,
 * although most of its rows are still there; whatever interrupts the job, all of them go in the end. */
#include "records_fixture.h"
#include "rounds.h"
#include "test.h"
#include "ticket_fixture.h"

#include "core/file/hold.h"
#include "core/file/purge.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/comment_store.h"
#include "core/store/document_store.h"
#include "core/store/file_store.h"
#include "core/store/hold_store.h"
#include "core/store/job_store.h"
#include "core/store/reference_store.h"
#include "core/store/task_store.h"
#include "core/task/task_summary.h"

#include <string.h>

enum { LINKS = 700, COMMENTS = 600, PURGE_MS = 3600000 };
/* Fewer calls, of which each can fail: the job also removes it in two writes. */
enum { LINKS_WHEN_CALLS_FAIL = 1100, COMMENTS_WHEN_CALLS_FAIL = 10 };

/* A task of many links and comments. What is attached to it later is removed last. */
struct big_task {
    struct world *w;
    int links, comments;
    struct ticket_fixture tickets;
    struct principal ana, bia; /* its author, and somebody who sees it because it is shared */
    int64_t task, last_comment;
    struct file file, shared; /* a comment holds both; another task also holds the second */
    int64_t other_task, reference, shared_reference;
    int64_t document, comment_document; /* by ticket, of the task and of a comment */
    int64_t records;                    /* of the account, without the task */
};

static err_t add_rows(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct big_task *b = arg;
    struct account_use more = { 0 };
    for (int i = 0; i < b->links; i++) {
        struct reference link = { .account_id = b->ana.account_id,
                                  .task_id = b->task,
                                  .url = S("https://example.org/"),
                                  .name = S("x"),
                                  .created_at_ms = 1 };
        TRY(meta_reference_add(tx, &link, a));
        more.records += reference_record_size(&link);
    }
    for (int i = 0; i < b->comments; i++) {
        struct comment comment = {
            .task_id = b->task, .author_id = b->ana.user_id, .text = S("said"), .created_at_ms = 1
        };
        TRY(meta_comment_add(tx, &comment, a, &b->last_comment));
        more.records += comment_record_size(&comment);
    }
    return meta_account_use(tx, b->ana.account_id, &more, a);
}

static struct attachment attachment_of(const struct file *f)
{
    struct attachment a = { .kind = ATTACH_UPLOAD };
    memcpy(a.uuid, f->uuid, sizeof a.uuid);
    return a;
}

static int64_t reference_of(struct world *w, int64_t task, int64_t file_id)
{
    struct reference_list references;
    struct meta_tx *tx = world_tx(w);
    int64_t id = 0;
    EXPECT_OK(meta_reference_list_file(tx, file_id, w->a, &references));
    for (size_t i = 0; i < references.count; i++)
        if (references.items[i].task_id == task)
            id = references.items[i].id;
    meta_read_end(tx);
    EXPECT(id > 0);
    return id;
}

static struct big_task big_task_of(struct world *w, int links, int comments)
{
    struct big_task b = { .w = w,
                          .links = links,
                          .comments = comments,
                          .tickets = ticket_fixture_new(w),
                          .ana = world_user(w, S("ana")),
                          .bia = world_user(w, S("bia")) };
    b.other_task = ticket_fixture_task(&b.tickets, &b.bia);
    b.file = world_store(w, &b.ana, S("f"), S("x"), hours(1));
    b.shared = world_store(w, &b.ana, S("shared"), S("y"), hours(1));
    world_attach(w, b.other_task, &b.shared);
    b.records = world_account(w).record_bytes;
    b.task = ticket_fixture_task(&b.tickets, &b.ana);
    world_write(w, add_rows, &b);
    struct attachment files[] = { attachment_of(&b.file), attachment_of(&b.shared) };
    struct task_comment says = {
        .task_id = b.task, .text = S("last"), .attachments = files, .attachment_count = LENGTH_OF(files)
    };
    EXPECT_OK(task_comment_add(&w->core, &b.ana, &says, w->a, &b.last_comment));
    b.reference = reference_of(w, b.task, b.file.id);
    b.shared_reference = reference_of(w, b.task, b.shared.id);
    b.document = ticket_fixture_document(&b.tickets, &b.ana, b.task, S("d"), S("bytes"));
    struct ticket_fixture_issued issued;
    struct ticket_request request = ticket_fixture_request(&b.tickets, 0, S("c"), 1);
    request.holder = (struct holder){ HOLDER_COMMENT, b.last_comment };
    EXPECT_OK(ticket_fixture_try(&b.tickets, &b.ana, &request, &issued));
    b.comment_document = issued.document.file.id;
    EXPECT_OK(ticket_fixture_put(&b.tickets, b.comment_document, S("z")));
    EXPECT_OK(ticket_fixture_confirm(&b.tickets, &b.ana, b.comment_document));
    return b;
}

static struct big_task big_task_new(struct world *w)
{
    return big_task_of(w, LINKS, COMMENTS);
}

static err_t remove_task(struct big_task *b)
{
    return task_remove(&b->w->core, &b->ana, b->task, PURGE_MS, b->w->a);
}

/* How many rows the task still has, whether or not it was removed. */
static int64_t rows_left(struct big_task *b)
{
    struct meta_tx *tx = world_tx(b->w);
    int64_t references, comments;
    EXPECT_OK(meta_reference_count(tx, b->task, b->w->a, &references));
    EXPECT_OK(meta_comment_count(tx, b->task, b->w->a, &comments));
    meta_read_end(tx);
    return references + comments;
}

static bool is_marked(struct big_task *b)
{
    struct removed_task unused;
    struct meta_tx *tx = world_tx(b->w);
    err_t e = meta_removed_task_first(tx, b->w->a, &unused);
    meta_read_end(tx);
    EXPECT(!e || e->code == ERR_NOT_FOUND);
    return !e;
}

static struct file file_record(struct world *w, int64_t id)
{
    struct file f;
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_file_get(tx, id, w->a, &f));
    meta_read_end(tx);
    return f;
}

/* After all of it is gone: files that came by ticket with their records, others at their time. */
static void expect_gone(struct big_task *b)
{
    struct world *w = b->w;
    EXPECT(!is_marked(b));
    EXPECT_EQ(rows_left(b), 0);
    EXPECT(!ticket_fixture_has_file(&b->tickets, b->document));
    EXPECT(!ticket_fixture_has_file(&b->tickets, b->comment_document));
    EXPECT_EQ(world_event_count(w, S("task.remove")), 1);
    EXPECT_EQ(world_event_count(w, S("file.delete")), 2);
    struct file f = file_record(w, b->file.id);
    EXPECT(f.state == FILE_STORED && f.purge_at_ms == WORLD_START_MS + PURGE_MS);
    EXPECT_EQ(file_record(w, b->shared.id).state, FILE_READY);
    EXPECT_EQ(world_account(w).record_bytes, b->records);
    EXPECT_EQ(world_fsck(w, true), 0);
}

/* ---- as if it had never been ---- */

static void expect_reads_find_nothing(struct big_task *b, const struct principal *who)
{
    struct world *w = b->w;
    struct core *core = &w->core;
    struct task task;
    struct task_view view;
    struct task_summary summary;
    struct comment comment;
    struct comment_part part;
    struct comment_page comments;
    struct reference_list newest;
    struct reference reference;
    struct document document;
    struct document_page documents;
    struct content content;
    EXPECT_REFUSED(task_get_visible(core, who, b->task, w->a, &task), REASON_TASK_NOT_VISIBLE);
    EXPECT_REFUSED(task_read(core, who, b->task, w->a, &view), REASON_TASK_NOT_VISIBLE);
    EXPECT_REFUSED(task_summarize(core, who, b->task, w->a, &summary), REASON_TASK_NOT_VISIBLE);
    EXPECT_REFUSED(task_read_comments(core, who, &(struct comment_range){ b->task, 0, INT64_MAX }, w->a, &part),
                   REASON_TASK_NOT_VISIBLE);
    EXPECT_REFUSED(task_read_newest(core, who, b->task, 0, w->a, &newest), REASON_TASK_NOT_VISIBLE);
    EXPECT_REFUSED(
        task_list_comments(core, who, &(struct comment_page_query){ .task_id = b->task, .limit = 9 }, w->a, &comments),
        REASON_TASK_NOT_VISIBLE);
    EXPECT_ERR(task_comment_get(core, who, b->last_comment, w->a, &comment, &task), ERR_NOT_FOUND);
    EXPECT_REFUSED(reference_open(core, who, b->reference, w->a, &reference, &content), REASON_FILE_NOT_VISIBLE);
    EXPECT_REFUSED(
        document_list(core, who, &(struct document_list_request){ .task_id = b->task, .limit = 9 }, w->a, &documents),
        REASON_TASK_NOT_VISIBLE);
    EXPECT_REFUSED(document_get(core, who, b->document, w->a, &document), REASON_FILE_NOT_VISIBLE);
    EXPECT_REFUSED(document_open(core, who, b->document, w->a, &document, &content), REASON_FILE_NOT_VISIBLE);
    EXPECT_REFUSED(document_get(core, who, b->comment_document, w->a, &document), REASON_FILE_NOT_VISIBLE);
}

static void expect_listed(struct big_task *b, const struct task_list_request *request, size_t count)
{
    struct task_page page;
    EXPECT_OK(task_list(&b->w->core, &b->ana, request, b->w->a, &page));
    EXPECT(page.count == count && page.total == (int64_t)count);
    for (size_t i = 0; i < count; i++)
        EXPECT_EQ(page.ids[i], b->other_task);
}

static void expect_lists_leave_it_out(struct big_task *b)
{
    const int64_t ids[] = { b->task, b->other_task };
    expect_listed(b, &(struct task_list_request){ .closed = -1, .limit = 9 }, 1);
    expect_listed(b, &(struct task_list_request){ .closed = 0, .limit = 9, .descending = true }, 1);
    expect_listed(b, &(struct task_list_request){ .closed = -1, .limit = 9, .author_id = b->ana.user_id }, 0);
    expect_listed(b, &(struct task_list_request){ .closed = -1, .limit = 9, .ids = ids, .id_count = 2 }, 1);
    expect_listed(b,
                  &(struct task_list_request){
                      .closed = -1, .limit = 9, .member_id = b->bia.user_id, .member_roles = TASK_SUBSCRIBER },
                  0);
}

static void expect_writes_are_refused(struct big_task *b)
{
    struct world *w = b->w;
    struct core *core = &w->core;
    int64_t id;
    struct task_comment says = { .task_id = b->task, .text = S("late") };
    EXPECT_REFUSED(task_comment_add(core, &b->ana, &says, w->a, &id), REASON_TASK_NOT_VISIBLE);
    says.text = S("");
    EXPECT_REFUSED(task_comment_add(core, &b->ana, &says, w->a, &id), REASON_TASK_NOT_VISIBLE);
    struct task_comment_edit edit = { .task_id = b->task, .comment_id = b->last_comment, .text = S("late") };
    EXPECT_REFUSED(task_comment_edit(core, &b->ana, &edit, w->a), REASON_TASK_NOT_VISIBLE);
    struct task_comment_removal removal = { .comment_id = b->last_comment, .window_ms = hours(9) };
    EXPECT_REFUSED(task_comment_remove(core, &b->ana, &removal, w->a), REASON_TASK_NOT_VISIBLE);
    EXPECT_REFUSED(remove_task(b), REASON_TASK_NOT_VISIBLE);
    struct attachment again = { .kind = ATTACH_REFERENCE, .reference_id = b->reference };
    struct task_comment elsewhere = { .task_id = b->other_task, .attachments = &again, .attachment_count = 1 };
    EXPECT_REFUSED(task_comment_add(core, &b->ana, &elsewhere, w->a, &id), REASON_TASK_BAD_ATTACHMENT);
    struct task_comment documents = { .task_id = b->other_task, .documents = &b->document, .document_count = 1 };
    EXPECT_REFUSED(task_comment_add(core, &b->ana, &documents, w->a, &id), REASON_TASK_BAD_DOCUMENT);
    struct ticket_fixture_issued issued;
    struct ticket_request request = ticket_fixture_request(&b->tickets, b->task, S("n"), 1);
    EXPECT_ERR(ticket_fixture_try(&b->tickets, &b->ana, &request, &issued), ERR_NOT_FOUND);
    request.holder = (struct holder){ HOLDER_COMMENT, b->last_comment };
    EXPECT_ERR(ticket_fixture_try(&b->tickets, &b->ana, &request, &issued), ERR_NOT_FOUND);
}

TEST(a_removed_task_is_found_by_no_call_while_its_rows_are_still_there)
{
    WORLD(w);
    struct big_task b = big_task_new(w);
    EXPECT_EQ(world_fsck(w, true), 0);
    int64_t pending = ticket_fixture_issue(&b.tickets, &b.ana, b.task, S("p"), 1);
    EXPECT_OK(remove_task(&b));
    EXPECT(is_marked(&b) && rows_left(&b) > COMMENTS);
    EXPECT(!ticket_fixture_has_file(&b.tickets, pending));
    EXPECT_EQ(world_fsck(w, true), 0);
    expect_reads_find_nothing(&b, &b.ana);
    expect_reads_find_nothing(&b, &b.bia);
    expect_reads_find_nothing(&b, &w->operator_);
    expect_lists_leave_it_out(&b);
    expect_writes_are_refused(&b);
    struct document document;
    EXPECT_OK(document_get(&w->core, &b.bia, b.shared.id, w->a, &document)); /* of the other task */
    EXPECT_EQ(document.task_id, b.other_task);
    EXPECT_EQ(rows_left(&b), LINKS + COMMENTS + 1 + 4 - 500);
}

static err_t hold_by_a_folder(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct big_task *b = arg;
    return hold_add(tx, b->document, (struct holder){ HOLDER_FOLDER, 1 }, core_now_ms(&b->w->core), a);
}

TEST(a_file_that_something_else_holds_stays_when_its_task_is_removed)
{
    WORLD(w);
    struct big_task b = big_task_new(w);
    struct document document;
    world_write(w, hold_by_a_folder, &b);
    EXPECT_OK(remove_task(&b));
    EXPECT_OK(document_get(&w->core, &b.bia, b.document, w->a, &document));
    EXPECT(!document.task_id && !document.task_text.n);
    world_run_jobs(w);
    EXPECT(!is_marked(&b));
    EXPECT_OK(document_get(&w->core, &b.bia, b.document, w->a, &document));
}

TEST(a_removed_task_gives_all_its_room_back_at_once)
{
    WORLD(w);
    struct big_task b = big_task_new(w);
    EXPECT_OK(remove_task(&b));
    struct file first = file_record(w, b.document), second = file_record(w, b.comment_document);
    EXPECT(first.id && second.id); /* files are records of their own, until the job comes to them */
    int64_t files = world_account(w).record_bytes - b.records;
    EXPECT(files > 0 && files < 4 * RECORD_BYTES + 1000);
    world_run_jobs(w);
    expect_gone(&b);
}

TEST(the_job_of_removed_tasks_is_due_at_once)
{
    WORLD(w);
    struct big_task b = big_task_new(w);
    world_run_jobs(w); /* it waits for its next period */
    uint64_t seen = job_changes(&w->core);
    EXPECT_OK(remove_task(&b));
    EXPECT(job_changes(&w->core) > seen);
    world_run_jobs(w);
    expect_gone(&b);
    world_wait(w, PURGE_MS);
    world_run_jobs(w);
    EXPECT_EQ(world_file_count(w), 1); /* that of the other task */
}

TEST(a_small_task_is_removed_in_the_write_of_the_request)
{
    WORLD(w);
    struct ticket_fixture p = ticket_fixture_new(w);
    struct principal ana = world_user(w, S("ana"));
    struct big_task b = { .w = w, .ana = ana, .task = ticket_fixture_task(&p, &ana) };
    int64_t document = ticket_fixture_document(&p, &ana, b.task, S("d"), S("x"));
    uint64_t seen = job_changes(&w->core);
    EXPECT_OK(remove_task(&b));
    EXPECT(!is_marked(&b) && !ticket_fixture_has_file(&p, document));
    EXPECT_EQ(job_changes(&w->core), seen);
    EXPECT_EQ(world_fsck(w, true), 0);
}

/* ---- files ---- */

TEST(a_file_of_a_removed_task_is_not_purged_while_another_task_shows_it)
{
    WORLD(w);
    struct big_task b = big_task_new(w);
    EXPECT_OK(remove_task(&b));
    world_wait(w, 10 * PURGE_MS);
    EXPECT_OK(file_purge_due(&w->core, NULL, w->a)); /* before the job has done anything */
    EXPECT(ticket_fixture_has_file(&b.tickets, b.file.id) && ticket_fixture_has_file(&b.tickets, b.shared.id));
    EXPECT_OK(task_finish_removed(&w->core, NULL, w->a));
    EXPECT_OK(file_purge_due(&w->core, NULL, w->a));
    EXPECT(!ticket_fixture_has_file(&b.tickets, b.file.id)); /* its time began when the task was removed */
    EXPECT_EQ(file_record(w, b.shared.id).state, FILE_READY);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(a_file_that_a_removed_task_still_refers_to_can_be_attached_elsewhere)
{
    WORLD(w);
    struct big_task b = big_task_new(w);
    EXPECT_OK(remove_task(&b));
    struct attachment file = attachment_of(&b.file);
    struct task_comment says = { .task_id = b.other_task, .attachments = &file, .attachment_count = 1 };
    int64_t id;
    EXPECT_OK(task_comment_add(&w->core, &b.ana, &says, w->a, &id));
    world_run_jobs(w);
    world_wait(w, 10 * PURGE_MS);
    world_run_jobs(w);
    EXPECT_EQ(file_record(w, b.file.id).state, FILE_READY);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(deleting_a_file_gives_nothing_back_for_references_of_a_removed_task)
{
    WORLD(w);
    struct big_task b = big_task_new(w);
    EXPECT_OK(remove_task(&b));
    EXPECT_OK(document_delete(&w->core, &b.ana, b.file.id, hours(1), w->a));
    EXPECT_EQ(world_event_count(w, S("task.detach")), 0);
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT_OK(document_delete(&w->core, &b.ana, b.shared.id, hours(1), w->a));
    EXPECT_EQ(world_event_count(w, S("task.detach")), 1); /* from the other task */
    EXPECT_EQ(world_fsck(w, true), 0);
    world_run_jobs(w);
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT(!is_marked(&b) && world_file_count(w) == 0);
}

/* ---- interruptions ---- */

/* The next attempt goes on where the one before was, whatever call failed, and whether or not it was carried out. */
static bool fail_nth(int64_t nth, bool answer_lost)
{
    WORLD(w);
    struct big_task b = big_task_of(w, LINKS_WHEN_CALLS_FAIL, COMMENTS_WHEN_CALLS_FAIL);
    EXPECT_OK(remove_task(&b));
    w->faults =
        (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = answer_lost };
    err_t e = task_finish_removed(&w->core, NULL, w->a);
    bool reached = w->faults.calls >= nth;
    w->faults.fail_at = 0;
    EXPECT(reached || !e);
    EXPECT(!e || err_is(e, ERR_UNAVAILABLE));
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT(!e || answer_lost || is_marked(&b) || rows_left(&b) == 0);
    struct task unused;
    EXPECT_REFUSED(task_get_visible(&w->core, &b.ana, b.task, w->a, &unused), REASON_TASK_NOT_VISIBLE);
    EXPECT_OK(task_finish_removed(&w->core, NULL, w->a));
    expect_gone(&b);
    return reached;
}

TEST(what_is_left_of_a_removed_task_is_removed_after_any_fault)
{
    for (int lost = 0; lost < 2; lost++) {
        int64_t nth = fault_first();
        while (fail_nth(nth, lost))
            nth += fault_step();
        EXPECT(nth > 20);
    }
}

/* The removal itself: all of it or nothing, and a repetition finds nothing. */
static bool fail_nth_of_request(int64_t nth)
{
    WORLD(w);
    struct big_task b = big_task_of(w, LINKS_WHEN_CALLS_FAIL, COMMENTS_WHEN_CALLS_FAIL);
    w->faults = (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE };
    err_t e = remove_task(&b);
    bool reached = w->faults.calls >= nth;
    w->faults.fail_at = 0;
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT_EQ(is_marked(&b), !e);
    if (e)
        EXPECT_OK(remove_task(&b));
    EXPECT_REFUSED(remove_task(&b), REASON_TASK_NOT_VISIBLE);
    world_run_jobs(w);
    expect_gone(&b);
    return reached;
}

TEST(the_removal_of_a_large_task_is_complete_or_absent_after_any_fault)
{
    for (int64_t nth = fault_first(); fail_nth_of_request(nth); nth += fault_step()) {
    }
}

TEST(the_job_of_removed_tasks_stops_between_two_writes)
{
    WORLD(w);
    struct big_task b = big_task_new(w);
    EXPECT_OK(remove_task(&b));
    int64_t before = rows_left(&b);
    bool is_ending = true;
    struct job_run run = { .core = &w->core, .is_ending = &is_ending };
    EXPECT_OK(task_finish_removed(&w->core, &run, w->a));
    EXPECT(is_marked(&b) && rows_left(&b) < before && run.notes.progress == before - rows_left(&b));
    EXPECT_EQ(world_fsck(w, true), 0);
    EXPECT_OK(task_finish_removed(&w->core, NULL, w->a));
    expect_gone(&b);
}

/* ---- fsck ---- */

TEST(fsck_finds_removed_tasks_that_no_job_removes)
{
    WORLD(w);
    struct big_task b = big_task_new(w);
    struct fsck_report report;
    EXPECT_OK(remove_task(&b));
    EXPECT_EQ(world_fsck(w, true), 0);
    corrupt_records(w, "DELETE FROM jobs WHERE kind = 'tasks'");
    EXPECT_EQ(world_fsck(w, false), 1);
    EXPECT_OK(fsck_run(&w->core, &(struct fsck_options){ .repair = true }, w->a, &report));
    EXPECT_EQ(report.repaired, 1);
    EXPECT_SLICE(report.list[0].subject, arena_printf(w->a, "task:%lld", (long long)b.task));
    EXPECT_EQ(world_fsck(w, true), 0);
    world_run_jobs(w);
    expect_gone(&b);
}

RUN_TESTS(cmocka_unit_test(a_removed_task_is_found_by_no_call_while_its_rows_are_still_there),
          cmocka_unit_test(a_file_that_something_else_holds_stays_when_its_task_is_removed),
          cmocka_unit_test(a_removed_task_gives_all_its_room_back_at_once),
          cmocka_unit_test(the_job_of_removed_tasks_is_due_at_once),
          cmocka_unit_test(a_small_task_is_removed_in_the_write_of_the_request),
          cmocka_unit_test(a_file_of_a_removed_task_is_not_purged_while_another_task_shows_it),
          cmocka_unit_test(a_file_that_a_removed_task_still_refers_to_can_be_attached_elsewhere),
          cmocka_unit_test(deleting_a_file_gives_nothing_back_for_references_of_a_removed_task),
          cmocka_unit_test(what_is_left_of_a_removed_task_is_removed_after_any_fault),
          cmocka_unit_test(the_removal_of_a_large_task_is_complete_or_absent_after_any_fault),
          cmocka_unit_test(the_job_of_removed_tasks_stops_between_two_writes),
          cmocka_unit_test(fsck_finds_removed_tasks_that_no_job_removes))
