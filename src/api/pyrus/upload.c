/* SPDX-License-Identifier: Apache-2.0 */
/* An upload: the multipart parser feeds the bytes of the one file part to an intake. Errors that the head of the
 * request already shows are refused before the first byte of the body, and before "100 Continue".
 *
 *   head ──► part with a file name ──► its bytes ──► its end ──► other parts ──► closing boundary ──► intake_finish
 *              a second file part, or any error anywhere: intake_discard, nothing is kept
 *
 * The file is committed only after the closing boundary. Nothing of a body that is cut short, or has a second file, is
 * kept. */
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/handlers_priv.h"
#include "api/pyrus/json_priv.h"
#include "base/text.h"
#include "core/file/file_name.h"
#include "core/object/intake.h"
#include "core/records/file.h"
#include "http/multipart.h"

#include <string.h>

struct pyrus_upload_state {
    struct http_sink sink;
    struct http_exchange *x;
    struct multipart multipart;
    struct intake *intake; /* NULL until the file part begins */
    bool in_file;
    unsigned char uuid[16], md5[MD5_SIZE]; /* set once the file is stored */
};

static err_t begin_form_part(void *ctx, const struct multipart_part *part, struct arena *a)
{
    struct pyrus_upload_state *u = ctx;
    struct pyrus *p = pyrus_of(u->x);
    const struct principal *who = pyrus_caller(u->x);
    u->in_file = part->has_filename;
    if (!part->has_filename)
        return NULL;
    if (u->intake)
        return pyrus_refuse(a, PYRUS_BAD_MULTIPART_CONTENT);
    slice name;
    err_t e = file_name_clean(part->filename, a, &name);
    if (err_is(e, ERR_TOO_LARGE))
        return pyrus_refuse_because(a, e, PYRUS_MAX_FILE_NAME_LENGTH_EXCEEDED);
    if (e)
        return pyrus_refuse_because(a, e, PYRUS_BAD_MULTIPART_CONTENT);
    struct intake_request order = {
        .account_id = who->account_id,
        .owner_id = who->user_id,
        .owner_login = who->login,
        .origin = PYRUS_PURPOSE,
        .name = name,
        .request_id = who->request_id,
        .max_bytes = p->options.max_file_size_bytes,
        .exact_bytes = -1,
        .purge_after_ms = p->options.purge_after_ms,
    };
    return intake_open(p->core, &order, &u->x->arena, &u->intake);
}

static err_t write_form_part(void *ctx, slice bytes, struct arena *a)
{
    struct pyrus_upload_state *u = ctx;
    return u->in_file ? intake_write(u->intake, bytes, a) : NULL;
}

static err_t end_form_part(void *ctx, struct arena *a)
{
    struct pyrus_upload_state *u = ctx;
    if (u->in_file && intake_received(u->intake) == 0)
        return pyrus_refuse(a, PYRUS_EMPTY_FILE);
    u->in_file = false;
    return NULL;
}

static const struct multipart_events part_events = { begin_form_part, write_form_part, end_form_part };

static err_t write_pyrus_upload(struct http_sink *sink, slice bytes)
{
    struct pyrus_upload_state *u = CONTAINER_OF(sink, struct pyrus_upload_state, sink);
    SCRATCH(scratch); /* a body of many parts must not fill the exchange's arena */
    return err_copy(&u->x->arena, multipart_feed(&u->multipart, bytes, &scratch));
}

static bool pyrus_upload_blocks(struct http_sink *sink)
{
    struct pyrus_upload_state *u = CONTAINER_OF(sink, struct pyrus_upload_state, sink);
    return u->intake && intake_blocks(u->intake);
}

static err_t reply_guid(struct http_exchange *x)
{
    const struct pyrus_upload_state *u = x->work;
    SCOPED(buf_releasep) struct buf body;
    buf_init(&body, 0);
    struct json_out out;
    json_out_init(&out, &body);
    json_open_object(&out);
    json_put_string(&out, "guid", uuid_format(&x->arena, u->uuid));
    json_put_string(&out, "md5_hash", pyrus_md5(pyrus_of(x), &x->arena, u->md5));
    json_close_object(&out);
    pyrus_reply(x, &body);
    return NULL;
}

/* Mostly runs on the committer's thread, for which other uploads wait. So it only copies; the loop writes the reply. */
static void take_stored_file(void *arg, err_t e, const struct file *file)
{
    struct pyrus_upload_state *u = arg;
    struct http_exchange *x = u->x;
    if (e) {
        http_fail(x, e);
        return;
    }
    memcpy(u->uuid, file->uuid, sizeof u->uuid);
    memcpy(u->md5, file->md5, sizeof u->md5);
    x->work = u;
    http_on_loop(x, reply_guid);
}

/* The whole body has come, and it has a file. */
static err_t check_body_end(struct pyrus_upload_state *u, struct arena *a)
{
    TRY(multipart_finish(&u->multipart, a));
    return u->intake ? NULL : pyrus_refuse(a, PYRUS_NO_FILE_IN_REQUEST);
}

static err_t finish_pyrus_upload(struct http_sink *sink, struct http_exchange *x, err_t e)
{
    struct pyrus_upload_state *u = CONTAINER_OF(sink, struct pyrus_upload_state, sink);
    if (!e)
        e = check_body_end(u, &x->arena);
    if (e) {
        intake_discard(u->intake);
        /* a body that is cut short, or whose chunks are malformed, is not multipart */
        return http_refusal_of(e) ? pyrus_refuse_because(&x->arena, e, PYRUS_BAD_MULTIPART_CONTENT) : e;
    }
    intake_finish(u->intake, take_stored_file, u);
    return NULL;
}

err_t pyrus_upload(struct http_exchange *x)
{
    slice boundary;
    if (!multipart_boundary(http_header(&x->req, "Content-Type"), &boundary))
        return pyrus_refuse(&x->arena, PYRUS_BAD_MULTIPART_CONTENT);
    int64_t max_bytes = (int64_t)pyrus_of(x)->options.max_file_size_bytes + PYRUS_FRAMING_MAX;
    if (x->req.content_length > max_bytes)
        return pyrus_refuse(&x->arena, PYRUS_TOO_LARGE_REQUEST_LENGTH);
    /* A full disk or a used-up quota is reported before the body is sent. The multipart framing is not counted: the
     * file may be smaller than the body by that much. The length of a chunked body is unknown; only the limit of files
     * and the reserve of free space are checked then. */
    int64_t min_bytes = x->req.content_length - PYRUS_FRAMING_MAX;
    TRY(intake_check_room(pyrus_of(x)->core, pyrus_caller(x)->account_id, min_bytes > 0 ? (uint64_t)min_bytes : 0,
                          &x->arena));
    struct pyrus_upload_state *u = arena_new(&x->arena, struct pyrus_upload_state);
    u->sink = (struct http_sink){ write_pyrus_upload, finish_pyrus_upload, pyrus_upload_blocks };
    u->x = x;
    multipart_init(&u->multipart, boundary, NULL, &part_events, u);
    http_receive(x, &u->sink);
    return NULL;
}
