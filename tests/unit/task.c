/* Tasks in core's own words: what no dialect can show, limits, events, and writes that fail half-way. */
#include "test.h"

#include "base/text.h"
#include "desk.h"

#include <string.h>

#define DESK(name)                                                                                                     \
    SCOPED(desk_freep) struct desk *name = desk_new(NULL);                                                             \
    struct desk_user ana = desk_user(name, "ana", "Ana Prado")

static struct attachment upload(struct desk *d, const struct desk_user *u)
{
    struct attachment a = { .kind = ATTACH_UPLOAD };
    EXPECT(uuid_parse(desk_upload(d, u, "a.txt", S("hello")), a.uuid));
    return a;
}

static int64_t new_task(struct desk *d, const struct desk_user *u, const struct attachment *attachments, size_t count)
{
    enum task_refusal why;
    int64_t id;
    EXPECT_OK(task_create(&d->w->core, &u->who,
                          &(struct task_order){ .text = S("t"), .attachments = attachments, .attachment_count = count },
                          d->a, &why, &id));
    EXPECT_EQ(why, TASK_NO_REFUSAL);
    return id;
}

static enum task_refusal say(struct desk *d, const struct desk_user *u, int64_t task, const struct task_comment *c)
{
    enum task_refusal why = TASK_NO_REFUSAL;
    int64_t id;
    err_t e = task_comment_add(&d->w->core, &u->who, task, c, d->a, &why, &id);
    EXPECT((e != NULL) == (why != TASK_NO_REFUSAL));
    return why;
}

static struct file file_of(struct desk *d, const struct attachment *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct file f;
    EXPECT_OK(meta_read_begin(d->w->core.meta, d->a, &tx));
    EXPECT_OK(meta_file_by_uuid(tx, a->uuid, d->a, &f));
    return f;
}

TEST(a_reference_holds_its_file_and_lets_go_when_the_task_goes)
{
    DESK(d);
    struct attachment a = upload(d, &ana);
    EXPECT_EQ(file_of(d, &a).state, FILE_STORED);
    int64_t task = new_task(d, &ana, &a, 1);
    EXPECT_EQ(file_of(d, &a).state, FILE_READY);
    EXPECT_EQ(file_of(d, &a).purge_at_ms, 0);
    enum task_refusal why;
    EXPECT_OK(task_remove(&d->w->core, &ana.who, task, 5000, d->a, &why));
    EXPECT_EQ(file_of(d, &a).state, FILE_STORED);
    EXPECT_EQ(file_of(d, &a).purge_at_ms, WORLD_START_MS + 5000);
}

TEST(every_change_tells_the_audit_log)
{
    DESK(d);
    struct desk_user bia = desk_user(d, "bia", "Bia");
    struct attachment a = upload(d, &ana);
    int64_t task = new_task(d, &ana, &a, 1);
    struct task_member member = { bia.id, TASK_PARTICIPANT };
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .added = &member, .added_count = 1, .move = TASK_CLOSE }), 0);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = S("x"), .reopens = true, .sets_subject = true }), 0);
    enum task_refusal why;
    struct task_view view;
    EXPECT_OK(task_read(&d->w->core, &ana.who, task, d->a, &view));
    EXPECT_OK(task_comment_edit(&d->w->core, &ana.who, task, view.comments[0].id, S("y"), NULL, 0, d->a, &why));
    EXPECT_OK(task_remove(&d->w->core, &ana.who, task, 1, d->a, &why));
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

TEST(a_task_holds_so_many_attachments_and_not_one_more)
{
    DESK(d);
    struct attachment *links = arena_array(d->a, struct attachment, TASK_REFERENCES_MAX + 1);
    for (size_t i = 0; i <= TASK_REFERENCES_MAX; i++)
        links[i] = (struct attachment){ .kind = ATTACH_LINK, .url = S("https://example.org/"), .name = S("x") };
    int64_t task = new_task(d, &ana, links, TASK_REFERENCES_MAX - 1);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .attachments = links, .attachment_count = 2 }),
              TASK_TOO_MANY_REFERENCES);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .attachments = links, .attachment_count = 1 }), 0);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .attachments = links, .attachment_count = 1 }),
              TASK_TOO_MANY_REFERENCES);
    enum task_refusal why;
    int64_t id;
    EXPECT_ERR(task_create(&d->w->core, &ana.who,
                           &(struct task_order){
                               .text = S("t"), .attachments = links, .attachment_count = TASK_REFERENCES_MAX + 1 },
                           d->a, &why, &id),
               ERR_TOO_LARGE);
}

static err_t add_many_comments(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct comment *c = arg;
    int64_t id;
    for (int i = 0; i < TASK_COMMENTS_MAX - 2; i++)
        TRY(meta_comment_add(tx, c, a, &id));
    return NULL;
}

TEST(a_task_holds_so_many_comments_and_not_one_more)
{
    DESK(d);
    int64_t task = new_task(d, &ana, NULL, 0);
    struct comment c = { .task_id = task, .author_id = ana.id, .text = S("c"), .details = S(""), .created_at_ms = 1 };
    EXPECT_OK(meta_write(d->w->core.meta, add_many_comments, &c, d->a));
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = S("the last") }), 0);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = S("too many") }), TASK_TOO_MANY_COMMENTS);
}

/* Forty comments of a megabyte took the server half a gigabyte whenever somebody read the task. */
TEST(long_comments_fill_a_task_and_not_the_memory_of_the_server)
{
    DESK(d);
    struct task_view view;
    enum task_refusal why;
    int64_t id;
    slice whole = { arena_alloc(d->a, TASK_TEXT_BYTES_MAX + 1), TASK_TEXT_BYTES_MAX };
    memset((char *)whole.p, 'x', whole.n + 1);
    slice half = { whole.p, whole.n / 2 };
    struct core *core = &d->w->core;

    struct task_order order = { .text = { whole.p, whole.n + 1 } };
    EXPECT_ERR(task_create(core, &ana.who, &order, d->a, &why, &id), ERR_TOO_LARGE);
    EXPECT_EQ(why, TASK_TOO_MUCH_TEXT);
    order = (struct task_order){ .text = whole, .comment_details = S("{}") };
    EXPECT_ERR(task_create(core, &ana.who, &order, d->a, &why, &id), ERR_TOO_LARGE);
    order.comment_details = S("");
    EXPECT_OK(task_create(core, &ana.who, &order, d->a, &why, &id));

    int64_t task = new_task(d, &ana, NULL, 0); /* its first comment: one byte */
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = half }), 0);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = half }), TASK_TOO_MUCH_TEXT);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = S("x"), .details = half }), TASK_TOO_MUCH_TEXT);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = { half.p, half.n - 1 } }), 0);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .text = S("x") }), TASK_TOO_MUCH_TEXT);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .move = TASK_CLOSE }), 0); /* says nothing: no bytes */
    EXPECT_OK(task_read(core, &ana.who, task, d->a, &view));
    EXPECT_EQ(view.comment_count, 4);

    int64_t first = view.comments[0].id, second = view.comments[1].id;
    EXPECT_ERR(task_comment_edit(core, &ana.who, task, first, S("xy"), NULL, 0, d->a, &why), ERR_TOO_LARGE);
    EXPECT_EQ(why, TASK_TOO_MUCH_TEXT);
    EXPECT_OK(task_comment_edit(core, &ana.who, task, first, S("y"), NULL, 0, d->a, &why));
    EXPECT_OK(task_comment_edit(core, &ana.who, task, second, (slice){ half.p, half.n - 1 }, NULL, 0, d->a, &why));
    EXPECT_OK(task_comment_edit(core, &ana.who, task, first, S("xy"), NULL, 0, d->a, &why));
}

TEST(details_are_merged_one_level_deep)
{
    DESK(d);
    enum task_refusal why;
    int64_t task;
    EXPECT_OK(task_create(&d->w->core, &ana.who,
                          &(struct task_order){ .text = S("t"), .details = S("{\"a\":1,\"b\":{\"x\":1},\"c\":[1]}") },
                          d->a, &why, &task));
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .task_details = S("{\"a\":null,\"b\":{\"y\":2},\"d\":4}") }),
              0);
    struct task_view view;
    EXPECT_OK(task_read(&d->w->core, &ana.who, task, d->a, &view));
    EXPECT_SLICE(view.task.details, S("{\"c\":[1],\"b\":{\"y\":2},\"d\":4}"));
}

TEST(nobody_deleted_joins_a_task)
{
    DESK(d);
    struct desk_user bia = desk_user(d, "bia", "Bia");
    EXPECT_OK(user_set_state(&d->w->core, &d->w->operator_, S("bia"), USER_DELETED, d->a));
    struct task_member member = { bia.id, TASK_PARTICIPANT };
    int64_t task = new_task(d, &ana, NULL, 0);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .added = &member, .added_count = 1 }), TASK_BAD_PERSON);
    EXPECT_EQ(say(d, &ana, task, &(struct task_comment){ .responsible_id = bia.id }), TASK_BAD_PERSON);
}

TEST(bytes_of_a_reference_need_its_task_and_a_link_has_none)
{
    DESK(d);
    struct desk_user bia = desk_user(d, "bia", "Bia");
    struct attachment both[] = { upload(d, &ana),
                                 { .kind = ATTACH_LINK, .url = S("https://example.org/"), .name = S("x") } };
    int64_t task = new_task(d, &ana, both, 2);
    struct task_view view;
    struct reference reference;
    struct content content;
    EXPECT_OK(task_read(&d->w->core, &ana.who, task, d->a, &view));
    EXPECT_OK(reference_open(&d->w->core, &ana.who, view.references[0].id, d->a, &reference, &content));
    EXPECT_SLICE(content.bytes, S("hello"));
    content_close(&content);
    EXPECT_ERR(reference_open(&d->w->core, &ana.who, view.references[1].id, d->a, &reference, &content), ERR_EMPTY);
    EXPECT_ERR(reference_open(&d->w->core, &bia.who, view.references[0].id, d->a, &reference, &content), ERR_NOT_FOUND);
}

/* Whichever store call fails: the write fails as a whole, nothing of it is left, and the file is held or it is not. */
TEST(a_task_that_fails_half_way_leaves_nothing)
{
    DESK(d);
    struct attachment a = upload(d, &ana);
    struct task_order order = { .text = S("t"), .attachments = &a, .attachment_count = 1 };
    enum task_refusal why;
    int64_t id, failures = 0;
    for (int64_t n = 1;; n++) {
        d->w->faults = (struct fault_plan){ .fail_at = n, .fail_count = 1, .code = ERR_UNAVAILABLE };
        err_t e = task_create(&d->w->core, &ana.who, &order, d->a, &why, &id);
        d->w->faults.fail_at = 0;
        if (!e)
            break;
        failures++;
        EXPECT_EQ(e->code, ERR_UNAVAILABLE);
        EXPECT_EQ(why, TASK_NO_REFUSAL);
        EXPECT_EQ(world_event_count(d->w, S("task.create")), 0);
        EXPECT_EQ(file_of(d, &a).state, FILE_STORED);
    }
    EXPECT(failures > 5);
    EXPECT_EQ(world_event_count(d->w, S("task.create")), 1);
    EXPECT_EQ(file_of(d, &a).state, FILE_READY);
}

RUN_TESTS(cmocka_unit_test(a_task_that_fails_half_way_leaves_nothing),
          cmocka_unit_test(a_reference_holds_its_file_and_lets_go_when_the_task_goes),
          cmocka_unit_test(every_change_tells_the_audit_log),
          cmocka_unit_test(a_task_holds_so_many_attachments_and_not_one_more),
          cmocka_unit_test(a_task_holds_so_many_comments_and_not_one_more),
          cmocka_unit_test(long_comments_fill_a_task_and_not_the_memory_of_the_server),
          cmocka_unit_test(details_are_merged_one_level_deep), cmocka_unit_test(nobody_deleted_joins_a_task),
          cmocka_unit_test(bytes_of_a_reference_need_its_task_and_a_link_has_none))
