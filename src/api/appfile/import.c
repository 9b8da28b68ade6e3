/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for the import of a file: docs/apis/appfile.md 4. The request is handled on the loop; the committer queues the import. */
#include "api/appfile/appfile_priv.h"
#include "api/appfile/handlers_priv.h"
#include "api/appfile/members.h"
#include "core/sync/sync_import.h"

struct import_call {
    struct sync_import_request request;
    bool waits;
    struct sync_file file; /* set once it is queued: as far as what follows needs it */
};

/* What the members say, in the arena of the body. */
struct import_members {
    slice file_type, file_id, file_path, action, remark;
};

static err_t read_members(struct http_exchange *x, struct arena *a, struct import_members *ret)
{
    struct appfile_field_errors errors = { .count = 0 };
    const struct json *body;
    TRY(appfile_parse(x, x->req.body, a, &body));
    *ret = (struct import_members){
        .file_type = appfile_read_text(body, "FileType", SIZE_MAX, &errors),
        .file_id = appfile_read_text(body, "FileId", SIZE_MAX, &errors),
        .file_path = appfile_read_text(body, "FilePath", SIZE_MAX, &errors),
        .action = appfile_read_name(body, "ActionId", &errors),
        .remark = appfile_read_text(body, "Description", APPFILE_DESCRIPTION_MAX, &errors),
    };
    if (!ret->file_type.n)
        appfile_add_field_error(&errors, "FileType", APPFILE_NOT_EMPTY, "FileType must not be empty.");
    if (!ret->file_id.n && !ret->file_path.n)
        appfile_add_field_error(&errors, "FileId", APPFILE_NOT_EMPTY, "FileId or FilePath must be given.");
    return appfile_refuse_fields(x, &errors);
}

static err_t read_form(slice file_type, struct arena *a, enum sync_form *ret)
{
    if (slice_eq_nocase(file_type, S("cc5")))
        *ret = SYNC_LINES;
    else if (slice_eq_nocase(file_type, S("json")))
        *ret = SYNC_JSON;
    else
        return appfile_refuse(a, APPFILE_UNSUPPORTED_FILE_TYPE);
    return NULL;
}

/* "//bucket/key" */
static err_t find_by_path(struct http_exchange *x, slice path, struct arena *a, struct sync_file *ret)
{
    struct appfile *appfile = appfile_of(x);
    slice start = arena_printf(a, "//" SLICE_FMT "/", SLICE_ARG(appfile->bucket.name));
    if (!slice_starts(path, start))
        return appfile_refuse(a, APPFILE_FILE_NOT_FOUND);
    return sync_file_find_key(appfile->core, appfile_caller(x), appfile->bucket.id, slice_from(path, start.n), a, ret);
}

static err_t find_named(struct http_exchange *x, const struct import_members *m, struct arena *a, struct sync_file *ret)
{
    if (!m->file_id.n)
        return find_by_path(x, m->file_path, a, ret);
    TRY(sync_file_find(appfile_of(x)->core, appfile_caller(x), m->file_id, a, ret));
    if (m->file_path.n && !slice_eq(m->file_path, appfile_file_path(appfile_of(x), ret, a)))
        return appfile_refuse(a, APPFILE_FILE_PATH_MISMATCH);
    return NULL;
}

/* What is read dies here, because the request may wait. */
static err_t read_import(struct http_exchange *x, struct import_call *c)
{
    struct import_members members;
    struct sync_file file;
    SCRATCH_OF(scratch, &x->arena);
    TRY(read_members(x, &scratch, &members));
    err_t e = read_form(members.file_type, &scratch, &c->request.form);
    if (!e)
        e = find_named(x, &members, &scratch, &file);
    if (e)
        return err_copy(&x->arena, e);
    c->request.sync_file_id = file.id;
    c->request.action = arena_copy(&x->arena, members.action);
    c->request.remark = arena_copy(&x->arena, members.remark);
    return NULL;
}

static err_t reply_queued(struct http_exchange *x)
{
    const struct import_call *c = x->work;
    if (c->waits)
        return appfile_wait_for_import(x, &c->file);
    return appfile_show_file(x, &c->file, &(struct appfile_show){ c->file.handle, APPFILE_WORDS_NOTHING, false });
}

void appfile_note_queued(struct http_exchange *x, const struct sync_file *f, struct sync_file *ret)
{
    *ret = (struct sync_file){ .handle = arena_copy(&x->arena, f->handle),
                               .account_id = f->account_id,
                               .report_bytes = f->report_bytes };
    ret->import.job_id = f->import.job_id;
    ret->import.number = f->import.number;
}

/* Runs on the committer's thread, for which other requests wait. */
static void note_queued(void *arg, err_t e, const struct sync_file *f)
{
    struct http_exchange *x = arg;
    struct import_call *c = x->work;
    if (e) {
        http_fail(x, e);
        return;
    }
    appfile_note_queued(x, f, &c->file);
    http_on_loop(x, reply_queued);
}

static err_t ask_for_import(struct http_exchange *x, bool waits)
{
    struct import_call *c = arena_new(&x->arena, struct import_call);
    TRY(appfile_need(x, KEY_WRITER));
    TRY(read_import(x, c));
    c->waits = waits;
    x->work = c;
    TRY(arena_check(&x->arena));
    sync_import_submit(appfile_of(x)->core, appfile_caller(x), &c->request, note_queued, x);
    return NULL;
}

err_t appfile_file_import(struct http_exchange *x)
{
    return ask_for_import(x, true);
}

err_t appfile_file_import_async(struct http_exchange *x)
{
    return ask_for_import(x, false);
}
