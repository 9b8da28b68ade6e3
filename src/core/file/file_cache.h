/* SPDX-License-Identifier: Apache-2.0 */
/* Small files kept in memory for reading, record and bytes together; the one that was not read for the longest time
 * goes first. A file is found only under the generation of the store in which it was read. Its bytes never change, and
 * live until the last reader releases them, also after the file has left the cache. Thread: any. */
#ifndef CAIS_CORE_FILE_FILE_CACHE_H
#define CAIS_CORE_FILE_FILE_CACHE_H

#include "core/object/content.h"
#include "core/records/file.h"

struct cached_file {
    struct shared_memory memory; /* first: the readers share this whole block. The cache counts as one of them */
    struct file file;            /* its slices point into `text` */
    slice bytes;
    uint64_t generation;

    struct cached_file *chain, *newer, *older;
    size_t charge; /* bytes of the block */
    char text[];
};

/* A copy with one reader, not in any cache yet. End it, and one that was found, with
 * shared_memory_release(&cached->memory). */
struct cached_file *cached_file_new(const struct file *, slice bytes, uint64_t generation);

/* With one more reader. NULL: the file is not in the cache, or was read in another generation. */
struct cached_file *file_cache_find(struct file_cache *, const unsigned char uuid[16], uint64_t generation);
/* Replaces an older copy of the same file. The caller stays a reader. */
void file_cache_add(struct file_cache *, struct cached_file *);

#endif
