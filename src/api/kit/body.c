/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/body.h"

#include "api/kit/form.h"

static const struct json empty_object = { .type = JS_OBJECT };

bool body_is_form(const struct http_request *req)
{
    slice type, parameters, body = slice_trim(req->body);
    slice_cut(http_header(req, "Content-Type"), ';', &type, &parameters);
    return slice_eq_nocase(slice_trim(type), S("application/x-www-form-urlencoded")) && !slice_starts(body, S("{"));
}

err_t body_read(struct http_exchange *x, const struct json **ret)
{
    slice body = slice_trim(x->req.body);
    const struct json *read = &empty_object;
    err_t e = NULL;
    if (body.n)
        e = body_is_form(&x->req) ? form_parse(body, &x->arena, &read) : json_parse(&x->arena, body, &read);
    if (err_is(e, ERR_EMPTY) || (!e && read->type == JS_NULL)) {
        read = &empty_object;
        e = NULL;
    }
    TRY(e);
    if (read->type != JS_OBJECT)
        return err_make(&x->arena, ERR_INVALID, "the body is no object");
    *ret = read;
    return NULL;
}
