/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in several requests that become files of a dataset: docs/apis/resumable.md, "Into a dataset". */
#include "fake_http.h"
#include "reply_json.h"
#include "test.h"
#include "world.h"

#include "api/resumable/call.h"
#include "base/config_key.h"
#include "core/access/access.h"
#include "core/access/member.h"
#include "core/dataset/dataset_file.h"
#include "core/transfer/transfer.h"

#include <stdlib.h>

struct fixture {
    struct world *w;
    struct arena *a;
    struct resumable resumable;
    struct http_api api;
    struct fake_http http;
    slice boss, ana; /* boss is an administrator */
    struct principal boss_who;
    struct dataset dataset;
};

static struct fixture *fixture_new(void)
{
    struct fixture *f = must_malloc(sizeof *f);
    struct column columns[] = { { .name = S("n"), .type = COLUMN_INT64 } };
    *f = (struct fixture){ .w = world_new() };
    f->a = f->w->a;
    f->resumable = (struct resumable){ .core = &f->w->core, .options = { .expiry_ms = 7 * DAY } };
    f->api = resumable_api(&f->resumable);
    f->http = fake_http_new(&f->api);
    f->boss_who = world_admin(f->w, S("boss"));
    world_user(f->w, S("ana"));
    f->boss = world_key(f->w, S("boss"), S("native"));
    f->ana = world_key(f->w, S("ana"), S("native"));
    const struct dataset_request request = { .name = S("Sales"), .slug = S("sales"), .columns = { columns, 1 } };
    EXPECT_OK(dataset_create(&f->w->core, &f->boss_who, &request, f->a, &f->dataset));
    return f;
}

static void fixture_freep(struct fixture **f)
{
    fake_http_release(&(*f)->http);
    world_free((*f)->w);
    free(*f);
}
#define FIXTURE(name) SCOPED(fixture_freep) struct fixture *name = fixture_new()

#define A_JSONL "YS5qc29ubA==" /* a.jsonl */
#define A_TXT "YS50eHQ="

static struct fake_reply *create(struct fixture *f, slice token, const char *name, const char *query)
{
    return fake_http_send(
        &f->http,
        &(struct fake_request){ .method = "POST",
                                .target = arena_printf(f->a, UPLOADS_PATH "?%s", query),
                                .token = token,
                                .headers = { { S("Tus-Resumable"), S(TUS_VERSION) },
                                             { S("Upload-Length"), S("16") },
                                             { S("Upload-Metadata"), arena_printf(f->a, "filename %s", name) } } });
}

static struct fake_reply *append(struct fixture *f, const struct fake_reply *created, const char *offset, slice body)
{
    EXPECT_EQ(created->status, 201);
    return fake_http_send(&f->http, &(struct fake_request){ .method = "PATCH",
                                                            .target = fake_reply_header(created, "Location"),
                                                            .token = f->boss,
                                                            .headers = { { S("Tus-Resumable"), S(TUS_VERSION) },
                                                                         { S("Content-Type"), S(TUS_CONTENT_TYPE) },
                                                                         { S("Upload-Offset"), slice_of(offset) } },
                                                            .body = body });
}

static struct dataset_file_list files_of(struct fixture *f)
{
    struct dataset_file_list files;
    int64_t total;
    const struct dataset_file_query query = { .dataset_id = f->dataset.id, .limit = 10 };
    EXPECT_OK(dataset_file_list(&f->w->core, &query, f->a, &files, &total));
    return files;
}

static void expect_error(struct fixture *f, const struct fake_reply *r, int status, const char *code)
{
    EXPECT_EQ(r->status, status);
    EXPECT_SLICE(reply_text(f->a, r, "error.code"), slice_of(code));
}

TEST(the_last_byte_queues_the_file_of_a_dataset)
{
    FIXTURE(f);
    struct fake_reply *created = create(f, f->boss, A_JSONL, "dataset=sales");
    EXPECT_EQ(append(f, created, "0", S("{\"n\":1}\n"))->status, 204);
    EXPECT_EQ(files_of(f).count, 0);
    struct fake_reply *list =
        fake_http_send(&f->http, &(struct fake_request){ .method = "GET",
                                                         .target = S(UPLOADS_PATH),
                                                         .token = f->boss,
                                                         .headers = { { S("Tus-Resumable"), S(TUS_VERSION) } } });
    EXPECT_SLICE(reply_text(f->a, list, "uploads.0.dataset"), S("sales"));
    struct fake_reply *last = append(f, created, "8", S("{\"n\":2}\n"));
    EXPECT_EQ(last->status, 204);
    EXPECT(slice_starts(fake_reply_header(last, "Content-Location"), S("/v1/native/files/")));
    struct dataset_file_list files = files_of(f);
    EXPECT_EQ(files.count, 1);
    EXPECT_SLICE(files.items[0].name, S("a.jsonl"));
    EXPECT_EQ(files.items[0].state, DATASET_FILE_QUEUED);
    EXPECT_EQ(files.items[0].size_bytes, 16);
    EXPECT_EQ(world_fsck(f->w, true), 0);
}

TEST(a_list_of_uploads_took_the_columns_of_their_dataset_once_for_each)
{
    enum { COLUMNS = 900, UPLOADS = 100 };
    FIXTURE(f);
    struct column *columns = arena_array(f->a, struct column, COLUMNS);
    struct dataset wide;
    for (int i = 0; i < COLUMNS; i++)
        columns[i] = (struct column){ .name = arena_printf(f->a, "a_column_with_a_rather_long_name_%04d", i),
                                      .type = COLUMN_INT64 };
    const struct dataset_request request = { .name = S("Wide"), .slug = S("wide"), .columns = { columns, COLUMNS } };
    EXPECT_OK(dataset_create(&f->w->core, &f->boss_who, &request, f->a, &wide));
    for (int i = 0; i < UPLOADS; i++)
        EXPECT_EQ(create(f, f->boss, A_JSONL, "dataset=wide")->status, 201);
    struct fake_reply *list =
        fake_http_send(&f->http, &(struct fake_request){ .method = "GET",
                                                         .target = S(UPLOADS_PATH "?limit=100"),
                                                         .token = f->boss,
                                                         .headers = { { S("Tus-Resumable"), S(TUS_VERSION) } } });
    EXPECT_EQ(list->status, 200);
    EXPECT_SLICE(reply_text(f->a, list, "uploads.99.dataset"), S("wide"));
    EXPECT(list->peak_bytes < (size_t)2 << 20);
}

TEST(what_a_dataset_would_refuse_is_refused_before_its_bytes)
{
    FIXTURE(f);
    expect_error(f, create(f, f->ana, A_JSONL, "dataset=sales"), 403, "forbidden");
    expect_error(f, create(f, f->boss, A_JSONL, "dataset=other"), 404, "not_found");
    expect_error(f, create(f, f->boss, A_JSONL, "dataset="), 404, "not_found");
    expect_error(f, create(f, f->boss, A_TXT, "dataset=sales"), 400, "invalid");
    expect_error(f, create(f, f->boss, A_JSONL, "dataset=sales&folder=1"), 400, "invalid");
    struct transfer_list left;
    EXPECT_OK(transfer_list(&f->w->core, &f->boss_who, &(struct id_page){ 0, 100 }, f->a, &left));
    EXPECT_EQ(left.count, 0);
}

TEST(who_was_an_administrator_when_an_upload_began_sends_nothing_to_a_dataset)
{
    FIXTURE(f);
    struct fake_reply *created = create(f, f->boss, A_JSONL, "dataset=sales");
    struct principal other = world_admin(f->w, S("other"));
    const struct member_change change = { .id = f->boss_who.user_id, .sets_admin = true, .is_admin = false };
    struct user unused;
    EXPECT_OK(member_change(&f->w->core, &other, &change, f->a, &unused));
    expect_error(f, append(f, created, "0", S("{\"n\":1}\n{\"n\":2}\n")), 403, "forbidden");
    EXPECT_EQ(files_of(f).count, 0);
}

TEST(a_dataset_that_was_removed_takes_no_upload)
{
    FIXTURE(f);
    struct fake_reply *created = create(f, f->boss, A_JSONL, "dataset=sales");
    EXPECT_OK(dataset_remove(&f->w->core, &f->boss_who, S("sales"), f->a));
    expect_error(f, append(f, created, "0", S("{\"n\":1}\n{\"n\":2}\n")), 404, "not_found");
}

RUN_TESTS(cmocka_unit_test(the_last_byte_queues_the_file_of_a_dataset),
          cmocka_unit_test(a_list_of_uploads_took_the_columns_of_their_dataset_once_for_each),
          cmocka_unit_test(what_a_dataset_would_refuse_is_refused_before_its_bytes),
          cmocka_unit_test(who_was_an_administrator_when_an_upload_began_sends_nothing_to_a_dataset),
          cmocka_unit_test(a_dataset_that_was_removed_takes_no_upload))
