/* SPDX-License-Identifier: Apache-2.0 */
/* The blob store on a disk: one file for each blob under DIR, in 256 shard directories, which are named by the first two
 * characters of the key. These are hex digits, which core picks at random.
 * A commit is durable: O_TMPFILE, write, fdatasync, linkat, fsync of the shard directory (one fsync serves all threads that
 * wait for it). Growing blobs stand in DIR/growing until they are settled. Keeps 258 descriptors open. */
#ifndef CAIS_BLOB_DISK_DISK_H
#define CAIS_BLOB_DISK_DISK_H

#include "core/store/blob_link.h"
#include "core/store/blob_store.h"

/* Where the blob of that key stands, below DIR. */
slice blob_disk_path(slice key, struct arena *a);

/* Open the store; makes DIR (not its parents) and the shard directories when they are missing, and syncs DIR and its entry
 * in its parent. `relaxed` skips every sync. Only one store may be open for a DIR at a time: the caller holds a lock.
 * Where O_TMPFILE is not supported, a blob that is being written has a hidden name, which the next open removes. Where it
 * is, open does not read the shards, so it takes the same time however many blobs there are.
 * Errors: those of blob_store.h; FORBIDDEN DIR is not writable; NOT_FOUND DIR has no parent. */
MUST_USE err_t blob_disk_open(const char *dir, bool relaxed, struct arena *a, struct blob_store **ret_store);
/* Is there a store, with one of its shard directories at least? */
bool blob_disk_is_made(const char *dir);
/* Open the store of a damaged data directory. Nothing is made, changed or synced; the calls that change anything must not be used. A
 * shard that is not there, or cannot be read, has no blobs that can be read; `each` visits all others, and then returns the error.
 * Errors: NOT_FOUND there is no DIR; UNAVAILABLE. */
MUST_USE err_t blob_disk_open_to_read(const char *dir, struct arena *a, struct blob_store **ret_store);
/* Give a blob of one store, if it is there, a second name in another, which need not be opened: a hard link, so neither store may
 * ever write to a blob in place, and none does. Symbolic links are not followed. The name is not synced: blob_disk_sync_names does
 * that for all. The directories are those of the stores. Errors: CONFLICT the other store has a blob of that key; NO_SPACE;
 * UNAVAILABLE. */
MUST_USE err_t blob_disk_link(const struct blob_link *link, struct arena *a, enum blob_link_result *ret);
/* Sync the directories of a store. */
MUST_USE err_t blob_disk_sync_names(const char *dir, struct arena *a);
/* How many microseconds a write of 4 KiB with fdatasync takes in DIR: the median of a few. */
MUST_USE err_t blob_disk_flush_time(const char *dir, struct arena *a, int64_t *ret_us);

#endif
