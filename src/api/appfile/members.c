/* SPDX-License-Identifier: Apache-2.0 */
#include "api/appfile/members.h"

#include "core/sync/workspace.h"

err_t appfile_parse(struct http_exchange *x, slice text, struct arena *a, const struct json **ret)
{
    const struct json *body;
    err_t e = err_copy(&x->arena, json_parse_exact(a, text, &body));
    if (err_is(e, ERR_INVALID) || err_is(e, ERR_EMPTY))
        return appfile_refuse_because(&x->arena, e, APPFILE_INVALID_JSON);
    TRY(e);
    if (body->type != JS_OBJECT)
        return appfile_refuse(&x->arena, APPFILE_INVALID_JSON);
    *ret = body;
    return NULL;
}

err_t appfile_read_body(struct http_exchange *x, const struct json **ret)
{
    return appfile_parse(x, x->req.body, &x->arena, ret);
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

slice appfile_read_text(const struct json *body, const char *name, size_t max, struct appfile_field_errors *errors)
{
    const struct json *member = appfile_member(body, name);
    slice text = S("");
    if (member && !appfile_text(member, &text))
        appfile_add_field_error(errors, name, APPFILE_INVALID, "It must be a string.");
    if (slice_characters(text, max).n < text.n)
        appfile_add_field_error(errors, name, APPFILE_TOO_LONG, "It is too long.");
    return text;
}

slice appfile_read_name(const struct json *body, const char *name, struct appfile_field_errors *errors)
{
    slice text = appfile_read_text(body, name, SYNC_NAME_MAX, errors);
    if (text.n && !sync_name_is_valid(text))
        appfile_add_field_error(errors, name, APPFILE_INVALID, "It must be printable characters without a slash.");
    return text;
}

struct section_names appfile_read_section(struct http_exchange *x, const struct json *body,
                                          struct appfile_field_errors *errors)
{
    slice workspace = http_header(&x->req, "X-Param-Override-WorkspaceId");
    slice section = http_header(&x->req, "X-Param-Override-BucketId");
    slice own_workspace = appfile_read_name(body, "WorkspaceId", errors);
    slice own_section = appfile_read_name(body, "BucketId", errors);
    return (struct section_names){ workspace.n ? workspace : own_workspace, section.n ? section : own_section };
}

bool appfile_flag(const struct json *j, bool *ret)
{
    bool is_true = json_is(j, JS_STRING) ? slice_eq_nocase(j->string, S("true")) : json_is(j, JS_BOOL) && j->boolean;
    *ret = is_true;
    return json_is(j, JS_BOOL) || is_true || (json_is(j, JS_STRING) && slice_eq_nocase(j->string, S("false")));
}
