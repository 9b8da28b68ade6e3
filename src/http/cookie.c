/* SPDX-License-Identifier: Apache-2.0 */
#include "http/cookie.h"

static slice without_quotes(slice value)
{
    bool quoted = value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"';
    return quoted ? slice_part(value, 1, value.n - 2) : value;
}

/* Adds the cookies of that name in one header. False: there are two different ones. */
static bool find_in_header(slice header, slice name, slice *found)
{
    while (header.n) {
        slice pair, have, value;
        slice_cut(header, ';', &pair, &header);
        if (!slice_cut(pair, '=', &have, &value) || !slice_eq(slice_trim(have), name))
            continue;
        value = without_quotes(slice_trim(value));
        if (found->p && !slice_eq_secret(*found, value))
            return false;
        *found = value;
    }
    return true;
}

slice cookie_find(const struct http_request *req, slice name)
{
    slice found = { 0 };
    for (size_t i = 0; i < req->header_count; i++)
        if (slice_eq_nocase(req->headers[i].name, S("Cookie")) && !find_in_header(req->headers[i].value, name, &found))
            return (slice){ 0 };
    return found;
}
