/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/duckdb/functions.h"

#include "base/arena.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_BETWEEN_LOOKS ((uint64_t)1 << 20) /* at the clock; a step is about a byte */

/* One call of a function, for the rows of a chunk. */
struct call {
    duckdb_function_info info;
    duckdb_data_chunk input;
    duckdb_vector output;
    struct clock *clock;
    int64_t deadline_ms;
    uint64_t room, steps;
    bool has_ended; /* with an error */
    char *copy;     /* of a text that is changed */
    size_t copy_room;
};

static void end_call(struct call *c, const char *error)
{
    if (!c->has_ended)
        duckdb_scalar_function_set_error(c->info, error);
    c->has_ended = true;
}

static void take_steps(struct call *c, uint64_t steps)
{
    c->steps += steps;
    if (c->steps < STEPS_BETWEEN_LOOKS)
        return;
    c->steps = 0;
    if (clock_monotonic_ms(c->clock) >= c->deadline_ms)
        end_call(c, FUNCTION_IS_LATE);
}

static void take_room(struct call *c, uint64_t bytes)
{
    if (bytes > c->room)
        end_call(c, FUNCTION_HAS_NO_ROOM);
    else
        c->room -= bytes;
}

/* ---- vectors ---- */

static const void *values_of(const struct call *c, idx_t column)
{
    return duckdb_vector_get_data(duckdb_data_chunk_get_vector(c->input, column));
}

/* The same for all rows. */
static int64_t number_of(const struct call *c, idx_t column)
{
    return *(const int64_t *)values_of(c, column);
}

static bool is_null(const struct call *c, idx_t column, idx_t row)
{
    uint64_t *valid = duckdb_vector_get_validity(duckdb_data_chunk_get_vector(c->input, column));
    return valid && !duckdb_validity_row_is_valid(valid, row);
}

static slice text_of(const struct call *c, idx_t column, idx_t row)
{
    duckdb_string_t *text = &((duckdb_string_t *)(uintptr_t)values_of(c, column))[row];
    return (slice){ duckdb_string_t_data(text), duckdb_string_t_length(*text) };
}

static void set_null(struct call *c, idx_t row)
{
    duckdb_vector_ensure_validity_writable(c->output);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(c->output), row);
}

/* ---- functions that make texts ---- */

static char *copy_of(struct call *c, size_t bytes)
{
    if (bytes > c->copy_room) {
        c->copy_room = 2 * bytes;
        c->copy = must_realloc(c->copy, c->copy_room);
    }
    return c->copy;
}

static slice change_case(struct call *c, slice text, char first, char last)
{
    char *to = copy_of(c, text.n);
    for (size_t i = 0; i < text.n; i++)
        to[i] = text.p[i] >= first && text.p[i] <= last ? (char)(text.p[i] ^ 0x20) : text.p[i];
    return (slice){ to, text.n };
}

static slice make_lower(struct call *c, slice text)
{
    return change_case(c, text, 'A', 'Z');
}

static slice make_upper(struct call *c, slice text)
{
    return change_case(c, text, 'a', 'z');
}

static slice make_trimmed(struct call *c, slice text)
{
    (void)c;
    while (text.n && text.p[text.n - 1] == ' ')
        text.n--;
    while (text.n && text.p[0] == ' ')
        text = slice_from(text, 1);
    return text;
}

static struct call begin_call(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    return (struct call){
        .info = info, .input = input, .output = output, .clock = duckdb_scalar_function_get_extra_info(info)
    };
}

static void make_texts(struct call *c, slice (*make)(struct call *c, slice text))
{
    idx_t count = duckdb_data_chunk_get_size(c->input);
    if (!count)
        return;
    c->room = (uint64_t)number_of(c, 1);
    c->deadline_ms = number_of(c, 2);
    for (idx_t row = 0; row < count && !c->has_ended; row++) {
        if (is_null(c, 0, row)) {
            set_null(c, row);
            continue;
        }
        slice text = text_of(c, 0, row);
        take_steps(c, text.n + 1);
        take_room(c, text.n);
        if (c->has_ended)
            break;
        text = make(c, text);
        duckdb_vector_assign_string_element_len(c->output, row, text.n ? text.p : "", text.n);
    }
    free(c->copy);
}

static void run_lower(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct call c = begin_call(info, input, output);
    make_texts(&c, make_lower);
}

static void run_upper(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct call c = begin_call(info, input, output);
    make_texts(&c, make_upper);
}

static void run_trim(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct call c = begin_call(info, input, output);
    make_texts(&c, make_trimmed);
}

/* ---- patterns ---- */

struct match {
    slice text, pattern;
    size_t at, in_pattern;          /* what is compared next */
    size_t taken_to, after_percent; /* the last % has taken the text up to here; SLICE_NONE: there was no % */
};

/* How many bytes of the pattern the literal is that stands there: 0 for none, 2 with its backslash. */
static size_t literal_length(slice pattern, size_t at)
{
    if (at == pattern.n || pattern.p[at] == '%' || pattern.p[at] == '_')
        return 0;
    return pattern.p[at] == '\\' && at + 1 < pattern.n ? 2 : 1;
}

static bool match_character(struct match *m)
{
    size_t length = literal_length(m->pattern, m->in_pattern);
    if (m->in_pattern == m->pattern.n)
        return false;
    if (length && m->text.p[m->at] != m->pattern.p[m->in_pattern + length - 1])
        return false;
    m->at += length ? 1 : slice_utf8_length(slice_from(m->text, m->at)); /* _ is a whole character */
    m->in_pattern += length ? length : 1;
    return true;
}

/* The last % takes one character more, and all up to where what follows it may begin. False: that is nowhere. */
static bool take_more(struct match *m, struct call *c)
{
    size_t length = literal_length(m->pattern, m->after_percent);
    m->taken_to += slice_utf8_length(slice_from(m->text, m->taken_to));
    if (length) {
        slice rest = slice_from(m->text, m->taken_to);
        size_t skipped = slice_find_byte(rest, m->pattern.p[m->after_percent + length - 1]);
        take_steps(c, skipped == SLICE_NONE ? rest.n : skipped);
        if (skipped == SLICE_NONE)
            return false;
        m->taken_to += skipped;
    }
    m->at = m->taken_to;
    m->in_pattern = m->after_percent;
    return true;
}

/* After a mismatch, those % before the last one need not be tried again. */
static bool matches(struct call *c, slice text, slice pattern)
{
    struct match m = { .text = text, .pattern = pattern, .after_percent = SLICE_NONE };
    while (m.at < text.n && !c->has_ended) {
        take_steps(c, 1);
        if (m.in_pattern < pattern.n && pattern.p[m.in_pattern] == '%') {
            m.after_percent = ++m.in_pattern;
            m.taken_to = m.at;
        } else if (!match_character(&m) && (m.after_percent == SLICE_NONE || !take_more(&m, c))) {
            return false;
        }
    }
    while (m.in_pattern < pattern.n && pattern.p[m.in_pattern] == '%')
        m.in_pattern++;
    return m.in_pattern == pattern.n;
}

static void run_like(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct call c = begin_call(info, input, output);
    bool *values = duckdb_vector_get_data(output);
    idx_t count = duckdb_data_chunk_get_size(input);
    if (count)
        c.deadline_ms = number_of(&c, 3);
    for (idx_t row = 0; row < count && !c.has_ended; row++) {
        if (is_null(&c, 0, row) || is_null(&c, 1, row))
            set_null(&c, row);
        else
            values[row] = matches(&c, text_of(&c, 0, row), text_of(&c, 1, row));
    }
}

/* ---- the room of a chunk ---- */

static void run_room(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct call c = begin_call(info, input, output);
    bool *values = duckdb_vector_get_data(output);
    idx_t count = duckdb_data_chunk_get_size(input);
    if (count)
        c.room = (uint64_t)number_of(&c, 0);
    for (idx_t column = 1; column < duckdb_data_chunk_get_column_count(input); column++)
        for (idx_t row = 0; row < count && !c.has_ended; row++)
            if (!is_null(&c, column, row))
                take_room(&c, text_of(&c, column, row).n);
    for (idx_t row = 0; row < count; row++)
        values[row] = true;
}

/* ---- their names ---- */

#define TEXT DUCKDB_TYPE_VARCHAR
#define NUMBER DUCKDB_TYPE_BIGINT
#define TRUTH DUCKDB_TYPE_BOOLEAN

struct signature {
    const char *name;
    duckdb_scalar_function_t run;
    duckdb_type result;
    duckdb_type parameters[4]; /* up to DUCKDB_TYPE_INVALID */
    bool has_more_texts;       /* any number behind them */
};

static void functionp(duckdb_scalar_function *f)
{
    duckdb_destroy_scalar_function(f);
}

static void add_types(duckdb_scalar_function function, const struct signature *s)
{
    duckdb_logical_type result = duckdb_create_logical_type(s->result);
    duckdb_scalar_function_set_return_type(function, result);
    duckdb_destroy_logical_type(&result);
    for (size_t i = 0; i < LENGTH_OF(s->parameters) && s->parameters[i] != DUCKDB_TYPE_INVALID; i++) {
        duckdb_logical_type type = duckdb_create_logical_type(s->parameters[i]);
        duckdb_scalar_function_add_parameter(function, type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    if (s->has_more_texts)
        duckdb_scalar_function_set_varargs(function, text);
    duckdb_destroy_logical_type(&text);
}

err_t functions_register(duckdb_connection connection, struct clock *clock, struct arena *a)
{
    static const struct signature signatures[] = {
        { "cais_lower", run_lower, TEXT, { TEXT, NUMBER, NUMBER }, false },
        { "cais_upper", run_upper, TEXT, { TEXT, NUMBER, NUMBER }, false },
        { "cais_trim", run_trim, TEXT, { TEXT, NUMBER, NUMBER }, false },
        { "cais_like", run_like, TRUTH, { TEXT, TEXT, NUMBER, NUMBER }, false },
        { "cais_room", run_room, TRUTH, { NUMBER }, true },
    };
    for (size_t i = 0; i < LENGTH_OF(signatures); i++) {
        SCOPED(functionp) duckdb_scalar_function function = duckdb_create_scalar_function();
        duckdb_scalar_function_set_name(function, signatures[i].name);
        add_types(function, &signatures[i]);
        duckdb_scalar_function_set_function(function, signatures[i].run);
        duckdb_scalar_function_set_extra_info(function, clock, NULL);
        duckdb_scalar_function_set_special_handling(function);
        if (duckdb_register_scalar_function(connection, function) == DuckDBError)
            return err_make(a, ERR_UNAVAILABLE, "DuckDB does not take the function %s", signatures[i].name);
    }
    return NULL;
}
