/* SPDX-License-Identifier: Apache-2.0 */
/* An upload. Errors that the head of the request already shows are refused before the first byte of the body, and before
 * "100 Continue"; api/kit/upload.h describes the rest. */
#include "api/kit/upload.h"
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/handlers_priv.h"
#include "api/pyrus/json_priv.h"
#include "base/live.h"
#include "base/text.h"
#include "core/file/file_name.h"

static err_t begin_file(struct http_exchange *x, const struct multipart_part *part, struct intake_request *ret,
                        struct arena *a)
{
    struct pyrus *p = pyrus_of(x);
    const struct principal *who = pyrus_caller(x);
    slice name;
    err_t e = file_name_clean(part->filename, a, &name);
    if (err_is(e, ERR_TOO_LARGE))
        return pyrus_refuse_because(a, e, PYRUS_MAX_FILE_NAME_LENGTH_EXCEEDED);
    if (e)
        return pyrus_refuse_because(a, e, PYRUS_BAD_MULTIPART_CONTENT);
    *ret = (struct intake_request){
        .account_id = who->account_id,
        .owner_id = who->user_id,
        .owner_login = who->login,
        .grant = grant_of(who),
        .origin = PYRUS_PURPOSE,
        .name = name,
        .request_id = who->request_id,
        .max_bytes = LIVE(p->options.max_file_size_bytes),
        .exact_bytes = -1,
        .purge_after_ms = LIVE(p->options.purge_after_ms),
    };
    return NULL;
}

static err_t reply_guid(struct http_exchange *x, const struct file *file)
{
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_string(&reply.out, "guid", uuid_format(&x->arena, file->uuid));
    json_put_string(&reply.out, "md5_hash", pyrus_md5(pyrus_of(x), &x->arena, file->md5));
    json_close_object(&reply.out);
    pyrus_reply(&reply);
    return NULL;
}

/* A body that is cut short, or whose chunks are malformed, is not multipart. */
static const struct upload_form form = { .begin = begin_file,
                                         .reply = reply_guid,
                                         .errors = &pyrus_errors,
                                         .second_file = PYRUS_BAD_MULTIPART_CONTENT,
                                         .empty_file = PYRUS_EMPTY_FILE,
                                         .no_file = PYRUS_NO_FILE_IN_REQUEST,
                                         .broken = PYRUS_BAD_MULTIPART_CONTENT };

err_t pyrus_upload(struct http_exchange *x)
{
    slice boundary;
    if (!multipart_boundary(http_header(&x->req, "Content-Type"), &boundary))
        return pyrus_refuse(&x->arena, PYRUS_BAD_MULTIPART_CONTENT);
    int64_t max_bytes = (int64_t)LIVE(pyrus_of(x)->options.max_file_size_bytes) + PYRUS_FRAMING_MAX;
    if (x->req.content_length > max_bytes)
        return pyrus_refuse(&x->arena, PYRUS_TOO_LARGE_REQUEST_LENGTH);
    /* A full disk or a used-up quota is reported before the body is sent. The multipart framing is not counted: the
     * file may be smaller than the body by that much. The length of a chunked body is unknown; only the limit of files
     * and the reserve of free space are checked then. */
    int64_t min_bytes = x->req.content_length - PYRUS_FRAMING_MAX;
    TRY(intake_check_room(pyrus_of(x)->core, pyrus_caller(x), min_bytes > 0 ? (uint64_t)min_bytes : 0, &x->arena));
    upload_form(x, pyrus_of(x)->core, boundary, &form);
    return NULL;
}
