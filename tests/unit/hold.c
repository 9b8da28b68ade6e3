/* SPDX-License-Identifier: Apache-2.0 */
/* What holds on to files: kinds of holders, holders that end, races, failing store calls, and holds compared with
 * references over random schedules. */
#include "rounds.h"
#include "test.h"
#include "ticket_fixture.h"

#include "core/file/hold.h"
#include "core/file/purge.h"
#include "core/records/comment.h"
#include "core/records/reference.h"
#include "core/store/account_store.h"
#include "core/store/file_store.h"
#include "core/store/hold_store.h"
#include "core/store/reference_store.h"
#include "core/store/ticket_store.h"
#include "core/task/task_holder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { LATE_MS = 3600000 /* purge_after_ms of removals */ };

static struct file file_of(struct world *w, int64_t id)
{
    struct file f;
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_file_get(tx, id, w->a, &f));
    meta_read_end(tx);
    return f;
}

static bool is_held(struct world *w, int64_t id)
{
    bool held;
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(file_is_held(tx, id, w->a, &held));
    meta_read_end(tx);
    return held;
}

static struct attachment attachment_of(const struct file *f)
{
    struct attachment a = { .kind = ATTACH_UPLOAD };
    memcpy(a.uuid, f->uuid, sizeof a.uuid);
    return a;
}

/* Files of that user, and a task that holds all of them itself. */
static int64_t task_with_files(struct world *w, const struct principal *who, struct file *ret_files, size_t count)
{
    struct task_request request = { .text = S("t"), .is_silent = true, .is_shared = true };
    int64_t id;
    EXPECT_OK(task_create(&w->core, who, &request, w->a, &id));
    for (size_t i = 0; i < count; i++) {
        ret_files[i] = world_store(w, who, S("f"), S("x"), hours(1));
        world_attach(w, id, &ret_files[i]);
    }
    return id;
}

static int64_t count_ended(struct world *w)
{
    struct ended_holder unused;
    struct meta_tx *tx = world_tx(w);
    err_t e = meta_ended_holder_first(tx, w->a, &unused);
    meta_read_end(tx);
    EXPECT(!e || e->code == ERR_NOT_FOUND);
    return !e;
}

/* ---- a kind that only this test has: tickets and files know nothing of it ---- */

enum { SHELF = 1000 };
static struct {
    int64_t admitted, attached;
    bool is_gone, is_full;
} shelf;

static err_t admit_to_shelf(struct meta_tx *tx, const struct principal *who, int64_t id, struct arena *a,
                            slice *ret_text)
{
    (void)tx;
    EXPECT(who->user_id > 0 && id == 7);
    shelf.admitted++;
    *ret_text = S("the shelf");
    return shelf.is_gone ? err_make(a, ERR_NOT_FOUND, "no such shelf") : NULL;
}

static err_t find_named_on_shelf(struct meta_tx *tx, int64_t id, slice name, struct arena *a, int64_t *ret_file_id)
{
    (void)tx;
    *ret_file_id = 99;
    return id == 7 && slice_eq(name, S("taken")) ? NULL : err_make(a, ERR_NOT_FOUND, "no such file");
}

static err_t attach_to_shelf(struct core *core, struct meta_tx *tx, int64_t id, const struct file *f, int64_t now_ms,
                             struct arena *a)
{
    (void)core;
    if (shelf.is_full)
        return err_make(a, ERR_TOO_LARGE, "the shelf is full");
    shelf.attached++;
    return hold_add(tx, f->id, (struct holder){ SHELF, id }, now_ms, a);
}

/* A shelf refers to whatever it holds. */
static err_t shelf_refers(struct meta_tx *tx, int64_t id, int64_t file_id, struct arena *a, bool *ret_refers)
{
    return meta_hold_has(tx, &(struct hold){ file_id, { SHELF, id } }, a, ret_refers);
}

static err_t list_shelf_files(struct meta_tx *tx, int64_t *after, size_t limit, struct arena *a, struct hold_list *ret)
{
    (void)tx, (void)after, (void)limit, (void)a;
    *ret = (struct hold_list){ 0 };
    return NULL;
}

static const struct holder_rules shelf_holder = { .kind = SHELF,
                                                  .name = "shelf",
                                                  .admit = admit_to_shelf,
                                                  .find_named = find_named_on_shelf,
                                                  .attach = attach_to_shelf,
                                                  .refers = shelf_refers,
                                                  .list_files = list_shelf_files };

#define SHELF_WORLD(w, p, ana)                                                                                         \
    WORLD(w);                                                                                                          \
    struct ticket_fixture p = ticket_fixture_new(w);                                                                   \
    struct principal ana = world_user(w, S("ana"));                                                                    \
    w->core.holders = (const struct holder_rules *const[]){ &task_holder, &shelf_holder, &comment_holder, NULL };      \
    memset(&shelf, 0, sizeof shelf)

static err_t apply_shelf_end(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct hold_ending *ending = arg;
    hold_ending_begin(ending);
    return holder_end(tx, &shelf_holder, 7, ending, a);
}

/* Holders that this user removes now. */
static struct hold_ending ending_by(struct world *w, const struct principal *who)
{
    int64_t now_ms = core_now_ms(&w->core);
    return (struct hold_ending){ .who = who, .now_ms = now_ms, .purge_at_ms = now_ms + LATE_MS };
}

static void end_shelf(struct world *w, const struct principal *who)
{
    struct hold_ending ending = ending_by(w, who);
    world_write(w, apply_shelf_end, &ending);
    EXPECT(!ending.more);
}

TEST(ticket_gives_its_file_to_a_holder_of_any_kind)
{
    SHELF_WORLD(w, p, ana);
    struct ticket_fixture_issued issued;
    struct ticket_request request = ticket_fixture_request(&p, 0, S("a"), 5);
    request.holder = (struct holder){ SHELF, 7 };
    EXPECT_OK(ticket_fixture_try(&p, &ana, &request, &issued));
    EXPECT_SLICE(issued.document.task_text, S("the shelf"));
    int64_t id = issued.document.file.id;
    EXPECT_OK(ticket_fixture_put(&p, id, S("hello")));
    EXPECT(!is_held(w, id));
    EXPECT_OK(ticket_confirm(&w->core, &ana, id, w->a));
    EXPECT_OK(ticket_confirm(&w->core, &ana, id, w->a));
    EXPECT(shelf.admitted == 2 && shelf.attached == 1);
    EXPECT(is_held(w, id) && file_of(w, id).state == FILE_READY && !file_of(w, id).is_kept);
    world_wait(w, hours(100));
    world_run_jobs(w);
    end_shelf(w, &ana); /* its kind does not remove files that came by ticket */
    EXPECT(!is_held(w, id) && file_of(w, id).state == FILE_STORED);
    EXPECT_EQ(file_of(w, id).purge_at_ms, core_now_ms(&w->core) + LATE_MS);
    world_wait(w, LATE_MS);
    world_run_jobs(w);
    EXPECT_EQ(world_file_count(w), 0);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(ticket_is_refused_where_its_holder_refuses)
{
    SHELF_WORLD(w, p, ana);
    struct ticket_fixture_issued issued;
    struct ticket_request request = ticket_fixture_request(&p, 0, S("taken"), 5);
    request.holder = (struct holder){ SHELF, 7 };
    request.refuse_duplicate = true;
    EXPECT_ERR(ticket_fixture_try(&p, &ana, &request, &issued), ERR_CONFLICT);
    EXPECT_EQ(issued.duplicate_id, 99);
    request.name = S("free");
    EXPECT_OK(ticket_fixture_try(&p, &ana, &request, &issued));
    int64_t id = issued.document.file.id;
    EXPECT_OK(ticket_fixture_put(&p, id, S("hello")));
    shelf.is_full = true;
    EXPECT_EQ(err_reason(ticket_confirm(&w->core, &ana, id, w->a)), REASON_TICKET_TOO_MANY);
    EXPECT_EQ(file_of(w, id).state, FILE_STORED);
    shelf.is_gone = true;
    EXPECT_EQ(err_reason(ticket_confirm(&w->core, &ana, id, w->a)), REASON_TICKET_NOT_THERE);
    EXPECT_ERR(ticket_fixture_try(&p, &ana, &request, &issued), ERR_NOT_FOUND);
    shelf.is_gone = shelf.is_full = false;
    EXPECT_OK(ticket_confirm(&w->core, &ana, id, w->a)); /* the ticket stayed as it was */
}

static err_t apply_shelf_hold(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct file *f = arg;
    return hold_add(tx, f->id, (struct holder){ SHELF, 7 }, WORLD_START_MS, a);
}

TEST(file_is_held_until_the_last_holder_of_any_kind_releases_it)
{
    SHELF_WORLD(w, p, ana);
    struct file files[2];
    int64_t task = task_with_files(w, &ana, files, 2),
            document = ticket_fixture_document(&p, &ana, task, S("d"), S("x"));
    struct file by_ticket = file_of(w, document);
    world_write(w, apply_shelf_hold, &files[0]);
    world_write(w, apply_shelf_hold, &files[0]); /* a holder holds a file once */
    world_write(w, apply_shelf_hold, &by_ticket);
    EXPECT_OK(task_remove(&w->core, &ana, task, LATE_MS, w->a));
    EXPECT(is_held(w, files[0].id) && file_of(w, files[0].id).state == FILE_READY);
    EXPECT(!is_held(w, files[1].id) && file_of(w, files[1].id).state == FILE_STORED);
    EXPECT(is_held(w, document)); /* a task removes files that came by ticket only when nothing else holds them */
    EXPECT_ERR(file_delete(&w->core, &ana, files[0].uuid, w->a), ERR_CONFLICT);
    EXPECT_ERR(document_delete(&w->core, &ana, document, LATE_MS, w->a), ERR_CONFLICT);
    end_shelf(w, &ana);
    EXPECT(!is_held(w, files[0].id) && file_of(w, files[0].id).state == FILE_STORED);
    EXPECT(!is_held(w, document) && file_of(w, document).state == FILE_STORED);
    EXPECT_OK(file_delete(&w->core, &ana, files[0].uuid, w->a));
    EXPECT_EQ(world_fsck(w, true), 0);
}

/* ---- a holder that ends ---- */

TEST(holder_with_very_many_files_releases_all_of_them)
{
    WORLD(w);
    struct ticket_fixture p = ticket_fixture_new(w);
    struct principal ana = world_user(w, S("ana"));
    enum { FILES = 2 * HOLDS_IN_ONE_WRITE + 10, BY_TICKET = 5 };
    struct file files[FILES];
    int64_t task = task_with_files(w, &ana, files, FILES), by_ticket[BY_TICKET];
    for (int i = 0; i < BY_TICKET; i++)
        by_ticket[i] = ticket_fixture_document(&p, &ana, task, S("d"), S("x"));
    EXPECT_OK(task_remove(&w->core, &ana, task, LATE_MS, w->a));
    EXPECT_EQ(count_ended(w), 0);
    for (int i = 0; i < FILES; i++) {
        struct file f = file_of(w, files[i].id);
        EXPECT(f.state == FILE_STORED && f.purge_at_ms == WORLD_START_MS + LATE_MS && !is_held(w, f.id));
    }
    for (int i = 0; i < BY_TICKET; i++)
        EXPECT(!ticket_fixture_has_file(&p, by_ticket[i]));
    EXPECT_EQ(world_event_count(w, S("file.delete")), BY_TICKET);
    EXPECT_EQ(world_fsck(w, true), 0);
    world_wait(w, LATE_MS);
    world_run_jobs(w);
    EXPECT_EQ(world_file_count(w), 0);
    EXPECT_EQ(world_fsck(w, true), 0);
}

static err_t apply_task_end(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct hold_ending *ending = arg;
    hold_ending_begin(ending);
    struct reference_list references;
    TRY(meta_reference_list(tx, 1, a, &references));
    for (size_t i = 0; i < references.count; i++)
        TRY(meta_reference_remove(tx, references.items[i].id, a));
    int64_t wrong;
    TRY(meta_usage_check(tx, true, a, &wrong));
    return holder_end(tx, &task_holder, 1, ending, a);
}

/* The server ends between the write that removes a holder and those that release the rest of its files. */
TEST(purge_releases_what_an_ended_holder_left)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    enum { FILES = HOLDS_IN_ONE_WRITE + 10 };
    struct file files[FILES];
    EXPECT_EQ(task_with_files(w, &ana, files, FILES), 1);
    struct hold_ending ending = ending_by(w, &ana);
    world_write(w, apply_task_end, &ending);
    EXPECT(ending.more && ending.released == HOLDS_IN_ONE_WRITE && count_ended(w));
    for (int i = 0; i < FILES; i++)
        EXPECT_EQ(is_held(w, files[i].id), i >= HOLDS_IN_ONE_WRITE);
    EXPECT_EQ(world_fsck(w, true), 0); /* an ended holder may hold files */
    EXPECT_OK(file_purge_due(&w->core, NULL, w->a));
    EXPECT_EQ(count_ended(w), 0);
    EXPECT_EQ(world_event_count(w, S("file.purge")), 0);
    for (int i = 0; i < FILES; i++)
        EXPECT_EQ(file_of(w, files[i].id).purge_at_ms, WORLD_START_MS + LATE_MS);
    EXPECT_EQ(world_fsck(w, true), 0);
}

static err_t apply_many_end(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct hold_ending *ending = arg;
    hold_ending_begin(ending);
    for (int64_t id = 1; id <= 3; id++)
        TRY(holder_end(tx, &shelf_holder, id, ending, a));
    return NULL;
}

struct shelf_filling {
    const struct file *files;
    int64_t shelf_id;
    size_t from, to;
};

static err_t apply_shelf_fill(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct shelf_filling *s = arg;
    for (size_t i = s->from; i < s->to; i++)
        TRY(hold_add(tx, s->files[i].id, (struct holder){ SHELF, s->shelf_id }, WORLD_START_MS, a));
    return NULL;
}

TEST(holders_that_end_in_one_write_release_a_limited_number_of_files_in_it)
{
    SHELF_WORLD(w, p, ana);
    (void)p;
    enum { FILES = HOLDS_IN_ONE_WRITE + 20 };
    struct file files[FILES];
    for (int i = 0; i < FILES; i++)
        files[i] = world_store(w, &ana, S("f"), S("x"), hours(1));
    world_write(w, apply_shelf_fill, &(struct shelf_filling){ files, 1, 0, 10 });
    world_write(w, apply_shelf_fill, &(struct shelf_filling){ files, 2, 10, FILES });
    world_write(w, apply_shelf_fill, &(struct shelf_filling){ files, 3, 0, 5 }); /* held twice */
    struct hold_ending ending = ending_by(w, &ana);
    world_write(w, apply_many_end, &ending);
    EXPECT(ending.more && ending.released == HOLDS_IN_ONE_WRITE);
    EXPECT(is_held(w, files[0].id) && !is_held(w, files[9].id) && is_held(w, files[FILES - 1].id));
    EXPECT_OK(hold_finish_ended(&w->core, NULL, w->a));
    for (int i = 0; i < FILES; i++)
        EXPECT(!is_held(w, files[i].id) && file_of(w, files[i].id).state == FILE_STORED);
    EXPECT_EQ(count_ended(w), 0);
}

/* ---- damage ---- */

static err_t apply_unknown_ended(struct meta_tx *tx, void *arg, struct arena *a)
{
    (void)arg;
    struct ended_holder ended = { .holder = { 9999, 1 }, .purge_at_ms = WORLD_START_MS };
    return meta_ended_holder_add(tx, &ended, a);
}

/* A newer version of the program knew this kind of holder. */
TEST(an_ended_holder_of_an_unknown_kind_does_not_stop_the_purge)
{
    SHELF_WORLD(w, p, ana);
    (void)p;
    world_store(w, &ana, S("f"), S("x"), hours(1));
    world_write(w, apply_unknown_ended, NULL);
    world_wait(w, hours(1));
    EXPECT_ERR(file_purge_due(&w->core, NULL, w->a), ERR_CORRUPT);
    EXPECT_EQ(world_file_count(w), 0);
}

static err_t apply_lost_hold(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct file *f = arg;
    TRY(meta_file_lock(tx, f->id, a));
    TRY(meta_hold_remove(tx, &(struct hold){ f->id, { HOLDER_TASK, 1 } }, a));
    return meta_file_expire(tx, f->id, WORLD_START_MS + 1, a);
}

/* A reference names the file, and no hold protects it: only a damaged store is like that. */
TEST(purge_keeps_a_file_that_a_reference_names_and_goes_on_with_the_others)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    struct file f;
    EXPECT_EQ(task_with_files(w, &ana, &f, 1), 1);
    world_write(w, apply_lost_hold, &f);
    world_store(w, &ana, S("due"), S("x"), minutes(10));
    world_wait(w, hours(1));
    world_run_jobs(w);
    EXPECT_EQ(world_file_count(w), 1);
    EXPECT(file_of(w, f.id).state == FILE_STORED && file_of(w, f.id).purge_at_ms == WORLD_START_MS + hours(25));
    EXPECT_EQ(world_event_count(w, S("file.purge")), 1);
    world_wait(w, hours(24));
    world_run_jobs(w);
    EXPECT_EQ(world_file_count(w), 1);
    struct fsck_report report;
    EXPECT_OK(fsck_run(&w->core, &(struct fsck_options){ .repair = true }, w->a, &report));
    EXPECT_EQ(report.repaired, 1);
    EXPECT(is_held(w, f.id) && file_of(w, f.id).state == FILE_READY);
    EXPECT_EQ(world_fsck(w, true), 0);
}

/* ---- failing store calls ---- */

struct hold_faults {
    struct world *w;
    struct ticket_fixture p;
    struct principal ana;
    struct file files[HOLDS_IN_ONE_WRITE + 3];
    int64_t task, comment, ticket;
};

static void prepare_comment(struct hold_faults *h)
{
    h->files[0] = world_store(h->w, &h->ana, S("f"), S("x"), hours(1));
    h->task = ticket_fixture_task(&h->p, &h->ana);
}

static err_t attach_comment(struct hold_faults *h)
{
    struct attachment a[2] = { attachment_of(&h->files[0]), attachment_of(&h->files[0]) };
    struct task_comment comment = { .task_id = h->task, .attachments = a, .attachment_count = 2 };
    return task_comment_add(&h->w->core, &h->ana, &comment, h->w->a, &h->comment);
}

static void check_attached(struct hold_faults *h, bool is_done)
{
    EXPECT_EQ(is_held(h->w, h->files[0].id), is_done);
    EXPECT_EQ(file_of(h->w, h->files[0].id).state, is_done ? FILE_READY : FILE_STORED);
}

static void prepare_attached(struct hold_faults *h)
{
    prepare_comment(h);
    EXPECT_OK(attach_comment(h));
}

static err_t detach_comment(struct hold_faults *h)
{
    struct task_comment_removal removal = { .comment_id = h->comment, .window_ms = LATE_MS, .purge_after_ms = LATE_MS };
    return task_comment_remove(&h->w->core, &h->ana, &removal, h->w->a);
}

static void check_detached(struct hold_faults *h, bool is_done)
{
    check_attached(h, !is_done);
}

static void prepare_confirmation(struct hold_faults *h)
{
    h->task = ticket_fixture_task(&h->p, &h->ana);
    h->ticket = ticket_fixture_issue(&h->p, &h->ana, h->task, S("d"), 1);
    EXPECT_OK(ticket_fixture_put(&h->p, h->ticket, S("x")));
}

static err_t confirm_ticket(struct hold_faults *h)
{
    return ticket_confirm(&h->w->core, &h->ana, h->ticket, h->w->a);
}

static void check_confirmed(struct hold_faults *h, bool is_done)
{
    EXPECT_EQ(is_held(h->w, h->ticket), is_done);
    EXPECT_EQ(file_of(h->w, h->ticket).state, is_done ? FILE_READY : FILE_STORED);
}

static void prepare_many(struct hold_faults *h)
{
    h->task = task_with_files(h->w, &h->ana, h->files, LENGTH_OF(h->files));
    h->ticket = ticket_fixture_document(&h->p, &h->ana, h->task, S("d"), S("x"));
}

static err_t remove_many(struct hold_faults *h)
{
    return task_remove(&h->w->core, &h->ana, h->task, LATE_MS, h->w->a);
}

/* Once the task is removed, the purge finishes what the removal left, whatever failed. */
static void check_many(struct hold_faults *h, bool is_done)
{
    EXPECT_OK(file_purge_due(&h->w->core, NULL, h->w->a));
    EXPECT_EQ(count_ended(h->w), 0);
    for (size_t i = 0; i < LENGTH_OF(h->files); i++)
        EXPECT_EQ(is_held(h->w, h->files[i].id), !is_done);
    EXPECT_EQ(ticket_fixture_has_file(&h->p, h->ticket), !is_done);
}

static void prepare_due(struct hold_faults *h)
{
    prepare_attached(h);
    h->files[1] = world_store(h->w, &h->ana, S("due"), S("y"), minutes(1));
    world_wait(h->w, minutes(1));
}

static err_t purge(struct hold_faults *h)
{
    return file_purge_due(&h->w->core, NULL, h->w->a);
}

static void check_purged(struct hold_faults *h, bool is_done)
{
    check_attached(h, true);
    EXPECT_EQ(ticket_fixture_has_file(&h->p, h->files[1].id), !is_done);
}

struct hold_action {
    void (*prepare)(struct hold_faults *);
    err_t (*act)(struct hold_faults *);
    void (*check)(struct hold_faults *, bool is_done);
};

static bool fail_nth(const struct hold_action *action, int64_t nth)
{
    WORLD(w);
    struct hold_faults *h = arena_new(w->a, struct hold_faults);
    *h = (struct hold_faults){ .w = w, .p = ticket_fixture_new(w), .ana = world_user(w, S("ana")) };
    action->prepare(h);
    w->faults = (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE };
    err_t e = action->act(h);
    bool reached = w->faults.calls >= nth;
    w->faults.fail_at = 0;
    EXPECT(reached || !e);
    EXPECT(!e || err_is(e, ERR_UNAVAILABLE));
    EXPECT_EQ(world_fsck(w, false), 0);
    action->check(h, !e);
    if (e) {
        EXPECT_OK(action->act(h)); /* repeat the action */
        action->check(h, true);
    }
    EXPECT_EQ(world_fsck(w, false), 0);
    return !reached;
}

static void fail_each(struct hold_action action)
{
    int64_t nth = fault_first();
    while (!fail_nth(&action, nth))
        nth += fault_step();
    EXPECT(nth > 3);
}

TEST(attaching_and_detaching_are_complete_or_absent_after_any_fault)
{
    fail_each((struct hold_action){ prepare_comment, attach_comment, check_attached });
    fail_each((struct hold_action){ prepare_attached, detach_comment, check_detached });
}
TEST(confirmation_with_a_holder_is_complete_or_absent_after_any_fault)
{
    fail_each((struct hold_action){ prepare_confirmation, confirm_ticket, check_confirmed });
}
TEST(removal_of_a_task_with_very_many_files_is_finished_after_any_fault)
{
    fail_each((struct hold_action){ prepare_many, remove_many, check_many });
}
TEST(purge_is_complete_or_absent_after_any_fault)
{
    fail_each((struct hold_action){ prepare_due, purge, check_purged });
}

/* ---- races ---- */

struct race {
    struct world *w;
    const struct principal *who;
    pthread_barrier_t *start;
    struct file file;
    int64_t task;
    bool won;
};

static void *race_attach(void *arg)
{
    struct race *r = arg;
    SCRATCH(a);
    struct attachment attachment = attachment_of(&r->file);
    struct task_request request = {
        .text = S("t"), .is_silent = true, .attachments = &attachment, .attachment_count = 1
    };
    pthread_barrier_wait(r->start);
    err_t e = task_create(&r->w->core, r->who, &request, &a, &r->task);
    assert_true(!e || err_reason(e) == REASON_TASK_BAD_ATTACHMENT);
    r->won = !e;
    return NULL;
}

static void *race_remove(void *arg)
{
    struct race *r = arg;
    SCRATCH(a);
    pthread_barrier_wait(r->start);
    assert_null(task_remove(&r->w->core, r->who, r->task, LATE_MS, &a));
    return NULL;
}

static void *race_purge(void *arg)
{
    struct race *r = arg;
    SCRATCH(a);
    pthread_barrier_wait(r->start);
    clock_manual_advance(&r->w->clock, 1); /* now it is exactly purge_at_ms */
    assert_null(file_purge_due(&r->w->core, NULL, &a));
    return NULL;
}

static void run_race(struct race *one, void *(*first)(void *), struct race *other, void *(*second)(void *))
{
    pthread_barrier_t start;
    pthread_t threads[2];
    pthread_barrier_init(&start, NULL, 2);
    one->start = other->start = &start;
    pthread_create(&threads[0], NULL, first, one);
    pthread_create(&threads[1], NULL, second, other);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    pthread_barrier_destroy(&start);
}

#define RACE_WORLD(w, ana)                                                                                             \
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });                 \
    struct principal ana = world_user(w, S("ana"))

TEST(of_an_attachment_and_a_purge_exactly_one_succeeds)
{
    RACE_WORLD(w, ana);
    int64_t kept = 0, round = 0;
    const int wanted = rounds(ROUNDS_hold_races);
    /* until each side has won once, or the rounds are used up */
    for (; round < wanted || ((kept == 0 || kept == round) && round < 20 * wanted); round++) {
        struct race attaches = { .w = w, .who = &ana, .file = world_store(w, &ana, S("f"), S("x"), minutes(10)) };
        struct race purges = attaches;
        world_wait(w, minutes(10) - 1);
        run_race(&attaches, race_attach, &purges, race_purge);
        world_run_jobs(w);
        kept += attaches.won;
        EXPECT_EQ(world_file_count(w), kept);
        if (attaches.won)
            EXPECT(is_held(w, attaches.file.id) && file_of(w, attaches.file.id).state == FILE_READY);
    }
    EXPECT_EQ(world_event_count(w, S("file.purge")), round - kept);
    EXPECT_EQ(world_account(w).used_files, kept);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(two_holders_attach_at_once_and_the_last_to_go_makes_the_file_expire)
{
    RACE_WORLD(w, ana);
    for (int i = rounds(ROUNDS_hold_races); i > 0; i--) {
        struct race one = { .w = w, .who = &ana, .file = world_store(w, &ana, S("f"), S("x"), hours(2)) }, other = one;
        run_race(&one, race_attach, &other, race_attach);
        EXPECT(one.won && other.won && one.task != other.task);
        EXPECT(is_held(w, one.file.id) && file_of(w, one.file.id).state == FILE_READY);
        run_race(&one, race_remove, &other, race_remove);
        EXPECT(!is_held(w, one.file.id) && file_of(w, one.file.id).state == FILE_STORED);
    }
    EXPECT_EQ(world_fsck(w, true), 0);
    world_wait(w, hours(3));
    world_run_jobs(w);
    EXPECT_EQ(world_file_count(w), 0);
}

/* ---- random schedules: holds are what references say ---- */

enum { FILES_MAX = 12, TASKS_MAX = 4, COMMENTS_MAX = 6 };
struct schedule {
    struct world *w;
    struct ticket_fixture p;
    struct principal ana;
    int64_t files[FILES_MAX], tasks[TASKS_MAX], comments[COMMENTS_MAX]; /* 0: none */
};

static uint64_t draw(struct schedule *s, uint64_t below)
{
    uint64_t number;
    random_fill(&s->w->random.random, &number, sizeof number);
    return number % below;
}

/* Success, or a refusal that the state of the records explains; never an error of the store. */
static bool done(err_t e)
{
    EXPECT(!e || (e->code != ERR_CORRUPT && e->code != ERR_UNAVAILABLE && e->code != ERR_NO_SPACE));
    return !e;
}

static int compare_holds(const void *left, const void *right)
{
    const struct hold *l = left, *r = right;
    if (l->holder.kind != r->holder.kind)
        return l->holder.kind - r->holder.kind;
    return (l->holder.id > r->holder.id) - (l->holder.id < r->holder.id);
}

/* The holds of a file, as its references imply them. */
static size_t expected_holds(struct world *w, struct meta_tx *tx, int64_t file_id, struct hold *ret, size_t max)
{
    struct reference_list references;
    size_t count = 0;
    EXPECT_OK(meta_reference_list_file(tx, file_id, w->a, &references));
    EXPECT(references.count <= max);
    for (size_t i = 0; i < references.count; i++)
        ret[count++] = (struct hold){ file_id, reference_holder(&references.items[i]) };
    if (count)
        qsort(ret, count, sizeof *ret, compare_holds);
    size_t unique = 0;
    for (size_t i = 0; i < count; i++)
        if (!unique || compare_holds(&ret[unique - 1], &ret[i]) != 0)
            ret[unique++] = ret[i];
    return unique;
}

static void check_holds(struct world *w)
{
    enum { MAX = 500 };
    struct meta_tx *tx = world_tx(w);
    struct hold_list holds;
    struct file_list files;
    struct hold *expected = arena_array(w->a, struct hold, MAX);
    size_t at = 0;
    EXPECT_OK(meta_hold_list(tx, &(struct hold){ 0 }, MAX, w->a, &holds));
    EXPECT(holds.count < MAX);
    EXPECT_OK(meta_file_list(tx, &(struct file_query){ .state = -1, .limit = 1000 }, w->a, &files));
    for (size_t i = files.count; i-- > 0;) { /* by id, ascending, like the holds */
        const struct file *f = &files.items[i];
        size_t count = expected_holds(w, tx, f->id, expected, MAX);
        for (size_t j = 0; j < count; j++, at++) {
            EXPECT(at < holds.count && holds.items[at].file_id == f->id);
            EXPECT_EQ(compare_holds(&holds.items[at], &expected[j]), 0);
        }
        EXPECT_EQ(f->state == FILE_READY, count > 0 || f->is_kept);
        EXPECT_EQ(f->purge_at_ms == 0, f->state == FILE_READY);
    }
    EXPECT_EQ(at, holds.count);
    meta_read_end(tx);
}

static void step_store(struct schedule *s)
{
    static const int64_t lives[] = { 0, 1000, 3600000 }; /* 0: kept */
    s->files[draw(s, FILES_MAX)] = world_store(s->w, &s->ana, S("f"), S("x"), lives[draw(s, 3)]).id;
}

static void step_ticket(struct schedule *s)
{
    int64_t task = s->tasks[draw(s, TASKS_MAX)], *slot = &s->files[draw(s, FILES_MAX)];
    struct ticket_fixture_issued issued;
    struct ticket_request request = ticket_fixture_request(&s->p, task, S("d"), 1);
    if (task && draw(s, 2) && s->comments[0])
        request.holder = (struct holder){ HOLDER_COMMENT, s->comments[draw(s, COMMENTS_MAX)] };
    if (!done(ticket_fixture_try(&s->p, &s->ana, &request, &issued)))
        return;
    *slot = issued.document.file.id;
    if (draw(s, 4))
        EXPECT_OK(ticket_fixture_put(&s->p, *slot, S("x")));
}

static void step_confirm(struct schedule *s)
{
    for (int i = 0; i < FILES_MAX; i++)
        done(ticket_confirm(&s->w->core, &s->ana, s->files[i], s->w->a));
}

/* Attachments of up to three files, some of them twice, some of them documents. */
static size_t draw_attachments(struct schedule *s, struct attachment *ret, int64_t *ret_document)
{
    size_t count = 0;
    struct meta_tx *tx = world_tx(s->w);
    *ret_document = 0;
    for (uint64_t i = 0, n = draw(s, 4); i < n; i++) {
        struct file f;
        int64_t id = s->files[draw(s, FILES_MAX)];
        err_t e = meta_file_get(tx, id, s->w->a, &f);
        if (!e && draw(s, 3))
            ret[count++] = attachment_of(&f);
        else if (!e)
            *ret_document = id;
    }
    meta_read_end(tx);
    return count;
}

static void step_task(struct schedule *s)
{
    struct attachment attachments[4];
    int64_t document, *slot = &s->tasks[draw(s, TASKS_MAX)], id;
    struct task_request request = { .text = S("t"), .is_silent = draw(s, 2), .attachments = attachments };
    request.attachment_count = draw_attachments(s, attachments, &document);
    request.documents = &document;
    request.document_count = document != 0;
    if (!*slot && done(task_create(&s->w->core, &s->ana, &request, s->w->a, &id)))
        *slot = id;
}

static void step_comment(struct schedule *s)
{
    struct attachment attachments[4];
    int64_t document, id;
    struct task_comment comment = { .task_id = s->tasks[draw(s, TASKS_MAX)],
                                    .text = S("c"),
                                    .attachments = attachments };
    comment.attachment_count = draw_attachments(s, attachments, &document);
    comment.documents = &document;
    comment.document_count = document != 0;
    if (done(task_comment_add(&s->w->core, &s->ana, &comment, s->w->a, &id)))
        s->comments[draw(s, COMMENTS_MAX)] = id;
}

static void step_comment_edit(struct schedule *s)
{
    struct attachment attachments[4];
    int64_t document;
    struct task_comment_edit edit = { .task_id = s->tasks[draw(s, TASKS_MAX)],
                                      .comment_id = s->comments[draw(s, COMMENTS_MAX)],
                                      .text = S("e"),
                                      .attachments = attachments };
    edit.attachment_count = draw_attachments(s, attachments, &document);
    done(task_comment_edit(&s->w->core, &s->ana, &edit, s->w->a));
}

static void step_comment_remove(struct schedule *s)
{
    struct task_comment_removal removal = { .comment_id = s->comments[draw(s, COMMENTS_MAX)],
                                            .window_ms = hours(1000000),
                                            .purge_after_ms = seconds(1) };
    done(task_comment_remove(&s->w->core, &s->ana, &removal, s->w->a));
}

static void step_task_remove(struct schedule *s)
{
    int64_t *slot = &s->tasks[draw(s, TASKS_MAX)];
    if (done(task_remove(&s->w->core, &s->ana, *slot, seconds(1), s->w->a)))
        *slot = 0;
}

static void step_delete(struct schedule *s)
{
    done(document_delete(&s->w->core, &s->ana, s->files[draw(s, FILES_MAX)], hours(1000000), s->w->a));
}

static void step_wait(struct schedule *s)
{
    static const int64_t times[] = { 1, 1000, 3600000, 24 * 3600000 };
    world_wait(s->w, times[draw(s, 4)]);
    if (draw(s, 2))
        EXPECT_OK(file_purge_due(&s->w->core, NULL, s->w->a));
}

TEST(holds_are_those_that_references_imply_after_any_schedule)
{
    static void (*const steps[])(struct schedule *) = {
        step_store,   step_store,        step_ticket,         step_ticket,      step_confirm, step_task, step_comment,
        step_comment, step_comment_edit, step_comment_remove, step_task_remove, step_delete,  step_wait
    };
    enum { STEPS_IN_ONE_WORLD = 200 };
    for (int done_steps = 0; done_steps < rounds(ROUNDS_hold_steps); done_steps += STEPS_IN_ONE_WORLD) {
        WORLD(w);
        random_seeded_init(&w->random, rounds_seed() + (uint64_t)done_steps);
        struct schedule s = { .w = w, .p = ticket_fixture_new(w), .ana = world_user(w, S("ana")) };
        for (int i = 0; i < STEPS_IN_ONE_WORLD; i++) {
            steps[draw(&s, LENGTH_OF(steps))](&s);
            check_holds(w);
        }
        EXPECT_EQ(world_fsck(w, false), 0);
        for (int i = 0; i < TASKS_MAX; i++)
            if (s.tasks[i])
                EXPECT_OK(task_remove(&w->core, &s.ana, s.tasks[i], 0, w->a));
        world_wait(w, hours(48));
        world_run_jobs(w);
        struct file_page left;
        EXPECT_OK(file_list(&w->core, &s.ana, &(struct file_list_request){ .state = -1, .limit = 1000 }, w->a, &left));
        for (size_t i = 0; i < left.count; i++)
            EXPECT(left.items[i].is_kept);
        EXPECT_EQ(world_fsck(w, false), 0);
    }
}

RUN_TESTS(cmocka_unit_test(ticket_gives_its_file_to_a_holder_of_any_kind),
          cmocka_unit_test(ticket_is_refused_where_its_holder_refuses),
          cmocka_unit_test(file_is_held_until_the_last_holder_of_any_kind_releases_it),
          cmocka_unit_test(holder_with_very_many_files_releases_all_of_them),
          cmocka_unit_test(purge_releases_what_an_ended_holder_left),
          cmocka_unit_test(holders_that_end_in_one_write_release_a_limited_number_of_files_in_it),
          cmocka_unit_test(purge_keeps_a_file_that_a_reference_names_and_goes_on_with_the_others),
          cmocka_unit_test(attaching_and_detaching_are_complete_or_absent_after_any_fault),
          cmocka_unit_test(confirmation_with_a_holder_is_complete_or_absent_after_any_fault),
          cmocka_unit_test(removal_of_a_task_with_very_many_files_is_finished_after_any_fault),
          cmocka_unit_test(purge_is_complete_or_absent_after_any_fault),
          cmocka_unit_test(of_an_attachment_and_a_purge_exactly_one_succeeds),
          cmocka_unit_test(two_holders_attach_at_once_and_the_last_to_go_makes_the_file_expire),
          cmocka_unit_test(holds_are_those_that_references_imply_after_any_schedule),
          cmocka_unit_test(an_ended_holder_of_an_unknown_kind_does_not_stop_the_purge))
