/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/upload_url.h"

#include "base/text.h"

#define NAME_SPACE "cais"
#define BUCKET "datasnap"

/* The object names under a permission begin with it. */
static slice object_prefix(const struct upload_prefix *p, slice slug, struct arena *a)
{
    return arena_printf(a, "t%lld/" SLICE_FMT "/%lld", (long long)p->account_id, SLICE_ARG(slug), (long long)p->id);
}

slice upload_url_path(slice secret, const struct upload_prefix *p, slice slug, struct arena *a)
{
    return arena_printf(a, UPLOAD_URL_ROOT "/" SLICE_FMT "/n/" NAME_SPACE "/b/" BUCKET "/o/" SLICE_FMT,
                        SLICE_ARG(secret), SLICE_ARG(object_prefix(p, slug, a)));
}

bool upload_path_split(slice path, struct arena *a, struct upload_path *ret)
{
    enum { NOTHING, ROOT, SECRET, N, NAME_SPACE_AT, B, BUCKET_AT, O, FIXED };
    static const char *const literals[FIXED] = { [NOTHING] = "", [ROOT] = "p", [N] = "n", [B] = "b", [O] = "o" };
    slice parts[FIXED], rest = path;
    bool more = true;
    for (int i = 0; i < FIXED; i++) {
        slice segment;
        if (!more)
            return false;
        more = slice_cut(rest, '/', &segment, &rest);
        if (!percent_decode(a, segment, false, &parts[i]) ||
            (literals[i] ? !slice_eq(parts[i], slice_of(literals[i])) : parts[i].n == 0))
            return false;
    }
    *ret = (struct upload_path){ parts[SECRET], parts[NAME_SPACE_AT], parts[BUCKET_AT], rest };
    return true;
}

/* A client may put a slash before its name although the URL ends in one. */
static slice fold_slashes(slice text, struct arena *a)
{
    char *out = arena_alloc(a, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '/' || (n && out[n - 1] != '/'))
            out[n++] = text.p[i];
    return (slice){ out, n };
}

enum upload_path_check upload_path_compare(const struct upload_path *path, const struct upload_prefix *p, slice slug,
                                           struct arena *a, slice *ret_name)
{
    slice object, prefix = object_prefix(p, slug, a);
    if (!slice_eq(path->name_space, S(NAME_SPACE)) || !slice_eq(path->bucket, S(BUCKET)))
        return UPLOAD_PATH_OTHER;
    if (!percent_decode(a, path->object, false, &object))
        return UPLOAD_PATH_MALFORMED;
    object = fold_slashes(object, a);
    if (!slice_starts(object, prefix) || (object.n > prefix.n && object.p[prefix.n] != '/'))
        return UPLOAD_PATH_OTHER;
    *ret_name = slice_from(object, prefix.n + 1);
    return UPLOAD_PATH_OK;
}
