/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_WORKSPACE_H
#define CAIS_CORE_RECORDS_WORKSPACE_H

#include "base/slice.h"

/* A place for sync files and for the records that are imported from them. */
struct workspace {
    int64_t id, account_id;
    slice name; /* unique in the account; never changes */
    int64_t created_at_ms;
};
struct workspace_list {
    struct workspace *items;
    size_t count;
};

/* A part of a workspace. Each sync file, and each set of records, belongs to one. */
struct section {
    int64_t id, workspace_id;
    slice name;           /* unique in the workspace; never changes */
    bool refuses_deletes; /* files may not delete records, unless an administrator sends them */
    int64_t created_at_ms;
};
struct section_list {
    struct section *items;
    size_t count;
};

#endif
