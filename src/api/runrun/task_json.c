/* SPDX-License-Identifier: Apache-2.0 */
/* A task has the fields that core knows, those that its details keep, and every other field of the vendor's task with a
 * constant that says "none" (docs/apis/runrun.md §6.8). */
#include "api/kit/failure_log.h"
#include "api/runrun/boards_priv.h"
#include "api/runrun/runrun_priv.h"
#include "api/runrun/task_json_priv.h"
#include "core/access/people.h"
#include "core/task/task.h"
#include "core/task/task_summary.h"

const struct json *runrun_task_details(struct http_exchange *x, const struct task *t, struct arena *a)
{
    const struct json *details = NULL;
    err_t e = t->details.n ? json_parse(a, t->details, &details) : NULL;
    if (e)
        log_failure(runrun_of(x)->log, x, e); /* of the server, but a task without its details is better than none */
    return e ? NULL : details;
}

static void put_detail(struct json_out *o, const struct json *details, const char *name)
{
    const struct json *j = json_get(details, name);
    json_name(o, name);
    if (j)
        json_add_value(o, j);
    else
        json_add_null(o);
}

static void put_board(struct json_reply *reply, const struct json *details)
{
    const struct json *board = json_get(details, "board_id");
    put_detail(&reply->out, details, "board_id");
    if (json_is(board, JS_INT))
        json_put_string(&reply->out, "board_name",
                        runrun_board_name(runrun_of(reply->x)->boards, board->integer, reply->a));
    else
        runrun_put_null(&reply->out, "board_name");
}

static void put_assignments(struct json_out *o, const struct task_summary *s)
{
    json_name(o, "assignments");
    json_open_array(o);
    for (size_t i = 0; i < s->member_count; i++) {
        const struct user *user = people_find(s->people, s->people_count, s->members[i].user_id);
        if (!(s->members[i].roles & TASK_RESPONSIBLE) || !user)
            continue;
        json_open_object(o);
        json_put_string(o, "assignee_id", user->login);
        json_put_string(o, "assignee_name", runrun_user_name(user));
        runrun_put_null(o, "team_id");
        runrun_put_null(o, "team_name");
        json_close_object(o);
    }
    for (size_t i = 0; i < s->awaited_count; i++) {
        json_open_object(o);
        json_put_string(o, "assignee_id", s->awaited[i].name);
        json_put_string(o, "assignee_name", s->awaited[i].name);
        runrun_put_null(o, "team_id");
        runrun_put_null(o, "team_name");
        json_close_object(o);
    }
    json_close_array(o);
}

static void put_followers(struct json_out *o, const struct task_summary *s)
{
    json_name(o, "follower_ids");
    json_open_array(o);
    for (size_t i = 0; i < s->member_count; i++) {
        const struct user *user = people_find(s->people, s->people_count, s->members[i].user_id);
        if (s->members[i].roles & TASK_SUBSCRIBER && user)
            json_add_string(o, user->login);
    }
    json_close_array(o);
}

static bool is_assigned(const struct task_summary *s)
{
    for (size_t i = 0; i < s->member_count; i++)
        if (s->members[i].roles & TASK_RESPONSIBLE)
            return true;
    return s->awaited_count > 0;
}

/* The fields of the vendor's task that have no meaning here. */
static void put_constants(struct json_out *o)
{
    static const char *const nulls[] = {
        "client_id",   "client_name",        "team_id",          "team_name",
        "guest_id",    "board_stage_id",     "board_stage_name", "parent_task_id",
        "workflow_id", "project_group_name", "checklist_id",     "form_id",
        "points",      "evaluation_status",  "responsible_id",   "responsible_name",
        "start_date",  "desired_start_date",
    };
    static const char *const arrays[] = { "tags_data", "task_tags",   "tags",           "parent_ids",
                                          "child_ids", "subtask_ids", "sharing_details" };
    static const char *const zeros[] = { "time_worked",    "time_pending",  "time_total", "current_estimate_seconds",
                                         "queue_position", "subtasks_count" };
    static const char *const falses[] = { "is_working_on", "is_urgent",    "is_shared",  "is_subtask",
                                          "on_going",      "was_reopened", "has_emails", "is_scheduled" };
    for (size_t i = 0; i < LENGTH_OF(nulls); i++)
        runrun_put_null(o, nulls[i]);
    for (size_t i = 0; i < LENGTH_OF(arrays); i++) {
        json_name(o, arrays[i]);
        json_add_raw(o, S("[]"));
    }
    for (size_t i = 0; i < LENGTH_OF(zeros); i++)
        json_put_int(o, zeros[i], 0);
    for (size_t i = 0; i < LENGTH_OF(falses); i++)
        json_put_bool(o, falses[i], false);
    json_put_string(o, "tag_list", S(""));
}

static void put_runrun_task(struct json_reply *reply, const struct task_summary *s, bool with_description)
{
    struct json_out *o = &reply->out;
    const struct task *t = &s->task;
    const struct user *author = people_find(s->people, s->people_count, t->author_id);
    const struct json *details = runrun_task_details(reply->x, t, reply->a);
    const struct json *fields = json_get(details, "custom_fields");
    json_open_object(o);
    json_put_int(o, "id", t->id);
    json_put_string(o, "title", t->text);
    if (with_description)
        put_detail(o, details, "description");
    runrun_put_text(o, "user_id", author ? author->login : S(""));
    runrun_put_text(o, "user_name", author ? runrun_user_name(author) : S(""));
    put_board(reply, details);
    put_detail(o, details, "project_id");
    runrun_put_null(o, "project_name");
    put_detail(o, details, "type_id");
    runrun_put_null(o, "type_name");
    runrun_put_date(reply, "created_at", t->created_at_ms);
    runrun_put_date(reply, "last_activity_at", t->modified_at_ms);
    put_detail(o, details, "desired_date");
    json_name(o, "custom_fields");
    if (fields)
        json_add_value(o, fields);
    else
        json_add_raw(o, S("{}"));
    put_assignments(o, s);
    put_followers(o, s);
    json_put_int(o, "attachments_count", s->document_count);
    json_put_bool(o, "is_closed", t->closed_at_ms != 0);
    json_put_bool(o, "is_assigned", is_assigned(s));
    json_put_string(o, "state", is_assigned(s) ? S("queued") : S("not_assigned"));
    runrun_put_date(reply, "close_date", t->closed_at_ms);
    put_constants(o);
    json_close_object(o);
}

static err_t write_task(struct runrun_items *items, int64_t id, struct buf *out, struct arena *a, bool with_description,
                        bool *ret_done)
{
    struct http_exchange *x = items->pieces.pieces.x;
    struct task_summary summary;
    TRY(task_summarize(runrun_of(x)->core, runrun_caller(x), id, a, &summary));
    put_runrun_task(json_item_begin(&items->pieces, a), &summary, with_description);
    return json_item_end(&items->pieces, out, ret_done);
}

err_t runrun_write_task(struct runrun_items *items, int64_t id, struct buf *out, struct arena *a, bool *ret_done)
{
    return write_task(items, id, out, a, false, ret_done);
}

err_t runrun_write_task_with_description(struct runrun_items *items, int64_t id, struct buf *out, struct arena *a,
                                         bool *ret_done)
{
    return write_task(items, id, out, a, true, ret_done);
}

/* The vendor's documentation has had two names for the text. */
static void put_description(struct json_reply *reply, const struct task *t)
{
    struct json_out *o = &reply->out;
    const struct json *details = runrun_task_details(reply->x, t, reply->a);
    int64_t edited_at_ms = 0;
    const struct json *edited = json_get(details, RUNRUN_DESCRIPTION_EDITED);
    if (edited && !json_to_i64(edited, &edited_at_ms))
        edited_at_ms = 0;
    json_open_object(o);
    json_put_int(o, "id", t->id);
    put_detail(o, details, "description");
    json_name(o, "body");
    if (json_get(details, "description"))
        json_add_value(o, json_get(details, "description"));
    else
        json_add_null(o);
    runrun_put_null(o, "current_editor_id");
    runrun_put_null(o, "current_editor_name");
    runrun_put_date(reply, "edited_at", edited_at_ms);
    runrun_put_null(o, "locked_at");
    json_close_object(o);
}

err_t runrun_write_description(struct runrun_items *items, int64_t id, struct buf *out, struct arena *a, bool *ret_done)
{
    struct http_exchange *x = items->pieces.pieces.x;
    struct task task;
    TRY(task_get_visible(runrun_of(x)->core, runrun_caller(x), id, a, &task));
    put_description(json_item_begin(&items->pieces, a), &task);
    return json_item_end(&items->pieces, out, ret_done);
}
