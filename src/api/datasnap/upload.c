/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/datasnap.md 6.2: several files in a form.
 *
 *   head ──► each file: its bytes go to an intake and are checked line by line as they come ──► closing boundary
 *        ──► in the lane of long work, one file after the other: intake_finish_and_wait ──► reply
 *
 * A file with a wrong line is dropped at its end. The others are committed only after the whole form has come, so that nothing
 * is kept of a form that is cut short or refused. A commit that fails ends the request: the files before it are kept, and a
 * client that sends the form again gets them as duplicates.
 *
 * What waits for the end of its form is a descriptor, or up to 16 KiB of memory, for each file. There are at most FILES_MAX of
 * them in a form, and FORM_FILES_MAX in all forms together. */
#include "api/datasnap/datasnap_priv.h"
#include "api/datasnap/file_json.h"
#include "api/datasnap/handlers_priv.h"
#include "api/kit/json_pieces.h"
#include "base/live.h"
#include "core/access/access.h"
#include "core/dataset/dataset_file.h"
#include "core/dataset/file_check.h"
#include "core/dataset/file_errors.h"
#include "core/dataset/lines.h"
#include "core/file/file_name.h"
#include "http/multipart.h"

#include <string.h>

enum { FILES_MAX = 100, FORM_FILES_MAX = 256, TYPE_MAX = 255 };

struct form_file {
    struct dataset_upload into;
    struct intake *intake; /* NULL: it is dropped, or committed */
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE];
    slice errors; /* file_errors.h; empty: the file is as it should be */
    int64_t id;   /* once it is stored */
};

struct form {
    struct http_sink sink;
    struct http_exchange *x;
    struct dataset dataset;
    struct multipart multipart;
    struct form_file *files[FILES_MAX];
    size_t count, next; /* next: the first one that is not committed, and then not written */
    /* of the part that is coming; NULL: it is no file */
    struct form_file *current;
    struct file_check *check;
    struct arena check_arena;
    uint64_t body_bytes, part_begin; /* of the body: that came, and where the part began */
    struct json_pieces pieces;
};

static uint64_t max_bytes(const struct form *f)
{
    return (uint64_t)LIVE(datasnap_of(f->x)->options.max_form_file_bytes);
}

/* ---- the end of a file, or of the form ---- */

static void drop_intake(struct form *f, struct form_file *file)
{
    if (!file->intake)
        return;
    intake_discard(file->intake);
    file->intake = NULL;
    atomic_fetch_sub(&datasnap_of(f->x)->form_files, 1);
}

static void end_check(struct form *f)
{
    if (!f->check)
        return;
    file_check_close(f->check);
    f->check = NULL;
    arena_release(&f->check_arena);
}

/* Nothing of what is not committed is kept. */
static void drop_form(void *arg)
{
    struct form *f = arg;
    end_check(f);
    for (size_t i = 0; i < f->count; i++)
        drop_intake(f, f->files[i]);
}

/* ---- the parts ---- */

static err_t refuse_name(struct form *f, const char *text)
{
    struct field_errors errors;
    field_errors_init(&errors, &f->x->arena);
    field_error_add(&errors, slice_of(text), "files.%zu", f->count);
    return datasnap_refuse_fields(f->x, &errors);
}

static err_t clean_name(struct form *f, const struct multipart_part *part, slice *ret)
{
    err_t e = file_name_clean_long(part->filename, &f->x->arena, ret);
    if (err_is(e, ERR_INVALID) || err_is(e, ERR_TOO_LARGE))
        return refuse_name(f, "O nome do arquivo deve ter no máximo 255 caracteres, em UTF-8.");
    return e;
}

static err_t open_intake(struct form *f, struct form_file *file, slice type)
{
    struct datasnap *d = datasnap_of(f->x);
    const struct principal *who = datasnap_caller(f->x);
    struct intake_request request = { .account_id = who->account_id,
                                      .owner_id = who->user_id,
                                      .owner_login = who->login,
                                      .origin = DATASNAP_PURPOSE,
                                      .name = file->into.name,
                                      .content_type = slice_part(type, 0, TYPE_MAX),
                                      .request_id = f->x->req.id,
                                      .grant = grant_of(who),
                                      .exact_bytes = -1 };
    dataset_upload_into(&file->into, &request);
    if (atomic_fetch_add(&d->form_files, 1) >= FORM_FILES_MAX) {
        atomic_fetch_sub(&d->form_files, 1);
        return datasnap_refuse(&f->x->arena, DATASNAP_BUSY);
    }
    err_t e = intake_open(d->core, &request, &f->x->arena, &file->intake);
    if (e)
        atomic_fetch_sub(&d->form_files, 1);
    return e;
}

static err_t begin_part(void *ctx, const struct multipart_part *part, struct arena *a)
{
    struct form *f = ctx;
    struct form_file *file;
    slice name;
    (void)a;
    bool is_file = part->has_name && part->has_filename && part->filename.n &&
                   (slice_eq(part->name, S("files")) || slice_eq(part->name, S("files[]")));
    f->current = NULL;
    if (!is_file)
        return NULL;
    if (f->count == FILES_MAX)
        return refuse_name(f, "Um envio tem no máximo 100 arquivos.");
    TRY(clean_name(f, part, &name));
    file = arena_new(&f->x->arena, struct form_file);
    file->into = (struct dataset_upload){
        .core = datasnap_of(f->x)->core, .dataset_id = f->dataset.id, .name = name, .refuse_duplicate = true
    };
    TRY(open_intake(f, file, part->content_type));
    f->files[f->count++] = f->current = file;
    f->part_begin = f->body_bytes;
    arena_init_child(&f->check_arena, &f->x->arena);
    f->check = file_check_open(name, &f->dataset.columns, f->dataset.is_strict, &f->check_arena);
    return NULL;
}

static err_t refuse_size(struct form *f)
{
    int64_t whole = f->x->req.content_length;
    uint64_t seen = f->current->size_bytes, left = whole > 0 ? (uint64_t)whole - f->part_begin : 0;
    return datasnap_refuse_size(f->x, left > seen ? left : seen, max_bytes(f));
}

static err_t add_bytes(void *ctx, slice bytes, struct arena *a)
{
    struct form *f = ctx;
    if (!f->current)
        return NULL;
    f->current->size_bytes += bytes.n;
    if (f->current->size_bytes > max_bytes(f))
        return refuse_size(f);
    TRY(file_check_feed(f->check, bytes));
    return intake_write(f->current->intake, bytes, a);
}

/* What is wrong with the file, as a text of file_errors.h that lives as long as the exchange. */
static void keep_errors(struct form *f)
{
    size_t count;
    const struct line_error *errors = file_check_errors(f->check, &count);
    struct buf text;
    buf_init(&text, 0);
    for (size_t i = 0; i < count; i++)
        file_errors_add(&text, &errors[i]);
    f->current->errors = arena_copy_if_room(&f->x->arena, buf_slice(&text));
    buf_release(&text);
}

static err_t end_part(void *ctx, struct arena *a)
{
    struct form *f = ctx;
    struct form_file *file = f->current;
    (void)a;
    if (!file)
        return NULL;
    TRY(file_check_end(f->check));
    keep_errors(f);
    end_check(f);
    f->current = NULL;
    if (file->errors.n) {
        intake_discard_with_md5(file->intake, file->md5);
        file->intake = NULL;
        atomic_fetch_sub(&datasnap_of(f->x)->form_files, 1);
    }
    return arena_check(&f->x->arena);
}

static const struct multipart_events events = { begin_part, add_bytes, end_part };

/* ---- the reply ---- */

static void put_form_file(struct form *f, struct json_out *o, const struct form_file *file, struct arena *a)
{
    struct datasnap_file_head head = { file->into.name, file->size_bytes, file->md5, f->dataset.version };
    bool is_duplicate = file->into.duplicate_of != 0, is_unread = lines_name_is_zipped(file->into.name);
    json_open_object(o);
    if (!file->errors.n)
        json_put_int(o, "id", is_duplicate ? file->into.duplicate_of : file->id);
    datasnap_put_file_head(o, &f->dataset, &head, a);
    json_put_string(o, "validation", file->errors.n ? S("error") : is_unread && !is_duplicate ? S("pending") : S("ok"));
    json_name(o, "errors");
    json_open_array(o);
    if (is_duplicate)
        json_add_string(o, DATASNAP_SENT_BEFORE);
    datasnap_add_file_errors(o, file->errors, a);
    json_close_array(o);
    if (is_duplicate)
        json_put_bool(o, "duplicate", true);
    if (!file->errors.n)
        json_put_string(o, "upload_status", is_duplicate ? S("completed") : S("pending"));
    json_close_object(o);
}

static err_t write_files(struct json_pieces *pieces, struct buf *out, struct arena *a, bool *ret_end)
{
    struct form *f = CONTAINER_OF(pieces, struct form, pieces);
    for (; f->next < f->count; f->next++) {
        if (piece_is_full(out))
            return NULL;
        SCRATCH_OF(scratch, a);
        bool whole;
        put_form_file(f, &json_item_begin(pieces, &scratch)->out, f->files[f->next], &scratch);
        err_t e = json_item_end(pieces, out, &whole);
        if (e)
            return err_copy(a, e);
        if (!whole)
            return NULL;
    }
    buf_add(out, S("],\"success\":true}"));
    *ret_end = true;
    return NULL;
}

static err_t reply_form(struct form *f)
{
    f->next = 0;
    json_pieces_init(&f->pieces, f->x, datasnap_of(f->x)->log, write_files);
    buf_add(&f->pieces.pieces.first, S("{\"uploaded\":["));
    return piece_reply_send(&f->pieces.pieces, 200, JSON_REPLY_TYPE);
}

/* ---- committing ---- */

static err_t commit_file(struct form *f, struct form_file *file)
{
    struct file stored;
    SCRATCH_OF(scratch, &f->x->arena);
    struct intake *intake = file->intake;
    file->intake = NULL;
    err_t e = intake_finish_and_wait(intake, &scratch, &stored);
    atomic_fetch_sub(&datasnap_of(f->x)->form_files, 1);
    if (e && !file->into.duplicate_of)
        return err_copy(&f->x->arena, e);
    file->id = e ? 0 : stored.id;
    memcpy(file->md5, e ? file->into.md5 : stored.md5, MD5_SIZE);
    return NULL;
}

static err_t commit_next(struct http_exchange *x)
{
    struct form *f = x->work;
    while (f->next < f->count && !f->files[f->next]->intake)
        f->next++;
    if (f->next == f->count)
        return reply_form(f);
    err_t e = commit_file(f, f->files[f->next]);
    if (e) {
        drop_form(f);
        return e;
    }
    http_on_lane(x, HTTP_LANE_LONG, commit_next);
    return NULL;
}

/* ---- the body ---- */

static err_t write_body(struct http_sink *sink, slice bytes)
{
    struct form *f = CONTAINER_OF(sink, struct form, sink);
    SCRATCH_OF(scratch, &f->x->arena);
    err_t e = multipart_feed(&f->multipart, bytes, &scratch);
    f->body_bytes += bytes.n;
    return e ? err_copy(&f->x->arena, e) : NULL;
}

static err_t check_end(struct form *f)
{
    struct field_errors errors;
    TRY(multipart_finish(&f->multipart, &f->x->arena));
    field_errors_init(&errors, &f->x->arena);
    if (!f->count)
        field_error_add(&errors, S("Envie ao menos um arquivo."), "files");
    return datasnap_refuse_fields(f->x, &errors);
}

static err_t finish_body(struct http_sink *sink, struct http_exchange *x, err_t e)
{
    struct form *f = CONTAINER_OF(sink, struct form, sink);
    if (!e)
        e = check_end(f);
    if (e) {
        drop_form(f);
        return e;
    }
    x->work = f;
    http_on_lane(x, HTTP_LANE_LONG, commit_next);
    return NULL;
}

err_t datasnap_form_upload(struct http_exchange *x)
{
    slice boundary;
    TRY(datasnap_need(x, KEY_WRITER));
    struct form *f = arena_new(&x->arena, struct form);
    TRY(datasnap_find_schema(x, &f->dataset));
    if (!multipart_boundary(http_header(&x->req, "Content-Type"), &boundary))
        return datasnap_refuse(&x->arena, DATASNAP_NO_FORM);
    f->sink = (struct http_sink){ .write = write_body, .finish = finish_body, .off_loop = true };
    f->x = x;
    multipart_init(&f->multipart, boundary, NULL, &events, f);
    arena_defer(&x->arena, drop_form, f);
    http_receive(x, &f->sink);
    return NULL;
}
