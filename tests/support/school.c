/* SPDX-License-Identifier: Apache-2.0 */
#include "school.h"

#include "base/text.h"
#include "core/reasons.h"
#include "test.h"

#include <stdlib.h>

static void enrol(struct school *s, slice login, enum course_role role)
{
    int64_t id;
    EXPECT_OK(enrolment_grant(&s->w->core, &s->w->operator_, &(struct enrolment_request){ s->course, login, role },
                              s->a, &id));
}

struct school *school_new(void)
{
    struct school *s = must_malloc(sizeof *s);
    *s = (struct school){ .w = world_new() };
    struct names_taken taken;
    s->a = s->w->a;
    s->admin = world_user(s->w, S("admin"));
    s->teacher = world_user(s->w, S("teacher"));
    s->tutor = world_user(s->w, S("tutor"));
    s->member = world_user(s->w, S("member"));
    s->stranger = world_user(s->w, S("stranger"));
    EXPECT_OK(environment_create(&s->w->core, &s->admin,
                                 &(struct environment_request){ S("Universidade"), S("ufxx"), S("UF"), S("") }, s->a,
                                 &s->environment, &taken));
    s->course = school_course(s, "engenharia");
    enrol(s, S("teacher"), ROLE_TEACHER);
    enrol(s, S("tutor"), ROLE_TUTOR);
    enrol(s, S("member"), ROLE_MEMBER);
    s->space = school_space(s, s->course, "Cálculo I");
    s->root = school_root(s, s->space);
    return s;
}

struct school *school_kept(struct world_kept *kept)
{
    struct school *s = must_malloc(sizeof *s);
    *s = (struct school){ .w = world_new_with(&(struct world_options){ .kept = kept }) };
    s->a = s->w->a;
    return s;
}

void school_free(struct school *s)
{
    world_free(s->w);
    free(s);
}

int64_t school_course(struct school *s, const char *name)
{
    int64_t id;
    struct names_taken taken;
    EXPECT_OK(course_create(
        &s->w->core, &s->admin,
        &(struct course_request){ .name = slice_of(name), .path = slice_of(name), .environment_id = s->environment },
        s->a, &id, &taken));
    return id;
}

int64_t school_space(struct school *s, int64_t course, const char *name)
{
    int64_t id;
    EXPECT_OK(space_create(&s->w->core, &s->admin, course, &(struct space_request){ slice_of(name), S("Turma A") },
                           s->a, &id));
    return id;
}

int64_t school_root(struct school *s, int64_t space)
{
    struct space found;
    EXPECT_OK(space_find(&s->w->core, &s->admin, PLACE_SEE, space, s->a, &found));
    return found.root_id;
}

err_t school_try_folder(struct school *s, int64_t parent, const char *name, int64_t *ret_id)
{
    slice clean;
    TRY(folder_name_clean(slice_of(name), s->a, &clean));
    return folder_create(&s->w->core, &s->tutor, parent, clean, s->a, ret_id);
}

int64_t school_folder(struct school *s, int64_t parent, const char *name)
{
    int64_t id;
    EXPECT_OK(school_try_folder(s, parent, name, &id));
    return id;
}

err_t school_upload(struct school *s, const struct principal *who, int64_t folder, const char *name, slice bytes,
                    struct file *ret)
{
    struct folder_upload upload = { &s->w->core, who, folder };
    struct intake_request request = world_request(who, slice_of(name));
    TRY(folder_upload_check(&upload, slice_of(name), (int64_t)bytes.n, s->a));
    folder_upload_into(&upload, &request);
    return world_put(s->w, &request, bytes, ret);
}

struct file school_file(struct school *s, int64_t folder, const char *name, slice bytes)
{
    struct file file;
    EXPECT_OK(school_upload(s, &s->tutor, folder, name, bytes, &file));
    return file;
}

struct course school_course_now(struct school *s)
{
    struct course course;
    EXPECT_OK(course_find(&s->w->core, &s->admin, PLACE_SEE, s->course, s->a, &course));
    return course;
}

bool school_finds_folder(struct school *s, int64_t id)
{
    SCRATCH(a);
    struct folder folder;
    err_t e = folder_find(&s->w->core, &s->member, PLACE_SEE, id, &a, &folder);
    if (e)
        EXPECT_REFUSED(e, REASON_FOLDER_NOT_THERE);
    return !e;
}

bool school_finds_file(struct school *s, int64_t id)
{
    SCRATCH(a);
    struct folder_file file;
    err_t e = folder_file_find(&s->w->core, &s->member, PLACE_SEE, id, &a, &file);
    if (e)
        EXPECT_REFUSED(e, REASON_FILE_NOT_VISIBLE);
    return !e;
}

void school_settle(struct school *s)
{
    EXPECT_OK(remnants_remove(&s->w->core, NULL, s->a));
    world_wait(s->w, minutes(2));
    world_run_jobs(s->w);
}
