/* SPDX-License-Identifier: Apache-2.0 */
/* An address names the version of all files, so what a browser has under it never changes. A page of another version of the
 * program gets 404 instead of files that do not fit together. */
#include "api/portal/assets_priv.h"
#include "api/portal/portal_priv.h"

slice portal_asset_path(const char *name, struct arena *a)
{
    return arena_printf(a, PORTAL_ASSETS_PATH "%s/%s", portal_assets_version, name);
}

static bool takes_gzip(const struct http_exchange *x)
{
    slice rest = http_header(&x->req, "Accept-Encoding"), coding;
    while (rest.n) {
        slice_cut(rest, ',', &coding, &rest);
        if (slice_eq_nocase(slice_trim(coding), S("gzip"))) /* with a weight it is rare, and plain is always right */
            return true;
    }
    return false;
}

err_t portal_send_asset(struct http_exchange *x)
{
    const struct portal_asset *found = NULL;
    for (size_t i = 0; i < portal_asset_count; i++)
        if (slice_eq(x->req.params[1], slice_of(portal_assets[i].name)))
            found = &portal_assets[i];
    if (!found || !slice_eq(x->req.params[0], slice_of(portal_assets_version)))
        return portal_refuse(&x->arena, PORTAL_NOT_FOUND);
    bool gzip = takes_gzip(x);
    if (gzip)
        http_reply_header(x, "Content-Encoding", S("gzip"));
    http_reply_header(x, "Vary", S("Accept-Encoding"));
    http_reply_header(x, "Cache-Control", S("public, max-age=31536000, immutable"));
    http_reply_header(x, "Content-Security-Policy", S("default-src 'none'")); /* for the script that is a worker */
    http_reply_header(x, "X-Content-Type-Options", S("nosniff"));
    http_reply_header(x, "Cross-Origin-Resource-Policy", S("same-origin"));
    http_reply(x, 200, found->type, gzip ? found->gzip : found->plain);
    return NULL;
}
