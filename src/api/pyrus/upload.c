/* SPDX-License-Identifier: Apache-2.0 */
/* One file in: multipart → intake. What the head can tell is judged before the first byte (and before "100 Continue").
 *
 *   head ──► part with a file name ──► its bytes ──► its end ──► other parts ──► closing boundary ──► intake_finish
 *              a second one, or anything broken anywhere: intake_discard, nothing is left
 *
 * The file is committed only after the closing boundary: a body cut short, or with a second file, keeps nothing. */
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/handlers_priv.h"
#include "api/pyrus/json_priv.h"
#include "base/text.h"
#include "core/file/file_name.h"
#include "core/object/intake.h"
#include "core/records/file.h"
#include "http/multipart.h"

#include <string.h>

struct arrival {
    struct http_sink sink;
    struct http_exchange *x;
    struct multipart multipart;
    struct intake *intake; /* NULL until the file part begins */
    bool in_file;
    enum pyrus_error error;                /* which refusal an error stands for; PYRUS_NONE: as the table says */
    unsigned char uuid[16], md5[MD5_SIZE]; /* once it is stored */
};

static err_t refuse(struct arrival *u, enum pyrus_error error, struct arena *a)
{
    u->error = error;
    return err_make(a, ERR_INVALID, "%s", pyrus_vendor_errors[error].text);
}

static err_t begin(void *ctx, const struct multipart_part *part, struct arena *a)
{
    struct arrival *u = ctx;
    struct pyrus *p = pyrus_of(u->x);
    const struct principal *who = pyrus_caller(u->x);
    u->in_file = part->has_filename;
    if (!part->has_filename)
        return NULL;
    if (u->intake)
        return refuse(u, PYRUS_BAD_MULTIPART_CONTENT, a);
    slice name;
    err_t e = file_name_clean(part->filename, a, &name);
    if (err_is(e, ERR_TOO_LARGE))
        return refuse(u, PYRUS_MAX_FILE_NAME_LENGTH_EXCEEDED, a);
    TRY(e);
    struct intake_order order = {
        .account_id = who->account_id,
        .owner_id = who->user_id,
        .owner_login = who->login,
        .way = PYRUS_WAY,
        .name = name,
        .request_id = who->request_id,
        .max_bytes = p->options.max_file_size_bytes,
        .exact_bytes = -1,
        .purge_after_ms = p->options.purge_after_ms,
    };
    return intake_open(p->core, &order, &u->x->arena, &u->intake);
}

static err_t data(void *ctx, slice bytes, struct arena *a)
{
    struct arrival *u = ctx;
    return u->in_file ? intake_write(u->intake, bytes, a) : NULL;
}

static err_t end(void *ctx, struct arena *a)
{
    struct arrival *u = ctx;
    if (u->in_file && intake_received(u->intake) == 0)
        return refuse(u, PYRUS_EMPTY_FILE, a);
    u->in_file = false;
    return NULL;
}

static const struct multipart_events events = { begin, data, end };

static err_t sink_write(struct http_sink *sink, slice bytes)
{
    struct arrival *u = CONTAINER_OF(sink, struct arrival, sink);
    SCRATCH(scratch); /* a body of many parts must not fill the exchange's arena */
    return err_copy(&u->x->arena, multipart_feed(&u->multipart, bytes, &scratch));
}

static bool sink_blocks(struct http_sink *sink)
{
    struct arrival *u = CONTAINER_OF(sink, struct arrival, sink);
    return u->intake && intake_blocks(u->intake);
}

static void answer(struct http_exchange *x)
{
    const struct arrival *u = x->work;
    SCOPED(buf_releasep) struct buf body;
    buf_init(&body, 0);
    struct json_out out;
    json_out_init(&out, &body);
    json_open_object(&out);
    json_put_string(&out, "guid", uuid_format(&x->arena, u->uuid));
    json_put_string(&out, "md5_hash", pyrus_md5(pyrus_of(x), &x->arena, u->md5));
    json_close_object(&out);
    pyrus_reply(x, &body);
}

/* Mostly on the committer's thread, which has other uploads to commit: the answer is written on the loop. */
static void stored(void *arg, err_t e, const struct file *file)
{
    struct arrival *u = arg;
    struct http_exchange *x = u->x;
    if (e) {
        pyrus_fail_err(x, e);
        return;
    }
    memcpy(u->uuid, file->uuid, sizeof u->uuid);
    memcpy(u->md5, file->md5, sizeof u->md5);
    x->work = u;
    http_on_loop(x, answer);
}

/* Everything but success: which of the vendor's codes it is. */
static void fail_upload(struct arrival *u, err_t e)
{
    struct http_exchange *x = u->x;
    enum pyrus_error error = u->error;
    intake_discard(u->intake);
    if (!error && e->code == ERR_TOO_LARGE && !u->in_file)
        error = PYRUS_BAD_MULTIPART_CONTENT; /* parts or their headers, not the file */
    if (!error && e->code == ERR_INVALID)
        error = PYRUS_BAD_MULTIPART_CONTENT;
    if (error)
        pyrus_fail(x, error);
    else
        pyrus_fail_err(x, e);
}

static void sink_finish(struct http_sink *sink, struct http_exchange *x, err_t e)
{
    struct arrival *u = CONTAINER_OF(sink, struct arrival, sink);
    if (!e)
        e = multipart_finish(&u->multipart, &x->arena);
    if (!e && !u->intake)
        e = refuse(u, PYRUS_NO_FILE_IN_REQUEST, &x->arena);
    if (e)
        fail_upload(u, e);
    else
        intake_finish(u->intake, stored, u);
}

void pyrus_upload(struct http_exchange *x)
{
    slice boundary;
    if (!multipart_boundary(http_header(&x->req, "Content-Type"), &boundary)) {
        pyrus_fail(x, PYRUS_BAD_MULTIPART_CONTENT);
        return;
    }
    int64_t most = (int64_t)pyrus_of(x)->options.max_file_size_bytes + PYRUS_HEAD_SPARE;
    if (x->req.content_length > most) {
        pyrus_fail(x, PYRUS_TOO_LARGE_REQUEST_LENGTH);
        return;
    }
    /* A full disk or quota is told before the body; what the multipart frame takes of its length is forgiven. Of a
     * chunked body only one thing is known: it brings a file. */
    int64_t least = x->req.content_length - PYRUS_HEAD_SPARE;
    err_t e =
        intake_check_room(pyrus_of(x)->core, pyrus_caller(x)->account_id, least > 0 ? (uint64_t)least : 0, &x->arena);
    if (e) {
        pyrus_fail_err(x, e);
        return;
    }
    struct arrival *u = arena_new(&x->arena, struct arrival);
    u->sink = (struct http_sink){ sink_write, sink_finish, sink_blocks };
    u->x = x;
    multipart_init(&u->multipart, boundary, NULL, &events, u);
    http_receive(x, &u->sink);
}
