/* SPDX-License-Identifier: Apache-2.0 */
/* Each piece looks for the deepest thing that is left: a branch, else a space, else a course, else an environment. So whatever belongs to
 * something has gone before the thing itself is looked at again. */
#include "core/space/remnants.h"

#include "core/file/hold.h"
#include "core/job.h"
#include "core/records/folder.h"
#include "core/records/record_size.h"
#include "core/space/folder_holder_priv.h"
#include "core/store/account_store.h"
#include "core/store/branch_store.h"
#include "core/store/folder_store.h"
#include "core/store/remnant_store.h"

enum {
    FILES_IN_ONE_WRITE = 100, /* other writes wait for it */
    ROWS_IN_ONE_WRITE = 300
};

struct remnants {
    int64_t now_ms;
    bool found;   /* something was left */
    int64_t rows; /* that this piece removed or marked */
};

static err_t give_back(struct meta_tx *tx, int64_t account_id, int64_t bytes, struct arena *a)
{
    struct account_use less = { .records = -bytes };
    return meta_account_use(tx, account_id, &less, a);
}

/* ---- folders and their files ---- */

static err_t release_files(struct meta_tx *tx, const struct cut_branch *branch, const struct folder_file_list *files,
                           struct arena *a)
{
    for (size_t i = 0; i < files->count; i++) {
        const struct folder_file *f = &files->items[i];
        TRY(meta_folder_file_remove(tx, f->file.id, a));
        TRY(hold_remove(tx, f->file.id, folder_holder_of(f->folder_id), branch->cut_at_ms, a));
    }
    return give_back(tx, branch->account_id, (int64_t)files->count * RECORD_BYTES, a);
}

static err_t remove_from_branch(struct meta_tx *tx, struct remnants *r, struct arena *a)
{
    struct cut_branch branch;
    struct folder_file_list files;
    int64_t bytes;
    err_t e = meta_branch_first_cut(tx, a, &branch);
    r->found = !e;
    if (e)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    TRY(meta_branch_files(tx, branch.id, FILES_IN_ONE_WRITE, a, &files));
    r->rows = (int64_t)files.count;
    if (files.count)
        return release_files(tx, &branch, &files, a);
    TRY(meta_branch_remove_folders(tx, branch.id, ROWS_IN_ONE_WRITE, a, &r->rows, &bytes));
    if (r->rows < ROWS_IN_ONE_WRITE)
        TRY(meta_branch_remove(tx, branch.id, a));
    return give_back(tx, branch.account_id, bytes, a);
}

/* ---- what has them ---- */

static err_t remove_from_space(struct meta_tx *tx, struct remnants *r, struct arena *a)
{
    struct remnant space;
    int64_t bytes;
    err_t e = meta_removed_space(tx, a, &space);
    r->found = !e;
    if (e)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    TRY(meta_branch_cut_of_space(tx, space.id, r->now_ms, ROWS_IN_ONE_WRITE, a, &r->rows));
    if (r->rows)
        return NULL;
    TRY(meta_space_drop(tx, space.id, a, &bytes));
    return give_back(tx, space.account_id, bytes, a);
}

static err_t remove_from_course(struct meta_tx *tx, struct remnants *r, struct arena *a)
{
    struct remnant course;
    int64_t bytes;
    err_t e = meta_removed_course(tx, a, &course);
    r->found = !e;
    if (e)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    TRY(meta_course_end_spaces(tx, course.id, r->now_ms, ROWS_IN_ONE_WRITE, a, &r->rows));
    if (r->rows)
        return NULL;
    TRY(meta_course_drop_enrolments(tx, course.id, ROWS_IN_ONE_WRITE, a, &r->rows, &bytes));
    if (!r->rows)
        TRY(meta_course_drop(tx, course.id, a, &bytes));
    return give_back(tx, course.account_id, bytes, a);
}

static err_t remove_from_environment(struct meta_tx *tx, struct remnants *r, struct arena *a)
{
    struct remnant environment;
    int64_t bytes;
    err_t e = meta_removed_environment(tx, a, &environment);
    r->found = !e;
    if (e)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    TRY(meta_environment_end_courses(tx, environment.id, r->now_ms, ROWS_IN_ONE_WRITE, a, &r->rows));
    if (r->rows)
        return NULL;
    TRY(meta_environment_drop_admins(tx, environment.id, ROWS_IN_ONE_WRITE, a, &r->rows));
    bytes = r->rows * RECORD_BYTES;
    if (!r->rows)
        TRY(meta_environment_drop(tx, environment.id, a, &bytes));
    return give_back(tx, environment.account_id, bytes, a);
}

static err_t apply_piece(struct meta_tx *tx, void *arg, struct arena *a)
{
    static err_t (*const pieces[])(struct meta_tx *, struct remnants *,
                                   struct arena *) = { remove_from_branch, remove_from_space, remove_from_course,
                                                       remove_from_environment };
    struct remnants *r = arg;
    r->found = false;
    r->rows = 0;
    for (size_t i = 0; i < LENGTH_OF(pieces) && !r->found; i++)
        TRY(pieces[i](tx, r, a));
    return NULL;
}

err_t remnants_remove(struct core *core, struct job_run *run, struct arena *a)
{
    struct remnants r = { .found = true };
    while (r.found && !job_is_stopping(run)) {
        SCRATCH(scratch);
        r.now_ms = core_now_ms(core);
        err_t e = meta_write(core->meta, apply_piece, &r, &scratch);
        if (e)
            return err_copy(a, e);
        job_advance(run, r.rows);
    }
    return NULL;
}
