/* SPDX-License-Identifier: Apache-2.0 */
/* Spaces, folders and the files in them, in the native API: who sees what, who may what, and what is left when a store fails. */
#include "fake_http.h"
#include "reply_json.h"
#include "rounds.h"
#include "school.h"
#include "test.h"

#include "api/native/native.h"
#include "base/text.h"
#include "core/quota.h"
#include "core/space/standalone.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum person {
    MEMBER,
    TUTOR,
    TEACHER,
    ADMIN,
    STRANGER,
    BOSS,
    OTHER,
    PERSONS
}; /* OTHER: the administrator of another account */
static const char *const logins[PERSONS] = { "member", "tutor", "teacher", "admin", "stranger", "boss", "other-boss" };

struct fixture {
    struct school *s;
    struct arena *a;
    struct native_api api;
    struct fake_http http;
    slice tokens[PERSONS];
};

static struct fixture *fixture_new(void)
{
    struct fixture *f = must_malloc(sizeof *f);
    struct account account;
    struct user user;
    f->s = school_new();
    f->a = f->s->a;
    struct core *core = &f->s->w->core;
    const struct user_request other = { .account = S("other"), .login = S("other-boss"), .is_admin = true };
    world_admin(f->s->w, S("boss"));
    EXPECT_OK(account_create(core, &f->s->w->operator_, S("other"), f->a, &account));
    EXPECT_OK(user_create(core, &f->s->w->operator_, &other, f->a, &user));
    for (int i = 0; i < PERSONS; i++)
        f->tokens[i] = world_key(f->s->w, slice_of(logins[i]), S("native"));
    native_init(&f->api, core, &(struct native_options){ .max_file_bytes = 100000 });
    f->http = fake_http_new(&f->api.http_api);
    return f;
}

static void fixture_freep(struct fixture **f)
{
    fake_http_release(&(*f)->http);
    native_release(&(*f)->api);
    school_free((*f)->s);
    free(*f);
}
#define FIXTURE(name) SCOPED(fixture_freep) struct fixture *name = fixture_new()

/* "GET /spaces": the rest of the path below /v1/native. body: NULL is none. */
PRINTF_LIKE(4, 5)
static struct fake_reply *ask(struct fixture *f, enum person who, const char *body, const char *format, ...)
{
    char request[600];
    va_list args;
    va_start(args, format);
    vsnprintf(request, sizeof request, format, args);
    va_end(args);
    char *path = strchr(request, ' ');
    *path++ = '\0';
    return fake_http_send(&f->http, &(struct fake_request){ .method = arena_printf(f->a, "%s", request).p,
                                                            .target = arena_printf(f->a, "/v1/native%s", path),
                                                            .token = f->tokens[who],
                                                            .body = body ? slice_of(body) : S("") });
}

static void expect_error(struct fixture *f, const struct fake_reply *r, int status, const char *code)
{
    EXPECT_EQ(r->status, status);
    EXPECT_SLICE(reply_text(f->a, r, "error.code"), slice_of(code));
}

static int64_t id_of(struct fixture *f, const struct fake_reply *r, int status)
{
    EXPECT_EQ(r->status, status);
    return reply_int(f->a, r, "id");
}

static const char *text_of(struct fixture *f, const struct fake_reply *r, const char *path)
{
    return arena_printf(f->a, SLICE_FMT, SLICE_ARG(reply_text(f->a, r, path))).p;
}

#define ROOT ((long long)f->s->root)
#define SPACE ((long long)f->s->space)

static int64_t make_folder(struct fixture *f, long long parent, const char *name)
{
    return id_of(
        f, ask(f, TUTOR, arena_printf(f->a, "{\"name\":\"%s\"}", name).p, "POST /folders/%lld/folders", parent), 201);
}

/* The id of a new file. */
static const char *put_file(struct fixture *f, long long folder, const char *name, const char *bytes)
{
    struct fake_reply *r = ask(f, TUTOR, bytes, "PUT /folders/%lld/files/%s", folder, name);
    EXPECT_EQ(r->status, 201);
    EXPECT_EQ(reply_int(f->a, r, "folder"), folder);
    return text_of(f, r, "id");
}

/* ---- who sees what ---- */

TEST(each_person_lists_the_spaces_it_is_in_and_administrators_all_of_the_account)
{
    FIXTURE(f);
    static const char *const roles[PERSONS] = { "viewer", "editor",        "manager", "administrator",
                                                NULL,     "administrator", NULL };
    for (int i = 0; i < PERSONS; i++) {
        struct fake_reply *r = ask(f, i, NULL, "GET /spaces"), *one = ask(f, i, NULL, "GET /spaces/%lld", SPACE);
        EXPECT_EQ(reply_count(f->a, r, "spaces"), roles[i] != NULL);
        if (!roles[i]) {
            expect_error(f, one, 404, "not_found");
            continue;
        }
        EXPECT_SLICE(reply_text(f->a, r, "spaces.0.role"), slice_of(roles[i]));
        EXPECT_SLICE(reply_text(f->a, one, "role"), slice_of(roles[i]));
        EXPECT_EQ(reply_int(f->a, one, "root"), ROOT);
    }
}

TEST(pages_of_spaces_have_each_space_once)
{
    FIXTURE(f);
    int64_t course = school_course(f->s, "segundo"), id;
    for (int i = 0; i < 7; i++)
        school_space(f->s, i % 2 ? course : f->s->course, arena_printf(f->a, "E%d", i).p);
    EXPECT_EQ(ask(f, BOSS, "{\"name\":\"Arquivos\"}", "POST /spaces")->status, 201);
    EXPECT_OK(enrolment_grant(&f->s->w->core, &f->s->w->operator_,
                              &(struct enrolment_request){ course, S("member"), ROLE_MEMBER }, f->a, &id));
    static const struct {
        enum person who;
        size_t count;
    } rows[] = { { BOSS, 9 }, { MEMBER, 8 }, { TUTOR, 5 } };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        const char *after = "";
        int64_t seen[10];
        size_t count = 0;
        for (int pages = 0; pages < 10; pages++) {
            struct fake_reply *r = ask(f, rows[i].who, NULL, "GET /spaces?limit=2&after=%s", after);
            for (size_t k = 0; k < reply_count(f->a, r, "spaces"); k++) {
                seen[count] = reply_int(f->a, r, arena_printf(f->a, "spaces.%zu.id", k).p);
                for (size_t j = 0; j < count; j++)
                    EXPECT(seen[j] != seen[count]);
                EXPECT(++count <= rows[i].count);
            }
            if (!reply_at(f->a, r, "next"))
                break;
            after = text_of(f, r, "next");
        }
        EXPECT_EQ(count, rows[i].count);
    }
    static const char *const bad[] = { "1", "1.2.3", "1.2.3.4.5", "-1.0.0.1", "x.0.0.0", "0.0.0." };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        expect_error(f, ask(f, BOSS, NULL, "GET /spaces?after=%s", bad[i]), 400, "invalid");
}

/* A cursor is made of ids, which anybody can guess. */
TEST(a_cursor_of_somebody_else_leads_to_no_space_that_one_may_not_see)
{
    FIXTURE(f);
    EXPECT_EQ(ask(f, BOSS, "{\"name\":\"Arquivos\"}", "POST /spaces")->status, 201);
    for (int enrolment = 0; enrolment < 10; enrolment++)
        for (int environment = 0; environment < 5; environment++) {
            EXPECT_EQ(reply_count(f->a, ask(f, STRANGER, NULL, "GET /spaces?after=%d.%d.0.0", enrolment, environment),
                                  "spaces"),
                      0);
            EXPECT_EQ(
                reply_count(f->a, ask(f, OTHER, NULL, "GET /spaces?after=%d.%d.0.0", enrolment, environment), "spaces"),
                0);
        }
}

/* Every route of a folder, for those who may not know that it exists. */
TEST(what_one_may_not_see_is_not_there)
{
    FIXTURE(f);
    long long folder = make_folder(f, ROOT, "a");
    const char *file = put_file(f, folder, "x", "hello");
    static const enum person outside[] = { STRANGER, OTHER };
    for (size_t i = 0; i < LENGTH_OF(outside); i++) {
        enum person who = outside[i];
        struct fake_reply *replies[] = {
            ask(f, who, NULL, "GET /folders/%lld", folder),
            ask(f, who, "{\"name\":\"b\"}", "PATCH /folders/%lld", folder),
            ask(f, who, NULL, "DELETE /folders/%lld", folder),
            ask(f, who, NULL, "GET /folders/%lld/folders", folder),
            ask(f, who, "{\"name\":\"b\"}", "POST /folders/%lld/folders", folder),
            ask(f, who, NULL, "GET /folders/%lld/files", folder),
            ask(f, who, NULL, "GET /folders/%lld/files?name=x", folder),
            ask(f, who, "x", "PUT /folders/%lld/files/y", folder),
            ask(f, who, arena_printf(f->a, "{\"file\":\"%s\"}", file).p, "POST /folders/%lld/files", folder),
            ask(f, who, NULL, "GET /folders/%lld/files/%s", folder, file),
            ask(f, who, NULL, "GET /folders/%lld/files/%s/info", folder, file),
            ask(f, who, "{\"name\":\"b\"}", "PATCH /folders/%lld/files/%s", folder, file),
            ask(f, who, NULL, "DELETE /folders/%lld/files/%s", folder, file),
            ask(f, who, "{\"name\":\"b\"}", "PATCH /spaces/%lld", SPACE),
            ask(f, who, NULL, "DELETE /spaces/%lld", SPACE),
            ask(f, who, NULL, "GET /spaces/%lld/members", SPACE),
            ask(f, who, "{\"role\":\"viewer\"}", "PUT /spaces/%lld/members/stranger", SPACE),
            ask(f, who, NULL, "DELETE /spaces/%lld/members/tutor", SPACE),
            ask(f, who, NULL, "GET /spaces/%lld/search?name=x", SPACE),
        };
        for (size_t k = 0; k < LENGTH_OF(replies); k++)
            expect_error(f, replies[k], 404, "not_found");
    }
    EXPECT_EQ(ask(f, MEMBER, NULL, "GET /folders/%lld/files/%s", folder, file)->status, 200);
}

TEST(a_viewer_reads_and_changes_nothing)
{
    FIXTURE(f);
    long long folder = make_folder(f, ROOT, "a");
    const char *file = put_file(f, folder, "x", "hello");
    struct fake_reply *refused[] = {
        ask(f, MEMBER, "{\"name\":\"b\"}", "PATCH /folders/%lld", folder),
        ask(f, MEMBER, NULL, "DELETE /folders/%lld", folder),
        ask(f, MEMBER, "{\"name\":\"b\"}", "POST /folders/%lld/folders", folder),
        ask(f, MEMBER, "{\"name\":\"a\"}", "POST /folders/%lld/folders", ROOT),
        ask(f, MEMBER, "x", "PUT /folders/%lld/files/y", folder),
        ask(f, MEMBER, "{\"name\":\"b\"}", "PATCH /folders/%lld/files/%s", folder, file),
        ask(f, MEMBER, NULL, "DELETE /folders/%lld/files/%s", folder, file),
        ask(f, MEMBER, "{\"name\":\"b\"}", "PATCH /spaces/%lld", SPACE),
        ask(f, TUTOR, NULL, "DELETE /spaces/%lld", SPACE),
        ask(f, TEACHER, "{\"role\":\"viewer\"}", "PUT /spaces/%lld/members/stranger", SPACE),
        ask(f, TEACHER, NULL, "DELETE /spaces/%lld/members/tutor", SPACE),
        ask(f, ADMIN, "{\"name\":\"b\"}", "POST /spaces"), /* of an environment, not of the account */
    };
    for (size_t k = 0; k < LENGTH_OF(refused); k++)
        expect_error(f, refused[k], 403, "forbidden");
    struct fake_reply *r = ask(f, MEMBER, NULL, "GET /folders/%lld", folder);
    EXPECT_SLICE(reply_text(f->a, r, "role"), S("viewer"));
    EXPECT_EQ(reply_count(f->a, r, "path"), 2);
    EXPECT_SLICE(reply_text(f->a, r, "path.1.name"), S("a"));
    r = ask(f, MEMBER, NULL, "GET /folders/%lld/files/%s", folder, file);
    EXPECT_SLICE(r->body, S("hello"));
    EXPECT_SLICE(fake_reply_header(r, "Content-Security-Policy"), S("sandbox"));
    EXPECT_SLICE(reply_text(f->a, ask(f, MEMBER, NULL, "GET /folders/%lld/files/%s/info", folder, file), "owner"),
                 S("tutor"));
}

/* ---- folders ---- */

TEST(a_folder_that_is_made_twice_is_made_once)
{
    FIXTURE(f);
    int64_t first = make_folder(f, ROOT, "Listas");
    EXPECT_EQ(id_of(f, ask(f, TUTOR, "{\"name\":\"LISTAS\"}", "POST /folders/%lld/folders", ROOT), 200), first);
    EXPECT_EQ(reply_count(f->a, ask(f, TUTOR, NULL, "GET /folders/%lld/folders", ROOT), "folders"), 1);
    expect_error(f, ask(f, TUTOR, "{\"name\":\" \"}", "POST /folders/%lld/folders", ROOT), 400, "invalid");
    expect_error(f, ask(f, TUTOR, "{\"name\":1}", "POST /folders/%lld/folders", ROOT), 400, "invalid");
    expect_error(f, ask(f, TUTOR, "[]", "POST /folders/%lld/folders", ROOT), 400, "invalid");
}

TEST(a_folder_is_not_moved_into_itself_nor_below_nor_to_another_space)
{
    FIXTURE(f);
    long long a = make_folder(f, ROOT, "a"), b = make_folder(f, a, "b"), c = make_folder(f, ROOT, "c");
    long long elsewhere = school_root(f->s, school_space(f->s, f->s->course, "Outro"));
    long long bad[] = { a, b, elsewhere, 99999 };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        expect_error(f, ask(f, TUTOR, arena_printf(f->a, "{\"parent\":%lld}", bad[i]).p, "PATCH /folders/%lld", a), 400,
                     "bad_parent");
    expect_error(f, ask(f, TUTOR, arena_printf(f->a, "{\"parent\":%lld}", c).p, "PATCH /folders/%lld", ROOT), 400,
                 "bad_parent");
    struct fake_reply *r =
        ask(f, TUTOR, arena_printf(f->a, "{\"parent\":%lld,\"name\":\"d\"}", c).p, "PATCH /folders/%lld", a);
    EXPECT_EQ(reply_int(f->a, r, "parent"), c);
    EXPECT_SLICE(reply_text(f->a, r, "name"), S("d"));
    r = ask(f, MEMBER, NULL, "GET /folders/%lld", b);
    EXPECT_EQ(reply_count(f->a, r, "path"), 4);
    EXPECT_EQ(reply_int(f->a, r, "path.1.id"), c);
    make_folder(f, ROOT, "D");
    expect_error(f, ask(f, TUTOR, arena_printf(f->a, "{\"parent\":%lld}", ROOT).p, "PATCH /folders/%lld", a), 409,
                 "name_taken");
    expect_error(f, ask(f, TUTOR, "{}", "PATCH /folders/%lld", a), 400, "invalid");
    expect_error(f, ask(f, TUTOR, "{\"name\":\"\"}", "PATCH /folders/%lld", a), 400, "invalid");
    expect_error(f, ask(f, TUTOR, NULL, "DELETE /folders/%lld", ROOT), 409, "conflict");
    EXPECT_EQ(ask(f, TUTOR, NULL, "DELETE /folders/%lld", c)->status, 204);
    expect_error(f, ask(f, TUTOR, NULL, "GET /folders/%lld", b), 404, "not_found");
    expect_error(f, ask(f, TUTOR, "x", "PUT /folders/%lld/files/x", b), 404, "not_found");
}

TEST(a_path_has_at_most_its_last_hundred_folders)
{
    FIXTURE(f);
    long long folder = ROOT;
    for (int i = 0; i < 120; i++)
        folder = make_folder(f, folder, "x");
    struct fake_reply *r = ask(f, MEMBER, NULL, "GET /folders/%lld", folder);
    EXPECT_EQ(reply_count(f->a, r, "path"), FOLDER_PATH_MAX);
    EXPECT_EQ(reply_int(f->a, r, "path.99.id"), folder);
}

/* ---- lists ---- */

TEST(lists_are_sorted_by_name_and_paged_while_names_come_and_go)
{
    FIXTURE(f);
    static const char *const names[] = { "b", "A", "d", "C", "e" };
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        make_folder(f, ROOT, names[i]);
        put_file(f, ROOT, names[i], "x");
    }
    static const char *const kinds[] = { "folders", "files" };
    for (size_t i = 0; i < LENGTH_OF(kinds); i++) {
        struct fake_reply *r = ask(f, MEMBER, NULL, "GET /folders/%lld/%s?limit=2", ROOT, kinds[i]);
        EXPECT_SLICE(reply_text(f->a, r, arena_printf(f->a, "%s.0.name", kinds[i]).p), S("A"));
        EXPECT_SLICE(reply_text(f->a, r, arena_printf(f->a, "%s.1.name", kinds[i]).p), S("b"));
        i ? (void)put_file(f, ROOT, "aa", "x") : (void)make_folder(f, ROOT, "aa"); /* before what comes next */
        r = ask(f, MEMBER, NULL, "GET /folders/%lld/%s?limit=2&after=%s", ROOT, kinds[i], text_of(f, r, "next"));
        EXPECT_SLICE(reply_text(f->a, r, arena_printf(f->a, "%s.0.name", kinds[i]).p), S("C"));
        r = ask(f, MEMBER, NULL, "GET /folders/%lld/%s?limit=2&after=%s", ROOT, kinds[i], text_of(f, r, "next"));
        EXPECT_EQ(reply_count(f->a, r, kinds[i]), 1);
        EXPECT(!reply_at(f->a, r, "next"));
        expect_error(f, ask(f, MEMBER, NULL, "GET /folders/%lld/%s?after=zz", ROOT, kinds[i]), 400, "invalid");
        expect_error(f, ask(f, MEMBER, NULL, "GET /folders/%lld/%s?after=00", ROOT, kinds[i]), 400, "invalid");
        expect_error(f, ask(f, MEMBER, NULL, "GET /folders/%lld/%s?after=ff", ROOT, kinds[i]), 400, "invalid");
    }
    struct fake_reply *r = ask(f, MEMBER, NULL, "GET /folders/%lld/files?name=D", ROOT);
    EXPECT_EQ(reply_count(f->a, r, "files"), 1);
    EXPECT_SLICE(reply_text(f->a, r, "files.0.name"), S("d"));
    EXPECT_EQ(reply_count(f->a, ask(f, MEMBER, NULL, "GET /folders/%lld/files?name=none", ROOT), "files"), 0);
}

TEST(a_long_list_comes_whole_in_pieces)
{
    FIXTURE(f);
    for (int i = 0; i < 250; i++)
        school_file(f->s, f->s->root, arena_printf(f->a, "%03d", i).p, S("x"));
    struct fake_reply *r = ask(f, MEMBER, NULL, "GET /folders/%lld/files?limit=240", ROOT);
    EXPECT_EQ(reply_count(f->a, r, "files"), 240);
    for (int i = 0; i < 240; i += 17)
        EXPECT_SLICE(reply_text(f->a, r, arena_printf(f->a, "files.%d.name", i).p), arena_printf(f->a, "%03d", i));
    r = ask(f, MEMBER, NULL, "GET /folders/%lld/files?limit=240&after=%s", ROOT, text_of(f, r, "next"));
    EXPECT_EQ(reply_count(f->a, r, "files"), 10);
}

TEST(a_search_finds_files_and_folders_of_its_space_alone)
{
    FIXTURE(f);
    long long folder = make_folder(f, ROOT, "Prova final"), gone = make_folder(f, ROOT, "Velhas");
    put_file(f, folder, "prova.pdf", "x");
    put_file(f, gone, "prova-velha.pdf", "x");
    school_file(f->s, school_root(f->s, school_space(f->s, f->s->course, "Outro")), "prova.txt", S("x"));
    EXPECT_EQ(ask(f, TUTOR, NULL, "DELETE /folders/%lld", gone)->status, 204);
    struct fake_reply *r = ask(f, MEMBER, NULL, "GET /spaces/%lld/search?name=PROVA", SPACE);
    EXPECT_EQ(reply_count(f->a, r, "files"), 1);
    EXPECT_EQ(reply_int(f->a, r, "files.0.folder"), folder);
    r = ask(f, MEMBER, NULL, "GET /spaces/%lld/search?kind=folders&name=prova", SPACE);
    EXPECT_EQ(reply_count(f->a, r, "folders"), 1);
    EXPECT_EQ(reply_int(f->a, r, "folders.0.id"), folder);
    expect_error(f, ask(f, MEMBER, NULL, "GET /spaces/%lld/search", SPACE), 400, "invalid");
    expect_error(f, ask(f, MEMBER, NULL, "GET /spaces/%lld/search?name=x&kind=other", SPACE), 400, "invalid");
    expect_error(f, ask(f, MEMBER, NULL, "GET /spaces/%lld/search?name=%%ff", SPACE), 400, "invalid");
}

/* ---- files ---- */

TEST(a_file_is_in_its_folder_in_one_step_or_not_at_all)
{
    FIXTURE(f);
    long long folder = make_folder(f, ROOT, "a");
    put_file(f, folder, "x.txt", "hello");
    expect_error(f, ask(f, TUTOR, "again", "PUT /folders/%lld/files/X.TXT", folder), 409, "name_taken");
    EXPECT_EQ(world_file_count(f->s->w), 1);
    EXPECT_OK(course_set_limit(&f->s->w->core, &f->s->w->operator_, f->s->course, 8, f->a));
    expect_error(f, ask(f, TUTOR, "1234", "PUT /folders/%lld/files/y", folder), 507, "quota");
    put_file(f, folder, "y", "123");
    EXPECT_OK(course_set_limit(&f->s->w->core, &f->s->w->operator_, f->s->course, 0, f->a));
    world_set_room(f->s->w, 10, 0);
    expect_error(f, ask(f, TUTOR, "12345678901", "PUT /folders/%lld/files/z", folder), 507, "quota");
    world_set_room(f->s->w, 0, 0);
    EXPECT_EQ(school_course_now(f->s).used_bytes, 8);
    EXPECT_EQ(world_file_count(f->s->w), 2);
    EXPECT_EQ(world_fsck(f->s->w, true), 0);
}

TEST(files_are_moved_renamed_and_removed_within_their_space)
{
    FIXTURE(f);
    long long a = make_folder(f, ROOT, "a"), elsewhere = school_root(f->s, school_space(f->s, f->s->course, "Outro"));
    const char *file = put_file(f, ROOT, "x", "hello");
    put_file(f, a, "taken", "x");
    const char *move = arena_printf(f->a, "{\"folder\":%lld,\"name\":\"y\"}", a).p;
    struct fake_reply *r = ask(f, TUTOR, move, "PATCH /folders/%lld/files/%s", ROOT, file);
    EXPECT_EQ(reply_int(f->a, r, "folder"), a);
    EXPECT_SLICE(reply_text(f->a, r, "name"), S("y"));
    expect_error(f, ask(f, TUTOR, NULL, "GET /folders/%lld/files/%s", ROOT, file), 404, "not_found");
    expect_error(f, ask(f, TUTOR, "{\"name\":\"TAKEN\"}", "PATCH /folders/%lld/files/%s", a, file), 409, "name_taken");
    expect_error(
        f, ask(f, TUTOR, arena_printf(f->a, "{\"folder\":%lld}", elsewhere).p, "PATCH /folders/%lld/files/%s", a, file),
        400, "bad_parent");
    expect_error(f, ask(f, TUTOR, "{\"folder\":\"1\"}", "PATCH /folders/%lld/files/%s", a, file), 400, "invalid");
    EXPECT_EQ(ask(f, TUTOR, NULL, "DELETE /folders/%lld/files/%s", a, file)->status, 204);
    expect_error(f, ask(f, TUTOR, NULL, "DELETE /folders/%lld/files/%s", a, file), 404, "not_found");
    school_settle(f->s);
    EXPECT_EQ(world_file_count(f->s->w), 1);
    EXPECT_EQ(world_fsck(f->s->w, true), 0);
}

TEST(a_file_of_ones_own_is_put_into_a_folder_and_stays_when_it_leaves)
{
    FIXTURE(f);
    struct fake_reply *own = ask(f, TUTOR, "hello", "PUT /files/own.txt");
    const char *id = text_of(f, own, "id"), *body = arena_printf(f->a, "{\"file\":\"%s\"}", id).p;
    struct fake_reply *r = ask(f, TUTOR, body, "POST /folders/%lld/files", ROOT);
    EXPECT_EQ(r->status, 201);
    EXPECT_EQ(reply_int(f->a, r, "folder"), ROOT);
    expect_error(f, ask(f, TUTOR, body, "POST /folders/%lld/files", ROOT), 409, "conflict");
    expect_error(f, ask(f, TUTOR, NULL, "DELETE /files/%s", id), 409, "conflict");
    EXPECT_EQ(school_course_now(f->s).used_bytes, 5);
    expect_error(f, ask(f, TEACHER, body, "POST /folders/%lld/files", ROOT), 404, "not_found"); /* not the teacher's */
    EXPECT_EQ(ask(f, TUTOR, NULL, "DELETE /folders/%lld/files/%s", ROOT, id)->status, 204);
    school_settle(f->s);
    EXPECT_EQ(ask(f, TUTOR, NULL, "GET /files/%s", id)->status, 200);
    put_file(f, ROOT, "own.TXT", "x");
    expect_error(f, ask(f, TUTOR, body, "POST /folders/%lld/files", ROOT), 409, "name_taken");
    expect_error(f, ask(f, TUTOR, "{\"file\":\"x\"}", "POST /folders/%lld/files", ROOT), 400, "invalid");
    struct fake_reply *foreign = ask(f, OTHER, "hello", "PUT /files/own2.txt");
    expect_error(f,
                 ask(f, BOSS, arena_printf(f->a, "{\"file\":\"%s\"}", text_of(f, foreign, "id")).p,
                     "POST /folders/%lld/files", ROOT),
                 404, "not_found");
    EXPECT_EQ(world_fsck(f->s->w, true), 0);
}

/* ---- spaces and members ---- */

TEST(an_administrator_makes_a_space_and_decides_who_is_in_it)
{
    FIXTURE(f);
    struct fake_reply *r = ask(f, BOSS, "{\"name\":\"Notas\",\"description\":\"De 2026\"}", "POST /spaces");
    long long id = id_of(f, r, 201), root = reply_int(f->a, r, "root");
    EXPECT_SLICE(reply_text(f->a, r, "role"), S("administrator"));
    EXPECT_SLICE(fake_reply_header(r, "Location"), arena_printf(f->a, "/v1/native/spaces/%lld", id));
    expect_error(f, ask(f, STRANGER, NULL, "GET /spaces/%lld", id), 404, "not_found");
    EXPECT_EQ(ask(f, BOSS, "{\"role\":\"viewer\"}", "PUT /spaces/%lld/members/stranger", id)->status, 200);
    expect_error(f, ask(f, STRANGER, "x", "PUT /folders/%lld/files/a", root), 403, "forbidden");
    r = ask(f, BOSS, "{\"role\":\"editor\"}", "PUT /spaces/%lld/members/stranger", id); /* another role */
    EXPECT_SLICE(reply_text(f->a, r, "role"), S("editor"));
    EXPECT_SLICE(reply_text(f->a, r, "state"), S("approved"));
    EXPECT_EQ(ask(f, STRANGER, "x", "PUT /folders/%lld/files/a", root)->status, 201);
    r = ask(f, STRANGER, NULL, "GET /spaces/%lld/members", id);
    EXPECT_EQ(reply_count(f->a, r, "members"), 2);
    EXPECT_SLICE(reply_text(f->a, r, "members.1.login"), S("stranger"));
    expect_error(f, ask(f, BOSS, "{\"role\":\"owner\"}", "PUT /spaces/%lld/members/tutor", id), 400, "invalid");
    expect_error(f, ask(f, BOSS, "{\"role\":\"viewer\"}", "PUT /spaces/%lld/members/nobody", id), 404, "not_found");
    expect_error(f, ask(f, BOSS, "{\"role\":\"viewer\"}", "PUT /spaces/%lld/members/other-boss", id), 404, "not_found");
    expect_error(f, ask(f, BOSS, NULL, "DELETE /spaces/%lld/members/tutor", id), 404, "not_found");
    EXPECT_EQ(ask(f, BOSS, NULL, "DELETE /spaces/%lld/members/stranger", id)->status, 204);
    expect_error(f, ask(f, STRANGER, NULL, "GET /folders/%lld", root), 404, "not_found");
    r = ask(f, BOSS, "{\"name\":\"Notas fiscais\"}", "PATCH /spaces/%lld", id);
    EXPECT_SLICE(reply_text(f->a, r, "name"), S("Notas fiscais"));
    EXPECT_SLICE(reply_text(f->a, r, "description"), S("De 2026"));
    EXPECT_EQ(world_fsck(f->s->w, true), 0);
}

TEST(names_of_spaces_are_texts_and_need_not_be_unique)
{
    FIXTURE(f);
    int64_t first = id_of(f, ask(f, BOSS, "{\"name\":\"<b>\"}", "POST /spaces"), 201);
    EXPECT(id_of(f, ask(f, BOSS, "{\"name\":\"<b>\"}", "POST /spaces"), 201) != first);
    static const char *const bad[] = { "{}",
                                       "[]",
                                       "{\"name\":\"\"}",
                                       "{\"name\":\" \"}",
                                       "{\"name\":7}",
                                       "{\"name\":\"\\u0001\"}",
                                       "{\"name\":\"a\",\"description\":[]}",
                                       "{" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        expect_error(f, ask(f, BOSS, bad[i], "POST /spaces"), 400, "invalid");
    struct environment_list found;
    EXPECT_OK(environment_list(&f->s->w->core, &f->s->w->operator_, &(struct id_page){ 0, 10 }, f->a, &found));
    EXPECT_EQ(found.count, 2); /* the school, and one for both spaces */
}

TEST(a_removed_space_leaves_nothing_and_one_of_a_course_leaves_the_course)
{
    FIXTURE(f);
    struct fake_reply *r = ask(f, BOSS, "{\"name\":\"Notas\"}", "POST /spaces");
    long long id = id_of(f, r, 201), root = reply_int(f->a, r, "root");
    EXPECT_EQ(ask(f, BOSS, "hello", "PUT /folders/%lld/files/a", root)->status, 201);
    EXPECT_EQ(ask(f, BOSS, "{\"role\":\"manager\"}", "PUT /spaces/%lld/members/tutor", id)->status, 200);
    expect_error(f, ask(f, TUTOR, NULL, "DELETE /spaces/%lld", id), 403,
                 "forbidden"); /* with the course goes who is in it */
    EXPECT_EQ(ask(f, BOSS, NULL, "DELETE /spaces/%lld", id)->status, 204);
    expect_error(f, ask(f, BOSS, NULL, "GET /spaces/%lld", id), 404, "not_found");
    expect_error(f, ask(f, BOSS, NULL, "GET /folders/%lld", root), 404, "not_found");
    EXPECT_EQ(ask(f, TEACHER, NULL, "DELETE /spaces/%lld", SPACE)->status, 204);
    school_course_now(f->s); /* it stays */
    school_settle(f->s);
    EXPECT_EQ(world_file_count(f->s->w), 0);
    EXPECT_EQ(reply_count(f->a, ask(f, BOSS, NULL, "GET /spaces"), "spaces"), 0);
    EXPECT_EQ(world_fsck(f->s->w, true), 0);
}

TEST(another_environment_may_have_the_name_of_that_of_the_spaces)
{
    FIXTURE(f);
    struct names_taken taken;
    int64_t id;
    const struct environment_request request = { S("SPACES"), S("outro"), S(""), S("") };
    EXPECT_OK(environment_create(&f->s->w->core, &f->s->admin, &request, f->a, &id, &taken));
    EXPECT_EQ(ask(f, BOSS, "{\"name\":\"Notas\"}", "POST /spaces")->status, 201);
}

/* ---- failing stores ---- */

TEST(a_space_that_fails_at_any_call_is_made_whole_or_not_at_all)
{
    for (int64_t nth = fault_first();; nth += fault_step()) {
        FIXTURE(f);
        struct principal boss = world_principal(f->s->w, S("boss"));
        struct environment_list found;
        int64_t id;
        f->s->w->faults.fail_at = f->s->w->faults.calls + nth;
        err_t e = standalone_create(&f->s->w->core, &boss, &(struct space_request){ S("x"), S("") }, f->a, &id);
        f->s->w->faults.fail_at = 0;
        EXPECT_OK(environment_list(&f->s->w->core, &f->s->w->operator_, &(struct id_page){ 0, 10 }, f->a, &found));
        size_t spaces = reply_count(f->a, ask(f, BOSS, NULL, "GET /spaces"), "spaces");
        EXPECT_EQ(found.count, spaces); /* the school's, and with the space its own */
        EXPECT(e || spaces == 2);
        EXPECT_EQ(world_fsck(f->s->w, true), 0);
        if (!e) {
            EXPECT(nth > 10);
            break;
        }
    }
}

/* Whatever fails, the reply is an error of the API and the file is in its folder as before or after. */
TEST(a_move_that_fails_at_any_call_is_whole_or_not_at_all)
{
    for (int64_t nth = fault_first();; nth += fault_step()) {
        FIXTURE(f);
        long long to = make_folder(f, ROOT, "a");
        const char *file = put_file(f, ROOT, "x", "hello");
        const char *move = arena_printf(f->a, "{\"folder\":%lld}", to).p;
        f->s->w->faults.fail_at = f->s->w->faults.calls + nth;
        struct fake_reply *r = ask(f, TUTOR, move, "PATCH /folders/%lld/files/%s", ROOT, file);
        f->s->w->faults.fail_at = 0;
        bool moved = ask(f, MEMBER, NULL, "GET /folders/%lld/files/%s", to, file)->status == 200;
        EXPECT_EQ(ask(f, MEMBER, NULL, "GET /folders/%lld/files/%s", ROOT, file)->status, moved ? 404 : 200);
        EXPECT(moved || r->status != 200);
        EXPECT_EQ(world_fsck(f->s->w, true), 0);
        if (r->status == 200)
            break;
        EXPECT_EQ(r->status / 100, 5);
    }
}

TEST(a_file_that_is_put_into_a_folder_is_there_whole_or_not_at_all)
{
    for (int64_t nth = fault_first();; nth += fault_step()) {
        FIXTURE(f);
        const char *id = text_of(f, ask(f, TUTOR, "hello", "PUT /files/own.txt"), "id");
        f->s->w->faults.fail_at = f->s->w->faults.calls + nth;
        struct fake_reply *r =
            ask(f, TUTOR, arena_printf(f->a, "{\"file\":\"%s\"}", id).p, "POST /folders/%lld/files", ROOT);
        f->s->w->faults.fail_at = 0;
        bool there = ask(f, MEMBER, NULL, "GET /folders/%lld/files/%s", ROOT, id)->status == 200;
        EXPECT_EQ(school_course_now(f->s).used_bytes, there ? 5 : 0);
        EXPECT_EQ(world_fsck(f->s->w, true), 0);
        if (r->status == 201)
            break;
        EXPECT_EQ(r->status / 100, 5);
    }
}

RUN_TESTS(cmocka_unit_test(each_person_lists_the_spaces_it_is_in_and_administrators_all_of_the_account),
          cmocka_unit_test(pages_of_spaces_have_each_space_once),
          cmocka_unit_test(a_cursor_of_somebody_else_leads_to_no_space_that_one_may_not_see),
          cmocka_unit_test(what_one_may_not_see_is_not_there), cmocka_unit_test(a_viewer_reads_and_changes_nothing),
          cmocka_unit_test(a_folder_that_is_made_twice_is_made_once),
          cmocka_unit_test(a_folder_is_not_moved_into_itself_nor_below_nor_to_another_space),
          cmocka_unit_test(a_path_has_at_most_its_last_hundred_folders),
          cmocka_unit_test(lists_are_sorted_by_name_and_paged_while_names_come_and_go),
          cmocka_unit_test(a_long_list_comes_whole_in_pieces),
          cmocka_unit_test(a_search_finds_files_and_folders_of_its_space_alone),
          cmocka_unit_test(a_file_is_in_its_folder_in_one_step_or_not_at_all),
          cmocka_unit_test(files_are_moved_renamed_and_removed_within_their_space),
          cmocka_unit_test(a_file_of_ones_own_is_put_into_a_folder_and_stays_when_it_leaves),
          cmocka_unit_test(an_administrator_makes_a_space_and_decides_who_is_in_it),
          cmocka_unit_test(names_of_spaces_are_texts_and_need_not_be_unique),
          cmocka_unit_test(a_removed_space_leaves_nothing_and_one_of_a_course_leaves_the_course),
          cmocka_unit_test(another_environment_may_have_the_name_of_that_of_the_spaces),
          cmocka_unit_test(a_space_that_fails_at_any_call_is_made_whole_or_not_at_all),
          cmocka_unit_test(a_move_that_fails_at_any_call_is_whole_or_not_at_all),
          cmocka_unit_test(a_file_that_is_put_into_a_folder_is_there_whole_or_not_at_all))
