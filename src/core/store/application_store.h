/* SPDX-License-Identifier: Apache-2.0 */
/* Applications, and the codes that users give to them. The credentials of both: credential_store.h. */
#ifndef CAIS_CORE_STORE_APPLICATION_STORE_H
#define CAIS_CORE_STORE_APPLICATION_STORE_H

#include "core/records/application.h"
#include "core/records/record_ids.h"
#include "core/store/transaction.h"

/* Its key and its token were added before. CONFLICT when there is one with that client_id. */
MUST_USE err_t meta_application_add(struct meta_tx *, const struct application *, struct arena *a);
/* Also finds applications whose key was revoked. */
MUST_USE err_t meta_application_by_client_id(struct meta_tx *, slice client_id, struct arena *a,
                                             struct application *ret);

/* The client_id of the application with that key. NOT_FOUND the key is none of an application. */
MUST_USE err_t meta_application_client_id(struct meta_tx *, int64_t key_id, struct arena *a, slice *ret);

/* Its credential was added before. */
MUST_USE err_t meta_code_add(struct meta_tx *, const struct code *, struct arena *a);
MUST_USE err_t meta_code_get(struct meta_tx *, int64_t credential_id, struct arena *a, struct code *ret);
/* Marks a code as used. *ret_first: it was not used before. */
MUST_USE err_t meta_code_use(struct meta_tx *, int64_t credential_id, int64_t now_ms, struct arena *a, bool *ret_first);

/* Removes a code with its credential and the tokens that were made from it. */
MUST_USE err_t meta_code_remove(struct meta_tx *, int64_t credential_id, struct arena *a);

/* What an application has from one user. */
struct surplus_query {
    int64_t user_id, key_id; /* key_id: of the application */
    slice purpose;
    int64_t spared_id; /* of a credential that does not count; 0: all count */
    int64_t keep;      /* how many live credentials may be left */
    int64_t now_ms;
};
/* The ids of the oldest live tokens of that purpose that were made from the key, or from a code that was made from it, so that
 * `keep` are left. Until the write ends, no other write adds one. */
MUST_USE err_t meta_application_surplus(struct meta_tx *, const struct surplus_query *, struct arena *a,
                                        struct record_ids *ret);

#endif
