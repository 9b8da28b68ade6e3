/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by all files of this folder. */
#ifndef CAIS_API_PORTAL_PORTAL_PRIV_H
#define CAIS_API_PORTAL_PORTAL_PRIV_H

#include "api/kit/error_table.h"
#include "api/kit/html_page.h"
#include "api/portal/portal.h"
#include "http/target.h"

/* ---- texts ---- */

enum portal_text {
#define TEXT(NAME, ...) PORTAL_TEXT_##NAME,
#include "api/portal/texts.def"
#undef TEXT
    PORTAL_TEXTS
};
slice portal_text(enum page_language, enum portal_text);

/* ---- refusals ---- */

/* The rows of errors.def, as reasons of errors. */
enum portal_error {
    PORTAL_NONE = ERR_REASONS_API,
#define ROW(name, status, code, text) PORTAL_##name,
#include "api/portal/errors.def"
};
extern const struct error_table portal_errors;

/* The error of this row, in the arena `a`; cause: what was found, or NULL. */
#define portal_refuse_because(a, cause, row) error_refuse_at((a), ERR_HERE, &portal_errors, (cause), (row))
#define portal_refuse(a, row) portal_refuse_because(a, NULL, row)

/* struct http_api's fail: replies to any error with a page. */
void portal_fail(struct http_exchange *, err_t e);

/* ---- pages ---- */

/* A page before the sign-in: a card with a title, in the style of the portal, and the languages below it. */
struct portal_page {
    struct http_exchange *x;
    enum page_language language;
    struct buf out; /* write the content of the card here */
};
/* script: the name of a file of the bundle that the page runs; NULL: none. Between begin and send there must be no return. */
void portal_page_begin(struct portal_page *, struct http_exchange *, enum portal_text title, const char *script);
void portal_page_add_text(struct portal_page *, enum portal_text);
void portal_page_add_problem(struct portal_page *, enum portal_text);
/* A hidden field of a form. */
void portal_page_add_field(struct portal_page *, const char *name, slice value);
/* languages: the address of this page with "lang=" at its end, for the links to the other languages; empty: no links. */
void portal_page_send(struct portal_page *, int status, slice languages);
/* If the query chooses a language ("lang"), keep it in a cookie. The language of the page. */
enum page_language portal_choose_language(struct http_exchange *, slice tag);
/* <head> up to the title, and the links that every page has: style and icon. */
void portal_add_head(struct buf *, struct http_exchange *, enum page_language, slice title);

/* The address of a file of the bundle. In `a`. */
slice portal_asset_path(const char *name, struct arena *a);
/* Adds the element that runs a script of the bundle, for a head. */
void portal_add_script(struct buf *, const char *name, struct arena *a);
/* GET /portal/assets/{version}/{name} */
err_t portal_send_asset(struct http_exchange *);

/* GET /, GET /portal and below: the page whose script is the portal. GET /portal/session: for that script. */
bool portal_claims_root(const struct http_request *);
err_t portal_show_root(struct http_exchange *);
err_t portal_show_shell(struct http_exchange *);
err_t portal_show_session(struct http_exchange *);
err_t portal_show_drop(struct http_exchange *);

/* ---- forms ---- */

/* The fields of the body. Each field counts once: the first value. */
err_t portal_read_form(struct http_exchange *, struct query *ret);
slice portal_form_field(const struct query *, slice name);
/* The token of a form that somebody without a session sends, and the cookie to it. In the exchange's arena. */
slice portal_form_token(struct http_exchange *);
/* Errors: PORTAL_FORM_EXPIRED. */
err_t portal_check_form_token(struct http_exchange *, const struct query *form);
/* The browser gets this session; the one that it had is over. next: where it goes; empty: to the home page. */
err_t portal_enter(struct http_exchange *, slice secret, slice next);

/* GET and POST /portal/enter: the way in by an offered session. */
err_t portal_show_enter(struct http_exchange *);
err_t portal_accept_enter(struct http_exchange *);

/* ---- the login form ---- */

/* A login that is tried: x->work while its refusal shows the form once more. */
struct login_attempt {
    slice next;     /* where it leads; empty: to the home page */
    bool has_offer; /* by an offered session: a refusal has no form, because the secret was for one use */
};
/* Reply with the form. problem: a text above it; PORTAL_TEXTS: none. */
void portal_show_login(struct http_exchange *, int status, slice next, enum portal_text problem);

#endif
