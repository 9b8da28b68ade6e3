/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads whose bytes come in several requests. Each change names what it expects of the row, so of two writers one wins. */
#ifndef CAIS_CORE_STORE_TRANSFER_STORE_H
#define CAIS_CORE_STORE_TRANSFER_STORE_H

#include "core/records/record_ids.h"
#include "core/records/transfer.h"
#include "core/store/transaction.h"

/* CONFLICT when the section has one of that file_name. */
MUST_USE err_t meta_transfer_add(struct meta_tx *, const struct transfer *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_transfer_get(struct meta_tx *, int64_t id, struct arena *a, struct transfer *ret);
MUST_USE err_t meta_transfer_by_name(struct meta_tx *, slice name, struct arena *a, struct transfer *ret);
/* Those of all users, by id. */
MUST_USE err_t meta_transfer_list(struct meta_tx *, const struct id_page *, struct arena *a, struct transfer_list *ret);
struct transfer_listing {
    int64_t account_id, owner_id, now_ms;
    struct id_page page;
};
/* Those of a user in an account that have not expired and belong to no section and no link, by id. Also those that are finished. */
MUST_USE err_t meta_transfer_list_of(struct meta_tx *, const struct transfer_listing *, struct arena *a,
                                     struct transfer_list *ret);
/* Those that expired and are no part of an unfinished one, the longest ago first. */
MUST_USE err_t meta_transfer_list_expired(struct meta_tx *, int64_t now_ms, size_t limit, struct arena *a,
                                          struct transfer_list *ret);
struct transfer_claim {
    int64_t id;
    slice writer; /* random; not empty */
    int64_t now_ms, until_ms;
    bool takes_over; /* also while another may write */
};
/* *ret_claimed: the writer may add bytes now. False: another may, or the transfer is finished or gone. */
MUST_USE err_t meta_transfer_claim(struct meta_tx *, const struct transfer_claim *, struct arena *a, bool *ret_claimed);
/* Raises the offset, and writes the digest and the times. *ret_done: false when the writer may write no more, the transfer has
 * expired, or the offset is another one than `from`. */
struct transfer_advance {
    int64_t id;
    slice writer;
    int64_t from, to;
    const struct md5 *md5;
    const struct hash_state *digest; /* NULL: it has none */
    int64_t now_ms, until_ms, expires_at_ms;
};
MUST_USE err_t meta_transfer_advance(struct meta_tx *, const struct transfer_advance *, struct arena *a,
                                     bool *ret_done);
/* The writer writes no more. It is no error when it does not any more. */
MUST_USE err_t meta_transfer_release(struct meta_tx *, int64_t id, slice writer, struct arena *a);
/* Nobody writes: after the only process that could has ended. */
MUST_USE err_t meta_transfer_release_all(struct meta_tx *, struct arena *a);
/* Sets the length, which was not known. *ret_done: false when it was, or more bytes came. */
MUST_USE err_t meta_transfer_set_length(struct meta_tx *, int64_t id, int64_t length, struct arena *a, bool *ret_done);
/* Marks it as finished. *ret_done: false when it was before, or bytes are missing. */
MUST_USE err_t meta_transfer_finish(struct meta_tx *, const struct transfer *, struct arena *a, bool *ret_done);
/* The length is not known any more, if the writer may write. */
MUST_USE err_t meta_transfer_clear_length(struct meta_tx *, int64_t id, slice writer, struct arena *a);
/* Nobody writes to it, and from then on it has expired and belongs to no section. */
MUST_USE err_t meta_transfer_expire(struct meta_tx *, int64_t id, int64_t now_ms, struct arena *a);
/* Removes the record as it was read. *ret_done: false when it is gone, or its offset has risen, or it was finished or renamed. Whoever writes
 * fails from then on. */
MUST_USE err_t meta_transfer_remove(struct meta_tx *, const struct transfer *, struct arena *a, bool *ret_done);
/* Removes the record of one all of whose bytes are there, as it was read. *ret_done: false when it is gone, or was changed, or
 * somebody may write. */
MUST_USE err_t meta_transfer_take(struct meta_tx *, const struct transfer *, struct arena *a, bool *ret_done);

/* ---- the files of a section ---- */

MUST_USE err_t meta_transfer_in_section(struct meta_tx *, int64_t section_id, slice file_name, struct arena *a,
                                        struct transfer *ret);
struct transfer_names {
    int64_t section_id, now_ms;
    slice after; /* file_name of the last one of the page before; empty: from the first */
    size_t limit;
};
/* Those that have not expired, by file_name. */
MUST_USE err_t meta_transfer_list_in_section(struct meta_tx *, const struct transfer_names *, struct arena *a,
                                             struct transfer_list *ret);
/* Whoever counts or names holds the section first (meta_section_hold). */
MUST_USE err_t meta_transfer_count_in_section(struct meta_tx *, int64_t section_id, struct arena *a, int64_t *ret);
/* One of that file_name that has expired belongs to no section from now on. */
MUST_USE err_t meta_transfer_leave_section(struct meta_tx *, int64_t section_id, slice file_name, int64_t now_ms,
                                           struct arena *a);
/* Gives one that nobody writes to another file_name. *ret_done: false when somebody may, or it is gone or finished, or its section
 * has one of that file_name. */
MUST_USE err_t meta_transfer_rename(struct meta_tx *, int64_t id, slice file_name, struct arena *a, bool *ret_done);

/* ---- parts ---- */

MUST_USE err_t meta_transfer_add_part(struct meta_tx *, int64_t transfer_id, int64_t position, int64_t part_id,
                                      struct arena *a);
/* In their order; one that is there several times, several times. */
MUST_USE err_t meta_transfer_list_parts(struct meta_tx *, int64_t transfer_id, struct arena *a,
                                        struct transfer_list *ret);
MUST_USE err_t meta_transfer_forget_parts(struct meta_tx *, int64_t transfer_id, struct arena *a);
/* *ret_is: it is a part of one whose parts were not forgotten. */
MUST_USE err_t meta_transfer_is_in_use(struct meta_tx *, int64_t part_id, struct arena *a, bool *ret_is);

/* *ret_has: a transfer that is not finished has this growing blob. */
MUST_USE err_t meta_transfer_has_key(struct meta_tx *, slice blob_key, struct arena *a, bool *ret_has);

#endif
