/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by application.c, application_code.c and application_token.c. */
#ifndef CAIS_CORE_ACCESS_APPLICATION_PRIV_H
#define CAIS_CORE_ACCESS_APPLICATION_PRIV_H

#include "core/access/access_priv.h"
#include "core/access/application.h"
#include "core/store/application_store.h"

enum { CLIENT_ID_LENGTH = 20, CODE_LENGTH = 20, APPLICATION_SECRET_LENGTH = 40 };

/* The application in this transaction. Errors: as application_find. */
MUST_USE err_t application_find_in(struct meta_tx *, slice purpose, slice client_id, struct arena *a,
                                   struct application *ret);

/* The purpose of the codes of an application. It has a character that the name of no API has. */
slice code_purpose(const struct application *, struct arena *a);
/* Records a code of the user, and returns its id. It has no limit of its own: code_issue asks for that. */
struct code_addition {
    const struct application *application;
    int64_t user_id, now_ms, expires_at_ms;
    unsigned char hash[SHA256_SIZE];
    struct code code;
};
MUST_USE err_t code_add(struct meta_tx *, const struct code_addition *, struct arena *a, int64_t *ret_id);
/* The code of that application, expired or used ones too. Errors: UNAUTHENTICATED. */
MUST_USE err_t code_find(struct meta_tx *, const struct application *, const unsigned char hash[SHA256_SIZE],
                         struct arena *a, struct credential *ret_credential, struct code *ret);
/* Does the verifier fit the challenge, which may be none? */
bool code_verifier_fits(const struct code *, slice verifier, struct arena *a);

/* The name by which login_limit counts guesses at what the application has: for each network, so that nobody keeps the
 * other users out. No login has a blank. */
slice application_guess_name(const struct application *, const char *what, slice address, struct arena *a);

#endif
