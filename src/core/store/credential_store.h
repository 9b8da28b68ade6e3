/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, tokens, and the sealed secrets of key pairs that sign. */
#ifndef CAIS_CORE_STORE_CREDENTIAL_STORE_H
#define CAIS_CORE_STORE_CREDENTIAL_STORE_H

#include "core/records/credential.h"
#include "core/records/record_ids.h"
#include "core/store/transaction.h"

/* ---- keys and tokens ---- */

/* What has a parent_id gets the role of that credential. */
MUST_USE err_t meta_credential_add(struct meta_tx *, const struct credential *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_credential_get(struct meta_tx *, int64_t id, struct arena *a, struct credential *ret);
/* Also finds credentials that are expired or revoked. */
MUST_USE err_t meta_credential_by_hash(struct meta_tx *, slice purpose, enum credential_form,
                                       const unsigned char hash[SHA256_SIZE], struct arena *a, struct credential *ret);
/* The key of that user and purpose with this fingerprint; of several the one that is not revoked, else the newest. */
MUST_USE err_t meta_credential_by_public_key(struct meta_tx *, int64_t user_id, slice purpose, slice public_key,
                                             struct arena *a, struct credential *ret);
/* The newest key of that user and purpose that is not revoked and never expires. */
MUST_USE err_t meta_credential_newest(struct meta_tx *, int64_t user_id, slice purpose, struct arena *a,
                                      struct credential *ret);
/* By id, ascending. user_id 0: of all users. */
MUST_USE err_t meta_credential_list(struct meta_tx *, int64_t user_id, enum credential_form, struct arena *a,
                                    struct credential_list *ret);
/* The same, a page of it. */
MUST_USE err_t meta_credential_page(struct meta_tx *, int64_t user_id, enum credential_form, const struct id_page *,
                                    struct arena *a, struct credential_list *ret);
/* Keys of the users of an account, the server's own user left out; by id, ascending. */
MUST_USE err_t meta_credential_keys(struct meta_tx *, int64_t account_id, bool with_revoked, const struct id_page *,
                                    struct arena *a, struct credential_list *ret);
/* How many keys of the user were not revoked. Until the write ends, no other write adds one. */
MUST_USE err_t meta_credential_count_keys(struct meta_tx *, int64_t user_id, struct arena *a, int64_t *ret);
/* Revokes a credential and every token that was made from it. It is no error when they are revoked already. */
MUST_USE err_t meta_credential_revoke(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* All keys of the workspace that were not revoked. */
MUST_USE err_t meta_credential_revoke_workspace(struct meta_tx *, int64_t workspace_id, int64_t now_ms,
                                                struct arena *a);
/* Revokes every token of the user, and leaves the keys. */
MUST_USE err_t meta_credential_revoke_tokens(struct meta_tx *, int64_t user_id, int64_t now_ms, struct arena *a);
/* Revokes the oldest live tokens of that user and purpose, so that at most `keep` are left. */
MUST_USE err_t meta_credential_trim_tokens(struct meta_tx *, int64_t user_id, slice purpose, int64_t keep,
                                           int64_t now_ms, struct arena *a);
/* The key was used then, or later. It is no error when it does not exist. */
MUST_USE err_t meta_credential_note_use(struct meta_tx *, int64_t id, int64_t at_ms, struct arena *a);
/* Sets when a token expires, if it is live at now_ms and expires at least step_ms earlier than that. It is no error when it
 * does not. */
MUST_USE err_t meta_credential_extend(struct meta_tx *, int64_t id, int64_t expires_at_ms, int64_t step_ms,
                                      int64_t now_ms, struct arena *a);
/* Removes the record of a token that no other was made from. It is no error when there is none. */
MUST_USE err_t meta_credential_remove_token(struct meta_tx *, int64_t id, struct arena *a);
/* Removes the records of tokens that were revoked or expired before `before_ms`. ret_count: how many. */
MUST_USE err_t meta_credential_forget(struct meta_tx *, int64_t before_ms, struct arena *a, int64_t *ret_count);

/* ---- sealed secrets of key pairs ---- */

/* Both halves of a key pair, sealed under the server's master key. */
struct secret {
    int64_t credential_id;
    slice sealed;
};
struct secret_list {
    struct secret *items;
    size_t count;
};
/* Adds the secret of a key, or replaces the one that it has. */
MUST_USE err_t meta_secret_put(struct meta_tx *, int64_t credential_id, slice sealed, struct arena *a);
MUST_USE err_t meta_secret_get(struct meta_tx *, int64_t credential_id, struct arena *a, slice *ret_sealed);
/* The secrets of keys that are not revoked and whose ids are below before_id (0: of all), newest key first. */
MUST_USE err_t meta_secret_list(struct meta_tx *, int64_t before_id, size_t limit, struct arena *a,
                                struct secret_list *ret);

#endif
