/* SPDX-License-Identifier: Apache-2.0 */
/* A world with an environment, a course and a space, and a person in each role. Every call fails the test on any error, unless it
 * returns one.
 *
 *   SCHOOL(s);
 *   int64_t folder = school_folder(s, s->root, "Listas");
 *   struct file f = school_file(s, folder, "a.pdf", S("hello"));
 */
#ifndef CAIS_TESTS_SCHOOL_H
#define CAIS_TESTS_SCHOOL_H

#include "core/space/course.h"
#include "core/space/enrolment.h"
#include "core/space/environment.h"
#include "core/space/folder.h"
#include "core/space/folder_file.h"
#include "core/space/remnants.h"
#include "core/space/space.h"
#include "world.h"

struct school {
    struct world *w;
    struct arena *a;
    struct principal admin, teacher, tutor, member, stranger; /* `admin` administers the environment */
    int64_t environment, course, space, root;
};

struct school *school_new(void);
/* A copy of a world that had a school (world_image): only `w` and `a` are set. */
struct school *school_kept(struct world_kept *);
void school_free(struct school *);
static inline void school_freep(struct school **s)
{
    school_free(*s);
}
#define SCHOOL(name) SCOPED(school_freep) struct school *name = school_new()

int64_t school_course(struct school *, const char *name); /* by the admin, in the environment */
int64_t school_space(struct school *, int64_t course, const char *name);
int64_t school_root(struct school *, int64_t space);
/* The same as the calls of core, by the tutor. */
int64_t school_folder(struct school *, int64_t parent, const char *name);
err_t school_try_folder(struct school *, int64_t parent, const char *name, int64_t *ret_id);
struct file school_file(struct school *, int64_t folder, const char *name, slice bytes);
err_t school_upload(struct school *, const struct principal *who, int64_t folder, const char *name, slice bytes,
                    struct file *ret);
/* The course as it is now. */
struct course school_course_now(struct school *);
bool school_finds_folder(struct school *, int64_t id); /* the member does */
bool school_finds_file(struct school *, int64_t id);
/* Removes what is left of what was removed, and purges. */
void school_settle(struct school *);

#endif
