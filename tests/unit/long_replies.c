/* SPDX-License-Identifier: Apache-2.0 */
/* Replies that grow with what is stored are sent in pieces: what a client does not read is one piece, and what changes while
 * they are sent does not mix two states. */
#include "pyrus_fixture.h"
#include "runrun_fixture.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECE_LIMIT = 64 << 10,
    UNREAD_LIMIT = 128 << 10, /* a piece, the request, and where the reply continues */
    PEAK_LIMIT = 4 << 20,     /* one row, and what is written of it: 1 MiB each */
    COMMENTS = 24,
    COMMENT_BYTES = 170000 /* control characters, of which each is six bytes of JSON */
};

static slice repeated_byte(struct arena *a, char c, size_t count)
{
    char *text = arena_alloc(a, count);
    memset(text, c, count);
    return (slice){ text, count };
}

/* Not with slice_find: under sanitizers each of its calls looks at all of the text. */
static size_t count_of(slice text, slice what)
{
    size_t n = 0;
    for (size_t i = 0; i + what.n <= text.n; i++)
        n += text.p[i] == what.p[0] && memcmp(text.p + i, what.p, what.n) == 0;
    return n;
}

static bool ends_with(slice text, slice end)
{
    return text.n >= end.n && slice_eq(slice_from(text, text.n - end.n), end);
}

static void expect_pieces(const struct fake_reply *r, size_t least)
{
    EXPECT_EQ(r->status, 200);
    EXPECT(!r->cut && r->pieces >= least);
    EXPECT(r->largest_piece <= PIECE_LIMIT);
    EXPECT(r->most_unread < UNREAD_LIMIT);
    EXPECT(r->peak_bytes < PEAK_LIMIT);
}

/* ---- tasks of Pyrus ---- */

static int64_t make_task(struct pyrus_fixture *f, const struct principal *who, slice text)
{
    int64_t task;
    EXPECT_OK(task_create(&f->w->core, who, &(struct task_request){ .text = text, .is_silent = true }, f->a, &task));
    return task;
}

static int64_t add_comment(struct pyrus_fixture *f, const struct principal *who, int64_t task, slice text)
{
    int64_t comment;
    EXPECT_OK(
        task_comment_add(&f->w->core, who, &(struct task_comment){ .task_id = task, .text = text }, f->a, &comment));
    return comment;
}

static struct fake_reply *get_task(struct pyrus_fixture *f, const struct pyrus_user *u, int64_t task)
{
    return pyrus_send(f, u, "GET", arena_printf(f->a, "/v4/tasks/%lld", (long long)task).p, NULL);
}

TEST(a_task_of_24_comments_was_a_reply_of_24_megabytes)
{
    PYRUS_FIXTURE(f);
    int64_t task = make_task(f, &ana.who, S("short"));
    slice text = repeated_byte(f->a, 1, COMMENT_BYTES);
    for (int i = 0; i < COMMENTS; i++)
        add_comment(f, &ana.who, task, text);
    struct fake_reply *r = get_task(f, &ana, task);
    expect_pieces(r, 300);
    EXPECT(r->body.n > (size_t)COMMENTS * COMMENT_BYTES * 6);
    EXPECT(ends_with(r->body, S("}]}}")));
    EXPECT_EQ(count_of(r->body, S("\"create_date\"")), COMMENTS + 1);
    EXPECT_EQ(count_of(r->body, S("\\u0001")), COMMENTS * COMMENT_BYTES);
    EXPECT_EQ(count_of(r->body, S("\"},{\"id\"")), 0); /* a text is followed by the other members of its comment */
}

TEST(a_task_with_a_long_text_and_many_attachments_is_sent_in_pieces)
{
    PYRUS_FIXTURE(f);
    enum { LINKS = 180, TEXT = 150000 };
    int64_t task = make_task(f, &ana.who, repeated_byte(f->a, 1, TEXT)), comment;
    struct attachment *links = arena_array(f->a, struct attachment, LINKS);
    slice parts[] = { S("https://example.org/"), repeated_byte(f->a, 'u', 2000) };
    for (int i = 0; i < LINKS; i++)
        links[i] = (struct attachment){ .kind = ATTACH_LINK,
                                        .url = arena_join(f->a, parts, 2),
                                        .name = arena_printf(f->a, "name %d", i) };
    struct task_comment request = { .task_id = task, .attachments = links, .attachment_count = LINKS };
    EXPECT_OK(task_comment_add(&f->w->core, &ana.who, &request, f->a, &comment));
    EXPECT_OK(task_comment_add(&f->w->core, &ana.who, &request, f->a, &comment));
    add_comment(f, &ana.who, task, S("last"));
    struct fake_reply *r = get_task(f, &ana, task);
    expect_pieces(r, 20);
    slice all = r->body, cut = slice_from(all, slice_find(all, S("\"create_date\"")));
    slice head[] = { S("{\"task\":{"), cut };
    slice rest = arena_join(f->a, head, 2); /* without the text, which is longer than what a parser takes */
    EXPECT_EQ(count_of(rest, S("\"url\"")), 4 * LINKS);
    EXPECT_EQ(count_of(rest, S("\"name 7\"")), 4);
    EXPECT(ends_with(rest, S("\"banned\":false}}]}}")));
}

/* What happens while the reply is sent, once it has so many bytes. */
struct meanwhile {
    struct pyrus_fixture *f;
    const struct principal *who;
    int64_t task, comment;
    size_t when_bytes;
    enum { ADD_A_COMMENT, EDIT_THE_COMMENT, REMOVE_THE_COMMENT, REMOVE_THE_TASK } what;
    bool last_is_short, done;
};

static void change_meanwhile(void *arg, size_t bytes)
{
    struct meanwhile *m = arg;
    struct core *core = &m->f->w->core;
    if (m->done || bytes < m->when_bytes)
        return;
    m->done = true;
    switch (m->what) {
    case ADD_A_COMMENT:
        add_comment(m->f, m->who, m->task, S("later"));
        break;
    case EDIT_THE_COMMENT: {
        struct task_comment_edit edit = { .task_id = m->task, .comment_id = m->comment, .text = S("edited") };
        EXPECT_OK(task_comment_edit(core, m->who, &edit, m->f->a));
        break;
    }
    case REMOVE_THE_COMMENT: {
        struct task_comment_removal removal = { .comment_id = m->comment, .window_ms = 60000 };
        EXPECT_OK(task_comment_remove(core, m->who, &removal, m->f->a));
        break;
    }
    case REMOVE_THE_TASK:
        EXPECT_OK(task_remove(core, m->who, m->task, 0, m->f->a));
    }
}

/* A task with three comments of 200 KiB each, of which the last may be short; `what` happens to the n-th, when so many bytes were sent. */
static struct fake_reply *get_meanwhile(struct pyrus_fixture *f, const struct pyrus_user *u, struct meanwhile m, int n)
{
    int64_t comments[3];
    m.f = f;
    m.who = &u->who;
    m.task = make_task(f, &u->who, S("short"));
    for (int i = 0; i < 3; i++)
        comments[i] =
            add_comment(f, &u->who, m.task, repeated_byte(f->a, 'a' + i, i == 2 && m.last_is_short ? 100 : 200 << 10));
    m.comment = comments[n];
    f->http.on_piece = change_meanwhile;
    f->http.on_piece_arg = &m;
    struct fake_reply *r = get_task(f, u, m.task);
    f->http.on_piece = NULL;
    EXPECT(m.done);
    return r;
}

TEST(a_comment_that_is_added_while_its_task_is_sent_is_left_out)
{
    PYRUS_FIXTURE(f);
    for (int i = 0; i < 2; i++) { /* a short one is read together with what follows it */
        struct meanwhile m = { .what = ADD_A_COMMENT, .when_bytes = 1, .last_is_short = i == 1 };
        struct fake_reply *r = get_meanwhile(f, &ana, m, 0);
        EXPECT(!r->cut && slice_find(r->body, S("later")) == SLICE_NONE && pyrus_count(f, r, "task.comments") == 3);
        EXPECT_EQ(pyrus_int(f, r, "task.last_note_id"), pyrus_int(f, r, "task.comments.2.id"));
    }
}

TEST(a_comment_that_changes_before_it_is_sent_is_sent_as_it_is_then)
{
    PYRUS_FIXTURE(f);
    struct fake_reply *r = get_meanwhile(f, &ana, (struct meanwhile){ .what = EDIT_THE_COMMENT, .when_bytes = 1 }, 2);
    EXPECT(!r->cut);
    EXPECT_SLICE(pyrus_text(f, r, "task.comments.2.text"), S("edited"));
    r = get_meanwhile(f, &ana, (struct meanwhile){ .what = REMOVE_THE_COMMENT, .when_bytes = 1 }, 1);
    EXPECT(!r->cut && pyrus_count(f, r, "task.comments") == 2);
}

/* Of the first comment a part was sent. */
TEST(a_text_that_changes_while_it_is_sent_is_cut_off)
{
    PYRUS_FIXTURE(f);
    for (int i = 0; i < 3; i++) {
        struct meanwhile m = { .what = EDIT_THE_COMMENT + i, .when_bytes = 1 };
        struct fake_reply *r = get_meanwhile(f, &ana, m, 0);
        EXPECT(r->cut && !ends_with(r->body, S("]}}")) && slice_find(r->body, S("edited")) == SLICE_NONE);
    }
}

TEST(the_last_comment_that_is_removed_while_it_is_sent_leaves_no_end)
{
    PYRUS_FIXTURE(f);
    struct meanwhile m = { .what = REMOVE_THE_COMMENT, .when_bytes = 450 << 10 };
    struct fake_reply *r = get_meanwhile(f, &ana, m, 2);
    EXPECT(r->cut && !ends_with(r->body, S("}}")));
}

TEST(a_task_that_cannot_be_seen_is_refused_before_the_first_byte)
{
    PYRUS_FIXTURE(f);
    struct pyrus_user bia = pyrus_user(f, "bia", "Bia");
    int64_t task = make_task(f, &ana.who, repeated_byte(f->a, 'x', 200 << 10));
    struct fake_reply *r = get_task(f, &bia, task);
    EXPECT(r->status == 403 && r->pieces == 0);
    EXPECT(get_task(f, &ana, task)->pieces > 2);
    EXPECT_EQ(get_task(f, &ana, make_task(f, &ana.who, S("short")))->pieces, 0);
}

/* ---- lists of Runrun.it ---- */

enum { ITEMS = 30, TITLE_BYTES = 60000 };

static struct fake_reply *get_list(struct runrun_fixture *f, const struct runrun_user *u, const char *what,
                                   int64_t task)
{
    return task ? runrun_sendf(f, u, NULL, "GET /tasks/%lld/%s", (long long)task, what)
                : runrun_sendf(f, u, NULL, "GET /%s", what);
}

TEST(unread_lists_of_tasks_were_kept_whole)
{
    RUNRUN_FIXTURE(f);
    int64_t task;
    struct task_request request = { .text = repeated_byte(f->a, 1, TITLE_BYTES), .is_silent = true, .is_shared = true };
    for (int i = 0; i < ITEMS; i++)
        EXPECT_OK(task_create(&f->w->core, &ana.who, &request, f->a, &task));
    struct fake_reply *r = get_list(f, &ana, "tasks", 0);
    expect_pieces(r, 100);
    EXPECT_EQ(count_of(r->body, S("\\u0001")), ITEMS * TITLE_BYTES);
    EXPECT_EQ(count_of(r->body, S("},{\"id\":")), ITEMS - 1);
    EXPECT(ends_with(r->body, S("}]")));
    EXPECT_SLICE(fake_reply_header(r, "X-Item-Range"), S("items 1-30/30"));
    EXPECT(fake_reply_header(r, "RateLimit-Limit").n > 0);
    r = runrun_sendf(f, &ana, NULL, "GET /tasks/%lld", (long long)task);
    expect_pieces(r, 5);
    EXPECT_EQ(count_of(r->body, S("\\u0001")), TITLE_BYTES);
}

TEST(unread_lists_of_comments_were_kept_whole)
{
    RUNRUN_FIXTURE(f);
    int64_t task, comment;
    EXPECT_OK(
        task_create(&f->w->core, &ana.who, &(struct task_request){ .text = S("t"), .is_silent = true }, f->a, &task));
    for (int i = 0; i < COMMENTS; i++) {
        struct task_comment c = { .task_id = task, .text = repeated_byte(f->a, 1, COMMENT_BYTES) };
        EXPECT_OK(task_comment_add(&f->w->core, &ana.who, &c, f->a, &comment));
    }
    struct fake_reply *r = get_list(f, &ana, "comments", task);
    expect_pieces(r, 300);
    EXPECT_EQ(count_of(r->body, S("\\u0001")), COMMENTS * COMMENT_BYTES);
    EXPECT_EQ(count_of(r->body, S("},{\"id\":")), COMMENTS - 1);
    EXPECT(ends_with(r->body, S("\"related_task_ids\":null}]")));
    EXPECT_SLICE(fake_reply_header(r, "X-Item-Range"), S("items 1-24/24"));
    slice newest = arena_printf(f->a, "[{\"id\":%lld,", (long long)comment);
    EXPECT(slice_starts(r->body, newest));
}

TEST(unread_lists_of_documents_were_kept_whole)
{
    struct runrun_options options = runrun_fixture_options();
    options.rate_limit = 0;
    RUNRUN_FIXTURE_WITH(f, &options);
    int64_t task, ids[100], comment;
    struct task_request request = { .text = repeated_byte(f->a, 1, 5000), .is_silent = true, .is_shared = true };
    EXPECT_OK(task_create(&f->w->core, &ana.who, &request, f->a, &task));
    for (int i = 0; i < 100; i++)
        ids[i] = runrun_new_document(f, &ana, 0, arena_printf(f->a, "%d.txt", i), S("x"));
    struct task_comment c = { .task_id = task, .text = S("all"), .documents = ids, .document_count = 100 };
    EXPECT_OK(task_comment_add(&f->w->core, &ana.who, &c, f->a, &comment));
    const struct json *j;
    struct fake_reply *r = get_list(f, &ana, "documents", task);
    expect_pieces(r, 8);
    EXPECT_OK(json_parse(f->a, r->body, &j));
    EXPECT_EQ(json_count(j), 100);
    r = get_list(f, &ana, "documents?limit=40&page=2", task);
    expect_pieces(r, 3);
    EXPECT_OK(json_parse(f->a, r->body, &j));
    EXPECT_EQ(json_count(j), 40);
    EXPECT_EQ(json_get(j->child, "id")->integer, ids[40]);
    r = runrun_sendf(f, &ana, NULL, "GET /comments/%lld", (long long)comment);
    expect_pieces(r, 8);
    EXPECT_EQ(runrun_count(f, r, "documents"), 100);
}

RUN_TESTS(cmocka_unit_test(a_task_of_24_comments_was_a_reply_of_24_megabytes),
          cmocka_unit_test(a_task_with_a_long_text_and_many_attachments_is_sent_in_pieces),
          cmocka_unit_test(a_comment_that_is_added_while_its_task_is_sent_is_left_out),
          cmocka_unit_test(a_comment_that_changes_before_it_is_sent_is_sent_as_it_is_then),
          cmocka_unit_test(a_text_that_changes_while_it_is_sent_is_cut_off),
          cmocka_unit_test(the_last_comment_that_is_removed_while_it_is_sent_leaves_no_end),
          cmocka_unit_test(a_task_that_cannot_be_seen_is_refused_before_the_first_byte),
          cmocka_unit_test(unread_lists_of_tasks_were_kept_whole),
          cmocka_unit_test(unread_lists_of_comments_were_kept_whole),
          cmocka_unit_test(unread_lists_of_documents_were_kept_whole))
