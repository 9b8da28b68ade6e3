/* SPDX-License-Identifier: Apache-2.0 */
/* The Redu API, docs/apis/redu.md: every route for every role, the bodies, and what is refused. */
#include "error_table_test.h"
#include "redu_fixture.h"
#include "test.h"

#include "../../src/api/redu/json_priv.h"
#include "../../src/api/redu/mime_types_priv.h"
#include "base/text.h"
#include "core/access/application.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TEST(every_error_has_a_row)
{
    expect_complete_error_table(&redu_errors);
}

/* ---- §3 and §4: roles and statuses ---- */

struct role_row {
    const char *request, *body;
    int success;
    enum redu_person least; /* who may do it: this person, and all after it */
};
static const struct role_row role_rows[] = {
#define ROW(request, body, success, least) { request, body, success, least },
#include "redu_roles.def"
#undef ROW
};

struct things {
    int64_t folder, file, enrolment;
};

static struct things make_things(struct redu_fixture *f)
{
    struct things t = { .folder = school_folder(f->s, f->s->root, "folder") };
    struct enrolment_list own;
    t.file = school_file(f->s, t.folder, "file.pdf", S("hello")).id;
    EXPECT_OK(enrolment_list_own(&f->s->w->core, &f->s->member, &(struct id_page){ 0, 1 }, f->a, &own));
    t.enrolment = own.items[0].id;
    return t;
}

static const char *fill_in(struct redu_fixture *f, const struct things *t, const char *request)
{
    SCOPED(buf_releasep) struct buf out;
    buf_init(&out, 0);
    for (const char *p = request; *p; p++) {
        int64_t id = 0;
        if (*p != '%') {
            buf_add_byte(&out, *p);
            continue;
        }
        p++;
        id = *p == 'f'   ? t->folder
             : *p == 'i' ? t->file
             : *p == 'n' ? t->enrolment
             : *p == 's' ? f->s->space
             : *p == 'c' ? f->s->course
                         : f->s->environment;
        buf_printf(&out, "%lld", (long long)id);
    }
    return arena_cstr(f->a, buf_slice(&out));
}

static const char *action_of(const char *request, const struct role_row *row)
{
    size_t n = strlen(row->request);
    return strncmp(request, "POST", 4) == 0     ? "create"
           : strncmp(request, "PUT", 3) == 0    ? "update"
           : strncmp(request, "DELETE", 6) == 0 ? "destroy"
           : row->request[n - 2] == '%' || strcmp(row->request + n - 3, "/me") == 0 ||
                   strcmp(row->request + n - 13, "/users/member") == 0
               ? "show"
               : "index";
}

static void expect_row(const struct role_row *row, enum redu_person who)
{
    REDU_FIXTURE(f);
    struct things t = make_things(f);
    const char *request = fill_in(f, &t, row->request);
    bool may = who >= row->least && !(who == STRANGER && row->least > STRANGER);
    struct fake_reply *r = redu_send(f, who, request, row->body);
    int want = may ? row->success : 401;
    if (r->status != want)
        fail_msg("%s as %d: %d, expected %d: %.*s", request, who, r->status, want, SLICE_ARG(r->body));
    EXPECT_SLICE(fake_reply_header(r, "Access-Control-Allow-Origin"), S("*"));
    if (!may) {
        EXPECT_SLICE(r->body,
                     arena_printf(f->a, "{\"message\":\"not authorized\",\"action\":\"%s\"}", action_of(request, row)));
        EXPECT_SLICE(r->content_type, S("application/json; charset=utf-8"));
    } else if (want == 204) {
        EXPECT(r->body.n == 0 && !r->content_type.p);
    } else if (want == 201) {
        slice self = redu_str(f, r, "links.0.href");
        EXPECT_SLICE(fake_reply_header(r, "Location"), self);
        EXPECT(slice_starts(self, S("http://www.redu.com.br/api/")));
    }
}

TEST(every_request_for_every_role_has_its_status)
{
    for (size_t i = 0; i < LENGTH_OF(role_rows); i++)
        for (int who = NOBODY; who < PERSONS; who++)
            expect_row(&role_rows[i], who);
}

TEST(every_route_has_a_row_for_the_roles)
{
    REDU_FIXTURE(f);
    for (size_t i = 0; i < f->http_api.route_count; i++) {
        const struct http_route *route = &f->http_api.routes[i];
        bool is_elsewhere = strcmp(route->method, "OPTIONS") == 0 ||
                            slice_starts(slice_of(route->pattern), S("/oauth")) || route->flags & HTTP_STREAM ||
                            strstr(route->pattern, "/users/{id}/enrollments") ||
                            strstr(route->pattern, "/users/{id}/spaces") ||
                            (strcmp(route->method, "DELETE") == 0 && strstr(route->pattern, "/enrollments/"));
        bool found = is_elsewhere;
        struct things t = { 1, 1, 1 };
        for (size_t k = 0; k < LENGTH_OF(role_rows) && !found; k++) {
            slice method, target;
            slice_cut(slice_of(fill_in(f, &t, role_rows[k].request)), ' ', &method, &target);
            struct fake_reply *r = fake_http_send(
                &f->http, &(struct fake_request){ .method = arena_cstr(f->a, method), .target = target });
            found = r->route == route;
        }
        if (!found)
            fail_msg("no row for %s %s", route->method, route->pattern);
    }
}

TEST(an_enrolment_is_removed_by_its_person_or_an_administrator)
{
    static const int want[PERSONS] = { 401, 401, 204, 401, 401, 204, 204 };
    for (int who = NOBODY; who < PERSONS; who++) {
        REDU_FIXTURE(f);
        struct things t = make_things(f);
        EXPECT_EQ(redu_sendf(f, who, NULL, "DELETE /api/enrollments/%lld", (long long)t.enrolment)->status, want[who]);
        EXPECT_EQ(redu_sendf(f, ADMIN, NULL, "GET /api/enrollments/%lld", (long long)t.enrolment)->status,
                  want[who] == 204 ? 404 : 200);
        EXPECT_EQ(redu_sendf(f, MEMBER, NULL, "GET /api/folders/%lld", (long long)t.folder)->status,
                  want[who] == 204 ? 401 : 200);
    }
}

TEST(own_lists_are_for_oneself)
{
    REDU_FIXTURE(f);
    EXPECT_EQ(redu_send(f, MEMBER, "GET /api/users/member/enrollments", NULL)->status, 200);
    EXPECT_EQ(redu_send(f, TUTOR, "GET /api/users/member/enrollments", NULL)->status, 401);
    EXPECT_EQ(redu_send(f, NOBODY, "GET /api/users/member/spaces", NULL)->status, 401);
    EXPECT_EQ(reply_count(f->a, redu_send(f, MEMBER, "GET /api/users/member/spaces?role=member", NULL), ""), 1);
    EXPECT_EQ(reply_count(f->a, redu_send(f, MEMBER, "GET /api/users/member/spaces?role=teacher", NULL), ""), 0);
    EXPECT_EQ(reply_count(f->a, redu_send(f, MEMBER, "GET /api/users/member/spaces?role=king", NULL), ""), 0);
    EXPECT_EQ(reply_count(f->a, redu_send(f, MEMBER, "GET /api/users/member/spaces?course=99", NULL), ""), 0);
    EXPECT_EQ(
        reply_count(
            f->a, redu_sendf(f, MEMBER, NULL, "GET /api/users/member/spaces?course=%lld", (long long)f->s->course), ""),
        1);
    EXPECT_EQ(reply_count(f->a, redu_send(f, MEMBER, "GET /api/users/member/enrollments?courses_ids[]=1", NULL), ""),
              1);
    EXPECT_EQ(reply_count(f->a, redu_send(f, MEMBER, "GET /api/users/member/enrollments?courses_ids[]=9", NULL), ""),
              0);
}

TEST(what_does_not_exist_is_404_without_a_body_for_everybody)
{
    REDU_FIXTURE(f);
    static const char *const requests[] = {
        "GET /api/folders/99",
        "PUT /api/folders/99",
        "DELETE /api/folders/99",
        "GET /api/folders/99/files",
        "POST /api/folders/99/folders",
        "POST /api/folders/99/files",
        "GET /api/files/99",
        "DELETE /api/files/99",
        "PUT /api/files/1",
        "PATCH /api/files/1",
        "GET /api/courses/99",
        "GET /api/courses/nothing",
        "GET /api/environments/99",
        "GET /api/spaces/99",
        "GET /api/enrollments/99",
        "GET /api/nothing",
        "GET /api/folders/x",
        "GET /api/folders/-1",
        "GET /api/folders/99999999999999999999",
        "GET /oauth/request_token",
    };
    for (size_t i = 0; i < LENGTH_OF(requests); i++)
        for (int who = NOBODY; who < PERSONS; who += BOSS) {
            struct fake_reply *r = redu_send(f, who, requests[i], NULL);
            if (r->status != 404 || r->body.n)
                fail_msg("%s: %d", requests[i], r->status);
        }
}

TEST(nobody_learns_which_users_there_are)
{
    REDU_FIXTURE(f);
    static const char *const paths[] = { "member", "nothing", "1", "99", "nothing/enrollments", "nothing/statuses" };
    for (size_t i = 0; i < LENGTH_OF(paths); i++)
        EXPECT_EQ(redu_sendf(f, NOBODY, NULL, "GET /api/users/%s", paths[i])->status, 401);
    EXPECT_EQ(redu_send(f, TUTOR, "GET /api/users/nothing", NULL)->status, 404);
}

/* ---- §2.1: tokens ---- */

static int me(struct redu_fixture *f, const char *query, const char *header)
{
    struct fake_request r = { .method = "GET",
                              .target = arena_printf(f->a, "/api/me%s", query),
                              .headers = { { header ? S("Authorization") : S(""), slice_of(header ? header : "") } } };
    return fake_http_send(&f->http, &r)->status;
}

TEST(a_token_comes_by_header_or_parameter)
{
    REDU_FIXTURE(f);
    const char *t = f->tokens[MEMBER].p, *other = f->tokens[TUTOR].p;
    static const char *const schemes[] = { "OAuth %s",       "Bearer %s", "Token %s",
                                           "Token token=%s", "oauth %s",  "BEARER  %s" };
    static const char *const parameters[] = { "?bearer_token=%s", "?access_token=%s", "?oauth_token=%s" };
    for (size_t i = 0; i < LENGTH_OF(schemes); i++)
        EXPECT_EQ(me(f, "", arena_printf(f->a, schemes[i], t).p), 200);
    for (size_t i = 0; i < LENGTH_OF(parameters); i++)
        EXPECT_EQ(me(f, arena_printf(f->a, parameters[i], t).p, NULL), 200);
    EXPECT_EQ(me(f, arena_printf(f->a, "?oauth_token=%s&oauth_signature=x", t).p, NULL), 401);
    EXPECT_EQ(me(f, "", NULL), 401);
    EXPECT_EQ(me(f, "", "Basic eA=="), 401);
    EXPECT_EQ(me(f, "", "OAuth nonsense"), 401);
    EXPECT_EQ(me(f, "?access_token=nonsense", arena_printf(f->a, "OAuth %s", t).p), 401); /* the query counts */
    struct fake_request r = { .target = arena_printf(f->a, "/api/me?bearer_token=%s&access_token=%s", other, t) };
    EXPECT_SLICE(redu_str(f, fake_http_send(&f->http, &r), "login"), S("tutor"));
    /* percent-encoded */
    slice encoded = arena_printf(f->a, "?access_token=%%%02X%s", t[0], t + 1);
    EXPECT_EQ(me(f, encoded.p, NULL), 200);
}

TEST(a_token_in_a_form_counts)
{
    REDU_FIXTURE(f);
    const char *form = arena_printf(f->a, "folder[name]=x&access_token=%s", f->tokens[TUTOR].p).p;
    EXPECT_EQ(redu_sendf(f, NOBODY, form, "POST /api/folders/%lld/folders", (long long)f->s->root)->status, 201);
    EXPECT_EQ(redu_sendf(f, MEMBER, form, "POST /api/folders/%lld/folders", (long long)f->s->root)->status, 422);
    const char *request = "POST /api/folders/%lld/folders?access_token=%s";
    EXPECT_EQ(redu_sendf(f, NOBODY, form, request, (long long)f->s->root, f->tokens[MEMBER].p)->status, 401);
}

TEST(a_revoked_token_is_nobodys)
{
    REDU_FIXTURE(f);
    struct core *core = &f->s->w->core;
    struct minted_application key;
    struct application_request application = { .login = S("tutor"), .purpose = REDU_PURPOSE };
    EXPECT_OK(application_add(core, &f->s->w->operator_, &application, f->a, &key));
    struct fake_request r = { .target = arena_printf(f->a, "/api/folders/%lld", (long long)f->s->root),
                              .token = key.token };
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 200);
    EXPECT_OK(key_revoke(core, &f->s->w->operator_, key.id, f->a));
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 401);
    r.target = S("/api/folders/99");
    EXPECT_EQ(fake_http_send(&f->http, &r)->status, 404);
}

/* ---- §4: faults of the server ---- */

TEST(a_fault_of_the_server_is_500_with_its_message)
{
    SCRATCH(a);
    struct error_row words = error_words(&redu_errors, err_make(&a, ERR_CORRUPT, "a record is damaged"));
    EXPECT_EQ(words.status, 500);
    EXPECT(strcmp(words.code, "message") == 0 && strcmp(words.text, "internal error") == 0);
}

TEST(a_failing_store_is_503_and_changes_nothing)
{
    REDU_FIXTURE(f);
    struct things t = make_things(f);
    static const char *const requests[] = { "GET /api/folders/%f",  "GET /api/folders/%f/files",
                                            "PUT /api/folders/%f",  "POST /api/folders/%f/folders",
                                            "DELETE /api/files/%i", "DELETE /api/folders/%f" };
    for (size_t i = 0; i < LENGTH_OF(requests); i++) {
        EXPECT_EQ(redu_send(f, TUTOR, "GET /api/me", NULL)->status, 200); /* fills the cache of tokens */
        f->s->w->faults.fail_at = f->s->w->faults.calls + 1;
        struct fake_reply *r = redu_send(f, TUTOR, fill_in(f, &t, requests[i]), "{\"folder\":{\"name\":\"x\"}}");
        f->s->w->faults.fail_at = 0;
        EXPECT_EQ(r->status, 503);
        EXPECT_SLICE(fake_reply_header(r, "Retry-After"), S("1"));
    }
    EXPECT_SLICE(redu_str(f, redu_send(f, MEMBER, fill_in(f, &t, "GET /api/folders/%f"), NULL), "name"), S("folder"));
    EXPECT_EQ(redu_send(f, MEMBER, fill_in(f, &t, "GET /api/files/%i"), NULL)->status, 200);
}

/* ---- §5: representations ---- */

TEST(sizes_are_written_for_people)
{
    SCRATCH(a);
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = { { 0, "0 Bytes" },
                 { 1, "1 Byte" },
                 { 2, "2 Bytes" },
                 { 1023, "1023 Bytes" },
                 { 1024, "1,00 KB" },
                 { 40000, "39,06 KB" },
                 { 12213, "11,93 KB" },
                 { 1048575, "1.024,00 KB" },
                 { 1048576, "1,00 MB" },
                 { 1961234, "1,87 MB" },
                 { 104857600, "100,00 MB" },
                 { UINT64_C(1) << 40, "1,00 TB" },
                 { UINT64_C(5000) << 40, "5.000,00 TB" } };
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        EXPECT_SLICE(redu_size(rows[i].bytes, &a), slice_of(rows[i].text));
}

TEST(a_folder_and_a_file_are_written_as_documented)
{
    REDU_FIXTURE(f);
    int64_t folder = school_folder(f->s, f->s->root, "Provas antigas");
    struct fake_reply *r = redu_upload(f, TUTOR, folder, "01 introdução.pdf", S("hello"));
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(redu_str(f, r, "name"), S("01 introdução.pdf"));
    EXPECT_SLICE(redu_str(f, r, "mimetype"), S("text/plain"));
    EXPECT_SLICE(redu_str(f, r, "size"), S("5 Bytes"));
    EXPECT_SLICE(redu_str(f, r, "byte"), S("5"));
    EXPECT_SLICE(redu_str(f, r, "created_at"), S("2026-11-21T11:04:09-03:00"));
    EXPECT_SLICE(redu_str(f, r, "links.4.rel"), S("raw"));
    EXPECT(slice_starts(redu_str(f, r, "links.4.href"),
                        arena_printf(f->a,
                                     "http://www.redu.com.br/redu_files/myfiles/attachments/%lld/original/"
                                     "01%%20introdu%%C3%%A7%%C3%%A3o.pdf?",
                                     (long long)redu_int(f, r, "id"))));
    r = redu_sendf(f, MEMBER, NULL, "GET /api/folders/%lld", (long long)folder);
    slice want = arena_printf(f->a,
                              "{\"id\":%lld,\"name\":\"Provas antigas\",\"created_at\":\"2026-11-21T11:04:09-03:00\","
                              "\"date_modified\":\"2026-11-21T11:04:09-03:00\",\"links\":["
                              "{\"rel\":\"self\",\"href\":\"http://www.redu.com.br/api/folders/%lld\"},"
                              "{\"rel\":\"folder\",\"href\":\"http://www.redu.com.br/api/folders/%lld\"},"
                              "{\"rel\":\"files\",\"href\":\"http://www.redu.com.br/api/folders/%lld/files\"},"
                              "{\"rel\":\"folders\",\"href\":\"http://www.redu.com.br/api/folders/%lld/folders\"},"
                              "{\"rel\":\"space\",\"href\":\"http://www.redu.com.br/api/spaces/%lld\"},"
                              "{\"rel\":\"user\",\"href\":\"http://www.redu.com.br/api/users/tutor\"}]}",
                              (long long)folder, (long long)folder, (long long)f->s->root, (long long)folder,
                              (long long)folder, (long long)f->s->space);
    EXPECT_SLICE(r->body, want);
    r = redu_sendf(f, MEMBER, NULL, "GET /api/spaces/%lld/folders", (long long)f->s->space);
    EXPECT_EQ(reply_count(f->a, r, ""), 1);
    EXPECT_SLICE(redu_str(f, r, "0.name"), S("root"));
    EXPECT(!reply_at(f->a, r, "0.date_modified"));
    EXPECT_SLICE(redu_str(f, r, "0.links.1.rel"), S("files")); /* neither folder nor user */
}

TEST(links_to_paths_that_look_like_ids_lead_to_what_they_name)
{
    REDU_FIXTURE(f);
    struct fake_reply *r = redu_send(f, ADMIN, "POST /api/environments",
                                     "{\"environment\":{\"name\":\"n\",\"path\":\"2026\",\"initials\":\"i\"}}");
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(fake_reply_header(r, "Location"), redu_str(f, r, "links.0.href"));
    long long environment = redu_int(f, r, "id");
    r = redu_sendf(f, ADMIN, "{\"course\":{\"name\":\"n\",\"path\":\"1\"}}", "POST /api/environments/%lld/courses",
                   environment);
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(fake_reply_header(r, "Location"), redu_str(f, r, "links.0.href"));
    EXPECT_SLICE(redu_str(f, r, "links.2.href"),
                 arena_printf(f->a, "http://www.redu.com.br/api/environments/%lld", environment));
    long long course = redu_int(f, r, "id");
    EXPECT(course != 1);
    r = redu_sendf(f, ADMIN, "{\"space\":{\"name\":\"n\"}}", "POST /api/courses/%lld/spaces", course);
    EXPECT_SLICE(redu_str(f, r, "links.1.href"), arena_printf(f->a, "http://www.redu.com.br/api/courses/%lld", course));
}

TEST(the_size_of_a_file_may_be_a_number)
{
    struct redu_options options = redu_fixture_options();
    options.byte_as_number = true;
    SCOPED(redu_fixture_freep) struct redu_fixture *f = redu_fixture_new(&options);
    EXPECT_EQ(redu_int(f, redu_upload(f, TUTOR, f->s->root, "a", S("hello")), "byte"), 5);
}

TEST(an_enrolment_shows_what_is_known_of_the_person)
{
    REDU_FIXTURE(f);
    struct fake_reply *r = redu_sendf(f, ADMIN, "{\"enrollment\":{\"email\":\"x@example.org\"}}",
                                      "POST /api/courses/engenharia/enrollments");
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(redu_str(f, r, "state"), S("redu_invited"));
    EXPECT_SLICE(redu_str(f, r, "email"), S("x@example.org"));
    EXPECT(json_is(reply_at(f->a, r, "role"), JS_NULL));
    EXPECT(redu_str(f, r, "token").n >= 32);
    int64_t id = redu_int(f, r, "id");
    r = redu_sendf(f, ADMIN, "{\"enrollment\":{\"email\":\"X@example.org\"}}",
                   "POST /api/courses/engenharia/enrollments");
    EXPECT_EQ(redu_int(f, r, "id"), id);
    r = redu_sendf(f, ADMIN, "{\"enrollment\":{\"state\":\"approved\"}}", "PUT /api/enrollments/%lld", (long long)id);
    EXPECT_EQ(r->status, 422);
    r = redu_sendf(f, ADMIN, "{\"enrollment\":{\"email\":\"nonsense\"}}", "POST /api/courses/engenharia/enrollments");
    EXPECT_SLICE(r->body, S("{\"email\":[\"inválido.\"]}"));
    struct things t = make_things(f);
    r = redu_sendf(f, ADMIN, "{\"enrollment\":{\"state\":\"king\",\"role\":\"queen\"}}", "PUT /api/enrollments/%lld",
                   (long long)t.enrolment);
    EXPECT_SLICE(r->body, S("{\"state\":[\"inválido.\"],\"role\":[\"inválido.\"]}"));
    r = redu_sendf(f, ADMIN, "{\"enrollment\":{\"state\":\"redu_invited\"}}", "PUT /api/enrollments/%lld",
                   (long long)t.enrolment); /* only the server gives that state */
    EXPECT_SLICE(r->body, S("{\"state\":[\"inválido.\"]}"));
    r = redu_sendf(f, ADMIN, "{\"enrollment\":{\"role\":\"teacher\"}}", "PUT /api/enrollments/%lld",
                   (long long)t.enrolment);
    EXPECT_EQ(r->status, 204);
    EXPECT_EQ(redu_send(f, MEMBER, "POST /api/courses/engenharia/spaces", "{\"space\":{\"name\":\"n\"}}")->status, 201);
}

static void expect_no_user_link(struct redu_fixture *f, const char *request)
{
    struct fake_reply *r = redu_send(f, ADMIN, request, NULL);
    EXPECT_EQ(r->status, 200);
    EXPECT(slice_find(r->body, S("\"rel\":\"user\"")) == SLICE_NONE);
}

/* Somebody else may have got the login. */
TEST(nothing_leads_to_a_person_who_was_deleted)
{
    REDU_FIXTURE(f);
    struct core *core = &f->s->w->core;
    int64_t folder = redu_int(
        f,
        redu_sendf(f, TUTOR, "{\"folder\":{\"name\":\"x\"}}", "POST /api/folders/%lld/folders", (long long)f->s->root),
        "id");
    int64_t file = redu_int(f, redu_upload(f, TUTOR, folder, "a", S("hello")), "id");
    int64_t environment = redu_int(f,
                                   redu_send(f, TUTOR, "POST /api/environments",
                                             "{\"environment\":{\"name\":\"n\",\"path\":\"p\",\"initials\":\"i\"}}"),
                                   "id");
    struct enrolment_list own;
    EXPECT_OK(enrolment_list_own(core, &f->s->tutor, &(struct id_page){ 0, 1 }, f->a, &own));
    EXPECT_OK(user_set_state(core, &f->s->w->operator_, S("tutor"), USER_DELETED, f->a));
    world_user(f->s->w, S("tutor"));
    expect_no_user_link(f, arena_printf(f->a, "GET /api/folders/%lld", (long long)folder).p);
    expect_no_user_link(f, arena_printf(f->a, "GET /api/files/%lld", (long long)file).p);
    expect_no_user_link(f, arena_printf(f->a, "GET /api/folders/%lld/files", (long long)folder).p);
    expect_no_user_link(f, arena_printf(f->a, "GET /api/enrollments/%lld", (long long)own.items[0].id).p);
    struct fake_reply *r = redu_sendf(f, BOSS, NULL, "GET /api/environments/%lld", (long long)environment);
    EXPECT_EQ(r->status, 200);
    EXPECT(slice_find(r->body, S("\"rel\":\"user\"")) == SLICE_NONE);
    r = redu_send(f, ADMIN, "GET /api/courses/engenharia/users", NULL);
    EXPECT(slice_find(r->body, S("\"login\":\"tutor\"")) == SLICE_NONE);
    EXPECT(slice_find(r->body, S("\"login\":\"member\"")) != SLICE_NONE);
}

TEST(who_is_approved_without_a_role_is_a_member)
{
    REDU_FIXTURE(f);
    struct core *core = &f->s->w->core;
    struct user user;
    struct folder folder;
    EXPECT_OK(user_create(core, &f->s->w->operator_,
                          &(struct user_request){ .login = S("nova"), .email = S("nova@example.org") }, f->a, &user));
    struct fake_reply *r = redu_send(f, ADMIN, "POST /api/courses/engenharia/enrollments",
                                     "{\"enrollment\":{\"email\":\"nova@example.org\"}}");
    int64_t id = redu_int(f, r, "id");
    EXPECT_SLICE(redu_str(f, r, "state"), S("invited"));
    r = redu_sendf(f, ADMIN, "{\"enrollment\":{\"state\":\"approved\"}}", "PUT /api/enrollments/%lld", (long long)id);
    EXPECT_EQ(r->status, 204);
    r = redu_sendf(f, ADMIN, NULL, "GET /api/enrollments/%lld", (long long)id);
    EXPECT_SLICE(redu_str(f, r, "role"), S("member"));
    struct principal nova = world_principal(f->s->w, S("nova"));
    EXPECT_OK(folder_find(core, &nova, PLACE_SEE, f->s->root, f->a, &folder));
    EXPECT_ERR(folder_find(core, &nova, PLACE_FILE, f->s->root, f->a, &folder), ERR_FORBIDDEN);
}

/* ---- §6: bodies ---- */

TEST(names_of_folders_are_refused_with_their_texts)
{
    REDU_FIXTURE(f);
    static const struct {
        const char *body, *want;
    } rows[] = {
        { "{\"folder\":{\"name\":\"\"}}", "{\"name\":[\"Não pode ser deixado em branco.\"]}" },
        { "{\"folder\":{\"name\":\"  \"}}", "{\"name\":[\"Não pode ser deixado em branco.\"]}" },
        { "{\"folder\":{\"name\":null}}", "{\"name\":[\"Não pode ser deixado em branco.\"]}" },
        { "{}", "{\"name\":[\"Não pode ser deixado em branco.\"]}" },
        { NULL, "{\"name\":[\"Não pode ser deixado em branco.\"]}" },
        { "folder[name]=TAKEN", "{\"name\":[\"já existente.\"]}" },
    };
    school_folder(f->s, f->s->root, "taken");
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct fake_reply *r =
            redu_sendf(f, TUTOR, rows[i].body, "POST /api/folders/%lld/folders", (long long)f->s->root);
        EXPECT_EQ(r->status, 422);
        EXPECT_SLICE(r->body, slice_of(rows[i].want));
    }
    EXPECT_EQ(redu_sendf(f, TUTOR, "{\"folder\":", "POST /api/folders/%lld/folders", (long long)f->s->root)->status,
              400);
    EXPECT_EQ(redu_sendf(f, TUTOR, "[1]", "POST /api/folders/%lld/folders", (long long)f->s->root)->status, 400);
}

TEST(a_folder_is_renamed_and_moved)
{
    REDU_FIXTURE(f);
    int64_t a = school_folder(f->s, f->s->root, "a"), b = school_folder(f->s, a, "b");
    EXPECT_EQ(redu_sendf(f, TUTOR, "{\"folder\":{}}", "PUT /api/folders/%lld", (long long)a)->status, 204);
    EXPECT_SLICE(redu_sendf(f, TUTOR, arena_printf(f->a, "{\"folder\":{\"parent_id\":%lld}}", (long long)b).p,
                            "PUT /api/folders/%lld", (long long)a)
                     ->body,
                 S("{\"parent_id\":[\"inválido.\"]}"));
    EXPECT_EQ(redu_sendf(f, TUTOR, arena_printf(f->a, "folder[parent_id]=%lld", (long long)f->s->root).p,
                         "PUT /api/folders/%lld", (long long)b)
                  ->status,
              204);
    EXPECT_SLICE(
        redu_sendf(f, TUTOR, "{\"folder\":{\"parent_id\":\"x\"}}", "PUT /api/folders/%lld", (long long)a)->body,
        S("{\"parent_id\":[\"inválido.\"]}"));
    EXPECT_SLICE(redu_sendf(f, TUTOR, NULL, "DELETE /api/folders/%lld", (long long)f->s->root)->body,
                 S("{\"base\":[\"a pasta raiz não pode ser removida\"]}"));
    EXPECT_EQ(redu_sendf(f, TUTOR, "{\"folder\":{\"name\":\"raiz\"}}", "PUT /api/folders/%lld", (long long)f->s->root)
                  ->status,
              204);
    struct fake_reply *root = redu_sendf(f, MEMBER, NULL, "GET /api/folders/%lld", (long long)f->s->root);
    EXPECT_SLICE(redu_str(f, root, "name"), S("raiz"));
    EXPECT(!reply_at(f->a, root, "date_modified"));
}

TEST(texts_of_the_structure_are_validated)
{
    REDU_FIXTURE(f);
    static const struct {
        const char *request, *body, *want;
    } rows[] = {
        { "POST /api/environments", "{}",
          "{\"name\":[\"Não pode ser deixado em branco.\"],\"path\":[\"Não pode ser deixado em branco.\"],"
          "\"initials\":[\"Não pode ser deixado em branco.\"]}" },
        { "POST /api/environments",
          "{\"environment\":{\"name\":\"universidade\",\"path\":\"UFXX\",\"initials\":\"i\"}}",
          "{\"name\":[\"Precisa ser único\"],\"path\":[\"Precisa ser único\"]}" },
        { "POST /api/environments",
          "{\"environment\":{\"name\":\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\",\"path\":\"a b\",\"initials\":"
          "\"iiiiiiiiiii\"}}",
          "{\"name\":[\"Texto muito longo\"],\"initials\":[\"Texto muito longo\"],\"path\":[\"inválido.\"]}" },
        { "POST /api/environments/ufxx/courses", "{\"course\":{\"name\":\"ENGENHARIA\",\"path\":\"Engenharia\"}}",
          "{\"name\":[\"já existente.\"],\"path\":[\"já existente.\"]}" },
        { "POST /api/environments/ufxx/courses", "{\"course\":{\"name\":\"n\",\"path\":\"p\",\"workload\":\"x\"}}",
          "{\"workload\":[\"inválido.\"]}" },
        { "POST /api/courses/engenharia/spaces", "{\"space\":{\"name\":\" \"}}",
          "{\"name\":[\"Não pode ser deixado em branco.\"]}" },
        { "PUT /api/environments/ufxx", "{\"environment\":{\"name\":null}}",
          "{\"name\":[\"Não pode ser deixado em branco.\"]}" },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct fake_reply *r = redu_send(f, ADMIN, rows[i].request, rows[i].body);
        EXPECT_SLICE(r->body, slice_of(rows[i].want));
        EXPECT_EQ(r->status, 422);
    }
}

TEST(texts_of_the_structure_have_the_documented_lengths)
{
    static const struct {
        const char *request, *wrapper, *others, *field;
        size_t max;
    } rows[] = {
        { "POST /api/environments", "environment", "\"path\":\"p\",\"initials\":\"i\"", "name", 40 },
        { "POST /api/environments", "environment", "\"path\":\"p\",\"name\":\"n\"", "initials", 10 },
        { "POST /api/environments", "environment", "\"path\":\"p\",\"name\":\"n\",\"initials\":\"i\"", "description",
          400 },
        { "POST /api/environments/ufxx/courses", "course", "\"path\":\"p\"", "name", 60 },
        { "POST /api/environments/ufxx/courses", "course", "\"path\":\"p\",\"name\":\"n\"", "description", 250 },
        { "POST /api/courses/engenharia/spaces", "space", "\"x\":0", "name", 40 },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        for (size_t more = 0; more <= 1; more++) {
            REDU_FIXTURE(f);
            SCOPED(buf_releasep) struct buf text;
            buf_init(&text, 0);
            for (size_t k = 0; k < rows[i].max + more; k++)
                buf_add(&text, S("ã"));
            slice body = arena_printf(f->a, "{\"%s\":{%s,\"%s\":\"" SLICE_FMT "\"}}", rows[i].wrapper, rows[i].others,
                                      rows[i].field, SLICE_ARG(buf_slice(&text)));
            struct fake_reply *r = redu_send(f, ADMIN, rows[i].request, body.p);
            EXPECT_EQ(r->status, more ? 422 : 201);
            if (more)
                EXPECT_SLICE(r->body, arena_printf(f->a, "{\"%s\":[\"Texto muito longo\"]}", rows[i].field));
        }
}

/* ---- §6.8: uploads ---- */

static struct fake_reply *send_form(struct redu_fixture *f, slice body, const char *type)
{
    struct fake_request r = { .method = "POST",
                              .target = arena_printf(f->a, "/api/folders/%lld/files", (long long)f->s->root),
                              .headers = { { S("Content-Type"), slice_of(type) } },
                              .body = body,
                              .piece = 65536,
                              .token = f->tokens[TUTOR] };
    return fake_http_send(&f->http, &r);
}
#define FORM_TYPE "multipart/form-data; boundary=b1"
#define PART(name, more) "--b1\r\nContent-Disposition: form-data; name=\"" name "\"" more "\r\n\r\n"

TEST(a_form_has_one_file_and_the_last_one_counts)
{
    REDU_FIXTURE(f);
    struct fake_reply *r = send_form(
        f,
        S(PART("x", "; filename=\"ignored.txt\"") "1\r\n" PART("file[content]", "; filename=\"a.txt\"") "22\r\n" PART(
            "file[content]", "; filename=\"C:\\\\x\\\\b.txt\"") "333\r\n--b1--\r\n"),
        FORM_TYPE);
    EXPECT_EQ(r->status, 201);
    EXPECT_SLICE(redu_str(f, r, "name"), S("b.txt"));
    EXPECT_SLICE(redu_str(f, r, "byte"), S("3"));
    EXPECT_SLICE(redu_str(f, r, "mimetype"), S(""));
    EXPECT_EQ(world_file_count(f->s->w), 1);
    /* the last one is no file */
    r = send_form(f,
                  S(PART("file[content]", "; filename=\"c.txt\"") "22\r\n" PART("file[content]", "") "x\r\n--b1--\r\n"),
                  FORM_TYPE);
    EXPECT_EQ(r->status, 422);
    EXPECT_EQ(world_file_count(f->s->w), 1);
    r = send_form(f, S(PART("file[content]", "; filename=\"e\"") "\r\n--b1--\r\n"), FORM_TYPE);
    EXPECT_EQ(r->status, 201); /* an empty file */
    EXPECT_SLICE(redu_str(f, r, "size"), S("0 Bytes"));
}

TEST(a_file_name_has_at_most_255_characters_of_any_script)
{
    REDU_FIXTURE(f);
    static const char *const characters[] = { "a", "é", "я", "文" };
    for (size_t i = 0; i < LENGTH_OF(characters); i++) {
        char name[256 * 4 + 1] = "";
        for (int k = 0; k < 255; k++)
            strcat(name, characters[i]);
        struct fake_reply *r = redu_upload(f, TUTOR, f->s->root, name, S("x"));
        EXPECT_EQ(r->status, 201);
        EXPECT_SLICE(redu_str(f, r, "name"), slice_of(name));
        strcat(name, characters[i]);
        r = redu_upload(f, TUTOR, f->s->root, name, S("x"));
        EXPECT_EQ(r->status, 422);
        EXPECT_SLICE(r->body, S("{\"attachment_file_name\":[\"Texto muito longo\"]}"));
    }
}

TEST(an_upload_without_a_file_is_refused)
{
    REDU_FIXTURE(f);
    static const char *const bodies[] = { PART("file[content]", "") "x\r\n--b1--\r\n",
                                          PART("file[content]", "; filename=\"\"") "x\r\n--b1--\r\n",
                                          PART("content", "; filename=\"a\"") "x\r\n--b1--\r\n", "--b1--\r\n" };
    for (size_t i = 0; i < LENGTH_OF(bodies); i++) {
        struct fake_reply *r = send_form(f, slice_of(bodies[i]), FORM_TYPE);
        EXPECT_SLICE(r->body, S("{\"attachment\":[\"não pode ficar vazio\"],\"attachment_file_name\":[\"não pode ficar "
                                "vazio\"]}"));
        EXPECT_EQ(r->status, 422);
    }
    EXPECT_EQ(send_form(f, S("x"), "text/plain")->status, 400);
    EXPECT_EQ(send_form(f, S(PART("file[content]", "; filename=\"a\"") "x"), FORM_TYPE)->status, 400);
    EXPECT_EQ(world_file_count(f->s->w), 0);
}

TEST(all_that_is_wrong_with_a_file_is_told_at_once)
{
    struct redu_options options = redu_fixture_options();
    options.mime_types = S("image/png image/gif");
    SCOPED(redu_fixture_freep) struct redu_fixture *f = redu_fixture_new(&options);
    school_file(f->s, f->s->root, "a.txt", S("x"));
    struct fake_reply *r = redu_upload(f, TUTOR, f->s->root, "A.TXT", S("hello"));
    EXPECT_EQ(r->status, 422);
    EXPECT_SLICE(r->body,
                 S("{\"attachment_file_name\":[\"já existente.\"],\"attachment_content_type\":[\"is not one of "
                   "image/png, image/gif\"]}"));
    EXPECT_EQ(world_file_count(f->s->w), 1);
}

TEST(a_file_may_have_exactly_100_mebibytes)
{
    REDU_FIXTURE(f);
    size_t head = sizeof(PART("file[content]", "; filename=\"a\"")) - 1;
    SCOPED(buf_releasep) struct buf body;
    buf_init(&body, 0);
    char *file = must_malloc(REDU_FILE_MAX + 1);
    memset(file, 'x', REDU_FILE_MAX + 1);
    for (int more = 1; more >= 0; more--) {
        body.n = 0;
        buf_add(&body, S(PART("file[content]", "; filename=\"a\"")));
        buf_add(&body, (slice){ file, (size_t)REDU_FILE_MAX + (size_t)more });
        buf_add(&body, S("\r\n--b1--\r\n"));
        EXPECT(body.n > head);
        struct fake_reply *r = send_form(f, buf_slice(&body), FORM_TYPE);
        EXPECT_EQ(r->status, more ? 422 : 201);
        if (more)
            EXPECT_SLICE(r->body, S("{\"attachment_file_size\":[\"must be between 0 and 104857600 bytes\"]}"));
        EXPECT_EQ(world_blob_count(f->s->w), more ? 0 : 1);
    }
    free(file);
    struct fake_request large = { .method = "POST",
                                  .target = arena_printf(f->a, "/api/folders/%lld/files", (long long)f->s->root),
                                  .headers = { { S("Content-Type"), S(FORM_TYPE) } },
                                  .declared = (size_t)REDU_FILE_MAX + (1 << 20) + 1,
                                  .token = f->tokens[TUTOR] };
    struct fake_reply *r = fake_http_send(&f->http, &large);
    EXPECT_EQ(r->status, 413);
    EXPECT(!r->received);
    EXPECT_SLICE(r->body, S("{\"attachment_file_size\":[\"must be between 0 and 104857600 bytes\"]}"));
}

TEST(an_upload_for_every_role_has_its_status)
{
    for (int who = NOBODY; who < PERSONS; who++) {
        REDU_FIXTURE(f);
        struct fake_reply *r = redu_upload(f, who, f->s->root, "a.txt", S("hello"));
        EXPECT_EQ(r->status, who >= TUTOR ? 201 : 401);
        EXPECT_EQ(world_file_count(f->s->w), who >= TUTOR);
        EXPECT(r->received == (who >= TUTOR));
        if (who >= TUTOR)
            EXPECT_SLICE(fake_reply_header(r, "Location"), redu_str(f, r, "links.0.href"));
    }
}

TEST(an_upload_is_refused_before_its_body_by_the_role)
{
    REDU_FIXTURE(f);
    struct fake_reply *r = redu_upload(f, MEMBER, f->s->root, "a", S("hello"));
    EXPECT_SLICE(r->body, S("{\"message\":\"not authorized\",\"action\":\"create\"}"));
    EXPECT(!r->received);
    EXPECT_EQ(redu_upload(f, NOBODY, f->s->root, "a", S("hello"))->status, 401);
    EXPECT_EQ(redu_upload(f, NOBODY, 99, "a", S("hello"))->status, 404);
    EXPECT_OK(course_set_limit(&f->s->w->core, &f->s->w->operator_, f->s->course, 4, f->a));
    EXPECT_SLICE(redu_upload(f, TUTOR, f->s->root, "a", S("hello"))->body,
                 S("{\"base\":[\"cota de arquivos do curso excedida\"]}"));
}

TEST(a_type_that_would_make_the_link_too_long_is_refused)
{
    REDU_FIXTURE(f);
    char type[258] = "a/";
    memset(type + 2, 'b', 253);
    for (int more = 0; more <= 1; more++) {
        type[255] = more ? 'b' : 0;
        slice body =
            arena_printf(f->a, PART("file[content]", "; filename=\"a\"\r\nContent-Type: %s") "x\r\n--b1--\r\n", type);
        struct fake_reply *r = send_form(f, body, FORM_TYPE);
        EXPECT_EQ(r->status, more ? 422 : 201);
        if (more)
            EXPECT_SLICE(r->body, S("{\"attachment_file_name\":[\"já existente.\"],"
                                    "\"attachment_content_type\":[\"Texto muito longo\"]}"));
        else
            EXPECT_SLICE(redu_str(f, r, "mimetype"), slice_of(type));
    }
}

TEST(the_types_of_the_vendor)
{
    static const char *const good[] = { "",
                                        "application/pdf",
                                        "IMAGE/PNG",
                                        "text/plain; charset=utf-8",
                                        "audio/l24",
                                        "video/rtx",
                                        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" };
    static const char *const bad[] = { "application/octet-stream", "application/zip", "image/pngx", "png" };
    for (size_t i = 0; i < LENGTH_OF(good); i++)
        EXPECT(redu_may_upload_type(S("vendor"), slice_of(good[i])));
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT(!redu_may_upload_type(S("vendor"), slice_of(bad[i])) &&
               redu_may_upload_type(S("any"), slice_of(bad[i])));
}

/* ---- lists ---- */

TEST(a_long_list_of_files_is_sent_in_pieces)
{
    REDU_FIXTURE(f);
    enum { FILES = 300 };
    for (int i = 0; i < FILES; i++) {
        SCRATCH(a);
        school_file(f->s, f->s->root, arena_printf(&a, "file %d", i).p, S("x"));
    }
    struct fake_reply *r = redu_sendf(f, MEMBER, NULL, "GET /api/folders/%lld/files", (long long)f->s->root);
    EXPECT_EQ(reply_count(f->a, r, ""), FILES);
    EXPECT(r->pieces > 3);
    for (int i = 0; i < FILES; i++)
        EXPECT_SLICE(redu_str(f, r, arena_printf(f->a, "%d.name", i).p), arena_printf(f->a, "file %d", i));
}

TEST(preflight_requests_are_answered_on_every_path)
{
    REDU_FIXTURE(f);
    struct fake_reply *r = redu_send(f, NOBODY, "OPTIONS /api/folders/99/files", NULL);
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(fake_reply_header(r, "Access-Control-Allow-Methods"), S("GET, POST, PUT, DELETE"));
    EXPECT_EQ(redu_send(f, NOBODY, "OPTIONS /api/nothing", NULL)->status, 404);
    for (size_t i = 0; i < f->http_api.route_count; i++) {
        slice path = slice_of(f->http_api.routes[i].pattern);
        size_t at = slice_find(path, S("{id}"));
        if (!slice_starts(path, S("/api")))
            continue;
        if (at != SLICE_NONE)
            path = arena_printf(f->a, SLICE_FMT "1" SLICE_FMT, SLICE_ARG(slice_part(path, 0, at)),
                                SLICE_ARG(slice_from(path, at + 4)));
        EXPECT_EQ(redu_sendf(f, NOBODY, NULL, "OPTIONS " SLICE_FMT, SLICE_ARG(path))->status, 200);
    }
}

TEST(options_of_oauth_allow_no_page_of_another_site)
{
    REDU_FIXTURE(f);
    static const char *const requests[] = { "OPTIONS /oauth/authorize", "OPTIONS /oauth/token" };
    for (size_t i = 0; i < LENGTH_OF(requests); i++) {
        struct fake_reply *r = redu_send(f, NOBODY, requests[i], NULL);
        EXPECT_EQ(r->status, 200);
        EXPECT(!fake_reply_header(r, "Access-Control-Allow-Origin").p);
        EXPECT(!fake_reply_header(r, "Access-Control-Allow-Methods").p);
    }
}

RUN_TESTS(cmocka_unit_test(every_error_has_a_row), cmocka_unit_test(every_request_for_every_role_has_its_status),
          cmocka_unit_test(every_route_has_a_row_for_the_roles),
          cmocka_unit_test(an_enrolment_is_removed_by_its_person_or_an_administrator),
          cmocka_unit_test(own_lists_are_for_oneself),
          cmocka_unit_test(what_does_not_exist_is_404_without_a_body_for_everybody),
          cmocka_unit_test(nobody_learns_which_users_there_are), cmocka_unit_test(a_token_comes_by_header_or_parameter),
          cmocka_unit_test(a_token_in_a_form_counts), cmocka_unit_test(a_revoked_token_is_nobodys),
          cmocka_unit_test(a_fault_of_the_server_is_500_with_its_message),
          cmocka_unit_test(a_failing_store_is_503_and_changes_nothing), cmocka_unit_test(sizes_are_written_for_people),
          cmocka_unit_test(a_folder_and_a_file_are_written_as_documented),
          cmocka_unit_test(links_to_paths_that_look_like_ids_lead_to_what_they_name),
          cmocka_unit_test(the_size_of_a_file_may_be_a_number),
          cmocka_unit_test(an_enrolment_shows_what_is_known_of_the_person),
          cmocka_unit_test(names_of_folders_are_refused_with_their_texts),
          cmocka_unit_test(a_folder_is_renamed_and_moved), cmocka_unit_test(texts_of_the_structure_are_validated),
          cmocka_unit_test(texts_of_the_structure_have_the_documented_lengths),
          cmocka_unit_test(a_form_has_one_file_and_the_last_one_counts),
          cmocka_unit_test(a_file_name_has_at_most_255_characters_of_any_script),
          cmocka_unit_test(an_upload_without_a_file_is_refused),
          cmocka_unit_test(all_that_is_wrong_with_a_file_is_told_at_once),
          cmocka_unit_test(a_file_may_have_exactly_100_mebibytes),
          cmocka_unit_test(an_upload_for_every_role_has_its_status),
          cmocka_unit_test(an_upload_is_refused_before_its_body_by_the_role),
          cmocka_unit_test(a_type_that_would_make_the_link_too_long_is_refused),
          cmocka_unit_test(the_types_of_the_vendor), cmocka_unit_test(a_long_list_of_files_is_sent_in_pieces),
          cmocka_unit_test(nothing_leads_to_a_person_who_was_deleted),
          cmocka_unit_test(who_is_approved_without_a_role_is_a_member),
          cmocka_unit_test(preflight_requests_are_answered_on_every_path),
          cmocka_unit_test(options_of_oauth_allow_no_page_of_another_site))
