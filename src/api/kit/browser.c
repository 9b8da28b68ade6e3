/* SPDX-License-Identifier: Apache-2.0 */
/* Another site can make a browser send a request with the cookies of this host, but it cannot read our pages. So a request
 * that changes something shows a token that only our pages contain: an HMAC of the session's secret, which needs no record
 * of its own. SameSite and the headers that say where a request comes from are second and third locks, for browsers that
 * have them; where a header is present, it must be right. */
#include "api/kit/browser.h"

#include "api/kit/guard.h"
#include "api/kit/html_page.h"
#include "base/hash.h"
#include "base/text.h"
#include "core/access/session.h"
#include "http/cookie.h"

/* ---- cookies ---- */

static slice cookie_name(const struct http_exchange *x, enum browser_cookie cookie)
{
    static const slice plain[] = { { "cais", 4 }, { "cais-login", 10 } };
    static const slice under_tls[] = { { "__Host-cais", 11 }, { "__Host-cais-login", 17 } };
    return (x->req.tls ? under_tls : plain)[cookie];
}

slice browser_cookie(const struct http_exchange *x, enum browser_cookie cookie)
{
    return cookie_find(&x->req, cookie_name(x, cookie));
}

void browser_set_cookie(struct http_exchange *x, enum browser_cookie cookie, slice value)
{
    slice parts[] = { cookie_name(x, cookie),
                      S("="),
                      value,
                      S("; Path=/; HttpOnly; SameSite=Lax"),
                      x->req.tls ? S("; Secure") : S(""),
                      value.n ? S("") : S("; Max-Age=0") };
    http_reply_header(x, "Set-Cookie", arena_join(&x->arena, parts, LENGTH_OF(parts)));
}

/* ---- sessions ---- */

err_t browser_session_find(struct http_exchange *x, struct core *core, struct browser_session *ret)
{
    slice secret = browser_cookie(x, BROWSER_COOKIE_SESSION);
    if (!secret.n)
        return err_make(&x->arena, ERR_UNAUTHENTICATED, "the request shows no session");
    struct principal *who = arena_new(&x->arena, struct principal);
    TRY(session_check(core, BROWSER_PURPOSE, secret, &x->arena, who));
    *ret = (struct browser_session){ .who = who, .csrf = browser_csrf_of(secret, &x->arena) };
    return NULL;
}

static bool has_no_session(err_t e)
{
    return err_is(e, ERR_UNAUTHENTICATED) || err_is(e, ERR_EXPIRED) || err_is(e, ERR_REVOKED) || err_is(e, ERR_BLOCKED);
}

err_t browser_session_require(struct http_exchange *x, struct core *core, struct browser_session *ret,
                              bool *ret_is_there)
{
    err_t e = browser_session_find(x, core, ret);
    *ret_is_there = !e;
    if (!e)
        guard_admit(x, core, ret->who);
    if (!has_no_session(e))
        return e;
    bool is_page = slice_eq(x->req.method, S("GET"));
    slice parts[] = { x->req.path, x->req.query.n ? S("?") : S(""), x->req.query };
    slice here = is_page ? arena_join(&x->arena, parts, LENGTH_OF(parts)) : S("");
    html_page_redirect(x, browser_login_address(here, &x->arena));
    return NULL;
}

/* ---- requests that change something ---- */

slice browser_csrf_of(slice secret, struct arena *a)
{
    unsigned char mac[SHA256_SIZE];
    hash_hmac_sha256(secret, S("csrf"), mac);
    return hex_encode(a, (slice){ (const char *)mac, sizeof mac });
}

/* A proxy that is not trusted may have taken the TLS off, so a page of https is one of ours also when the request is not. */
static bool origin_is_ours(const struct http_exchange *x, slice origin)
{
    const struct {
        slice scheme, port;
        bool counts;
    } schemes[] = { { S("https://"), S(":443"), true }, { S("http://"), S(":80"), !x->req.tls } };
    for (size_t i = 0; i < LENGTH_OF(schemes); i++) {
        if (!schemes[i].counts || !slice_starts_nocase(origin, schemes[i].scheme))
            continue;
        slice host = x->req.host, port = schemes[i].port;
        if (slice_ends(host, port))
            host = slice_part(host, 0, host.n - port.n);
        return host.n && slice_eq_nocase(slice_from(origin, schemes[i].scheme.n), host);
    }
    return false;
}

bool browser_is_same_origin(const struct http_exchange *x)
{
    for (size_t i = 0; i < x->req.header_count; i++) {
        const struct http_header *h = &x->req.headers[i];
        if (slice_eq_nocase(h->name, S("Origin")) && !origin_is_ours(x, h->value))
            return false;
        if (slice_eq_nocase(h->name, S("Sec-Fetch-Site")) && !slice_eq(h->value, S("same-origin")))
            return false;
    }
    return true;
}

bool browser_may_change(const struct http_exchange *x, const struct browser_session *session, slice field)
{
    slice header = http_header(&x->req, "X-CSRF-Token");
    slice sent = header.p ? header : field;
    return browser_is_same_origin(x) && slice_eq_secret(sent, session->csrf);
}

/* ---- the way back ---- */

bool browser_next_is_valid(slice next)
{
    for (size_t i = 0; i < next.n; i++) /* browsers take a backslash for a slash, and leave out tabs and line breaks */
        if (next.p[i] <= ' ' || next.p[i] > '~' || next.p[i] == '\\')
            return false;
    return next.n <= BROWSER_NEXT_MAX && slice_starts(next, S("/")) && !slice_starts(next, S("//"));
}

slice browser_login_address(slice next, struct arena *a)
{
    if (!browser_next_is_valid(next))
        return S(BROWSER_LOGIN);
    slice parts[] = { S(BROWSER_LOGIN "?next="), percent_encode(a, next, "/") };
    return arena_join(a, parts, LENGTH_OF(parts));
}
