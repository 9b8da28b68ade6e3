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
#include "base/live.h"
#include "base/text.h"
#include "core/access/people.h"
#include "core/file/file_name.h"
#include "core/task/task.h"

#define ASSIGNEES_MAX 100
#define DATE_MAX_BYTES 40
/* Limit of a title, a description, the custom fields. */
#define TEXT_MAX_BYTES 65536

struct runrun_task_reader {
    struct http_exchange *x;
    struct arena *a;
    struct runrun_field_errors errors;
    bool is_change; /* of a task that exists: what is there without a value is removed from it */
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

/* A member without a value: nothing, but in a change it removes what the task has. */
static void write_no_value(struct runrun_task_reader *r, const struct json *task, const char *name, struct json_out *o)
{
    if (!r->is_change || !json_get(task, name))
        return;
    json_name(o, name);
    json_add_null(o);
}

static void write_text_field(struct runrun_task_reader *r, const struct json *task, const char *name, slice text,
                             struct json_out *o)
{
    if (text.n)
        json_put_string(o, name, text);
    else
        write_no_value(r, task, name, o);
}

static void write_custom_fields(struct runrun_task_reader *r, const struct json *task, struct json_out *o)
{
    const struct json *fields = json_get(task, "custom_fields");
    if (json_absent(fields)) {
        write_no_value(r, task, "custom_fields", o);
        return;
    }
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
    else
        write_no_value(r, task, name, o);
}

static void write_board_field(struct runrun_task_reader *r, const struct json *task, struct json_out *o)
{
    struct runrun *runrun = runrun_of(r->x);
    int64_t board;
    if (!read_number_field(r, task, "board_id", &board)) {
        write_no_value(r, task, "board_id", o);
        return;
    }
    json_put_int(o, "board_id", board);
    if (LIVE(runrun->options.strict_boards) && !runrun_board_is_known(runrun->boards, board))
        runrun_add_field_error(&r->errors, "board_id", RUNRUN_UNKNOWN_BOARD);
}

/* The fields that core does not know, as a JSON object: the details of a new task, or what changes in those of another. */
static slice read_details(struct runrun_task_reader *r, const struct json *task)
{
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, r->a);
    struct json_out o;
    json_out_init(&o, &b);
    json_open_object(&o);
    write_text_field(r, task, "description", read_text_field(r, task, "description"), &o);
    if (r->is_change && json_get(task, "description"))
        json_put_int(&o, RUNRUN_DESCRIPTION_EDITED, core_now_ms(runrun_of(r->x)->core));
    write_board_field(r, task, &o);
    write_number_field(r, task, "project_id", &o);
    write_number_field(r, task, "type_id", &o);
    write_text_field(r, task, "desired_date", read_date_field(r, task, "desired_date"), &o);
    write_custom_fields(r, task, &o);
    json_close_object(&o);
    return r->is_change && b.n == 2 ? S("") : buf_give(&b, r->a);
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

/* Whom "assignments" names. */
struct assignees {
    struct task_member *members; /* each once */
    slice *unknown;
    size_t member_count, unknown_count;
};

static void add_member(struct assignees *to, int64_t user_id)
{
    for (size_t i = 0; i < to->member_count; i++)
        if (to->members[i].user_id == user_id)
            return;
    to->members[to->member_count++] = (struct task_member){ user_id, TASK_RESPONSIBLE };
}

/* The vendor's example names people whom a new server does not have, so they are awaited unless boards are strict. */
static err_t add_assignee(struct runrun_task_reader *r, const struct json *assignee, struct assignees *to)
{
    int64_t id = 0;
    slice name = json_is(assignee, JS_STRING) ? assignee->string : S("");
    bool may_wait = !runrun_of(r->x)->options.strict_boards && !runrun_is_blank(name) && !file_name_has_control(name) &&
                    name.n <= TASK_AWAITED_NAME_MAX;
    TRY(find_user(r, name, &id));
    if (id)
        add_member(to, id);
    else if (may_wait)
        to->unknown[to->unknown_count++] = name;
    else
        runrun_add_field_error(&r->errors, "assignments", RUNRUN_UNKNOWN_USER);
    return NULL;
}

static err_t read_assignments(struct runrun_task_reader *r, const struct json *task, struct assignees *ret)
{
    const struct json *array = json_get(task, "assignments");
    *ret = (struct assignees){ 0 };
    if (json_absent(array))
        return NULL;
    size_t count = json_count(array);
    if (array->type != JS_ARRAY || count > ASSIGNEES_MAX) {
        runrun_add_field_error(&r->errors, "assignments",
                               array->type != JS_ARRAY ? RUNRUN_NOT_LIST : RUNRUN_TOO_MANY_ASSIGNMENTS);
        return NULL;
    }
    ret->members = arena_array(r->a, struct task_member, count + 1);
    ret->unknown = arena_array(r->a, slice, count + 1);
    JSON_EACH(item, array) {
        const struct json *assignee = json_get(item, "assignee_id");
        if (!json_absent(assignee) || item->type != JS_OBJECT) /* else it is assigned to a team */
            TRY(add_assignee(r, assignee, ret));
    }
    return NULL;
}

/* ---- creating, showing, changing, deleting ---- */

err_t runrun_task_create(struct http_exchange *x)
{
    struct runrun_task_reader r = { .x = x, .a = &x->arena };
    struct task_request request = { .is_silent = true, .is_shared = true };
    struct assignees people;
    const struct json *body;
    int64_t task_id;
    TRY(runrun_read_body(x, &body));
    const struct json *task = runrun_unwrap(body, "task");
    request.text = read_text_field(&r, task, "title");
    if (runrun_is_blank(request.text))
        runrun_add_field_error(&r.errors, "title", RUNRUN_BLANK);
    request.details = read_details(&r, task);
    TRY(read_assignments(&r, task, &people));
    request.members = people.members;
    request.member_count = people.member_count;
    request.awaited = people.unknown;
    request.awaited_count = people.unknown_count;
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

/* Reads the body of a request that creates a task, as a change: only what is there. */
static err_t read_task_edit(struct runrun_task_reader *r, const struct json *task, struct task_edit *edit)
{
    struct assignees people;
    edit->sets_text = json_get(task, "title") != NULL;
    edit->text = read_text_field(r, task, "title");
    if (edit->sets_text && runrun_is_blank(edit->text))
        runrun_add_field_error(&r->errors, "title", RUNRUN_BLANK);
    edit->details = read_details(r, task);
    edit->inner = "custom_fields";
    TRY(read_assignments(r, task, &people));
    edit->sets_responsible = !json_absent(json_get(task, "assignments"));
    int64_t *ids = arena_array(r->a, int64_t, people.member_count + 1);
    for (size_t i = 0; i < people.member_count; i++)
        ids[edit->responsible_count++] = people.members[i].user_id;
    edit->responsible = ids;
    edit->awaited = people.unknown;
    edit->awaited_count = people.unknown_count;
    runrun_read_ids(r->x, task, "document_ids", &r->errors, &edit->documents, &edit->document_count);
    return runrun_refuse_fields(r->x, &r->errors);
}

/* A task that the caller does not see is no task, whatever the body says. */
static err_t read_task_and_body(struct http_exchange *x, struct task *ret, const struct json **ret_body)
{
    int64_t id;
    TRY(runrun_path_id(x, &id));
    TRY(runrun_read_body(x, ret_body));
    return task_get_visible(runrun_of(x)->core, runrun_caller(x), id, &x->arena, ret);
}

err_t runrun_task_edit(struct http_exchange *x)
{
    struct runrun_task_reader r = { .x = x, .a = &x->arena, .is_change = true };
    struct task_edit edit = { 0 };
    struct task task;
    const struct json *body;
    TRY(read_task_and_body(x, &task, &body));
    edit.task_id = task.id;
    TRY(read_task_edit(&r, runrun_unwrap(body, "task"), &edit));
    TRY(task_edit(runrun_of(x)->core, runrun_caller(x), &edit, &x->arena));
    return runrun_reply_item(x, 200, runrun_write_task_with_description, task.id);
}

err_t runrun_description_get(struct http_exchange *x)
{
    int64_t id;
    TRY(runrun_path_id(x, &id));
    return runrun_reply_item(x, 200, runrun_write_description, id);
}

/* The text stands alone, or in an object, under either of the names that the vendor's documentation gives it. */
static const struct json *find_description(const struct json *body)
{
    const struct json *inner = runrun_unwrap(runrun_unwrap(body, "task_description"), "description");
    const struct json *text = json_get(inner, "description");
    return text ? text : json_get(inner, "body");
}

err_t runrun_description_edit(struct http_exchange *x)
{
    struct runrun_task_reader r = { .x = x, .a = &x->arena, .is_change = true };
    struct task_edit edit = { 0 };
    struct task task;
    const struct json *body;
    TRY(read_task_and_body(x, &task, &body));
    const struct json *text = find_description(body);
    if (!text)
        return runrun_refuse_field(x, "description", RUNRUN_BLANK);
    struct json member = *text;
    member.name = S("description");
    member.next = NULL;
    edit.task_id = task.id;
    edit.details = read_details(&r, &(struct json){ .type = JS_OBJECT, .child = &member });
    TRY(runrun_refuse_fields(x, &r.errors));
    TRY(task_edit(runrun_of(x)->core, runrun_caller(x), &edit, &x->arena));
    return runrun_reply_item(x, 200, runrun_write_description, task.id);
}

err_t runrun_task_delete(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    int64_t id;
    TRY(runrun_path_id(x, &id));
    TRY(task_remove(r->core, runrun_caller(x), id, LIVE(r->options.pending_lifetime_ms), &x->arena));
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
