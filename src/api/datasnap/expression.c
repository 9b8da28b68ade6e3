/* SPDX-License-Identifier: Apache-2.0 */
/* The parser always holds one token ahead, `ahead`. Once `error` is set, nothing is parsed any more. */
#include "api/datasnap/expression.h"

#include "api/datasnap/meta_type.h"
#include "base/json_scan.h"
#include "core/dataset/cell_text.h"

#include <string.h>

/* ---- tokens ---- */

enum token_kind { TOKEN_END, TOKEN_NAME, TOKEN_QUOTED_NAME, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_SIGN, TOKEN_WRONG };

struct token {
    enum token_kind kind;
    slice text; /* as it stands in the expression, with its quotes */
};

struct parser {
    struct query_builder *b;
    slice text;
    size_t at; /* behind the token */
    struct token ahead;
    slice error; /* empty: none so far */
};

static bool begins_name(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static size_t name_length(slice text)
{
    size_t n = 0;
    while (n < text.n && (begins_name(text.p[n]) || (n && text.p[n] >= '0' && text.p[n] <= '9')))
        n++;
    return n;
}

/* With both quotes; 0: it does not end. In a text two quotes stand for one. */
static size_t quoted_length(slice text)
{
    char quote = text.p[0];
    for (size_t i = 1; i < text.n; i++) {
        if (text.p[i] != quote)
            continue;
        if (quote != '\'' || i + 1 == text.n || text.p[i + 1] != quote)
            return i + 1;
        i++;
    }
    return 0;
}

static struct token token_at(slice rest)
{
    if (!rest.n)
        return (struct token){ TOKEN_END, rest };
    char c = rest.p[0];
    enum token_kind kind = TOKEN_SIGN;
    size_t n = 1;
    if (begins_name(c)) {
        kind = TOKEN_NAME;
        n = name_length(rest);
    } else if (c == '"' || c == '`' || c == '\'') {
        kind = c == '\'' ? TOKEN_TEXT : TOKEN_QUOTED_NAME;
        n = quoted_length(rest);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        kind = TOKEN_NUMBER;
        n = json_number_length(rest);
        if (n < rest.n && (begins_name(rest.p[n]) || rest.p[n] == '.' || (rest.p[n] >= '0' && rest.p[n] <= '9')))
            n = 0; /* 007, 1.5x */
    } else if (!memchr("(),*", c, 4)) {
        n = 0;
    }
    return n ? (struct token){ kind, slice_part(rest, 0, n) } : (struct token){ TOKEN_WRONG, rest };
}

static void next_token(struct parser *p)
{
    while (p->at < p->text.n && memchr(" \t\r\n", p->text.p[p->at], 4))
        p->at++;
    p->ahead = token_at(slice_from(p->text, p->at));
    p->at += p->ahead.text.n;
}

static bool is_sign(const struct parser *p, char sign)
{
    return p->ahead.kind == TOKEN_SIGN && p->ahead.text.p[0] == sign;
}

static bool take_sign(struct parser *p, char sign)
{
    bool is_there = is_sign(p, sign);
    if (is_there)
        next_token(p);
    return is_there;
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->ahead.kind == TOKEN_NAME && slice_eq_nocase(p->ahead.text, slice_of(word));
}

static slice inside_quotes(slice quoted)
{
    return slice_part(quoted, 1, quoted.n - 2);
}

/* ---- errors ---- */

slice quoted_text(slice text)
{
    return slice_characters(text, 40);
}

slice query_limit_text(const struct query_fault *fault)
{
    switch (fault->rule) {
    case QUERY_TOO_MANY_VALUES:
        return S("A lista pode ter no máximo 1000 valores.");
    case QUERY_TOO_MANY:
        return S("São aceitos no máximo 200 itens.");
    case QUERY_TOO_DEEP:
        return S("A consulta é profunda demais.");
    default:
        return S("A consulta é grande demais.");
    }
}

static bool fail_at_token(struct parser *p)
{
    slice near = quoted_text(slice_from(p->text, p->at - p->ahead.text.n));
    p->error = p->ahead.kind == TOKEN_END
                   ? S("A expressão está incompleta.")
                   : arena_printf(p->b->a, "Expressão inválida perto de: " SLICE_FMT, SLICE_ARG(near));
    return false;
}

/* What the builder refused in a call of this function. */
static bool fail_by_builder(struct parser *p, slice function)
{
    const struct query_fault *fault = &p->b->fault;
    if (fault->rule == QUERY_WRONG_TYPE)
        p->error = arena_printf(p->b->a, "A função " SLICE_FMT " não aceita o tipo %s.", SLICE_ARG(function),
                                meta_type_name(fault->is));
    else if (fault->rule == QUERY_BAD_DIGITS)
        p->error = S("A função round aceita de 0 a 6 casas decimais.");
    else
        p->error = query_limit_text(fault);
    return false;
}

/* ---- arguments ---- */

static bool parse_column(struct parser *p, const struct row_expr **ret)
{
    bool is_quoted = p->ahead.kind == TOKEN_QUOTED_NAME;
    if (!is_quoted && p->ahead.kind != TOKEN_NAME)
        return fail_at_token(p);
    slice name = is_quoted ? inside_quotes(p->ahead.text) : p->ahead.text;
    *ret = query_column(p->b, name);
    next_token(p);
    if (is_sign(p, '(')) {
        p->error = S("Funções só aceitam colunas e literais.");
        return false;
    }
    if (!*ret && p->b->fault.rule == QUERY_UNKNOWN_COLUMN) {
        name = quoted_text(name);
        p->error = arena_printf(p->b->a, "A coluna '" SLICE_FMT "' não existe no schema.", SLICE_ARG(name));
        return false;
    }
    return *ret || fail_by_builder(p, name);
}

static slice without_doubled_quotes(struct arena *a, slice quoted)
{
    slice text = inside_quotes(quoted);
    if (slice_find_byte(text, '\'') == SLICE_NONE)
        return text;
    char *to = arena_alloc(a, text.n);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        to[n++] = text.p[i];
        if (text.p[i] == '\'')
            i++;
    }
    return (slice){ to, n };
}

/* A literal that stands for a value of this type. */
static bool parse_literal(struct parser *p, enum column_type type, const struct row_expr **ret)
{
    struct cell value;
    bool is_text = p->ahead.kind == TOKEN_TEXT;
    if (!is_text && p->ahead.kind != TOKEN_NUMBER)
        return fail_at_token(p);
    bool fits = is_text ? cell_from_text(type, without_doubled_quotes(p->b->a, p->ahead.text), &value)
                        : cell_from_number(type, p->ahead.text, &value);
    if (!fits || value.is_null) {
        slice shown = quoted_text(p->ahead.text);
        p->error = arena_printf(p->b->a, "O valor " SLICE_FMT " não serve para o tipo %s.", SLICE_ARG(shown),
                                meta_type_name(type));
        return false;
    }
    *ret = query_literal(p->b, type, value);
    if (!*ret)
        return fail_by_builder(p, p->ahead.text);
    next_token(p);
    return true;
}

static bool parse_round(struct parser *p, const struct row_expr *of, const struct row_expr **ret)
{
    int64_t digits = 0;
    if (take_sign(p, ',')) {
        if (p->ahead.kind != TOKEN_NUMBER)
            return fail_at_token(p);
        if (!slice_to_i64(p->ahead.text, &digits))
            digits = -1;
        next_token(p);
    }
    *ret = query_round(p->b, of, digits);
    return *ret || fail_by_builder(p, S("round"));
}

static bool parse_coalesce(struct parser *p, const struct row_expr *of, const struct row_expr **ret)
{
    const struct row_expr *otherwise;
    if (!take_sign(p, ','))
        return fail_at_token(p);
    if (!parse_literal(p, of->type, &otherwise))
        return false;
    *ret = query_coalesce(p->b, of, otherwise);
    return *ret || fail_by_builder(p, S("coalesce"));
}

/* ---- functions ---- */

struct function_name {
    const char *name;
    int value; /* enum row_function or row_aggregate */
};

static const struct function_name scalars[] = {
    { "lower", ROW_LOWER },
    { "upper", ROW_UPPER },
    { "length", ROW_LENGTH },
    { "trim", ROW_TRIM },
    { "abs", ROW_ABS },
    { "floor", ROW_FLOOR },
    { "ceil", ROW_CEIL },
    { "round", ROW_ROUND },
    { "toDate", ROW_TO_DATE },
    { "toYear", ROW_TO_YEAR },
    { "toMonth", ROW_TO_MONTH },
    { "toDayOfMonth", ROW_TO_DAY_OF_MONTH },
    { "toHour", ROW_TO_HOUR },
    { "toYYYYMM", ROW_TO_YEAR_MONTH },
    { "toStartOfDay", ROW_TO_START_OF_DAY },
    { "toStartOfMonth", ROW_TO_START_OF_MONTH },
    { "coalesce", ROW_COALESCE },
};

static const struct function_name aggregates[] = {
    { "count", ROW_COUNT }, { "uniq", ROW_COUNT_DISTINCT },
    { "sum", ROW_SUM },     { "avg", ROW_AVG },
    { "min", ROW_MIN },     { "max", ROW_MAX },
    { "any", ROW_ANY },
};

static bool find_function(const struct function_name *list, size_t count, slice name, int *ret)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(name, slice_of(list[i].name))) {
            *ret = list[i].value;
            return true;
        }
    return false;
}

/* All of these begin behind the opening parenthesis and end behind the closing one. */
static bool parse_scalar_call(struct parser *p, enum row_function function, slice name, const struct row_expr **ret)
{
    const struct row_expr *of;
    if (!parse_column(p, &of))
        return false;
    if (function == ROW_ROUND) {
        if (!parse_round(p, of, ret))
            return false;
    } else if (function == ROW_COALESCE) {
        if (!parse_coalesce(p, of, ret))
            return false;
    } else {
        *ret = query_call(p->b, function, of);
        if (!*ret)
            return fail_by_builder(p, name);
    }
    return take_sign(p, ')') || fail_at_token(p);
}

/* `distinct` before a column; a column may have that name itself. */
static bool take_distinct(struct parser *p)
{
    if (!is_word(p, "distinct"))
        return false;
    struct parser before = *p;
    next_token(p);
    if (p->ahead.kind == TOKEN_NAME || p->ahead.kind == TOKEN_QUOTED_NAME)
        return true;
    *p = before;
    return false;
}

static bool parse_aggregate_call(struct parser *p, enum row_aggregate aggregate, struct select_item *ret)
{
    ret->aggregate = aggregate;
    if (aggregate == ROW_COUNT) {
        if (is_sign(p, '*') || is_sign(p, ')')) {
            take_sign(p, '*');
            ret->aggregate = ROW_COUNT_ROWS;
            return take_sign(p, ')') || fail_at_token(p);
        }
        if (take_distinct(p))
            ret->aggregate = ROW_COUNT_DISTINCT;
    }
    if (!parse_column(p, &ret->expr))
        return false;
    return take_sign(p, ')') || fail_at_token(p);
}

/* A column or a call: the name of a function is followed by a parenthesis. */
static bool parse_expression(struct parser *p, struct select_item *ret)
{
    struct parser before = *p;
    slice name = p->ahead.text;
    int function;
    if (p->ahead.kind == TOKEN_NAME) {
        next_token(p);
        if (take_sign(p, '(')) {
            if (find_function(scalars, sizeof scalars / sizeof scalars[0], name, &function))
                return parse_scalar_call(p, (enum row_function)function, name, &ret->expr);
            if (find_function(aggregates, sizeof aggregates / sizeof aggregates[0], name, &function))
                return parse_aggregate_call(p, (enum row_aggregate)function, ret);
            name = quoted_text(name);
            p->error = arena_printf(p->b->a, "A função '" SLICE_FMT "' não existe.", SLICE_ARG(name));
            return false;
        }
        *p = before;
    }
    if (is_sign(p, '*')) {
        p->error = S("Informe os nomes das colunas: '*' não é aceito.");
        return false;
    }
    return parse_column(p, &ret->expr);
}

static bool parse_alias(struct parser *p, slice *name)
{
    if (p->ahead.kind == TOKEN_NAME) {
        if (is_word(p, "as"))
            next_token(p);
        if (p->ahead.kind != TOKEN_NAME)
            return fail_at_token(p);
        *name = p->ahead.text;
        next_token(p);
    }
    return true;
}

static bool begin(struct parser *p, struct query_builder *b, slice text)
{
    *p = (struct parser){ .b = b, .text = text };
    if (text.n > EXPRESSION_MAX_BYTES) {
        p->error = S("A expressão é longa demais.");
        return false;
    }
    next_token(p);
    return true;
}

static bool parse_item(struct parser *p, slice text, struct select_item *ret)
{
    *ret = (struct select_item){ .name = text };
    return parse_expression(p, ret) && parse_alias(p, &ret->name) && (p->ahead.kind == TOKEN_END || fail_at_token(p));
}

bool expression_parse_item(struct query_builder *b, slice text, struct select_item *ret, slice *ret_error)
{
    struct parser p;
    bool is_right = begin(&p, b, text) && parse_item(&p, text, ret);
    if (!is_right)
        *ret_error = p.error;
    return is_right;
}

static bool parse_scalar(struct parser *p, const struct row_expr **ret)
{
    struct select_item item = { 0 };
    if (!parse_expression(p, &item) || (p->ahead.kind != TOKEN_END && !fail_at_token(p)))
        return false;
    if (item.aggregate != ROW_PLAIN) {
        p->error = S("Funções de agregação não são aceitas aqui.");
        return false;
    }
    *ret = item.expr;
    return true;
}

bool expression_parse_scalar(struct query_builder *b, slice text, const struct row_expr **ret, slice *ret_error)
{
    struct parser p;
    bool is_right = begin(&p, b, text) && parse_scalar(&p, ret);
    if (!is_right)
        *ret_error = p.error;
    return is_right;
}
