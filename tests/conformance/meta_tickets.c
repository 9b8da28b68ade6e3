/* SPDX-License-Identifier: Apache-2.0 */
/* Holds every database to the headers of core/store/: tickets, documents, lists of tasks, and secrets. */
#include "core/records/bucket.h"
#include "core/records/comment.h"
#include "core/records/credential.h"
#include "core/records/document.h"
#include "core/records/reference.h"
#include "core/records/task.h"
#include "core/records/ticket.h"
#include "core/store/bucket_store.h"
#include "core/store/comment_store.h"
#include "core/store/credential_store.h"
#include "core/store/document_store.h"
#include "core/store/reference_store.h"
#include "core/store/task_store.h"
#include "core/store/ticket_store.h"
#include "meta_suite.h"

static const struct holder the_task = { HOLDER_TASK, 1 }, the_comment = { HOLDER_COMMENT, 1 }, nothing = { 0 };

static bool is_holder(struct holder one, struct holder other)
{
    return one.kind == other.kind && one.id == other.id;
}

/* Bucket 1; bob (user 2); task 1 and its comment 1. */
IN_WRITE(add_task_and_bob)
{
    struct meta_world *w = arg;
    struct bucket b = { .owner_id = w->user, .name = S("docs"), .kind = BUCKET_GUARDED };
    struct task t = { .account_id = w->account, .author_id = w->user, .text = S("Fix it"), .is_shared = true };
    struct comment m = { .task_id = 1, .author_id = w->user, .text = S("how?") };
    int64_t id;
    TRY(meta_bucket_add(tx, &b, a, &id));
    TRY(meta_user_add(tx, &(struct user){ .account_id = w->account, .login = S("bob"), .name = S("Bob") }, a, &id));
    TRY(meta_task_add(tx, &t, a, &id));
    return meta_comment_add(tx, &m, a, &id);
}

static void world_with_task(struct meta_world *w, enum database_kind kind)
{
    meta_world_init(w, kind, INLINE);
    RUN_WRITE(w, add_task_and_bob);
}

static err_t issue(struct meta_tx *tx, struct meta_world *w, unsigned char number, slice name, struct arena *a,
                   struct ticket *ret)
{
    struct file f = { .uuid = { number },
                      .account_id = w->account,
                      .owner_id = 2,
                      .origin = S("test"),
                      .name = name,
                      .state = FILE_ISSUED,
                      .created_at_ms = number,
                      .purge_at_ms = 1000 };
    TRY(meta_file_add(tx, &f, a, &f.id));
    *ret = (struct ticket){ .file_id = f.id,
                            .bucket_id = 1,
                            .key = arena_printf(a, "docs/%d", number),
                            .declared_bytes = 5,
                            .expires_at_ms = 500,
                            .holder = the_task };
    return meta_ticket_add(tx, ret, a);
}

static err_t attach_file(struct meta_tx *tx, struct meta_world *w, int64_t task_id, int64_t comment_id, int64_t file_id,
                         struct arena *a)
{
    struct reference r = {
        .account_id = w->account, .task_id = task_id, .comment_id = comment_id, .file_id = file_id, .name = S("shown")
    };
    return meta_reference_add(tx, &r, a);
}

/* ---- the life of one ticket ---- */

IN_WRITE(add_three_tickets)
{
    struct meta_world *w = arg;
    struct ticket k;
    TRY(issue(tx, w, 1, S("a.txt"), a, &k));
    EXPECT_ERR(meta_ticket_add(tx, &k, a), ERR_CONFLICT); /* the file has a ticket already */
    TRY(issue(tx, w, 2, S("b.txt"), a, &k));
    TRY(meta_ticket_set_holder(tx, k.file_id, the_comment, a));
    TRY(issue(tx, w, 3, S("c.txt"), a, &k));
    TRY(meta_ticket_set_holder(tx, k.file_id, nothing, a));
    EXPECT_ERR(meta_ticket_set_holder(tx, 99, nothing, a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_ticket_confirm(tx, 99, 1, a), ERR_NOT_FOUND);
    return NULL;
}

IN_WRITE(add_second_ticket_for_a_key)
{
    struct ticket k;
    return issue(tx, arg, 1, S("a.txt"), a, &k);
}

FOR_EACH_DATABASE(a_ticket_is_found_by_file_key_and_task)
{
    struct meta_world w;
    world_with_task(&w, kind);
    RUN_WRITE(&w, add_three_tickets);
    EXPECT_ERR(meta_write(w.store, add_second_ticket_for_a_key, &w, w.a), ERR_CONFLICT);
    struct meta_tx *tx = snapshot(&w);
    struct ticket k;
    struct ticket_list pending;
    struct file_id_list files;
    EXPECT_OK(meta_ticket_get(tx, 1, w.a, &k));
    EXPECT(k.file_id == 1 && k.bucket_id == 1 && k.declared_bytes == 5 && k.expires_at_ms == 500 &&
           k.confirmed_at_ms == 0 && is_holder(k.holder, the_task));
    EXPECT_SLICE(k.key, S("docs/1"));
    EXPECT_OK(meta_ticket_by_key(tx, 1, S("docs/2"), w.a, &k));
    EXPECT(k.file_id == 2 && is_holder(k.holder, the_comment));
    EXPECT_ERR(meta_ticket_by_key(tx, 2, S("docs/2"), w.a, &k), ERR_NOT_FOUND);
    EXPECT_ERR(meta_ticket_by_key(tx, 1, S("docs/"), w.a, &k), ERR_NOT_FOUND);
    EXPECT_ERR(meta_ticket_get(tx, 99, w.a, &k), ERR_NOT_FOUND);
    EXPECT_OK(meta_document_pending(tx, 1, 100, w.a, &files));
    EXPECT(files.count == 2 && files.items[0] == 1 && files.items[1] == 2);
    EXPECT_OK(meta_document_pending(tx, 1, 1, w.a, &files));
    EXPECT(files.count == 1 && files.items[0] == 1);
    EXPECT_OK(meta_document_pending(tx, 2, 100, w.a, &files));
    EXPECT_EQ(files.count, 0);
    EXPECT_OK(meta_ticket_pending(tx, the_task, 100, w.a, &pending));
    EXPECT(pending.count == 1 && pending.items[0].file_id == 1);
    EXPECT_OK(meta_ticket_pending(tx, the_comment, 100, w.a, &pending));
    EXPECT(pending.count == 1 && pending.items[0].file_id == 2);
    EXPECT_OK(meta_ticket_pending(tx, the_comment, 0, w.a, &pending));
    EXPECT_EQ(pending.count, 0);
    meta_read_end(tx);
    meta_world_release(&w);
}

IN_WRITE(put_bytes_twice)
{
    struct meta_world *w = arg;
    struct object first, second;
    int64_t old = -1;
    TRY(add_object(tx, w, S("fIrst"), a, &first));
    TRY(add_object(tx, w, S("final"), a, &second));
    TRY(meta_file_set_object(tx, 1, &first, 20, a, &old));
    EXPECT_EQ(old, 0);
    TRY(meta_file_set_object(tx, 1, &second, 30, a, &old));
    EXPECT_EQ(old, first.id);
    TRY(meta_object_release(tx, old, 30, a));
    TRY(meta_ticket_confirm(tx, 1, 40, a));
    EXPECT_ERR(meta_ticket_confirm(tx, 1, 41, a), ERR_NOT_FOUND); /* it is confirmed */
    EXPECT_ERR(meta_ticket_set_holder(tx, 1, the_task, a), ERR_NOT_FOUND);
    TRY(meta_file_move(tx, 1, FILE_STORED, FILE_READY, 0, a));
    EXPECT_ERR(meta_file_set_object(tx, 1, &first, 50, a, &old), ERR_CONFLICT);
    EXPECT_ERR(meta_file_set_object(tx, 99, &first, 50, a, &old), ERR_NOT_FOUND);
    return NULL;
}

FOR_EACH_DATABASE(new_bytes_replace_the_first_until_the_ticket_is_confirmed)
{
    struct meta_world w;
    world_with_task(&w, kind);
    RUN_WRITE(&w, add_three_tickets);
    RUN_WRITE(&w, put_bytes_twice);
    struct meta_tx *tx = snapshot(&w);
    struct file f;
    struct object o;
    struct ticket k;
    struct file_id_list pending;
    EXPECT_OK(meta_file_with_object(tx, (unsigned char[16]){ 1 }, w.a, &f, &o));
    EXPECT(f.state == FILE_READY && f.stored_at_ms == 30 && f.size_bytes == 5);
    EXPECT_SLICE(o.inline_bytes, S("final"));
    unsigned char md5[MD5_SIZE];
    hash_md5(S("final"), md5);
    EXPECT_EQ(memcmp(f.md5, md5, MD5_SIZE), 0);
    EXPECT_OK(meta_ticket_get(tx, 1, w.a, &k));
    EXPECT(k.confirmed_at_ms == 40 && is_holder(k.holder, nothing));
    EXPECT_OK(meta_document_pending(tx, 1, 100, w.a, &pending));
    EXPECT(pending.count == 1 && pending.items[0] == 2);
    meta_read_end(tx);
    meta_world_release(&w);
}

IN_WRITE(remove_the_comment)
{
    (void)arg;
    return meta_comment_remove(tx, 1, a);
}

IN_WRITE(remove_the_task)
{
    (void)arg;
    return meta_task_remove(tx, 1, a);
}

IN_WRITE(remove_pending_file)
{
    (void)arg;
    return meta_file_remove(tx, 2, a);
}

FOR_EACH_DATABASE(a_task_cannot_be_removed_while_a_pending_ticket_names_it)
{
    struct meta_world w;
    world_with_task(&w, kind);
    RUN_WRITE(&w, add_three_tickets);
    EXPECT_ERR(meta_write(w.store, remove_the_comment, &w, w.a), ERR_CONFLICT);
    EXPECT_ERR(meta_write(w.store, remove_the_task, &w, w.a), ERR_CONFLICT);
    RUN_WRITE(&w, put_bytes_twice);                                          /* confirms the ticket of file 1 */
    EXPECT_ERR(meta_write(w.store, remove_the_task, &w, w.a), ERR_CONFLICT); /* file 2 names its comment */
    RUN_WRITE(&w, remove_pending_file);
    RUN_WRITE(&w, remove_the_comment);
    EXPECT_ERR(meta_write(w.store, remove_the_comment, &w, w.a), ERR_NOT_FOUND);
    RUN_WRITE(&w, remove_the_task);
    EXPECT_ERR(meta_write(w.store, remove_the_task, &w, w.a), ERR_NOT_FOUND);
    struct meta_tx *tx = snapshot(&w);
    struct ticket k;
    EXPECT_OK(meta_ticket_get(tx, 1, w.a, &k)); /* the confirmed ticket stays with its file */
    EXPECT(is_holder(k.holder, nothing) && k.confirmed_at_ms == 40);
    EXPECT_ERR(meta_ticket_get(tx, 2, w.a, &k), ERR_NOT_FOUND);
    meta_read_end(tx);
    meta_world_release(&w);
}

/* ---- documents ---- */

IN_WRITE(attach_documents)
{
    struct meta_world *w = arg;
    struct task other = { .account_id = w->account, .author_id = w->user, .text = S("Other") };
    int64_t id;
    TRY(meta_task_add(tx, &other, a, &id)); /* 2 */
    TRY(attach_file(tx, w, 2, 0, 1, a));    /* reference 1 */
    TRY(attach_file(tx, w, 1, 0, 1, a));
    TRY(attach_file(tx, w, 1, 1, 1, a));
    struct reference link = { .account_id = w->account, .task_id = 1, .url = S("https://example.org") };
    TRY(meta_reference_add(tx, &link, a)); /* 4: no file */
    struct object o;
    struct file plain = { .uuid = { 9 },
                          .account_id = w->account,
                          .owner_id = w->user,
                          .name = S("a.txt"),
                          .state = FILE_READY,
                          .size_bytes = 3 };
    TRY(add_object(tx, w, S("abc"), a, &o));
    plain.object_id = o.id;
    TRY(meta_file_add(tx, &plain, a, &plain.id)); /* 4: without ticket */
    return attach_file(tx, w, 1, 1, plain.id, a); /* reference 5 */
}

FOR_EACH_DATABASE(a_document_names_the_task_that_it_is_attached_to)
{
    struct meta_world w;
    world_with_task(&w, kind);
    RUN_WRITE(&w, add_three_tickets);
    RUN_WRITE(&w, put_bytes_twice);
    RUN_WRITE(&w, attach_documents);
    struct meta_tx *tx = snapshot(&w);
    struct document d;
    EXPECT_OK(meta_document_get(tx, 1, w.a, &d));
    EXPECT(d.file.id == 1 && d.file.state == FILE_READY && d.has_ticket && d.ticket.confirmed_at_ms == 40);
    EXPECT(d.reference_id == 1 && d.task_id == 2 && d.comment_id == 0);
    EXPECT_SLICE(d.task_text, S("Other"));
    EXPECT_SLICE(d.owner_name, S("Bob"));
    EXPECT_SLICE(d.file.owner_login, S("bob"));
    EXPECT_SLICE(d.ticket.key, S("docs/1"));
    EXPECT_OK(meta_document_get(tx, 2, w.a, &d)); /* the ticket names the task */
    EXPECT(d.reference_id == 0 && d.task_id == 1 && d.comment_id == 1 && d.file.state == FILE_ISSUED);
    EXPECT_SLICE(d.task_text, S("Fix it"));
    EXPECT_OK(meta_document_get(tx, 3, w.a, &d)); /* no task */
    EXPECT(d.has_ticket && d.reference_id == 0 && d.task_id == 0 && d.task_text.n == 0);
    EXPECT_OK(meta_document_get(tx, 4, w.a, &d));
    EXPECT(!d.has_ticket && d.ticket.key.n == 0 && d.reference_id == 5 && d.task_id == 1 && d.comment_id == 1);
    EXPECT_ERR(meta_document_get(tx, 99, w.a, &d), ERR_NOT_FOUND);
    meta_read_end(tx);
    meta_world_release(&w);
}

FOR_EACH_DATABASE(a_task_lists_each_of_its_documents_once)
{
    struct meta_world w;
    world_with_task(&w, kind);
    RUN_WRITE(&w, add_three_tickets);
    RUN_WRITE(&w, put_bytes_twice);
    RUN_WRITE(&w, attach_documents);
    struct meta_tx *tx = snapshot(&w);
    struct document_list d;
    int64_t count;
    EXPECT_OK(meta_document_list(tx, &(struct document_query){ .task_id = 1, .limit = 10 }, w.a, &d));
    EXPECT_EQ(d.count, 2);
    EXPECT(d.items[0].file.id == 1 && d.items[0].reference_id == 2 && d.items[0].task_id == 1 &&
           d.items[0].comment_id == 0);
    EXPECT(d.items[1].file.id == 4 && d.items[1].reference_id == 5);
    EXPECT_SLICE(d.items[0].task_text, S("Fix it"));
    EXPECT_OK(meta_document_list(tx, &(struct document_query){ .task_id = 1, .comment_id = 1, .limit = 10 }, w.a, &d));
    EXPECT(d.count == 2 && d.items[0].reference_id == 3 && d.items[0].comment_id == 1);
    EXPECT_OK(meta_document_list(tx, &(struct document_query){ .task_id = 1, .offset = 1, .limit = 10 }, w.a, &d));
    EXPECT(d.count == 1 && d.items[0].file.id == 4);
    EXPECT_OK(meta_document_list(tx, &(struct document_query){ .task_id = 1, .limit = 1 }, w.a, &d));
    EXPECT(d.count == 1 && d.items[0].file.id == 1);
    EXPECT_OK(meta_document_list(tx, &(struct document_query){ .task_id = 2, .limit = 10 }, w.a, &d));
    EXPECT(d.count == 1 && d.items[0].reference_id == 1);
    EXPECT_OK(meta_document_list(tx, &(struct document_query){ .task_id = 99, .limit = 10 }, w.a, &d));
    EXPECT_EQ(d.count, 0);
    EXPECT_OK(meta_document_count(tx, 1, w.a, &count));
    EXPECT_EQ(count, 2);
    EXPECT_OK(meta_document_count(tx, 99, w.a, &count));
    EXPECT_EQ(count, 0);
    EXPECT_OK(meta_document_named(tx, 1, S("a.txt"), w.a, &count));
    EXPECT_EQ(count, 1);
    EXPECT_ERR(meta_document_named(tx, 1, S("A.txt"), w.a, &count), ERR_NOT_FOUND);
    EXPECT_ERR(meta_document_named(tx, 1, S("b.txt"), w.a, &count), ERR_NOT_FOUND); /* not attached yet */
    meta_read_end(tx);
    meta_world_release(&w);
}

IN_WRITE(remove_references)
{
    (void)arg;
    struct reference_list refs;
    TRY(meta_reference_list_file(tx, 1, a, &refs));
    EXPECT(refs.count == 3 && refs.items[0].id == 1 && refs.items[0].task_id == 2 && refs.items[2].comment_id == 1);
    EXPECT_SLICE(refs.items[0].name, S("shown"));
    for (size_t i = 0; i < refs.count; i++)
        TRY(meta_reference_remove(tx, refs.items[i].id, a));
    EXPECT_ERR(meta_reference_remove(tx, refs.items[0].id, a), ERR_NOT_FOUND);
    TRY(meta_reference_list_file(tx, 1, a, &refs));
    EXPECT_EQ(refs.count, 0);
    struct document d;
    TRY(meta_document_get(tx, 1, a, &d)); /* its ticket is confirmed and no longer counts */
    EXPECT(d.reference_id == 0 && d.task_id == 0 && d.ticket.confirmed_at_ms == 40);
    EXPECT_ERR(meta_comment_remove(tx, 1, a), ERR_CONFLICT);
    TRY(meta_ticket_set_holder(tx, 2, the_task, a));
    TRY(meta_comment_remove(tx, 1, a)); /* and its reference 5 */
    EXPECT_ERR(meta_comment_remove(tx, 1, a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_reference_get(tx, 5, a, &refs.items[0]), ERR_NOT_FOUND);
    return NULL;
}

FOR_EACH_DATABASE(references_of_a_file_are_listed_and_removed)
{
    struct meta_world w;
    world_with_task(&w, kind);
    RUN_WRITE(&w, add_three_tickets);
    RUN_WRITE(&w, put_bytes_twice);
    RUN_WRITE(&w, attach_documents);
    RUN_WRITE(&w, remove_references);
    meta_world_release(&w);
}

IN_WRITE(add_comment_about_a_file)
{
    struct meta_world *w = arg;
    struct comment m = { .task_id = 1, .author_id = w->user, .file_id = 1, .text = S("see there") };
    return meta_comment_add(tx, &m, a, &m.id);
}

IN_WRITE(remove_the_file)
{
    (void)arg;
    return meta_file_remove(tx, 1, a);
}

FOR_EACH_DATABASE(a_comment_about_a_file_stays_when_the_file_is_removed)
{
    struct meta_world w;
    world_with_task(&w, kind);
    RUN_WRITE(&w, add_three_tickets);
    RUN_WRITE(&w, add_comment_about_a_file);
    struct meta_tx *tx = snapshot(&w);
    struct comment m;
    struct comment_list all;
    EXPECT_OK(meta_comment_get(tx, 2, w.a, &m));
    EXPECT_EQ(m.file_id, 1);
    EXPECT_OK(meta_comment_list(tx, &(struct comment_query){ .task_id = 1, .until_id = 100, .limit = 100 }, w.a, &all));
    EXPECT(all.count == 2 && all.items[0].file_id == 0 && all.items[1].file_id == 1);
    meta_read_end(tx);
    RUN_WRITE(&w, remove_the_file);
    tx = snapshot(&w);
    EXPECT_OK(meta_comment_get(tx, 2, w.a, &m));
    EXPECT_EQ(m.file_id, 0);
    struct ticket k;
    EXPECT_ERR(meta_ticket_get(tx, 1, w.a, &k), ERR_NOT_FOUND);
    meta_read_end(tx);
    meta_world_release(&w);
}

/* ---- lists of tasks ---- */

/* Tasks 1 … 8 by alice (user 1), bob (2), and carol (3) of another account:
 *   by alice  1 shared (from add_task_and_bob), 2 closed, 3 with bob as a participant, 4 with bob as the responsible
 *   by bob    5, 6 shared and closed, 7 with details
 *   by carol  8 shared, in her account */
IN_WRITE(add_eight_tasks)
{
    struct meta_world *w = arg;
    int64_t other, carol, id;
    TRY(meta_account_add(tx, &(struct account){ .name = S("other") }, a, &other));
    TRY(meta_user_add(tx, &(struct user){ .account_id = other, .login = S("carol") }, a, &carol));
    EXPECT_EQ(carol, 3);
    for (int64_t i = 2; i <= 8; i++) {
        struct task t = { .account_id = i == 8 ? other : w->account,
                          .author_id = i == 8  ? carol
                                       : i < 5 ? w->user
                                               : 2,
                          .details = i == 7   ? S("{\"board.\\\"id\\\"\":17,\"type\":\"bug\",\"open\":true}")
                                     : i == 6 ? S("not JSON")
                                              : S("{\"board.\\\"id\\\"\":\"17\"}"),
                          .is_shared = i == 6 || i == 8,
                          .closed_at_ms = i == 2 || i == 6 ? 9 : 0 };
        TRY(meta_task_add(tx, &t, a, &id));
        EXPECT_EQ(id, i);
    }
    TRY(meta_task_set_member(tx, 3, 2, TASK_PARTICIPANT, a));
    return meta_task_set_member(tx, 4, 2, TASK_RESPONSIBLE | TASK_SUBSCRIBER, a);
}

/* want: the ids of the tasks that must be found, each as a digit. */
static void expect_tasks(struct meta_world *w, struct meta_tx *tx, struct task_query q, slice want, int64_t want_total)
{
    struct record_ids t;
    int64_t total;
    q.account_id = q.account_id ? q.account_id : w->account;
    q.limit = q.limit ? q.limit : 100;
    EXPECT_OK(meta_task_list(tx, &q, w->a, &t, &total));
    EXPECT_EQ(t.count, want.n);
    for (size_t i = 0; i < t.count; i++)
        EXPECT_EQ(t.items[i], want.p[i] - '0');
    EXPECT_EQ(total, want_total);
}

FOR_EACH_DATABASE(tasks_are_listed_by_author_member_and_visibility)
{
    struct meta_world w;
    world_with_task(&w, kind);
    RUN_WRITE(&w, add_eight_tasks);
    struct meta_tx *tx = snapshot(&w);
    struct record_ids t;
    int64_t total;
    EXPECT_OK(meta_task_list(tx, &(struct task_query){ .account_id = 1, .closed = -1, .limit = 1 }, w.a, &t, &total));
    EXPECT(t.count == 1 && t.items[0] == 1 && total == 7);
    expect_tasks(&w, tx, (struct task_query){ .closed = -1 }, S("1234567"), 7);
    expect_tasks(&w, tx, (struct task_query){ .closed = -1, .descending = true }, S("7654321"), 7);
    expect_tasks(&w, tx, (struct task_query){ .closed = 0 }, S("13457"), 5);
    expect_tasks(&w, tx, (struct task_query){ .closed = 1 }, S("26"), 2);
    expect_tasks(&w, tx, (struct task_query){ .closed = -1, .seen_by = 2 }, S("134567"), 6);
    expect_tasks(&w, tx, (struct task_query){ .closed = -1, .seen_by = w.user }, S("12346"), 5);
    expect_tasks(&w, tx, (struct task_query){ .closed = -1, .seen_by = 3 }, S("16"), 2);
    expect_tasks(&w, tx, (struct task_query){ .closed = -1, .author_id = 2 }, S("567"), 3);
    expect_tasks(&w, tx, (struct task_query){ .closed = -1, .author_id = 2, .seen_by = w.user, .descending = true },
                 S("6"), 1);
    expect_tasks(&w, tx, (struct task_query){ .closed = -1, .author_id = 3 }, S(""), 0); /* a user of another account */
    expect_tasks(&w, tx, (struct task_query){ .closed = -1, .account_id = 2 }, S("8"), 1);
    expect_tasks(&w, tx, (struct task_query){ .closed = -1, .offset = 2, .limit = 3 }, S("345"), 7);
    expect_tasks(&w, tx, (struct task_query){ .closed = -1, .offset = 9 }, S(""), 7);
    const struct task_query member = { .closed = -1, .member_id = 2, .member_roles = 7 };
    expect_tasks(&w, tx, member, S("34"), 2);
    struct task_query q = member;
    q.member_roles = TASK_SUBSCRIBER;
    expect_tasks(&w, tx, q, S("4"), 1);
    q = member;
    q.descending = true;
    expect_tasks(&w, tx, q, S("43"), 2);
    q.author_id = w.user;
    expect_tasks(&w, tx, q, S("43"), 2);
    meta_read_end(tx);
    meta_world_release(&w);
}

FOR_EACH_DATABASE(tasks_are_listed_by_id_and_by_values_in_their_details)
{
    struct meta_world w;
    world_with_task(&w, kind);
    RUN_WRITE(&w, add_eight_tasks);
    struct meta_tx *tx = snapshot(&w);
    const int64_t ids[] = { 7, 3, 99, 3, 1, 8 };
    struct task_query q = { .closed = -1, .ids = ids, .id_count = 6 };
    expect_tasks(&w, tx, q, S("137"), 3);
    q.descending = true;
    expect_tasks(&w, tx, q, S("731"), 3);
    q.offset = 1;
    q.limit = 1;
    expect_tasks(&w, tx, q, S("3"), 3);
    q = (struct task_query){ .closed = -1, .ids = ids, .id_count = 6, .seen_by = w.user };
    expect_tasks(&w, tx, q, S("13"), 2);
    q = (struct task_query){ .closed = -1, .ids = ids, .id_count = 0 };
    expect_tasks(&w, tx, q, S(""), 0);
    /* A name may have any characters, and a number equals a string with the same text. */
    q = (struct task_query){ .closed = -1, .detail_name = S("board.\"id\""), .detail_value = S("17") };
    expect_tasks(&w, tx, q, S("23457"), 5);
    q.author_id = 2;
    expect_tasks(&w, tx, q, S("57"), 2);
    q = (struct task_query){ .closed = -1, .detail_name = S("type"), .detail_value = S("bug") };
    expect_tasks(&w, tx, q, S("7"), 1);
    q.detail_value = S("bu");
    expect_tasks(&w, tx, q, S(""), 0);
    q = (struct task_query){ .closed = -1, .detail_name = S("open"), .detail_value = S("1") };
    expect_tasks(&w, tx, q, S(""), 0); /* `true` is neither a number nor a string */
    q = (struct task_query){ .closed = -1, .detail_name = S("$"), .detail_value = S("17") };
    expect_tasks(&w, tx, q, S(""), 0);
    meta_read_end(tx);
    meta_world_release(&w);
}

IN_WRITE(share_and_hide)
{
    (void)arg;
    struct task t;
    TRY(meta_task_get(tx, 1, a, &t));
    EXPECT(t.is_shared);
    t.is_shared = false;
    TRY(meta_task_update(tx, &t, a));
    TRY(meta_task_get(tx, 1, a, &t));
    EXPECT(!t.is_shared);
    return NULL;
}

FOR_EACH_DATABASE(a_task_can_be_shared_and_unshared)
{
    struct meta_world w;
    world_with_task(&w, kind);
    RUN_WRITE(&w, share_and_hide);
    meta_world_release(&w);
}

/* ---- secrets ---- */

static struct credential key_of(struct meta_world *w, unsigned char number, slice purpose)
{
    struct credential k = { .account_id = w->account, .user_id = w->user, .purpose = purpose, .form = CREDENTIAL_KEY };
    memset(k.secret_hash, number, sizeof k.secret_hash);
    return k;
}

IN_WRITE(add_signing_keys)
{
    struct meta_world *w = arg;
    int64_t id;
    slice sealed;
    struct credential k, newest;
    EXPECT_ERR(meta_credential_newest(tx, w->user, S("s3"), a, &newest), ERR_NOT_FOUND);
    for (unsigned char i = 1; i <= 4; i++) { /* 4 expires, so meta_credential_newest must not return it */
        k = key_of(w, i, i == 3 ? S("other") : S("s3"));
        k.expires_at_ms = i == 4 ? 1000 : 0;
        TRY(meta_credential_add(tx, &k, a, &id));
    }
    k = key_of(w, 5, S("s3"));
    k.form = CREDENTIAL_TOKEN;
    TRY(meta_credential_add(tx, &k, a, &id));
    TRY(meta_credential_newest(tx, w->user, S("s3"), a, &newest));
    EXPECT_EQ(newest.id, 2);
    EXPECT_EQ(newest.secret_hash[0], 2);
    TRY(meta_secret_put(tx, 2, S("\0sealed"), a));
    TRY(meta_secret_put(tx, 1, S("one"), a));
    TRY(meta_secret_get(tx, 2, a, &sealed));
    EXPECT_SLICE(sealed, S("\0sealed"));
    TRY(meta_secret_put(tx, 2, S("again"), a));
    TRY(meta_secret_get(tx, 2, a, &sealed));
    EXPECT_SLICE(sealed, S("again"));
    EXPECT_ERR(meta_secret_get(tx, 3, a, &sealed), ERR_NOT_FOUND);
    EXPECT_ERR(meta_secret_put(tx, 99, S("x"), a), ERR_CONFLICT);
    struct secret_list list;
    TRY(meta_secret_list(tx, 0, 10, a, &list));
    EXPECT(list.count == 2 && list.items[0].credential_id == 2 && list.items[1].credential_id == 1);
    EXPECT_SLICE(list.items[0].sealed, S("again"));
    TRY(meta_secret_list(tx, 2, 10, a, &list));
    EXPECT(list.count == 1 && list.items[0].credential_id == 1);
    TRY(meta_secret_list(tx, 0, 1, a, &list));
    EXPECT(list.count == 1 && list.items[0].credential_id == 2);
    TRY(meta_credential_revoke(tx, 2, 50, a));
    TRY(meta_secret_list(tx, 0, 10, a, &list));
    EXPECT(list.count == 1 && list.items[0].credential_id == 1);
    TRY(meta_credential_newest(tx, w->user, S("s3"), a, &newest));
    EXPECT_EQ(newest.id, 1);
    EXPECT_ERR(meta_credential_newest(tx, 99, S("s3"), a, &newest), ERR_NOT_FOUND);
    return NULL;
}

FOR_EACH_DATABASE(the_newest_live_key_is_found_with_its_secret)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, add_signing_keys);
    meta_world_release(&w);
}

/* ---- query plans ---- */

/* The list of sealed secrets reads its whole table, page by page, because fsck asks for everything. */
static bool may_scan(slice sql)
{
    return slice_find(sql, S("FROM secrets s JOIN credentials")) != SLICE_NONE;
}

TEST(no_look_up_of_tickets_and_tasks_reads_a_whole_table)
{
    struct meta_world w;
    spied_world_init(&w);
    RUN_WRITE(&w, add_task_and_bob);
    RUN_WRITE(&w, add_three_tickets);
    RUN_WRITE(&w, put_bytes_twice);
    RUN_WRITE(&w, attach_documents);
    RUN_WRITE(&w, add_signing_keys);
    struct meta_tx *tx = snapshot(&w);
    struct document_list d;
    struct ticket k;
    struct ticket_list pending;
    struct file_id_list files;
    struct record_ids t;
    int64_t count, id = 1;
    EXPECT_OK(meta_document_get(tx, 1, w.a, arena_new(w.a, struct document)));
    EXPECT_OK(meta_document_list(tx, &(struct document_query){ .task_id = 1, .limit = 1 }, w.a, &d));
    EXPECT_OK(meta_document_list(tx, &(struct document_query){ .task_id = 1, .comment_id = 1, .limit = 1 }, w.a, &d));
    EXPECT_OK(meta_document_count(tx, 1, w.a, &count));
    EXPECT_OK(meta_document_named(tx, 1, S("a.txt"), w.a, &count));
    EXPECT_OK(meta_ticket_by_key(tx, 1, S("docs/1"), w.a, &k));
    EXPECT_OK(meta_ticket_pending(tx, the_task, 100, w.a, &pending));
    EXPECT_OK(meta_document_pending(tx, 1, 100, w.a, &files));
    for (int i = 0; i < 16; i++) {
        struct task_query q = { .account_id = 1, .closed = -1, .descending = i & 1, .limit = 1 };
        q.author_id = i & 2 ? 1 : 0;
        q.member_id = i & 4 ? 1 : 0;
        q.ids = i & 8 ? &id : NULL;
        q.id_count = 1;
        EXPECT_OK(meta_task_list(tx, &q, w.a, &t, &count));
    }
    meta_read_end(tx);
    RUN_WRITE(&w, remove_references);
    RUN_WRITE(&w, remove_pending_file);
    RUN_WRITE(&w, remove_the_task);
    EXPECT(spy.n > 40);
    spied_check_plans(&w, may_scan);
    meta_world_release(&w);
}

RUN_TESTS(cmocka_unit_test(a_ticket_is_found_by_file_key_and_task),
          cmocka_unit_test(new_bytes_replace_the_first_until_the_ticket_is_confirmed),
          cmocka_unit_test(a_task_cannot_be_removed_while_a_pending_ticket_names_it),
          cmocka_unit_test(a_document_names_the_task_that_it_is_attached_to),
          cmocka_unit_test(a_task_lists_each_of_its_documents_once),
          cmocka_unit_test(references_of_a_file_are_listed_and_removed),
          cmocka_unit_test(a_comment_about_a_file_stays_when_the_file_is_removed),
          cmocka_unit_test(tasks_are_listed_by_author_member_and_visibility),
          cmocka_unit_test(tasks_are_listed_by_id_and_by_values_in_their_details),
          cmocka_unit_test(a_task_can_be_shared_and_unshared),
          cmocka_unit_test(the_newest_live_key_is_found_with_its_secret),
          cmocka_unit_test(no_look_up_of_tickets_and_tasks_reads_a_whole_table))
