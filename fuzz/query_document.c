/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a query of records, whose documents are read, compiled and asked of some records. A record passes a condition or its negation,
 * never both, and a sort loses none. */
#include "fuzz.h"

#include "../src/api/appfile/query_document.h"
#include "core/records/record.h"
#include "core/store/record_store.h"
#include "record/record.h"

#define SET 1
#define RECORDS 6

static struct record_store *store;

static void make_records(void)
{
    static const char *const objects[RECORDS] = {
        "{\"a\":1,\"b\":\"x\",\"c\":{\"d\":[1,\"x\",null]}}",
        "{\"a\":\"1\",\"b\":[\"x\",2.5,true]}",
        "{\"a\":true,\"c\":{\"d\":{\"e\":-0}}}",
        "{\"a\":9007199254740993,\"b\":\"\xc3\xa9\\n\"}",
        "{\"a\":1e400,\"c\":[]}",
        "{}",
    };
    SCRATCH(a);
    slice field = S("k");
    struct record_writer *writer;
    enum record_outcome outcome;
    HOLDS(!record_open(&(struct record_options){ .random = random_system() }, &a, &store));
    HOLDS(!store->ops->define(store, SET, &(struct record_fields){ &field, 1 }, &a));
    HOLDS(!store->ops->open(store, SET, &(struct record_batch){ S("f"), 1000, NULL }, &a, &writer));
    for (size_t i = 0; i < RECORDS; i++)
        HOLDS(!writer->ops->put(writer, slice_part(S("012345"), i, 1), slice_of(objects[i]), &a, &outcome));
    HOLDS(!writer->ops->commit(writer, S("p"), RECORD_COMMIT_ORDERED, &a));
}

/* As in records.c of the API, with the names of core. */
static bool find_name(struct query_reader *r, slice name, struct query_name *ret)
{
    slice parts[ROW_NAMES_MAX + 1];
    size_t count = 0;
    ret->expr = query_column(&r->b, name);
    for (bool more = !ret->expr; more && count <= ROW_NAMES_MAX;)
        more = slice_cut(name, '.', &parts[count++], &name);
    if (count)
        ret->expr = query_member(&r->b, parts, count);
    return ret->expr != NULL;
}

static uint64_t total_of(struct row_query *rows, const struct row_condition *where, struct arena *a)
{
    struct record_result result;
    rows->where = where;
    rows->limit = 3;
    HOLDS(!store->ops->query(store, SET, &(struct record_query){ .rows = rows, .with_total = true }, a, &result));
    HOLDS(result.count == (result.total < 3 ? result.total : 3));
    return result.total;
}

static void check_query(struct row_query *rows, struct arena *a)
{
    const struct row_condition *where = rows->where;
    const struct row_condition other = { .test = ROW_NOT, .children = where, .child_count = 1 };
    uint64_t found = total_of(rows, where, a);
    if (where && !rows->is_grouped)
        HOLDS(found + total_of(rows, &other, a) == RECORDS);
    else
        HOLDS(found <= RECORDS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    const struct json *body;
    struct appfile_field_errors errors = { .count = 0 };
    struct query_reader r;
    struct row_query rows;
    if (!store)
        make_records();
    if (size > 4096 || json_parse_exact(&a, fuzz_slice(data, size), &body) || body->type != JS_OBJECT)
        return 0;
    const struct json *sort = json_get(body, "Sort"), *fields = json_get(body, "Fields");
    query_reader_init(&r, &record_columns, &errors, &a);
    r.find_name = find_name;
    HOLDS(!query_read_where(&r, json_get(body, "Query")) && !query_read_sort(&r, sort) &&
          !query_read_fields(&r, fields, json_flag(body, "Distinct") && json_count(fields)));
    bool is_good = query_reader_end(&r, sort, &rows);
    HOLDS(is_good == !errors.count);
    for (size_t i = 0; i < errors.count; i++)
        HOLDS(errors.items[i].message.n && errors.items[i].field[0]);
    if (is_good)
        check_query(&rows, &a);
    return 0;
}
