/* SPDX-License-Identifier: Apache-2.0 */
/* Holders and the files that they hold. Only core/file/hold.c calls the functions that change holds, because a hold and
 * the state of its file change together. Every change of the holds of a file comes after meta_file_hold or
 * meta_file_lock of that file in the same write, so two writes never change the holds of one file at the same time. */
#ifndef CAIS_CORE_STORE_HOLD_STORE_H
#define CAIS_CORE_STORE_HOLD_STORE_H

#include "core/records/file.h"
#include "core/records/holder.h"
#include "core/store/transaction.h"

/* ---- one hold ---- */

/* A holder holds a file once: adding the same hold again changes nothing. CONFLICT when there is no such file. */
MUST_USE err_t meta_hold_add(struct meta_tx *, const struct hold *, struct arena *a);
/* It is no error when there is no such hold. */
MUST_USE err_t meta_hold_remove(struct meta_tx *, const struct hold *, struct arena *a);
/* *ret_held: something holds the file. */
MUST_USE err_t meta_hold_any(struct meta_tx *, int64_t file_id, struct arena *a, bool *ret_held);
/* *ret_has: exactly this holder holds the file. */
MUST_USE err_t meta_hold_has(struct meta_tx *, const struct hold *, struct arena *a, bool *ret_has);
/* Holds in ascending order of file id, kind and holder id: those after `after`; from the first one when it is zeros. */
MUST_USE err_t meta_hold_list(struct meta_tx *, const struct hold *after, size_t limit, struct arena *a,
                              struct hold_list *ret);

/* ---- the holds of one holder, by file id, ascending ---- */

/* The first `limit` files that the holder holds. */
MUST_USE err_t meta_hold_files(struct meta_tx *, struct holder, size_t limit, struct arena *a,
                               struct file_id_list *ret);
/* The four calls below apply to the files that the holder holds and whose ids are at most up_to_id. */
/* Does what meta_file_lock does, for each of these files. */
MUST_USE err_t meta_hold_lock_files(struct meta_tx *, struct holder, int64_t up_to_id, struct arena *a);
/* The files of the holder that came by ticket and that nothing else holds. */
MUST_USE err_t meta_hold_ticket_files(struct meta_tx *, struct holder, int64_t up_to_id, struct arena *a,
                                      struct file_id_list *ret);
/* The files of the holder that nothing else holds and that are not kept become STORED, to be purged at purge_at_ms. */
MUST_USE err_t meta_hold_expire_files(struct meta_tx *, struct holder, int64_t up_to_id, int64_t purge_at_ms,
                                      struct arena *a);
/* Removes these holds. */
MUST_USE err_t meta_hold_remove_files(struct meta_tx *, struct holder, int64_t up_to_id, struct arena *a);

/* ---- holders that were removed ---- */

MUST_USE err_t meta_ended_holder_add(struct meta_tx *, const struct ended_holder *, struct arena *a);
/* The first one by kind and id. NOT_FOUND when there is none. */
MUST_USE err_t meta_ended_holder_first(struct meta_tx *, struct arena *a, struct ended_holder *ret);
/* *ret_is: the holder was removed and still holds files. */
MUST_USE err_t meta_ended_holder_has(struct meta_tx *, struct holder, struct arena *a, bool *ret_is);
/* Its holds are released. */
MUST_USE err_t meta_ended_holder_remove(struct meta_tx *, struct holder, struct arena *a);

#endif
