/* One file per blob under DIR, in 256 shard directories named by the first two characters of the key (hex digits; core
 * picks keys at random). Durable on commit:
 * O_TMPFILE, write, fdatasync, linkat, fsync of the shard directory (one fsync serves all who wait for it). */
#ifndef CAIS_BLOB_DISK_DISK_H
#define CAIS_BLOB_DISK_DISK_H

#include "base/clock.h"
#include "core/blob_store.h"

/* Makes the shard directories when they are missing and syncs them and DIR. `relaxed` skips every sync.
 * Where O_TMPFILE is not supported: a hidden temporary name, removed at the next open.
 * Errors: those of blob_store.h; FORBIDDEN when DIR cannot be written. */
MUST_USE err_t blob_disk_open(const char *dir, bool relaxed, struct arena *a, struct blob_store **ret_store);
/* Microseconds that one write + fdatasync of 4 KiB takes there: the median of a few. */
MUST_USE err_t blob_disk_flush_time(const char *dir, struct arena *a, int64_t *ret_us);

#endif
