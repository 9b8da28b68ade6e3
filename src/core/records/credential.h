/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_CREDENTIAL_H
#define CAIS_CORE_RECORDS_CREDENTIAL_H

#include "base/hash.h"
#include "base/slice.h"

/* A key lives until it is revoked, or expires at a time that was set when it was made; a token expires, and may have been made
 * from a key. */
enum credential_form { CREDENTIAL_KEY, CREDENTIAL_TOKEN };

/* What a key may do at most, whatever its user may. The numbers are stored, so a new role comes before KEY_NO_ROLE; the API
 * that accepts a key decides which requests need which role (key_may). */
enum key_role {
    KEY_ADMIN,  /* everything that its user may */
    KEY_WRITER, /* read and write, but not administer */
    KEY_READER, /* read */
    KEY_NO_ROLE /* nothing: the record has a number that this program does not write. It is never stored */
};

/* A credential authenticates a client. The record holds only a SHA-256 of the secret. Secrets are long and random, so a
 * plain hash cannot be guessed, and an index finds its row.
 *
 * For a key pair that signs requests, secret_hash is an HMAC of the access key. The access key is public, so it must
 * not be accepted as a secret. Checking a signature needs the secret half itself: both halves are kept, sealed under
 * the server's master key (meta_secret_put).
 *
 * For a public key the server knows no secret at all: secret_hash is random, and the record holds the fingerprint. */
struct credential {
    int64_t id, account_id, user_id;
    slice purpose; /* the name of the API that accepts it */
    enum credential_form form;
    enum key_role role; /* never changes. A token has the role of its parent_id, whatever is given here */
    unsigned char secret_hash[SHA256_SIZE];
    slice public_key;  /* its fingerprint (base/public_key.h); empty: it is none */
    int64_t parent_id; /* the key that a token was made from; 0: none */
    int64_t workspace_id,
        section_id;     /* of a key for sync files: where it works, and where its new files go; 0: nowhere */
    int64_t creator_id; /* the user who made the key; 0: not known */
    int64_t created_at_ms, expires_at_ms, revoked_at_ms;
    int64_t used_at_ms; /* of a key: the last use that was written (core/access/key_use.h); 0: none */
};
struct credential_list {
    struct credential *items;
    size_t count;
};

#endif
