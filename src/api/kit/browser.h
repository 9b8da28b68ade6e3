/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of browsers in which somebody is logged in: the cookie of the session, the CSRF token, and the way to the login
 * and back. The cookie counts only where a function of this header is called. The contract: docs/apis/portal.md.
 *
 * A page of another API that only a person may see:
 *
 *     struct browser_session session;
 *     bool is_there;
 *     TRY(browser_session_require(x, core, &session, &is_there));
 *     if (!is_there)
 *         return NULL;  // the browser was sent to the login, which leads back here
 *
 * Its forms have a hidden field `csrf` with session.csrf. Who takes such a form asks browser_may_change, and refuses.
 *
 * Under TLS the cookies are called __Host-…, which browsers accept only from this very host and over TLS, and no other
 * cookie counts. A cookie that came over plain HTTP therefore never counts under TLS. */
#ifndef CAIS_API_KIT_BROWSER_H
#define CAIS_API_KIT_BROWSER_H

#include "core/access/access.h"
#include "http/http.h"

#define BROWSER_PURPOSE S("portal") /* of sessions: core/access/session.h */
#define BROWSER_HOME "/portal"
#define BROWSER_LOGIN "/portal/login" /* with ?next=PATH it leads to that path */
#define BROWSER_NEXT_MAX 4096         /* bytes of PATH */

/* ---- cookies ---- */

enum browser_cookie { BROWSER_COOKIE_SESSION, BROWSER_COOKIE_LOGIN_FORM };

/* Its value; .p NULL: the request has none, or several that differ. */
slice browser_cookie(const struct http_exchange *, enum browser_cookie);
/* Let the browser keep the cookie until it is closed; value empty: remove it. No script sees it, and requests that other sites
 * make do not show it, links apart. */
void browser_set_cookie(struct http_exchange *, enum browser_cookie, slice value);

/* ---- sessions ---- */

struct browser_session {
    struct principal *who; /* in the arena of the exchange */
    slice csrf;            /* see browser_may_change; in the arena */
};
/* The session of the request. Fit for a loop. Errors: as session_check; UNAUTHENTICATED also when there is no cookie. */
MUST_USE err_t browser_session_find(struct http_exchange *, struct core *, struct browser_session *ret);
/* The same for a page that needs a session. *ret_is_there false: there is none, and the exchange has ended in a redirection to
 * the login, which leads back to the page if the request is a GET. True: the person was admitted (guard_admit).
 * Errors: those of the store. */
MUST_USE err_t browser_session_require(struct http_exchange *, struct core *, struct browser_session *ret,
                                       bool *ret_is_there);

/* ---- requests that change something ---- */

/* A value that only who knows the secret can compute, and from which the secret cannot be computed. In `a`. */
slice browser_csrf_of(slice secret, struct arena *a);
/* Was the request sent by a page of this host, as far as the browser says (Origin, Sec-Fetch-Site)? */
bool browser_is_same_origin(const struct http_exchange *);
/* May the request change something with the rights of the session? It must show the CSRF token, in the field `csrf` of its form
 * (field; empty: it has none) or in the header X-CSRF-Token, and must not come from another site. */
MUST_USE bool browser_may_change(const struct http_exchange *, const struct browser_session *, slice field);

/* ---- the way back ---- */

/* Is it a path of this host, with or without a query, that a browser cannot take for the address of another host? At most
 * BROWSER_NEXT_MAX visible ASCII characters, the first a single slash, without a backslash. */
bool browser_next_is_valid(slice next);
/* The address of the login that leads to `next`, or without one when it is not valid. In `a`. */
slice browser_login_address(slice next, struct arena *a);

#endif
