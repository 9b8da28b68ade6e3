/* SPDX-License-Identifier: Apache-2.0 */
/* Imports for the administrators of an account: its sync files, in whichever workspace they are, and what a job imports. docs/native.md. */
#include "api/kit/list_reply.h"
#include "api/native/data_priv.h"
#include "api/native/row_errors.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/dataset/dataset_file.h"
#include "core/dataset/ingest.h"
#include "core/job.h"
#include "core/sync/account_files.h"
#include "core/sync/sync_file.h"
#include "core/sync/sync_import.h"
#include "core/sync/sync_report.h"

enum { LIST_AT_ONCE = 50 };

/* ---- one as JSON ---- */

static const char *const states[SYNC_STATES] = {
    [SYNC_CREATED] = "created",   [SYNC_UPLOADED] = "uploaded",
    [SYNC_QUEUED] = "queued",     [SYNC_PROCESSING] = "processing",
    [SYNC_IMPORTED] = "imported", [SYNC_IMPORTED_WITH_ERRORS] = "imported_with_errors",
    [SYNC_FAILED] = "failed",     [SYNC_EXPIRED] = "expired",
    [SYNC_PURGED] = "purged"
};

static void put_rows(struct json_out *o, const struct sync_progress *rows)
{
    json_name(o, "rows");
    json_open_object(o);
    json_put_int(o, "total", rows->total);
    json_put_int(o, "done", rows->done);
    json_put_int(o, "inserted", rows->inserted);
    json_put_int(o, "updated", rows->updated);
    json_put_int(o, "deleted", rows->deleted);
    json_put_int(o, "failed", rows->failed);
    json_close_object(o);
}

static void put_import(struct json_out *o, const struct sync_file *f, int64_t now_ms, struct arena *a)
{
    json_open_object(o);
    json_put_string(o, "id", f->handle);
    json_put_string(o, "name", f->name);
    json_put_string(o, "workspace", f->workspace);
    json_put_string(o, "bucket", f->section);
    json_put_string(o, "state", slice_of(states[sync_file_state(f, now_ms)]));
    json_put_int(o, "size", (int64_t)f->size_bytes);
    json_put_string(o, "way", f->origin);
    json_put_known_text(o, "entity_type", f->entity_type);
    json_put_known_text(o, "data_source", f->import.data_source);
    json_put_int(o, "imports", f->import.number);
    if (f->import.job_id)
        json_put_int(o, "job", f->import.job_id);
    put_rows(o, &f->import.rows);
    json_put_string(o, "created_at", time_format_utc(a, f->created_at_ms));
    json_put_known_time(o, "uploaded_at", f->uploaded_at_ms, a);
    json_put_known_time(o, "started_at", f->import.started_at_ms, a);
    json_put_known_time(o, "finished_at", f->import.finished_at_ms, a);
    json_close_object(o);
}

static int64_t now_of(const struct http_exchange *x)
{
    return core_now_ms(native_of(x)->core);
}

static err_t reply_import(struct http_exchange *x, const struct sync_file *f)
{
    struct json_reply reply;
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    put_import(&reply.out, f, now_of(x), &x->arena);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

/* ---- the list ---- */

static err_t find_imports(const struct list_reply *list, const struct id_page *page, struct arena *a,
                          struct list_items *ret)
{
    const struct http_exchange *x = list_exchange(list);
    struct sync_file_list found;
    TRY(account_files_list(native_of(x)->core, native_caller(x)->account_id, page, a, &found));
    *ret = LIST_ITEMS(found, struct sync_file);
    return NULL;
}

static void put_found_import(const struct list_reply *list, struct json_out *o, const void *file, struct arena *a)
{
    put_import(o, file, now_of(list_exchange(list)), a);
}

static const struct list_kind imports_kind = { LIST_AT_ONCE, find_imports, put_found_import, NULL, NULL };

static err_t list_native_imports(struct http_exchange *x)
{
    struct list_reply *list = arena_new(&x->arena, struct list_reply);
    TRY(native_need_data(x, KEY_READER));
    TRY(native_read_list(x, list));
    http_reply_header(x, "Cache-Control", S("no-store"));
    return list_reply_send(list, x, native_of(x)->log, &imports_kind, S("{\"imports\":["));
}

/* ---- one ---- */

static err_t find_path_import(struct http_exchange *x, struct sync_file *ret, struct sync_report *ret_report)
{
    TRY(native_need_data(x, KEY_READER));
    return account_files_find(native_of(x)->core, native_caller(x)->account_id, x->req.params[0], &x->arena, ret,
                              ret_report);
}

static err_t show_native_import(struct http_exchange *x)
{
    struct sync_file f;
    struct sync_report report;
    TRY(find_path_import(x, &f, &report));
    return reply_import(x, &f);
}

/* The values of a key have NULs between them. */
static slice shown_key(slice key, struct arena *a)
{
    char *text = arena_cstr(a, key);
    for (size_t i = 0; i < key.n; i++)
        if (!text[i])
            text[i] = '/';
    return (slice){ text, key.n };
}

static bool next_import_error(void *errors, struct arena *a, struct row_error *ret)
{
    struct sync_error e;
    if (!sync_errors_next(errors, a, &e))
        return false;
    *ret = (struct row_error){ .line = e.line,
                               .key = shown_key(e.key, a),
                               .column = e.field,
                               .value = e.value,
                               .code = sync_fault_word(e.fault),
                               .expected = e.has_type ? sync_type_name(e.type) : S(""),
                               .message = sync_fault_text(e.fault) };
    return true;
}

static err_t show_native_import_errors(struct http_exchange *x)
{
    struct sync_file f;
    struct sync_report *report = arena_new(&x->arena, struct sync_report);
    TRY(find_path_import(x, &f, report));
    return row_errors_reply(x, &(struct row_error_list){ next_import_error, &report->errors, S("errors") });
}

static err_t repeat_native_import(struct http_exchange *x)
{
    struct sync_file f;
    TRY(native_need_data(x, KEY_WRITER));
    TRY(account_files_import(native_of(x)->core, native_caller(x), x->req.params[0], &x->arena, &f));
    return reply_import(x, &f);
}

/* ---- what a job imports ---- */

static err_t reply_job_file(struct http_exchange *x, const struct job *job)
{
    int64_t id;
    struct dataset_file f;
    struct dataset d;
    struct json_reply reply;
    if (!slice_to_i64(job->payload, &id))
        return native_refuse(&x->arena, NATIVE_NO_IMPORT);
    TRY(dataset_file_of_account(native_of(x)->core, native_caller(x)->account_id, id, &x->arena, &f, &d));
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_string(&reply.out, "dataset", d.slug);
    json_put_string(&reply.out, "dataset_name", d.name);
    json_name(&reply.out, "file");
    native_put_dataset_file(&reply.out, &f, job->id, &x->arena);
    json_close_object(&reply.out);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

static err_t reply_job_sync_file(struct http_exchange *x, const struct job *job)
{
    struct sync_file f;
    struct sync_report report;
    struct json_reply reply;
    slice kind, handle;
    slice_cut(job->subject, ':', &kind, &handle);
    TRY(account_files_find(native_of(x)->core, native_caller(x)->account_id, handle, &x->arena, &f, &report));
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_name(&reply.out, "import");
    put_import(&reply.out, &f, now_of(x), &x->arena);
    json_close_object(&reply.out);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

static err_t show_job_import(struct http_exchange *x)
{
    struct job job;
    TRY(native_path_job(x, &job));
    TRY(native_need_data(x, KEY_READER));
    if (job.account_id == native_caller(x)->account_id && slice_eq(job.kind, S(SYNC_IMPORT_JOB)))
        return reply_job_sync_file(x, &job);
    if (job.account_id == native_caller(x)->account_id && slice_eq(job.kind, S(DATASET_INGEST_JOB)))
        return reply_job_file(x, &job);
    return native_refuse(&x->arena, NATIVE_NO_IMPORT);
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "GET", "/v1/native/jobs/{id}/import", show_job_import, HTTP_NO_BODY, 0, "GET /v1/native/jobs/{id}/import",
      NATIVE_DATA_MEMORY },
    { "GET", "/v1/native/imports", list_native_imports, HTTP_NO_BODY, 0, "GET /v1/native/imports" },
    { "GET", "/v1/native/imports/{id}", show_native_import, HTTP_NO_BODY, 0, "GET /v1/native/imports/{id}",
      NATIVE_DATA_MEMORY },
    { "GET", "/v1/native/imports/{id}/errors", show_native_import_errors, HTTP_NO_BODY, 0,
      "GET /v1/native/imports/{id}/errors", NATIVE_DATA_MEMORY },
    { "POST", "/v1/native/imports/{id}/retry", repeat_native_import, HTTP_NO_BODY, 0,
      "POST /v1/native/imports/{id}/retry" },
};
const struct native_routes native_import_routes = NATIVE_ROUTES(routes);
