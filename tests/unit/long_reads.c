/* SPDX-License-Identifier: Apache-2.0 */
/* The longest requests of the Redu API, over records of which people may make very many. A handler on a loop has 1 ms of
 * processor time, everything else 50 ms, and a list that much for each of its pieces (ARCHITECTURE.md, "Threads"). */
#include "redu_fixture.h"
#include "test.h"

#include "base/clock.h"
#include "core/store/course_store.h"
#include "core/store/enrolment_store.h"
#include "core/store/space_store.h"

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define IS_PLAIN_BUILD false
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_PLAIN_BUILD false
#endif
#endif
#ifndef IS_PLAIN_BUILD
#define IS_PLAIN_BUILD true /* sanitizers make everything many times slower */
#endif

enum { COURSES = IS_PLAIN_BUILD ? 20000 : 1000, BATCH = 500, TRIES = IS_PLAIN_BUILD ? 25 : 5 };
enum { ADD_MAX_US = 400, LOOP_MAX_US = 1000, PIECE_MAX_US = 50000 };

/* Other programs on the machine can make a run longer, but never shorter: the shortest of some counts. */
struct stopwatch {
    int64_t begun_at_us, least_us;
};

static void stopwatch_begin(struct stopwatch *s)
{
    s->begun_at_us = clock_thread_cpu_us();
}

static void stopwatch_end(struct stopwatch *s)
{
    int64_t took_us = clock_thread_cpu_us() - s->begun_at_us;
    s->least_us = !s->least_us || took_us < s->least_us ? took_us : s->least_us;
}

static void expect_short(const struct stopwatch *s, int64_t max_us, const char *what)
{
    if (IS_PLAIN_BUILD && s->least_us > max_us)
        fail_msg("%s took %lld us of processor time", what, (long long)s->least_us);
}

/* ---- an environment of very many courses, in each of which the member is enrolled ---- */

struct new_courses {
    struct school *s;
    int first;
};

static err_t add_courses(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct new_courses *m = arg;
    for (int i = m->first; i < m->first + BATCH; i++) {
        SCRATCH(own);
        slice name = arena_printf(&own, "course-%d", i);
        struct course c = {
            .environment_id = m->s->environment, .creator_id = m->s->admin.user_id, .name = name, .path = name
        };
        struct enrolment n = { .user_id = m->s->member.user_id,
                               .email = m->s->member.login,
                               .state = ENROLMENT_APPROVED,
                               .role = ROLE_MEMBER };
        struct space space = { .creator_id = m->s->admin.user_id, .name = name };
        int64_t id;
        TRY(meta_course_add(tx, &c, &(struct name_keys){ name, name }, a, &id));
        n.course_id = space.course_id = id;
        TRY(meta_enrolment_add(tx, &n, n.email, a, &id));
        TRY(meta_space_add(tx, &space, a, &id));
    }
    return NULL;
}

static void add_very_many_courses(struct school *s)
{
    for (int i = 0; i < COURSES; i += BATCH)
        world_write(s->w, add_courses, &(struct new_courses){ s, i });
}

TEST(adding_a_course_read_all_courses_of_its_environment)
{
    SCHOOL(s);
    struct stopwatch watch = { 0 };
    add_very_many_courses(s);
    for (int i = 0; i < TRIES; i++) {
        const char *name = arena_cstr(s->a, arena_printf(s->a, "one-more-%d", i));
        stopwatch_begin(&watch);
        school_course(s, name);
        stopwatch_end(&watch);
    }
    expect_short(&watch, ADD_MAX_US, "adding a course");
}

/* The whole handler, with its guard. */
static void expect_short_request(struct redu_fixture *f, enum redu_person who, const char *request, int status)
{
    struct stopwatch s = { 0 };
    unsigned flags = 0;
    for (int i = 0; i < TRIES; i++) {
        stopwatch_begin(&s);
        struct fake_reply *r = redu_send(f, who, request, NULL);
        stopwatch_end(&s);
        EXPECT_EQ(r->status, status);
        flags = r->route->flags;
        fake_http_forget_replies(&f->http);
    }
    expect_short(&s, flags & HTTP_ON_LOOP ? LOOP_MAX_US : PIECE_MAX_US, request);
}

TEST(a_loop_counted_the_courses_of_an_environment_and_of_a_person)
{
    REDU_FIXTURE(f);
    add_very_many_courses(f->s);
    expect_short_request(f, ADMIN, "GET /api/environments/ufxx", 200);
    expect_short_request(f, MEMBER, "GET /api/environments/ufxx", 200);
    expect_short_request(f, STRANGER, "GET /api/environments/ufxx", 401);
    expect_short_request(f, MEMBER, "GET /api/users/stranger", 401);
    expect_short_request(f, TEACHER, "GET /api/users/member", 200);
    expect_short_request(f, MEMBER, "GET /api/users/stranger/statuses/timeline", 401);
    expect_short_request(f, MEMBER, "GET /api/courses/course-1", 200);
    expect_short_request(f, STRANGER, "GET /api/courses/course-1", 401);
    expect_short_request(f, MEMBER, "GET /api/me", 200);
}

#define EXPECT_SHORT_PIECE(call)                                                                                       \
    do {                                                                                                               \
        struct stopwatch watch = { 0 };                                                                                \
        for (int i_ = 0; i_ < TRIES; i_++) {                                                                           \
            SCRATCH(own);                                                                                              \
            stopwatch_begin(&watch);                                                                                   \
            EXPECT_OK(call);                                                                                           \
            stopwatch_end(&watch);                                                                                     \
        }                                                                                                              \
        expect_short(&watch, PIECE_MAX_US, #call);                                                                     \
    } while (0)

TEST(pieces_of_lists_over_very_many_courses_are_short)
{
    SCHOOL(s);
    struct core *core = &s->w->core;
    struct environment_list environments;
    struct space_list spaces;
    struct enrolment_list enrolments;
    struct course_list courses;
    const struct id_page page = { 0, 50 };
    const struct own_spaces all = { .page = page }, none = { .role = ROLE_TUTOR, .page = page };
    add_very_many_courses(s);
    EXPECT_SHORT_PIECE(environment_list(core, &s->admin, &page, &own, &environments));
    EXPECT_SHORT_PIECE(environment_list(core, &s->member, &page, &own, &environments));
    EXPECT_SHORT_PIECE(space_list_own(core, &s->member, &all, &own, &spaces));
    EXPECT_SHORT_PIECE(space_list_own(core, &s->member, &none, &own, &spaces));
    EXPECT_SHORT_PIECE(enrolment_list_own(core, &s->member, &page, &own, &enrolments));
    EXPECT_SHORT_PIECE(course_list(core, s->environment, &page, &own, &courses));
}

/* ---- a form ---- */

/* As many empty files as have room in a body that a loop receives (20 KiB), or `max`. */
static slice form_of_files(struct arena *a, int max)
{
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    for (int i = 0; i < max && b.n < 20300; i++)
        buf_printf(&b, "--b\r\nContent-Disposition: form-data; name=\"file[content]\"; filename=\"%d\"\r\n\r\n\r\n", i);
    buf_add(&b, S("--b--\r\n"));
    return arena_copy(a, buf_slice(&b));
}

static int send_files(struct redu_fixture *f, int max, struct stopwatch *s)
{
    struct fake_request r = { .method = "POST",
                              .target = arena_printf(f->a, "/api/folders/%lld/files", (long long)f->s->root),
                              .headers = { { S("Content-Type"), S("multipart/form-data; boundary=b") } },
                              .host = S("www.redu.com.br"),
                              .body = form_of_files(f->a, max),
                              .piece = 65536,
                              .token = f->tokens[TUTOR] };
    stopwatch_begin(s);
    int status = fake_http_send(&f->http, &r)->status;
    stopwatch_end(s);
    return status;
}

TEST(a_loop_looked_up_the_names_of_hundreds_of_files_in_one_form)
{
    REDU_FIXTURE(f);
    struct stopwatch refused = { 0 }, taken = { 0 };
    EXPECT_EQ(send_files(f, 20, &(struct stopwatch){ 0 }), 201);
    for (int i = 0; i < TRIES; i++) {
        EXPECT_EQ(send_files(f, 1000, &refused), 400);
        EXPECT_EQ(send_files(f, 20, &taken), 422);
    }
    expect_short(&refused, LOOP_MAX_US, "a form of very many files");
    expect_short(&taken, LOOP_MAX_US, "a form of as many files as are taken");
    EXPECT_EQ(world_file_count(f->s->w), 1);
}

RUN_TESTS(cmocka_unit_test(adding_a_course_read_all_courses_of_its_environment),
          cmocka_unit_test(a_loop_counted_the_courses_of_an_environment_and_of_a_person),
          cmocka_unit_test(pieces_of_lists_over_very_many_courses_are_short),
          cmocka_unit_test(a_loop_looked_up_the_names_of_hundreds_of_files_in_one_form))
