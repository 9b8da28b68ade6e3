/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for all replies: a field without a value is left out, and so is an empty array; null is never written, because
 * one client crashes on it; dates are UTC without fractions of a second; ids are numbers, digests are strings. */
#include "api/pyrus/json_priv.h"
#include "api/pyrus/rate_priv.h"
#include "base/live.h"
#include "base/text.h"

#include <ctype.h>

err_t pyrus_read_body(struct http_exchange *x, const struct json **ret_body)
{
    struct arena *a = &x->arena;
    const struct json *body;
    err_t e = json_parse(a, x->req.body, &body);
    if (err_is(e, ERR_EMPTY))
        return pyrus_refuse_because(a, e, PYRUS_EMPTY_BODY);
    if (err_is(e, ERR_TOO_LARGE))
        return pyrus_refuse_because(a, e, PYRUS_TOO_LARGE_REQUEST_LENGTH);
    if (e || body->type != JS_OBJECT)
        return pyrus_refuse_because(a, e, PYRUS_INVALID_JSON);
    *ret_body = body;
    return NULL;
}

void pyrus_reply(struct json_reply *reply)
{
    if (!reply->x->principal)
        pyrus_add_fresh_rate(reply->x);
    json_reply_send(reply, 200, JSON_REPLY_TYPE_UTF8);
}

slice pyrus_md5(const struct pyrus *p, struct arena *a, const unsigned char md5[MD5_SIZE])
{
    slice hex = hex_encode(a, (slice){ (const char *)md5, MD5_SIZE });
    if (!LIVE(p->options.md5_upper_case))
        return hex;
    char *upper = arena_cstr(a, hex);
    for (size_t i = 0; i < hex.n; i++)
        upper[i] = (char)toupper((unsigned char)upper[i]);
    return (slice){ upper, hex.n };
}

/* ---- people ---- */

void pyrus_split_name(const struct user *u, slice *ret_first, slice *ret_last)
{
    slice name = slice_trim(u->name.n ? u->name : u->login), host;
    if (!u->name.n)
        slice_cut(name, '@', &name, &host);
    slice_cut(name, ' ', ret_first, ret_last);
    *ret_last = ret_first->n < name.n ? slice_trim(*ret_last) : S("");
}

slice pyrus_email(const struct user *u)
{
    size_t at = slice_find_byte(u->login, '@');
    bool is_address = at != SLICE_NONE && at > 0 && at + 1 < u->login.n && u->kind != USER_BOT;
    return u->email.n ? u->email : is_address ? u->login : S("");
}

void pyrus_put_person(struct json_out *o, const char *name, const struct user *u)
{
    slice first, last;
    pyrus_split_name(u, &first, &last);
    if (name)
        json_name(o, name);
    json_open_object(o);
    json_put_int(o, "id", u->id);
    json_put_string(o, "first_name", first);
    if (last.n)
        json_put_string(o, "last_name", last);
    if (pyrus_email(u).n)
        json_put_string(o, "email", pyrus_email(u));
    json_put_string(o, "type", u->kind == USER_BOT ? S("bot") : S("user"));
    json_put_bool(o, "banned", u->state != USER_ACTIVE);
    json_close_object(o);
}
