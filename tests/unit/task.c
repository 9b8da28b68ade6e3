/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks, where a test of an API cannot show the rule: limits, events, and writes that fail half-way. */
#include "test.h"

#include "base/text.h"
#include "core/store/comment_store.h"
#include "core/store/file_store.h"
#include "core/store/task_store.h"
#include "core/store/user_store.h"
#include "pyrus_fixture.h"
#include "ticket_fixture.h"
#include "whole_task.h"

#include <string.h>

static struct attachment upload(struct pyrus_fixture *d, const struct pyrus_user *u)
{
    struct attachment a = { .kind = ATTACH_UPLOAD };
    EXPECT(uuid_parse(pyrus_upload_file(d, u, "a.txt", S("hello")), a.uuid));
    return a;
}

static int64_t new_task(struct pyrus_fixture *d, const struct pyrus_user *u, const struct attachment *attachments,
                        size_t count)
{
    int64_t id;
    EXPECT_OK(task_create(
        &d->w->core, &u->who,
        &(struct task_request){ .text = S("t"), .attachments = attachments, .attachment_count = count }, d->a, &id));
    return id;
}

static enum core_reason say(struct pyrus_fixture *d, const struct pyrus_user *u, int64_t task,
                            const struct task_comment *c)
{
    int64_t id;
    struct task_comment on_task = *c;
    on_task.task_id = task;
    err_t e = task_comment_add(&d->w->core, &u->who, &on_task, d->a, &id);
    EXPECT((e != NULL) == (err_reason(e) != REASON_NONE));
    return err_reason(e);
}

static err_t edit_comment(struct pyrus_fixture *d, const struct pyrus_user *u, const struct task_comment_edit *edit)
{
    return task_comment_edit(&d->w->core, &u->who, edit, d->a);
}

static struct file file_of(struct pyrus_fixture *d, const struct attachment *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct file f;
    EXPECT_OK(meta_read_begin(d->w->core.meta, d->a, &tx));
    EXPECT_OK(meta_file_by_uuid(tx, a->uuid, d->a, &f));
    return f;
}

TEST(reference_holds_its_file_until_the_task_is_removed)
{
    PYRUS_FIXTURE(d);
    struct attachment a = upload(d, &ana);
    EXPECT_EQ(file_of(d, &a).state, FILE_STORED);
    int64_t task = new_task(d, &ana, &a, 1);
    EXPECT_EQ(file_of(d, &a).state, FILE_READY);
    EXPECT_EQ(file_of(d, &a).purge_at_ms, 0);
    EXPECT_OK(task_remove(&d->w->core, &ana.who, task, 5000, d->a));
    EXPECT_EQ(file_of(d, &a).state, FILE_STORED);
    EXPECT_EQ(file_of(d, &a).purge_at_ms, WORLD_START_MS + 5000);
}

TEST(every_change_of_a_task_writes_an_event)
{
    PYRUS_FIXTURE(d);
    struct pyrus_user bia = pyrus_user(d, "bia", "Bia");
    struct attachment a = upload(d, &ana);
    int64_t task = new_task(d, &ana, &a, 1);
    struct task_member member = { bia.id, TASK_PARTICIPANT };
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .added = &member, .added_count = 1, .move = TASK_CLOSE }), 0);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = S("x"), .reopens = true, .sets_subject = true }), 0);
    struct whole_task view;
    EXPECT_OK(whole_task_read(&d->w->core, &ana.who, task, d->a, &view));
    EXPECT_OK(edit_comment(
        d, &ana, &(struct task_comment_edit){ .task_id = task, .comment_id = view.comments[0].id, .text = S("y") }));
    EXPECT_OK(task_remove(&d->w->core, &ana.who, task, 1, d->a));
    EXPECT_EQ(world_event_count(d->w, S("task.create")), 1);
    EXPECT_EQ(world_event_count(d->w, S("task.attach")), 1);
    EXPECT_EQ(world_event_count(d->w, S("task.comment")), 2);
    EXPECT_EQ(world_event_count(d->w, S("task.member")), 1);
    EXPECT_EQ(world_event_count(d->w, S("task.close")), 1);
    EXPECT_EQ(world_event_count(d->w, S("task.reopen")), 1);
    EXPECT_EQ(world_event_count(d->w, S("task.change")), 1);
    EXPECT_EQ(world_event_count(d->w, S("task.comment_edit")), 1);
    EXPECT_EQ(world_event_count(d->w, S("task.remove")), 1);
}

TEST(task_refuses_more_than_its_maximum_of_references)
{
    PYRUS_FIXTURE(d);
    struct attachment *links = arena_array(d->a, struct attachment, TASK_REFERENCES_MAX + 1);
    for (size_t i = 0; i <= TASK_REFERENCES_MAX; i++)
        links[i] = (struct attachment){ .kind = ATTACH_LINK, .url = S("https://example.org/"), .name = S("x") };
    int64_t task = new_task(d, &ana, links, TASK_ATTACHED_AT_ONCE_MAX - 1);
    for (int there = TASK_ATTACHED_AT_ONCE_MAX; there < TASK_REFERENCES_MAX; there += TASK_ATTACHED_AT_ONCE_MAX)
        EXPECT_EQ(say(d, &ana, task,
                      &(struct task_comment){ .attachments = links, .attachment_count = TASK_ATTACHED_AT_ONCE_MAX }),
                  0);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .attachments = links, .attachment_count = 2 }),
              REASON_TASK_TOO_MANY_REFERENCES);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .attachments = links, .attachment_count = 1 }), 0);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .attachments = links, .attachment_count = 1 }),
              REASON_TASK_TOO_MANY_REFERENCES);
}

TEST(a_request_attaches_at_most_200_files_links_and_documents)
{
    PYRUS_FIXTURE(d);
    struct attachment links[TASK_ATTACHED_AT_ONCE_MAX + 1];
    int64_t id, documents[2] = { 1, 2 };
    for (size_t i = 0; i < LENGTH_OF(links); i++)
        links[i] = (struct attachment){ .kind = ATTACH_LINK, .url = S("https://example.org/"), .name = S("x") };
    struct task_request request = { .text = S("t"), .attachments = links, .attachment_count = LENGTH_OF(links) };
    EXPECT_REFUSED(task_create(&d->w->core, &ana.who, &request, d->a, &id), REASON_TASK_TOO_MANY_AT_ONCE);
    request.attachment_count = TASK_ATTACHED_AT_ONCE_MAX - 1;
    request.documents = documents;
    request.document_count = LENGTH_OF(documents);
    EXPECT_REFUSED(task_create(&d->w->core, &ana.who, &request, d->a, &id), REASON_TASK_TOO_MANY_AT_ONCE);
    request.document_count = 0;
    EXPECT_OK(task_create(&d->w->core, &ana.who, &request, d->a, &id));
}

struct many_members {
    int64_t account_id, task_id;
};

static err_t add_many_members(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct many_members *m = arg;
    struct user user = { .account_id = m->account_id, .created_at_ms = 1 };
    for (int i = 0; i < TASK_MEMBERS_MAX - 1; i++) {
        int64_t id;
        user.login = user.name = user.email = arena_printf(a, "u%d", i);
        TRY(meta_user_add(tx, &user, a, &id));
        TRY(meta_task_set_member(tx, m->task_id, id, TASK_SUBSCRIBER, a));
    }
    return NULL;
}

TEST(a_request_names_at_most_300_people_and_a_task_has_at_most_1000_members)
{
    PYRUS_FIXTURE(d);
    int64_t task = new_task(d, &ana, NULL, 0), removed[TASK_PEOPLE_AT_ONCE_MAX] = { 0 };
    struct task_member members[2] = { { ana.id, TASK_PARTICIPANT },
                                      { pyrus_user(d, "bo", "Bo").id, TASK_PARTICIPANT } };
    struct task_comment c = {
        .added = members, .added_count = 1, .removed = removed, .removed_count = TASK_PEOPLE_AT_ONCE_MAX
    };
    EXPECT_EQ(say(d, &ana, task, &c), REASON_TASK_TOO_MANY_PEOPLE);
    world_write(d->w, add_many_members, &(struct many_members){ ana.who.account_id, task });
    c.removed_count = 0;
    c.added_count = 2;
    EXPECT_EQ(say(d, &ana, task, &c), REASON_TASK_TOO_MANY_PEOPLE);
    c.added_count = 1;
    EXPECT_EQ(say(d, &ana, task, &c), 0);
}

static err_t add_many_comments(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct comment *c = arg;
    int64_t id;
    for (int i = 0; i < TASK_COMMENTS_MAX - 2; i++)
        TRY(meta_comment_add(tx, c, a, &id));
    return NULL;
}

TEST(task_refuses_more_than_its_maximum_of_comments)
{
    PYRUS_FIXTURE(d);
    int64_t task = new_task(d, &ana, NULL, 0);
    struct comment c = { .task_id = task, .author_id = ana.id, .text = S("c"), .details = S(""), .created_at_ms = 1 };
    EXPECT_OK(meta_write(d->w->core.meta, add_many_comments, &c, d->a));
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = S("the last") }), 0);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = S("too many") }), REASON_TASK_TOO_MANY_COMMENTS);
}

/* Forty comments of a megabyte would cost the server half a gigabyte of memory for each request that reads the task. */
TEST(task_refuses_more_than_its_maximum_of_comment_text)
{
    PYRUS_FIXTURE(d);
    struct whole_task view;
    int64_t id;
    slice whole = { arena_alloc(d->a, TASK_TEXT_BYTES_MAX + 1), TASK_TEXT_BYTES_MAX };
    memset((char *)whole.p, 'x', whole.n + 1);
    slice half = { whole.p, whole.n / 2 };
    struct core *core = &d->w->core;

    struct task_request request = { .text = { whole.p, whole.n + 1 } };
    EXPECT_REFUSED(task_create(core, &ana.who, &request, d->a, &id), REASON_TASK_TOO_MUCH_TEXT);
    request = (struct task_request){ .text = whole, .comment_details = S("{}") };
    EXPECT_ERR(task_create(core, &ana.who, &request, d->a, &id), ERR_TOO_LARGE);
    request.comment_details = S("");
    EXPECT_OK(task_create(core, &ana.who, &request, d->a, &id));

    int64_t task = new_task(d, &ana, NULL, 0); /* its first comment has one byte */
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = half }), 0);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = half }), REASON_TASK_TOO_MUCH_TEXT);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = S("x"), .details = half }), REASON_TASK_TOO_MUCH_TEXT);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = { half.p, half.n - 1 } }), 0);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = S("x") }), REASON_TASK_TOO_MUCH_TEXT);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .move = TASK_CLOSE }),
              0); /* a comment without text needs no bytes */
    EXPECT_OK(whole_task_read(core, &ana.who, task, d->a, &view));
    EXPECT_EQ(view.comment_count, 4);

    int64_t first = view.comments[0].id, second = view.comments[1].id;
    EXPECT_REFUSED(
        edit_comment(d, &ana, &(struct task_comment_edit){ .task_id = task, .comment_id = first, .text = S("xy") }),
        REASON_TASK_TOO_MUCH_TEXT);
    EXPECT_OK(
        edit_comment(d, &ana, &(struct task_comment_edit){ .task_id = task, .comment_id = first, .text = S("y") }));
    EXPECT_OK(edit_comment(
        d, &ana,
        &(struct task_comment_edit){ .task_id = task, .comment_id = second, .text = (slice){ half.p, half.n - 1 } }));
    EXPECT_OK(
        edit_comment(d, &ana, &(struct task_comment_edit){ .task_id = task, .comment_id = first, .text = S("xy") }));
}

TEST(comment_merges_details_of_the_task_one_level_deep)
{
    PYRUS_FIXTURE(d);
    int64_t task;
    EXPECT_OK(task_create(&d->w->core, &ana.who,
                          &(struct task_request){ .text = S("t"), .details = S("{\"a\":1,\"b\":{\"x\":1},\"c\":[1]}") },
                          d->a, &task));
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .task_details = S("{\"a\":null,\"b\":{\"y\":2},\"d\":4}") }),
              0);
    struct whole_task view;
    EXPECT_OK(whole_task_read(&d->w->core, &ana.who, task, d->a, &view));
    EXPECT_SLICE(view.task.details, S("{\"c\":[1],\"b\":{\"y\":2},\"d\":4}"));
}

TEST(task_refuses_a_deleted_user_as_member)
{
    PYRUS_FIXTURE(d);
    struct pyrus_user bia = pyrus_user(d, "bia", "Bia");
    EXPECT_OK(user_set_state(&d->w->core, &d->w->operator_, S("bia"), USER_DELETED, d->a));
    struct task_member member = { bia.id, TASK_PARTICIPANT };
    int64_t task = new_task(d, &ana, NULL, 0);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .added = &member, .added_count = 1 }), REASON_TASK_BAD_PERSON);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .responsible_id = bia.id }), REASON_TASK_BAD_PERSON);
}

TEST(reference_open_needs_a_visible_task_and_refuses_a_link)
{
    PYRUS_FIXTURE(d);
    struct pyrus_user bia = pyrus_user(d, "bia", "Bia");
    struct attachment both[] = { upload(d, &ana),
                                 { .kind = ATTACH_LINK, .url = S("https://example.org/"), .name = S("x") } };
    int64_t task = new_task(d, &ana, both, 2);
    struct whole_task view;
    struct reference reference;
    struct content content;
    EXPECT_OK(whole_task_read(&d->w->core, &ana.who, task, d->a, &view));
    EXPECT_OK(reference_open(&d->w->core, &ana.who, view.references[0].id, d->a, &reference, &content));
    EXPECT_SLICE(content.bytes, S("hello"));
    content_close(&content);
    EXPECT_ERR(reference_open(&d->w->core, &ana.who, view.references[1].id, d->a, &reference, &content), ERR_EMPTY);
    EXPECT_ERR(reference_open(&d->w->core, &bia.who, view.references[0].id, d->a, &reference, &content), ERR_NOT_FOUND);
}

/* Whichever store call fails, the write fails as a whole and leaves nothing. The file is held only together with its
 * task. */
TEST(task_create_that_fails_changes_nothing)
{
    PYRUS_FIXTURE(d);
    struct attachment a = upload(d, &ana);
    struct task_request request = { .text = S("t"), .attachments = &a, .attachment_count = 1 };
    int64_t id, failures = 0;
    for (int64_t n = 1;; n++) {
        d->w->faults = (struct fault_plan){ .fail_at = n, .fail_count = 1, .code = ERR_UNAVAILABLE };
        err_t e = task_create(&d->w->core, &ana.who, &request, d->a, &id);
        d->w->faults.fail_at = 0;
        if (!e)
            break;
        failures++;
        EXPECT_EQ(e->code, ERR_UNAVAILABLE);
        EXPECT_EQ(e->reason, REASON_NONE);
        EXPECT_EQ(world_event_count(d->w, S("task.create")), 0);
        EXPECT_EQ(file_of(d, &a).state, FILE_STORED);
    }
    EXPECT(failures > 5);
    EXPECT_EQ(world_event_count(d->w, S("task.create")), 1);
    EXPECT_EQ(file_of(d, &a).state, FILE_READY);
}

/* ---- shared tasks, and documents that came by ticket ---- */

#define TICKET_WORLD(name)                                                                                             \
    WORLD(w);                                                                                                          \
    struct ticket_fixture name = ticket_fixture_new(w);                                                                \
    struct principal ana = world_user(w, S("ana")), bia = world_user(w, S("bia"))

static enum core_reason make(struct world *w, const struct principal *who, const int64_t *documents, size_t count,
                             int64_t *ret_id)
{
    struct task_request request = {
        .text = S("t"), .is_silent = true, .is_shared = true, .documents = documents, .document_count = count
    };
    err_t e = task_create(&w->core, who, &request, w->a, ret_id);
    EXPECT((e != NULL) == (err_reason(e) != REASON_NONE));
    return err_reason(e);
}

static enum core_reason comment(struct world *w, const struct principal *who, int64_t task,
                                const struct task_comment *c, int64_t *ret_id)
{
    struct task_comment on_task = *c;
    on_task.task_id = task;
    err_t e = task_comment_add(&w->core, who, &on_task, w->a, ret_id);
    EXPECT((e != NULL) == (err_reason(e) != REASON_NONE));
    return err_reason(e);
}

static struct document document(struct world *w, const struct principal *who, int64_t id)
{
    struct document d;
    EXPECT_OK(document_get(&w->core, who, id, w->a, &d));
    return d;
}

TEST(shared_task_is_visible_to_everybody_of_its_account)
{
    TICKET_WORLD(p);
    struct account account;
    struct user user;
    struct task got;
    int64_t shared = ticket_fixture_task(&p, &ana), private, said;
    EXPECT_OK(account_create(&w->core, &w->operator_, S("acme"), w->a, &account));
    EXPECT_OK(user_create(&w->core, &w->operator_, &(struct user_request){ .account = S("acme"), .login = S("eve") },
                          w->a, &user));
    struct principal eve = world_principal(w, S("eve"));
    EXPECT_OK(task_create(&w->core, &ana, &(struct task_request){ .text = S("t") }, w->a, &private));
    EXPECT_OK(task_get_visible(&w->core, &bia, shared, w->a, &got));
    EXPECT(got.is_shared);
    EXPECT_ERR(task_get_visible(&w->core, &bia, private, w->a, &got), ERR_NOT_FOUND);
    EXPECT_ERR(task_get_visible(&w->core, &eve, shared, w->a, &got), ERR_NOT_FOUND);
    EXPECT_EQ(comment(w, &bia, shared, &(struct task_comment){ .text = S("x") }, &said), REASON_NONE);
    EXPECT_EQ(comment(w, &eve, shared, &(struct task_comment){ .text = S("x") }, &said), REASON_TASK_NOT_VISIBLE);
    EXPECT_ERR(task_remove(&w->core, &bia, shared, 0, w->a),
               ERR_FORBIDDEN); /* a user who sees a task may not remove it */
}

TEST(silent_task_has_no_first_comment)
{
    TICKET_WORLD(p);
    struct whole_task view;
    int64_t task = ticket_fixture_task(&p, &ana), id = ticket_fixture_document(&p, &ana, task, S("a"), S("x"));
    (void)bia;
    EXPECT_OK(whole_task_read(&w->core, &ana, task, w->a, &view));
    EXPECT_EQ(view.comment_count, 0);
    EXPECT_EQ(view.reference_count, 1);
    EXPECT_EQ(view.references[0].comment_id, 0);
    EXPECT_EQ(view.references[0].file_id, id);
    EXPECT_SLICE(view.task.text, S("a task"));
}

TEST(task_create_attaches_documents_that_belong_to_no_task)
{
    TICKET_WORLD(p);
    int64_t pending = ticket_fixture_issue(&p, &ana, 0, S("pending"), 1);
    int64_t ids[] = { ticket_fixture_document(&p, &ana, 0, S("ready"), S("x")), pending, pending, pending }, task;
    EXPECT_EQ(make(w, &ana, ids, LENGTH_OF(ids), &task), REASON_NONE);
    struct document ready = document(w, &ana, ids[0]), waits = document(w, &ana, pending);
    EXPECT(ready.task_id == task && ready.comment_id == 0 && ready.reference_id > 0);
    EXPECT(waits.task_id == task && waits.comment_id == 0 && waits.reference_id == 0);
    EXPECT_OK(ticket_fixture_put(&p, pending, S("x")));
    EXPECT_OK(ticket_fixture_confirm(&p, &ana, pending));
    waits = document(w, &bia, pending);
    EXPECT(waits.task_id == task && waits.reference_id > 0);
    struct whole_task view;
    EXPECT_OK(whole_task_read(&w->core, &ana, task, w->a, &view));
    EXPECT_EQ(view.reference_count, 2);
    world_wait(w, hours(48));
    world_run_jobs(w);
    EXPECT(ticket_fixture_has_file(&p, ids[0]) && ticket_fixture_has_file(&p, pending));
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(task_remove_deletes_many_pending_tickets_in_several_writes)
{
    TICKET_WORLD(p);
    int64_t task = ticket_fixture_task(&p, &ana), last = 0;
    for (int i = 0; i < 1201; i++)
        last = ticket_fixture_issue(&p, &ana, task, S("pending"), 1);
    uint64_t before = meta_generation(w->core.meta);
    EXPECT_OK(task_remove(&w->core, &ana, task, hours(24), w->a));
    EXPECT_EQ(meta_generation(w->core.meta) - before, 13); /* writes, each of at most 100 tickets */
    EXPECT(!ticket_fixture_has_file(&p, last));
    struct task gone;
    EXPECT_ERR(task_get_visible(&w->core, &bia, task, w->a, &gone), ERR_NOT_FOUND);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(comment_attaches_new_documents_and_leaves_those_of_its_task_in_place)
{
    TICKET_WORLD(p);
    int64_t task = ticket_fixture_task(&p, &ana), said;
    int64_t ids[] = { ticket_fixture_document(&p, &ana, 0, S("ready"), S("x")),
                      ticket_fixture_issue(&p, &ana, 0, S("pending"), 1),
                      ticket_fixture_document(&p, &ana, task, S("here"), S("x")),
                      ticket_fixture_issue(&p, &ana, task, S("pending here"), 1) };
    struct task_comment c = { .documents = ids, .document_count = LENGTH_OF(ids) };
    EXPECT_EQ(comment(w, &ana, task, &c, &said), REASON_NONE); /* a comment without text may attach files */
    for (size_t i = 0; i < LENGTH_OF(ids); i++) {
        struct document d = document(w, &ana, ids[i]);
        EXPECT_EQ(d.task_id, task);
        EXPECT_EQ(d.comment_id, i < 2 ? said : 0);
    }
    EXPECT_OK(ticket_fixture_put(&p, ids[1], S("x")));
    EXPECT_OK(ticket_fixture_confirm(&p, &ana, ids[1]));
    EXPECT_EQ(document(w, &bia, ids[1]).comment_id, said);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(task_refuses_documents_of_other_users_and_of_other_tasks)
{
    TICKET_WORLD(p);
    int64_t task = ticket_fixture_task(&p, &ana), other = ticket_fixture_task(&p, &ana), said, made;
    int64_t late = ticket_fixture_issue(&p, &ana, 0, S("late"), 1);
    world_wait(w, TICKET_PENDING_MS);
    int64_t bad[] = { 0,
                      -1,
                      12345,
                      late,
                      ticket_fixture_document(&p, &bia, 0, S("bia's"), S("x")),
                      ticket_fixture_issue(&p, &bia, 0, S("bia's"), 1),
                      ticket_fixture_document(&p, &ana, other, S("there"), S("x")),
                      ticket_fixture_issue(&p, &ana, other, S("pending there"), 1) };
    int64_t good = ticket_fixture_document(&p, &ana, 0, S("good"), S("x"));
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        int64_t both[] = { good, bad[i] };
        EXPECT_EQ(make(w, &ana, both, 2, &made), REASON_TASK_BAD_DOCUMENT);
        EXPECT_EQ(comment(w, &ana, task, &(struct task_comment){ .documents = both, .document_count = 2 }, &said),
                  REASON_TASK_BAD_DOCUMENT);
        EXPECT_EQ(document(w, &ana, good).task_id, 0); /* a refused request attaches nothing */
    }
    EXPECT_EQ(make(w, &ana, &good, 1, &made), REASON_NONE);
    EXPECT_EQ(make(w, &ana, &good, 1, &made), REASON_TASK_BAD_DOCUMENT); /* it belongs to a task now */
}

TEST(task_refuses_a_pending_upload_as_attachment)
{
    TICKET_WORLD(p);
    struct attachment a = { .kind = ATTACH_UPLOAD };
    struct task_request request = { .text = S("t"), .attachments = &a, .attachment_count = 1 };
    int64_t task, id = ticket_fixture_issue(&p, &ana, 0, S("a"), 5);
    (void)bia;
    EXPECT_OK(ticket_fixture_put(&p, id, S("hello")));
    memcpy(a.uuid, document(w, &ana, id).file.uuid, sizeof a.uuid);
    EXPECT_REFUSED(task_create(&w->core, &ana, &request, w->a, &task), REASON_TASK_BAD_ATTACHMENT);
    EXPECT_OK(ticket_fixture_confirm(&p, &ana, id));
    EXPECT_OK(task_create(&w->core, &ana, &request, w->a, &task));
}

TEST(comment_refuses_to_be_about_a_file_of_another_task)
{
    TICKET_WORLD(p);
    int64_t task = ticket_fixture_task(&p, &ana), said, there = ticket_fixture_document(&p, &ana, task, S("a"), S("x"));
    int64_t bad[] = { 777, ticket_fixture_issue(&p, &ana, task, S("pending"), 1),
                      ticket_fixture_document(&p, &ana, 0, S("b"), S("x")),
                      ticket_fixture_document(&p, &ana, ticket_fixture_task(&p, &ana), S("c"), S("x")) };
    struct whole_task view;
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_EQ(comment(w, &bia, task, &(struct task_comment){ .text = S("x"), .file_id = bad[i] }, &said),
                  REASON_TASK_BAD_DOCUMENT);
    EXPECT_EQ(comment(w, &bia, task, &(struct task_comment){ .file_id = there }, &said), REASON_TASK_NOTHING_SAID);
    EXPECT_EQ(comment(w, &bia, task, &(struct task_comment){ .text = S("x"), .file_id = there }, &said), 0);
    EXPECT_EQ(comment(w, &bia, task, &(struct task_comment){ .text = S("y") }, &said), 0);
    EXPECT_OK(whole_task_read(&w->core, &ana, task, w->a, &view));
    EXPECT_EQ(view.comment_count, 2);
    EXPECT_EQ(view.comments[0].file_id, there);
    EXPECT_EQ(view.comments[1].file_id, 0);
}

TEST(task_remove_deletes_documents_at_once_and_other_files_after_their_time)
{
    TICKET_WORLD(p);
    int64_t task = ticket_fixture_task(&p, &ana), said;
    int64_t anas = ticket_fixture_document(&p, &ana, task, S("a"), S("x")),
            bias = ticket_fixture_document(&p, &bia, task, S("b"), S("x"));
    int64_t claimed = ticket_fixture_document(&p, &bia, 0, S("c"), S("x"));
    EXPECT_EQ(comment(w, &bia, task, &(struct task_comment){ .documents = &claimed, .document_count = 1 }, &said), 0);
    struct file direct = world_store(w, &ana, S("d"), S("x"), hours(1)), kept = world_store(w, &ana, S("k"), S("x"), 0);
    struct attachment both[] = { { .kind = ATTACH_UPLOAD }, { .kind = ATTACH_UPLOAD } };
    memcpy(both[0].uuid, direct.uuid, sizeof direct.uuid);
    memcpy(both[1].uuid, kept.uuid, sizeof kept.uuid);
    EXPECT_EQ(comment(w, &ana, task, &(struct task_comment){ .attachments = both, .attachment_count = 2 }, &said), 0);
    /* another task holds bia's document, too */
    struct attachment again = { .kind = ATTACH_REFERENCE, .reference_id = document(w, &bia, bias).reference_id };
    int64_t other = ticket_fixture_task(&p, &bia);
    EXPECT_EQ(comment(w, &bia, other, &(struct task_comment){ .attachments = &again, .attachment_count = 1 }, &said),
              0);

    EXPECT_OK(task_remove(&w->core, &ana, task, hours(2), w->a));
    EXPECT(!ticket_fixture_has_file(&p, anas) && !ticket_fixture_has_file(&p, claimed)); /* of any uploader */
    EXPECT(ticket_fixture_has_file(&p, bias) && ticket_fixture_has_file(&p, direct.id) &&
           ticket_fixture_has_file(&p, kept.id));
    EXPECT_EQ(document(w, &bia, bias).task_id, other);
    world_wait(w, hours(2));
    world_run_jobs(w);
    EXPECT(ticket_fixture_has_file(&p, bias) && !ticket_fixture_has_file(&p, direct.id) &&
           ticket_fixture_has_file(&p, kept.id));
    EXPECT_OK(task_remove(&w->core, &bia, other, hours(2), w->a));
    EXPECT(!ticket_fixture_has_file(&p, bias));
    EXPECT_EQ(world_fsck(w, true), 0);
}

enum { WINDOW_MS = 900000 };

static enum core_reason take_back(struct world *w, const struct principal *who, int64_t id)
{
    struct task_comment_removal removal = { .comment_id = id, .window_ms = WINDOW_MS, .purge_after_ms = hours(2) };
    err_t e = task_comment_remove(&w->core, who, &removal, w->a);
    EXPECT((e != NULL) == (err_reason(e) != REASON_NONE));
    return err_reason(e);
}

TEST(comment_is_removed_by_its_author_within_the_window_only)
{
    TICKET_WORLD(p);
    struct principal boss = world_admin(w, S("boss"));
    int64_t task = ticket_fixture_task(&p, &ana), one, two, three;
    struct comment got;
    struct task of;
    EXPECT_EQ(comment(w, &bia, task, &(struct task_comment){ .text = S("1") }, &one), 0);
    EXPECT_EQ(comment(w, &bia, task, &(struct task_comment){ .text = S("2") }, &two), 0);
    EXPECT_EQ(comment(w, &bia, task, &(struct task_comment){ .text = S("3") }, &three), 0);
    EXPECT_OK(task_comment_get(&w->core, &ana, one, w->a, &got, &of));
    EXPECT_SLICE(got.text, S("1"));
    EXPECT_EQ(of.id, task);
    EXPECT_EQ(take_back(w, &ana, one), REASON_TASK_MAY_NOT_EDIT);
    EXPECT_EQ(take_back(w, &bia, 999), REASON_TASK_NOT_VISIBLE);
    world_wait(w, WINDOW_MS - 1);
    EXPECT_EQ(take_back(w, &bia, one), REASON_NONE);
    EXPECT_EQ(take_back(w, &bia, one), REASON_TASK_NOT_VISIBLE);
    EXPECT_ERR(task_comment_get(&w->core, &ana, one, w->a, &got, &of), ERR_NOT_FOUND);
    world_wait(w, 1);
    EXPECT_EQ(take_back(w, &bia, two), REASON_TASK_MAY_NOT_EDIT);
    EXPECT_EQ(take_back(w, &boss, two), REASON_NONE);
    EXPECT_EQ(world_event_count(w, S("task.comment_remove")), 2);
    struct whole_task view;
    EXPECT_OK(whole_task_read(&w->core, &ana, task, w->a, &view));
    EXPECT_EQ(view.comment_count, 1);
}

TEST(comment_remove_ends_files_that_only_the_comment_held)
{
    TICKET_WORLD(p);
    int64_t task = ticket_fixture_task(&p, &ana), said;
    int64_t ids[] = { ticket_fixture_document(&p, &bia, 0, S("ready"), S("x")),
                      ticket_fixture_issue(&p, &bia, 0, S("pending"), 1),
                      ticket_fixture_document(&p, &bia, task, S("of the task"), S("x")) };
    struct file direct = world_store(w, &bia, S("d"), S("x"), hours(1));
    struct attachment a = { .kind = ATTACH_UPLOAD };
    memcpy(a.uuid, direct.uuid, sizeof a.uuid);
    struct task_comment c = { .documents = ids, .document_count = 3, .attachments = &a, .attachment_count = 1 };
    EXPECT_EQ(comment(w, &bia, task, &c, &said), 0);
    int64_t later = ticket_fixture_issue(&p, &bia, task, S("pending of the task"), 1);
    EXPECT_EQ(take_back(w, &bia, said), REASON_NONE);
    EXPECT(!ticket_fixture_has_file(&p, ids[0]) && !ticket_fixture_has_file(&p, ids[1]));
    EXPECT(ticket_fixture_has_file(&p, ids[2]) && ticket_fixture_has_file(&p, direct.id) &&
           ticket_fixture_has_file(&p, later));
    world_wait(w, hours(2));
    world_run_jobs(w);
    EXPECT(!ticket_fixture_has_file(&p, direct.id) && ticket_fixture_has_file(&p, ids[2]));
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(task_list_shows_only_tasks_that_the_user_sees)
{
    TICKET_WORLD(p);
    struct principal boss = world_admin(w, S("boss"));
    struct task_page page;
    int64_t private, said, ids[] = { ticket_fixture_task(&p, &ana), ticket_fixture_task(&p, &bia) };
    struct task_member member = { bia.user_id, TASK_SUBSCRIBER };
    EXPECT_OK(task_create(&w->core, &ana, &(struct task_request){ .text = S("t") }, w->a, &private));
    struct task_list_request request = { .closed = -1, .limit = 10 };
    EXPECT_OK(task_list(&w->core, &bia, &request, w->a, &page));
    EXPECT(page.count == 2 && page.total == 2 && page.ids[0] == ids[0] && page.ids[1] == ids[1]);
    EXPECT_OK(task_list(&w->core, &boss, &request, w->a, &page));
    EXPECT_EQ(page.total, 3);
    request.author_id = ana.user_id;
    EXPECT_OK(task_list(&w->core, &bia, &request, w->a, &page));
    EXPECT(page.count == 1 && page.ids[0] == ids[0]);
    EXPECT_EQ(comment(w, &ana, private, &(struct task_comment){ .added = &member, .added_count = 1 }, &said), 0);
    request.descending = true;
    request.limit = 1;
    EXPECT_OK(task_list(&w->core, &bia, &request, w->a, &page));
    EXPECT(page.count == 1 && page.total == 2 && page.ids[0] == private);
    request = (struct task_list_request){ .closed = -1, .limit = 10, .ids = &private, .id_count = 1 };
    EXPECT_OK(task_list(&w->core, &bia, &request, w->a, &page));
    EXPECT_EQ(page.count, 1);
}

RUN_TESTS(cmocka_unit_test(task_create_that_fails_changes_nothing),
          cmocka_unit_test(reference_holds_its_file_until_the_task_is_removed),
          cmocka_unit_test(every_change_of_a_task_writes_an_event),
          cmocka_unit_test(task_refuses_more_than_its_maximum_of_references),
          cmocka_unit_test(a_request_attaches_at_most_200_files_links_and_documents),
          cmocka_unit_test(a_request_names_at_most_300_people_and_a_task_has_at_most_1000_members),
          cmocka_unit_test(task_refuses_more_than_its_maximum_of_comments),
          cmocka_unit_test(task_refuses_more_than_its_maximum_of_comment_text),
          cmocka_unit_test(comment_merges_details_of_the_task_one_level_deep),
          cmocka_unit_test(task_refuses_a_deleted_user_as_member),
          cmocka_unit_test(reference_open_needs_a_visible_task_and_refuses_a_link),
          cmocka_unit_test(shared_task_is_visible_to_everybody_of_its_account),
          cmocka_unit_test(silent_task_has_no_first_comment),
          cmocka_unit_test(task_create_attaches_documents_that_belong_to_no_task),
          cmocka_unit_test(task_remove_deletes_many_pending_tickets_in_several_writes),
          cmocka_unit_test(comment_attaches_new_documents_and_leaves_those_of_its_task_in_place),
          cmocka_unit_test(task_refuses_documents_of_other_users_and_of_other_tasks),
          cmocka_unit_test(task_refuses_a_pending_upload_as_attachment),
          cmocka_unit_test(comment_refuses_to_be_about_a_file_of_another_task),
          cmocka_unit_test(task_remove_deletes_documents_at_once_and_other_files_after_their_time),
          cmocka_unit_test(comment_is_removed_by_its_author_within_the_window_only),
          cmocka_unit_test(comment_remove_ends_files_that_only_the_comment_held),
          cmocka_unit_test(task_list_shows_only_tasks_that_the_user_sees))
