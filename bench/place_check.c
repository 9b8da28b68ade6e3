/* SPDX-License-Identifier: Apache-2.0 */
/* How long it takes to find a folder and to ask whether a user may change it, and how little that depends on how many courses and
 * enrolments there are.
 *
 *   place-check DIR */
#include "base/clock.h"
#include "base/text.h"
#include "blob/mem/mem.h"
#include "core/access/access.h"
#include "core/space/course.h"
#include "core/space/enrolment.h"
#include "core/space/environment.h"
#include "core/space/folder.h"
#include "core/space/space.h"
#include "core/store/enrolment_store.h"
#include "meta/meta.h"
#include "sql/sqlite/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { COURSES = 1000, PEOPLE = 1000, EACH = 100 /* enrolments of each person */, CHECKS = 200000, BATCH = 1000 };

struct bench {
    struct core core;
    struct principal operator_, people[PEOPLE];
    int64_t environment, courses[COURSES], folders[COURSES];
    int first_person; /* of the next batch of enrolments */
};

static void check(err_t e)
{
    SCRATCH(s);
    if (!e)
        return;
    fprintf(stderr, SLICE_FMT "\n", SLICE_ARG(err_text(&s, e)));
    exit(1);
}

static void make_course(struct bench *b, int i)
{
    SCRATCH(a);
    slice name = arena_printf(&a, "course-%d", i);
    struct names_taken taken;
    int64_t space_id;
    struct space space;
    struct course_request request = { name, name, S(""), 0, b->environment };
    check(course_create(&b->core, &b->operator_, &request, &a, &b->courses[i], &taken));
    check(space_create(&b->core, &b->operator_, b->courses[i], &(struct space_request){ name, S("") }, &a, &space_id));
    check(space_find(&b->core, &b->operator_, PLACE_SEE, space_id, &a, &space));
    b->folders[i] = space.root_id;
}

static err_t apply_enrolments(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct bench *b = arg;
    for (int i = b->first_person; i < b->first_person + BATCH / EACH; i++)
        for (int k = 0; k < EACH; k++) {
            struct enrolment n = { .course_id = b->courses[(i * 7 + k * (COURSES / EACH)) % COURSES],
                                   .user_id = b->people[i].user_id,
                                   .email = S("x@example.org"),
                                   .state = ENROLMENT_APPROVED,
                                   .role = ROLE_TUTOR,
                                   .token = S("") };
            TRY(meta_enrolment_add(tx, &n, n.email, a, &n.id));
        }
    return NULL;
}

static void make_people(struct bench *b, struct arena *a)
{
    for (int i = 0; i < PEOPLE; i++) {
        struct user user;
        struct user_request request = { .login = arena_printf(a, "person-%d", i) };
        check(user_create(&b->core, &b->operator_, &request, a, &user));
        b->people[i] = (struct principal){ .account_id = user.account_id, .user_id = user.id, .login = user.login };
    }
}

static void measure(struct bench *b, int courses, int people, int enrolments)
{
    uint64_t seed = 1;
    int64_t began = clock_thread_cpu_us();
    for (int i = 0; i < CHECKS; i++) {
        SCRATCH(a);
        struct folder folder;
        seed = seed * 6364136223846793005u + 1;
        int person = (int)((seed >> 33) % (unsigned)people), course = (int)((seed >> 13) % (unsigned)courses);
        err_t e = folder_find(&b->core, &b->people[person], PLACE_FILE, b->folders[course], &a, &folder);
        if (e && e->code != ERR_FORBIDDEN)
            check(e);
    }
    double us = (double)(clock_thread_cpu_us() - began) / CHECKS;
    printf("folder and permission, %d courses, %d enrolments %.1f us\n", courses, enrolments, us);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s DIR\n", argv[0]);
        return 2;
    }
    SCRATCH(a);
    struct bench *b = must_malloc(sizeof *b);
    struct sql_db *db;
    struct meta_store *meta;
    struct names_taken taken;
    mkdir(argv[1], 0700);
    check(sqlite_open(&(struct sqlite_options){ .path = arena_printf(&a, "%s/bench.db", argv[1]).p }, &a, &db));
    check(meta_open(db, &(struct meta_options){ 0 }, &a, &meta));
    core_init(&b->core, &(struct core_params){ .meta = meta,
                                               .blob = blob_mem_open(clock_system(), 0),
                                               .clock = clock_system(),
                                               .random = random_system() });
    check(access_bootstrap(&b->core, &a));
    check(access_operator(&b->core, S(""), &a, &b->operator_));
    check(environment_create(&b->core, &b->operator_,
                             &(struct environment_request){ S("bench"), S("bench"), S(""), S("") }, &a, &b->environment,
                             &taken));
    make_people(b, &a);
    for (int i = 0; i < COURSES; i++) {
        make_course(b, i);
        if (i == 9)
            measure(b, 10, PEOPLE, 0);
    }
    for (b->first_person = 0; b->first_person < PEOPLE; b->first_person += BATCH / EACH)
        check(meta_write(meta, apply_enrolments, b, &a));
    measure(b, COURSES, PEOPLE, PEOPLE * EACH);
    meta_close(meta);
    b->core.blob->ops->close_store(b->core.blob);
    core_release(&b->core);
    free(b);
    return 0;
}
