/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts, users, keys and tokens, and the check that lets a request in.
 *
 * A user belongs to one account. A key or token (a credential) belongs to one user and to one purpose: the name of the
 * API whose requests it authenticates. Secrets are random. They are shown once, when they are made, and stored as SHA-256
 * hashes; passwords are stored as argon2id hashes. The secrets of signing keys are stored sealed under the master key,
 * since checking a signature needs them.
 *
 * Each change is one write together with its event; `who` is the actor of the event.
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any. */
#ifndef CAIS_CORE_ACCESS_ACCESS_H
#define CAIS_CORE_ACCESS_ACCESS_H

#include "core/core.h"
#include "core/records/account.h"
#include "core/records/credential.h"
#include "core/records/record_ids.h"
#include "core/records/user.h"

/* Make the account "default" and the system user "operator" if they do not exist. To be called at every start. */
MUST_USE err_t access_bootstrap(struct core *, struct arena *a);

/* ---- accounts ---- */

/* name: 1 to 64 of A-Z a-z 0-9 . _ -. Errors: INVALID the name; CONFLICT the name is taken. */
MUST_USE err_t account_create(struct core *, const struct principal *who, slice name, struct arena *a,
                              struct account *ret);
/* 0: no limit of the account's own, so that of core_options applies (core/quota.h). Errors: NOT_FOUND; INVALID a limit
 * is negative. */
MUST_USE err_t account_set_limits(struct core *, const struct principal *who, slice name, int64_t max_bytes,
                                  int64_t max_files, struct arena *a);
/* Errors: NOT_FOUND. */
MUST_USE err_t account_by_name(struct core *, slice name, struct arena *a, struct account *ret);
/* Errors: NOT_FOUND. */
MUST_USE err_t account_get(struct core *, int64_t id, struct arena *a, struct account *ret);
/* Every account, in `a`. */
MUST_USE err_t account_list(struct core *, struct arena *a, struct account_list *ret);

/* ---- users ---- */

struct user_request {
    slice account; /* its name; empty: "default" */
    slice login;   /* core/access/login_name.h */
    slice name, email;
    enum user_kind kind;
    bool is_admin;
    int64_t max_bytes, max_files; /* as user_set_limits */
};
/* Errors: INVALID; CONFLICT the login is taken; NOT_FOUND no such account; QUOTA the account has account_max_users; REVOKED, BLOCKED,
 * FORBIDDEN the rights of `who` have ended. */
MUST_USE err_t user_create(struct core *, const struct principal *who, const struct user_request *, struct arena *a,
                           struct user *ret);
/* The users of the account of that name (empty: of every account), by id. Errors: NOT_FOUND no such account. */
MUST_USE err_t user_list(struct core *, slice account, const struct id_page *, struct arena *a, struct user_list *ret);
/* Errors: NOT_FOUND. */
MUST_USE err_t user_get(struct core *, int64_t id, struct arena *a, struct user *ret);
/* Errors: NOT_FOUND. */
MUST_USE err_t user_by_login(struct core *, slice login, struct arena *a, struct user *ret);
/* Disabling a user revokes its tokens; its keys work again when it is enabled. Deleting a user revokes its keys and
 * tokens and frees the login; its files stay in the account. Errors: NOT_FOUND; FORBIDDEN the operator. */
MUST_USE err_t user_set_state(struct core *, const struct principal *who, slice login, enum user_state,
                              struct arena *a);
/* How many bytes and files the user may own (core/quota.h); 0: no limit but that of the account. Errors: NOT_FOUND; INVALID a limit
 * is negative; FORBIDDEN the operator. */
MUST_USE err_t user_set_limits(struct core *, const struct principal *who, slice login, int64_t max_bytes,
                               int64_t max_files, struct arena *a);
/* Also revokes every token of the user. password: 8 to 1024 bytes. Errors: NOT_FOUND; INVALID; FORBIDDEN the operator. */
MUST_USE err_t user_set_password(struct core *, const struct principal *who, slice login, slice password,
                                 struct arena *a);
/* A login with a password. address: of the client (core/login_limit.h). Slow on purpose, and as slow when there is no
 * such login: not on a loop. Errors: UNAUTHENTICATED; RATE too many logins, retry after login_limit_retry_s. */
struct password_login {
    slice login, password, address;
};
MUST_USE err_t user_check_password(struct core *, const struct password_login *, struct arena *a, struct user *ret);

/* ---- keys ---- */

struct key_request {
    slice login;
    slice purpose;            /* the name of the API that the key is for */
    enum key_role role;       /* not KEY_NO_ROLE */
    int64_t expires_at_ms;    /* 0: never */
    slice workspace, section; /* of the user's account: where the key works (core/sync/workspace.h); empty: nowhere */
    int64_t account_id;       /* of the user: NOT_FOUND in any other, and for the server's own user; 0: any */
};
/* A new key. Its secrets are returned here and never again. */
struct minted_key {
    int64_t id;
    slice key;    /* of a signing key: its public half, the access key */
    slice token;  /* from key_mint_pair */
    slice secret; /* from key_mint_signing */
};
/* A key of 43 letters and digits. Errors: SYNC_NO_WORKSPACE; SYNC_NO_SECTION; INVALID it would have expired already; NOT_FOUND no such user; CONFLICT the user is disabled; QUOTA the user
 * has user_max_keys already; REVOKED, BLOCKED, FORBIDDEN the rights of `who` have ended. */
MUST_USE err_t key_mint(struct core *, const struct principal *who, const struct key_request *, struct arena *a,
                        struct minted_key *ret);
/* A key that stands for the account (32 hex digits) and a token of the user (20 letters and digits), which a client
 * presents together. Revoking the key revokes the token. Errors: as key_mint. */
MUST_USE err_t key_mint_pair(struct core *, const struct principal *who, const struct key_request *, struct arena *a,
                             struct minted_key *ret);
/* A signing key: an access key, which is public (20 of A-Z 0-9), and a secret (40 letters and digits), which is stored
 * sealed. Errors: as key_mint; UNSUPPORTED there is no master key. */
MUST_USE err_t key_mint_signing(struct core *, const struct principal *who, const struct key_request *, struct arena *a,
                                struct minted_key *ret);
/* A key of which the server knows the public half alone, by its fingerprint (base/public_key.h). Errors: as key_mint; CONFLICT the
 * user has it for that purpose, and it was not revoked. */
MUST_USE err_t key_add_public(struct core *, const struct principal *who, const struct key_request *, slice fingerprint,
                              struct arena *a, int64_t *ret_id);
struct key_info {
    struct credential key;    /* with its role */
    slice login;              /* the login of its user; empty when the user has no record any more */
    slice access_key;         /* the public half of a signing key; empty for other keys, and when it cannot be opened */
    slice creator;            /* the login of who made it; empty: not known */
    slice client_id;          /* of an application (application.h); empty for other keys */
    slice workspace, section; /* where a key for sync files works; empty for other keys */
};
struct key_info_list {
    struct key_info *items;
    size_t count;
};
/* The keys of the user of that login (empty: of every user), revoked ones too, by id. Errors: NOT_FOUND no such user. */
MUST_USE err_t key_list(struct core *, slice login, const struct id_page *, struct arena *a, struct key_info_list *ret);
/* The keys of the users of an account, the server's own left out; by id. */
struct account_keys {
    int64_t account_id;
    bool with_revoked;
};
MUST_USE err_t key_list_of(struct core *, const struct account_keys *, const struct id_page *, struct arena *a,
                           struct key_info_list *ret);
/* Also revokes every token that was made from the key. Errors: NOT_FOUND. */
MUST_USE err_t key_revoke(struct core *, const struct principal *who, int64_t id, struct arena *a);
/* The same for an administrator: NOT_FOUND also for a key of another account, and for one of the server. */
MUST_USE err_t key_revoke_of(struct core *, const struct principal *who, int64_t id, struct arena *a);

/* Call on_lost for each lost signing key: one of a user that the master key does not open; the server's own are replaced by themselves. Looks at the `max` newest keys that
 * were not revoked (0: at all of them). */
MUST_USE err_t key_each_lost(struct core *, size_t max, struct arena *a,
                             void (*on_lost)(void *arg, int64_t id, err_t why), void *arg);
/* How many keys key_each_lost would report. */
MUST_USE err_t key_count_lost(struct core *, size_t max, struct arena *a, int64_t *ret);

/* ---- tokens ---- */

struct token_policy {
    int64_t lifetime_ms; /* at exactly created + lifetime the token has expired */
    int64_t per_user;    /* how many valid tokens a user may have; a new one revokes the oldest */
};
struct token_request {
    slice purpose, login, key;
    slice address; /* of the client: core/login_limit.h */
    const struct token_policy *policy;
};
/* Exchange a login and one of its keys for a token of 43 letters and digits.
 * Errors: UNAUTHENTICATED unknown login or key (the same work in both cases); BLOCKED the user is disabled; RATE too many
 * logins, retry after login_limit_retry_s. */
MUST_USE err_t token_issue(struct core *, const struct token_request *, struct arena *a, slice *ret_token);
/* Forget tokens that expired or were revoked more than a week ago. Until then a client that uses one learns which of the
 * two happened; afterwards the token is unknown. *ret_count: how many were forgotten. */
MUST_USE err_t token_forget_ended(struct core *, struct arena *a, int64_t *ret_count);

/* ---- the check ---- */

/* The user of a key or token. Cached, but a revocation counts from the moment it is acknowledged. Fit for a loop.
 * Errors: UNAUTHENTICATED unknown; EXPIRED; REVOKED; BLOCKED the user is disabled. */
MUST_USE err_t access_check(struct core *, slice purpose, enum credential_form, slice secret, struct arena *a,
                            struct principal *ret);
/* May a request of this principal do what needs that role? KEY_ADMIN includes KEY_WRITER, and that KEY_READER. A role that the
 * program does not know includes none. For guards and handlers of an API whose keys have roles; what the user may is another
 * question. Fit for a loop. */
bool key_may(const struct principal *, enum key_role needed);
/* "admin", "writer", "reader"; "unknown" for KEY_NO_ROLE. An API may call it otherwise. Static. */
const char *key_role_name(enum key_role);
struct key_and_token {
    slice key, token;
};
/* The user of the token of a key_mint_pair, with the role of the token. The key must be valid, too, and belong to the same account;
 * the two may come from different calls of key_mint_pair. *ret_key_id: the id of the key. Fit for a loop.
 * Errors: as access_check; UNAUTHENTICATED also when they belong to different accounts. */
MUST_USE err_t access_check_pair(struct core *, slice purpose, const struct key_and_token *, struct arena *a,
                                 struct principal *ret, int64_t *ret_key_id);
/* The user of a signing key, and its secret, with which the caller checks the signature. Cached like access_check; fit
 * for a loop. Errors: as access_check; CORRUPT the master key does not open the secret. */
MUST_USE err_t access_signing(struct core *, slice purpose, slice access_key, struct arena *a, struct principal *ret,
                              slice *ret_secret);
struct public_key_login {
    slice purpose, login;
    slice fingerprint; /* base/public_key.h */
};
/* The user of that login, if it has the public key for that purpose. Whoever asks has to check a signature by that key before the
 * result means anything; asking again after it costs little. An unknown login is looked for as long as a known one. Not cached.
 * Errors: as access_check. */
MUST_USE err_t access_public_key(struct core *, const struct public_key_login *, struct arena *a,
                                 struct principal *ret);
/* Writes the event of a login with a public key, after its signature was checked. address: of the client. Errors: REVOKED, BLOCKED
 * meanwhile. Not on a loop. */
MUST_USE err_t access_public_key_begin(struct core *, const struct principal *who, slice purpose, slice address,
                                       struct arena *a);
/* The server's own signing key of that purpose, with which it signs forms and links. It belongs to the operator and is
 * made when the operator has none. May block. */
MUST_USE err_t access_own_signing(struct core *, slice purpose, struct arena *a, slice *ret_access_key,
                                  slice *ret_secret);
/* The operator of this server as a principal, acting in the account of that name (empty: "default").
 * Errors: NOT_FOUND. */
MUST_USE err_t access_operator(struct core *, slice account, struct arena *a, struct principal *ret);

/* ---- links of the server ---- */

/* A link that the server's own user has signed names the user whom it was made for, and the key or token with which that user
 * asked for it (0: none): the request acts on behalf of that user, who must be active, and whose key or token must not be
 * revoked. For another signer the names mean nothing. The role stays that of the server's key: what a link is good for was decided
 * when it was made. Fit for a loop. Errors: REVOKED, BLOCKED. */
MUST_USE err_t access_act_for(struct core *, int64_t user_id, int64_t credential_id, struct arena *a,
                              struct principal *who);

#endif
