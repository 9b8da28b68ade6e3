/* SPDX-License-Identifier: Apache-2.0 */
/* Members are read in an order that lets later ones refer to earlier ones: select, where, group_by, order_by. The rules about
 * groups come last, and only when everything before was right: else they would blame items for what is missing. */
#include "api/datasnap/query_body.h"

#include "api/datasnap/expression.h"
#include "api/datasnap/meta_type.h"
#include "api/kit/json_cell.h"
#include "core/query/query_build.h"

struct reader {
    const struct json *body;
    struct arena *a;
    struct query_builder b;
    struct field_errors *errors;
    struct cell *values; /* those of the condition that is being read: room for ROW_VALUES_MAX */
    bool lacks_items;    /* an item of select was wrong, so names that are unknown may be its own */
};

/* The array of a member; NULL when it is absent, null, or something else, which is noted. */
static const struct json *read_array(struct reader *r, const char *name)
{
    const struct json *member = json_get(r->body, name);
    if (json_absent(member))
        return NULL;
    if (member->type == JS_ARRAY)
        return member;
    field_error_add(r->errors, S("O campo deve ser uma lista."), "%s", name);
    return NULL;
}

/* ---- select ---- */

static void read_item(struct reader *r, const struct json *j, size_t at)
{
    struct select_item item;
    slice error = S("O item deve ser um texto.");
    if (json_is(j, JS_STRING) && expression_parse_item(&r->b, j->string, &item, &error)) {
        if (query_add_item(&r->b, item.aggregate, item.expr, item.name))
            return;
        const struct query_fault *fault = &r->b.fault;
        slice name = quoted_text(item.name);
        if (fault->rule == QUERY_NAME_TAKEN)
            error = arena_printf(r->a, "O nome '" SLICE_FMT "' se repete no resultado.", SLICE_ARG(name));
        else if (fault->rule == QUERY_WRONG_TYPE)
            error = arena_printf(r->a, "A agregação não aceita o tipo %s.", meta_type_name(fault->is));
        else
            error = query_limit_text(fault);
    }
    r->lacks_items = true;
    field_error_add(r->errors, error, "select.%zu", at);
}

static err_t read_select(struct reader *r)
{
    const struct json *list = json_get(r->body, "select");
    size_t at = 0, count = json_count(list);
    if (json_absent(list))
        field_error_add(r->errors, S("O campo select é obrigatório."), "select");
    else if (list->type != JS_ARRAY)
        field_error_add(r->errors, S("O campo deve ser uma lista."), "select");
    else if (count < 1 || count > ROW_ITEMS_MAX)
        field_error_add(r->errors, S("O campo select deve ter de 1 a 200 itens."), "select");
    else
        JSON_EACH(item, list) {
            TRY(arena_check(r->a));
            read_item(r, item, at++);
        }
    return NULL;
}

/* ---- where ---- */

static const struct {
    const char *name;
    enum row_test test;
} operators[] = {
    { "=", ROW_EQ },
    { "!=", ROW_NE },
    { ">", ROW_GT },
    { "<", ROW_LT },
    { ">=", ROW_GE },
    { "<=", ROW_LE },
    { "like", ROW_LIKE },
    { "not like", ROW_NOT_LIKE },
    { "in", ROW_IN },
    { "not in", ROW_NOT_IN },
    { "between", ROW_BETWEEN },
    { "is null", ROW_IS_NULL },
    { "is not null", ROW_IS_NOT_NULL },
};

static bool read_operator(struct reader *r, const struct json *j, size_t at, enum row_test *ret)
{
    if (json_is(j, JS_STRING))
        for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
            if (slice_eq_nocase(j->string, slice_of(operators[i].name))) {
                *ret = operators[i].test;
                return true;
            }
    field_error_add(r->errors, json_absent(j) ? S("O operador é obrigatório.") : S("O operador não existe."),
                    "where.%zu.op", at);
    return false;
}

static bool read_condition_field(struct reader *r, const struct json *j, size_t at, const struct row_expr **ret)
{
    slice error = json_absent(j) ? S("O campo é obrigatório.") : S("O campo deve ser um texto.");
    if (json_is(j, JS_STRING) && expression_parse_scalar(&r->b, j->string, ret, &error))
        return true;
    field_error_add(r->errors, error, "where.%zu.field", at);
    return false;
}

/* One value of a condition. element: its position in a list, or -1. */
static bool read_value(struct reader *r, enum column_type type, const struct json *j, size_t at, int element,
                       struct cell *ret)
{
    slice error;
    if (json_absent(j))
        error = S("Informe um valor; para nulos use 'is null' ou 'is not null'.");
    else if (j->type == JS_ARRAY || j->type == JS_OBJECT)
        error = S("O valor deve ser um texto, um número ou um booleano.");
    else if (!json_to_cell(type, j, ret))
        error = arena_printf(r->a, "O valor não serve para o tipo %s.", meta_type_name(type));
    else
        return true;
    if (element < 0)
        field_error_add(r->errors, error, "where.%zu.value", at);
    else
        field_error_add(r->errors, error, "where.%zu.value.%d", at, element);
    return false;
}

static bool read_value_list(struct reader *r, const struct row_expr *of, enum row_test test, const struct json *j,
                            size_t at)
{
    size_t count = json_count(j);
    slice error = S("");
    if (!json_is(j, JS_ARRAY))
        error = S("O valor deve ser uma lista.");
    else if (test == ROW_BETWEEN && count != 2)
        error = S("O valor deve ser uma lista de dois valores.");
    else if (count < 1 || count > ROW_VALUES_MAX)
        error = S("O valor deve ser uma lista de 1 a 1000 valores.");
    if (error.n) {
        field_error_add(r->errors, error, "where.%zu.value", at);
        return false;
    }
    bool is_right = true;
    int element = 0;
    JSON_EACH(item, j) {
        is_right &= read_value(r, of->type, item, at, element, &r->values[element]);
        element++;
    }
    return is_right;
}

/* Reads the values that the test takes. */
static bool read_values(struct reader *r, const struct row_expr *of, enum row_test test, const struct json *j,
                        size_t at, size_t *ret_count)
{
    *ret_count = 0;
    if (test == ROW_IS_NULL || test == ROW_IS_NOT_NULL)
        return true;
    if (test == ROW_IN || test == ROW_NOT_IN || test == ROW_BETWEEN) {
        *ret_count = json_count(j);
        return read_value_list(r, of, test, j, at);
    }
    *ret_count = 1;
    bool is_pattern = test == ROW_LIKE || test == ROW_NOT_LIKE;
    if (is_pattern && !json_absent(j) && j->type != JS_STRING) {
        field_error_add(r->errors, S("O valor deve ser um texto."), "where.%zu.value", at);
        return false;
    }
    return read_value(r, is_pattern ? COLUMN_STRING : of->type, j, at, -1, r->values);
}

static void note_refused_test(struct reader *r, size_t at)
{
    const struct query_fault *fault = &r->b.fault;
    if (fault->rule == QUERY_WRONG_TYPE)
        field_error_add(r->errors, arena_printf(r->a, "O operador não aceita o tipo %s.", meta_type_name(fault->is)),
                        "where.%zu.op", at);
    else if (fault->rule == QUERY_BAD_PATTERN)
        field_error_add(r->errors, S("O padrão não pode terminar em '\\'."), "where.%zu.value", at);
    else
        field_error_add(r->errors, query_limit_text(fault), "where.%zu", at);
}

static bool read_condition(struct reader *r, const struct json *j, size_t at, struct query_condition *ret)
{
    if (!json_is(j, JS_OBJECT)) {
        field_error_add(r->errors, S("A condição deve ser um objeto."), "where.%zu", at);
        return false;
    }
    enum row_test test = ROW_EQ;
    const struct row_expr *of = NULL;
    bool has_field = read_condition_field(r, json_get(j, "field"), at, &of);
    bool has_test = read_operator(r, json_get(j, "op"), at, &test);
    size_t count;
    if (!has_field || !has_test || !read_values(r, of, test, json_get(j, "value"), at, &count))
        return false;
    if (query_test(&r->b, test, of, r->values, count, ret))
        return true;
    note_refused_test(r, at);
    return false;
}

static err_t read_where(struct reader *r)
{
    const struct json *list = read_array(r, "where");
    if (!list || !list->child)
        return NULL;
    size_t at = 0, count = 0;
    struct query_condition all, *parts = arena_array(r->a, struct query_condition, json_count(list));
    r->values = arena_array(r->a, struct cell, ROW_VALUES_MAX);
    JSON_EACH(item, list) {
        TRY(arena_check(r->a));
        count += read_condition(r, item, at++, &parts[count]);
        if (r->b.fault.rule == QUERY_TOO_LARGE) /* and each one after it would be, too */
            return NULL;
    }
    if (query_join(&r->b, ROW_ALL, parts, count, &all))
        query_set_where(&r->b, &all);
    else
        field_error_add(r->errors, query_limit_text(&r->b.fault), "where");
    return NULL;
}

/* ---- group_by, order_by ---- */

/* Is the name that was looked up last unknown only because of an error that is noted already? */
static bool misses_item(const struct reader *r)
{
    return r->lacks_items && r->b.fault.rule == QUERY_UNKNOWN_COLUMN;
}

/* A column, an item of select, or a scalar expression. */
static bool read_group(struct reader *r, slice text, slice *ret_error)
{
    const struct row_expr *expr = query_column(&r->b, text);
    r->b.fault = (struct query_fault){ 0 };
    size_t item = expr ? SLICE_NONE : query_find_item(&r->b, text);
    if (item != SLICE_NONE) {
        if (r->b.items[item].aggregate != ROW_PLAIN) {
            *ret_error = S("Funções de agregação não são aceitas aqui.");
            return false;
        }
        expr = r->b.items[item].expr;
    }
    if (!expr && !expression_parse_scalar(&r->b, text, &expr, ret_error))
        return misses_item(r);
    if (!query_add_group(&r->b, expr)) {
        *ret_error = query_limit_text(&r->b.fault);
        return false;
    }
    return true;
}

static err_t read_group_by(struct reader *r)
{
    size_t at = 0;
    const struct json *list = read_array(r, "group_by");
    JSON_EACH(item, list) {
        TRY(arena_check(r->a));
        slice error = S("O item deve ser um texto.");
        if (!json_is(item, JS_STRING) || !read_group(r, item->string, &error))
            field_error_add(r->errors, error, "group_by.%zu", at);
        at++;
    }
    return NULL;
}

/* The name of a column of the result, else a column of the dataset. */
static bool read_order_field(struct reader *r, slice text, bool is_descending, slice *ret_error)
{
    const struct row_expr *expr = NULL;
    size_t item = query_find_item(&r->b, text);
    r->b.fault = (struct query_fault){ 0 };
    if (item == SLICE_NONE && !expression_parse_scalar(&r->b, text, &expr, ret_error))
        return misses_item(r);
    if (expr && expr->function != ROW_COLUMN) {
        *ret_error = S("Informe uma coluna, ou um nome do resultado.");
        return false;
    }
    if (!query_add_order(&r->b, item, expr, is_descending)) {
        *ret_error = query_limit_text(&r->b.fault);
        return false;
    }
    return true;
}

static void read_order(struct reader *r, const struct json *j, size_t at)
{
    bool is_object = json_is(j, JS_OBJECT);
    const struct json *field = is_object ? json_get(j, "field") : j, *direction = json_get(j, "direction");
    bool is_text = json_is(direction, JS_STRING);
    bool is_descending = is_text && slice_eq_nocase(direction->string, S("desc"));
    if (!json_absent(direction) && !is_descending && !(is_text && slice_eq_nocase(direction->string, S("asc"))))
        field_error_add(r->errors, S("A direção deve ser asc ou desc."), "order_by.%zu.direction", at);
    slice error = is_object ? S("O campo deve ser um texto.") : S("O item deve ser um texto ou um objeto.");
    if (json_is(field, JS_STRING) && read_order_field(r, field->string, is_descending, &error))
        return;
    if (is_object)
        field_error_add(r->errors, error, "order_by.%zu.field", at);
    else
        field_error_add(r->errors, error, "order_by.%zu", at);
}

static err_t read_order_by(struct reader *r)
{
    size_t at = 0;
    const struct json *list = read_array(r, "order_by");
    JSON_EACH(item, list) {
        TRY(arena_check(r->a));
        read_order(r, item, at++);
    }
    return NULL;
}

/* ---- the rest ---- */

/* An integer from `min` to `max`; *value stays as it is when the member is absent. */
static void read_number(struct reader *r, const char *name, int64_t min, int64_t max, uint64_t *value)
{
    const struct json *j = json_get(r->body, name);
    if (json_absent(j))
        return;
    if (j->type == JS_INT && j->integer >= min && j->integer <= max)
        *value = (uint64_t)j->integer;
    else if (max == INT64_MAX)
        field_error_add(r->errors, S("O campo deve ser um inteiro, de 0 em diante."), "%s", name);
    else
        field_error_add(
            r->errors,
            arena_printf(r->a, "O campo deve ser um inteiro de %lld a %lld.", (long long)min, (long long)max), "%s",
            name);
}

static void read_paging(struct reader *r, struct query_request *ret)
{
    ret->query.limit = QUERY_LIMIT_DEFAULT;
    ret->query.offset = 0;
    read_number(r, "limit", 1, QUERY_LIMIT_MAX, &ret->query.limit);
    read_number(r, "offset", 0, INT64_MAX, &ret->query.offset);
    const struct json *token = json_get(r->body, "page_token");
    if (json_absent(token))
        return;
    if (token->type != JS_STRING)
        field_error_add(r->errors, S("O campo deve ser um texto."), "page_token");
    else
        ret->page_token = token->string;
    if (!json_absent(json_get(r->body, "offset")))
        field_error_add(r->errors, S("O campo offset não pode vir junto com page_token."), "offset");
}

static void read_format(struct reader *r, struct query_request *ret)
{
    static const char *const formats[] = { [RESULT_JSON] = "json",
                                           [RESULT_JSON_COMPACT] = "json_compact",
                                           [RESULT_JSON_COMPACT_STRINGS] = "json_compact_strings",
                                           [RESULT_JSON_LINES] = "jsonl" };
    const struct json *j = json_get(r->body, "format");
    ret->format = RESULT_JSON_COMPACT;
    if (json_absent(j))
        return;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (json_is(j, JS_STRING) && slice_eq(j->string, slice_of(formats[i]))) {
            ret->format = (enum result_format)i;
            return;
        }
    field_error_add(r->errors, S("O formato deve ser json, json_compact, json_compact_strings ou jsonl."), "format");
}

static void read_include_meta(struct reader *r, struct query_request *ret)
{
    static const char *const names[] = { "include_meta", "meta", "with_meta", "include_metadata" };
    ret->include_meta = true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct json *j = json_get(r->body, names[i]);
        if (json_absent(j))
            continue;
        if (j->type != JS_BOOL)
            field_error_add(r->errors, S("O campo deve ser true ou false."), "%s", names[i]);
        ret->include_meta = j->boolean;
        return;
    }
}

static void check_groups(struct reader *r)
{
    slice text = S("A coluna deve estar em group_by, ou dentro de uma agregação.");
    for (size_t i = 0; i < r->b.item_count; i++)
        if (!query_item_is_grouped(&r->b, i))
            field_error_add(r->errors, text, "select.%zu", i);
    for (size_t i = 0; i < r->b.order_count; i++)
        if (!query_order_is_grouped(&r->b, i))
            field_error_add(r->errors, S("Com agregações, só se ordena por colunas de group_by ou do resultado."),
                            "order_by.%zu", i);
}

err_t query_body_read(const struct json *body, const struct column_list *columns, struct arena *a,
                      struct field_errors *errors, struct query_request *ret)
{
    struct reader r = { .body = body, .a = a, .errors = errors };
    struct query_request request = { 0 };
    query_builder_init(&r.b, a, columns);
    TRY(read_select(&r));
    TRY(read_where(&r));
    TRY(read_group_by(&r));
    TRY(read_order_by(&r));
    read_paging(&r, &request);
    read_format(&r, &request);
    read_include_meta(&r, &request);
    if (!errors->count)
        check_groups(&r);
    TRY(arena_check(a));
    struct row_query query;
    if (errors->count || !query_end(&r.b, &query))
        return NULL;
    query.limit = request.query.limit;
    query.offset = request.query.offset;
    request.query = query;
    *ret = request;
    return NULL;
}
