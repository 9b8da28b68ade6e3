/* SPDX-License-Identifier: Apache-2.0 */
/* The blob store on a disk: one file for each blob under DIR, in 256 shard directories, which are named by the first two
 * characters of the key. These are hex digits, which core picks at random.
 * A commit is durable: O_TMPFILE, write, fdatasync, linkat, fsync of the shard directory (one fsync serves all threads that
 * wait for it). Growing blobs stand in DIR/growing until they are settled. Keeps 258 descriptors open. */
#ifndef CAIS_BLOB_DISK_DISK_H
#define CAIS_BLOB_DISK_DISK_H

#include "core/store/blob_store.h"

/* Open the store; makes DIR (not its parents) and the shard directories when they are missing, and syncs DIR and its entry
 * in its parent. `relaxed` skips every sync. Only one store may be open for a DIR at a time: the caller holds a lock.
 * Where O_TMPFILE is not supported, a blob that is being written has a hidden name, which the next open removes. Where it
 * is, open does not read the shards, so it takes the same time however many blobs there are.
 * Errors: those of blob_store.h; FORBIDDEN DIR is not writable; NOT_FOUND DIR has no parent. */
MUST_USE err_t blob_disk_open(const char *dir, bool relaxed, struct arena *a, struct blob_store **ret_store);
/* How many microseconds a write of 4 KiB with fdatasync takes in DIR: the median of a few. */
MUST_USE err_t blob_disk_flush_time(const char *dir, struct arena *a, int64_t *ret_us);

#endif
