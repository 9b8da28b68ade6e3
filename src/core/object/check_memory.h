/* SPDX-License-Identifier: Apache-2.0 */
/* Which pieces of which blobs were found right within the last minute. Reading 256 MiB from the memory of the kernel to check
 * them takes as long as sending them, and what the kernel has in memory does not rot there with the disk. So what many
 * clients fetch at once is checked once a minute, while its file is the same and its pages stay in memory.
 * Thread   any. */
#ifndef CAIS_CORE_OBJECT_CHECK_MEMORY_H
#define CAIS_CORE_OBJECT_CHECK_MEMORY_H

#include "core/core.h"

#define CHECK_REMEMBERED_MS ((int64_t)60000)

/* A file as it is now: whoever writes to it changes this. */
struct blob_version {
    uint64_t inode, size_bytes;
    int64_t changed_at_ns;
};
/* False: the descriptor cannot be asked. */
bool blob_version_of(int fd, struct blob_version *ret);

struct check_memory; /* core->checks */
/* Were the pieces from `first` up to and without `end` all found right in this version, within CHECK_REMEMBERED_MS before now_ms
 * (monotonic)? */
bool check_memory_has(struct check_memory *, const struct blob_version *, uint64_t first, uint64_t end, int64_t now_ms);
/* They were found right now. The time of all remembered pieces of a file is that of the first of them. */
void check_memory_add(struct check_memory *, const struct blob_version *, uint64_t first, uint64_t end, int64_t now_ms);
/* Pages of the file have left the memory of the kernel: nothing is known of any piece any more. */
void check_memory_forget(struct check_memory *, const struct blob_version *);

#endif
