/* SPDX-License-Identifier: Apache-2.0 */
/* The page whose script is the portal. It has nothing of its own but who is signed in and the CSRF token; everything else the
 * script asks the native API for. Its policy lets no string become markup or a script (Trusted Types), so a name or a content that
 * somebody stored cannot run in it. */
#include "api/kit/browser.h"
#include "api/kit/json_reply.h"
#include "api/portal/portal_priv.h"
#include "core/access/member.h"

#define SHELL_BYTES_MAX ((size_t)64 * 1024)
/* files: "" or a blank and the origin from which stored files are shown (docs/apis/portal.md, "Previews"). */
#define POLICY(files, scripts)                                                                                         \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:" files "; connect-src 'self'" files \
    "; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; " scripts
/* The portal starts one script apart, the worker that reads PDFs; its one policy of trusted types accepts that address alone
 * (src/portal/web/pdf.jsx). */
#define SCRIPTS_OF_PORTAL "worker-src 'self'; trusted-types cais-pdf-worker"
#define POLICY_OF_DROP S(POLICY("", "trusted-types 'none'"))

static struct core *core_of(const struct http_exchange *x)
{
    return ((const struct portal *)x->api->context)->core;
}

/* ---- GET / ---- */

/* A person with a browser, and no program that signs its requests. */
bool portal_claims_root(const struct http_request *req)
{
    bool reads = slice_eq(req->method, S("GET")) || slice_eq(req->method, S("HEAD"));
    slice accept = http_header(req, "Accept");
    return reads && slice_eq(req->path, S("/")) && !req->query.n && !http_has_header(req, "Authorization") &&
           slice_find(accept, S("text/html")) != SLICE_NONE;
}

err_t portal_show_root(struct http_exchange *x)
{
    http_reply_header(x, "Vary", S("Accept, Authorization"));
    html_page_redirect(x, S(BROWSER_HOME));
    return NULL;
}

/* ---- GET /portal ---- */

static bool is_page(slice name)
{
    static const char *const pages[] = { "files", "jobs", "data", "links", "space", "folder", "admin" };
    for (size_t i = 0; i < LENGTH_OF(pages); i++)
        if (slice_eq(name, slice_of(pages[i])))
            return true;
    return !name.n;
}

static void add_meta(struct buf *b, const char *name, slice content)
{
    buf_printf(b, "<meta name=\"%s\" content=\"", name);
    html_add_text(b, content);
    buf_add(b, S("\">"));
}

/* Without scripts there is only the way out. */
static void add_body(struct buf *b, enum page_language language, slice csrf)
{
    buf_add(b, S("</head>\n<body><div id=\"portal\"></div>\n<noscript><main><p>"));
    html_add_text(b, portal_text(language, PORTAL_TEXT_NEEDS_SCRIPT));
    buf_add(b, S("</p><form method=\"post\" action=\"/portal/logout\"><input type=\"hidden\" name=\"csrf\" value=\""));
    html_add_text(b, csrf);
    buf_add(b, S("\">\n<button type=\"submit\">"));
    html_add_text(b, portal_text(language, PORTAL_TEXT_LOG_OUT));
    buf_add(b, S("</button></form></main></noscript>\n</body></html>\n"));
}

/* The policy of the portal: as documented, with the one other host from which files are shown, if there is one (files: its origin). */
static slice policy_of_portal(slice files, struct arena *a)
{
    if (!files.n)
        return S(POLICY("", SCRIPTS_OF_PORTAL));
    return arena_printf(a, POLICY(" " SLICE_FMT, SCRIPTS_OF_PORTAL), SLICE_ARG(files), SLICE_ARG(files));
}

err_t portal_show_shell(struct http_exchange *x)
{
    struct browser_session session;
    bool is_there, has_password;
    if (!is_page(x->req.params[0]))
        return portal_refuse(&x->arena, PORTAL_NOT_FOUND);
    TRY(browser_session_require(x, core_of(x), &session, &is_there));
    if (!is_there)
        return NULL;
    TRY(member_has_password(core_of(x), session.who, &x->arena, &has_password));
    const struct link_base *links = ((const struct portal *)x->api->context)->links;
    slice files = S(""), unused;
    if (links && !link_file_origin(links, &x->req, &x->arena, &files, &unused))
        files = S("");
    struct buf out;
    enum page_language language = page_language_of(x);
    buf_init_on(&out, SHELL_BYTES_MAX, &x->arena);
    portal_add_head(&out, x, language, S("cais"));
    add_meta(&out, "cais-login", session.who->login);
    add_meta(&out, "cais-admin", session.who->is_admin ? S("yes") : S("no"));
    add_meta(&out, "cais-password", has_password ? S("set") : S("none"));
    add_meta(&out, "csrf", session.csrf);
    if (files.n)
        add_meta(&out, "cais-files", files);
    portal_add_script(&out, "portal.js", &x->arena);
    add_body(&out, language, session.csrf);
    html_page_headers(x, policy_of_portal(files, &x->arena));
    http_reply(x, 200, "text/html; charset=utf-8", buf_give(&out, &x->arena));
    return NULL;
}

/* ---- GET /portal/drop ---- */

/* For people without an account. Whoever is signed in is nobody here, too. The secret of the link stands behind the #, which browsers
 * send to nobody; only the script of the page reads it (api/kit/caller.h). */
err_t portal_show_drop(struct http_exchange *x)
{
    struct buf out;
    enum page_language language = page_language_of(x);
    buf_init_on(&out, SHELL_BYTES_MAX, &x->arena);
    portal_add_head(&out, x, language, S("cais"));
    buf_add(&out, S("<meta name=\"robots\" content=\"noindex, nofollow\">"));
    portal_add_script(&out, "drop.js", &x->arena);
    buf_add(&out, S("</head>\n<body><div id=\"portal\"></div>\n<noscript><main><p>"));
    html_add_text(&out, portal_text(language, PORTAL_TEXT_NEEDS_SCRIPT));
    buf_add(&out, S("</p></main></noscript>\n</body></html>\n"));
    html_page_headers(x, POLICY_OF_DROP);
    http_reply_header(x, "X-Robots-Tag", S("noindex, nofollow"));
    http_reply(x, 200, "text/html; charset=utf-8", buf_give(&out, &x->arena));
    return NULL;
}

/* ---- GET /portal/session ---- */

/* A page that was open while the session ended asks for the token of the next one. Without a session: 403. Pages of other sites
 * cannot read it, as they cannot read a page. */
err_t portal_show_session(struct http_exchange *x)
{
    struct browser_session session;
    struct json_reply reply;
    if (!browser_is_same_origin(x))
        return portal_refuse(&x->arena, PORTAL_OTHER_SITE);
    TRY(browser_session_find(x, core_of(x), &session));
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_string(&reply.out, "login", session.who->login);
    json_put_bool(&reply.out, "admin", session.who->is_admin);
    json_put_string(&reply.out, "csrf", session.csrf);
    json_close_object(&reply.out);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}
