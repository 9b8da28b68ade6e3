/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_REFERENCE_H
#define CAIS_CORE_RECORDS_REFERENCE_H

#include "base/hash.h"
#include "base/slice.h"

/* A task (through one of its comments) that holds on to a file; a file nobody holds is purged after its time.
 * A chain of versions shares root_id, the id of version 1. A link has a url and no file. */
struct reference {
    int64_t id, account_id, task_id, comment_id;
    int64_t file_id; /* 0: a link */
    int64_t root_id; /* own id for version 1 */
    int64_t version;
    slice url;
    slice name;          /* of the file, or of the link */
    uint64_t size_bytes; /* of the file; filled by reads, like md5 */
    unsigned char md5[MD5_SIZE];
    int64_t created_at_ms;
};
struct reference_list {
    struct reference *items;
    size_t count;
};

#endif
