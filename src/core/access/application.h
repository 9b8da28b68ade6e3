/* SPDX-License-Identifier: Apache-2.0 */
/* Applications: programs that users let act for them (RFC 6749, whose clients they are).
 *
 * An application belongs to a user and so to an account, whose users alone can use it. It has a client_id, which is public, and a
 * secret, and it has a key of its purpose (the name of the API that it uses): revoking the key ends the application and all that
 * was made from it.
 *
 *      a user allows it: code_issue                  token_for_code
 *   application ─────────────────────► code ──────────────────────────────► token
 *        │                              │ for a redirect: once, within 10 minutes
 *        │                              └ a PIN: until it is revoked
 *        └──── token_for_password, token_for_owner, token_for_user ───────► token
 *
 * A token is one like any other (access_check). Codes are tokens, too, of a purpose that no API has, so what ends the tokens of a
 * user ends the codes that the user gave: a new password, disabling and deleting the user. Nothing that this header returns is stored in
 * clear; the SHA-256 of each secret is, by which an index finds it.
 *
 * Guesses are limited (core/login_limit.h), for each application and network: others can use the application meanwhile.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any that may block; application_find also on a
 * loop. */
#ifndef CAIS_CORE_ACCESS_APPLICATION_H
#define CAIS_CORE_ACCESS_APPLICATION_H

#include "core/access/access.h"
#include "core/records/application.h"

enum {
    APPLICATION_CALLBACKS_MAX = 10,
    CALLBACK_MAX = 2000,           /* bytes */
    CODE_LIFETIME_MS = 10 * 60000, /* of a code for a redirect; at exactly this age it has expired */
    APPLICATION_CODES_MAX =
        20, /* that one user has given to one application, and that are live; a new one ends the oldest */
};

/* ---- applications ---- */

struct application_request {
    slice login; /* of the user whom it belongs to */
    slice purpose;
    struct callback_list callbacks; /* see callback_is_valid; at most APPLICATION_CALLBACKS_MAX */
    int64_t account_id;             /* as that of struct key_request */
};
/* Returned here and never again, but for the client_id. */
struct minted_application {
    int64_t id;          /* of its key */
    slice client_id;     /* 20 letters and digits */
    slice client_secret; /* 40, as the token */
    slice token;         /* of the user; it does not expire, and no other token displaces it */
    slice pin;           /* of the user */
};
/* Errors: as key_mint; INVALID a callback, or too many. */
MUST_USE err_t application_add(struct core *, const struct principal *who, const struct application_request *,
                               struct arena *a, struct minted_application *ret);

/* An absolute http or https URL of at most CALLBACK_MAX visible ASCII characters: a host of letters, digits, dots and hyphens, or an IPv6
 * address in brackets; no user, no fragment (RFC 6749 §3.1.2), none of " < > \ ^ ` { | }. */
bool callback_is_valid(slice address);
/* "https://host:port" of a valid callback. Borrowed from it. */
slice callback_origin(slice address);

/* The application of that client_id and purpose, if it can be used. Errors: NOT_FOUND unknown, revoked, or its user is not
 * active. */
MUST_USE err_t application_find(struct core *, slice purpose, slice client_id, struct arena *a,
                                struct application *ret);
/* Where the browser is sent back to. asked: what the request of the application says; empty: nothing. *ret is one of the callbacks, to
 * each byte; empty: to nowhere, the user carries a PIN by hand, which is for an application without callbacks.
 * Errors: INVALID the application has no such callback, or several and did not say which. */
MUST_USE err_t application_redirect(const struct application *, slice asked, struct arena *a, slice *ret);

struct application_proof {
    slice purpose, client_id, client_secret;
    slice address; /* of the client: core/login_limit.h */
};
/* The application, if that is its secret. Errors: UNAUTHENTICATED unknown, wrong, revoked, or its user is not active; RATE too
 * many guesses, retry after login_limit_retry_s. */
MUST_USE err_t application_check(struct core *, const struct application_proof *, struct arena *a,
                                 struct application *ret);

/* ---- codes ---- */

struct code_request {
    const struct application *application;
    slice redirect;          /* as the application asked, checked with application_redirect; may be empty */
    slice challenge;         /* PKCE (RFC 7636 §4.3); empty: none */
    bool challenge_is_plain; /* it is the verifier itself; else its SHA-256 in base64url */
};
/* The user allows the application to act: a code of 20 letters and digits. It is a PIN when the application has no callbacks.
 * Errors: NOT_FOUND the application is not of the user's account, or was revoked meanwhile; INVALID the challenge; REVOKED,
 * BLOCKED what admitted `who` has ended. */
MUST_USE err_t code_issue(struct core *, const struct principal *who, const struct code_request *, struct arena *a,
                          slice *ret_code);

/* ---- tokens ---- */

/* All of these return a token of 40 letters and digits, and displace the oldest ones that the application has of that user, beyond
 * policy->per_user. Errors of each: also UNAUTHENTICATED the application or the user has ended, or is of another account; RATE too many
 * guesses, or too many tokens, retry after login_limit_retry_s. */
struct application_token_request {
    const struct application *application; /* from application_check */
    const struct token_policy *policy;     /* lifetime_ms 0: it does not expire */
    slice address;                         /* of the client */
    slice request_id;                      /* for the event; may be empty */
};
struct code_proof {
    slice code;
    slice redirect; /* must be that of code_request, byte by byte */
    slice verifier; /* PKCE (RFC 7636 §4.5); empty: none, as it must be when there was no challenge */
};
/* A code for a redirect that comes twice is no longer the secret of the application: all tokens that it was exchanged for are revoked
 * (RFC 6749 §4.1.2). Errors: UNAUTHENTICATED unknown, expired, revoked, used, or of another application; wrong redirect or
 * verifier. */
MUST_USE err_t token_for_code(struct core *, const struct application_token_request *, const struct code_proof *,
                              struct arena *a, slice *ret_token);
/* login: a login or an e-mail address. Slow on purpose, as user_check_password. */
MUST_USE err_t token_for_password(struct core *, const struct application_token_request *, slice login, slice password,
                                  struct arena *a, slice *ret_token);
/* The application acts as the user whom it belongs to. */
MUST_USE err_t token_for_owner(struct core *, const struct application_token_request *, struct arena *a,
                               slice *ret_token);
/* The user allows the application to act, and the token goes to it directly (RFC 6749 §4.2). Errors: also REVOKED, BLOCKED what
 * admitted `who` has ended. */
MUST_USE err_t token_for_user(struct core *, const struct application_token_request *, const struct principal *who,
                              struct arena *a, slice *ret_token);

#endif
