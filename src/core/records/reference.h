/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_REFERENCE_H
#define CAIS_CORE_RECORDS_REFERENCE_H

#include "base/hash.h"
#include "base/slice.h"
#include "core/records/holder.h"

/* A reference of a task, or of one of its comments, to a file that the task or the comment holds (records/holder.h). A link
 * is a reference that has a URL and no file.
 * References can be versions of one another. Those of a chain have the same root_id, the id of version 1. */
struct reference {
    int64_t id, account_id, task_id, comment_id;
    int64_t file_id; /* 0: a link */
    int64_t root_id; /* the reference's own id for version 1 */
    int64_t version;
    slice url;
    slice name;          /* of the link, or of the file */
    uint64_t size_bytes; /* of the file; this and md5 are set only by reading */
    unsigned char md5[MD5_SIZE];
    int64_t created_at_ms;
};
struct reference_list {
    struct reference *items;
    size_t count;
};

/* What holds files that are attached to a comment, or to the task itself when comment_id is 0. */
static inline struct holder task_holder_of(int64_t task_id, int64_t comment_id)
{
    return comment_id ? (struct holder){ HOLDER_COMMENT, comment_id } : (struct holder){ HOLDER_TASK, task_id };
}
/* What holds the file of the reference. */
static inline struct holder reference_holder(const struct reference *r)
{
    return task_holder_of(r->task_id, r->comment_id);
}

#endif
