/* SPDX-License-Identifier: Apache-2.0 */
/* Boards and their custom fields: what the operator wrote into a file, for every account the same. It is read once, at
 * start; a mistake in it stops the start, because a field that is silently missing is a column that is silently lost.
 *
 *   {"boards": [{"id": 593350, "name": "Financeiro"}],
 *    "fields": [{"id": "custom_12", "label": "Prioridade", "field_type": "single_option", "board_ids": [593350],
 *                "options": [{"id": "2", "label": "Alta", "color": null}]}]} */
#include "api/runrun/runrun_priv.h"

struct runrun_boards {
    const struct json *boards, *fields; /* arrays, checked; NULL: none */
};

/* ---- reading ---- */

static err_t check_board(const struct json *board, struct arena *a)
{
    if (!json_is(json_get(board, "id"), JS_INT) || json_str(board, "name").n == 0)
        return err_make(a, ERR_INVALID, "boards file: a board needs an id (number) and a name");
    return NULL;
}

static err_t check_field(const struct json *field, struct arena *a)
{
    const struct json *boards = json_get(field, "board_ids"), *options = json_get(field, "options");
    slice id = json_str(field, "id");
    if (id.n == 0 || json_str(field, "label").n == 0 || json_str(field, "field_type").n == 0)
        return err_make(a, ERR_INVALID, "boards file: a field needs an id, a label and a field_type");
    bool good = json_is(boards, JS_ARRAY) && (json_absent(options) || options->type == JS_ARRAY);
    JSON_EACH(board, boards)
        good = good && board->type == JS_INT;
    if (!good)
        return err_make(a, ERR_INVALID, "boards file: field " SLICE_FMT " needs board_ids, a list of numbers",
                        SLICE_ARG(id));
    JSON_EACH(option, options)
        if (json_str(option, "id").n == 0 || json_str(option, "label").n == 0)
            return err_make(a, ERR_INVALID, "boards file: an option of field " SLICE_FMT " needs an id and a label",
                            SLICE_ARG(id));
    return NULL;
}

err_t runrun_boards_read(slice text, struct arena *a, const struct runrun_boards **ret)
{
    struct runrun_boards *b = arena_new(a, struct runrun_boards);
    const struct json *j = NULL;
    *ret = b;
    if (text.n == 0)
        return NULL;
    err_t e = json_parse(a, text, &j);
    if (e)
        return err_because(a, e, ERR_INVALID, "boards file: not JSON");
    b->boards = json_get(j, "boards");
    b->fields = json_get(j, "fields");
    if ((!json_absent(b->boards) && b->boards->type != JS_ARRAY) ||
        (!json_absent(b->fields) && b->fields->type != JS_ARRAY) || j->type != JS_OBJECT)
        return err_make(a, ERR_INVALID, "boards file: boards and fields are lists");
    JSON_EACH(board, b->boards)
        TRY(check_board(board, a));
    JSON_EACH(field, b->fields)
        TRY(check_field(field, a));
    return NULL;
}

static const struct json *find_board(const struct runrun_boards *b, int64_t board_id)
{
    JSON_EACH(board, b->boards)
        if (json_get(board, "id")->integer == board_id)
            return board;
    return NULL;
}

bool runrun_board_is_known(const struct runrun_boards *b, int64_t board_id)
{
    return find_board(b, board_id) != NULL;
}

slice runrun_board_name(const struct runrun_boards *b, int64_t board_id, struct arena *a)
{
    const struct json *board = find_board(b, board_id);
    return board ? json_str(board, "name") : arena_printf(a, "Board %lld", (long long)board_id);
}

/* ---- answering ---- */

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

static void put_field(struct runrun_answer *answer, const struct json *field, int64_t board_id)
{
    struct runrun *r = runrun_of(answer->x);
    struct json_out *o = &answer->o;
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
    runrun_put_date(answer, "created_at", r->bucket.created_at_ms);
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

/* Fields of a board (0: of none) as a list. */
static void reply_fields(struct http_exchange *x, int64_t board_id)
{
    const struct runrun_boards *b = runrun_of(x)->boards;
    struct runrun_page page;
    size_t total = 0, first, at = 0;
    slice category;
    if (!runrun_read_page(x, &page))
        return;
    bool custom = !query_get(&page.query, S("category"), QUERY_LAST_WINS, &category) || slice_eq(category, S("custom"));
    JSON_EACH(field, custom ? b->fields : NULL)
        total += is_on_board(field, board_id);
    size_t shown = runrun_page_cut(&page, total, &first);
    struct runrun_answer answer;
    runrun_answer_open(&answer, x);
    json_open_array(&answer.o);
    JSON_EACH(field, custom ? b->fields : NULL) {
        if (!is_on_board(field, board_id))
            continue;
        if (at >= first && at < first + shown)
            put_field(&answer, field, board_id);
        at++;
    }
    json_close_array(&answer.o);
    runrun_page_headers(x, &page, shown, (int64_t)total);
    runrun_answer_send(&answer, 200);
}

void runrun_board_fields(struct http_exchange *x)
{
    struct runrun *r = runrun_of(x);
    int64_t id;
    if (!runrun_path_id(x, &id))
        return;
    if (r->options.strict_boards && !runrun_board_is_known(r->boards, id))
        runrun_fail(x, RUNRUN_NO_RECORD);
    else
        reply_fields(x, id);
}

void runrun_task_fields(struct http_exchange *x)
{
    struct task task;
    int64_t id;
    if (!runrun_path_id(x, &id))
        return;
    err_t e = task_get_visible(runrun_of(x)->core, runrun_who(x), id, &x->arena, &task);
    if (e) {
        runrun_fail_err(x, e);
        return;
    }
    const struct json *board = json_get(runrun_task_details(x, &task, &x->arena), "board_id");
    reply_fields(x, json_is(board, JS_INT) ? board->integer : 0);
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

void runrun_field_options(struct http_exchange *x)
{
    const struct json *field = find_field(runrun_of(x)->boards, x->req.params[0]);
    struct runrun_page page;
    size_t first, at = 0;
    if (!field) {
        runrun_fail(x, RUNRUN_NO_RECORD);
        return;
    }
    if (!runrun_read_page(x, &page))
        return;
    const struct json *options = json_get(field, "options");
    size_t total = json_count(options), shown = runrun_page_cut(&page, total, &first);
    struct runrun_answer answer;
    runrun_answer_open(&answer, x);
    json_open_array(&answer.o);
    JSON_EACH(option, options) {
        if (at >= first && at < first + shown)
            put_option(&answer.o, option);
        at++;
    }
    json_close_array(&answer.o);
    runrun_page_headers(x, &page, shown, (int64_t)total);
    runrun_answer_send(&answer, 200);
}
