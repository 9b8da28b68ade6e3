/* SPDX-License-Identifier: Apache-2.0 */
/* Who sends a request to an API whose clients are programs with a token, pages in a browser in which somebody is logged in, and
 * the operator of this server. The contract: docs/native.md, "Authentication". */
#ifndef CAIS_API_KIT_CALLER_H
#define CAIS_API_KIT_CALLER_H

#include "api/kit/error_table.h"
#include "core/core.h"

struct caller_rules {
    const char *purpose; /* of the keys */
    /* How the API refuses: without a valid token, and what a page may not change (browser_may_change). */
    const struct error_table *errors;
    int no_token, no_csrf_token;
    bool admits_links; /* also Authorization: Link, of people without an account (core/access/drop_link.h) */
};

/* For a guard: finds out who it is, and admits that user (guard_admit).
 *
 *   admin.sock              the operator, in the account that Cais-Account or ?account= names
 *   Authorization: Bearer   the owner of that key
 *   Authorization: Link     if rules admit links: whoever has that link
 *   else                    the session of the browser; what changes something needs its CSRF token in X-CSRF-Token
 *
 * method: the one that the request counts as. Fit for a loop. Errors: those of rules; as access_check, browser_session_find,
 * access_operator. */
MUST_USE err_t caller_admit(struct http_exchange *, struct core *, const struct caller_rules *rules, slice method);
/* The same for what only whoever has a link may ask. Errors: no_token of rules; as drop_link_check. */
MUST_USE err_t caller_admit_link(struct http_exchange *, struct core *, const struct caller_rules *rules);

#endif
