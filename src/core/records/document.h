/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_DOCUMENT_H
#define CAIS_CORE_RECORDS_DOCUMENT_H

#include "core/records/file.h"
#include "core/records/ticket.h"

#define DOCUMENT_TASK_TEXT_MAX 1000 /* characters */

/* A file as a task shows it. */
struct document {
    struct file file;
    bool has_ticket;
    struct ticket ticket; /* zeros when has_ticket is false */
    slice owner_name;     /* name of the file's owner */
    /* The first reference that holds the file; in a list, the first of those that the query asks for. 0: none. */
    int64_t reference_id;
    /* Those of the reference, or, while the ticket is pending, those that the ticket names. 0: none. */
    int64_t task_id, comment_id;
    /* At most DOCUMENT_TASK_TEXT_MAX characters from the beginning, because a list repeats it for each file. */
    slice task_text;
};
struct document_list {
    struct document *items;
    size_t count;
};

#endif
