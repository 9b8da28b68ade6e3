/* SPDX-License-Identifier: Apache-2.0 */
/* Always true: a Query that was read without errors has at most QUERY_TESTS_MAX tests of names, each of which becomes two at most, and
 * joins that are nested no deeper than twice QUERY_NESTING_MAX and a few; so every store takes it. */
#include "api/appfile/query_document.h"

#include "api/appfile/members.h"
#include "api/kit/json_cell.h"
#include "base/buf.h"

#include <string.h>

#define SHOWN_NAME 64 /* characters of a name in an error */

/* The way to what is read, from the inside out. */
struct place {
    const struct place *parent;
    slice name; /* empty: it is element `index` of a list */
    size_t index;
};

static void add_place(struct buf *to, const struct place *at)
{
    if (at->parent) {
        add_place(to, at->parent);
        buf_add_byte(to, '.');
    }
    if (at->name.n)
        buf_add(to, slice_characters(at->name, SHOWN_NAME));
    else
        buf_printf(to, "%zu", at->index);
}

static bool fail(struct query_reader *r, const struct place *at, enum appfile_field_code code, const char *message)
{
    if (r->errors->count == APPFILE_FIELDS_MAX)
        return false;
    SCOPED(buf_releasep) struct buf text;
    buf_init_on(&text, 0, r->b.a);
    add_place(&text, at);
    buf_add_byte(&text, 0);
    appfile_add_field_error(r->errors, buf_give(&text, r->b.a).p, code, message);
    return false;
}

static const char *regex_message(enum regex_fault fault)
{
    switch (fault) {
    case REGEX_TOO_LONG:
        return "A pattern has at most 1024 bytes.";
    case REGEX_TOO_LARGE:
        return "The repetitions of the pattern are too large.";
    case REGEX_BAD_BRACKETS:
        return "The brackets of the pattern do not match, or are none.";
    case REGEX_BAD_REPEAT:
        return "The pattern repeats nothing, or too often.";
    case REGEX_BAD_ESCAPE:
        return "A backslash in a pattern takes the meaning of a character, which is no letter and no digit.";
    case REGEX_NOT_UTF8:
    case REGEX_FINE:
        break;
    }
    return "It is no pattern.";
}

/* What the builder has refused. */
static bool fail_as_built(struct query_reader *r, const struct place *at)
{
    switch (r->b.fault.rule) {
    case QUERY_UNKNOWN_COLUMN:
        return fail(r, at, APPFILE_INVALID, "There is no such field.");
    case QUERY_BAD_NAME:
        return fail(r, at, APPFILE_INVALID,
                    "A name is not empty, and has no quotation marks, backslashes and control characters.");
    case QUERY_LONG_NAME:
        return fail(r, at, APPFILE_TOO_LONG, "The name is too long.");
    case QUERY_WRONG_TYPE:
        return fail(r, at, APPFILE_INVALID, "The field has values of another type.");
    case QUERY_BAD_REGEX:
        return fail(r, at, APPFILE_INVALID, regex_message(r->b.fault.regex));
    case QUERY_TOO_MANY_VALUES:
        return fail(r, at, APPFILE_TOO_LONG, "There are at most 1000 values.");
    case QUERY_NULL_VALUE:
        return fail(r, at, APPFILE_INVALID, "Nothing is less or greater than null.");
    default:
        return fail(r, at, APPFILE_TOO_LONG, "The query is too large.");
    }
}

void query_reader_init(struct query_reader *r, const struct column_list *columns, struct appfile_field_errors *errors,
                       struct arena *a)
{
    *r = (struct query_reader){ .errors = errors };
    query_builder_init_whole(&r->b, a, columns);
}

static bool find_name(struct query_reader *r, slice name, const struct place *at, struct query_name *ret)
{
    *ret = (struct query_name){ .is_sortable = true };
    r->b.fault = (struct query_fault){ .rule = QUERY_UNKNOWN_COLUMN };
    return r->find_name(r, name, ret) || fail_as_built(r, at);
}

/* ---- conditions ---- */

/* The field of a condition, and where it stands. */
struct subject {
    struct query_name name;
    const struct place *at;
};

static bool join(struct query_reader *r, enum row_test test, const struct query_condition *parts, size_t count,
                 const struct place *at, struct query_condition *ret)
{
    if (count == 1 && test != ROW_NOT) {
        *ret = parts[0];
        return true;
    }
    return query_join(&r->b, test, parts, count, ret) || fail_as_built(r, at);
}

static bool test(struct query_reader *r, enum row_test test, const struct subject *s, const struct cell *values,
                 size_t count, struct query_condition *ret)
{
    return query_test(&r->b, test, s->name.expr, values, count, ret) || fail_as_built(r, s->at);
}

static bool is_any(const struct subject *s)
{
    return s->name.expr->type == COLUMN_ANY;
}

static bool is_negated(enum row_test test)
{
    return test == ROW_NE || test == ROW_NOT_IN;
}

/* Of a column that may be null, what is not equal to a value may be null, too; of a member, its tests see to that. */
static bool test_or_null(struct query_reader *r, enum row_test which, const struct subject *s,
                         const struct cell *values, size_t count, struct query_condition *ret)
{
    struct query_condition parts[2];
    if (!s->name.is_nullable || is_any(s) || !is_negated(which))
        return test(r, which, s, values, count, ret);
    return test(r, ROW_IS_NULL, s, NULL, 0, &parts[0]) && test(r, which, s, values, count, &parts[1]) &&
           join(r, ROW_SOME, parts, 2, s->at, ret);
}

static bool value_of_any(const struct json *j, struct cell *ret)
{
    switch (j->type) {
    case JS_NULL:
        *ret = (struct cell){ .is_null = true };
        return true;
    case JS_STRING:
        *ret = (struct cell){ .kind = COLUMN_STRING, .text = j->string };
        return true;
    case JS_BOOL:
        *ret = (struct cell){ .kind = COLUMN_BOOL, .boolean = j->boolean };
        return true;
    case JS_INT:
    case JS_REAL:
        *ret = (struct cell){ .kind = COLUMN_JSON, .text = j->string };
        return true;
    default:
        return false;
    }
}

/* A value of a column; numbers and texts stand for each other (1). */
static bool value_of_column(enum column_type type, const struct json *j, struct cell *ret)
{
    if (j->type == JS_NULL)
        *ret = (struct cell){ .is_null = true };
    return j->type == JS_NULL || json_to_cell(type, j, ret);
}

static bool read_value(struct query_reader *r, const struct subject *s, const struct json *j, const struct place *at,
                       struct cell *ret)
{
    if (j->type == JS_ARRAY || j->type == JS_OBJECT)
        return fail(r, at, APPFILE_INVALID, "It must be a string, a number, true, false or null.");
    if (is_any(s) ? value_of_any(j, ret) : value_of_column(s->name.expr->type, j, ret))
        return true;
    return fail(r, at, APPFILE_INVALID,
                column_type_is_time(s->name.expr->type) ? "It must be a time, such as 2026-11-21T03:31:00Z."
                                                        : "The field has values of another type.");
}

/* The numbers that a word stands for are appended to `values`, which has room. */
static bool read_word(struct query_reader *r, const struct subject *s, const struct json *j, const struct place *at,
                      struct cell *values, size_t *count)
{
    for (const struct query_word *w = s->name.words; w->text; w++) {
        if (j->type != JS_STRING || !slice_eq_nocase(j->string, slice_of(w->text)))
            continue;
        for (size_t i = 0; i < w->count; i++)
            values[(*count)++] = (struct cell){ .integer = w->values[i] };
        return true;
    }
    if (j->type != JS_NULL)
        return fail(r, at, APPFILE_INVALID, "The field never has this value.");
    values[(*count)++] = (struct cell){ .is_null = true };
    return true;
}

/* EQ, NE, IN and NOT_IN. A column is compared with null on its own: it must be null, or some other value, or must not be. */
static bool test_equality(struct query_reader *r, bool is_negative, const struct subject *s, struct cell *values,
                          size_t count, struct query_condition *ret)
{
    struct query_condition parts[2];
    size_t kept = 0, part = 0;
    bool has_null = false;
    if (is_any(s) && count)
        return test(r, is_negative ? ROW_NOT_IN : ROW_IN, s, values, count, ret);
    for (size_t i = 0; i < count; i++) {
        has_null |= values[i].is_null;
        if (!values[i].is_null)
            values[kept++] = values[i];
    }
    if (has_null && !test(r, is_negative ? ROW_IS_NOT_NULL : ROW_IS_NULL, s, NULL, 0, &parts[part++]))
        return false;
    if (kept) {
        enum row_test which = is_negative ? ROW_NOT_IN : ROW_IN;
        if (!(has_null ? test(r, which, s, values, kept, &parts[part++])
                       : test_or_null(r, which, s, values, kept, &parts[part++])))
            return false;
    }
    return join(r, is_negative ? ROW_ALL : ROW_SOME, parts, part, s->at, ret);
}

static bool read_equality(struct query_reader *r, bool is_negative, const struct subject *s, const struct json *j,
                          struct query_condition *ret)
{
    struct cell values[SYNC_STATES];
    size_t count = 0;
    if (s->name.words) {
        if (!read_word(r, s, j, s->at, values, &count))
            return false;
    } else if (!read_value(r, s, j, s->at, &values[count++])) {
        return false;
    }
    return test_equality(r, is_negative, s, values, count, ret);
}

static bool read_list(struct query_reader *r, bool is_negative, const struct subject *s, const struct json *j,
                      struct query_condition *ret)
{
    if (j->type != JS_ARRAY)
        return fail(r, s->at, APPFILE_INVALID, "It must be an array.");
    if (json_count(j) > ROW_VALUES_MAX)
        return fail(r, s->at, APPFILE_TOO_LONG, "There are at most 1000 values.");
    size_t count = 0, room = json_count(j) * (s->name.words ? SYNC_STATES : 1);
    if (room > ROW_VALUES_MAX)
        return fail(r, s->at, APPFILE_TOO_LONG, "There are too many words.");
    struct cell *values = arena_array(r->b.a, struct cell, room + 1);
    bool is_good = true;
    struct place at = { .parent = s->at };
    JSON_EACH(item, j) {
        is_good &=
            s->name.words ? read_word(r, s, item, &at, values, &count) : read_value(r, s, item, &at, &values[count++]);
        at.index++;
    }
    return is_good && test_equality(r, is_negative, s, values, count, ret);
}

static bool read_comparison(struct query_reader *r, enum row_test which, const struct subject *s, const struct json *j,
                            struct query_condition *ret)
{
    struct cell value;
    if (s->name.words)
        return fail(r, s->at, APPFILE_INVALID, "Words are neither less nor greater than others.");
    return read_value(r, s, j, s->at, &value) && test(r, which, s, &value, 1, ret);
}

static bool read_exists(struct query_reader *r, const struct subject *s, const struct json *j,
                        struct query_condition *ret)
{
    bool exists;
    if (!appfile_flag(j, &exists))
        return fail(r, s->at, APPFILE_INVALID, "It must be true or false.");
    return test(r, exists ? ROW_IS_NOT_NULL : ROW_IS_NULL, s, NULL, 0, ret);
}

static bool read_regex(struct query_reader *r, const struct subject *s, const struct json *j,
                       struct query_condition *ret)
{
    if (j->type != JS_STRING)
        return fail(r, s->at, APPFILE_INVALID, "It must be a string.");
    struct cell pattern = { .kind = COLUMN_STRING, .text = j->string };
    return test(r, ROW_MATCHES, s, &pattern, 1, ret);
}

static bool read_operator(struct query_reader *r, const struct query_name *name, const struct json *j,
                          const struct place *parent, struct query_condition *ret)
{
    static const struct {
        const char *name;
        enum row_test test;
    } operators[] = {
        { "$eq", ROW_EQ },          { "$ne", ROW_NE },         { "$gt", ROW_GT }, { "$gte", ROW_GE },
        { "$lt", ROW_LT },          { "$lte", ROW_LE },        { "$in", ROW_IN }, { "$nin", ROW_NOT_IN },
        { "$exists", ROW_IS_NULL }, { "$regex", ROW_MATCHES },
    };
    size_t i = 0;
    const struct place at = { .parent = parent, .name = j->name };
    const struct subject s = { *name, &at };
    while (i < LENGTH_OF(operators) && !slice_eq(j->name, slice_of(operators[i].name)))
        i++;
    if (i == LENGTH_OF(operators))
        return fail(r, &at, APPFILE_INVALID, "There is no such operator.");
    switch (operators[i].test) {
    case ROW_EQ:
    case ROW_NE:
        return read_equality(r, operators[i].test == ROW_NE, &s, j, ret);
    case ROW_IN:
    case ROW_NOT_IN:
        return read_list(r, operators[i].test == ROW_NOT_IN, &s, j, ret);
    case ROW_IS_NULL:
        return read_exists(r, &s, j, ret);
    case ROW_MATCHES:
        return read_regex(r, &s, j, ret);
    default:
        return read_comparison(r, operators[i].test, &s, j, ret);
    }
}

static bool count_test(struct query_reader *r, const struct place *at)
{
    return ++r->tests <= QUERY_TESTS_MAX || fail(r, at, APPFILE_TOO_LONG, "There are more than 200 conditions.");
}

static bool read_operators(struct query_reader *r, const struct query_name *name, const struct json *j,
                           const struct place *at, struct query_condition *ret)
{
    size_t count = json_count(j), made = 0;
    if (!count)
        return fail(r, at, APPFILE_INVALID, "It must be a value, or an object of operators.");
    if (count > QUERY_TESTS_MAX)
        return fail(r, at, APPFILE_TOO_LONG, "There are more than 200 conditions.");
    struct query_condition *parts = arena_array(r->b.a, struct query_condition, count);
    JSON_EACH(item, j) {
        if (!count_test(r, at))
            return false;
        made += read_operator(r, name, item, at, &parts[made]);
    }
    return made == count && join(r, ROW_ALL, parts, count, at, ret);
}

/* ---- documents ---- */

static bool read_document(struct query_reader *r, const struct json *j, const struct place *at, int nesting,
                          struct query_condition *ret);

/* The list of $and or $or. */
static bool read_documents(struct query_reader *r, const struct json *j, const struct place *at, int nesting,
                           struct query_condition *ret)
{
    size_t count = json_count(j), made = 0;
    bool is_all = slice_eq(j->name, S("$and"));
    if (!is_all && !slice_eq(j->name, S("$or")))
        return fail(r, at, APPFILE_INVALID, "There is no such operator.");
    if (j->type != JS_ARRAY || !count)
        return fail(r, at, APPFILE_INVALID, "It must be an array of objects, and not empty.");
    if (nesting == QUERY_NESTING_MAX)
        return fail(r, at, APPFILE_TOO_LONG, "$and and $or are nested at most 8 levels deep.");
    if (count > QUERY_TESTS_MAX)
        return fail(r, at, APPFILE_TOO_LONG, "There are more than 200 conditions.");
    struct query_condition *parts = arena_array(r->b.a, struct query_condition, count);
    struct place inside = { .parent = at };
    JSON_EACH(item, j) {
        made += read_document(r, item, &inside, nesting + 1, &parts[made]);
        inside.index++;
        if (r->tests > QUERY_TESTS_MAX || arena_is_over(r->b.a))
            return false;
    }
    return made == count && join(r, is_all ? ROW_ALL : ROW_SOME, parts, count, at, ret);
}

static bool read_member(struct query_reader *r, const struct json *j, const struct place *at, int nesting,
                        struct query_condition *ret)
{
    struct query_name name;
    if (j->name.n && j->name.p[0] == '$')
        return read_documents(r, j, at, nesting, ret);
    if (!find_name(r, j->name, at, &name))
        return false;
    if (j->type == JS_OBJECT)
        return read_operators(r, &name, j, at, ret);
    const struct subject s = { name, at };
    return count_test(r, at) && read_equality(r, false, &s, j, ret);
}

/* All members of it must hold; of an empty one, every row is found. */
static bool read_document(struct query_reader *r, const struct json *j, const struct place *at, int nesting,
                          struct query_condition *ret)
{
    size_t count = json_count(j), made = 0;
    if (j->type != JS_OBJECT)
        return fail(r, at, APPFILE_INVALID, "It must be an object.");
    if (count > QUERY_TESTS_MAX || !(count || count_test(r, at)))
        return fail(r, at, APPFILE_TOO_LONG, "There are more than 200 conditions.");
    struct query_condition *parts = arena_array(r->b.a, struct query_condition, count + 1);
    JSON_EACH(item, j) {
        const struct place inside = { .parent = at, .name = item->name.n ? item->name : S("\"\"") };
        made += read_member(r, item, &inside, nesting, &parts[made]);
        if (r->tests > QUERY_TESTS_MAX || arena_is_over(r->b.a))
            return false;
    }
    return made == count && join(r, ROW_ALL, parts, count, at, ret);
}

err_t query_read_where(struct query_reader *r, const struct json *query)
{
    const struct place at = { .name = S("Query") };
    struct query_condition where;
    if (query && read_document(r, query, &at, 0, &where))
        query_set_where(&r->b, &where);
    return arena_check(r->b.a);
}

/* ---- the rest ---- */

/* 1 or -1, also as a text. */
static bool read_direction(const struct json *j, bool *ret_is_descending)
{
    int64_t direction;
    if (!json_to_i64(j, &direction) || (direction != 1 && direction != -1))
        return false;
    *ret_is_descending = direction < 0;
    return true;
}

static void read_sort(struct query_reader *r, const struct json *j, const struct place *at)
{
    struct query_name name;
    bool is_descending;
    if (!find_name(r, j->name, at, &name))
        return;
    if (!name.is_sortable)
        fail(r, at, APPFILE_INVALID, "The field has no order.");
    else if (!read_direction(j, &is_descending))
        fail(r, at, APPFILE_INVALID, "It must be 1 or -1.");
    else if (!query_add_order(&r->b, SLICE_NONE, name.expr, is_descending))
        fail_as_built(r, at);
}

err_t query_read_sort(struct query_reader *r, const struct json *sort)
{
    const struct place top = { .name = S("Sort") };
    if (!sort)
        return NULL;
    if (sort->type != JS_OBJECT)
        fail(r, &top, APPFILE_INVALID, "It must be an object.");
    else if (json_count(sort) > QUERY_SORTS_MAX)
        fail(r, &top, APPFILE_TOO_LONG, "There are at most 8 fields to sort by.");
    else
        JSON_EACH(item, sort) {
            const struct place at = { .parent = &top, .name = item->name.n ? item->name : S("\"\"") };
            read_sort(r, item, &at);
        }
    return arena_check(r->b.a);
}

static void read_field(struct query_reader *r, const struct json *j, const struct place *at, bool is_distinct)
{
    struct query_name name;
    if (j->type != JS_STRING) {
        fail(r, at, APPFILE_INVALID, "It must be a string.");
        return;
    }
    if (!find_name(r, j->string, at, &name) || query_find_item(&r->b, j->string) != SLICE_NONE)
        return;
    if (!query_add_item(&r->b, ROW_PLAIN, name.expr, j->string) || (is_distinct && !query_add_group(&r->b, name.expr)))
        fail_as_built(r, at);
}

err_t query_read_fields(struct query_reader *r, const struct json *fields, bool is_distinct)
{
    const struct place top = { .name = S("Fields") };
    struct place at = { .parent = &top };
    if (!fields)
        return NULL;
    if (fields->type != JS_ARRAY)
        fail(r, &top, APPFILE_INVALID, "It must be an array of strings.");
    else if (json_count(fields) > ROW_ITEMS_MAX)
        fail(r, &top, APPFILE_TOO_LONG, "There are at most 200 fields.");
    else
        JSON_EACH(item, fields) {
            read_field(r, item, &at, is_distinct);
            at.index++;
        }
    return arena_check(r->b.a);
}

bool query_reader_end(struct query_reader *r, const struct json *sort, struct row_query *ret)
{
    const struct place top = { .name = S("Sort") };
    size_t order = 0;
    if (r->errors->count)
        return false;
    JSON_EACH(item, sort) {
        const struct place at = { .parent = &top, .name = item->name };
        if (!query_order_is_grouped(&r->b, order++))
            fail(r, &at, APPFILE_INVALID, "A distinct query is sorted by its fields alone.");
    }
    return !r->errors->count && query_end(&r->b, ret);
}
