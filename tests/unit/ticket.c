/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a ticket: issuing, putting bytes, confirming, purging; and races between these. */
#include "rounds.h"
#include "test.h"
#include "ticket_fixture.h"
#include "whole_task.h"

#include "core/file/lifecycle.h"
#include "core/store/reference_store.h"

#include <string.h>

#define TICKET_FIXTURE(name)                                                                                           \
    WORLD(w);                                                                                                          \
    struct ticket_fixture name = ticket_fixture_new(w);                                                                \
    struct principal ana = world_user(w, S("ana"));                                                                    \
    int64_t task = ticket_fixture_task(&name, &ana)

static enum core_reason confirm(const struct ticket_fixture *p, const struct principal *who, int64_t id)
{
    err_t e = ticket_fixture_confirm(p, who, id);
    EXPECT((e != NULL) == (err_reason(e) != REASON_NONE));
    return err_reason(e);
}

static struct document get(const struct ticket_fixture *p, const struct principal *who, int64_t id)
{
    struct document d;
    EXPECT_OK(document_get(&p->w->core, who, id, p->w->a, &d));
    return d;
}

static bool can_see(const struct ticket_fixture *p, const struct principal *who, int64_t id)
{
    struct document d;
    err_t e = document_get(&p->w->core, who, id, p->w->a, &d);
    EXPECT(!e || e->code == ERR_NOT_FOUND);
    return !e;
}

static struct principal user_of_another_account(struct world *w)
{
    struct account account;
    struct user user;
    EXPECT_OK(account_create(&w->core, &w->operator_, S("acme"), w->a, &account));
    EXPECT_OK(user_create(&w->core, &w->operator_, &(struct user_request){ .account = S("acme"), .login = S("eve") },
                          w->a, &user));
    return world_principal(w, S("eve"));
}

/* ---- issuing ---- */

TEST(ticket_issue_records_the_declared_file_and_charges_nothing)
{
    TICKET_FIXTURE(p);
    struct ticket_request request = ticket_fixture_request(&p, task, S("nota.pdf"), 48213);
    struct ticket_fixture_issued issued;
    EXPECT_OK(ticket_fixture_try(&p, &ana, &request, &issued));
    struct document *d = &issued.document, stored = get(&p, &ana, d->file.id);
    for (int i = 0; i < 2; i++, d = &stored) { /* the result of the call, then the record */
        EXPECT_EQ(d->file.state, FILE_ISSUED);
        EXPECT_EQ(d->file.size_bytes, 0);
        EXPECT_EQ(d->file.object_id, 0);
        EXPECT_EQ(d->file.owner_id, ana.user_id);
        EXPECT_EQ(d->file.created_at_ms, WORLD_START_MS);
        EXPECT_EQ(d->file.purge_at_ms, WORLD_START_MS + TICKET_PENDING_MS);
        EXPECT_SLICE(d->file.name, S("nota.pdf"));
        EXPECT_SLICE(d->owner_name, S("ana"));
        EXPECT(d->has_ticket);
        EXPECT_EQ(d->ticket.file_id, d->file.id);
        EXPECT_EQ(d->ticket.bucket_id, p.bucket_id);
        EXPECT_EQ(d->ticket.declared_bytes, 48213);
        EXPECT_EQ(d->ticket.expires_at_ms, WORLD_START_MS + TICKET_LIFETIME_MS);
        EXPECT_EQ(d->ticket.confirmed_at_ms, 0);
        EXPECT_SLICE(d->ticket.key, arena_printf(w->a, "data/1/%lld/nota.pdf", (long long)d->file.id));
        EXPECT_EQ(d->task_id, task);
        EXPECT_SLICE(d->task_text, S("a task"));
        EXPECT_EQ(d->reference_id, 0);
    }
    EXPECT_EQ(memcmp(stored.file.uuid, issued.document.file.uuid, 16), 0);
    EXPECT_EQ(world_account(w).used_bytes, 0);
    EXPECT_EQ(world_account(w).used_files, 0);
    EXPECT_EQ(world_event_count(w, S("file.issue")), 1);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(ticket_issue_gives_two_files_of_one_name_different_keys)
{
    TICKET_FIXTURE(p);
    int64_t one = ticket_fixture_issue(&p, &ana, task, S("a"), 1),
            other = ticket_fixture_issue(&p, &ana, task, S("a"), 1);
    EXPECT(one != other);
    EXPECT(!slice_eq(get(&p, &ana, one).ticket.key, get(&p, &ana, other).ticket.key));
}

TEST(ticket_issue_refuses_a_task_that_the_user_does_not_see)
{
    TICKET_FIXTURE(p);
    struct principal bia = world_user(w, S("bia")), eve = user_of_another_account(w);
    int64_t private;
    EXPECT_OK(task_create(&w->core, &ana, &(struct task_request){ .text = S("mine") }, w->a, &private));
    struct ticket_fixture_issued issued;
    struct ticket_request request = ticket_fixture_request(&p, private, S("a"), 1);
    EXPECT_ERR(ticket_fixture_try(&p, &bia, &request, &issued), ERR_NOT_FOUND);
    request.holder = (struct holder){ HOLDER_TASK, 9999 };
    EXPECT_ERR(ticket_fixture_try(&p, &ana, &request, &issued), ERR_NOT_FOUND);
    request.holder = (struct holder){ HOLDER_TASK, task };
    EXPECT_ERR(ticket_fixture_try(&p, &eve, &request, &issued), ERR_NOT_FOUND);
    EXPECT_OK(ticket_fixture_try(&p, &bia, &request, &issued)); /* the task is shared */
    request.holder = (struct holder){ HOLDER_NONE, 0 };
    EXPECT_OK(ticket_fixture_try(&p, &bia, &request, &issued));
    EXPECT_EQ(issued.document.task_id, 0);
    EXPECT_EQ(world_file_count(w), 2);
}

TEST(ticket_issue_refuses_a_duplicate_name_on_request)
{
    TICKET_FIXTURE(p);
    int64_t there = ticket_fixture_document(&p, &ana, task, S("a.txt"), S("x"));
    ticket_fixture_issue(&p, &ana, task, S("pending.txt"), 1);
    struct ticket_fixture_issued issued;
    struct ticket_request request = ticket_fixture_request(&p, task, S("a.txt"), 1);
    EXPECT_OK(ticket_fixture_try(&p, &ana, &request, &issued));
    request.refuse_duplicate = true;
    EXPECT_ERR(ticket_fixture_try(&p, &ana, &request, &issued), ERR_CONFLICT);
    EXPECT_EQ(issued.duplicate_id, there);
    request.name = S("A.txt");
    EXPECT_OK(ticket_fixture_try(&p, &ana, &request, &issued));
    request.name = S("pending.txt"); /* a pending file does not count as a duplicate */
    EXPECT_OK(ticket_fixture_try(&p, &ana, &request, &issued));
    request = ticket_fixture_request(&p, ticket_fixture_task(&p, &ana), S("a.txt"), 1);
    request.refuse_duplicate = true;
    EXPECT_OK(ticket_fixture_try(&p, &ana, &request, &issued)); /* the name is free in another task */
}

TEST(ticket_issue_refuses_more_bytes_than_the_account_has_room_for)
{
    TICKET_FIXTURE(p);
    struct ticket_fixture_issued issued;
    world_set_room(w, 5000, 0);
    struct ticket_request request = ticket_fixture_request(&p, task, S("a"), 5001);
    EXPECT_ERR(ticket_fixture_try(&p, &ana, &request, &issued), ERR_QUOTA);
    request.declared_bytes = 5000;
    EXPECT_ERR(ticket_fixture_try(&p, &ana, &request, &issued), ERR_QUOTA); /* the records count, too */
    request.declared_bytes = 3000;
    EXPECT_OK(ticket_fixture_try(&p, &ana, &request, &issued));
    request.declared_bytes = UINT64_MAX;
    EXPECT_ERR(ticket_fixture_try(&p, &ana, &request, &issued), ERR_QUOTA);
    EXPECT_OK(account_set_limits(&w->core, &w->operator_, S("default"), 0, 1, w->a));
    ticket_fixture_document(&p, &ana, 0, S("b"), S("x"));
    request.declared_bytes = 0;
    EXPECT_ERR(ticket_fixture_try(&p, &ana, &request, &issued), ERR_QUOTA);
}

TEST(ticket_issue_refuses_more_bytes_than_the_disk_has)
{
    SCOPED(world_freep)
    struct world *w = world_new_with(&(struct world_options){ .blob_capacity = 10000, .reserve_bytes = 1000 });
    struct ticket_fixture p = ticket_fixture_new(w);
    struct principal ana = world_user(w, S("ana"));
    struct ticket_fixture_issued issued;
    struct ticket_request request = ticket_fixture_request(&p, 0, S("a"), 9001);
    EXPECT_ERR(ticket_fixture_try(&p, &ana, &request, &issued), ERR_NO_SPACE);
    request.declared_bytes = 9000;
    EXPECT_OK(ticket_fixture_try(&p, &ana, &request, &issued));
}

TEST(ticket_issue_refuses_a_key_of_more_than_1024_bytes)
{
    TICKET_FIXTURE(p);
    struct ticket_fixture_issued issued;
    struct ticket_request request = ticket_fixture_request(&p, task, S("a"), 1);
    char *tail = arena_alloc(w->a, 1024);
    memset(tail, 'x', 1024);
    request.key_tail = (slice){ tail, 1024 };
    EXPECT_ERR(ticket_fixture_try(&p, &ana, &request, &issued), ERR_INVALID);
    EXPECT_EQ(world_file_count(w), 0);
}

/* ---- confirming ---- */

TEST(ticket_confirm_attaches_the_file_to_its_task_once)
{
    TICKET_FIXTURE(p);
    int64_t id = ticket_fixture_issue(&p, &ana, task, S("a.txt"), 5);
    EXPECT_OK(ticket_fixture_put(&p, id, S("hello")));
    EXPECT_EQ(get(&p, &ana, id).file.state, FILE_STORED);
    world_wait(w, minutes(1));
    struct document d;
    for (int i = 0; i < 3; i++) { /* a client repeats the request when the reply was lost */
        EXPECT_OK(ticket_confirm(&w->core, &ana, id, w->a));
        d = get(&p, &ana, id);
        EXPECT_EQ(d.ticket.confirmed_at_ms, WORLD_START_MS + minutes(1));
        EXPECT_EQ(d.file.state, FILE_READY);
        EXPECT_EQ(d.file.size_bytes, 5);
        EXPECT_EQ(d.file.purge_at_ms, 0);
        EXPECT_EQ(d.task_id, task);
        EXPECT(d.reference_id > 0);
        world_wait(w, hours(48));
        world_run_jobs(w);
    }
    EXPECT_EQ(world_event_count(w, S("file.confirm")), 1);
    struct whole_task view;
    EXPECT_OK(whole_task_read(&w->core, &ana, task, w->a, &view));
    EXPECT_EQ(view.reference_count, 1);
    EXPECT_SLICE(view.references[0].name, S("a.txt"));
    EXPECT_EQ(world_account(w).used_bytes, 5);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(ticket_confirm_accepts_an_empty_file)
{
    TICKET_FIXTURE(p);
    int64_t id = ticket_fixture_issue(&p, &ana, task, S("empty"), 0);
    EXPECT_EQ(confirm(&p, &ana, id), REASON_TICKET_NO_BYTES); /* an empty file must be uploaded, too */
    EXPECT_OK(ticket_fixture_put(&p, id, S("")));
    EXPECT_EQ(confirm(&p, &ana, id), REASON_NONE);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(ticket_confirm_refuses_missing_bytes_and_a_wrong_length)
{
    TICKET_FIXTURE(p);
    int64_t id = ticket_fixture_issue(&p, &ana, task, S("a"), 5);
    EXPECT_EQ(confirm(&p, &ana, id), REASON_TICKET_NO_BYTES);
    EXPECT_OK(ticket_fixture_put(&p, id, S("four")));
    EXPECT_EQ(confirm(&p, &ana, id), REASON_TICKET_BAD_SIZE);
    EXPECT_OK(ticket_fixture_put(&p, id, S("sixsix")));
    EXPECT_EQ(confirm(&p, &ana, id), REASON_TICKET_BAD_SIZE);
    EXPECT_EQ(world_event_count(w, S("file.confirm")), 0);
    EXPECT_OK(ticket_fixture_put(&p, id, S("hello")));
    EXPECT_EQ(confirm(&p, &ana, id), REASON_NONE);
    EXPECT_ERR(ticket_fixture_put(&p, id, S("later")),
               ERR_CONFLICT); /* after the confirmation the bytes never change */
    EXPECT_EQ(world_account(w).used_bytes, 5);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(pending_ticket_is_visible_to_its_owner_only)
{
    TICKET_FIXTURE(p);
    struct principal bia = world_user(w, S("bia")), boss = world_admin(w, S("boss")), eve = user_of_another_account(w);
    int64_t id = ticket_fixture_issue(&p, &ana, task, S("a"), 5);
    for (int with_bytes = 0; with_bytes < 2; with_bytes++) {
        EXPECT(can_see(&p, &ana, id));
        EXPECT(!can_see(&p, &bia, id) && !can_see(&p, &boss, id) && !can_see(&p, &eve, id));
        EXPECT_EQ(confirm(&p, &bia, id), REASON_TICKET_NOT_THERE);
        EXPECT_EQ(confirm(&p, &boss, id), REASON_TICKET_NOT_THERE);
        EXPECT_EQ(confirm(&p, &eve, id), REASON_TICKET_NOT_THERE);
        EXPECT_OK(ticket_fixture_put(&p, id, S("hello")));
    }
    EXPECT_EQ(confirm(&p, &ana, id), REASON_NONE);
    EXPECT(can_see(&p, &bia, id) && can_see(&p, &boss, id) && !can_see(&p, &eve, id));
    EXPECT_EQ(confirm(&p, &bia, id), REASON_NONE); /* every user who sees it gets the same reply */
    EXPECT_EQ(confirm(&p, &eve, id), REASON_TICKET_NOT_THERE);
    EXPECT_EQ(confirm(&p, &ana, 12345), REASON_TICKET_NOT_THERE);
}

/* Through file.h, which finds files by UUID and does not know tickets. */
static bool can_find(const struct ticket_fixture *p, const struct principal *who, const struct file *f)
{
    struct world *w = p->w;
    struct file_list_request request = { .state = -1, .limit = 2 };
    struct file_page page;
    struct file got;
    err_t e = file_get(&w->core, who, f->uuid, w->a, &got);
    EXPECT(!e || e->code == ERR_NOT_FOUND);
    EXPECT_OK(file_list(&w->core, who, &request, w->a, &page));
    EXPECT_EQ(page.count, !e);
    return !e;
}

TEST(file_list_hides_pending_files_from_administrators)
{
    TICKET_FIXTURE(p);
    struct principal boss = world_admin(w, S("boss"));
    int64_t id = ticket_fixture_issue(&p, &ana, task, S("a"), 5);
    struct file f = get(&p, &ana, id).file;
    slice bytes;
    EXPECT(can_find(&p, &ana, &f) && !can_find(&p, &boss, &f) && !can_find(&p, &w->operator_, &f));
    EXPECT_OK(ticket_fixture_put(&p, id, S("hello")));
    for (int i = 0; i < 2; i++) { /* the second time from the cache */
        EXPECT_OK(world_read(w, &ana, &f, &bytes));
        EXPECT_ERR(world_read(w, &boss, &f, &bytes), ERR_NOT_FOUND);
    }
    EXPECT(can_find(&p, &ana, &f) && !can_find(&p, &boss, &f) && !can_find(&p, &w->operator_, &f));
    EXPECT_ERR(file_delete(&w->core, &boss, f.uuid, w->a), ERR_NOT_FOUND);
    EXPECT_EQ(confirm(&p, &ana, id), REASON_NONE);
    EXPECT_OK(world_read(w, &boss, &f, &bytes));
    EXPECT_SLICE(bytes, S("hello"));
    EXPECT(can_find(&p, &boss, &f));
}

TEST(ticket_confirm_refuses_a_file_without_a_ticket)
{
    TICKET_FIXTURE(p);
    (void)task;
    struct file f = world_store(w, &ana, S("a"), S("x"), hours(1));
    EXPECT_EQ(confirm(&p, &ana, f.id), REASON_TICKET_NOT_THERE);
}

TEST(ticket_confirm_refuses_when_the_user_no_longer_sees_the_task)
{
    TICKET_FIXTURE(p);
    struct principal bia = world_user(w, S("bia"));
    struct task_member member = { bia.user_id, TASK_PARTICIPANT };
    int64_t private, comment;
    (void)task;
    EXPECT_OK(task_create(&w->core, &ana,
                          &(struct task_request){ .text = S("t"), .members = &member, .member_count = 1 }, w->a,
                          &private));
    int64_t id = ticket_fixture_issue(&p, &bia, private, S("a"), 1);
    EXPECT_OK(ticket_fixture_put(&p, id, S("x")));
    struct task_comment removes_bia = { .task_id = private, .removed = &bia.user_id, .removed_count = 1 };
    EXPECT_OK(task_comment_add(&w->core, &ana, &removes_bia, w->a, &comment));
    EXPECT_EQ(confirm(&p, &bia, id), REASON_TICKET_NOT_THERE);
}

static err_t add_many_references(struct meta_tx *tx, void *arg, struct arena *a)
{
    for (int i = 0; i < TASK_REFERENCES_MAX - 1; i++) {
        struct reference r = *(struct reference *)arg;
        TRY(meta_reference_add(tx, &r, a));
    }
    return NULL;
}

TEST(ticket_confirm_refuses_when_the_task_has_its_maximum_of_references)
{
    TICKET_FIXTURE(p);
    struct reference r = { .account_id = ana.account_id, .task_id = task, .url = S("http://x/"), .name = S("x") };
    world_write(w, add_many_references, &r);
    int64_t one = ticket_fixture_issue(&p, &ana, task, S("a"), 1),
            other = ticket_fixture_issue(&p, &ana, task, S("b"), 1);
    EXPECT_OK(ticket_fixture_put(&p, one, S("x")));
    EXPECT_OK(ticket_fixture_put(&p, other, S("x")));
    EXPECT_EQ(confirm(&p, &ana, one), REASON_NONE);
    EXPECT_EQ(confirm(&p, &ana, other), REASON_TICKET_TOO_MANY);
    EXPECT_EQ(get(&p, &ana, other).file.state, FILE_STORED); /* the file stays pending */
}

/* ---- purging ---- */

TEST(pending_ticket_is_gone_at_exactly_its_purge_time_even_before_the_purge)
{
    TICKET_FIXTURE(p);
    for (int with_bytes = 0; with_bytes < 2; with_bytes++) {
        int64_t id = ticket_fixture_issue(&p, &ana, task, S("a"), 5);
        if (with_bytes)
            EXPECT_OK(ticket_fixture_put(&p, id, S("hello")));
        world_wait(w, TICKET_PENDING_MS - 1);
        world_run_jobs(w);
        EXPECT(can_see(&p, &ana, id));
        EXPECT_EQ(confirm(&p, &ana, id), with_bytes ? REASON_NONE : REASON_TICKET_NO_BYTES);
        id = ticket_fixture_issue(&p, &ana, task, S("b"), 5);
        if (with_bytes)
            EXPECT_OK(ticket_fixture_put(&p, id, S("hello")));
        world_wait(w, TICKET_PENDING_MS);
        EXPECT(!can_see(&p, &ana, id) && ticket_fixture_has_file(&p, id));
        EXPECT_EQ(confirm(&p, &ana, id), REASON_TICKET_NOT_THERE);
        world_run_jobs(w);
        EXPECT(!ticket_fixture_has_file(&p, id));
        EXPECT_EQ(confirm(&p, &ana, id), REASON_TICKET_NOT_THERE);
    }
    EXPECT_EQ(world_account(w).used_bytes, 5);
    EXPECT_EQ(world_account(w).used_files, 1);
    EXPECT_EQ(world_file_count(w), 1);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(file_id_of_a_purged_ticket_is_never_used_again)
{
    TICKET_FIXTURE(p);
    int64_t first = ticket_fixture_issue(&p, &ana, task, S("a"), 5);
    world_wait(w, TICKET_PENDING_MS);
    world_run_jobs(w);
    EXPECT(!ticket_fixture_has_file(&p, first));
    EXPECT(ticket_fixture_issue(&p, &ana, task, S("a"), 5) > first);
}

TEST(clock_set_back_does_not_revive_an_expired_ticket)
{
    TICKET_FIXTURE(p);
    int64_t id = ticket_fixture_issue(&p, &ana, task, S("a"), 5);
    EXPECT_OK(ticket_fixture_put(&p, id, S("hello")));
    world_wait(w, TICKET_PENDING_MS);
    EXPECT(!can_see(&p, &ana, id));
    world_wait(w, -hours(2));
    EXPECT(!can_see(&p, &ana, id));
    EXPECT_EQ(confirm(&p, &ana, id), REASON_TICKET_NOT_THERE);
}

TEST(purge_removes_the_ticket_of_a_deleted_user)
{
    TICKET_FIXTURE(p);
    int64_t id = ticket_fixture_issue(&p, &ana, task, S("a"), 5);
    EXPECT_OK(ticket_fixture_put(&p, id, S("hello")));
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("ana"), USER_DELETED, w->a));
    world_wait(w, TICKET_PENDING_MS);
    world_run_jobs(w);
    EXPECT(!ticket_fixture_has_file(&p, id));
    EXPECT_EQ(world_account(w).used_bytes, 0);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(task_remove_deletes_pending_tickets)
{
    TICKET_FIXTURE(p);
    int64_t empty = ticket_fixture_issue(&p, &ana, task, S("a"), 5),
            full = ticket_fixture_issue(&p, &ana, task, S("b"), 5);
    int64_t other = ticket_fixture_issue(&p, &ana, ticket_fixture_task(&p, &ana), S("c"), 5),
            loose = ticket_fixture_issue(&p, &ana, 0, S("d"), 5);
    EXPECT_OK(ticket_fixture_put(&p, full, S("hello")));
    EXPECT_OK(task_remove(&w->core, &ana, task, hours(1), w->a));
    EXPECT(!ticket_fixture_has_file(&p, empty) && !ticket_fixture_has_file(&p, full));
    EXPECT(ticket_fixture_has_file(&p, other) && ticket_fixture_has_file(&p, loose));
    EXPECT_EQ(confirm(&p, &ana, full), REASON_TICKET_NOT_THERE);
    EXPECT_EQ(world_account(w).used_bytes, 0);
    EXPECT_EQ(world_fsck(w, true), 0);
}

/* ---- races: exactly one of two writes succeeds, completely ---- */

struct race {
    struct ticket_fixture *p;
    struct principal who;
    int64_t id, task;
    pthread_barrier_t *start;
    bool won;
};

static void *race_confirm(void *arg)
{
    struct race *r = arg;
    SCRATCH(a);
    pthread_barrier_wait(r->start);
    err_t e = ticket_confirm(&r->p->w->core, &r->who, r->id, &a);
    r->won = !e;
    assert_true(!e || e->reason == REASON_TICKET_NOT_THERE);
    return NULL;
}

static void *race_purge(void *arg)
{
    struct race *r = arg;
    SCRATCH(a);
    pthread_barrier_wait(r->start);
    clock_manual_advance(&r->p->w->clock, 1); /* now it is exactly purge_at_ms */
    assert_null(jobs_run_due(r->p->w->jobs, &a));
    return NULL;
}

static void *race_remove(void *arg)
{
    struct race *r = arg;
    SCRATCH(a);
    pthread_barrier_wait(r->start);
    assert_null(task_remove(&r->p->w->core, &r->who, r->task, 0, &a));
    return NULL;
}

static void run_race(struct race *r, void *(*against)(void *))
{
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, 2);
    r->start = &start;
    struct race opponent = *r;
    pthread_t one, other;
    pthread_create(&one, NULL, race_confirm, r);
    pthread_create(&other, NULL, against, &opponent);
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    pthread_barrier_destroy(&start);
}

TEST(of_a_confirmation_and_a_purge_exactly_one_succeeds)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct ticket_fixture p = ticket_fixture_new(w);
    struct race r = { .p = &p, .who = world_user(w, S("ana")) };
    int64_t task = ticket_fixture_task(&p, &r.who), kept = 0, round = 0;
    const int wanted = rounds(ROUNDS_ticket_races);
    /* until each side has won once, or the rounds are used up */
    for (; round < wanted || ((kept == 0 || kept == round) && round < 20 * wanted); round++) {
        r.id = ticket_fixture_issue(&p, &r.who, task, S("a"), 5);
        EXPECT_OK(ticket_fixture_put(&p, r.id, S("hello")));
        world_wait(w, TICKET_PENDING_MS - 1);
        run_race(&r, race_purge);
        world_wait(w, hours(1));
        world_run_jobs(w);
        EXPECT_EQ(ticket_fixture_has_file(&p, r.id), r.won); /* confirmed and kept, or refused and gone */
        kept += r.won;
        if (!r.won)
            continue;
        struct document d;
        EXPECT_OK(document_get(&w->core, &r.who, r.id, w->a, &d));
        EXPECT(d.file.state == FILE_READY && d.ticket.confirmed_at_ms && d.reference_id);
    }
    EXPECT_EQ(world_account(w).used_files, kept);
    EXPECT_EQ(world_account(w).used_bytes, 5 * kept);
    EXPECT_EQ(world_event_count(w, S("file.confirm")), kept);
    EXPECT_EQ(world_event_count(w, S("file.purge")), round - kept);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(confirmation_during_task_removal_leaves_no_file_behind)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct ticket_fixture p = ticket_fixture_new(w);
    struct race r = { .p = &p, .who = world_user(w, S("ana")) };
    for (int i = rounds(ROUNDS_ticket_races); i > 0; i--) {
        r.task = ticket_fixture_task(&p, &r.who);
        r.id = ticket_fixture_issue(&p, &r.who, r.task, S("a"), 5);
        EXPECT_OK(ticket_fixture_put(&p, r.id, S("hello")));
        run_race(&r, race_remove);
        EXPECT(!ticket_fixture_has_file(&p, r.id));
    }
    EXPECT_EQ(world_account(w).used_files, 0);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(concurrent_confirmations_attach_the_file_once)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct ticket_fixture p = ticket_fixture_new(w);
    struct race r = { .p = &p, .who = world_user(w, S("ana")) };
    int64_t task = ticket_fixture_task(&p, &r.who);
    const int wanted = rounds(ROUNDS_ticket_races);
    for (int i = 0; i < wanted; i++) {
        r.id = ticket_fixture_issue(&p, &r.who, task, S("a"), 5);
        EXPECT_OK(ticket_fixture_put(&p, r.id, S("hello")));
        run_race(&r, race_confirm);
        EXPECT(r.won);
    }
    EXPECT_EQ(world_event_count(w, S("file.confirm")), wanted);
    struct whole_task view;
    EXPECT_OK(whole_task_read(&w->core, &r.who, task, w->a, &view));
    EXPECT_EQ(view.reference_count, wanted);
    EXPECT_EQ(world_fsck(w, true), 0);
}

/* At exactly purge_at_ms, in both orders, without threads: a purge that comes second finds nothing to purge, and a
 * confirmation that comes second finds nothing to confirm. */
TEST(at_the_purge_time_the_first_of_confirmation_and_purge_wins)
{
    TICKET_FIXTURE(p);
    int64_t kept = ticket_fixture_issue(&p, &ana, task, S("a"), 1),
            gone = ticket_fixture_issue(&p, &ana, task, S("b"), 1);
    EXPECT_OK(ticket_fixture_put(&p, kept, S("x")));
    EXPECT_OK(ticket_fixture_put(&p, gone, S("x")));
    world_wait(w, TICKET_PENDING_MS - 1);
    EXPECT_EQ(confirm(&p, &ana, kept), REASON_NONE);
    world_wait(w, 1);
    world_run_jobs(w);
    EXPECT_EQ(confirm(&p, &ana, gone), REASON_TICKET_NOT_THERE);
    EXPECT(ticket_fixture_has_file(&p, kept) && !ticket_fixture_has_file(&p, gone));
    EXPECT_EQ(world_fsck(w, true), 0);
}

RUN_TESTS(cmocka_unit_test(ticket_issue_records_the_declared_file_and_charges_nothing),
          cmocka_unit_test(ticket_issue_gives_two_files_of_one_name_different_keys),
          cmocka_unit_test(ticket_issue_refuses_a_task_that_the_user_does_not_see),
          cmocka_unit_test(ticket_issue_refuses_a_duplicate_name_on_request),
          cmocka_unit_test(ticket_issue_refuses_more_bytes_than_the_account_has_room_for),
          cmocka_unit_test(ticket_issue_refuses_more_bytes_than_the_disk_has),
          cmocka_unit_test(ticket_issue_refuses_a_key_of_more_than_1024_bytes),
          cmocka_unit_test(ticket_confirm_attaches_the_file_to_its_task_once),
          cmocka_unit_test(ticket_confirm_accepts_an_empty_file),
          cmocka_unit_test(ticket_confirm_refuses_missing_bytes_and_a_wrong_length),
          cmocka_unit_test(pending_ticket_is_visible_to_its_owner_only),
          cmocka_unit_test(file_list_hides_pending_files_from_administrators),
          cmocka_unit_test(ticket_confirm_refuses_a_file_without_a_ticket),
          cmocka_unit_test(ticket_confirm_refuses_when_the_user_no_longer_sees_the_task),
          cmocka_unit_test(ticket_confirm_refuses_when_the_task_has_its_maximum_of_references),
          cmocka_unit_test(pending_ticket_is_gone_at_exactly_its_purge_time_even_before_the_purge),
          cmocka_unit_test(file_id_of_a_purged_ticket_is_never_used_again),
          cmocka_unit_test(clock_set_back_does_not_revive_an_expired_ticket),
          cmocka_unit_test(purge_removes_the_ticket_of_a_deleted_user),
          cmocka_unit_test(task_remove_deletes_pending_tickets),
          cmocka_unit_test(of_a_confirmation_and_a_purge_exactly_one_succeeds),
          cmocka_unit_test(confirmation_during_task_removal_leaves_no_file_behind),
          cmocka_unit_test(concurrent_confirmations_attach_the_file_once),
          cmocka_unit_test(at_the_purge_time_the_first_of_confirmation_and_purge_wins))
