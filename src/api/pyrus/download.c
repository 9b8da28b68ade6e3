/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads: by attachment id for every user who sees the task, by GUID only for the user who uploaded the file. The
 * type is always application/octet-stream: two clients would parse application/json as a reply of the API, and a
 * browser must not run what a user uploaded. */
#include "api/kit/content_reply.h"
#include "api/kit/record_id.h"
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/handlers_priv.h"
#include "api/pyrus/json_priv.h"
#include "base/text.h"
#include "core/file/file.h"
#include "core/records/reference.h"
#include "core/task/task.h"
#include "http/target.h"

static err_t reply_with_content(struct http_exchange *x, struct content_reply *d, slice name)
{
    struct arena *a = &x->arena;
    const struct content *content = &d->content;
    slice md5 = pyrus_md5(pyrus_of(x), a, content->md5);
    content_reply_attach(x, d, name, S("application/octet-stream"));
    d->http.etag = arena_printf(a, "\"" SLICE_FMT "\"", SLICE_ARG(md5));
    http_reply_content(x, &d->http);
    return NULL;
}

static err_t reply_with_attachment(struct http_exchange *x, int64_t id)
{
    struct content_reply *d = arena_new(&x->arena, struct content_reply);
    struct reference reference;
    TRY(reference_open(pyrus_of(x)->core, pyrus_caller(x), id, &x->arena, &reference, &d->content));
    return reply_with_content(x, d, reference.name);
}

/* Only for the uploader: core would let an administrator open the file, too, but a GUID is known only from the
 * upload. */
static err_t reply_with_upload(struct http_exchange *x, const unsigned char uuid[16])
{
    struct content_reply *d = arena_new(&x->arena, struct content_reply);
    struct file f;
    TRY(file_open(pyrus_of(x)->core, pyrus_caller(x), uuid, &x->arena, &f, &d->content));
    if (f.owner_id == pyrus_caller(x)->user_id)
        return reply_with_content(x, d, f.name);
    content_close(&d->content);
    return pyrus_refuse(&x->arena, PYRUS_ACCESS_DENIED_FILE);
}

static err_t download_by_id(struct http_exchange *x, slice id)
{
    unsigned char uuid[16];
    if (record_id_is_number(id))
        return reply_with_attachment(x, record_id(id, PYRUS_ID_MAX));
    if (uuid_parse(id, uuid))
        return reply_with_upload(x, uuid);
    return pyrus_refuse(&x->arena, PYRUS_INVALID_VALUE_FORMAT);
}

err_t pyrus_download(struct http_exchange *x)
{
    return download_by_id(x, x->req.params[0]);
}

/* /services/attachment?Id=5021. Other parameters (ispreview, download) are ignored. */
err_t pyrus_download_by_query(struct http_exchange *x)
{
    struct query query;
    slice id;
    if (query_parse(x->req.query, &x->arena, &query) || !query_get(&query, S("Id"), QUERY_NOCASE, &id))
        return pyrus_refuse(&x->arena, PYRUS_INVALID_VALUE_FORMAT);
    return download_by_id(x, id);
}
