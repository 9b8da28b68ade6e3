/* SPDX-License-Identifier: Apache-2.0 */
#include "api/appfile/members.h"

#include "api/appfile/appfile_priv.h"

err_t appfile_read_body(struct http_exchange *x, const struct json **ret)
{
    const struct json *body;
    err_t e = json_parse_exact(&x->arena, x->req.body, &body);
    if (err_is(e, ERR_INVALID) || err_is(e, ERR_EMPTY))
        return appfile_refuse_because(&x->arena, e, APPFILE_INVALID_JSON);
    TRY(e);
    if (body->type != JS_OBJECT)
        return appfile_refuse(&x->arena, APPFILE_INVALID_JSON);
    *ret = body;
    return NULL;
}

const struct json *appfile_member(const struct json *object, const char *name)
{
    const struct json *found = NULL;
    JSON_EACH(member, object)
        if (slice_eq_nocase(member->name, slice_of(name)))
            found = member;
    return json_absent(found) ? NULL : found;
}

bool appfile_text(const struct json *j, slice *ret)
{
    if (!json_is(j, JS_STRING) && !json_is(j, JS_INT) && !json_is(j, JS_REAL))
        return false;
    *ret = j->string;
    return true;
}
