/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a database that is damaged, each read alone and by its number, so that one that cannot be read takes no other with it. Every
 * other call of the store may fail there, because it reads several tables at once.
 * Errors of every call: NOT_FOUND there is no such row; CORRUPT and the others: it cannot be read, and another one may be. */
#ifndef CAIS_CORE_STORE_SALVAGE_STORE_H
#define CAIS_CORE_STORE_SALVAGE_STORE_H

#include "core/records/file.h"
#include "core/records/holder.h"
#include "core/records/object.h"
#include "core/store/transaction.h"

/* The first file, or object, with this id or a higher one. The login of the owner is not read; the inline bytes are. */
MUST_USE err_t meta_salvage_file(struct meta_tx *, int64_t from_id, struct arena *a, struct file *ret);
MUST_USE err_t meta_salvage_object(struct meta_tx *, int64_t from_id, struct arena *a, struct object *ret);
/* Files that refer to an object, at most `limit` of them. */
MUST_USE err_t meta_salvage_files_of(struct meta_tx *, int64_t object_id, size_t limit, struct arena *a,
                                     struct file_list *ret);
/* The ids of the parts of a composite, in their order. */
MUST_USE err_t meta_salvage_parts(struct meta_tx *, int64_t object_id, struct arena *a, struct file_id_list *ret);

MUST_USE err_t meta_salvage_login(struct meta_tx *, int64_t user_id, struct arena *a, slice *ret);
MUST_USE err_t meta_salvage_account(struct meta_tx *, int64_t account_id, struct arena *a, slice *ret);
MUST_USE err_t meta_salvage_holds(struct meta_tx *, int64_t file_id, struct arena *a, struct hold_list *ret);
MUST_USE err_t meta_salvage_bucket(struct meta_tx *, int64_t bucket_id, struct arena *a, slice *ret_name);

/* An entry, as the index of objects knows it. */
struct salvaged_entry {
    int64_t bucket_id;
    slice key;
};
struct salvaged_entry_list {
    struct salvaged_entry *items;
    size_t count;
};
MUST_USE err_t meta_salvage_entries(struct meta_tx *, int64_t object_id, struct arena *a,
                                    struct salvaged_entry_list *ret);

/* What a growing blob was to become. */
struct salvaged_transfer {
    int64_t account_id, owner_id;
    slice file_name;
    uint64_t offset; /* bytes that were acknowledged */
};
MUST_USE err_t meta_salvage_transfer(struct meta_tx *, slice blob_key, struct arena *a, struct salvaged_transfer *ret);

#endif
