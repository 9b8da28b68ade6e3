/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come in: accounts, users, keys, tokens. Secrets are random, shown once, and kept as SHA-256 hashes;
 * passwords as argon2id. Every change writes an event. `who` is the actor for the audit log. */
#ifndef CAIS_CORE_ACCESS_ACCESS_H
#define CAIS_CORE_ACCESS_ACCESS_H

#include "core/core.h"
#include "core/records/account.h"
#include "core/records/credential.h"
#include "core/records/user.h"

/* The account "default" exists from the start; it and a system user "operator" are made here when missing. */
MUST_USE err_t access_bootstrap(struct core *, struct arena *a);

/* name: 1..64 of [A-Za-z0-9._-]. Errors: INVALID, CONFLICT. */
MUST_USE err_t account_create(struct core *, const struct principal *who, slice name, struct arena *a,
                              struct account *ret);

/* 0: no limit of its own; that of core_options counts. Errors: NOT_FOUND; INVALID negative. */
MUST_USE err_t account_set_limits(struct core *, const struct principal *who, slice name, int64_t max_bytes,
                                  int64_t max_files, struct arena *a);
/* Errors: NOT_FOUND. */
MUST_USE err_t account_by_name(struct core *, slice name, struct arena *a, struct account *ret);
/* Errors: NOT_FOUND. */
MUST_USE err_t account_get(struct core *, int64_t id, struct arena *a, struct account *ret);

/* Every account, in `a`. */
MUST_USE err_t account_list(struct core *, struct arena *a, struct account_list *ret);

struct user_request {
    slice account; /* name; empty: default */
    slice login;   /* 1..128 bytes of UTF-8 without control characters or blanks */
    slice name, email;
    enum user_kind kind;
    bool is_admin;
};
/* Errors: INVALID, CONFLICT (login taken), NOT_FOUND (account). */
MUST_USE err_t user_create(struct core *, const struct principal *who, const struct user_request *, struct arena *a,
                           struct user *ret);
/* The users of the account of that name (empty: of every account), by id. Errors: NOT_FOUND (account). */
MUST_USE err_t user_list(struct core *, slice account, struct arena *a, struct user_list *ret);
/* Disabling ends every token; keys work again once the user is enabled. Deleting ends keys and tokens for good and
 * frees the login; files stay with the account. Errors: NOT_FOUND. */
MUST_USE err_t user_set_state(struct core *, const struct principal *who, slice login, enum user_state,
                              struct arena *a);
/* Ends every token of the user. Errors: NOT_FOUND; INVALID shorter than 8 bytes or longer than 1024. */
MUST_USE err_t user_set_password(struct core *, const struct principal *who, slice login, slice password,
                                 struct arena *a);
/* Errors: UNAUTHENTICATED (also for an unknown login, after the same work). Slow on purpose: not on a loop. */
MUST_USE err_t user_check_password(struct core *, slice login, slice password, struct arena *a, struct user *ret);

/* A new key: the secret is returned here and never again.
 * purpose: which way in ("native", or the name of an API). Errors: NOT_FOUND (user), BLOCKED. */
MUST_USE err_t key_mint(struct core *, const struct principal *who, slice login, slice purpose, struct arena *a,
                        int64_t *ret_id, slice *ret_secret);
/* A key that names an account (32 hex digits) and a token of the user (20 letters and digits), to be shown together;
 * the token ends with the key, whose id it is. Errors: as key_mint. */
MUST_USE err_t key_mint_pair(struct core *, const struct principal *who, slice login, slice purpose, struct arena *a,
                             int64_t *ret_id, slice *ret_key, slice *ret_token);
/* A key pair that signs: the access key (20 of A-Z 0-9) is public, the secret (40 characters) is kept sealed. Errors:
 * as key_mint. */
MUST_USE err_t key_mint_signing(struct core *, const struct principal *who, slice login, slice purpose, struct arena *a,
                                int64_t *ret_id, slice *ret_access_key, slice *ret_secret);
struct key_info {
    struct credential key;
    slice login;      /* of its user; empty when the user has no record any more */
    slice access_key; /* the public half of a key pair that signs; empty for other keys, and when it cannot be opened */
};
struct key_info_list {
    struct key_info *items;
    size_t count;
};
/* The keys of the user of that login (empty: of every user), ended ones too, by id. Errors: NOT_FOUND (user). */
MUST_USE err_t key_list(struct core *, slice login, struct arena *a, struct key_info_list *ret);
/* Ends it and every token made from it. Errors: NOT_FOUND. */
MUST_USE err_t key_revoke(struct core *, const struct principal *who, int64_t id, struct arena *a);

struct token_policy {
    int64_t lifetime_ms; /* at exactly created + lifetime it has expired */
    int64_t per_user;    /* live tokens a user may have; the oldest dies first */
};
/* Exchange a login and one of its keys for a token: 43 characters of [A-Za-z0-9], no dots.
 * Errors: UNAUTHENTICATED unknown login or key (same work either way); BLOCKED user disabled. */
MUST_USE err_t token_issue(struct core *, slice purpose, slice login, slice key, const struct token_policy *,
                           struct arena *a, slice *ret_token);

/* Forget tokens that expired or were revoked more than a week ago: until then a client that uses one learns which of
 * the two it was, and not only that it is unknown. *ret_count: how many. */
MUST_USE err_t token_forget_ended(struct core *, struct arena *a, int64_t *ret_count);

/* Who holds this key or token? Cached; a revocation counts from the moment it is acknowledged. Fit for a loop.
 * Errors: UNAUTHENTICATED unknown; EXPIRED; REVOKED; BLOCKED. */
MUST_USE err_t access_check(struct core *, slice purpose, enum credential_form, slice secret, struct arena *a,
                            struct principal *ret);

/* Both halves of key_mint_pair: live, and of one account; the token says who it is, ret_key_id which key came with it.
 * The two need not come from one mint. Fit for a loop. Errors: as access_check; UNAUTHENTICATED also when they belong
 * to different accounts. */
MUST_USE err_t access_check_pair(struct core *, slice purpose, slice key, slice token, struct arena *a,
                                 struct principal *ret, int64_t *ret_key_id);
/* Whose access key is it, and what secret goes with it? Cached like access_check; fit for a loop.
 * Errors: as access_check; CORRUPT the secret cannot be opened with this master key. */
MUST_USE err_t access_signing(struct core *, slice purpose, slice access_key, struct arena *a, struct principal *ret,
                              slice *ret_secret);
/* The server's own key pair of that purpose, with which it signs forms and links: that of the operator, made when there
 * is none. May block. */
MUST_USE err_t access_own_signing(struct core *, slice purpose, struct arena *a, slice *ret_access_key,
                                  slice *ret_secret);

/* Calls `on_lost` for each signing key that is lost, because the master key does not open it, among the `most` newest
 * live ones (0: all). */
MUST_USE err_t key_each_lost(struct core *, size_t most, struct arena *a,
                             void (*on_lost)(void *arg, int64_t id, err_t why), void *arg);
/* How many keys key_each_lost would name. */
MUST_USE err_t key_count_lost(struct core *, size_t most, struct arena *a, int64_t *ret);

/* The operator of this server as a principal, acting in the account of that name (empty: default).
 * Errors: NOT_FOUND. */
MUST_USE err_t access_operator(struct core *, slice account, struct arena *a, struct principal *ret);

#endif
