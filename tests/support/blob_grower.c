/* SPDX-License-Identifier: Apache-2.0 */
/* Lets blobs grow for tests/crash/test_growing_blobs_on_ext4.py. Usage: blob-grower DIR. Each line of its input is a command, and is
 * answered with "ok", or with what failed:
 *
 *   append KEY OFFSET SIZE   write that many bytes at the offset, and flush them
 *   settle KEY 0 SIZE */
#include "blob/disk/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Never zero, and different in every block. */
static char byte_at(uint64_t offset)
{
    return (char)((offset * 2654435761u >> 7) % 255 + 1);
}

static err_t append(struct blob_store *store, slice key, uint64_t offset, size_t size, struct arena *a)
{
    SCOPED(blob_writer_discardp) struct blob_writer *writer = NULL;
    TRY(store->ops->grow(store, key, offset, a, &writer));
    char *bytes = arena_alloc(a, size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(offset + i);
    TRY(writer->ops->write(writer, (slice){ bytes, size }, a));
    return writer->ops->flush(writer, a);
}

int main(int argc, char **argv)
{
    SCRATCH(a);
    struct blob_store *store;
    if (argc != 2 || blob_disk_open(argv[1], false, &a, &store))
        return 1;
    char what[16], key[64];
    unsigned long long offset, size;
    while (scanf("%15s %63s %llu %llu", what, key, &offset, &size) == 4) {
        SCRATCH(scratch);
        err_t e = strcmp(what, "append") == 0 ? append(store, slice_of(key), offset, (size_t)size, &scratch)
                                              : store->ops->settle(store, slice_of(key), size, &scratch);
        printf("%s\n", e ? e->msg : "ok");
        fflush(stdout);
    }
    store->ops->close_store(store);
    return 0;
}
