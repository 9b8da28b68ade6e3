/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_APPLICATION_H
#define CAIS_CORE_RECORDS_APPLICATION_H

#include "core/records/credential.h"
#include "core/records/user.h"

/* Absolute URLs to which an application may let a browser be sent back. */
struct callback_list {
    slice *items;
    size_t count;
};

/* A program that users let act for them (RFC 6749: a client). It has a key, which belongs to the user who answers for it, and
 * whose secret_hash is an HMAC of the secret of the application: that secret must not be accepted as a key. */
struct application {
    int64_t key_id;
    slice client_id;  /* public; unique */
    int64_t token_id; /* a token of the owner that was made with the application, and that no other token displaces */
    struct callback_list callbacks; /* none: users carry a PIN to it by hand */
    int64_t account_id, owner_id;   /* of its key; set only by reading, like what follows */
    slice purpose, owner_login;
    enum user_state owner_state;
    unsigned char secret_hash[SHA256_SIZE];
    int64_t revoked_at_ms;
};

/* What a user who allows an application gives to it, and what the application exchanges for tokens. It is a token of a purpose of
 * its own (core/access/application.h), made from the key of the application; those that it is exchanged for are made from it. */
struct code {
    int64_t credential_id;
    slice redirect;   /* as the application asked for it; empty: it did not */
    bool is_reusable; /* a PIN, which can be exchanged until it is revoked */
    slice challenge;  /* the SHA-256 of the verifier in base64url (RFC 7636 §4.2); empty: none was given */
    int64_t used_at_ms;
};

#endif
