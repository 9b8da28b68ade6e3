/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_DOCUMENT_H
#define CAIS_CORE_RECORDS_DOCUMENT_H

#include "core/records/file.h"
#include "core/records/ticket.h"

/* A file as it hangs on a task: what a list of a task's files shows. */
struct document {
    struct file file;
    bool has_ticket;
    struct ticket ticket;        /* zeros when it came in without one */
    slice owner_name;            /* of the file's owner */
    int64_t reference_id;        /* the first that holds it, in a list the first of those asked for; 0: none */
    int64_t task_id, comment_id; /* of that reference, or where a pending ticket says it will hang; 0: nowhere */
    slice task_text;             /* its beginning: a list repeats it for each of many files */
};
struct document_list {
    struct document *items;
    size_t count;
};
#define DOCUMENT_TASK_TEXT_MAX 1000 /* characters of it */

#endif
