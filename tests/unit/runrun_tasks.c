/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of docs/apis/runrun.md for tasks, comments, boards and users (§6.8 to §6.11). */
#include "test.h"

#include "../../src/api/runrun/boards_priv.h"
#include "core/records/account.h"
#include "core/store/task_store.h"
#include "runrun_fixture.h"

#include <string.h>

static const char boards[] =
    "{\"boards\":[{\"id\":593350,\"name\":\"Financeiro\"},{\"id\":5,\"name\":\"Cinco\"}],"
    "\"fields\":[{\"id\":\"custom_12\",\"label\":\"Prioridade\",\"field_type\":\"single_option\",\"board_ids\":[593350,"
    "5],"
    "\"options\":[{\"id\":\"2\",\"label\":\"Alta\",\"color\":null},{\"id\":\"3\",\"label\":\"Baixa\"}]},"
    "{\"id\":\"custom_13\",\"label\":\"Valor\",\"field_type\":\"number_decimal\",\"board_ids\":[593350],"
    "\"description\":\"em reais\"}]}";

static struct runrun_options with_boards(bool strict)
{
    struct runrun_options o = runrun_fixture_options();
    o.boards = slice_of(boards);
    o.strict_boards = strict;
    o.rate_limit = 0;
    return o;
}

/* ---- §6.8 tasks ---- */

static const char full_task[] =
    "{\"task\":{\"title\":\"Fechar o m\xc3\xaas\",\"description\":\"texto\",\"board_id\":593350,\"project_id\":null,"
    "\"type_id\":4,\"desired_date\":\"2026-11-30\",\"assignments\":[{\"assignee_id\":\"rui\"},{\"team_id\":5},"
    "{\"assignee_id\":\"rui\"}],\"custom_fields\":{\"custom_12\":{\"id\":\"2\"},\"custom_13\":[{\"id\":\"3\"}],"
    "\"nonsense\":1,\"custom_x\":2},\"on_going\":true,\"tag_list\":\"a\",\"follower_ids\":[\"x\"]}}";

TEST(a_task_reply_has_every_documented_field)
{
    struct runrun_options o = with_boards(false);
    RUNRUN_FIXTURE_WITH(f, &o);
    runrun_user(f, "rui", "Rui Sá");
    struct fake_reply *r = runrun_send(f, &ana, "POST /tasks", full_task);
    EXPECT_EQ(r->status, 201);
    EXPECT_EQ(runrun_int(f, r, "id"), 1);
    EXPECT_SLICE(runrun_str(f, r, "title"), S("Fechar o m\xc3\xaas"));
    EXPECT_SLICE(runrun_str(f, r, "user_id"), S("ana-prado"));
    EXPECT_SLICE(runrun_str(f, r, "user_name"), S("Ana Prado"));
    EXPECT_EQ(runrun_int(f, r, "board_id"), 593350);
    EXPECT_SLICE(runrun_str(f, r, "board_name"), S("Financeiro"));
    EXPECT(runrun_is_null(f, r, "project_id") && runrun_is_null(f, r, "project_name"));
    EXPECT_EQ(runrun_int(f, r, "type_id"), 4);
    EXPECT_SLICE(runrun_str(f, r, "created_at"), S("2026-11-21T11:04:09-03:00"));
    EXPECT_SLICE(runrun_str(f, r, "last_activity_at"), S("2026-11-21T11:04:09-03:00"));
    EXPECT_SLICE(runrun_str(f, r, "desired_date"), S("2026-11-30"));
    EXPECT_SLICE(runrun_str(f, r, "custom_fields.custom_12.id"), S("2"));
    EXPECT_SLICE(runrun_str(f, r, "custom_fields.custom_13.0.id"), S("3"));
    EXPECT_EQ(runrun_count(f, r, "custom_fields"), 2);
    EXPECT_EQ(runrun_count(f, r, "assignments"), 1);
    EXPECT_SLICE(runrun_str(f, r, "assignments.0.assignee_id"), S("rui"));
    EXPECT_EQ(runrun_count(f, r, "follower_ids"), 0);
    EXPECT_EQ(runrun_int(f, r, "attachments_count"), 0);
    EXPECT(!runrun_is_set(f, r, "is_closed") && runrun_is_set(f, r, "is_assigned"));
    EXPECT_SLICE(runrun_str(f, r, "state"), S("queued"));
    EXPECT(!runrun_at(f, r, "description"));
    r = runrun_send(f, &ana, "GET /tasks/1", "");
    EXPECT_SLICE(runrun_str(f, r, "description"), S("texto"));
}

TEST(unsupported_fields_of_a_task_have_constant_values)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *r = runrun_send(f, &ana, "POST /tasks", "{\"title\":\"t\"}");
    const char *nulls[] = { "close_date",
                            "client_id",
                            "client_name",
                            "team_id",
                            "team_name",
                            "guest_id",
                            "board_stage_id",
                            "board_stage_name",
                            "project_group_name",
                            "parent_task_id",
                            "workflow_id",
                            "checklist_id",
                            "form_id",
                            "evaluation_status",
                            "points",
                            "responsible_id",
                            "responsible_name",
                            "start_date",
                            "desired_start_date",
                            "board_id",
                            "board_name",
                            "type_id",
                            "type_name",
                            "desired_date" };
    const char *arrays[] = { "tags_data",   "task_tags",       "tags",       "parent_ids", "child_ids",
                             "subtask_ids", "sharing_details", "assignments" };
    const char *zeros[] = { "time_worked",    "time_pending",   "time_total",       "current_estimate_seconds",
                            "queue_position", "subtasks_count", "attachments_count" };
    const char *falses[] = { "is_working_on", "is_urgent",  "is_shared",    "is_subtask", "on_going",
                             "was_reopened",  "has_emails", "is_scheduled", "is_assigned" };
    for (size_t i = 0; i < LENGTH_OF(nulls); i++)
        if (!runrun_is_null(f, r, nulls[i]))
            fail_msg("%s is not null", nulls[i]);
    for (size_t i = 0; i < LENGTH_OF(arrays); i++)
        EXPECT(json_is(runrun_at(f, r, arrays[i]), JS_ARRAY) && runrun_count(f, r, arrays[i]) == 0);
    for (size_t i = 0; i < LENGTH_OF(zeros); i++)
        EXPECT_EQ(runrun_int(f, r, zeros[i]), 0);
    for (size_t i = 0; i < LENGTH_OF(falses); i++)
        EXPECT(!runrun_is_set(f, r, falses[i]));
    EXPECT_SLICE(runrun_str(f, r, "tag_list"), S(""));
    EXPECT_SLICE(runrun_str(f, r, "state"), S("not_assigned"));
    EXPECT(json_is(runrun_at(f, r, "custom_fields"), JS_OBJECT));
}

TEST(a_task_can_be_created_with_a_form)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *r =
        runrun_send(f, &ana, "POST /tasks",
                    "task[title]=Um+dois&task[board_id]=593350&task[project_id]=&"
                    "task[assignments][][assignee_id]=ana-prado&task[custom_fields][custom_1][id]=2");
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(runrun_str(f, r, "title"), S("Um dois"));
    EXPECT_EQ(runrun_int(f, r, "board_id"), 593350);
    EXPECT(runrun_is_null(f, r, "project_id"));
    EXPECT_SLICE(runrun_str(f, r, "assignments.0.assignee_id"), S("ana-prado"));
    EXPECT_SLICE(runrun_str(f, r, "custom_fields.custom_1.id"), S("2"));
}

TEST(a_refused_task_names_the_wrong_field)
{
    RUNRUN_FIXTURE(f);
    EXPECT_FIELD(f, runrun_send(f, &ana, "POST /tasks", "{\"task\":{\"title\":\" \"}}"), "title", "can't be blank");
    EXPECT_FIELD(f, runrun_send(f, &ana, "POST /tasks", ""), "title", "can't be blank");
    EXPECT_FIELD(f, runrun_send(f, &ana, "POST /tasks", "{\"title\":7}"), "title", "is not a text");
    const struct {
        const char *json, *field, *text;
    } bad[] = {
        { "\"board_id\":\"x\"", "board_id", "is not a number" },
        { "\"project_id\":-1", "project_id", "is not a number" },
        { "\"type_id\":{}", "type_id", "is not a number" },
        { "\"description\":[]", "description", "is not a text" },
        { "\"desired_date\":\"2026-02-30\"", "desired_date", "is not a date" },
        { "\"desired_date\":\"30/11/2026\"", "desired_date", "is not a date" },
        { "\"desired_date\":\"2026-11-30\\n\"", "desired_date", "is not a date" },
        { "\"desired_date\":20261130", "desired_date", "is not a text" },
        { "\"assignments\":{}", "assignments", "are not a list" },
        { "\"assignments\":[{\"assignee_id\":\" \"}]", "assignments", "name an unknown user" },
        { "\"assignments\":[{\"assignee_id\":\"a\\u0007\"}]", "assignments", "name an unknown user" },
        { "\"assignments\":[7]", "assignments", "name an unknown user" },
        { "\"custom_fields\":[]", "custom_fields", "are not an object" },
        { "\"document_ids\":7", "document_ids", "are not numbers" },
        { "\"document_ids\":[\"x\"]", "document_ids", "are not numbers" },
        { "\"document_ids\":[999]", "document_ids", "must be documents of yours that hang nowhere yet" },
    };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct fake_reply *r =
            runrun_send(f, &ana, "POST /tasks", runrun_format(f, "{\"task\":{\"title\":\"t\",%s}}", bad[i].json));
        EXPECT_SLICE(runrun_str(f, r, runrun_format(f, "errors.%s.0", bad[i].field)), slice_of(bad[i].text));
        EXPECT_EQ(r->status, 422);
    }
    EXPECT_EQ(runrun_count(f, runrun_send(f, &ana, "GET /tasks", ""), ""), 0);
}

/* A text of `size` letters "x". */
static char *long_text(struct runrun_fixture *f, size_t size)
{
    char *text = arena_alloc(f->a, size + 1);
    memset(text, 'x', size);
    text[size] = 0;
    return text;
}

TEST(texts_of_a_task_have_limits)
{
    RUNRUN_FIXTURE(f);
    static const struct {
        const char *field, *before, *behind, *text;
        size_t max_bytes;
    } limits[] = {
        { "title", "{\"title\":\"", "\"}", "is too long (maximum is 65536 bytes)", 65536 },
        { "description", "{\"title\":\"t\",\"description\":\"", "\"}", "is too long (maximum is 65536 bytes)", 65536 },
        { "custom_fields", "{\"title\":\"t\",\"custom_fields\":{\"custom_1\":\"", "\"}}",
          "are too long (maximum is 65536 bytes)", 65536 - 15 },
    };
    for (size_t i = 0; i < LENGTH_OF(limits); i++)
        for (size_t more = 0; more < 2; more++) {
            char *body = runrun_format(f, "%s%s%s", limits[i].before, long_text(f, limits[i].max_bytes + more),
                                       limits[i].behind);
            struct fake_reply *r = runrun_send(f, &ana, "POST /tasks", body);
            EXPECT_EQ(r->status, more ? 422 : 201);
            if (more)
                EXPECT_SLICE(runrun_str(f, r, runrun_format(f, "errors.%s.0", limits[i].field)),
                             slice_of(limits[i].text));
        }
}

TEST(attachable_name_is_cut_after_1000_characters)
{
    RUNRUN_FIXTURE(f);
    char *title = runrun_format(f, "\xc3\xa7%s", long_text(f, 5000));
    int64_t task = runrun_new_task(f, &ana, title);
    slice name = { title, 1001 }; /* a thousand characters */
    EXPECT_SLICE(runrun_str(f, runrun_request_ticket(f, &ana, task, S("a"), 1), "attachable_name"), name);
    int64_t id = runrun_new_document(f, &ana, task, S("a"), S("x"));
    EXPECT_SLICE(runrun_str(f, runrun_sendf(f, &ana, "", "GET /documents/%lld", (long long)id), "attachable_name"),
                 name);
    EXPECT_SLICE(runrun_str(f, runrun_send(f, &ana, "GET /tasks/1/documents", ""), "0.attachable_name"), name);
}

TEST(desired_date_with_a_time_is_stored_as_sent)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *r =
        runrun_send(f, &ana, "POST /tasks", "{\"title\":\"t\",\"desired_date\":\"2026-11-30T18:00:00-03:00\"}");
    EXPECT_SLICE(runrun_str(f, r, "desired_date"), S("2026-11-30T18:00:00-03:00"));
}

TEST(unknown_boards_are_accepted_unless_boards_are_strict)
{
    struct runrun_options open = with_boards(false), strict = with_boards(true);
    RUNRUN_FIXTURE_WITH(f, &open);
    struct fake_reply *r = runrun_send(f, &ana, "POST /tasks", "{\"title\":\"t\",\"board_id\":283180}");
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(runrun_str(f, r, "board_name"), S("Board 283180"));
    EXPECT_EQ(runrun_count(f, runrun_send(f, &ana, "GET /boards/283180/fields", ""), ""), 0);
    SCOPED(runrun_fixture_freep) struct runrun_fixture *s = runrun_fixture_new(&strict);
    struct runrun_user bia = runrun_user(s, "bia", "Bia");
    EXPECT_FIELD(s, runrun_send(s, &bia, "POST /tasks", "{\"title\":\"t\",\"board_id\":283180}"), "board_id",
                 "is unknown");
    EXPECT_EQ(runrun_send(s, &bia, "POST /tasks", "{\"title\":\"t\",\"board_id\":5}")->status, 201);
    EXPECT_ERROR(s, runrun_send(s, &bia, "GET /boards/283180/fields", ""), 404);
}

TEST(a_new_task_attaches_pending_and_confirmed_documents)
{
    RUNRUN_FIXTURE(f);
    struct runrun_user rui = runrun_user(f, "rui", "Rui");
    int64_t ready = runrun_new_document(f, &ana, 0, S("a"), S("x"));
    struct fake_reply *ticket = runrun_request_ticket(f, &ana, 0, S("b"), 1);
    int64_t pending = runrun_int(f, ticket, "id"), theirs = runrun_new_document(f, &rui, 0, S("c"), S("x"));
    char *claim = runrun_format(f, "{\"task\":{\"title\":\"t\",\"document_ids\":[%lld,\"%lld\"]}}", (long long)ready,
                                (long long)pending);
    struct fake_reply *r = runrun_send(f, &ana, "POST /tasks", claim);
    EXPECT_EQ(r->status, 201);
    EXPECT_EQ(runrun_int(f, r, "attachments_count"), 1);
    EXPECT_OK(runrun_put_bytes(f, runrun_str(f, ticket, "fields.key"), S("x")));
    r = runrun_sendf(f, &ana, "", "POST /documents/%lld/mark_as_uploaded", (long long)pending);
    EXPECT_EQ(runrun_int(f, r, "attachable_id"), 1);
    EXPECT_EQ(runrun_int(f, runrun_send(f, &ana, "GET /tasks/1", ""), "attachments_count"), 2);
    EXPECT_EQ(runrun_send(f, &ana, "POST /tasks", claim)->status, 422); /* they are attached to a task now */
    EXPECT_EQ(runrun_send(f, &ana, "POST /tasks",
                          runrun_format(f, "{\"title\":\"t\",\"document_ids\":[%lld]}", (long long)theirs))
                  ->status,
              422);
    EXPECT_EQ(runrun_count(f, runrun_send(f, &ana, "GET /tasks", ""), ""), 1);
}

TEST(a_task_is_visible_to_its_whole_account_only)
{
    RUNRUN_FIXTURE(f);
    struct account other;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("other"), f->a, &other));
    struct runrun_user rui = runrun_user(f, "rui", "Rui"), eve = runrun_user_of(f, "other", "eve", "Eve", true);
    runrun_new_task(f, &ana, "t");
    EXPECT_EQ(runrun_send(f, &rui, "GET /tasks/1", "")->status, 200);
    EXPECT_ERROR(f, runrun_send(f, &eve, "GET /tasks/1", ""), 404);
    EXPECT_EQ(runrun_count(f, runrun_send(f, &eve, "GET /tasks", ""), ""), 0);
    EXPECT_ERROR(f, runrun_send(f, &ana, "GET /tasks/2", ""), 404);
}

static void expect_tasks(struct runrun_fixture *f, const struct runrun_user *u, const char *query, const char *ids)
{
    struct fake_reply *r = runrun_send(f, u, runrun_format(f, "GET /tasks?%s", query), "");
    struct buf got;
    buf_init(&got, 0);
    EXPECT_EQ(r->status, 200);
    for (size_t i = 0; i < runrun_count(f, r, ""); i++)
        buf_printf(&got, "%s%lld", i ? " " : "", (long long)runrun_int(f, r, runrun_format(f, "%zu.id", i)));
    if (!slice_eq(buf_slice(&got), slice_of(ids)))
        fail_msg("%s gives %.*s, not %s", query, SLICE_ARG(buf_slice(&got)), ids);
    buf_release(&got);
}

TEST(task_list_filters_and_sorts)
{
    struct runrun_options o = with_boards(false);
    RUNRUN_FIXTURE_WITH(f, &o);
    struct runrun_user rui = runrun_user(f, "rui", "Rui");
    runrun_send(f, &ana, "POST /tasks", "{\"title\":\"1\",\"board_id\":5,\"project_id\":70}");
    runrun_send(f, &rui, "POST /tasks",
                "{\"title\":\"2\",\"board_id\":5,\"assignments\":[{\"assignee_id\":\"ana-prado\"}]}");
    runrun_send(f, &ana, "POST /tasks", "{\"title\":\"3\",\"board_id\":6,\"project_id\":70}");
    expect_tasks(f, &ana, "", "1 2 3");
    expect_tasks(f, &ana, "sort=title&sort_dir=desc", "3 2 1");
    expect_tasks(f, &ana, "sort_dir=asc", "1 2 3");
    expect_tasks(f, &ana, "ids=3,1,999,x", "1 3");
    expect_tasks(f, &ana, "ids=", "");
    expect_tasks(f, &ana, "user_id=rui", "2");
    expect_tasks(f, &ana, "user_id=nobody", "");
    expect_tasks(f, &ana, "responsible_id=ana-prado", "2");
    expect_tasks(f, &ana, "responsible_id=rui", "");
    expect_tasks(f, &ana, "follower_id=rui", "");
    expect_tasks(f, &ana, "board_id=5", "1 2");
    expect_tasks(f, &ana, "project_id=70", "1 3");
    expect_tasks(f, &ana, "project_id=x", "");
    expect_tasks(f, &ana, "is_closed=false", "1 2 3");
    expect_tasks(f, &ana, "is_closed=true", "");
    expect_tasks(f, &ana, "limit=2&page=2", "3");
    expect_tasks(f, &ana, "user_id=ana-prado&board_id=6", "3");
    expect_tasks(f, &ana, "board_id=5&project_id=70", "1");
    expect_tasks(f, &ana, "project_id=70&board_id=6", "3");
    expect_tasks(f, &ana, "responsible_id=ana-prado&follower_id=rui", "");
}

TEST(deleting_a_task_deletes_the_documents_of_all_users_in_it)
{
    RUNRUN_FIXTURE(f);
    struct runrun_user rui = runrun_user(f, "rui", "Rui");
    int64_t task = runrun_new_task(f, &ana, "t");
    int64_t own = runrun_new_document(f, &ana, task, S("a"), world_bytes(f->w, 20000));
    int64_t theirs = runrun_new_document(f, &rui, task, S("b"), S("x"));
    struct fake_reply *pending = runrun_request_ticket(f, &rui, task, S("c"), 1);
    EXPECT_ERROR(f, runrun_send(f, &rui, "DELETE /tasks/1", ""), 403);
    EXPECT_EQ(runrun_send(f, &ana, "DELETE /tasks/1", "")->status, 204);
    EXPECT_ERROR(f, runrun_send(f, &ana, "DELETE /tasks/1", ""), 404);
    EXPECT_ERROR(f, runrun_sendf(f, &ana, "", "GET /documents/%lld", (long long)own), 404);
    EXPECT_ERROR(f, runrun_sendf(f, &rui, "", "GET /documents/%lld", (long long)theirs), 404);
    EXPECT_ERROR(f, runrun_sendf(f, &rui, "", "GET /documents/%lld", (long long)runrun_int(f, pending, "id")), 404);
    world_wait(f->w, WORLD_GRACE_MS);
    world_run_jobs(f->w);
    EXPECT_EQ(world_file_count(f->w), 0);
    EXPECT_EQ(world_blob_count(f->w), 0);
}

/* ---- §6.8 changing tasks ---- */

TEST(a_change_of_a_task_leaves_what_it_does_not_name)
{
    struct runrun_options o = with_boards(false);
    RUNRUN_FIXTURE_WITH(f, &o);
    runrun_user(f, "rui", "Rui Sá");
    runrun_user(f, "eva", "Eva");
    runrun_send(f, &ana, "POST /tasks", full_task);
    world_wait(f->w, minutes(1));
    struct fake_reply *r = runrun_send(f, &ana, "PUT /tasks/1",
                                       "{\"task\":{\"title\":\"Novo\",\"custom_fields\":{\"custom_12\":{\"x\":1}}}}");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(runrun_str(f, r, "title"), S("Novo"));
    EXPECT_SLICE(runrun_str(f, r, "description"), S("texto"));
    EXPECT_EQ(runrun_int(f, r, "board_id"), 593350);
    EXPECT_EQ(runrun_int(f, r, "type_id"), 4);
    EXPECT_SLICE(runrun_str(f, r, "desired_date"), S("2026-11-30"));
    EXPECT_SLICE(runrun_str(f, r, "assignments.0.assignee_id"), S("rui"));
    EXPECT_EQ(runrun_int(f, r, "custom_fields.custom_12.x"), 1); /* a value is replaced as a whole */
    EXPECT_EQ(runrun_count(f, r, "custom_fields.custom_12"), 1);
    EXPECT_SLICE(runrun_str(f, r, "custom_fields.custom_13.0.id"), S("3"));
    EXPECT_SLICE(runrun_str(f, r, "last_activity_at"), S("2026-11-21T11:05:09-03:00"));
    EXPECT_SLICE(runrun_str(f, r, "created_at"), S("2026-11-21T11:04:09-03:00"));

    r = runrun_send(f, &ana, "PATCH /tasks/1",
                    "{\"board_id\":null,\"type_id\":7,\"desired_date\":\"\",\"description\":null,\"project_id\":3,"
                    "\"assignments\":[{\"assignee_id\":\"eva\"},{\"assignee_id\":\"ana-prado\"}],"
                    "\"custom_fields\":{\"custom_12\":null}}");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(runrun_str(f, r, "title"), S("Novo"));
    EXPECT(runrun_is_null(f, r, "board_id") && runrun_is_null(f, r, "desired_date") &&
           runrun_is_null(f, r, "description"));
    EXPECT_EQ(runrun_int(f, r, "type_id"), 7);
    EXPECT_EQ(runrun_int(f, r, "project_id"), 3);
    EXPECT_EQ(runrun_count(f, r, "assignments"), 2);
    EXPECT_EQ(runrun_count(f, r, "custom_fields"), 1);
    expect_tasks(f, &ana, "responsible_id=rui", "");
    expect_tasks(f, &ana, "responsible_id=eva", "1");
    slice before = r->body;
    EXPECT_SLICE(runrun_send(f, &ana, "PUT /tasks/1", "{\"on_going\":true}")->body, before);
    EXPECT_SLICE(runrun_send(f, &ana, "PUT /tasks/1", "")->body, before);
    r = runrun_send(f, &ana, "PUT /tasks/1", "{\"assignments\":[]}");
    EXPECT_EQ(runrun_count(f, r, "assignments"), 0);
    EXPECT_SLICE(runrun_str(f, r, "state"), S("not_assigned"));
}

/* In the vendor's own example tasks are assigned to people whom a new server does not have. */
TEST(an_assignee_who_is_unknown_was_refused_although_boards_are_open)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *r =
        runrun_send(f, &ana, "POST /tasks",
                    "{\"title\":\"t\",\"assignments\":[{\"assignee_id\":\"Rui-Sa\"},{\"assignee_id\":\"rui-sa\"},"
                    "{\"assignee_id\":\"ana-prado\"},{\"assignee_id\":\"eva@example.org\"}]}");
    EXPECT_EQ(r->status, 201);
    EXPECT_EQ(runrun_count(f, r, "assignments"), 3);
    EXPECT_SLICE(runrun_str(f, r, "assignments.0.assignee_id"), S("ana-prado"));
    EXPECT_SLICE(runrun_str(f, r, "assignments.1.assignee_id"), S("eva@example.org"));
    EXPECT_SLICE(runrun_str(f, r, "assignments.2.assignee_id"), S("Rui-Sa"));
    EXPECT_SLICE(runrun_str(f, r, "assignments.2.assignee_name"), S("Rui-Sa"));
    expect_tasks(f, &ana, "responsible_id=Rui-Sa", "");
    r = runrun_send(f, &ana, "POST /tasks", "{\"title\":\"u\",\"assignments\":[{\"assignee_id\":\"eva\"}]}");
    EXPECT(runrun_is_set(f, r, "is_assigned"));
    EXPECT_SLICE(runrun_str(f, r, "state"), S("queued"));
    int64_t before = world_account(f->w).record_bytes;

    runrun_user(f, "rui-sa", "Rui Sá");
    runrun_user(f, "eva", "Eva");                        /* whose address is eva@example.org */
    EXPECT_EQ(world_account(f->w).record_bytes, before); /* whoever waits counts like a member */
    r = runrun_send(f, &ana, "GET /tasks/1", "");
    EXPECT_EQ(runrun_count(f, r, "assignments"), 3);
    EXPECT_SLICE(runrun_str(f, r, "assignments.1.assignee_id"), S("rui-sa"));
    EXPECT_SLICE(runrun_str(f, r, "assignments.1.assignee_name"), S("Rui Sá"));
    EXPECT_SLICE(runrun_str(f, r, "assignments.2.assignee_id"), S("eva"));
    expect_tasks(f, &ana, "responsible_id=eva", "1 2");
    expect_tasks(f, &ana, "responsible_id=rui-sa", "1");
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

TEST(strict_boards_refuse_an_assignee_who_is_unknown)
{
    struct runrun_options o = with_boards(true);
    RUNRUN_FIXTURE_WITH(f, &o);
    EXPECT_FIELD(f,
                 runrun_send(f, &ana, "POST /tasks",
                             "{\"title\":\"t\",\"board_id\":593350,\"assignments\":[{\"assignee_id\":\"nobody\"}]}"),
                 "assignments", "name an unknown user");
}

TEST(a_changed_task_waits_for_other_people)
{
    RUNRUN_FIXTURE(f);
    runrun_send(f, &ana, "POST /tasks",
                "{\"title\":\"t\",\"assignments\":[{\"assignee_id\":\"x\"},{\"assignee_id\":\"y\"}]}");
    struct fake_reply *r = runrun_send(f, &ana, "PUT /tasks/1", "{\"title\":\"t2\"}");
    EXPECT_EQ(runrun_count(f, r, "assignments"), 2);
    r = runrun_send(f, &ana, "PUT /tasks/1", "{\"assignments\":[{\"assignee_id\":\"z\"}]}");
    EXPECT_EQ(runrun_count(f, r, "assignments"), 1);
    EXPECT_SLICE(runrun_str(f, r, "assignments.0.assignee_id"), S("z"));
    runrun_user(f, "x", "X");
    runrun_user(f, "z", "Z");
    r = runrun_send(f, &ana, "GET /tasks/1", "");
    EXPECT_EQ(runrun_count(f, r, "assignments"), 1);
    EXPECT_SLICE(runrun_str(f, r, "assignments.0.assignee_name"), S("Z"));
    r = runrun_send(f, &ana, "PUT /tasks/1", "{\"assignments\":[]}");
    EXPECT_EQ(runrun_count(f, r, "assignments"), 0);
    EXPECT_EQ(world_fsck(f->w, false), 0);
    runrun_send(f, &ana, "PUT /tasks/1", "{\"assignments\":[{\"assignee_id\":\"w\"}]}");
    runrun_send(f, &ana, "PUT /tasks/1",
                "{\"assignments\":[{\"assignee_id\":\"v\"},{\"assignee_id\":\"v@example.org\"}]}");
    runrun_user(f, "v", "V"); /* who was awaited under both names */
    EXPECT_EQ(runrun_count(f, runrun_send(f, &ana, "GET /tasks/1", ""), "assignments"), 1);
    EXPECT_EQ(world_fsck(f->w, false), 0);
    runrun_send(f, &ana, "PUT /tasks/1", "{\"assignments\":[{\"assignee_id\":\"w\"}]}");
    runrun_send(f, &ana, "DELETE /tasks/1", "");
    runrun_user(f, "w", "W");
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

static err_t apply_many_wait(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct principal *who = arg;
    struct task task = { .account_id = who->account_id, .author_id = who->user_id, .text = S("t") };
    for (int i = 0; i < TASKS_AWAITING_MAX; i++) {
        TRY(meta_task_add(tx, &task, a, &task.id));
        TRY(meta_task_await(tx, &task, &(struct awaited_member){ S("Zé"), TASK_RESPONSIBLE }, S("zé"), a));
    }
    return NULL;
}

/* Because the write that adds the person makes all of them a member. */
TEST(only_so_many_tasks_wait_for_one_person)
{
    RUNRUN_FIXTURE(f);
    static const char body[] = "{\"title\":\"t\",\"assignments\":[{\"assignee_id\":\"z\xc3\xa9\"}]}";
    EXPECT_OK(meta_write(f->w->core.meta, apply_many_wait, &ana.who, f->a));
    EXPECT_FIELD(f, runrun_send(f, &ana, "POST /tasks", body), "assignments",
                 "name somebody unknown for whom too many tasks wait");
    runrun_user(f, "z\xc3\xa9", "Zé");
    EXPECT_EQ(runrun_send(f, &ana, "POST /tasks", body)->status, 201);
}

TEST(only_the_author_and_administrators_change_a_task)
{
    RUNRUN_FIXTURE(f);
    struct runrun_user rui = runrun_user(f, "rui", "Rui"), boss = runrun_user_of(f, "", "boss", "", true);
    runrun_send(f, &ana, "POST /tasks", "{\"title\":\"t\",\"assignments\":[{\"assignee_id\":\"rui\"}]}");
    EXPECT_ERROR(f, runrun_send(f, &rui, "PUT /tasks/1", "{\"title\":\"x\"}"), 403);
    EXPECT_ERROR(f, runrun_send(f, &rui, "PUT /tasks/1", "{}"), 403);
    EXPECT_ERROR(f, runrun_send(f, &rui, "PUT /tasks/1/description", "{\"description\":\"x\"}"), 403);
    EXPECT_EQ(runrun_send(f, &boss, "PUT /tasks/1", "{\"title\":\"x\"}")->status, 200);
    EXPECT_ERROR(f, runrun_send(f, &ana, "PUT /tasks/2", "{\"title\":\"\"}"), 404);
    EXPECT_ERROR(f, runrun_send(f, &ana, "PATCH /tasks/x", "{}"), 400);
    EXPECT_FIELD(f, runrun_send(f, &ana, "PUT /tasks/1", "{\"title\":\" \"}"), "title", "can't be blank");
    EXPECT_FIELD(f, runrun_send(f, &ana, "PUT /tasks/1", "{\"task\":{\"title\":null}}"), "title", "can't be blank");
    EXPECT_FIELD(f, runrun_send(f, &ana, "PUT /tasks/1", "{\"type_id\":\"x\"}"), "type_id", "is not a number");
    EXPECT_FIELD(f, runrun_send(f, &ana, "PUT /tasks/1", "{\"document_ids\":[9]}"), "document_ids",
                 "must be documents of yours that hang nowhere yet");
    EXPECT_SLICE(runrun_str(f, runrun_send(f, &ana, "GET /tasks/1", ""), "title"), S("x"));
}

TEST(a_changed_task_attaches_documents)
{
    RUNRUN_FIXTURE(f);
    runrun_new_task(f, &ana, "t");
    int64_t id = runrun_new_document(f, &ana, 0, S("a.txt"), S("x"));
    struct fake_reply *r =
        runrun_send(f, &ana, "PUT /tasks/1", runrun_format(f, "{\"document_ids\":[%lld]}", (long long)id));
    EXPECT_EQ(runrun_int(f, r, "attachments_count"), 1);
    EXPECT_EQ(runrun_int(f, runrun_send(f, &ana, runrun_format(f, "GET /documents/%lld", (long long)id), ""),
                         "attachable_id"),
              1);
    EXPECT_EQ(runrun_count(f, runrun_send(f, &ana, "GET /tasks/1/comments", ""), ""), 0);
}

/* Many small changes must not make details that are too large to be read: then a task would seem to have none. */
TEST(custom_fields_of_a_changed_task_have_limits)
{
    struct runrun_options o = with_boards(false);
    RUNRUN_FIXTURE_WITH(f, &o);
    runrun_new_task(f, &ana, "t");
    struct fake_reply *r;
    int n = 0;
    do {
        SCOPED(buf_releasep) struct buf b;
        buf_init(&b, 0);
        for (int i = 0; i < 3000; i++)
            buf_printf(&b, "%s\"custom_%d\":1", i ? "," : "", ++n);
        r = runrun_send(f, &ana, "PUT /tasks/1",
                        runrun_format(f, "{\"custom_fields\":{" SLICE_FMT "}}", SLICE_ARG(buf_slice(&b))));
        EXPECT(n < 30000);
    } while (r->status == 200);
    EXPECT_FIELD(f, r, "text", "is too long for this task");
    r = runrun_send(f, &ana, "GET /tasks/1", "");
    EXPECT_EQ(runrun_count(f, r, "custom_fields"), n - 3000);
}

TEST(the_description_of_a_task_is_read_and_changed_alone)
{
    RUNRUN_FIXTURE(f);
    struct runrun_user rui = runrun_user(f, "rui", "Rui");
    runrun_send(f, &ana, "POST /tasks", "{\"title\":\"t\",\"description\":\"texto\"}");
    EXPECT_SLICE(runrun_send(f, &rui, "GET /tasks/1/description", "")->body,
                 S("{\"id\":1,\"description\":\"texto\",\"body\":\"texto\",\"current_editor_id\":null,"
                   "\"current_editor_name\":null,\"edited_at\":null,\"locked_at\":null}"));
    static const char *const forms[] = {
        "{\"description\":\"%d\"}",
        "{\"description\":{\"body\":\"%d\"}}",
        "{\"task_description\":{\"description\":\"%d\"}}",
        "{\"task_description\":{\"body\":\"%d\"}}",
        "{\"body\":\"%d\"}",
        "{\"description\":{\"description\":\"%d\"}}",
    };
    for (int i = 0; i < (int)LENGTH_OF(forms); i++) {
        char number[2] = { (char)('0' + i), 0 };
        world_wait(f->w, minutes(1));
        const char *at = strstr(forms[i], "%d");
        struct fake_reply *r =
            runrun_send(f, &ana, "PUT /tasks/1/description",
                        arena_printf(f->a, "%.*s%s%s", (int)(at - forms[i]), forms[i], number, at + 2).p);
        EXPECT_EQ(r->status, 200);
        EXPECT_SLICE(runrun_str(f, r, "description"), slice_of(number));
        EXPECT_SLICE(runrun_str(f, r, "body"), slice_of(number));
        EXPECT_SLICE(runrun_str(f, r, "edited_at"), arena_printf(f->a, "2026-11-21T11:%02d:09-03:00", 5 + i));
        EXPECT_SLICE(runrun_str(f, runrun_send(f, &ana, "GET /tasks/1", ""), "description"), slice_of(number));
    }
    EXPECT(runrun_is_null(f, runrun_send(f, &ana, "PUT /tasks/1/description", "{\"description\":null}"), "body"));
    EXPECT_FIELD(f, runrun_send(f, &ana, "PUT /tasks/1/description", "{}"), "description", "can't be blank");
    EXPECT_FIELD(f, runrun_send(f, &ana, "PUT /tasks/1/description", "{\"description\":7}"), "description",
                 "is not a text");
    EXPECT_ERROR(f, runrun_send(f, &ana, "GET /tasks/2/description", ""), 404);
    EXPECT_ERROR(f, runrun_send(f, &ana, "PUT /tasks/2/description", "{}"), 404);
}

/* ---- §6.9 comments ---- */

static struct fake_reply *comment(struct runrun_fixture *f, const struct runrun_user *u, const char *json)
{
    return runrun_send(f, u, "POST /comments", json);
}

TEST(a_comment_may_have_its_task_in_the_path)
{
    RUNRUN_FIXTURE(f);
    runrun_new_task(f, &ana, "t");
    struct fake_reply *r = runrun_send(f, &ana, "POST /tasks/1/comments", "{\"text\":\"oi\",\"task_id\":77}");
    EXPECT_EQ(r->status, 201);
    EXPECT_EQ(runrun_int(f, r, "task_id"), 1);
    EXPECT_EQ(runrun_send(f, &ana, "POST /tasks/1/comments", "{\"comment\":{\"text\":\"oi\"}}")->status, 201);
    EXPECT_EQ(runrun_send(f, &ana, "POST /tasks/1/comments", "{}")->status, 422);
    EXPECT_ERROR(f, runrun_send(f, &ana, "POST /tasks/2/comments", "{\"text\":\"oi\"}"), 404);
    EXPECT_ERROR(f, runrun_send(f, &ana, "POST /tasks/0/comments", "{\"text\":\"oi\",\"task_id\":1}"), 404);
    EXPECT_ERROR(f, runrun_send(f, &ana, "POST /tasks/x/comments", "{\"text\":\"oi\"}"), 400);
}

TEST(a_user_is_found_by_its_id)
{
    RUNRUN_FIXTURE(f);
    struct fake_reply *me = runrun_send(f, &ana, "GET /users/me", ""),
                      *r = runrun_send(f, &ana, "GET /users/ana-prado", "");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(r->body, me->body);
    EXPECT_ERROR(f, runrun_send(f, &ana, "GET /users/nobody", ""), 404);
}

TEST(a_comment_reply_has_every_documented_field)
{
    RUNRUN_FIXTURE(f);
    runrun_new_task(f, &ana, "t");
    struct fake_reply *r = comment(f, &ana, "{\"task_id\":1,\"text\":\"veja anexo\"}");
    EXPECT_EQ(r->status, 201);
    int64_t id = runrun_int(f, r, "id");
    EXPECT_SLICE(runrun_str(f, r, "user_id"), S("ana-prado"));
    EXPECT_SLICE(runrun_str(f, r, "text"), S("veja anexo"));
    EXPECT_SLICE(runrun_str(f, r, "commenter_name"), S("Ana Prado"));
    EXPECT_EQ(runrun_int(f, r, "children_count"), 0);
    EXPECT_EQ(runrun_int(f, r, "commentable_id"), 1);
    EXPECT_SLICE(runrun_str(f, r, "commentable_type"), S("Task"));
    EXPECT_SLICE(runrun_str(f, r, "created_at"), S("2026-11-21T11:04:09-03:00"));
    EXPECT_EQ(runrun_int(f, r, "thread_id"), id);
    EXPECT_EQ(runrun_int(f, r, "task_id"), 1);
    const char *nulls[] = { "guest_id",
                            "edited_at",
                            "deleted_at",
                            "quoted_comment_id",
                            "quoted_comment_text",
                            "quoted_comment_user_id",
                            "quoted_comment_user_name",
                            "quoted_comment_guest_id",
                            "quoted_comment_guest_name",
                            "comment_id",
                            "team_id",
                            "enterprise_id",
                            "document_id",
                            "media",
                            "related_task_ids" };
    for (size_t i = 0; i < LENGTH_OF(nulls); i++)
        EXPECT(runrun_is_null(f, r, nulls[i]));
    const char *falses[] = { "is_system_message", "is_legacy", "is_automation_message" };
    for (size_t i = 0; i < LENGTH_OF(falses); i++)
        EXPECT(!runrun_is_set(f, r, falses[i]));
    EXPECT(json_is(runrun_at(f, r, "documents"), JS_ARRAY) && json_is(runrun_at(f, r, "reactions"), JS_ARRAY));
    EXPECT_EQ(runrun_count(f, r, ""), 30);
    EXPECT_SLICE(runrun_sendf(f, &ana, "", "GET /comments/%lld", (long long)id)->body, r->body);
    EXPECT_EQ(comment(f, &ana, "{\"comment\":{\"task_id\":\"1\",\"text\":\"b\"}}")->status, 201);
    EXPECT_EQ(comment(f, &ana, "comment[task_id]=1&comment[text]=c")->status, 201);
}

TEST(a_comment_attaches_documents)
{
    RUNRUN_FIXTURE(f);
    int64_t task = runrun_new_task(f, &ana, "t"), loose = runrun_new_document(f, &ana, 0, S("a"), S("x"));
    int64_t hanging = runrun_new_document(f, &ana, task, S("b"), S("x"));
    struct fake_reply *r =
        comment(f, &ana, runrun_format(f, "{\"task_id\":1,\"document_ids\":[%lld]}", (long long)loose));
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(runrun_str(f, r, "text"), S(""));
    EXPECT_EQ(runrun_count(f, r, "documents"), 1);
    EXPECT_EQ(runrun_int(f, r, "documents.0.id"), loose);
    EXPECT_SLICE(runrun_str(f, r, "documents.0.attachable_type"), S("Comment"));
    EXPECT_EQ(runrun_int(f, r, "documents.0.attachable_id"), runrun_int(f, r, "id"));
    r = comment(f, &ana,
                runrun_format(f, "{\"task_id\":1,\"text\":\"x\",\"document_ids\":[%lld]}", (long long)hanging));
    EXPECT_EQ(r->status, 201);
    r = runrun_sendf(f, &ana, "", "GET /documents/%lld", (long long)hanging);
    EXPECT_SLICE(runrun_str(f, r, "attachable_type"), S("Task"));
    EXPECT_EQ(runrun_int(f, runrun_send(f, &ana, "GET /tasks/1", ""), "attachments_count"), 2);
}

TEST(a_comment_can_be_about_a_document)
{
    RUNRUN_FIXTURE(f);
    int64_t task = runrun_new_task(f, &ana, "t"), id = runrun_new_document(f, &ana, task, S("a"), S("x"));
    int64_t loose = runrun_new_document(f, &ana, 0, S("b"), S("x"));
    int64_t pending = runrun_int(f, runrun_request_ticket(f, &ana, task, S("c"), 1), "id");
    struct fake_reply *r = comment(f, &ana, runrun_format(f, "{\"document_id\":%lld,\"text\":\"bom\"}", (long long)id));
    EXPECT_EQ(r->status, 201);
    EXPECT_EQ(runrun_int(f, r, "document_id"), id);
    EXPECT_EQ(runrun_int(f, r, "commentable_id"), id);
    EXPECT_SLICE(runrun_str(f, r, "commentable_type"), S("Document"));
    EXPECT_EQ(runrun_int(f, r, "task_id"), task);
    const int64_t nowhere[] = { loose, pending };
    for (size_t i = 0; i < LENGTH_OF(nowhere); i++)
        EXPECT_FIELD(f,
                     comment(f, &ana, runrun_format(f, "{\"document_id\":%lld,\"text\":\"x\"}", (long long)nowhere[i])),
                     "document_id", "is not attached to a task");
    EXPECT_ERROR(f, comment(f, &ana, "{\"document_id\":999,\"text\":\"x\"}"), 404);
    EXPECT_FIELD(f, comment(f, &ana, "{\"document_id\":\"x\",\"text\":\"x\"}"), "document_id", "is not a number");
}

TEST(a_refused_comment_names_the_wrong_field)
{
    RUNRUN_FIXTURE(f);
    runrun_new_task(f, &ana, "t");
    EXPECT_FIELD(f, comment(f, &ana, "{\"task_id\":1}"), "text", "can't be blank");
    EXPECT_FIELD(f, comment(f, &ana, "{\"task_id\":1,\"text\":\" \\n\"}"), "text", "can't be blank");
    EXPECT_FIELD(f, comment(f, &ana, "{\"task_id\":1,\"text\":\"\",\"document_ids\":[]}"), "text", "can't be blank");
    EXPECT_FIELD(f, comment(f, &ana, "{\"task_id\":1,\"text\":7}"), "text", "is not a text");
    EXPECT_FIELD(f, comment(f, &ana, "{\"text\":\"x\"}"), "task_id", "can't be blank");
    EXPECT_FIELD(f, comment(f, &ana, "{\"text\":\"x\",\"task_id\":\"a\"}"), "task_id", "is not a number");
    EXPECT_FIELD(f, comment(f, &ana, "{\"text\":\"x\",\"task_id\":1,\"document_ids\":[999]}"), "document_ids",
                 "must be documents of yours that hang nowhere yet");
    EXPECT_ERROR(f, comment(f, &ana, "{\"text\":\"x\",\"task_id\":999}"), 404);
}

TEST(comments_are_listed_newest_first_in_pages)
{
    RUNRUN_FIXTURE(f);
    runrun_new_task(f, &ana, "t");
    for (int i = 1; i <= 3; i++)
        comment(f, &ana, runrun_format(f, "{\"task_id\":1,\"text\":\"%d\"}", i));
    struct fake_reply *r = runrun_send(f, &ana, "GET /tasks/1/comments", "");
    EXPECT_EQ(runrun_count(f, r, ""), 3);
    EXPECT_SLICE(runrun_str(f, r, "0.text"), S("3"));
    EXPECT_SLICE(runrun_str(f, r, "2.text"), S("1"));
    r = runrun_send(f, &ana, "GET /tasks/1/comments?limit=2&page=2", "");
    EXPECT_EQ(runrun_count(f, r, ""), 1);
    EXPECT_SLICE(runrun_str(f, r, "0.text"), S("1"));
    EXPECT_SLICE(fake_reply_header(r, "X-Item-Range"), S("items 3-3/3"));
    EXPECT_ERROR(f, runrun_send(f, &ana, "GET /tasks/9/comments", ""), 404);
}

TEST(the_author_may_edit_a_comment_for_15_minutes)
{
    RUNRUN_FIXTURE(f);
    struct runrun_user rui = runrun_user(f, "rui", "Rui"), boss = runrun_user_of(f, "", "boss", "Boss", true);
    runrun_new_task(f, &ana, "t");
    int64_t id = runrun_int(f, comment(f, &ana, "{\"task_id\":1,\"text\":\"a\"}"), "id");
    char *put = runrun_format(f, "PUT /comments/%lld", (long long)id);
    EXPECT_ERROR(f, runrun_send(f, &rui, put, "{\"text\":\"b\"}"), 403);
    EXPECT_ERROR(f, runrun_send(f, &boss, put, "{\"text\":\"b\"}"), 403);
    world_wait(f->w, minutes(15) - 1);
    struct fake_reply *r = runrun_send(f, &ana, put, "{\"text\":\"b\"}");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(runrun_str(f, r, "text"), S("b"));
    EXPECT_SLICE(runrun_str(f, r, "edited_at"), S("2026-11-21T11:19:08-03:00"));
    EXPECT_FIELD(f, runrun_send(f, &ana, put, "{\"comment\":{\"text\":\"\"}}"), "text", "can't be blank");
    world_wait(f->w, 1);
    EXPECT_ERROR(f, runrun_send(f, &ana, put, "{\"text\":\"c\"}"), 403);
    EXPECT_ERROR(f, runrun_send(f, &ana, "PUT /comments/999", "{\"text\":\"c\"}"), 404);
}

TEST(the_author_may_delete_a_comment_for_15_minutes)
{
    RUNRUN_FIXTURE(f);
    struct runrun_user rui = runrun_user(f, "rui", "Rui"), boss = runrun_user_of(f, "", "boss", "Boss", true);
    runrun_new_task(f, &ana, "t");
    int64_t loose = runrun_new_document(f, &ana, 0, S("a"), S("x"));
    char *with = runrun_format(f, "{\"task_id\":1,\"text\":\"a\",\"document_ids\":[%lld]}", (long long)loose);
    int64_t first = runrun_int(f, comment(f, &ana, with), "id");
    int64_t second = runrun_int(f, comment(f, &ana, "{\"task_id\":1,\"text\":\"b\"}"), "id");
    EXPECT_ERROR(f, runrun_sendf(f, &rui, "", "DELETE /comments/%lld", (long long)first), 403);
    EXPECT_EQ(runrun_sendf(f, &ana, "", "DELETE /comments/%lld", (long long)first)->status, 204);
    EXPECT_ERROR(f, runrun_sendf(f, &ana, "", "DELETE /comments/%lld", (long long)first), 404);
    EXPECT_ERROR(f, runrun_sendf(f, &ana, "", "GET /documents/%lld", (long long)loose), 404);
    world_wait(f->w, minutes(15));
    EXPECT_ERROR(f, runrun_sendf(f, &ana, "", "DELETE /comments/%lld", (long long)second), 403);
    EXPECT_EQ(runrun_sendf(f, &boss, "", "DELETE /comments/%lld", (long long)second)->status, 204);
}

/* ---- §6.10 boards and fields ---- */

TEST(boards_list_their_fields_and_fields_their_options)
{
    struct runrun_options o = with_boards(false);
    RUNRUN_FIXTURE_WITH(f, &o);
    struct fake_reply *r = runrun_send(f, &ana, "GET /boards/593350/fields?category=custom", "");
    EXPECT_EQ(runrun_count(f, r, ""), 2);
    EXPECT_SLICE(runrun_str(f, r, "0.id"), S("custom_12"));
    EXPECT_SLICE(runrun_str(f, r, "0.label"), S("Prioridade"));
    EXPECT_SLICE(runrun_str(f, r, "0.field_type"), S("single_option"));
    EXPECT_SLICE(runrun_str(f, r, "0.category"), S("custom"));
    EXPECT_SLICE(runrun_str(f, r, "0.status"), S("active"));
    EXPECT_SLICE(runrun_str(f, r, "0.created_at"), S("2026-11-21T11:04:09-03:00"));
    EXPECT_EQ(runrun_int(f, r, "0.boards_count"), 2);
    EXPECT_EQ(runrun_int(f, r, "0.board_ids.1"), 5);
    EXPECT_EQ(runrun_int(f, r, "0.board_id"), 593350);
    EXPECT(json_is(runrun_at(f, r, "0.details"), JS_OBJECT) && json_is(runrun_at(f, r, "0.integrators"), JS_ARRAY));
    const char *nulls[] = { "0.description", "0.user_name", "0.last_editor_name", "0.edited_at", "0.position" };
    for (size_t i = 0; i < LENGTH_OF(nulls); i++)
        EXPECT(runrun_is_null(f, r, nulls[i]));
    EXPECT(!runrun_is_set(f, r, "0.is_editable") && !runrun_is_set(f, r, "0.is_everyone_allowed_to_add_to_board"));
    EXPECT_SLICE(runrun_str(f, r, "1.description"), S("em reais"));
    EXPECT_EQ(runrun_count(f, runrun_send(f, &ana, "GET /boards/5/fields", ""), ""), 1);
    EXPECT_EQ(runrun_count(f, runrun_send(f, &ana, "GET /boards/5/fields?category=native", ""), ""), 0);
    r = runrun_send(f, &ana, "GET /boards/593350/fields?limit=1&page=2", "");
    EXPECT_SLICE(runrun_str(f, r, "0.id"), S("custom_13"));
    EXPECT_SLICE(fake_reply_header(r, "X-Item-Range"), S("items 2-2/2"));

    r = runrun_send(f, &ana, "GET /fields/custom_12/options", "");
    EXPECT_EQ(runrun_count(f, r, ""), 2);
    EXPECT_SLICE(runrun_str(f, r, "0.id"), S("2"));
    EXPECT_SLICE(runrun_str(f, r, "0.label"), S("Alta"));
    EXPECT(runrun_is_null(f, r, "0.color") && runrun_is_null(f, r, "1.color"));
    EXPECT_EQ(runrun_count(f, runrun_send(f, &ana, "GET /fields/custom_13/options", ""), ""), 0);
    EXPECT_ERROR(f, runrun_send(f, &ana, "GET /fields/custom_99/options", ""), 404);
}

TEST(a_task_lists_the_fields_of_its_board)
{
    struct runrun_options o = with_boards(false);
    RUNRUN_FIXTURE_WITH(f, &o);
    runrun_send(f, &ana, "POST /tasks", "{\"title\":\"1\",\"board_id\":5}");
    runrun_send(f, &ana, "POST /tasks", "{\"title\":\"2\"}");
    EXPECT_EQ(runrun_count(f, runrun_send(f, &ana, "GET /tasks/1/fields", ""), ""), 1);
    EXPECT_EQ(runrun_count(f, runrun_send(f, &ana, "GET /tasks/2/fields", ""), ""), 0);
    EXPECT_ERROR(f, runrun_send(f, &ana, "GET /tasks/3/fields", ""), 404);
}

TEST(an_invalid_boards_file_prevents_the_start)
{
    const char *bad[] = {
        "{",
        "[]",
        "{\"boards\":{}}",
        "{\"fields\":7}",
        "{\"boards\":[{\"id\":\"5\",\"name\":\"x\"}]}",
        "{\"boards\":[{\"id\":5}]}",
        "{\"boards\":[7]}",
        "{\"fields\":[{\"id\":\"custom_1\",\"label\":\"x\",\"field_type\":\"date\"}]}",
        "{\"fields\":[{\"id\":\"custom_1\",\"label\":\"x\",\"board_ids\":[1]}]}",
        "{\"fields\":[{\"id\":\"custom_1\",\"label\":\"x\",\"field_type\":\"date\",\"board_ids\":[\"1\"]}]}",
        ("{\"fields\":[{\"id\":\"custom_1\",\"label\":\"x\",\"field_type\":\"date\",\"board_ids\":[1],"
         "\"options\":[{\"id\":\"1\"}]}]}")
    };
    SCRATCH(a);
    const struct runrun_boards *b;
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_ERR(runrun_boards_read(slice_of(bad[i]), &a, &b), ERR_INVALID);
    EXPECT_OK(runrun_boards_read(S("{}"), &a, &b));
    WORLD(w);
    struct runrun_options o = runrun_fixture_options();
    struct runrun r;
    o.boards = S("{");
    EXPECT_ERR(runrun_open(&r, &w->core, &o, NULL, NULL, &a), ERR_INVALID);
    runrun_close(&r); /* nothing is left to close */
}

/* ---- §6.11 users ---- */

static void expect_people(struct runrun_fixture *f, const struct runrun_user *u, const char *query, const char *ids)
{
    struct fake_reply *r = runrun_send(f, u, runrun_format(f, "GET /users%s", query), "");
    slice got = S("");
    EXPECT_EQ(r->status, 200);
    for (size_t i = 0; i < runrun_count(f, r, ""); i++)
        got = arena_printf(f->a, SLICE_FMT "%s" SLICE_FMT, SLICE_ARG(got), i ? " " : "",
                           SLICE_ARG(runrun_str(f, r, runrun_format(f, "%zu.id", i))));
    EXPECT_SLICE(got, slice_of(ids));
}

TEST(users_lists_everybody_to_administrators_and_to_others_whom_they_work_with)
{
    RUNRUN_FIXTURE(f);
    struct runrun_user rui = runrun_user(f, "rui", "Rui"), eva = runrun_user(f, "eva", "Eva"),
                       boss = runrun_user_of(f, "", "boss", "", true);
    struct account other;
    EXPECT_OK(account_create(&f->w->core, &f->w->operator_, S("other"), f->a, &other));
    runrun_user_of(f, "other", "far", "Far", true);
    struct fake_reply *r = runrun_send(f, &ana, "GET /users", "");
    EXPECT_SLICE(fake_reply_header(r, "X-Item-Range"), S("items 1-1/1"));
    EXPECT_SLICE(r->body,
                 arena_printf(f->a, "[" SLICE_FMT "]", SLICE_ARG(runrun_send(f, &ana, "GET /users/me", "")->body)));
    expect_people(f, &boss, "", "ana-prado rui eva boss");
    expect_people(f, &boss, "?limit=2&page=2", "eva boss");
    expect_people(f, &boss, "?offset=1&limit=1", "rui");
    r = runrun_send(f, &boss, "GET /users?limit=3", "");
    EXPECT_SLICE(fake_reply_header(r, "X-Item-Range"), S("items 1-3/4"));
    EXPECT(slice_find(fake_reply_header(r, "Link"), S("</api/users?limit=3&page=2>; rel=\"next\"")) != SLICE_NONE);
    runrun_send(f, &rui, "POST /tasks", "{\"title\":\"t\",\"assignments\":[{\"assignee_id\":\"ana-prado\"}]}");
    expect_people(f, &ana, "", "ana-prado rui");
    expect_people(f, &rui, "", "ana-prado rui");
    expect_people(f, &eva, "", "eva");
    runrun_send(f, &ana, "POST /tasks",
                "{\"title\":\"t\",\"assignments\":[{\"assignee_id\":\"eva\"},{\"assignee_id\":\"rui\"}]}");
    expect_people(f, &eva, "", "ana-prado rui eva");
    runrun_send(f, &ana, "DELETE /tasks/2", "");
    expect_people(f, &eva, "", "eva");
    EXPECT_OK(user_set_state(&f->w->core, &f->w->operator_, S("rui"), USER_DELETED, f->a));
    expect_people(f, &boss, "", "ana-prado eva boss");
    expect_people(f, &ana, "", "ana-prado");
}

TEST(users_me_describes_the_owner_of_the_token)
{
    RUNRUN_FIXTURE(f);
    struct runrun_user boss = runrun_user_of(f, "", "boss", "", true);
    struct fake_reply *r = runrun_send(f, &ana, "GET /users/me", "");
    EXPECT_SLICE(runrun_str(f, r, "id"), S("ana-prado"));
    EXPECT_SLICE(runrun_str(f, r, "name"), S("Ana Prado"));
    EXPECT_SLICE(runrun_str(f, r, "email"), S("ana-prado@example.org"));
    EXPECT(runrun_is_null(f, r, "avatar_url") && runrun_is_null(f, r, "avatar_large_url"));
    EXPECT(!runrun_is_set(f, r, "is_master") && !runrun_is_set(f, r, "is_manager"));
    EXPECT_SLICE(runrun_str(f, r, "time_zone"), S("-03:00"));
    EXPECT_SLICE(runrun_str(f, r, "language"), S("pt-BR"));
    EXPECT_EQ(runrun_count(f, r, "team_ids"), 0);
    EXPECT_SLICE(runrun_str(f, r, "created_at"), S("2026-11-21T11:04:09-03:00"));
    r = runrun_send(f, &boss, "GET /users/me", "");
    EXPECT(runrun_is_set(f, r, "is_master"));
    EXPECT_SLICE(runrun_str(f, r, "name"), S("boss"));
}

RUN_TESTS(
    cmocka_unit_test(a_task_reply_has_every_documented_field),
    cmocka_unit_test(unsupported_fields_of_a_task_have_constant_values),
    cmocka_unit_test(a_task_can_be_created_with_a_form), cmocka_unit_test(a_refused_task_names_the_wrong_field),
    cmocka_unit_test(texts_of_a_task_have_limits), cmocka_unit_test(attachable_name_is_cut_after_1000_characters),
    cmocka_unit_test(desired_date_with_a_time_is_stored_as_sent),
    cmocka_unit_test(unknown_boards_are_accepted_unless_boards_are_strict),
    cmocka_unit_test(a_new_task_attaches_pending_and_confirmed_documents),
    cmocka_unit_test(a_task_is_visible_to_its_whole_account_only), cmocka_unit_test(task_list_filters_and_sorts),
    cmocka_unit_test(deleting_a_task_deletes_the_documents_of_all_users_in_it),
    cmocka_unit_test(a_comment_may_have_its_task_in_the_path), cmocka_unit_test(a_user_is_found_by_its_id),
    cmocka_unit_test(a_comment_reply_has_every_documented_field), cmocka_unit_test(a_comment_attaches_documents),
    cmocka_unit_test(a_comment_can_be_about_a_document), cmocka_unit_test(a_refused_comment_names_the_wrong_field),
    cmocka_unit_test(comments_are_listed_newest_first_in_pages),
    cmocka_unit_test(the_author_may_edit_a_comment_for_15_minutes),
    cmocka_unit_test(the_author_may_delete_a_comment_for_15_minutes),
    cmocka_unit_test(boards_list_their_fields_and_fields_their_options),
    cmocka_unit_test(a_task_lists_the_fields_of_its_board), cmocka_unit_test(an_invalid_boards_file_prevents_the_start),
    cmocka_unit_test(users_me_describes_the_owner_of_the_token),
    cmocka_unit_test(users_lists_everybody_to_administrators_and_to_others_whom_they_work_with),
    cmocka_unit_test(a_change_of_a_task_leaves_what_it_does_not_name),
    cmocka_unit_test(an_assignee_who_is_unknown_was_refused_although_boards_are_open),
    cmocka_unit_test(strict_boards_refuse_an_assignee_who_is_unknown),
    cmocka_unit_test(a_changed_task_waits_for_other_people), cmocka_unit_test(only_so_many_tasks_wait_for_one_person),
    cmocka_unit_test(only_the_author_and_administrators_change_a_task),
    cmocka_unit_test(a_changed_task_attaches_documents), cmocka_unit_test(custom_fields_of_a_changed_task_have_limits),
    cmocka_unit_test(the_description_of_a_task_is_read_and_changed_alone))
