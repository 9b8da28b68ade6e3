/* SPDX-License-Identifier: Apache-2.0 */
/* Documents: visibility, lists, bytes, deletion. */
#include "test.h"
#include "ticket_fixture.h"
#include "whole_task.h"

#define TICKET_FIXTURE(name)                                                                                           \
    WORLD(w);                                                                                                          \
    struct ticket_fixture name = ticket_fixture_new(w);                                                                \
    struct principal ana = world_user(w, S("ana")), bia = world_user(w, S("bia"));                                     \
    int64_t task = ticket_fixture_task(&name, &ana)

enum { WINDOW_MS = 900000 };

static err_t see(struct world *w, const struct principal *who, int64_t id)
{
    struct document d;
    return document_get(&w->core, who, id, w->a, &d);
}

static err_t erase(struct world *w, const struct principal *who, int64_t id)
{
    return document_delete(&w->core, who, id, WINDOW_MS, w->a);
}

static err_t list_documents(struct world *w, const struct principal *who, int64_t task, size_t offset, size_t limit,
                            struct document_page *ret)
{
    struct document_list_request request = { .task_id = task, .offset = offset, .limit = limit };
    return document_list(&w->core, who, &request, w->a, ret);
}

static slice bytes_of(struct world *w, const struct principal *who, int64_t id)
{
    struct document d;
    struct content content;
    EXPECT_OK(document_open(&w->core, who, id, w->a, &d, &content));
    slice bytes = arena_copy(w->a, content.bytes);
    content_close(&content);
    return bytes;
}

static struct attachment attachment_of(const struct file *f)
{
    struct attachment a = { .kind = ATTACH_UPLOAD };
    for (size_t i = 0; i < sizeof a.uuid; i++)
        a.uuid[i] = f->uuid[i];
    return a;
}

static int64_t private_task(struct world *w, const struct principal *who, const struct file *f)
{
    struct attachment a = attachment_of(f);
    struct task_request request = { .text = S("private"), .attachments = &a, .attachment_count = 1 };
    int64_t id;
    EXPECT_OK(task_create(&w->core, who, &request, w->a, &id));
    return id;
}

/* ---- visibility, lists, bytes ---- */

TEST(document_without_ticket_is_visible_to_owner_admins_and_who_sees_its_task)
{
    TICKET_FIXTURE(p);
    struct principal boss = world_admin(w, S("boss"));
    struct file f = world_store(w, &ana, S("a"), S("hello"), hours(1));
    EXPECT_OK(see(w, &ana, f.id));
    EXPECT_OK(see(w, &boss, f.id));
    EXPECT_ERR(see(w, &bia, f.id), ERR_NOT_FOUND);
    private_task(w, &ana, &f);
    EXPECT_ERR(see(w, &bia, f.id), ERR_NOT_FOUND);
    struct attachment a = attachment_of(&f);
    int64_t comment;
    struct task_comment on_shared_task = { .task_id = task, .attachments = &a, .attachment_count = 1 };
    EXPECT_OK(task_comment_add(&w->core, &ana, &on_shared_task, w->a, &comment));
    EXPECT_OK(see(w, &bia, f.id));
    EXPECT_SLICE(bytes_of(w, &bia, f.id), S("hello"));
    EXPECT_ERR(see(w, &bia, 777), ERR_NOT_FOUND);
}

TEST(document_open_refuses_a_pending_document)
{
    TICKET_FIXTURE(p);
    struct document d;
    struct content content;
    int64_t id = ticket_fixture_issue(&p, &ana, task, S("a"), 5);
    EXPECT_ERR(document_open(&w->core, &ana, id, w->a, &d, &content), ERR_NOT_FOUND);
    EXPECT_OK(ticket_fixture_put(&p, id, S("hello")));
    EXPECT_ERR(document_open(&w->core, &ana, id, w->a, &d, &content), ERR_NOT_FOUND);
    EXPECT_OK(ticket_fixture_confirm(&p, &ana, id));
    EXPECT_SLICE(bytes_of(w, &ana, id), S("hello"));
    EXPECT_SLICE(bytes_of(w, &bia, id), S("hello")); /* from the cache */
}

TEST(document_list_shows_each_confirmed_document_of_a_task_once)
{
    TICKET_FIXTURE(p);
    struct document_page page;
    int64_t comment, ids[4];
    ids[0] = ticket_fixture_document(&p, &ana, task, S("a"), S("a"));
    ticket_fixture_issue(&p, &ana, task, S("pending"), 1);
    ids[1] = ticket_fixture_document(&p, &bia, task, S("b"), S("b"));
    ids[2] = ticket_fixture_document(&p, &bia, 0, S("c"), S("c"));
    ticket_fixture_document(&p, &bia, ticket_fixture_task(&p, &bia), S("elsewhere"), S("x"));
    struct task_comment with_document = { .task_id = task, .documents = &ids[2], .document_count = 1 };
    EXPECT_OK(task_comment_add(&w->core, &bia, &with_document, w->a, &comment));
    ids[3] = ticket_fixture_document(&p, &ana, task, S("d"), S("d"));
    struct whole_task view;
    EXPECT_OK(whole_task_read(&w->core, &ana, task, w->a, &view));
    struct attachment again = { .kind = ATTACH_REFERENCE, .reference_id = view.references[0].id };
    struct task_comment with_reference = { .task_id = task, .attachments = &again, .attachment_count = 1 };
    EXPECT_OK(task_comment_add(&w->core, &ana, &with_reference, w->a, &comment));
    EXPECT_OK(list_documents(w, &bia, task, 0, 100, &page));
    EXPECT_EQ(page.count, 4);
    EXPECT_EQ(page.total, 4);
    for (size_t i = 0; i < page.count; i++) {
        EXPECT_EQ(page.items[i].file.id, ids[i]);
        EXPECT_EQ(page.items[i].task_id, task);
        EXPECT_EQ(page.items[i].comment_id != 0, i == 2);
    }
    EXPECT_OK(list_documents(w, &bia, task, 1, 2, &page));
    EXPECT_EQ(page.count, 2);
    EXPECT_EQ(page.items[0].file.id, ids[1]);
    EXPECT_EQ(page.total, 4);
    EXPECT_OK(list_documents(w, &bia, task, 4, 2, &page));
    EXPECT_EQ(page.count, 0);
    EXPECT_ERR(list_documents(w, &bia, 9999, 0, 2, &page), ERR_NOT_FOUND);
    struct file f = world_store(w, &ana, S("f"), S("x"), hours(1));
    EXPECT_ERR(list_documents(w, &bia, private_task(w, &ana, &f), 0, 2, &page), ERR_NOT_FOUND);
}

/* ---- deleting ---- */

TEST(document_delete_removes_record_references_and_bytes)
{
    TICKET_FIXTURE(p);
    slice large = world_bytes(w, 40000);
    struct file f = world_store(w, &ana, S("large"), large, hours(1)); /* a blob, without a ticket */
    int64_t small = ticket_fixture_document(&p, &ana, task, S("a"), S("hello")), held = private_task(w, &ana, &f);
    EXPECT_ERR(erase(w, &bia, f.id), ERR_NOT_FOUND);
    EXPECT_OK(erase(w, &ana, small));
    EXPECT_OK(erase(w, &ana, f.id));
    EXPECT_ERR(erase(w, &ana, small), ERR_NOT_FOUND);
    EXPECT(!ticket_fixture_has_file(&p, small) && !ticket_fixture_has_file(&p, f.id));
    struct whole_task view;
    EXPECT_OK(whole_task_read(&w->core, &ana, task, w->a, &view));
    EXPECT_EQ(view.reference_count, 0);
    EXPECT_OK(whole_task_read(&w->core, &ana, held, w->a, &view));
    EXPECT_EQ(view.reference_count, 0);
    EXPECT_EQ(world_event_count(w, S("task.detach")), 2);
    EXPECT_EQ(world_event_count(w, S("file.delete")), 2);
    EXPECT_EQ(world_account(w).used_bytes, 0);
    world_wait(w, WORLD_GRACE_MS + hours(6));
    world_run_jobs(w);
    EXPECT_EQ(world_blob_count(w), 0);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(document_delete_is_for_the_owner_within_the_window_only)
{
    TICKET_FIXTURE(p);
    struct principal boss = world_admin(w, S("boss"));
    int64_t one = ticket_fixture_document(&p, &ana, task, S("a"), S("x")),
            two = ticket_fixture_document(&p, &ana, task, S("b"), S("x"));
    world_wait(w, WINDOW_MS - 1);
    EXPECT_ERR(erase(w, &bia, one), ERR_FORBIDDEN);
    EXPECT_OK(erase(w, &ana, one));
    world_wait(w, 1); /* now exactly the window has passed */
    EXPECT_ERR(erase(w, &ana, two), ERR_FORBIDDEN);
    EXPECT(ticket_fixture_has_file(&p, two));
    EXPECT_OK(erase(w, &boss, two));
}

TEST(document_delete_lets_the_owner_delete_a_pending_file_at_any_time)
{
    TICKET_FIXTURE(p);
    struct principal boss = world_admin(w, S("boss"));
    for (int with_bytes = 0; with_bytes < 2; with_bytes++) {
        int64_t id = ticket_fixture_issue(&p, &ana, task, S("a"), 5);
        if (with_bytes)
            EXPECT_OK(ticket_fixture_put(&p, id, S("hello")));
        world_wait(w, TICKET_PENDING_MS - 1);
        EXPECT_ERR(erase(w, &bia, id), ERR_NOT_FOUND);
        EXPECT_ERR(erase(w, &boss, id), ERR_NOT_FOUND); /* a pending file is visible to its owner only */
        EXPECT_OK(erase(w, &ana, id));
        EXPECT_ERR(ticket_fixture_put(&p, id, S("hello")), ERR_NOT_FOUND);
    }
    EXPECT_EQ(world_account(w).used_files, 0);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(document_delete_keeps_comments_about_the_file)
{
    TICKET_FIXTURE(p);
    int64_t id = ticket_fixture_document(&p, &ana, task, S("a"), S("x")), comment;
    struct comment got;
    struct task of;
    struct task_comment about_file = { .task_id = task, .text = S("nice"), .file_id = id };
    EXPECT_OK(task_comment_add(&w->core, &bia, &about_file, w->a, &comment));
    EXPECT_OK(task_comment_get(&w->core, &ana, comment, w->a, &got, &of));
    EXPECT_EQ(got.file_id, id);
    EXPECT_OK(erase(w, &ana, id));
    EXPECT_OK(task_comment_get(&w->core, &ana, comment, w->a, &got, &of));
    EXPECT_EQ(got.file_id, 0);
    EXPECT_SLICE(got.text, S("nice"));
}

RUN_TESTS(cmocka_unit_test(document_without_ticket_is_visible_to_owner_admins_and_who_sees_its_task),
          cmocka_unit_test(document_open_refuses_a_pending_document),
          cmocka_unit_test(document_list_shows_each_confirmed_document_of_a_task_once),
          cmocka_unit_test(document_delete_removes_record_references_and_bytes),
          cmocka_unit_test(document_delete_is_for_the_owner_within_the_window_only),
          cmocka_unit_test(document_delete_lets_the_owner_delete_a_pending_file_at_any_time),
          cmocka_unit_test(document_delete_keeps_comments_about_the_file))
