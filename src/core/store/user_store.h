/* SPDX-License-Identifier: Apache-2.0 */
/* Users and their passwords. */
#ifndef CAIS_CORE_STORE_USER_STORE_H
#define CAIS_CORE_STORE_USER_STORE_H

#include "core/records/user.h"
#include "core/store/transaction.h"

MUST_USE err_t meta_user_add(struct meta_tx *, const struct user *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_user_get(struct meta_tx *, int64_t id, struct arena *a, struct user *ret); /* also deleted ones */
MUST_USE err_t meta_user_by_login(struct meta_tx *, slice login, struct arena *a, struct user *ret); /* not deleted */
/* By e-mail or login, within an account, active only. */
MUST_USE err_t meta_user_by_email(struct meta_tx *, int64_t account_id, slice email, struct arena *a, struct user *ret);
MUST_USE err_t meta_user_list(struct meta_tx *, int64_t account_id /* 0: all */, struct arena *a,
                              struct user_list *ret);
MUST_USE err_t meta_user_set_state(struct meta_tx *, int64_t id, enum user_state, struct arena *a);
MUST_USE err_t meta_user_set_password(struct meta_tx *, int64_t id, slice hash, struct arena *a);
MUST_USE err_t meta_user_password(struct meta_tx *, int64_t id, struct arena *a, slice *ret_hash); /* empty: none set */

#endif
