/* SPDX-License-Identifier: Apache-2.0 */
/* Source: docs/apis/appfile.md 2: host alone is signed, and the payload is not, so that a link works with whatever headers an
 * HTTP client sends. */
#include "api/appfile/appfile_priv.h"
#include "base/live.h"
#include "base/text.h"
#include "http/content_disposition.h"

#include <assert.h>

slice appfile_link(struct http_exchange *x, const char *method, const struct sync_file *file, int64_t at_ms)
{
    struct appfile *f = appfile_of(x);
    struct arena *a = &x->arena;
    slice host, query, origin = link_storage_origin(f->links, f->options.storage_url, &x->req, a, &host);
    slice path = arena_printf(a, "/" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(f->bucket.name),
                              SLICE_ARG(percent_encode(a, file->key, "/")));
    bool reads = slice_eq(slice_of(method), S("GET"));
    slice disposition = content_disposition_format(S("attachment"), file->name, a);
    const struct sign_pair params[] = {
        { S(LINK_USER_PARAM), link_user_format(appfile_caller(x), a) },
        { S("response-content-disposition"), percent_encode(a, disposition, "") },
    };
    const struct sign_pair headers[] = { { S("host"), host } };
    const struct sign_request request = { slice_of(method),   path, params, reads ? LENGTH_OF(params) : 1, headers,
                                          LENGTH_OF(headers), S("") };
    enum sign_fault fault =
        sigv4_sign_link(&f->signer, &request, LIVE(f->options.url_lifetime_ms) / 1000, at_ms, a, &query);
    assert(!fault);
    return arena_printf(a, SLICE_FMT SLICE_FMT "?" SLICE_FMT, SLICE_ARG(origin), SLICE_ARG(path), SLICE_ARG(query));
}
