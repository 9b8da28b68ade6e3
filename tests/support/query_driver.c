/* SPDX-License-Identifier: Apache-2.0 */
/* Answers queries for tests/conformance/test_queries.py: lines of a data file, the body of a query, the store, and the reply, without a
 * server. Usage: query-driver mem | duckdb DIR. Each line of its input is a command:
 *
 *   schema [["name","type"],…]   begin a dataset; answers nothing, and so the next two
 *   row {…}                      a line of a data file
 *   commit                       add the rows since the last commit, as one file
 *   query {…}                    answers "reply N TOKEN" and N bytes, TOKEN being - or that of the header of JSON lines;
 *                                or "errors N" and N bytes of JSON; or "failed CODE"; and then the end of a line */
#include "api/datasnap/query_reply.h"
#include "core/dataset/columns.h"
#include "core/dataset/line.h"
#include "core/dataset/result_page.h"
#include "dataset/duckdb/duckdb_store.h"
#include "dataset/mem/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(cond)                                                                                                  \
    do {                                                                                                               \
        if (!(cond)) {                                                                                                 \
            fprintf(stderr, "query-driver: line %d: %s\n", __LINE__, #cond);                                           \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

struct driver {
    struct dataset_store *store;
    struct arena arena; /* of the dataset */
    struct column_list columns;
    struct line_parser parser;
    struct dataset_writer *writer; /* of the rows since the last commit; NULL: there are none */
    int64_t dataset_id, file_id;
};

static struct page_token_key key_of(const struct driver *d)
{
    return (struct page_token_key){ .key = S("a key of thirty-two bytes, or so"), .dataset_id = d->dataset_id };
}

static void begin_dataset(struct driver *d, slice definition)
{
    const struct json *list;
    arena_release(&d->arena);
    REQUIRE(!json_parse(&d->arena, definition, &list));
    d->columns = (struct column_list){ .items = arena_array(&d->arena, struct column, json_count(list)) };
    JSON_EACH(pair, list) {
        struct column *c = &d->columns.items[d->columns.count++];
        c->name = pair->child->string;
        REQUIRE(column_type_find(pair->child->next->string, &c->type));
    }
    d->dataset_id++;
    REQUIRE(!d->store->ops->define(d->store, d->dataset_id, &d->columns, &d->arena));
    line_parser_init(&d->parser, &d->columns, false, &d->arena);
}

static void add_row(struct driver *d, slice line)
{
    SCRATCH(a);
    struct cell *cells = arena_array(&a, struct cell, d->columns.count);
    struct line_error error;
    REQUIRE(!line_parse(&d->parser, line, &a, cells, &error) && error.fault == LINE_FINE);
    if (!d->writer)
        REQUIRE(!d->store->ops->open(d->store, d->dataset_id, ++d->file_id, &d->arena, &d->writer));
    REQUIRE(!d->store->ops->add(d->writer, cells, 1, &a));
}

static void commit_rows(struct driver *d)
{
    if (d->writer)
        REQUIRE(!d->store->ops->commit(d->writer, &d->arena));
    d->writer = NULL;
}

/* The place that a request with a token goes on from. */
static void apply_token(struct driver *d, struct query_request *request, struct field_errors *errors, struct arena *a)
{
    struct page_token_key key = key_of(d);
    struct page_place place = { 0 };
    if (!request->page_token.p)
        return;
    if (!page_token_read(&key, &request->query, request->page_token, a, &place))
        field_error_add(errors, S("O token é inválido."), "page_token");
    request->query.offset = place.offset;
    request->query.up_to_row = place.newest_row;
}

static void print_errors(const struct field_errors *errors)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out out;
    json_out_init(&out, &text);
    field_errors_write(errors, &out);
    printf("errors %zu\n" SLICE_FMT "\n", text.n, SLICE_ARG(buf_slice(&text)));
}

static err_t write_reply(struct driver *d, const struct query_request *request, struct arena *a, struct buf *all,
                         slice *ret_token)
{
    struct page_token_key key = key_of(d);
    SCOPED(result_page_closep) struct result_page *page = NULL;
    TRY(result_page_open(d->store, d->dataset_id, &request->query, 30000, a, &page));
    struct query_reply_parts parts = { .request = request, .page = page, .token = &key, .clock = clock_system() };
    parts.started_ms = clock_monotonic_ms(parts.clock);
    struct query_reply *reply = query_reply_new(a, &parts);
    *ret_token = S("");
    if (request->format == RESULT_JSON_LINES)
        TRY(query_reply_token(reply, a, ret_token));
    for (bool end = false; !end;) {
        SCOPED(buf_releasep) struct buf piece;
        buf_init(&piece, 0);
        TRY(query_reply_write(reply, &piece, a, &end));
        buf_add(all, buf_slice(&piece));
    }
    return NULL;
}

static void answer_query(struct driver *d, slice body)
{
    SCRATCH(a);
    const struct json *j;
    struct query_request request;
    struct field_errors errors;
    field_errors_init(&errors, &a);
    REQUIRE(!json_parse_exact(&a, body, &j));
    REQUIRE(!query_body_read(j, &d->columns, &a, &errors, &request));
    if (!errors.count)
        apply_token(d, &request, &errors, &a);
    if (errors.count) {
        print_errors(&errors);
        return;
    }
    SCOPED(buf_releasep) struct buf all;
    slice token;
    buf_init(&all, 0);
    err_t e = write_reply(d, &request, &a, &all, &token);
    if (e) {
        printf("failed %s\n", err_code_name(e->code));
        return;
    }
    printf("reply %zu " SLICE_FMT "\n", all.n, SLICE_ARG(token.n ? token : S("-")));
    fwrite(buf_slice(&all).p, 1, all.n, stdout);
    printf("\n");
}

/* Ends the program with status 77 when it was built without this store. */
static struct dataset_store *open_store(int argc, char **argv)
{
    SCRATCH(a);
    struct dataset_store *store;
    if (argc == 2 && strcmp(argv[1], "mem") == 0)
        return dataset_mem_new(clock_system());
    REQUIRE(argc == 3 && strcmp(argv[1], "duckdb") == 0);
    err_t e = dataset_duckdb_open(argv[2], NULL, clock_system(), &a, &store);
    if (err_is(e, ERR_UNSUPPORTED))
        exit(77);
    REQUIRE(!e);
    return store;
}

int main(int argc, char **argv)
{
    struct driver d = { .store = open_store(argc, argv) };
    char *line = NULL;
    size_t size = 0;
    arena_init(&d.arena);
    for (ssize_t n; (n = getline(&line, &size, stdin)) > 0;) {
        slice command, rest, text = { line, (size_t)n - (line[n - 1] == '\n') };
        slice_cut(text, ' ', &command, &rest);
        if (slice_eq(command, S("schema")))
            begin_dataset(&d, rest);
        else if (slice_eq(command, S("row")))
            add_row(&d, rest);
        else if (slice_eq(command, S("commit")))
            commit_rows(&d);
        else if (slice_eq(command, S("query")))
            answer_query(&d, rest);
        else
            REQUIRE(!"a known command");
        fflush(stdout);
    }
    free(line);
    commit_rows(&d);
    d.store->ops->close_store(d.store);
    arena_release(&d.arena);
    return 0;
}
