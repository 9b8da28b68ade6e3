/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by access.c, key.c and the cache. */
#ifndef CAIS_CORE_ACCESS_ACCESS_PRIV_H
#define CAIS_CORE_ACCESS_ACCESS_PRIV_H

#include "base/seal.h"
#include "core/access/access.h"

enum { SIGNING_SECRET_LENGTH = 40, SECRET_LENGTH = 43 /* letters and digits: 62^43 is 256 bits */ };

/* The credential to look up. */
struct access_query {
    slice purpose;
    enum credential_form form;
    unsigned char hash[SHA256_SIZE]; /* of its secret; of a signing key, signing_hash of its access key */
    slice access_key;                /* of a signing key; else empty */
};
struct access_found {
    struct principal principal;
    int64_t created_at_ms, expires_at_ms; /* expires_at_ms 0: never */
    int64_t key_id;                       /* the key whose use it is (key_use.h); 0: none */
    slice secret;                         /* of a signing key; else empty */
};

/* generation: the store's, now. False: the credential is not in the cache, or was read in another generation. */
bool access_cache_find(struct access_cache *, const struct access_query *, uint64_t generation, struct arena *a,
                       struct access_found *ret);
/* generation: the store's, read before the rows were. */
void access_cache_put(struct access_cache *, const struct access_query *, uint64_t generation,
                      const struct access_found *);

/* The valid credential, through the cache. Fit for a loop. Errors: as access_check. */
MUST_USE err_t access_find(struct core *, const struct access_query *, struct arena *a, struct access_found *ret);
/* As user_check_password. *ret_hash: the hash that the password fits. */
MUST_USE err_t access_check_password(struct core *, const struct password_login *, struct arena *a, struct user *ret,
                                     slice *ret_hash);

/* The hash by which a signing key is found. */
void signing_hash(slice access_key, unsigned char ret_hash[SHA256_SIZE]);
/* The user of the credential, if it is valid now. Errors: as access_check. */
MUST_USE err_t access_check_credential(struct meta_tx *, const struct credential *, int64_t now_ms, struct arena *a,
                                       struct access_found *ret);
/* Both halves of a signing key. Errors: NOT_FOUND the credential is no signing key; CORRUPT the master key does not
 * open it. */
MUST_USE err_t signing_open(struct core *, struct meta_tx *, int64_t credential_id, struct arena *a,
                            slice *ret_access_key, slice *ret_secret);
/* A key that is added, with its event, in the write of the caller. Errors: as key_mint. */
struct key_addition {
    struct core *core;
    const struct principal *who;
    const struct key_request *request;
    int64_t now_ms;
    unsigned char secret_hash[SHA256_SIZE];
    slice public_key; /* its fingerprint; empty: it is none */
};
MUST_USE err_t key_add(struct meta_tx *, const struct key_addition *, struct arena *a, struct credential *ret);
/* A change of a user in the write of the caller, who has decided that it may be. Each writes its event. Errors: NOT_FOUND. */
struct user_write {
    const struct principal *who; /* the actor */
    struct user user;            /* as it is now */
    int64_t now_ms;
};
MUST_USE err_t user_write_state(struct meta_tx *, const struct user_write *, enum user_state, struct arena *a);
/* Also ends every token of the user. An empty hash: the user has no password from now on. */
MUST_USE err_t user_write_password(struct meta_tx *, const struct user_write *, slice hash, struct arena *a);
MUST_USE err_t user_write_event(struct meta_tx *, const struct user_write *, slice action, slice detail,
                                struct arena *a);
/* Errors: INVALID. */
MUST_USE err_t password_check_length(slice password, struct arena *a);
/* "user:LOGIN" */
slice user_subject(struct arena *a, slice login);
/* "key:ID" */
slice key_subject(struct arena *a, int64_t id);

#endif
