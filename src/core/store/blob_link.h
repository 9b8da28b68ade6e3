/* SPDX-License-Identifier: Apache-2.0 */
/* A blob that gets a second name in the blob store of another directory, for backups. */
#ifndef CAIS_CORE_STORE_BLOB_LINK_H
#define CAIS_CORE_STORE_BLOB_LINK_H

#include "base/err.h"

struct blob_link {
    const char *from, *to; /* directories */
    slice key;
    uint64_t size_bytes; /* a blob of another size is not the one */
};

enum blob_link_result {
    BLOB_LINKED,
    BLOB_ABSENT,      /* `from` has no such blob */
    BLOB_NOT_LINKABLE /* it has, but `to` is on another file system, or the file system allows no more links */
};

#endif
