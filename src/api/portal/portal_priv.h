/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by all files of this folder. */
#ifndef CAIS_API_PORTAL_PORTAL_PRIV_H
#define CAIS_API_PORTAL_PORTAL_PRIV_H

#include "api/kit/error_table.h"
#include "api/kit/html_page.h"
#include "api/portal/portal.h"

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

/* ---- the login form ---- */

/* A login that is tried: x->work while its refusal shows the form once more. */
struct login_attempt {
    slice next; /* where it leads; empty: to the home page */
};
/* Reply with the form. problem: a text above it; PORTAL_TEXTS: none. */
void portal_show_login(struct http_exchange *, int status, slice next, enum portal_text problem);

#endif
