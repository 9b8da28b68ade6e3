/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_FOLDER_H
#define CAIS_CORE_RECORDS_FOLDER_H

#include "core/records/file.h"

struct folder {
    int64_t id, space_id;
    int64_t branch_id; /* core/records/branch.h */
    int64_t parent_id; /* 0: the root of its space */
    int64_t creator_id;
    slice name;         /* unique among the folders of its parent, without regard to case */
    int64_t used_bytes; /* of the files in it, without those of its folders */
    int64_t created_at_ms;
    int64_t modified_at_ms; /* of a root always 0 */
    slice creator_login;    /* set only by reading, like what follows; empty when the user has no record any more */
    int64_t course_id, environment_id, account_id;
};
struct folder_list {
    struct folder *items;
    size_t count;
};

/* A file in a folder. Its name is unique among the files of the folder, without regard to case. */
struct folder_file {
    struct file file;
    int64_t folder_id, space_id;
    int64_t course_id, environment_id; /* set only by reading */
};
struct folder_file_list {
    struct folder_file *items;
    size_t count;
};

/* What a search finds: a folder or a file. */
struct folder_hit {
    bool is_file;
    int64_t id;
    int64_t folder_id; /* that it is in; 0: it is the root of the space */
    slice name;
};
struct folder_hit_list {
    struct folder_hit *items;
    size_t count;
};

#endif
