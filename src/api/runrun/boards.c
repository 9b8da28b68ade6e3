/* SPDX-License-Identifier: Apache-2.0 */
/* The boards file is the same for every account and is read once, at the start. A mistake in it prevents the start: if
 * a wrong field were skipped, its column would be lost without notice.
 *
 *   {"boards": [{"id": 593350, "name": "Financeiro"}],
 *    "fields": [{"id": "custom_12", "label": "Prioridade", "field_type": "single_option", "board_ids": [593350],
 *                "options": [{"id": "2", "label": "Alta", "color": null}]}]} */
#include "api/runrun/boards_priv.h"

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
