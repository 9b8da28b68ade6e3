/* SPDX-License-Identifier: Apache-2.0 */
/* The link by which a file is read without a token: a signed GET of the object store (docs/apis/redu.md §7). */
#include "api/redu/json_priv.h"
#include "base/live.h"
#include "base/text.h"
#include "core/bucket/entry.h"
#include "core/file/file_name.h"
#include "core/space/folder_file.h"
#include "http/content_disposition.h"

#include <assert.h>

#define KEY_PREFIX "myfiles/attachments"
#define KEY_WORD "original"
static_assert(sizeof KEY_PREFIX "/9223372036854775807/" KEY_WORD "/" - 1 + FILE_NAME_LONG_MAX_BYTES <= ENTRY_KEY_MAX,
              "the key of a file fits into its limit, whatever the name");

slice redu_raw_link(const struct redu_writer *w, const struct file *f, struct arena *a)
{
    struct redu *r = w->r;
    slice key = folder_file_key(S(KEY_PREFIX), f, S(KEY_WORD), a), query;
    slice path =
        arena_printf(a, "/" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(r->bucket.name), SLICE_ARG(percent_encode(a, key, "/")));
    slice type = f->content_type.n ? f->content_type : S("application/octet-stream");
    slice disposition = content_disposition_format(S("inline"), f->name, a);
    const struct sign_pair params[] = {
        { S(LINK_USER_PARAM), link_user_format(w->who, a) },
        { S("response-content-disposition"), percent_encode(a, disposition, "") },
        { S("response-content-type"), percent_encode(a, type, "") },
    };
    const struct sign_pair headers[] = { { S("host"), w->storage_host } };
    const struct sign_request request = { S("GET"), path, params, LENGTH_OF(params), headers, LENGTH_OF(headers) };
    enum sign_fault fault =
        sigv4_sign_link(&r->signer, &request, LIVE(r->options.link_lifetime_ms) / 1000, w->now_ms, a, &query);
    assert(!fault);
    return arena_printf(a, SLICE_FMT SLICE_FMT "?" SLICE_FMT, SLICE_ARG(w->storage), SLICE_ARG(path), SLICE_ARG(query));
}
