/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/redu.md §6.8: one file in a form. Everything that is wrong with it is told in one reply, so a file that is refused for its
 * name or type is still read to its end, and dropped. Of several files the last one counts. */
#include "api/kit/upload.h"
#include "api/redu/handlers_priv.h"
#include "api/redu/json_priv.h"
#include "api/redu/mime_types_priv.h"
#include "core/file/file_name.h"
#include "core/reasons.h"
#include "core/space/folder.h"
#include "core/space/folder_file.h"
#include "http/multipart.h"

#define FRAMING_MAX ((int64_t)1 << 20)
#define FILE_FIELD S("file[content]")
enum {
    TYPE_MAX = 255, /* bytes; a link has it, and must stay shorter than a line of a request */
    FILES_MAX = 20  /* of one form: each is looked up, on a loop if the form is small */
};

struct file_upload {
    struct http_sink sink;
    struct http_exchange *x;
    struct multipart multipart;
    struct folder_upload into;
    struct intake *intake;     /* NULL: there is no file yet, or it is refused */
    struct redu_fields fields; /* what is wrong with the last file */
    bool in_file, has_file;
    int file_count;
    int64_t file_bytes; /* of the last file */
    int64_t body_bytes;
    struct file file; /* when it is stored */
};

static const char size_text[] = "must be between 0 and 104857600 bytes";

/* ---- the parts of the form ---- */

static err_t is_refusal(struct file_upload *u, err_t e, const char *field, const char *text)
{
    redu_add_field(&u->fields, field, text);
    (void)e;
    return NULL;
}

static err_t check_name(struct file_upload *u, const struct multipart_part *part, struct arena *a, slice *ret)
{
    err_t e = file_name_clean_long(part->filename, a, ret);
    if (err_is(e, ERR_TOO_LARGE))
        return is_refusal(u, e, "attachment_file_name", REDU_LONG);
    if (err_is(e, ERR_INVALID))
        return is_refusal(u, e, "attachment_file_name", REDU_WRONG);
    TRY(e);
    e = folder_upload_check(&u->into, *ret, -1, a);
    return err_reason(e) == REASON_FOLDER_FILE_TAKEN ? is_refusal(u, e, "attachment_file_name", REDU_TAKEN) : e;
}

static void check_type(struct file_upload *u, slice type)
{
    slice setting = redu_of(u->x)->options.mime_types;
    if (type.n > TYPE_MAX)
        redu_add_field(&u->fields, "attachment_content_type", REDU_LONG);
    if (!redu_may_upload_type(setting, type))
        redu_add_field(&u->fields, "attachment_content_type", redu_types_text(setting, &u->x->arena));
}

/* What came before is not the last one. */
static void drop_file(struct file_upload *u)
{
    intake_discard(u->intake);
    u->intake = NULL;
    u->fields = (struct redu_fields){ .count = 0 };
    u->has_file = false;
    u->file_bytes = 0;
}

static err_t begin_file(struct file_upload *u, const struct multipart_part *part, struct arena *a)
{
    struct http_exchange *x = u->x;
    const struct principal *who = redu_caller(x);
    struct intake_request request = { .account_id = who->account_id,
                                      .owner_id = who->user_id,
                                      .owner_login = who->login,
                                      .origin = REDU_PURPOSE,
                                      .content_type = part->content_type,
                                      .request_id = x->req.id,
                                      .grant = grant_of(who),
                                      .max_bytes = REDU_FILE_MAX,
                                      .exact_bytes = -1 };
    u->has_file = true;
    TRY(check_name(u, part, a, &request.name));
    check_type(u, part->content_type);
    if (u->fields.count)
        return NULL;
    folder_upload_into(&u->into, &request);
    return intake_open(redu_of(x)->core, &request, &x->arena, &u->intake);
}

static err_t begin_part(void *ctx, const struct multipart_part *part, struct arena *a)
{
    struct file_upload *u = ctx;
    bool is_content = part->has_name && slice_eq(part->name, FILE_FIELD);
    u->in_file = is_content && part->has_filename && part->filename.n;
    if (u->in_file && ++u->file_count > FILES_MAX)
        return redu_refuse(&u->x->arena, REDU_BAD_REQUEST);
    if (is_content)
        drop_file(u);
    return u->in_file ? begin_file(u, part, a) : NULL;
}

static err_t add_bytes(void *ctx, slice bytes, struct arena *a)
{
    struct file_upload *u = ctx;
    if (!u->in_file)
        return NULL;
    u->file_bytes += (int64_t)bytes.n;
    if (u->file_bytes > REDU_FILE_MAX) {
        intake_discard(u->intake);
        u->intake = NULL;
        redu_add_field(&u->fields, "attachment_file_size", size_text);
    }
    return u->intake ? intake_write(u->intake, bytes, a) : NULL;
}

static err_t end_part(void *ctx, struct arena *a)
{
    struct file_upload *u = ctx;
    (void)a;
    u->in_file = false;
    return NULL;
}

static const struct multipart_events events = { begin_part, add_bytes, end_part };

/* ---- the body ---- */

static err_t write_body(struct http_sink *sink, slice bytes)
{
    struct file_upload *u = CONTAINER_OF(sink, struct file_upload, sink);
    SCRATCH_OF(scratch, &u->x->arena);
    u->body_bytes += (int64_t)bytes.n;
    if (u->body_bytes > REDU_FILE_MAX + FRAMING_MAX)
        return redu_refuse(&u->x->arena, REDU_UPLOAD_TOO_LARGE);
    return err_copy(&u->x->arena, multipart_feed(&u->multipart, bytes, &scratch));
}

static void put_file(const struct redu_writer *w, struct json_out *o, const void *record, struct arena *a)
{
    redu_put_file(w, o, record, a);
}

static err_t reply_stored(struct http_exchange *x)
{
    const struct file_upload *u = x->work;
    struct folder_file file = { .file = u->file, .folder_id = u->into.folder_id, .space_id = u->into.space_id };
    return redu_reply(x, 201, redu_path_of("files", file.file.id, &x->arena), put_file, &file);
}

/* Runs on the committer's thread, for which other uploads wait: it only copies. */
static void take_stored(void *arg, err_t e, const struct file *file)
{
    struct file_upload *u = arg;
    struct http_exchange *x = u->x;
    if (e) {
        http_fail(x, e);
        return;
    }
    u->file = upload_copy(&x->arena, file);
    x->work = u;
    http_on_loop(x, reply_stored);
}

static err_t check_end(struct file_upload *u, struct arena *a)
{
    TRY(multipart_finish(&u->multipart, a));
    if (!u->has_file) {
        redu_add_field(&u->fields, "attachment", "não pode ficar vazio");
        redu_add_field(&u->fields, "attachment_file_name", "não pode ficar vazio");
    }
    return redu_refuse_fields(u->x, &u->fields);
}

static err_t finish_body(struct http_sink *sink, struct http_exchange *x, err_t e)
{
    struct file_upload *u = CONTAINER_OF(sink, struct file_upload, sink);
    if (!e)
        e = check_end(u, &x->arena);
    if (e) {
        intake_discard(u->intake);
        return e;
    }
    intake_finish(u->intake, take_stored, u);
    return NULL;
}

static bool body_blocks(struct http_sink *sink)
{
    struct file_upload *u = CONTAINER_OF(sink, struct file_upload, sink);
    return u->intake && intake_blocks(u->intake);
}

err_t redu_file_upload(struct http_exchange *x)
{
    struct core *core = redu_of(x)->core;
    struct folder folder;
    slice boundary;
    TRY(folder_find(core, redu_caller(x), PLACE_FILE, redu_path_id(x), &x->arena, &folder));
    if (x->req.content_length > REDU_FILE_MAX + FRAMING_MAX)
        return redu_refuse(&x->arena, REDU_UPLOAD_TOO_LARGE);
    struct file_upload *u = arena_new(&x->arena, struct file_upload);
    *u = (struct file_upload){ .sink = { write_body, finish_body, body_blocks },
                               .x = x,
                               .into = { core, redu_caller(x), folder.id, folder.space_id } };
    if (!multipart_boundary(http_header(&x->req, "Content-Type"), &boundary))
        return redu_refuse(&x->arena, REDU_BAD_REQUEST);
    multipart_init(&u->multipart, boundary, NULL, &events, u);
    http_receive(x, &u->sink);
    return NULL;
}
