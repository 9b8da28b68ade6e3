/* SPDX-License-Identifier: Apache-2.0 */
/* Queries of datasets in the native API: what their errors become, who may ask, and how cells are written as CSV. Whole servers are asked in
 * tests/clients/test_native_data.py. */
#include "fake_http.h"
#include "reply_json.h"
#include "test.h"
#include "world.h"

#include "api/kit/csv.h"
#include "api/native/native.h"
#include "core/access/access.h"
#include "core/store/dataset_store.h"

#include <stdlib.h>

struct data_fixture {
    struct world *w;
    struct native_api api;
    struct fake_http http;
    slice admin, plain; /* keys of an administrator and of another user of the account */
};

static struct data_fixture *data_fixture_new(void)
{
    struct data_fixture *f = must_malloc(sizeof *f);
    f->w = world_new();
    native_init(&f->api, &f->w->core, &(struct native_options){ .max_account_downloads = 1 });
    f->http = fake_http_new(&f->api.http_api);
    world_admin(f->w, S("ana"));
    world_user(f->w, S("bob"));
    f->admin = world_key(f->w, S("ana"), S("native"));
    f->plain = world_key(f->w, S("bob"), S("native"));
    return f;
}

static void data_fixture_freep(struct data_fixture **f)
{
    fake_http_release(&(*f)->http);
    native_release(&(*f)->api);
    world_free((*f)->w);
    free(*f);
}
#define DATA_FIXTURE(name) SCOPED(data_fixture_freep) struct data_fixture *name = data_fixture_new()

static struct fake_reply *send_as(struct data_fixture *f, slice token, const char *method, const char *target,
                                  const char *body)
{
    return fake_http_send(
        &f->http,
        &(struct fake_request){ .method = method, .target = slice_of(target), .token = token, .body = slice_of(body) });
}

#define DATASETS "/v1/native/datasets"

static void make_dataset(struct data_fixture *f, const char *rows)
{
    const char *made = "{\"name\":\"sales\",\"columns\":[{\"name\":\"city\",\"type\":\"string\"},{\"name\":\"n\","
                       "\"type\":\"integer\"}]}";
    EXPECT_EQ(send_as(f, f->admin, "POST", DATASETS, made)->status, 201);
    EXPECT_EQ(send_as(f, f->admin, "PUT", DATASETS "/sales/files/rows.jsonl", rows)->status, 201);
    world_run_jobs(f->w);
}

static struct fake_reply *query(struct data_fixture *f, const char *body)
{
    return send_as(f, f->admin, "POST", DATASETS "/sales/query", body);
}

TEST(a_query_groups_by_the_columns_without_an_aggregate)
{
    DATA_FIXTURE(f);
    make_dataset(f, "{\"city\":\"Lima\",\"n\":1}\n{\"city\":\"Oslo\",\"n\":2}\n{\"city\":\"Lima\",\"n\":3}\n");
    struct fake_reply *r =
        query(f, "{\"columns\":[\"city\",{\"column\":\"n\",\"aggregate\":\"sum\"}],\"order_by\":[\"city\"]}");
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(reply_text(f->w->a, r, "columns.1.name"), S("sum_n"));
    EXPECT_EQ(reply_count(f->w->a, r, "rows"), 2);
    EXPECT_SLICE(reply_text(f->w->a, r, "rows.0.0"), S("Lima"));
    EXPECT_EQ(reply_int(f->w->a, r, "rows.0.1"), 4);
}

/* ---- errors of the store ---- */

static enum err_code query_fails_with;

static err_t fail_query(struct dataset_store *store, int64_t dataset_id, const struct row_query *q, int64_t limit_ms,
                        struct arena *a, struct dataset_cursor **ret)
{
    (void)store, (void)dataset_id, (void)q, (void)limit_ms, (void)ret;
    return err_make(a, query_fails_with, "planted");
}

TEST(a_query_that_is_too_costly_is_not_taken_for_an_expired_token)
{
    static const struct {
        enum err_code code;
        int status;
        const char *word;
    } rows[] = { { ERR_EXPIRED, 422, "too_costly" },
                 { ERR_TOO_LARGE, 422, "too_costly" },
                 { ERR_INVALID, 422, "invalid" },
                 { ERR_UNAVAILABLE, 503, "unavailable" } };
    DATA_FIXTURE(f);
    make_dataset(f, "{\"n\":1}\n");
    struct dataset_store *store = f->w->core.datasets;
    const struct dataset_ops *whole = store->ops;
    struct dataset_ops failing = *whole;
    failing.query = fail_query;
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        query_fails_with = rows[i].code;
        store->ops = &failing;
        struct fake_reply *r = query(f, "{\"format\":\"csv\"}");
        store->ops = whole;
        EXPECT_EQ(r->status, rows[i].status);
        EXPECT_SLICE(reply_text(f->w->a, r, "error.code"), slice_of(rows[i].word));
    }
    EXPECT_EQ(query(f, "{\"format\":\"csv\"}")->status, 200); /* no download is counted that has ended with an error */
}

/* ---- rights ---- */

TEST(only_administrators_and_the_operator_ask)
{
    DATA_FIXTURE(f);
    make_dataset(f, "{\"n\":1}\n");
    EXPECT_EQ(send_as(f, f->plain, "POST", DATASETS "/sales/query", "{}")->status, 403);
    EXPECT_EQ(send_as(f, f->plain, "GET", DATASETS, "")->status, 403);
    struct fake_request local = {
        .method = "POST", .target = S(DATASETS "/sales/query"), .body = S("{}"), .local = true
    };
    EXPECT_EQ(fake_http_send(&f->http, &local)->status, 200);
}

/* ---- CSV ---- */

TEST(a_text_that_a_spreadsheet_would_run_gets_an_apostrophe)
{
    static const char *const cells[][2] = {
        { "=1+1", "\"'=1+1\"" }, { "+1", "\"'+1\"" },   { "-1", "\"'-1\"" },  { "@x", "\"'@x\"" },
        { "\tx", "\"'\tx\"" },   { "\rx", "\"'\rx\"" }, { "a=1", "\"a=1\"" }, { "a\"b\"", "\"a\"\"b\"\"\"" },
        { "\n=1", "\"'\n=1\"" }, { "", "\"\"" },
    };
    SCRATCH(a);
    for (size_t i = 0; i < LENGTH_OF(cells); i++) {
        struct buf out;
        buf_init_on(&out, 0, &a);
        csv_add_text(&out, slice_of(cells[i][0]));
        EXPECT_SLICE(buf_slice(&out), slice_of(cells[i][1]));
        buf_release(&out);
    }
}

TEST(a_download_begins_with_the_names_and_has_nulls_as_nothing)
{
    DATA_FIXTURE(f);
    make_dataset(f, "{\"city\":\"=x\",\"n\":-1}\n{\"city\":\"\"}\n");
    struct fake_reply *r = query(f, "{\"format\":\"csv\"}");
    EXPECT_SLICE(r->body, S("city,n\r\n\"'=x\",-1\r\n\"\",\r\n"));
    EXPECT_SLICE(fake_reply_header(r, "Content-Disposition"), S("attachment; filename=sales.csv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_groups_by_the_columns_without_an_aggregate),
        cmocka_unit_test(a_query_that_is_too_costly_is_not_taken_for_an_expired_token),
        cmocka_unit_test(only_administrators_and_the_operator_ask),
        cmocka_unit_test(a_text_that_a_spreadsheet_would_run_gets_an_apostrophe),
        cmocka_unit_test(a_download_begins_with_the_names_and_has_nulls_as_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
