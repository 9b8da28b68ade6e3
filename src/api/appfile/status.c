/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a file: docs/apis/appfile.md 7. */
#include "api/appfile/appfile_priv.h"
#include "api/appfile/handlers_priv.h"
#include "http/conditional.h"

static bool is_known_to_client(struct http_exchange *x, slice etag)
{
    const struct preconditions conditions = { .if_none_match = http_header(&x->req, "If-None-Match") };
    const struct validators now = { .exists = true, .etag = etag };
    return preconditions_check(&conditions, &now, true) == PRECONDITION_NOT_MODIFIED;
}

err_t appfile_file_status(struct http_exchange *x)
{
    struct core *core = appfile_of(x)->core;
    struct sync_file file;
    TRY(appfile_need(x, KEY_READER));
    TRY(sync_file_find(core, appfile_caller(x), x->req.params[0], &x->arena, &file));
    slice etag = appfile_etag(x, &file, core_now_ms(core));
    if (!is_known_to_client(x, etag))
        return appfile_show_file(x, &file, &(struct appfile_show){ file.handle, APPFILE_WORDS_STATE, true });
    http_reply_header(x, "ETag", etag);
    http_reply_header(x, "Cache-Control", S("private, no-cache"));
    http_reply(x, 304, NULL, S(""));
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
