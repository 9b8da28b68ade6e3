/* SPDX-License-Identifier: Apache-2.0 */
/* The custom fields of boards and of tasks, and their options. */
#include "api/runrun/boards_priv.h"
#include "api/runrun/errors_priv.h"
#include "api/runrun/handlers_priv.h"
#include "api/runrun/page_priv.h"
#include "api/runrun/reply_priv.h"
#include "api/runrun/request_priv.h"
#include "api/runrun/runrun_priv.h"
#include "api/runrun/task_json_priv.h"
#include "base/live.h"
#include "core/task/task.h"

static bool is_on_board(const struct json *field, int64_t board_id)
{
    JSON_EACH(board, json_get(field, "board_ids"))
        if (board->integer == board_id)
            return true;
    return false;
}

static void put_member(struct json_out *o, const struct json *from, const char *name)
{
    const struct json *j = json_get(from, name);
    json_name(o, name);
    if (j)
        json_add_value(o, j);
    else
        json_add_null(o);
}

static void put_field(struct json_reply *reply, const struct json *field, int64_t board_id)
{
    struct runrun *r = runrun_of(reply->x);
    struct json_out *o = &reply->out;
    const struct json *details = json_get(field, "details");
    json_open_object(o);
    put_member(o, field, "id");
    put_member(o, field, "label");
    put_member(o, field, "field_type");
    json_name(o, "details");
    if (json_is(details, JS_OBJECT))
        json_add_value(o, details);
    else
        json_add_raw(o, S("{}"));
    put_member(o, field, "description");
    json_put_string(o, "category", S("custom"));
    json_put_int(o, "boards_count", (int64_t)json_count(json_get(field, "board_ids")));
    put_member(o, field, "board_ids");
    runrun_put_null(o, "user_name");
    runrun_put_null(o, "last_editor_name");
    runrun_put_date(reply, "created_at", r->bucket.created_at_ms);
    runrun_put_null(o, "edited_at");
    json_put_bool(o, "is_editable", false);
    json_put_bool(o, "is_everyone_allowed_to_add_to_board", false);
    json_name(o, "integrators");
    json_add_raw(o, S("[]"));
    json_put_string(o, "status", S("active"));
    runrun_put_null(o, "position");
    json_put_int(o, "board_id", board_id);
    json_close_object(o);
}

/* Replies with a page of the fields of a board; board_id 0 has none. */
static err_t reply_fields(struct http_exchange *x, int64_t board_id)
{
    const struct runrun_boards *b = runrun_of(x)->boards;
    struct page page;
    size_t total = 0, first, at = 0;
    slice category;
    TRY(runrun_read_page(x, &page));
    bool custom = !query_get(&page.query, S("category"), QUERY_LAST_WINS, &category) || slice_eq(category, S("custom"));
    JSON_EACH(field, custom ? b->fields : NULL)
        total += is_on_board(field, board_id);
    size_t shown = page_cut(&page, total, &first);
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_array(&reply.out);
    JSON_EACH(field, custom ? b->fields : NULL) {
        if (!is_on_board(field, board_id))
            continue;
        if (at >= first && at < first + shown)
            put_field(&reply, field, board_id);
        at++;
    }
    json_close_array(&reply.out);
    runrun_page_headers(x, &page, shown, (int64_t)total);
    runrun_reply_send(&reply, 200);
    return NULL;
}

err_t runrun_board_fields(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    int64_t id;
    TRY(runrun_path_id(x, &id));
    if (LIVE(r->options.strict_boards) && !runrun_board_is_known(r->boards, id))
        return runrun_refuse(&x->arena, RUNRUN_NO_RECORD);
    return reply_fields(x, id);
}

err_t runrun_task_fields(struct http_exchange *x)
{
    struct task task;
    int64_t id;
    TRY(runrun_path_id(x, &id));
    TRY(task_get_visible(runrun_of(x)->core, runrun_caller(x), id, &x->arena, &task));
    const struct json *board = json_get(runrun_task_details(x, &task, &x->arena), "board_id");
    return reply_fields(x, json_is(board, JS_INT) ? board->integer : 0);
}

static const struct json *find_field(const struct runrun_boards *b, slice id)
{
    JSON_EACH(field, b->fields)
        if (slice_eq(json_str(field, "id"), id))
            return field;
    return NULL;
}

static void put_option(struct json_out *o, const struct json *option)
{
    json_open_object(o);
    put_member(o, option, "id");
    put_member(o, option, "label");
    put_member(o, option, "color");
    json_close_object(o);
}

err_t runrun_field_options(struct http_exchange *x)
{
    const struct json *field = find_field(runrun_of(x)->boards, x->req.params[0]);
    struct page page;
    size_t first, at = 0;
    if (!field)
        return runrun_refuse(&x->arena, RUNRUN_NO_RECORD);
    TRY(runrun_read_page(x, &page));
    const struct json *options = json_get(field, "options");
    size_t total = json_count(options), shown = page_cut(&page, total, &first);
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_array(&reply.out);
    JSON_EACH(option, options) {
        if (at >= first && at < first + shown)
            put_option(&reply.out, option);
        at++;
    }
    json_close_array(&reply.out);
    runrun_page_headers(x, &page, shown, (int64_t)total);
    runrun_reply_send(&reply, 200);
    return NULL;
}
