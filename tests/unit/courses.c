/* SPDX-License-Identifier: Apache-2.0 */
/* Environments, courses, spaces and enrolments: who may do what, unique names, and what goes with what is removed. */
#include "rounds.h"
#include "school.h"
#include "test.h"

#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/course_store.h"
#include "core/store/enrolment_store.h"

#include "core/reasons.h"

static const struct id_page first_ten = { 0, 10 };

/* ---- roles ---- */

TEST(each_role_may_what_its_row_says)
{
    SCHOOL(s);
    struct core *core = &s->w->core;
    struct principal account_admin = world_admin(s->w, S("boss"));
    const struct {
        const struct principal *who;
        enum place_verb last; /* that it may do */
        bool nothing;
    } rows[] = {
        { NULL, 0, true },
        { &s->stranger, 0, true },
        { &s->member, PLACE_SEE, false },
        { &s->tutor, PLACE_FILE, false },
        { &s->teacher, PLACE_ARRANGE, false },
        { &s->admin, PLACE_ADMINISTER, false },
        { &account_admin, PLACE_ADMINISTER, false },
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        for (int verb = PLACE_SEE; verb <= PLACE_ADMINISTER; verb++) {
            struct course course;
            struct space space;
            struct folder folder;
            int want = rows[i].nothing || verb > (int)rows[i].last ? REASON_PLACE_ROLE_TOO_LOW : REASON_NONE;
            EXPECT_EQ(err_reason(course_find(core, rows[i].who, verb, s->course, s->a, &course)), want);
            EXPECT_EQ(err_reason(space_find(core, rows[i].who, verb, s->space, s->a, &space)), want);
            EXPECT_EQ(err_reason(folder_find(core, rows[i].who, verb, s->root, s->a, &folder)), want);
        }
}

TEST(what_does_not_exist_is_not_found_before_anybody_is_asked)
{
    SCHOOL(s);
    struct core *core = &s->w->core;
    struct environment environment;
    struct course course;
    struct space space;
    struct folder folder;
    struct folder_file file;
    struct enrolment enrolment;
    EXPECT_REFUSED(environment_find(core, NULL, PLACE_SEE, 99, s->a, &environment), REASON_ENVIRONMENT_NOT_THERE);
    EXPECT_REFUSED(course_find(core, NULL, PLACE_SEE, 99, s->a, &course), REASON_COURSE_NOT_THERE);
    EXPECT_REFUSED(space_find(core, NULL, PLACE_SEE, 99, s->a, &space), REASON_SPACE_NOT_THERE);
    EXPECT_REFUSED(folder_find(core, NULL, PLACE_SEE, 99, s->a, &folder), REASON_FOLDER_NOT_THERE);
    EXPECT_REFUSED(folder_file_find(core, NULL, PLACE_SEE, 99, s->a, &file), REASON_FILE_NOT_VISIBLE);
    EXPECT_REFUSED(enrolment_find(core, NULL, 99, s->a, &enrolment), REASON_ENROLMENT_NOT_THERE);
}

TEST(nobody_has_a_role_in_another_account)
{
    SCHOOL(s);
    struct account account;
    struct user user;
    EXPECT_OK(account_create(&s->w->core, &s->w->operator_, S("other"), s->a, &account));
    EXPECT_OK(user_create(&s->w->core, &s->w->operator_,
                          &(struct user_request){ .account = S("other"), .login = S("eve"), .is_admin = true }, s->a,
                          &user));
    struct principal eve = world_principal(s->w, S("eve"));
    struct course course;
    int64_t id;
    EXPECT_REFUSED(course_find(&s->w->core, &eve, PLACE_SEE, s->course, s->a, &course), REASON_PLACE_ROLE_TOO_LOW);
    EXPECT_REFUSED(course_find_path(&s->w->core, &eve, PLACE_SEE, S("engenharia"), s->a, &course),
                   REASON_COURSE_NOT_THERE);
    EXPECT_ERR(enrolment_grant(&s->w->core, &s->w->operator_,
                               &(struct enrolment_request){ s->course, S("eve"), ROLE_TUTOR }, s->a, &id),
               ERR_NOT_FOUND);
    EXPECT_OK(course_find_path(&s->w->core, &s->member, PLACE_SEE, S("ENGENHARIA"), s->a, &course));
    EXPECT_EQ(course.id, s->course);
}

TEST(a_role_ends_with_the_enrolment_and_only_approved_ones_count)
{
    SCHOOL(s);
    struct core *core = &s->w->core;
    struct enrolment_list own;
    struct folder folder;
    EXPECT_OK(enrolment_list_own(core, &s->member, &first_ten, s->a, &own));
    int64_t id = own.items[0].id;
    static const enum enrolment_state states[] = { ENROLMENT_WAITING, ENROLMENT_INVITED, ENROLMENT_REJECTED };
    for (size_t i = 0; i < LENGTH_OF(states); i++) {
        EXPECT_OK(enrolment_set(core, &s->admin, id, states[i], ROLE_TEACHER, s->a));
        EXPECT_REFUSED(folder_find(core, &s->member, PLACE_SEE, s->root, s->a, &folder), REASON_PLACE_ROLE_TOO_LOW);
    }
    EXPECT_OK(enrolment_set(core, &s->admin, id, ENROLMENT_APPROVED, ROLE_TEACHER, s->a));
    EXPECT_OK(folder_find(core, &s->member, PLACE_ARRANGE, s->root, s->a, &folder));
    EXPECT_REFUSED(enrolment_set(core, &s->teacher, id, ENROLMENT_APPROVED, ROLE_ADMINISTRATOR, s->a),
                   REASON_PLACE_ROLE_TOO_LOW);
    EXPECT_REFUSED(enrolment_remove(core, &s->teacher, id, s->a), REASON_PLACE_ROLE_TOO_LOW);
    EXPECT_OK(enrolment_remove(core, &s->member, id, s->a));
    EXPECT_REFUSED(folder_find(core, &s->member, PLACE_SEE, s->root, s->a, &folder), REASON_PLACE_ROLE_TOO_LOW);
    EXPECT_REFUSED(enrolment_remove(core, &s->member, id, s->a), REASON_ENROLMENT_NOT_THERE);
    EXPECT_EQ(world_fsck(s->w, true), 0);
}

/* ---- invitations ---- */

TEST(an_invitation_waits_for_the_user_with_its_address)
{
    SCHOOL(s);
    struct core *core = &s->w->core;
    struct invitation first, again;
    struct enrolment e;
    EXPECT_OK(enrolment_invite(core, &s->admin, s->course, S("Nova@Example.org"), s->a, &first));
    int64_t id = first.enrolment_id;
    EXPECT(first.is_new);
    EXPECT_OK(enrolment_find(core, &s->member, id, s->a, &e));
    EXPECT_EQ(e.state, ENROLMENT_INVITED_UNKNOWN);
    EXPECT(e.token.n >= 32 && !e.user_id);
    EXPECT_OK(enrolment_invite(core, &s->admin, s->course, S("nova@example.ORG"), s->a, &again));
    EXPECT(!again.is_new && again.enrolment_id == id);
    EXPECT_ERR(enrolment_set(core, &s->admin, id, ENROLMENT_APPROVED, ROLE_TUTOR, s->a), ERR_CONFLICT);
    struct user user;
    EXPECT_OK(user_create(core, &s->w->operator_,
                          &(struct user_request){ .login = S("nova"), .email = S("nova@example.org") }, s->a, &user));
    EXPECT_OK(enrolment_find(core, &s->member, id, s->a, &e));
    EXPECT_EQ(e.state, ENROLMENT_INVITED);
    EXPECT_EQ(e.user_id, user.id);
    EXPECT_SLICE(e.login, S("nova"));
    EXPECT_OK(enrolment_invite(core, &s->admin, s->course, S("nova@example.org"), s->a, &again));
    EXPECT(!again.is_new && again.enrolment_id == id);
    EXPECT_OK(enrolment_set(core, &s->admin, id, ENROLMENT_APPROVED, ROLE_TUTOR, s->a));
    struct principal nova = world_principal(s->w, S("nova"));
    struct folder folder;
    EXPECT_OK(folder_find(core, &nova, PLACE_FILE, s->root, s->a, &folder));
    static const char *const bad[] = { "", "x", "@", "a@", "@b", "a b@c", "a@b@c", "a@b\n" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_ERR(enrolment_invite(core, &s->admin, s->course, slice_of(bad[i]), s->a, &first), ERR_INVALID);
    EXPECT_REFUSED(enrolment_invite(core, &s->teacher, s->course, S("x@y"), s->a, &first), REASON_PLACE_ROLE_TOO_LOW);
    EXPECT_EQ(world_fsck(s->w, true), 0);
}

TEST(a_person_whose_other_invitation_waited_could_never_be_enrolled)
{
    SCHOOL(s);
    struct core *core = &s->w->core;
    struct invitation first, again;
    struct enrolment e;
    struct user user;
    struct user_request request = { .login = S("n@example.org"), .email = S("\xc3\xa9@example.org") };
    EXPECT_OK(user_create(core, &s->w->operator_, &request, s->a, &user));
    /* It is found by its address without regard to the case of A to Z only. */
    EXPECT_OK(enrolment_invite(core, &s->admin, s->course, S("\xc3\x89@example.org"), s->a, &first));
    EXPECT_OK(enrolment_invite(core, &s->admin, s->course, request.email, s->a, &again));
    EXPECT(!again.is_new && again.enrolment_id == first.enrolment_id);
    EXPECT_OK(enrolment_find(core, &s->admin, first.enrolment_id, s->a, &e));
    EXPECT_EQ(e.user_id, user.id);
    EXPECT_EQ(e.state, ENROLMENT_INVITED);
    EXPECT_EQ(world_fsck(s->w, true), 0);
}

static err_t add_waiting(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct school *s = arg;
    struct account_use more = { 0 };
    for (int i = 0; i < ENROLMENTS_WAITING_MAX - 1; i++) {
        slice name = arena_printf(a, "course-%d", i);
        struct course c = {
            .environment_id = s->environment, .creator_id = s->admin.user_id, .name = name, .path = name
        };
        struct enrolment n = { .email = S("x@y"), .state = ENROLMENT_INVITED_UNKNOWN };
        TRY(meta_course_add(tx, &c, &(struct name_keys){ name, name }, a, &n.course_id));
        TRY(meta_enrolment_add(tx, &n, n.email, a, &n.id));
        more.records += course_record_size(&c) + enrolment_record_size(&n);
    }
    return meta_account_use(tx, s->admin.account_id, &more, a);
}

TEST(one_address_waited_in_so_many_courses_that_its_user_was_added_in_a_long_write)
{
    SCHOOL(s);
    struct core *core = &s->w->core;
    struct invitation invitation;
    int64_t last = school_course(s, "last");
    world_write(s->w, add_waiting, s);
    EXPECT_OK(enrolment_invite(core, &s->admin, s->course, S("X@y"), s->a, &invitation));
    EXPECT_OK(enrolment_invite(core, &s->admin, s->course, S("x@y"), s->a, &invitation));
    EXPECT(!invitation.is_new);
    EXPECT_ERR(enrolment_invite(core, &s->admin, last, S("x@y"), s->a, &invitation), ERR_QUOTA);
    EXPECT_OK(enrolment_invite(core, &s->admin, last, S("z@y"), s->a, &invitation));
    struct user user;
    EXPECT_OK(user_create(core, &s->w->operator_, &(struct user_request){ .login = S("x@y") }, s->a, &user));
    EXPECT_OK(enrolment_invite(core, &s->admin, last, S("x@y"), s->a, &invitation));
    EXPECT_EQ(world_fsck(s->w, true), 0);
}

TEST(people_see_those_with_whom_they_share_a_course)
{
    SCHOOL(s);
    struct core *core = &s->w->core;
    struct user_list people;
    struct user user;
    bool may;
    EXPECT_OK(course_people(core, s->course, ROLE_NONE, &first_ten, s->a, &people));
    EXPECT_EQ(people.count, 4);
    EXPECT_OK(course_people(core, s->course, ROLE_TUTOR, &first_ten, s->a, &people));
    EXPECT_EQ(people.count, 1);
    EXPECT_SLICE(people.items[0].login, S("tutor"));
    user = people.items[0];
    EXPECT_OK(course_people_may_see(core, &s->member, &user, s->a, &may));
    EXPECT(may);
    EXPECT_OK(course_people_may_see(core, &s->stranger, &user, s->a, &may));
    EXPECT(!may);
    EXPECT_OK(course_people_may_see(core, &s->tutor, &user, s->a, &may));
    EXPECT(may);
}

/* ---- lists of one's own ---- */

/* Page by page, of one space each, as one text: "12 14 13 ". */
static slice own_spaces(struct school *s, const struct principal *who, struct own_spaces own)
{
    slice text = S("");
    struct space_list page;
    own.page.limit = 1;
    for (;;) {
        EXPECT_OK(space_list_own(&s->w->core, who, &own, s->a, &page));
        if (!page.count)
            return text;
        own.page.after_id = page.items[0].id;
        own.after_enrolment_id = page.items[0].enrolment_id;
        text = arena_printf(s->a, SLICE_FMT "%lld ", SLICE_ARG(text), (long long)page.items[0].id);
    }
}

static slice own_environments(struct school *s, const struct principal *who)
{
    slice text = S("");
    struct environment_list page;
    struct id_page at = { 0, 1 };
    for (;;) {
        EXPECT_OK(environment_list(&s->w->core, who, &at, s->a, &page));
        if (!page.count)
            return text;
        at.after_id = page.items[0].id;
        text = arena_printf(s->a, SLICE_FMT "%lld ", SLICE_ARG(text), (long long)at.after_id);
    }
}

TEST(each_page_of_ones_own_spaces_went_through_all_enrolments)
{
    SCHOOL(s);
    int64_t other_course = school_course(s, "other"), other = school_space(s, other_course, "b");
    int64_t last = school_space(s, s->course, "c");
    slice all = arena_printf(s->a, "%lld %lld %lld ", (long long)s->space, (long long)last, (long long)other);
    EXPECT_SLICE(own_spaces(s, &s->admin, (struct own_spaces){ 0 }), all);
    EXPECT_SLICE(own_spaces(s, &s->admin, (struct own_spaces){ .role = ROLE_ADMINISTRATOR }), all);
    EXPECT_SLICE(own_spaces(s, &s->admin, (struct own_spaces){ .role = ROLE_TUTOR }), S(""));
    EXPECT_SLICE(own_spaces(s, &s->admin, (struct own_spaces){ .course_id = other_course }),
                 arena_printf(s->a, "%lld ", (long long)other));
    EXPECT_SLICE(own_spaces(s, &s->admin, (struct own_spaces){ .course_id = other_course, .role = ROLE_TUTOR }), S(""));
    EXPECT_SLICE(own_spaces(s, &s->member, (struct own_spaces){ .course_id = other_course }), S(""));
    EXPECT_SLICE(own_spaces(s, &s->stranger, (struct own_spaces){ 0 }), S(""));
    EXPECT_OK(course_remove(&s->w->core, &s->admin, s->course, s->a));
    EXPECT_SLICE(own_spaces(s, &s->admin, (struct own_spaces){ 0 }), arena_printf(s->a, "%lld ", (long long)other));
}

TEST(each_page_of_ones_own_environments_went_through_all_enrolments)
{
    SCHOOL(s);
    struct core *core = &s->w->core;
    struct environment_request texts = { S("Two"), S("two"), S("T"), S("") };
    struct names_taken taken;
    int64_t own;
    EXPECT_OK(environment_create(core, &s->member, &texts, s->a, &own, &taken));
    slice both = arena_printf(s->a, "%lld %lld ", (long long)s->environment, (long long)own);
    EXPECT_SLICE(own_environments(s, &s->member), both);
    EXPECT_SLICE(own_environments(s, &s->stranger), S(""));
    EXPECT_OK(course_remove(core, &s->admin, s->course, s->a));
    EXPECT_SLICE(own_environments(s, &s->member), arena_printf(s->a, "%lld ", (long long)own));
    EXPECT_OK(environment_remove(core, &s->member, own, s->a));
    EXPECT_SLICE(own_environments(s, &s->member), S(""));
    EXPECT_SLICE(own_environments(s, &s->admin), arena_printf(s->a, "%lld ", (long long)s->environment));
}

/* ---- names ---- */

TEST(names_and_paths_are_unique_where_they_must_be)
{
    SCHOOL(s);
    struct core *core = &s->w->core;
    struct names_taken taken;
    int64_t id, other;
    EXPECT_REFUSED(environment_create(core, &s->member,
                                      &(struct environment_request){ S("UNIVERSIDADE"), S("x"), S(""), S("") }, s->a,
                                      &id, &taken),
                   REASON_ENVIRONMENT_TAKEN);
    EXPECT(taken.name && !taken.path);
    EXPECT_REFUSED(environment_create(core, &s->member,
                                      &(struct environment_request){ S("universidade"), S("UFXX"), S(""), S("") }, s->a,
                                      &id, &taken),
                   REASON_ENVIRONMENT_TAKEN);
    EXPECT(taken.name && taken.path);
    EXPECT_OK(environment_create(
        core, &s->member, &(struct environment_request){ S("Outra"), S("outra"), S(""), S("") }, s->a, &other, &taken));
    EXPECT_REFUSED(environment_change(core, &s->member, other,
                                      &(struct environment_request){ S("Outra"), S("ufxx"), S(""), S("") }, s->a,
                                      &taken),
                   REASON_ENVIRONMENT_TAKEN);
    EXPECT_OK(environment_change(core, &s->member, other,
                                 &(struct environment_request){ S("OUTRA"), S("outra"), S("O"), S("d") }, s->a,
                                 &taken));
    struct course_request request = { S("Engenharia"), S("eng2"), S(""), 0, s->environment }, of_other = request;
    of_other.environment_id = other;
    EXPECT_REFUSED(course_create(core, &s->admin, &request, s->a, &id, &taken), REASON_COURSE_TAKEN);
    EXPECT(taken.name && !taken.path);
    EXPECT_OK(course_create(core, &s->member, &of_other, s->a, &id, &taken)); /* in another environment */
    EXPECT_REFUSED(course_create(core, &s->teacher, &request, s->a, &id, &taken), REASON_PLACE_ROLE_TOO_LOW);
    EXPECT_OK(course_remove(core, &s->admin, s->course, s->a));
    EXPECT_OK(course_create(core, &s->admin, &request, s->a, &id, &taken));
    request.path = S("a b");
    EXPECT_ERR(course_create(core, &s->admin, &request, s->a, &id, &taken), ERR_INVALID);
    EXPECT_EQ(world_fsck(s->w, true), 0);
}

/* ---- removal ---- */

static void expect_all_gone(struct school *s, int64_t folder, int64_t file)
{
    EXPECT(!school_finds_folder(s, folder) && !school_finds_folder(s, s->root) && !school_finds_file(s, file));
    EXPECT_EQ(world_fsck(s->w, false), 0);
    school_settle(s);
    EXPECT_EQ(world_file_count(s->w), 0);
    EXPECT_EQ(world_fsck(s->w, true), 0);
}

TEST(a_removed_space_is_gone_with_all_that_is_in_it)
{
    SCHOOL(s);
    int64_t folder = school_folder(s, s->root, "a");
    struct file file = school_file(s, folder, "x", S("hello"));
    EXPECT_REFUSED(space_remove(&s->w->core, &s->tutor, s->space, s->a), REASON_PLACE_ROLE_TOO_LOW);
    EXPECT_OK(space_remove(&s->w->core, &s->teacher, s->space, s->a));
    EXPECT_EQ(school_course_now(s).used_bytes, 0);
    expect_all_gone(s, folder, file.id);
}

TEST(a_removed_course_or_environment_is_gone_with_all_that_is_in_it)
{
    for (int whole = 0; whole < 2; whole++) {
        SCHOOL(s);
        int64_t records = world_account(s->w).record_bytes;
        int64_t folder = school_folder(s, s->root, "a");
        struct file file = school_file(s, folder, "x", S("hello"));
        EXPECT_REFUSED(course_remove(&s->w->core, &s->teacher, s->course, s->a), REASON_PLACE_ROLE_TOO_LOW);
        EXPECT_OK(whole ? environment_remove(&s->w->core, &s->admin, s->environment, s->a)
                        : course_remove(&s->w->core, &s->admin, s->course, s->a));
        expect_all_gone(s, folder, file.id);
        EXPECT(world_account(s->w).record_bytes < records);
        if (whole)
            EXPECT_EQ(world_account(s->w).record_bytes, 0);
    }
}

TEST(what_is_removed_in_pieces_survives_a_failure_of_any_call)
{
    for (int64_t nth = fault_first();; nth += fault_step()) {
        SCHOOL(s);
        int64_t folder = school_folder(s, s->root, "a");
        struct file file = school_file(s, folder, "x", S("hello"));
        EXPECT_OK(environment_remove(&s->w->core, &s->admin, s->environment, s->a));
        s->w->faults.fail_at = s->w->faults.calls + nth;
        err_t e = remnants_remove(&s->w->core, NULL, s->a);
        s->w->faults.fail_at = 0;
        expect_all_gone(s, folder, file.id);
        EXPECT_EQ(world_account(s->w).record_bytes, 0);
        if (!e) {
            EXPECT(nth > 50);
            break;
        }
    }
}

TEST(records_of_courses_need_room_in_the_account)
{
    SCHOOL(s);
    int64_t id;
    world_set_room(s->w, 300, 0);
    EXPECT_ERR(space_create(&s->w->core, &s->teacher, s->course, &(struct space_request){ S("x"), S("") }, s->a, &id),
               ERR_QUOTA);
    EXPECT_OK(school_try_folder(s, s->root, "x", &id));
    EXPECT_ERR(school_try_folder(s, s->root, "y", &id), ERR_QUOTA);
    EXPECT_OK(folder_remove(&s->w->core, &s->tutor, id, s->a));
    school_settle(s);
    EXPECT_OK(school_try_folder(s, s->root, "y", &id));
    EXPECT_EQ(world_fsck(s->w, true), 0);
}

RUN_TESTS(cmocka_unit_test(each_role_may_what_its_row_says),
          cmocka_unit_test(what_does_not_exist_is_not_found_before_anybody_is_asked),
          cmocka_unit_test(nobody_has_a_role_in_another_account),
          cmocka_unit_test(a_role_ends_with_the_enrolment_and_only_approved_ones_count),
          cmocka_unit_test(an_invitation_waits_for_the_user_with_its_address),
          cmocka_unit_test(a_person_whose_other_invitation_waited_could_never_be_enrolled),
          cmocka_unit_test(one_address_waited_in_so_many_courses_that_its_user_was_added_in_a_long_write),
          cmocka_unit_test(people_see_those_with_whom_they_share_a_course),
          cmocka_unit_test(each_page_of_ones_own_spaces_went_through_all_enrolments),
          cmocka_unit_test(each_page_of_ones_own_environments_went_through_all_enrolments),
          cmocka_unit_test(names_and_paths_are_unique_where_they_must_be),
          cmocka_unit_test(a_removed_space_is_gone_with_all_that_is_in_it),
          cmocka_unit_test(a_removed_course_or_environment_is_gone_with_all_that_is_in_it),
          cmocka_unit_test(what_is_removed_in_pieces_survives_a_failure_of_any_call),
          cmocka_unit_test(records_of_courses_need_room_in_the_account))
