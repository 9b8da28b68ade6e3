/* SPDX-License-Identifier: Apache-2.0 */
/* Small files kept in memory for reading, record and bytes together, least recently used first to go.
 * An entry is found only under the generation of the store that it was read in; its bytes never change and live until
 * the last reader has let go, also when the entry has left the cache. Thread-safe. */
#ifndef CAIS_CORE_FILE_CONTENT_CACHE_H
#define CAIS_CORE_FILE_CONTENT_CACHE_H

#include "core/core.h"
#include "core/records/file.h"

struct content_entry {
    struct file file; /* slices point into `memory` */
    slice bytes;
    uint64_t generation;

    int64_t readers; /* atomic; the cache itself counts as one */
    struct content_entry *chain, *newer, *older;
    size_t charge;
    char memory[];
};

/* One entry with one reader, not in any cache yet. Copies. */
struct content_entry *content_entry_new(const struct file *, slice bytes, uint64_t generation);
void content_entry_close(struct content_entry *); /* NULL is fine */

/* NULL when it is not there; else with one more reader. */
struct content_entry *content_cache_find(struct content_cache *, const unsigned char uuid[16], uint64_t generation);
/* Takes the place of an older entry of the same file. The caller stays a reader. */
void content_cache_put(struct content_cache *, struct content_entry *);

#endif
