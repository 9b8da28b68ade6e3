/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of the pages before the sign-in. They work without scripts, but for those that name one. */
#include "api/portal/portal_priv.h"
#include "base/text.h"
#include "http/cookie.h"

#define PAGE_BYTES_MAX ((size_t)256 * 1024)
#define THEME_COOKIE S("cais-theme") /* set by the script of the portal */
#define COOKIE_END S("; Path=/; SameSite=Lax; Max-Age=31536000")

#define POLICY                                                                                                         \
    S("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "                  \
      "frame-ancestors 'none'; base-uri 'none'")

enum page_language portal_choose_language(struct http_exchange *x, slice tag)
{
    enum page_language chosen;
    if (!page_language_named(tag, &chosen))
        return page_language_of(x);
    slice parts[] = { S(PAGE_LANGUAGE_COOKIE "="), page_language_tag(chosen), COOKIE_END,
                      x->req.tls ? S("; Secure") : S("") };
    http_reply_header(x, "Set-Cookie", arena_join(&x->arena, parts, LENGTH_OF(parts)));
    return chosen;
}

/* The language of this page: that of the query, which the cookie of the reply keeps, or that of the request. */
static enum page_language language_of_page(struct http_exchange *x)
{
    struct query query;
    enum page_language chosen;
    slice tag = S("");
    if (!query_parse(x->req.query, &x->arena, &query) && query_get(&query, S("lang"), 0, &tag) &&
        page_language_named(tag, &chosen))
        return chosen;
    return page_language_of(x);
}

void portal_add_head(struct buf *b, struct http_exchange *x, enum page_language language, slice title)
{
    slice theme = cookie_find(&x->req, THEME_COOKIE), tag = page_language_tag(language);
    http_reply_header(x, "Content-Language", tag);
    buf_add(b, S("<!DOCTYPE html>\n<html lang=\""));
    buf_add(b, tag);
    if (slice_eq(theme, S("light")) || slice_eq(theme, S("dark"))) {
        buf_add(b, S("\" data-theme=\""));
        buf_add(b, theme);
    }
    buf_add(
        b, S("\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
             "<meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\""));
    buf_add(b, portal_asset_path("icon.svg", &x->arena));
    buf_add(b, S("\"><link rel=\"stylesheet\" href=\""));
    buf_add(b, portal_asset_path("portal.css", &x->arena));
    buf_add(b, S("\"><title>"));
    html_add_text(b, title);
    buf_add(b, S("</title>"));
}

void portal_add_script(struct buf *b, const char *name, struct arena *a)
{
    buf_add(b, S("<script type=\"module\" src=\""));
    buf_add(b, portal_asset_path(name, a));
    buf_add(b, S("\"></script>"));
}

void portal_page_begin(struct portal_page *p, struct http_exchange *x, enum portal_text title, const char *script)
{
    *p = (struct portal_page){ .x = x, .language = language_of_page(x) };
    buf_init_on(&p->out, PAGE_BYTES_MAX, &x->arena);
    portal_add_head(&p->out, x, p->language, portal_text(p->language, title));
    if (script)
        portal_add_script(&p->out, script, &x->arena);
    buf_add(&p->out, S("</head>\n<body class=\"door\"><main><p class=\"brand\">cais</p><h1>"));
    portal_page_add_text(p, title);
    buf_add(&p->out, S("</h1>\n"));
}

void portal_page_add_text(struct portal_page *p, enum portal_text text)
{
    html_add_text(&p->out, portal_text(p->language, text));
}

void portal_page_add_problem(struct portal_page *p, enum portal_text problem)
{
    buf_add(&p->out, S("<p class=\"problem\" role=\"alert\">"));
    portal_page_add_text(p, problem);
    buf_add(&p->out, S("</p>\n"));
}

void portal_page_add_field(struct portal_page *p, const char *name, slice value)
{
    buf_printf(&p->out, "<input type=\"hidden\" name=\"%s\" value=\"", name);
    html_add_text(&p->out, value);
    buf_add(&p->out, S("\">\n"));
}

/* The name of each language in that language. */
static const char *const language_names[PAGE_LANGUAGES] = {
    [PAGE_EN] = "English", [PAGE_PT_BR] = "Português", [PAGE_ES] = "Español", [PAGE_RU] = "Русский"
};

static void add_languages(struct portal_page *p, slice address)
{
    buf_add(&p->out, S("<nav class=\"languages\" aria-label=\""));
    portal_page_add_text(p, PORTAL_TEXT_LANGUAGE);
    buf_add(&p->out, S("\">"));
    for (int language = 0; language < PAGE_LANGUAGES; language++) {
        slice tag = page_language_tag((enum page_language)language);
        buf_add(&p->out, S("<a href=\""));
        html_add_text(&p->out, address);
        buf_add(&p->out, tag);
        buf_add(&p->out, S("\" lang=\""));
        buf_add(&p->out, tag);
        buf_add(&p->out, (int)p->language == language ? S("\" aria-current=\"true\">") : S("\">"));
        buf_add(&p->out, slice_of(language_names[language]));
        buf_add(&p->out, S("</a> "));
    }
    buf_add(&p->out, S("</nav>\n"));
}

void portal_page_send(struct portal_page *p, int status, slice languages)
{
    buf_add(&p->out, S("</main>\n"));
    if (languages.n)
        add_languages(p, languages);
    buf_add(&p->out, S("</body></html>\n"));
    html_page_headers(p->x, POLICY);
    http_reply(p->x, status, "text/html; charset=utf-8", buf_give(&p->out, &p->x->arena));
}
