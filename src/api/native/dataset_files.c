/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a dataset: docs/native.md. */
#include "api/kit/data_files.h"
#include "api/kit/upload.h"
#include "api/native/data_priv.h"
#include "api/native/row_errors.h"
#include "base/live.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/dataset/dataset_file.h"
#include "core/dataset/file_errors.h"
#include "core/dataset/lines.h"
#include "core/file/file.h"
#include "core/file/file_name.h"
#include "core/grant.h"

#define FILES_SKIPPED_MAX 1000000 /* that an `after` may stand for */

/* ---- what is wrong with a line ---- */

static const struct {
    const char *code, *text;
} faults[LINE_FAULT_COUNT] = {
    [LINE_FINE] = { "", "" },
    [LINE_NOT_AN_OBJECT] = { "not_json", "the line is no JSON object" },
    [LINE_TOO_LONG] = { "line_too_long", "the line has more than 10 MiB" },
    [LINE_BAD_VALUE] = { "bad_value", "the value does not fit the type of its column" },
    [LINE_NO_VALUE] = { "no_value", "the column is required, and has no value" },
    [LINE_UNKNOWN_FIELD] = { "unknown_column", "the dataset is strict, and has no such column" },
    [FILE_NAME_UNKNOWN] = { "not_a_data_file", "the name of the file ends neither in .jsonl nor in .ndjson" },
    [FILE_DAMAGED] = { "damaged", "the file is no gzip, or a damaged one" },
    [FILE_TOO_LARGE] = { "too_large", "the file is too large when it is unzipped" },
    [FILE_NO_ROOM] = { "quota", "the account's quota is used up" },
    [FILE_CANCELLED] = { "cancelled", "the import was cancelled" },
    [FILE_UNREADABLE] = { "unreadable", "the server could not read the file; send it again" },
};

static struct row_error describe_line_error(const struct line_error *e)
{
    bool has_type = e->fault == LINE_BAD_VALUE || e->fault == LINE_NO_VALUE;
    return (struct row_error){ .line = e->line,
                               .key = S(""),
                               .column = e->field,
                               .value = S(""),
                               .code = slice_of(faults[e->fault].code),
                               .expected = has_type ? native_type_name(e->expected) : S(""),
                               .message = slice_of(faults[e->fault].text) };
}

bool native_next_line_error(void *errors, struct arena *a, struct row_error *ret)
{
    struct line_error error;
    (void)a;
    while (file_errors_next(errors, &error))
        if (error.fault != LINE_FINE) {
            *ret = describe_line_error(&error);
            return true;
        }
    return false;
}

/* ---- one file as JSON ---- */

static const char *const states[DATASET_FILE_STATES] = { [DATASET_FILE_PENDING] = "waiting",
                                                         [DATASET_FILE_QUEUED] = "queued",
                                                         [DATASET_FILE_RUNNING] = "running",
                                                         [DATASET_FILE_DONE] = "done",
                                                         [DATASET_FILE_FAILED] = "failed" };

static int64_t count_errors(slice errors)
{
    struct line_error error;
    int64_t count = 0;
    while (file_errors_next(&errors, &error))
        count += error.fault != LINE_FINE;
    return count;
}

void native_put_dataset_file(struct json_out *o, const struct dataset_file *f, int64_t job_id, struct arena *a)
{
    json_open_object(o);
    json_put_int(o, "id", f->id);
    json_put_string(o, "name", f->name);
    json_put_int(o, "size", (int64_t)f->size_bytes);
    json_put_string(o, "md5", hex_encode(a, (slice){ (const char *)f->md5, MD5_SIZE }));
    json_put_string(o, "state", slice_of(states[f->state]));
    json_put_int(o, "rows", f->rows);
    json_put_int(o, "error_count", count_errors(f->errors));
    if (f->state == DATASET_FILE_DONE && f->duplicate_of)
        json_put_int(o, "duplicate_of", f->duplicate_of);
    if (job_id)
        json_put_int(o, "job", job_id);
    json_put_string(o, "version", f->version);
    json_put_string(o, "created_at", time_format_utc(a, f->created_at_ms));
    if (f->processed_at_ms)
        json_put_string(o, "processed_at", time_format_utc(a, f->processed_at_ms));
    json_close_object(o);
}

static err_t reply_file(struct http_exchange *x, int status, const struct dataset_file *f, int64_t job_id)
{
    struct json_reply reply;
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    native_put_dataset_file(&reply.out, f, job_id, &x->arena);
    json_reply_send(&reply, status, JSON_REPLY_TYPE);
    return NULL;
}

/* ---- PUT ---- */

static err_t reply_sent_file(struct http_exchange *x, const struct file *stored)
{
    const struct dataset_upload *into = x->work;
    struct dataset_file f;
    TRY(dataset_file_find(into->core, into->dataset_id, stored->id, &x->arena, &f));
    return reply_file(x, 201, &f, into->job_id);
}

static err_t send_dataset_file(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    struct dataset_upload *into = arena_new(&x->arena, struct dataset_upload);
    struct intake_request request;
    struct dataset d;
    TRY(native_path_dataset(x, KEY_WRITER, &d));
    TRY(native_begin_upload(x, x->req.params[1], &request));
    TRY(native_check_type(x, &request));
    if (!lines_name_is_known(request.name))
        return native_refuse(&x->arena, NATIVE_NOT_A_DATA_FILE);
    *into = (struct dataset_upload){
        .core = core, .dataset_id = d.id, .administrator = native_caller(x), .name = request.name, .headers = S("")
    };
    dataset_upload_into(into, &request);
    x->work = into;
    return upload_body(x, core, &request, reply_sent_file);
}

/* ---- the list ---- */

static void put_listed_file(struct json_out *o, const struct dataset *d, const struct dataset_file *f, struct arena *a)
{
    (void)d;
    native_put_dataset_file(o, f, 0, a);
}

/* A page is a hundred files at most, whatever `limit` says, and `after` is how many come before it. */
static err_t read_file_query(struct http_exchange *x, struct dataset_file_query *ret)
{
    struct query q;
    uint64_t skipped = 0;
    TRY(query_parse(x->req.query, &x->arena, &q));
    slice after = native_query_value(&q, S("after")), state = native_query_value(&q, S("state"));
    TRY(native_read_limit(&q, &x->arena, &ret->limit));
    ret->limit = ret->limit < DATA_FILES_MAX ? ret->limit : DATA_FILES_MAX;
    if (after.n && (!slice_to_u64(after, &skipped) || skipped > FILES_SKIPPED_MAX))
        return native_refuse(&x->arena, NATIVE_BAD_AFTER);
    ret->offset = (size_t)skipped;
    for (int i = 0; state.n && !ret->has_state; i++) {
        if (i == DATASET_FILE_STATES)
            return native_refuse(&x->arena, NATIVE_BAD_DATA_FILE_STATE);
        ret->has_state = slice_eq(state, slice_of(states[i]));
        ret->from_state = ret->to_state = (enum dataset_file_state)i;
    }
    return NULL;
}

static err_t list_dataset_files(struct http_exchange *x)
{
    struct data_files_reply *list = arena_new(&x->arena, struct data_files_reply);
    struct dataset *d = arena_new(&x->arena, struct dataset);
    TRY(native_path_dataset(x, KEY_READER, d));
    struct dataset_file_query query = { .dataset_id = d->id, .search = S("") };
    TRY(read_file_query(x, &query));
    TRY(data_files_find(list, x, native_of(x)->core, &query, NULL));
    list->end = list->more ? arena_printf(&x->arena, "],\"next\":\"%zu\"}", query.offset + query.limit) : S("]}");
    http_reply_header(x, "Cache-Control", S("no-store"));
    return data_files_send(list, x, native_of(x)->log, d, put_listed_file, S("{\"files\":["));
}

/* ---- one file ---- */

/* The number in the path; 0, which no file has, when it is none. */
static int64_t path_file_id(const struct http_exchange *x)
{
    int64_t id;
    return slice_to_i64(x->req.params[1], &id) && id > 0 ? id : 0;
}

static err_t find_path_file(struct http_exchange *x, struct dataset_file *ret)
{
    struct dataset d;
    int64_t id = path_file_id(x);
    unsigned char uuid[16];
    TRY(native_path_dataset(x, KEY_READER, &d));
    if (!id && uuid_parse(x->req.params[1], uuid)) { /* by which whoever sent it in several requests knows it */
        struct file f;
        TRY(file_get(native_of(x)->core, native_caller(x), uuid, &x->arena, &f));
        id = f.id;
    }
    return dataset_file_find(native_of(x)->core, d.id, id, &x->arena, ret);
}

static err_t show_dataset_file(struct http_exchange *x)
{
    struct dataset_file f;
    TRY(find_path_file(x, &f));
    return reply_file(x, 200, &f, 0);
}

static err_t show_dataset_file_errors(struct http_exchange *x)
{
    struct dataset_file f;
    TRY(find_path_file(x, &f));
    slice *errors = arena_new(&x->arena, slice);
    *errors = f.errors;
    return row_errors_reply(x, &(struct row_error_list){ native_next_line_error, errors, S("errors") });
}

static err_t delete_dataset_file(struct http_exchange *x)
{
    struct dataset d;
    TRY(native_path_dataset(x, KEY_WRITER, &d));
    TRY(dataset_file_remove(native_of(x)->core, native_caller(x), &d, path_file_id(x), &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

static err_t process_dataset_files(struct http_exchange *x)
{
    struct dataset d;
    struct dataset_processing_started started;
    struct json_reply reply;
    TRY(native_path_dataset(x, KEY_WRITER, &d));
    TRY(dataset_process(native_of(x)->core, native_caller(x), &d, &x->arena, &started));
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    if (started.job_id)
        json_put_int(&reply.out, "job", started.job_id);
    json_put_int(&reply.out, "files", started.files);
    json_put_int(&reply.out, "bytes", started.bytes);
    json_close_object(&reply.out);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "POST", "/v1/native/datasets/{slug}/process", process_dataset_files, HTTP_NO_BODY, 0,
      "POST /v1/native/datasets/{slug}/process" },
    { "GET", "/v1/native/datasets/{slug}/files", list_dataset_files, HTTP_NO_BODY | HTTP_LONG, 0,
      "GET /v1/native/datasets/{slug}/files" },
    { "PUT", "/v1/native/datasets/{slug}/files/{name}", send_dataset_file, HTTP_STREAM, 0,
      "PUT /v1/native/datasets/{slug}/files/{name}" },
    { "GET", "/v1/native/datasets/{slug}/files/{id}", show_dataset_file, HTTP_NO_BODY, 0,
      "GET /v1/native/datasets/{slug}/files/{id}" },
    { "GET", "/v1/native/datasets/{slug}/files/{id}/errors", show_dataset_file_errors, HTTP_NO_BODY, 0,
      "GET /v1/native/datasets/{slug}/files/{id}/errors" },
    { "DELETE", "/v1/native/datasets/{slug}/files/{id}", delete_dataset_file, HTTP_NO_BODY, 0,
      "DELETE /v1/native/datasets/{slug}/files/{id}" },
};
const struct native_routes native_dataset_file_routes = NATIVE_ROUTES(routes);
