/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, tokens, and the sealed secrets of key pairs. */
#ifndef CAIS_CORE_STORE_CREDENTIAL_STORE_H
#define CAIS_CORE_STORE_CREDENTIAL_STORE_H

#include "core/records/credential.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_credential_add(struct meta_tx *, const struct credential *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_credential_get(struct meta_tx *, int64_t id, struct arena *a, struct credential *ret);
/* By purpose, form and hash, whatever its state. */
MUST_USE err_t meta_credential_by_hash(struct meta_tx *, slice purpose, enum credential_form,
                                       const unsigned char hash[SHA256_SIZE], struct arena *a, struct credential *ret);
MUST_USE err_t meta_credential_list(struct meta_tx *, int64_t user_id /* 0: all */, enum credential_form,
                                    struct arena *a, struct credential_list *ret);
/* Ends it and every token made from it. Ended before is success. */
MUST_USE err_t meta_credential_revoke(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* Ends every token of the user (keys stay). */
MUST_USE err_t meta_credential_revoke_tokens(struct meta_tx *, int64_t user_id, int64_t now_ms, struct arena *a);
/* Ends the user's oldest live tokens of that purpose so that at most `keep` are left. */
MUST_USE err_t meta_credential_trim_tokens(struct meta_tx *, int64_t user_id, slice purpose, int64_t keep,
                                           int64_t now_ms, struct arena *a);
/* The sealed half of a key pair; one that is put again takes the place of the first. */
MUST_USE err_t meta_secret_put(struct meta_tx *, int64_t credential_id, slice sealed, struct arena *a);
MUST_USE err_t meta_secret_get(struct meta_tx *, int64_t credential_id, struct arena *a, slice *ret_sealed);
/* Those of keys that have not ended, newest first, ids below before_id (0: no bound): for fsck. */
struct secret {
    int64_t credential_id;
    slice sealed;
};
struct secret_list {
    struct secret *items;
    size_t count;
};
MUST_USE err_t meta_secret_list(struct meta_tx *, int64_t before_id, size_t limit, struct arena *a,
                                struct secret_list *ret);
/* The newest key of that user and purpose that was not ended and never expires. NOT_FOUND when it has none. */
MUST_USE err_t meta_credential_newest(struct meta_tx *, int64_t user_id, slice purpose, struct arena *a,
                                      struct credential *ret);
/* Forgets tokens that ended or expired before `before_ms`. */
MUST_USE err_t meta_credential_forget(struct meta_tx *, int64_t before_ms, struct arena *a, int64_t *ret_count);

#endif
