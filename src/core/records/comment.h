/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_COMMENT_H
#define CAIS_CORE_RECORDS_COMMENT_H

#include "base/slice.h"

struct comment {
    int64_t id, task_id, author_id;
    int64_t file_id; /* the file of the task that the comment is about; 0: the comment is about the task */
    slice text;
    slice details; /* a JSON object that core keeps for the API */
    int64_t created_at_ms, edited_at_ms;
};
struct comment_page_query {
    int64_t task_id;
    size_t offset, limit;
};
struct comment_list {
    struct comment *items;
    size_t count;
};

#endif
