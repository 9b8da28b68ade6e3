/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/upload.h"

struct upload {
    struct http_sink sink;
    struct http_exchange *x;
    struct core *core;
    struct intake *intake; /* NULL until the file begins */
    upload_reply_fn *reply;
    void *work;       /* of the exchange, before the upload began */
    struct file file; /* set once it is stored */
};

static bool upload_blocks(struct http_sink *sink)
{
    struct upload *u = CONTAINER_OF(sink, struct upload, sink);
    return u->intake && intake_blocks(u->intake);
}

static err_t reply_stored(struct http_exchange *x)
{
    struct upload *u = x->work;
    x->work = u->work;
    return u->reply(x, &u->file);
}

struct file upload_copy(struct arena *a, const struct file *file)
{
    struct file copy = *file;
    copy.owner_login = arena_copy(a, file->owner_login);
    copy.origin = arena_copy(a, file->origin);
    copy.name = arena_copy(a, file->name);
    copy.content_type = arena_copy(a, file->content_type);
    return copy;
}

/* Mostly runs on the committer's thread, for which other uploads wait. So it only copies; the loop writes the reply. */
static void take_stored(void *arg, err_t e, const struct file *file)
{
    struct upload *u = arg;
    struct http_exchange *x = u->x;
    if (e) {
        http_fail(x, e);
        return;
    }
    u->file = upload_copy(&x->arena, file);
    x->work = u;
    http_on_loop(x, reply_stored);
}

/* ---- the body is the file ---- */

static err_t write_body(struct http_sink *sink, slice bytes)
{
    struct upload *u = CONTAINER_OF(sink, struct upload, sink);
    SCRATCH(scratch);
    return err_copy(&u->x->arena, intake_write(u->intake, bytes, &scratch));
}

static err_t finish_body(struct http_sink *sink, struct http_exchange *x, err_t e)
{
    struct upload *u = CONTAINER_OF(sink, struct upload, sink);
    (void)x;
    if (e)
        intake_discard(u->intake);
    else
        intake_finish(u->intake, take_stored, u);
    return e;
}

err_t upload_body(struct http_exchange *x, struct core *core, const struct intake_request *request,
                  upload_reply_fn *reply)
{
    struct upload *u = arena_new(&x->arena, struct upload);
    *u = (struct upload){
        .sink = { write_body, finish_body, upload_blocks }, .x = x, .core = core, .reply = reply, .work = x->work
    };
    TRY(intake_open(core, request, &x->arena, &u->intake));
    http_receive(x, &u->sink);
    return NULL;
}

/* ---- a part of the body is the file ---- */

struct form_upload {
    struct upload upload;
    const struct upload_form *form;
    struct multipart multipart;
    bool in_file;
};

static err_t refuse_form(const struct upload_form *form, err_t cause, int reason, struct arena *a)
{
    return error_refuse_at(a, ERR_HERE, form->errors, cause, reason);
}

static err_t begin_form_part(void *ctx, const struct multipart_part *part, struct arena *a)
{
    struct form_upload *f = ctx;
    struct http_exchange *x = f->upload.x;
    f->in_file = part->has_filename;
    if (!part->has_filename)
        return NULL;
    if (f->upload.intake)
        return refuse_form(f->form, NULL, f->form->second_file, a);
    struct intake_request request = { .exact_bytes = -1 };
    TRY(f->form->begin(x, part, &request, a));
    return intake_open(f->upload.core, &request, &x->arena, &f->upload.intake);
}

static err_t write_form_part(void *ctx, slice bytes, struct arena *a)
{
    struct form_upload *f = ctx;
    return f->in_file ? intake_write(f->upload.intake, bytes, a) : NULL;
}

static err_t end_form_part(void *ctx, struct arena *a)
{
    struct form_upload *f = ctx;
    if (f->in_file && f->form->empty_file && intake_received(f->upload.intake) == 0)
        return refuse_form(f->form, NULL, f->form->empty_file, a);
    f->in_file = false;
    return NULL;
}

static const struct multipart_events form_events = { begin_form_part, write_form_part, end_form_part };

static err_t write_form(struct http_sink *sink, slice bytes)
{
    struct form_upload *f = CONTAINER_OF(sink, struct form_upload, upload.sink);
    SCRATCH_OF(scratch, &f->upload.x->arena); /* a body of many parts must not fill that of the exchange */
    return err_copy(&f->upload.x->arena, multipart_feed(&f->multipart, bytes, &scratch));
}

/* The whole body has come, and it has a file. */
static err_t check_form_end(struct form_upload *f, struct arena *a)
{
    TRY(multipart_finish(&f->multipart, a));
    return f->upload.intake ? NULL : refuse_form(f->form, NULL, f->form->no_file, a);
}

/* Not that it came too slowly, or that the server is busy: then the same form may be sent again. */
static bool is_fault_of_form(err_t e)
{
    int reason = err_reason(e);
    return reason == HTTP_REFUSE_MULTIPART || reason == HTTP_REFUSE_MALFORMED || reason == HTTP_REFUSE_BODY_CUT;
}

static err_t finish_form(struct http_sink *sink, struct http_exchange *x, err_t e)
{
    struct form_upload *f = CONTAINER_OF(sink, struct form_upload, upload.sink);
    if (!e)
        e = check_form_end(f, &x->arena);
    if (e) {
        intake_discard(f->upload.intake);
        return is_fault_of_form(e) && f->form->broken ? refuse_form(f->form, e, f->form->broken, &x->arena) : e;
    }
    intake_finish(f->upload.intake, take_stored, &f->upload);
    return NULL;
}

void upload_form(struct http_exchange *x, struct core *core, slice boundary, const struct upload_form *form)
{
    struct form_upload *f = arena_new(&x->arena, struct form_upload);
    f->upload = (struct upload){
        .sink = { write_form, finish_form, upload_blocks }, .x = x, .core = core, .reply = form->reply
    };
    f->form = form;
    multipart_init(&f->multipart, boundary, NULL, &form_events, f);
    http_receive(x, &f->upload.sink);
}
