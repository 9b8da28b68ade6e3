/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of queries: docs/apis/datasnap.md 7.1. A body that is right is shown as text, and one that is wrong as the errors in
 * its fields, so that each case is a pair of strings. */
#include "test.h"

#include "api/datasnap/expression.h"
#include "api/datasnap/query_body.h"
#include "core/dataset/cell_text.h"

#include <string.h>

static struct column columns[] = {
    { .name = { "city", 4 }, .type = COLUMN_STRING },   { .name = { "age", 3 }, .type = COLUMN_UINT8 },
    { .name = { "delta", 5 }, .type = COLUMN_INT32 },   { .name = { "big", 3 }, .type = COLUMN_UINT64 },
    { .name = { "price", 5 }, .type = COLUMN_DECIMAL }, { .name = { "weight", 6 }, .type = COLUMN_FLOAT },
    { .name = { "open", 4 }, .type = COLUMN_BOOL },     { .name = { "born", 4 }, .type = COLUMN_DATE },
    { .name = { "at", 2 }, .type = COLUMN_DATETIME },   { .name = { "seen", 4 }, .type = COLUMN_DATETIME64 },
    { .name = { "extra", 5 }, .type = COLUMN_JSON },    { .name = { "distinct", 8 }, .type = COLUMN_STRING },
    { .name = { "count", 5 }, .type = COLUMN_UINT64 },
};
static const struct column_list list = { .items = columns, .count = sizeof columns / sizeof columns[0] };

/* ---- a query as text ---- */

static void show_expr(struct buf *to, const struct row_expr *e)
{
    static const char *const names[] = { "column", "literal", "lower",     "upper",       "length",  "trim",  "abs",
                                         "floor",  "ceil",    "round",     "date",        "year",    "month", "day",
                                         "hour",   "yyyymm",  "start_day", "start_month", "coalesce" };
    if (e->function == ROW_COLUMN) {
        buf_add(to, columns[e->column].name);
    } else if (e->function == ROW_LITERAL) {
        cell_add_text(to, e->type, &e->value);
    } else {
        buf_printf(to, "%s(", names[e->function]);
        for (size_t i = 0; i < 2 && e->args[i]; i++) {
            buf_add(to, i ? S(" ") : S(""));
            show_expr(to, e->args[i]);
        }
        if (e->function == ROW_ROUND)
            buf_printf(to, " %d", e->digits);
        buf_add(to, S(")"));
    }
}

static void show_item(struct buf *to, const struct row_item *item)
{
    static const char *const names[] = { "", "rows", "count ", "distinct ", "sum ", "avg ", "min ", "max ", "any " };
    buf_printf(to, " [%s", names[item->aggregate]);
    if (item->expr)
        show_expr(to, item->expr);
    buf_printf(to, "]" SLICE_FMT ":%d", SLICE_ARG(item->name), item->type);
}

static void show_condition(struct buf *to, const struct row_condition *c)
{
    static const char *const names[] = { "all", "some", "not",      "=",  "!=",     "<",       "<=",   ">",
                                         ">=",  "like", "not-like", "in", "not-in", "between", "null", "not-null" };
    buf_printf(to, " (%s", names[c->test]);
    for (size_t i = 0; i < c->child_count; i++)
        show_condition(to, &c->children[i]);
    if (c->expr) {
        buf_add(to, S(" "));
        show_expr(to, c->expr);
    }
    for (size_t i = 0; i < c->value_count; i++) {
        buf_add(to, S(" "));
        cell_add_text(to, c->expr->type, &c->values[i]);
    }
    buf_add(to, S(")"));
}

static void show_query(struct buf *to, const struct row_query *q)
{
    buf_add(to, S("select"));
    for (size_t i = 0; i < q->item_count; i++)
        show_item(to, &q->items[i]);
    if (q->where) {
        buf_add(to, S(" where"));
        show_condition(to, q->where);
    }
    for (size_t i = 0; i < q->group_count; i++) {
        buf_add(to, i ? S(" ") : S(" group "));
        show_expr(to, q->groups[i]);
    }
    for (size_t i = 0; i < q->order_count; i++) {
        buf_add(to, i ? S(" ") : S(" order "));
        if (q->orders[i].expr)
            show_expr(to, q->orders[i].expr);
        else
            buf_printf(to, "#%zu", q->orders[i].item);
        buf_add(to, q->orders[i].is_descending ? S("-") : S("+"));
    }
    if (q->limit != QUERY_LIMIT_DEFAULT || q->offset)
        buf_printf(to, " limit %llu offset %llu", (unsigned long long)q->limit, (unsigned long long)q->offset);
}

static slice outcome(struct arena *a, slice body, struct query_request *ret)
{
    const struct json *j = NULL;
    EXPECT_OK(json_parse_exact(a, body, &j));
    struct field_errors errors;
    field_errors_init(&errors, a);
    EXPECT_OK(query_body_read(j, &list, a, &errors, ret));
    struct buf text;
    buf_init(&text, 0);
    struct json_out out;
    json_out_init(&out, &text);
    if (errors.count)
        field_errors_write(&errors, &out);
    else
        show_query(&text, &ret->query);
    return buf_give(&text, a);
}

static void with_quotes(char *text)
{
    for (; *text; text++)
        *text = *text == '\'' ? '"' : *text == '~' ? '\'' : *text;
}

/* Quotes of JSON are written ' in `body` and `want`, because there are so many of them, and apostrophes are written ~. */
static void expect_body(const char *body, const char *want)
{
    SCRATCH(a);
    char *sent = arena_cstr(&a, slice_of(body)), *wanted = arena_cstr(&a, slice_of(want));
    with_quotes(sent);
    with_quotes(wanted);
    struct query_request request;
    slice got = outcome(&a, slice_of(sent), &request);
    if (!slice_eq(got, slice_of(wanted)))
        fail_msg("%s\n  is       " SLICE_FMT "\n  expected %s", sent, SLICE_ARG(got), wanted);
}

/* ---- expressions ---- */

static void expect_item(const char *text, const char *want)
{
    SCRATCH(a);
    struct query_builder b;
    query_builder_init(&b, &a, &list);
    struct select_item item;
    slice error;
    struct buf shown;
    buf_init_on(&shown, 0, &a);
    if (expression_parse_item(&b, slice_of(text), &item, &error)) {
        EXPECT(query_add_item(&b, item.aggregate, item.expr, item.name));
        show_item(&shown, &b.items[0]);
    } else {
        buf_add(&shown, error);
    }
    slice got = buf_slice(&shown);
    if (!slice_eq(got, slice_of(want)))
        fail_msg("%s\n  is       " SLICE_FMT "\n  expected %s", text, SLICE_ARG(got), want);
    buf_release(&shown);
}

TEST(select_has_columns_functions_and_aggregates)
{
    expect_item("city", " [city]city:0");
    expect_item("`city`", " [city]`city`:0");
    expect_item("\"city\" as c", " [city]c:0");
    expect_item("city c", " [city]c:0");
    expect_item("city AS as", " [city]as:0");
    expect_item("  age\tas\n x ", " [age]x:7");
    expect_item("count(*)", " [rows]count(*):10");
    expect_item("COUNT ( ) n", " [rows]n:10");
    expect_item("count(city)", " [count city]count(city):10");
    expect_item("Count(Distinct city) as n", " [distinct city]n:10");
    expect_item("count(distinct `city`)", " [distinct city]count(distinct `city`):10");
    expect_item("count(distinct)", " [count distinct]count(distinct):10");
    expect_item("count(distinct distinct)", " [distinct distinct]count(distinct distinct):10");
    expect_item("count", " [count]count:10");
    expect_item("uniq(age)", " [distinct age]uniq(age):10");
    expect_item("sum(age)", " [sum age]sum(age):10");
    expect_item("SUM(price) as s", " [sum price]s:16");
    expect_item("avg(delta) m", " [avg delta]m:11");
    expect_item("min(seen)", " [min seen]min(seen):15");
    expect_item("max(city)", " [max city]max(city):0");
    expect_item("any(open)", " [any open]any(open):2");
    expect_item("lower(city)", " [lower(city)]lower(city):0");
    expect_item("round(price)", " [round(price 0)]round(price):12");
    expect_item("round(weight, 6)", " [round(weight 6)]round(weight, 6):11");
    expect_item("toyyyymm(at)", " [yyyymm(at)]toyyyymm(at):9");
    expect_item("toStartOfMonth(born) as m", " [start_month(born)]m:13");
    expect_item("coalesce(age, 7)", " [coalesce(age 7)]coalesce(age, 7):7");
    expect_item("coalesce(delta,-7) x", " [coalesce(delta -7)]x:5");
    expect_item("coalesce(city, 'd''água')", " [coalesce(city d'água)]coalesce(city, 'd''água'):0");
    expect_item("coalesce(city, '') x", " [coalesce(city )]x:0");
    expect_item("coalesce(city, 5) x", " [coalesce(city 5)]x:0");
    expect_item("coalesce(price, 1e-3) x", " [coalesce(price 0.001)]x:12");
    expect_item("coalesce(born, '2026-02-28') x", " [coalesce(born 2026-02-28)]x:13");
    expect_item("coalesce(big, 18446744073709551615) x", " [coalesce(big 18446744073709551615)]x:10");
}

TEST(all_else_in_select_is_refused)
{
    const char *near[] = { "(",
                           "((((((((((",
                           ")",
                           ",",
                           "1",
                           "'city'",
                           "-",
                           "city;drop table x",
                           "city city city",
                           "city as 5",
                           "city, age",
                           "city as `x`",

                           "lower((city))",
                           "lower(city, age)",
                           "count(city, age)",
                           "count(**)",
                           "count(distinct *)",
                           "count(city) + 1",
                           "city = 1",
                           "round(price, city)",
                           "round(price, 1, 2)",
                           "coalesce(city, age)",
                           "coalesce(city)",
                           "sum(*)",
                           "`city",
                           "\"city",
                           "city'",
                           "coalesce(city, 'x",
                           "coalesce(age, 007)",
                           "coalesce(age, 1x)",
                           "coalesce(age, +1)",
                           "ção",
                           "a.b",
                           "city--",
                           "/**/city",
                           "city\\",
                           "coalesce(age, .5)",
                           "coalesce(age, 5.)",
                           "lower(*)",
                           "sum(1)",
                           "city as as as" };
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        SCRATCH(a);
        struct query_builder b;
        query_builder_init(&b, &a, &list);
        struct select_item item;
        slice error = S("");
        if (expression_parse_item(&b, slice_of(near[i]), &item, &error))
            fail_msg("%s was accepted", near[i]);
        if (!slice_starts(error, S("Expressão inválida perto de: ")) && !slice_starts(error, S("A coluna 'a'")))
            fail_msg("%s: " SLICE_FMT, near[i], SLICE_ARG(error));
    }
    expect_item("*", "Informe os nomes das colunas: '*' não é aceito.");
    expect_item(" * ", "Informe os nomes das colunas: '*' não é aceito.");
    expect_item("", "A expressão está incompleta.");
    expect_item("city as", "A expressão está incompleta.");
    expect_item("lower(", "A expressão está incompleta.");
    expect_item("lower(city", "A expressão está incompleta.");
    expect_item("City", "A coluna 'City' não existe no schema.");
    expect_item("as", "A coluna 'as' não existe no schema.");
    expect_item("`x\"; DROP TABLE t; --`", "A coluna 'x\"; DROP TABLE t; --' não existe no schema.");
    expect_item("``", "A coluna '' não existe no schema.");
    expect_item("lower(lower(city))", "Funções só aceitam colunas e literais.");
    expect_item("`city`(age)", "Funções só aceitam colunas e literais.");
    expect_item("sleep(city)", "A função 'sleep' não existe.");
    expect_item("read_csv('/etc/passwd')", "A função 'read_csv' não existe.");
    expect_item("lower(age)", "A função lower não aceita o tipo UInt8.");
    expect_item("toYear(city)", "A função toYear não aceita o tipo String.");
    expect_item("round(price, 7)", "A função round aceita de 0 a 6 casas decimais.");
    expect_item("round(price, 1.5)", "A função round aceita de 0 a 6 casas decimais.");
    expect_item("round(price, 99999999999999999999)", "A função round aceita de 0 a 6 casas decimais.");
    expect_item("coalesce(age, 256)", "O valor 256 não serve para o tipo UInt8.");
    expect_item("coalesce(age, '')", "O valor '' não serve para o tipo UInt8.");
    expect_item("coalesce(born, '2026-02-30')", "O valor '2026-02-30' não serve para o tipo Date.");
}

TEST(an_expression_of_a_mebibyte_of_parentheses_ends_at_its_length)
{
    SCRATCH(a);
    size_t n = (size_t)1 << 20;
    char *text = arena_alloc(&a, n);
    memset(text, '(', n);
    struct query_builder b;
    query_builder_init(&b, &a, &list);
    struct select_item item;
    slice error;
    EXPECT(!expression_parse_item(&b, (slice){ text, n }, &item, &error));
    EXPECT_SLICE(error, S("A expressão é longa demais."));
    EXPECT(!expression_parse_item(&b, (slice){ text, EXPRESSION_MAX_BYTES }, &item, &error));
    EXPECT(slice_starts(error, S("Expressão inválida perto de: ((((")));
    EXPECT(error.n < 100);
}

/* ---- bodies ---- */

TEST(a_whole_body_becomes_a_query)
{
    expect_body(
        "{'select':['city','count(*) as total','avg(age) as media'],'where':[{'field':'age','op':'>=','value':18},"
        "{'field':'city','op':'IN','value':['Recife','Olinda']}],'group_by':['city'],"
        "'order_by':[{'field':'total','direction':'desc'},'city'],'limit':50,'offset':0,'format':'json','include_meta':"
        "true}",
        "select [city]city:0 [rows]total:10 [avg age]media:11 where (all (>= age 18) (in city Recife Olinda)) group "
        "city "
        "order #1- #0+ limit 50 offset 0");
    expect_body("{'select':['city']}", "select [city]city:0");
    expect_body(
        "{'select':['city'],'where':null,'group_by':null,'order_by':null,'limit':null,'offset':null,'format':null,"
        "'include_meta':null,'page_token':null,'unknown':{'a':[1]}}",
        "select [city]city:0");
    expect_body("{'select':['city'],'where':[],'group_by':[],'order_by':[]}", "select [city]city:0");
}

TEST(every_operator_is_known_in_any_case)
{
    expect_body(
        "{'select':['city'],'where':[{'field':'age','op':'=','value':1},{'field':'age','op':'!=','value':1},"
        "{'field':'age','op':'>','value':1},{'field':'age','op':'<','value':1},{'field':'age','op':'<=','value':1},"
        "{'field':'city','op':'LIKE','value':'%a\\\\%'},{'field':'city','op':'Not Like','value':'_'},"
        "{'field':'age','op':'NOT IN','value':[1,2]},{'field':'age','op':'Between','value':[1,2]},"
        "{'field':'age','op':'is null'},{'field':'age','op':'IS NOT NULL','value':{'ignored':[]}}]}",
        "select [city]city:0 where (all (= age 1) (!= age 1) (> age 1) (< age 1) (<= age 1) (like city %a\\%) "
        "(not-like city _) (not-in age 1 2) (between age 1 2) (null age) (not-null age))");
}

TEST(values_fit_the_types_of_their_fields)
{
    expect_body(
        "{'select':['city'],'where':[{'field':'city','op':'=','value':'~; DROP TABLE x; --'},"
        "{'field':'city','op':'=','value':5},{'field':'city','op':'=','value':true},{'field':'age','op':'=','value':'7'"
        "},"
        "{'field':'age','op':'=','value':3.0},{'field':'big','op':'=','value':18446744073709551615},"
        "{'field':'price','op':'=','value':123456789012.123456},{'field':'price','op':'=','value':'0.1'},"
        "{'field':'weight','op':'=','value':1e300},{'field':'open','op':'=','value':0},{'field':'born','op':'=','value'"
        ":'2026-11-29'},"
        "{'field':'at','op':'=','value':'2026-11-29T10:00:00-03:00'},{'field':'seen','op':'=','value':'2026-11-29 "
        "10:00:00.123456'},"
        "{'field':'extra','op':'=','value':'{}'},{'field':'toMonth(at)','op':'=','value':12},{'field':'lower(city)','"
        "op':'=','value':''}]}",
        "select [city]city:0 where (all (= city ~; DROP TABLE x; --) (= city 5) (= city true) (= age 7) (= age 3) "
        "(= big 18446744073709551615) (= price 123456789012.123456) (= price 0.1) (= weight 1e+300) (= open false) "
        "(= born 2026-11-29) (= at 2026-11-29 13:00:00) (= seen 2026-11-29 10:00:00.123456) (= extra {}) "
        "(= month(at) 12) (= lower(city) ))");
}

TEST(wrong_members_of_conditions_are_named)
{
    expect_body(
        "{'select':['city'],'where':[5,{},{'field':'nope','op':'=','value':1},{'field':'age','op':'==','value':1},"
        "{'field':'age','op':null,'value':1},{'field':7,'op':7},{'field':'age','op':'=','value':null},{'field':'age','"
        "op':'='},"
        "{'field':'age','op':'=','value':[1]},{'field':'age','op':'=','value':256},{'field':'age','op':'=','value':'x'}"
        ","
        "{'field':'age','op':'=','value':''},{'field':'city','op':'like','value':5},{'field':'age','op':'like','value':"
        "'5'},"
        "{'field':'city','op':'like','value':'a\\\\'},{'field':'sum(age)','op':'>','value':1}]}",
        "{'where.0':['A condição deve ser um objeto.'],'where.1.field':['O campo é obrigatório.'],'where.1.op':['O "
        "operador é obrigatório.'],"
        "'where.2.field':['A coluna ~nope~ não existe no schema.'],'where.3.op':['O operador não existe.'],"
        "'where.4.op':['O operador é obrigatório.'],'where.5.field':['O campo deve ser um texto.'],'where.5.op':['O "
        "operador não existe.'],"
        "'where.6.value':['Informe um valor; para nulos use ~is null~ ou ~is not null~.'],"
        "'where.7.value':['Informe um valor; para nulos use ~is null~ ou ~is not null~.'],"
        "'where.8.value':['O valor deve ser um texto, um número ou um booleano.'],"
        "'where.9.value':['O valor não serve para o tipo UInt8.'],'where.10.value':['O valor não serve para o tipo "
        "UInt8.'],"
        "'where.11.value':['O valor não serve para o tipo UInt8.'],'where.12.value':['O valor deve ser um texto.'],"
        "'where.13.op':['O operador não aceita o tipo UInt8.'],'where.14.value':['O padrão não pode terminar em "
        "~\\\\~.'],"
        "'where.15.field':['Funções de agregação não são aceitas aqui.']}");
    expect_body("{'select':['city'],'where':[{'field':'age','op':'in','value':5},{'field':'age','op':'in','value':[]},"
                "{'field':'age','op':'not in','value':[1,null,-1,{}]},{'field':'age','op':'between','value':[1]},"
                "{'field':'age','op':'between','value':[1,'x']}]}",
                "{'where.0.value':['O valor deve ser uma lista.'],'where.1.value':['O valor deve ser uma lista de 1 a "
                "1000 valores.'],"
                "'where.2.value.1':['Informe um valor; para nulos use ~is null~ ou ~is not null~.'],"
                "'where.2.value.2':['O valor não serve para o tipo UInt8.'],'where.2.value.3':['O valor deve ser um "
                "texto, um número ou um booleano.'],"
                "'where.3.value':['O valor deve ser uma lista de dois valores.'],'where.4.value.1':['O valor não serve "
                "para o tipo UInt8.']}");
    expect_body(
        "{'select':['city'],'where':[{'field':'weight','op':'=','value':1e400},{'field':'price','op':'=','value':1e12},"
        "{'field':'big','op':'=','value':18446744073709551616},{'field':'open','op':'=','value':2},{'field':'born','op'"
        ":'=','value':'amanhã'}]}",
        "{'where.0.value':['O valor não serve para o tipo Float64.'],'where.1.value':['O valor não serve para o tipo "
        "Decimal(18, 6).'],"
        "'where.2.value':['O valor não serve para o tipo UInt64.'],'where.3.value':['O valor não serve para o tipo "
        "Bool.'],"
        "'where.4.value':['O valor não serve para o tipo Date.']}");
}

TEST(wrong_members_of_the_body_are_all_named)
{
    expect_body("{}", "{'select':['O campo select é obrigatório.']}");
    expect_body("[1,2]", "{'select':['O campo select é obrigatório.']}");
    expect_body("{'select':'city'}", "{'select':['O campo deve ser uma lista.']}");
    expect_body("{'select':[]}", "{'select':['O campo select deve ter de 1 a 200 itens.']}");
    expect_body(
        "{'select':['*',5,null,'nope','sum(city)'],'where':{},'group_by':'city','order_by':{},'limit':10001,'offset':-"
        "1,"
        "'format':'xml','include_meta':1,'page_token':5}",
        "{'select.0':['Informe os nomes das colunas: ~*~ não é aceito.'],'select.1':['O item deve ser um texto.'],"
        "'select.2':['O item deve ser um texto.'],'select.3':['A coluna ~nope~ não existe no schema.'],"
        "'select.4':['A agregação não aceita o tipo String.'],'where':['O campo deve ser uma lista.'],"
        "'group_by':['O campo deve ser uma lista.'],'order_by':['O campo deve ser uma lista.'],"
        "'limit':['O campo deve ser um inteiro de 1 a 10000.'],'offset':['O campo deve ser um inteiro, de 0 em "
        "diante.',"
        "'O campo offset não pode vir junto com page_token.'],'page_token':['O campo deve ser um texto.'],"
        "'format':['O formato deve ser json, json_compact, json_compact_strings ou jsonl.'],'include_meta':['O campo "
        "deve ser true ou false.']}");
    expect_body("{'select':['city'],'limit':0}", "{'limit':['O campo deve ser um inteiro de 1 a 10000.']}");
    expect_body("{'select':['city'],'limit':10.5}", "{'limit':['O campo deve ser um inteiro de 1 a 10000.']}");
    expect_body("{'select':['city'],'limit':'10'}", "{'limit':['O campo deve ser um inteiro de 1 a 10000.']}");
    expect_body("{'select':['city'],'limit':1e400}", "{'limit':['O campo deve ser um inteiro de 1 a 10000.']}");
    expect_body("{'select':['city'],'limit':10000,'offset':9223372036854775807}",
                "select [city]city:0 limit 10000 offset 9223372036854775807");
    expect_body("{'select':['city'],'offset':9223372036854775808}",
                "{'offset':['O campo deve ser um inteiro, de 0 em diante.']}");
    expect_body("{'select':['city'],'offset':0,'page_token':'eA=='}",
                "{'offset':['O campo offset não pode vir junto com page_token.']}");
}

TEST(names_of_results_differ)
{
    expect_body("{'select':['city','age as city']}", "{'select.1':['O nome ~city~ se repete no resultado.']}");
    expect_body("{'select':['city','city']}", "{'select.1':['O nome ~city~ se repete no resultado.']}");
    expect_body("{'select':['city','`city`','age City']}", "select [city]city:0 [city]`city`:0 [age]City:7");
}

TEST(plain_items_beside_aggregates_are_groups)
{
    const char *text = "A coluna deve estar em group_by, ou dentro de uma agregação.";
    SCRATCH(a);
    expect_body("{'select':['city','count(*)','age']}",
                arena_cstr(&a, arena_printf(&a, "{'select.0':['%s'],'select.2':['%s']}", text, text)));
    expect_body("{'select':['city'],'group_by':['age']}",
                arena_cstr(&a, arena_printf(&a, "{'select.0':['%s']}", text)));
    expect_body("{'select':['lower(city)'],'group_by':['city']}",
                arena_cstr(&a, arena_printf(&a, "{'select.0':['%s']}", text)));
    expect_body("{'select':['count(*)']}", "select [rows]count(*):10");
    expect_body("{'select':['count(*)'],'group_by':['city','age']}", "select [rows]count(*):10 group city age");
    expect_body("{'select':['LOWER(city) as c','sum(age)'],'group_by':['lower( `city` )']}",
                "select [lower(city)]c:0 [sum age]sum(age):10 group lower(city)");
    expect_body("{'select':['toYear(at) as y','count()'],'group_by':['y'],'order_by':['y']}",
                "select [year(at)]y:8 [rows]count():10 group year(at) order #0+");
    expect_body("{'select':['count(*) as n'],'group_by':['n','sum(age)',5,'nope','city as c']}",
                "{'group_by.0':['Funções de agregação não são aceitas aqui.'],'group_by.1':['Funções de agregação não "
                "são aceitas aqui.'],"
                "'group_by.2':['O item deve ser um texto.'],'group_by.3':['A coluna ~nope~ não existe no schema.'],"
                "'group_by.4':['Expressão inválida perto de: as c']}");
    /* The column comes before the item of that name. */
    expect_body("{'select':['lower(city) as age','count(*)'],'group_by':['age']}",
                arena_cstr(&a, arena_printf(&a, "{'select.0':['%s']}", text)));
}

TEST(orders_name_results_or_columns)
{
    expect_body("{'select':['city as "
                "age'],'order_by':['age',{'field':'`age`','direction':'DESC'},{'field':'big','direction':'Asc'},"
                "{'field':'weight','direction':null}]}",
                "select [city]age:0 order #0+ age- big+ weight+");
    expect_body("{'select':['count(*)','sum(age) s'],'order_by':['count(*)',{'field':'s','direction':'desc'}]}",
                "select [rows]count(*):10 [sum age]s:10 order #0+ #1-");
    expect_body("{'select':['count(*)'],'group_by':['city'],'order_by':['city','age']}",
                "{'order_by.1':['Com agregações, só se ordena por colunas de group_by ou do resultado.']}");
    expect_body("{'select':['city'],'order_by':['nope',5,{},{'field':5},{'field':'city','direction':'up'},{'field':'"
                "city','direction':1},'lower(city)',"
                "'sum(age)',null]}",
                "{'order_by.0':['A coluna ~nope~ não existe no schema.'],'order_by.1':['O item deve ser um texto ou um "
                "objeto.'],"
                "'order_by.2.field':['O campo deve ser um texto.'],'order_by.3.field':['O campo deve ser um texto.'],"
                "'order_by.4.direction':['A direção deve ser asc ou desc.'],'order_by.5.direction':['A direção deve "
                "ser asc ou desc.'],"
                "'order_by.6':['Informe uma coluna, ou um nome do resultado.'],'order_by.7':['Funções de agregação não "
                "são aceitas aqui.'],"
                "'order_by.8':['O item deve ser um texto ou um objeto.']}");
}

TEST(names_of_wrong_items_are_not_called_unknown)
{
    expect_body(
        "{'select':['summ(age) as n','city'],'group_by':['m','city'],'order_by':['n',{'field':'n','direction':5}]}",
        "{'select.0':['A função ~summ~ não existe.'],'order_by.1.direction':['A direção deve ser asc ou desc.']}");
}

TEST(meta_has_four_names)
{
    const char *names[] = { "include_meta", "meta", "with_meta", "include_metadata" };
    for (size_t i = 0; i < 4; i++) {
        SCRATCH(a);
        struct query_request r;
        outcome(&a, arena_printf(&a, "{\"select\":[\"city\"],\"%s\":false}", names[i]), &r);
        EXPECT(!r.include_meta && r.format == RESULT_JSON_COMPACT && !r.page_token.p);
        outcome(
            &a,
            arena_printf(&a, "{\"select\":[\"city\"],\"%s\":null,\"format\":\"jsonl\",\"page_token\":\"\"}", names[i]),
            &r);
        EXPECT(r.include_meta && r.format == RESULT_JSON_LINES && r.page_token.p);
    }
}

static slice body_of_lists(struct arena *a, size_t conditions, size_t values)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add(&b, S("{\"select\":[\"city\"],\"where\":["));
    for (size_t i = 0; i < conditions; i++) {
        buf_printf(&b, "%s{\"field\":\"age\",\"op\":\"in\",\"value\":[", i ? "," : "");
        for (size_t j = 0; j < values; j++)
            buf_printf(&b, "%s%zu", j ? "," : "", j % 256);
        buf_add(&b, S("]}"));
    }
    buf_add(&b, S("]}"));
    return buf_give(&b, a);
}

TEST(lists_beyond_the_size_of_a_query_are_refused)
{
    SCRATCH(a);
    struct query_request r;
    const struct json *j;
    EXPECT_ERR(json_parse_exact(&a, body_of_lists(&a, 200, 1000), &j), ERR_TOO_LARGE); /* of 200,000 values */
    EXPECT_SLICE(outcome(&a, body_of_lists(&a, 1, 1001), &r),
                 S("{\"where.0.value\":[\"O valor deve ser uma lista de 1 a 1000 valores.\"]}"));
    EXPECT(slice_starts(outcome(&a, body_of_lists(&a, 1, 1000), &r), S("select")));
    EXPECT(slice_starts(outcome(&a, body_of_lists(&a, 19, 1000), &r), S("select")));
    EXPECT(slice_starts(outcome(&a, body_of_lists(&a, 3000, 1), &r), S("select")));
}

TEST(two_hundred_columns_are_the_most)
{
    SCRATCH(a);
    struct buf b;
    for (size_t count = 200; count <= 201; count++) {
        buf_init(&b, 0);
        buf_add(&b, S("{\"select\":["));
        for (size_t i = 0; i < count; i++)
            buf_printf(&b, "%s\"age as a%zu\"", i ? "," : "", i);
        buf_add(&b, S("]}"));
        struct query_request r;
        slice got = outcome(&a, buf_give(&b, &a), &r);
        if (count == 200)
            EXPECT_EQ(r.query.item_count, 200);
        else
            EXPECT_SLICE(got, S("{\"select\":[\"O campo select deve ter de 1 a 200 itens.\"]}"));
    }
}

TEST(errors_are_limited_in_number)
{
    SCRATCH(a);
    struct buf b;
    buf_init(&b, 0);
    buf_add(&b, S("{\"select\":[\"city\"],\"where\":[0"));
    for (size_t i = 0; i < 5000; i++)
        buf_add(&b, S(",0"));
    buf_add(&b, S("]}"));
    const struct json *j;
    EXPECT_OK(json_parse_exact(&a, buf_give(&b, &a), &j));
    struct field_errors errors;
    field_errors_init(&errors, &a);
    struct query_request r;
    EXPECT_OK(query_body_read(j, &list, &a, &errors, &r));
    EXPECT_EQ(errors.count, FIELD_ERRORS_MAX);
    EXPECT_SLICE(field_errors_first(&errors), S("A condição deve ser um objeto."));
}

#define T(name) cmocka_unit_test(name)
RUN_TESTS(T(select_has_columns_functions_and_aggregates), T(all_else_in_select_is_refused),
          T(an_expression_of_a_mebibyte_of_parentheses_ends_at_its_length), T(a_whole_body_becomes_a_query),
          T(every_operator_is_known_in_any_case), T(values_fit_the_types_of_their_fields),
          T(wrong_members_of_conditions_are_named), T(wrong_members_of_the_body_are_all_named),
          T(names_of_results_differ), T(plain_items_beside_aggregates_are_groups), T(orders_name_results_or_columns),
          T(names_of_wrong_items_are_not_called_unknown), T(meta_has_four_names),
          T(lists_beyond_the_size_of_a_query_are_refused), T(two_hundred_columns_are_the_most),
          T(errors_are_limited_in_number))
