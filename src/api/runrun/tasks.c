/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks, to which documents are attached. The vendor's task has fields that core does not know: description, board,
 * custom fields and others. They are checked here and stored in the opaque `details` of the task, in the JSON that
 * task_json.c writes. */
#include "api/runrun/boards_priv.h"
#include "api/runrun/errors_priv.h"
#include "api/runrun/handlers_priv.h"
#include "api/runrun/page_priv.h"
#include "api/runrun/request_priv.h"
#include "api/runrun/runrun_priv.h"
#include "api/runrun/task_json_priv.h"
#include "base/text.h"
#include "core/access/people.h"
#include "core/task/task.h"

#define ASSIGNEES_MAX 100
#define DATE_MAX_BYTES 40
/* Limit of a title, a description, the custom fields. */
#define TEXT_MAX_BYTES 65536

struct runrun_task_reader {
    struct http_exchange *x;
    struct arena *a;
    struct runrun_field_errors errors;
};

/* ---- fields ---- */

static slice read_text_field(struct runrun_task_reader *r, const struct json *task, const char *name)
{
    const struct json *j = json_get(task, name);
    if (json_absent(j))
        return S("");
    if (j->type != JS_STRING)
        runrun_add_field_error(&r->errors, name, RUNRUN_NOT_TEXT);
    else if (j->string.n > TEXT_MAX_BYTES)
        runrun_add_field_error(&r->errors, name, RUNRUN_TEXT_TOO_LONG);
    return j->type == JS_STRING ? j->string : S("");
}

/* Reads a number that is not negative. False when it is absent or wrong. A form sends an empty text for an absent
 * number. */
static bool read_number_field(struct runrun_task_reader *r, const struct json *task, const char *name, int64_t *ret)
{
    const struct json *j = json_get(task, name);
    if (json_absent(j) || (j->type == JS_STRING && j->string.n == 0))
        return false;
    if (json_to_i64(j, ret) && *ret >= 0)
        return true;
    runrun_add_field_error(&r->errors, name, RUNRUN_NOT_NUMBER);
    return false;
}

/* YYYY-MM-DD, or a time that begins with it; stored as it was sent. */
static slice read_date_field(struct runrun_task_reader *r, const struct json *task, const char *name)
{
    slice text = read_text_field(r, task, name);
    bool good = text.n <= DATE_MAX_BYTES && date_is_valid(slice_part(text, 0, 10)) &&
                (text.n == 10 || text.p[10] == 'T' || text.p[10] == ' ');
    for (size_t i = 10; good && i < text.n; i++)
        good = text.p[i] >= ' ' && text.p[i] < 0x7f;
    if (text.n && !good)
        runrun_add_field_error(&r->errors, name, RUNRUN_NOT_DATE);
    return text;
}

static bool is_custom_name(slice name)
{
    uint64_t number;
    return slice_starts(name, S("custom_")) && slice_to_u64(slice_from(name, 7), &number);
}

static void write_custom_fields(struct runrun_task_reader *r, const struct json *task, struct json_out *o)
{
    const struct json *fields = json_get(task, "custom_fields");
    if (json_absent(fields))
        return;
    if (fields->type != JS_OBJECT) {
        runrun_add_field_error(&r->errors, "custom_fields", RUNRUN_NOT_OBJECT);
        return;
    }
    json_name(o, "custom_fields");
    size_t before = o->to->n;
    json_open_object(o);
    JSON_EACH(member, fields)
        if (is_custom_name(member->name)) {
            json_name(o, arena_cstr(r->a, member->name));
            json_add_value(o, member);
        }
    json_close_object(o);
    if (o->to->n - before > TEXT_MAX_BYTES)
        runrun_add_field_error(&r->errors, "custom_fields", RUNRUN_CUSTOM_FIELDS_TOO_LONG);
}

static void write_number_field(struct runrun_task_reader *r, const struct json *task, const char *name,
                               struct json_out *o)
{
    int64_t number;
    if (read_number_field(r, task, name, &number))
        json_put_int(o, name, number);
}

static slice read_details(struct runrun_task_reader *r, const struct json *task)
{
    struct runrun *runrun = runrun_of(r->x);
    int64_t board;
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, r->a);
    struct json_out o;
    json_out_init(&o, &b);
    json_open_object(&o);
    slice description = read_text_field(r, task, "description"), date = read_date_field(r, task, "desired_date");
    if (description.n)
        json_put_string(&o, "description", description);
    if (read_number_field(r, task, "board_id", &board)) {
        json_put_int(&o, "board_id", board);
        if (runrun->options.strict_boards && !runrun_board_is_known(runrun->boards, board))
            runrun_add_field_error(&r->errors, "board_id", RUNRUN_UNKNOWN_BOARD);
    }
    write_number_field(r, task, "project_id", &o);
    write_number_field(r, task, "type_id", &o);
    if (date.n)
        json_put_string(&o, "desired_date", date);
    write_custom_fields(r, task, &o);
    json_close_object(&o);
    return buf_give(&b, r->a);
}

/* ---- people ---- */

/* The id of the user; 0 when there is no such user. */
static err_t find_user(const struct runrun_task_reader *r, slice login, int64_t *ret)
{
    struct user user;
    err_t e = person_by_address(runrun_of(r->x)->core, runrun_caller(r->x), login, r->a, &user);
    *ret = e ? 0 : user.id;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

static void add_member(struct task_request *request, struct task_member *members, int64_t user_id)
{
    for (size_t i = 0; i < request->member_count; i++)
        if (members[i].user_id == user_id)
            return;
    members[request->member_count++] = (struct task_member){ user_id, TASK_RESPONSIBLE };
}

static err_t read_assignments(struct runrun_task_reader *r, const struct json *task, struct task_request *request)
{
    const struct json *array = json_get(task, "assignments");
    if (json_absent(array))
        return NULL;
    size_t count = json_count(array);
    if (array->type != JS_ARRAY || count > ASSIGNEES_MAX) {
        runrun_add_field_error(&r->errors, "assignments",
                               array->type != JS_ARRAY ? RUNRUN_NOT_LIST : RUNRUN_TOO_MANY_ASSIGNMENTS);
        return NULL;
    }
    struct task_member *members = arena_array(r->a, struct task_member, count + 1);
    request->members = members;
    JSON_EACH(item, array) {
        const struct json *assignee = json_get(item, "assignee_id");
        if (json_absent(assignee) && item->type == JS_OBJECT)
            continue; /* assigned to a team */
        int64_t id = 0;
        if (json_is(assignee, JS_STRING))
            TRY(find_user(r, assignee->string, &id));
        if (id)
            add_member(request, members, id);
        else
            runrun_add_field_error(&r->errors, "assignments", RUNRUN_UNKNOWN_USER);
    }
    return NULL;
}

/* ---- creating, showing, deleting ---- */

err_t runrun_task_create(struct http_exchange *x)
{
    struct runrun_task_reader r = { .x = x, .a = &x->arena };
    struct task_request request = { .is_silent = true, .is_shared = true };
    const struct json *body;
    int64_t task_id;
    TRY(runrun_read_body(x, &body));
    const struct json *task = runrun_unwrap(body, "task");
    request.text = read_text_field(&r, task, "title");
    if (runrun_is_blank(request.text))
        runrun_add_field_error(&r.errors, "title", RUNRUN_BLANK);
    request.details = read_details(&r, task);
    TRY(read_assignments(&r, task, &request));
    runrun_read_ids(x, task, "document_ids", &r.errors, &request.documents, &request.document_count);
    TRY(runrun_refuse_fields(x, &r.errors));
    TRY(task_create(runrun_of(x)->core, runrun_caller(x), &request, &x->arena, &task_id));
    return runrun_reply_item(x, 201, runrun_write_task, task_id);
}

err_t runrun_task_get(struct http_exchange *x)
{
    int64_t id;
    TRY(runrun_path_id(x, &id));
    return runrun_reply_item(x, 200, runrun_write_task_with_description, id);
}

err_t runrun_task_delete(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    int64_t id;
    TRY(runrun_path_id(x, &id));
    TRY(task_remove(r->core, runrun_caller(x), id, r->options.pending_lifetime_ms, &x->arena));
    runrun_reply_no_content(x);
    return NULL;
}

/* ---- listing ---- */

/* The user that the filter names; 0 when the filter is absent. Sets *ret_none when there is no such user: then no task
 * matches. */
static err_t filter_user(const struct runrun_task_reader *r, const struct query *q, slice name, int64_t *ret,
                         bool *ret_none)
{
    slice login;
    *ret = 0;
    if (!query_get(q, name, QUERY_LAST_WINS, &login) || login.n == 0)
        return NULL;
    TRY(find_user(r, login, ret));
    *ret_none = *ret_none || *ret == 0;
    return NULL;
}

static void filter_ids(const struct runrun_task_reader *r, const struct query *q, struct task_list_request *request)
{
    slice text, one;
    if (!query_get(q, S("ids"), QUERY_LAST_WINS, &text))
        return;
    int64_t *ids = arena_array(r->a, int64_t, text.n / 2 + 2);
    while (text.n) {
        slice_cut(text, ',', &one, &text);
        if (slice_to_i64(slice_trim(one), &ids[request->id_count]))
            request->id_count++;
    }
    request->ids = ids;
}

/* *ret_none: no task can match. */
static err_t read_filters(const struct runrun_task_reader *r, const struct query *q, struct task_list_request *request,
                          bool *ret_none)
{
    slice value;
    *ret_none = false;
    TRY(filter_user(r, q, S("user_id"), &request->author_id, ret_none));
    TRY(filter_user(r, q, S("responsible_id"), &request->member_id, ret_none));
    request->member_roles = TASK_RESPONSIBLE;
    TRY(filter_user(r, q, S("follower_id"), &request->also_member_id, ret_none));
    request->also_member_roles = TASK_SUBSCRIBER;
    filter_ids(r, q, request);
    if (query_get(q, S("is_closed"), QUERY_LAST_WINS, &value))
        request->closed = slice_eq(value, S("true")) || slice_eq(value, S("1"))    ? 1
                          : slice_eq(value, S("false")) || slice_eq(value, S("0")) ? 0
                                                                                   : -1;
    if (query_get(q, S("sort_dir"), QUERY_LAST_WINS, &value))
        request->descending = slice_eq_nocase(value, S("desc"));
    if (query_get(q, S("project_id"), QUERY_LAST_WINS, &request->detail_value) && request->detail_value.n)
        request->detail_name = S("project_id");
    if (query_get(q, S("board_id"), QUERY_LAST_WINS, &request->also_detail_value) && request->also_detail_value.n)
        request->also_detail_name = S("board_id");
    return NULL;
}

err_t runrun_task_list(struct http_exchange *x)
{
    const struct runrun_task_reader r = { .x = x, .a = &x->arena };
    struct page page;
    struct task_list_request request = { .closed = -1, .detail_name = S(""), .detail_value = S("") };
    struct task_page tasks = { 0 };
    bool none;
    TRY(runrun_read_page(x, &page));
    TRY(read_filters(&r, &page.query, &request, &none));
    request.limit = page.limit;
    do {
        request.offset = page.offset;
        if (!none)
            TRY(task_list(runrun_of(x)->core, runrun_caller(x), &request, &x->arena, &tasks));
    } while (page_restart(&page, tasks.total));
    runrun_page_headers(x, &page, tasks.count, tasks.total);
    return runrun_reply_list(runrun_items_new(x, runrun_write_task, tasks.ids, tasks.count));
}
