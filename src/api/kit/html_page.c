/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/html_page.h"

#include "base/hash.h"
#include "base/text.h"
#include "http/cookie.h"
#include "http/language.h"

#define PAGE_BYTES_MAX ((size_t)256 * 1024)

/* The Content-Security-Policy names its hash, so no other style counts. */
#define PAGE_STYLE                                                                                                     \
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;padding:0 1rem;background:#f3f4f6;color:#1b1d21}"                \
    "main{max-width:22rem;margin:12vh auto 2rem;padding:2rem;background:#fff;border:1px solid #d5d8dd;"                \
    "border-radius:8px;overflow-wrap:anywhere}"                                                                        \
    "h1{font-size:1.3rem;margin:0 0 1.25rem}"                                                                          \
    "label{display:block;margin:0 0 1rem}"                                                                             \
    "input{display:block;box-sizing:border-box;width:100%;margin-top:.25rem;padding:.55rem .7rem;font:inherit;"        \
    "color:inherit;background:#fff;border:1px solid #8a9099;border-radius:6px}"                                        \
    "code{display:block;margin:1rem 0;font-size:1.2rem}form{margin:0 0 .75rem}"                                        \
    "button{padding:.55rem 1.4rem;font:inherit;color:#fff;background:#1f5fbf;border:0;border-radius:6px}"              \
    ".problem{margin:0 0 1.25rem;padding:.6rem .8rem;color:#8c1119;background:#fdecec;border-radius:6px}"              \
    "@media(prefers-color-scheme:dark){body{background:#16181c;color:#e8eaed}main{background:#202329;"                 \
    "border-color:#3a3f47}input{background:#16181c}.problem{color:#ffb4b4;background:#4a1d20}}"

static const slice language_tags[PAGE_LANGUAGES] = {
#define PAGE_LANGUAGE(NAME, tag) { tag, sizeof tag - 1 },
#include "api/kit/page_languages.def"
#undef PAGE_LANGUAGE
};

slice page_language_tag(enum page_language language)
{
    return language_tags[language];
}

bool page_language_named(slice tag, enum page_language *ret)
{
    for (int language = 0; language < PAGE_LANGUAGES; language++)
        if (slice_eq(tag, language_tags[language])) {
            *ret = (enum page_language)language;
            return true;
        }
    return false;
}

enum page_language page_language_of(const struct http_exchange *x)
{
    slice header = http_header(&x->req, "Accept-Language");
    enum page_language chosen;
    if (page_language_named(cookie_find(&x->req, S(PAGE_LANGUAGE_COOKIE)), &chosen))
        return chosen;
    return (enum page_language)language_choose(header, language_tags, PAGE_LANGUAGES);
}

void html_add_text(struct buf *b, slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        switch (c) {
        case '&':
            buf_add(b, S("&amp;"));
            break;
        case '<':
            buf_add(b, S("&lt;"));
            break;
        case '>':
            buf_add(b, S("&gt;"));
            break;
        case '"':
            buf_add(b, S("&quot;"));
            break;
        case '\'':
            buf_add(b, S("&#39;"));
            break;
        default:
            buf_add_byte(b, c);
        }
    }
}

static void forbid_copies(struct http_exchange *x, slice referrer_policy)
{
    http_reply_header(x, "Cache-Control", S("no-store"));
    http_reply_header(x, "Referrer-Policy", referrer_policy);
}
/* Without a referrer, browsers would also leave out the Origin of a form. */
#define REFERRER_HERE S("same-origin")

static void restrict_page(struct http_exchange *x, slice form_target)
{
    unsigned char digest[SHA256_SIZE];
    hash_sha256(S(PAGE_STYLE), digest);
    slice parts[] = { S("default-src 'none'; style-src 'sha256-"),
                      base64_encode(&x->arena, (slice){ (const char *)digest, sizeof digest }),
                      S("'; form-action 'self'"),
                      form_target.n ? S(" ") : S(""),
                      form_target,
                      S("; frame-ancestors 'none'; base-uri 'none'") };
    html_page_headers(x, arena_join(&x->arena, parts, LENGTH_OF(parts)));
}

void html_page_headers(struct http_exchange *x, slice policy)
{
    forbid_copies(x, REFERRER_HERE);
    http_reply_header(x, "Content-Security-Policy", policy);
    http_reply_header(x, "X-Frame-Options", S("DENY"));
    http_reply_header(x, "X-Content-Type-Options", S("nosniff"));
}

void html_page_begin(struct html_page *p, struct http_exchange *x, enum page_language language, slice title)
{
    *p = (struct html_page){ .x = x };
    buf_init_on(&p->out, PAGE_BYTES_MAX, &x->arena);
    http_reply_header(x, "Content-Language", language_tags[language]);
    buf_add(&p->out, S("<!DOCTYPE html>\n<html lang=\""));
    buf_add(&p->out, language_tags[language]);
    buf_add(&p->out, S("\"><head><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>"));
    html_add_text(&p->out, title);
    buf_add(&p->out, S("</title><style>" PAGE_STYLE "</style></head>\n<body><main><h1>"));
    html_add_text(&p->out, title);
    buf_add(&p->out, S("</h1>\n"));
}

void html_page_send(struct html_page *p, int status)
{
    struct http_exchange *x = p->x;
    buf_add(&p->out, S("</main></body></html>\n"));
    restrict_page(x, p->form_target);
    http_reply(x, status, "text/html; charset=utf-8", buf_give(&p->out, &x->arena));
}

void html_page_redirect(struct http_exchange *x, slice path)
{
    forbid_copies(x, REFERRER_HERE);
    http_reply_header(x, "Location", path);
    http_reply(x, 303, NULL, S(""));
}

void html_page_leave(struct http_exchange *x, slice address)
{
    forbid_copies(x, S("no-referrer"));
    http_reply_header(x, "Location", address);
    http_reply(x, 302, NULL, S(""));
}
