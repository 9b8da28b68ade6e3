/* SPDX-License-Identifier: Apache-2.0 */
/* OAuth 2: how applications get tokens. Rules: docs/apis/redu.md §2; core/access/application.h keeps them. */
#ifndef CAIS_API_REDU_OAUTH_PRIV_H
#define CAIS_API_REDU_OAUTH_PRIV_H

#include "api/kit/html_page.h"
#include "api/redu/redu_priv.h"
#include "core/access/application.h"

err_t redu_authorize_show(struct http_exchange *);   /* GET /oauth/authorize */
err_t redu_authorize_answer(struct http_exchange *); /* POST /oauth/authorize */
err_t redu_token(struct http_exchange *);            /* any verb of /oauth/token */

/* Replies to an error of these routes in their own form: a page, or a JSON error of RFC 6749 §5.2. False: the request is for another
 * route. row, words: of redu_errors. */
bool redu_oauth_fail(struct http_exchange *, int row, const struct error_row *words);

/* ---- pages ---- */

enum oauth_text {
#define TEXT(NAME, ...) OAUTH_TEXT_##NAME,
#include "api/redu/oauth_texts.def"
#undef TEXT
    OAUTH_TEXTS
};
slice oauth_text(enum page_language, enum oauth_text);

/* What a page asks a person. */
struct oauth_field {
    const char *name;
    slice value;
};
struct oauth_question {
    const struct application *application;
    slice login;    /* of the person */
    slice redirect; /* where the answer leads; empty: a PIN is shown */
    slice csrf;
    const struct oauth_field *fields; /* for the hidden fields of both forms */
    size_t field_count;
};
void oauth_show_question(struct http_exchange *, const struct oauth_question *);
/* Its first <code> has the PIN and nothing else, as the program of the phone expects. */
void oauth_show_pin(struct http_exchange *, slice pin);
void oauth_show_denial(struct http_exchange *);

/* How long tokens live, and how many of a user an application may have. */
struct token_policy redu_token_policy(struct http_exchange *);

#endif
