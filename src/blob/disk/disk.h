/* SPDX-License-Identifier: Apache-2.0 */
/* One file per blob under DIR, in 256 shard directories named by the first two characters of the key (hex digits; core
 * picks keys at random). Durable on commit:
 * O_TMPFILE, write, fdatasync, linkat, fsync of the shard directory (one fsync serves all who wait for it).
 * Keeps 257 descriptors open. */
#ifndef CAIS_BLOB_DISK_DISK_H
#define CAIS_BLOB_DISK_DISK_H

#include "core/store/blob_store.h"

/* Makes DIR (not its parents) and the shard directories when they are missing and syncs DIR and its entry in its
 * parent. `relaxed` skips every sync. One open store per DIR at a time: the caller holds a lock. Where O_TMPFILE is not
 * supported: a hidden temporary name, removed at the next open. Where it is, open never reads the shards, so it takes
 * the same time however many blobs there are. Errors: those of blob_store.h; FORBIDDEN when DIR cannot be written;
 * NOT_FOUND when DIR has no parent. */
MUST_USE err_t blob_disk_open(const char *dir, bool relaxed, struct arena *a, struct blob_store **ret_store);
/* Microseconds that one write + fdatasync of 4 KiB takes there: the median of a few. */
MUST_USE err_t blob_disk_flush_time(const char *dir, struct arena *a, int64_t *ret_us);

#endif
