/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in several requests that become files of a folder: docs/apis/resumable.md, "Into a folder". */
#include "fake_http.h"
#include "reply_json.h"
#include "rounds.h"
#include "school.h"
#include "test.h"

#include "api/resumable/call.h"
#include "base/config_key.h"
#include "core/transfer/transfer.h"

#include <stdlib.h>

struct fixture {
    struct school *s;
    struct arena *a;
    struct resumable resumable;
    struct http_api api;
    struct fake_http http;
    slice tutor, member, stranger;
};

static struct fixture *fixture_new(void)
{
    struct fixture *f = must_malloc(sizeof *f);
    f->s = school_new();
    f->a = f->s->a;
    f->resumable = (struct resumable){ .core = &f->s->w->core, .options = { .expiry_ms = 7 * DAY } };
    f->api = resumable_api(&f->resumable);
    f->http = fake_http_new(&f->api);
    f->tutor = world_key(f->s->w, S("tutor"), S("native"));
    f->member = world_key(f->s->w, S("member"), S("native"));
    f->stranger = world_key(f->s->w, S("stranger"), S("native"));
    return f;
}

static void fixture_freep(struct fixture **f)
{
    fake_http_release(&(*f)->http);
    school_free((*f)->s);
    free(*f);
}
#define FIXTURE(name) SCOPED(fixture_freep) struct fixture *name = fixture_new()

/* name: base64. folder: the value of the parameter. */
static struct fake_reply *create(struct fixture *f, slice token, const char *name, const char *length, slice folder)
{
    return fake_http_send(
        &f->http,
        &(struct fake_request){ .method = "POST",
                                .target = arena_printf(f->a, UPLOADS_PATH "?folder=" SLICE_FMT, SLICE_ARG(folder)),
                                .token = token,
                                .headers = { { S("Tus-Resumable"), S(TUS_VERSION) },
                                             { S("Upload-Length"), slice_of(length) },
                                             { S("Upload-Metadata"), arena_printf(f->a, "filename %s", name) } } });
}
#define A_TXT "YS50eHQ=" /* a.txt */
#define B_TXT "Yi50eHQ="

static slice root_of(struct fixture *f)
{
    return arena_printf(f->a, "%lld", (long long)f->s->root);
}

static struct fake_reply *append(struct fixture *f, const struct fake_reply *created, slice body)
{
    EXPECT_EQ(created->status, 201);
    return fake_http_send(&f->http, &(struct fake_request){ .method = "PATCH",
                                                            .target = fake_reply_header(created, "Location"),
                                                            .token = f->tutor,
                                                            .headers = { { S("Tus-Resumable"), S(TUS_VERSION) },
                                                                         { S("Content-Type"), S(TUS_CONTENT_TYPE) },
                                                                         { S("Upload-Offset"), S("0") } },
                                                            .body = body });
}

static struct fake_reply *head(struct fixture *f, const struct fake_reply *created)
{
    return fake_http_send(&f->http, &(struct fake_request){ .method = "HEAD",
                                                            .target = fake_reply_header(created, "Location"),
                                                            .token = f->tutor,
                                                            .headers = { { S("Tus-Resumable"), S(TUS_VERSION) } } });
}

static size_t files_in_root(struct fixture *f)
{
    struct folder_file_list files;
    EXPECT_OK(folder_file_list(&f->s->w->core, f->s->root, &(struct id_page){ 0, 100 }, f->a, &files));
    return files.count;
}

static void expect_error(struct fixture *f, const struct fake_reply *r, int status, const char *code)
{
    EXPECT_EQ(r->status, status);
    EXPECT_SLICE(reply_text(f->a, r, "error.code"), slice_of(code));
}

TEST(the_last_byte_puts_the_file_into_its_folder)
{
    FIXTURE(f);
    struct fake_reply *created = create(f, f->tutor, A_TXT, "5", root_of(f));
    EXPECT_EQ(files_in_root(f), 0);
    EXPECT_EQ(append(f, created, S("hello"))->status, 204);
    EXPECT_EQ(files_in_root(f), 1);
    EXPECT_EQ(school_course_now(f->s).used_bytes, 5);
    struct fake_reply *list =
        fake_http_send(&f->http, &(struct fake_request){ .method = "GET",
                                                         .target = S(UPLOADS_PATH),
                                                         .token = f->tutor,
                                                         .headers = { { S("Tus-Resumable"), S(TUS_VERSION) } } });
    EXPECT_EQ(reply_int(f->a, list, "uploads.0.folder"), f->s->root);
    EXPECT_EQ(create(f, f->tutor, B_TXT, "0", root_of(f))->status, 201); /* without a byte */
    EXPECT_EQ(files_in_root(f), 2);
    school_settle(f->s);
    EXPECT_EQ(files_in_root(f), 2);
    EXPECT_EQ(world_fsck(f->s->w, true), 0);
}

TEST(an_upload_that_its_folder_would_refuse_is_refused_before_its_bytes)
{
    FIXTURE(f);
    school_file(f->s, f->s->root, "A.TXT", S("x"));
    expect_error(f, create(f, f->tutor, A_TXT, "5", root_of(f)), 409, "name_taken");
    expect_error(f, create(f, f->member, B_TXT, "5", root_of(f)), 403, "forbidden");
    expect_error(f, create(f, f->stranger, B_TXT, "5", root_of(f)), 404, "not_found");
    expect_error(f, create(f, f->tutor, B_TXT, "5", S("99999")), 404, "not_found");
    static const char *const bad[] = { "0", "-1", "x", "1e3", "99999999999999999999", "" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        expect_error(f, create(f, f->tutor, B_TXT, "5", slice_of(bad[i])), 400, "invalid");
    EXPECT_OK(course_set_limit(&f->s->w->core, &f->s->w->operator_, f->s->course, 5, f->a));
    expect_error(f, create(f, f->tutor, B_TXT, "5", root_of(f)), 507, "quota");
    struct transfer_list left;
    EXPECT_OK(transfer_list(&f->s->w->core, &f->s->tutor, &(struct id_page){ 0, 100 }, f->a, &left));
    EXPECT_EQ(left.count, 0);
}

TEST(a_file_enters_no_folder_in_which_its_user_has_no_right_any_more)
{
    FIXTURE(f);
    struct fake_reply *created = create(f, f->tutor, A_TXT, "5", root_of(f));
    struct enrolment enrolment;
    EXPECT_OK(enrolment_find_login(&f->s->w->core, f->s->course, S("tutor"), f->a, &enrolment));
    EXPECT_OK(enrolment_remove(&f->s->w->core, &f->s->admin, enrolment.id, f->a));
    expect_error(f, append(f, created, S("hello")), 403, "forbidden");
    EXPECT_EQ(files_in_root(f), 0);
    EXPECT_EQ(world_file_count(f->s->w), 0);
    EXPECT_EQ(head(f, created)->status, 403);
    world_wait(f->s->w, 8 * DAY);
    world_run_jobs(f->s->w); /* it goes, with its bytes */
    EXPECT_EQ(world_account(f->s->w).used_bytes, 0);
    EXPECT_EQ(world_account(f->s->w).open_uploads, 0);
    EXPECT_EQ(world_fsck(f->s->w, true), 0);
}

TEST(a_name_that_was_taken_meanwhile_can_be_made_free_and_the_upload_goes_on)
{
    FIXTURE(f);
    struct fake_reply *created = create(f, f->tutor, A_TXT, "5", root_of(f));
    struct file other = school_file(f->s, f->s->root, "a.txt", S("x"));
    expect_error(f, append(f, created, S("hello")), 409, "name_taken");
    EXPECT_EQ(head(f, created)->status, 409);
    EXPECT_OK(folder_file_remove(&f->s->w->core, &f->s->tutor, other.id, f->a));
    EXPECT_EQ(head(f, created)->status, 200);
    EXPECT_EQ(files_in_root(f), 1);
    EXPECT_EQ(school_course_now(f->s).used_bytes, 5);
    school_settle(f->s);
    EXPECT_EQ(world_fsck(f->s->w, true), 0);
}

TEST(an_upload_whose_folder_was_removed_meanwhile_becomes_no_file)
{
    FIXTURE(f);
    int64_t folder = school_folder(f->s, f->s->root, "a");
    struct fake_reply *created = create(f, f->tutor, A_TXT, "5", arena_printf(f->a, "%lld", (long long)folder));
    EXPECT_OK(folder_remove(&f->s->w->core, &f->s->tutor, folder, f->a));
    expect_error(f, append(f, created, S("hello")), 404, "not_found");
    EXPECT_EQ(world_file_count(f->s->w), 0);
    EXPECT_EQ(world_fsck(f->s->w, true), 0);
}

TEST(parts_have_no_folder)
{
    FIXTURE(f);
    struct fake_request r = { .method = "POST",
                              .target = arena_printf(f->a, UPLOADS_PATH "?folder=" SLICE_FMT, SLICE_ARG(root_of(f))),
                              .token = f->tutor,
                              .headers = { { S("Tus-Resumable"), S(TUS_VERSION) },
                                           { S("Upload-Length"), S("5") },
                                           { S("Upload-Concat"), S("partial") } } };
    expect_error(f, fake_http_send(&f->http, &r), 400, "invalid");
}

TEST(an_upload_into_a_folder_is_whole_or_open_whatever_call_of_a_store_fails)
{
    for (int64_t nth = fault_first();; nth += fault_step()) {
        FIXTURE(f);
        struct fake_reply *created = create(f, f->tutor, A_TXT, "5", root_of(f));
        f->s->w->faults.fail_at = f->s->w->faults.calls + nth;
        struct fake_reply *r = append(f, created, S("hello"));
        f->s->w->faults.fail_at = 0;
        EXPECT_EQ(world_file_count(f->s->w), files_in_root(f));
        EXPECT_EQ(school_course_now(f->s).used_bytes, (int64_t)files_in_root(f) * 5);
        EXPECT_EQ(world_fsck(f->s->w, false), 0);
        if (r->status == 204) {
            EXPECT_EQ(files_in_root(f), 1);
            break;
        }
    }
}

RUN_TESTS(cmocka_unit_test(the_last_byte_puts_the_file_into_its_folder),
          cmocka_unit_test(an_upload_that_its_folder_would_refuse_is_refused_before_its_bytes),
          cmocka_unit_test(a_file_enters_no_folder_in_which_its_user_has_no_right_any_more),
          cmocka_unit_test(a_name_that_was_taken_meanwhile_can_be_made_free_and_the_upload_goes_on),
          cmocka_unit_test(an_upload_whose_folder_was_removed_meanwhile_becomes_no_file),
          cmocka_unit_test(parts_have_no_folder),
          cmocka_unit_test(an_upload_into_a_folder_is_whole_or_open_whatever_call_of_a_store_fails))
