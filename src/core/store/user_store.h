/* SPDX-License-Identifier: Apache-2.0 */
/* Users and their passwords. */
#ifndef CAIS_CORE_STORE_USER_STORE_H
#define CAIS_CORE_STORE_USER_STORE_H

#include "core/records/record_ids.h"
#include "core/records/user.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_user_add(struct meta_tx *, const struct user *, struct arena *a, int64_t *ret_id);
/* Also finds a deleted user. */
MUST_USE err_t meta_user_get(struct meta_tx *, int64_t id, struct arena *a, struct user *ret);
/* Does not find a deleted user. */
MUST_USE err_t meta_user_by_login(struct meta_tx *, slice login, struct arena *a, struct user *ret);
/* Until the write ends, no other write adds a key or token of the user. */
MUST_USE err_t meta_user_hold(struct meta_tx *, int64_t id, struct arena *a);
/* Finds an active user of the account by login or, when no login matches, by e-mail address. */
MUST_USE err_t meta_user_by_email(struct meta_tx *, int64_t account_id, slice email, struct arena *a, struct user *ret);
/* The first user, by id, whose login or e-mail address it is, without regard to case (ASCII). Reads two rows, however many
 * users the account has. Does not find a deleted user. */
MUST_USE err_t meta_user_by_address(struct meta_tx *, int64_t account_id, slice address, struct arena *a,
                                    struct user *ret);
/* By id, ascending; deleted users, too. account_id 0: of all accounts. */
MUST_USE err_t meta_user_list(struct meta_tx *, int64_t account_id, const struct id_page *, struct arena *a,
                              struct user_list *ret);
/* People and bots of the account that are not deleted, by id, ascending. */
MUST_USE err_t meta_user_members(struct meta_tx *, int64_t account_id, const struct id_page *, struct arena *a,
                                 struct user_list *ret);
/* How many users the account has that were not removed, the server's own included; it counts up to max. */
MUST_USE err_t meta_user_count(struct meta_tx *, int64_t account_id, int64_t max, struct arena *a, int64_t *ret);
/* Has the account an active administrator besides that user, and the server's own? The caller holds the account. */
MUST_USE err_t meta_user_has_other_administrator(struct meta_tx *, int64_t account_id, int64_t but_id, struct arena *a,
                                                 bool *ret);
struct user_page_query {
    int64_t account_id;
    int64_t with; /* only this user, and who is author or member of a task of which this user is either; 0: any */
    size_t offset, limit;
};
/* The ids of people and bots that are not deleted, ascending. *ret_total: how many there are without offset and limit. */
MUST_USE err_t meta_user_page(struct meta_tx *, const struct user_page_query *, struct arena *a, struct record_ids *ret,
                              int64_t *ret_total);
/* NOT_FOUND also for a deleted user, who stays deleted. */
MUST_USE err_t meta_user_set_state(struct meta_tx *, int64_t id, enum user_state, struct arena *a);
/* 0: no limit. NOT_FOUND also for a deleted user. */
MUST_USE err_t meta_user_set_limits(struct meta_tx *, int64_t id, int64_t max_bytes, int64_t max_files,
                                    struct arena *a);
MUST_USE err_t meta_user_set_admin(struct meta_tx *, int64_t id, bool is_admin, struct arena *a);
MUST_USE err_t meta_user_set_password(struct meta_tx *, int64_t id, slice hash, struct arena *a);
/* *ret_hash is empty when the user has no password. */
MUST_USE err_t meta_user_password(struct meta_tx *, int64_t id, struct arena *a, slice *ret_hash);

#endif
