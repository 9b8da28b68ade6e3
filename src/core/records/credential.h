/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_CREDENTIAL_H
#define CAIS_CORE_RECORDS_CREDENTIAL_H

#include "base/hash.h"
#include "base/slice.h"

/* What somebody proves itself with. Only a SHA-256 of the secret is kept: secrets are random and long, so a plain hash
 * cannot be guessed and finds its row by index.
 * Of a key pair that signs, the hash is an HMAC of its public half, which is no secret and must not pass for one; both
 * halves are kept sealed under the server's master key, since a signature can only be checked by who knows the other
 * (meta_secret_put). */
enum credential_form { CREDENTIAL_KEY, CREDENTIAL_TOKEN };

struct credential {
    int64_t id, account_id, user_id;
    slice purpose; /* which way in it opens: a name given by the API */
    enum credential_form form;
    unsigned char secret_hash[SHA256_SIZE];
    int64_t parent_id; /* the key a token was made from; 0: none */
    int64_t created_at_ms, expires_at_ms, revoked_at_ms;
};
struct credential_list {
    struct credential *items;
    size_t count;
};

#endif
