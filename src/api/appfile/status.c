/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a file: docs/apis/appfile.md 7. */
#include "api/appfile/appfile_priv.h"
#include "api/appfile/handlers_priv.h"
#include "http/conditional.h"

/* A reply with a link is good for a part of the life of the link: a client that keeps the reply, because it is told that nothing has
 * changed, must be able to use the link. */
#define LINK_PARTS 3

static slice make_etag(struct http_exchange *x, const struct sync_file *f, int64_t now_ms)
{
    int64_t part = f->file_id ? now_ms / (appfile_of(x)->options.url_lifetime_ms / LINK_PARTS) : 0;
    return arena_printf(&x->arena, "\"" SLICE_FMT "-%lld-%s-%lld\"", SLICE_ARG(f->handle), (long long)f->revision,
                        appfile_state_name(sync_file_state(f, now_ms)), (long long)part);
}

static bool is_known_to_client(struct http_exchange *x, slice etag)
{
    const struct preconditions conditions = { .if_none_match = http_header(&x->req, "If-None-Match") };
    const struct validators now = { .exists = true, .etag = etag };
    return preconditions_check(&conditions, &now, true) == PRECONDITION_NOT_MODIFIED;
}

err_t appfile_file_status(struct http_exchange *x)
{
    struct appfile *f = appfile_of(x);
    struct sync_file file;
    TRY(appfile_need(x, KEY_READER));
    TRY(sync_file_find(f->core, appfile_caller(x), x->req.params[0], &x->arena, &file));
    int64_t now_ms = core_now_ms(f->core);
    slice etag = make_etag(x, &file, now_ms);
    http_reply_header(x, "ETag", etag);
    http_reply_header(x, "Cache-Control", S("private, no-cache"));
    if (is_known_to_client(x, etag)) {
        http_reply(x, 304, NULL, S(""));
        return NULL;
    }
    bool has_expired = sync_file_state(&file, now_ms) == SYNC_EXPIRED;
    const struct error_row *expired = &appfile_errors.rows[APPFILE_URL_EXPIRED - ERR_REASONS_API];
    slice url = file.file_id ? appfile_link(x, "GET", &file, now_ms) : S("");
    struct json_reply reply;
    json_reply_begin(&reply, x);
    appfile_open_envelope(&reply.out, !has_expired, has_expired ? expired : NULL);
    json_name(&reply.out, "Data");
    json_open_object(&reply.out);
    appfile_put_file(x, &reply.out, &file, url);
    json_close_object(&reply.out);
    json_close_object(&reply.out);
    appfile_reply(&reply, 200);
    return NULL;
}

/* The rights of a key are asked for with each request, so there is nothing to forget. */
err_t appfile_refresh(struct http_exchange *x)
{
    struct json_reply reply;
    TRY(appfile_need(x, KEY_READER));
    json_reply_begin(&reply, x);
    appfile_open_envelope(&reply.out, true, NULL);
    appfile_put_null(&reply.out, "Data");
    json_close_object(&reply.out);
    appfile_reply(&reply, 200);
    return NULL;
}
