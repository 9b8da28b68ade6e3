/* SPDX-License-Identifier: Apache-2.0 */
/* Pages for people: HTML without scripts, in one of the languages of page_languages.def. The headers let a browser load
 * nothing, show the page in no frame, send its forms to this host only, and keep no copy.
 *
 * `form-action` also counts for where the reply to a form redirects to: a form whose reply leads to another site works only
 * with html_page.form_target. */
#ifndef CAIS_API_KIT_HTML_PAGE_H
#define CAIS_API_KIT_HTML_PAGE_H

#include "http/http.h"

enum page_language {
#define PAGE_LANGUAGE(NAME, tag) PAGE_##NAME,
#include "api/kit/page_languages.def"
#undef PAGE_LANGUAGE
    PAGE_LANGUAGES
};

/* The cookie in which a person's choice of a language is kept: one of the tags. A script of ours may set it. */
#define PAGE_LANGUAGE_COOKIE "cais-language"
/* The language that the person has chosen, else the one that the browser prefers (Accept-Language); English when it wants none of
 * ours. */
enum page_language page_language_of(const struct http_exchange *);
slice page_language_tag(enum page_language);
/* The language of this tag; false: there is none. */
bool page_language_named(slice tag, enum page_language *ret);

struct html_page {
    struct http_exchange *x;
    struct buf out; /* on the account of the exchange; write the content of <main> here */
    /* An origin, "https://host:port", to which replies to the forms of this page may lead as well; empty: none. The caller has
     * checked that it is nothing but an origin. Set it before html_page_send. */
    slice form_target;
};

/* Append a text, so that it is a text wherever it stands, also in an attribute with double quotes. */
void html_add_text(struct buf *, slice text);
/* The headers of each page: it is in no frame, no copy is kept, and it loads only what the policy (Content-Security-Policy) allows. */
void html_page_headers(struct http_exchange *, slice policy);
/* Begin a page. title: a text, also the heading. Between begin and send there must be no return: send takes the memory. */
void html_page_begin(struct html_page *, struct http_exchange *, enum page_language, slice title);
/* End the page and the exchange. */
void html_page_send(struct html_page *, int status);
/* End the exchange with a redirection (303) that the client requests with GET. path: on this host. */
void html_page_redirect(struct http_exchange *, slice path);
/* The same to another site (302), which learns no address of this host. address: an absolute URL that the caller has checked. */
void html_page_leave(struct http_exchange *, slice address);

#endif
