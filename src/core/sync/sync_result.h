/* SPDX-License-Identifier: Apache-2.0 */
/* What the check of a sync file has found. */
#ifndef CAIS_CORE_SYNC_RESULT_H
#define CAIS_CORE_SYNC_RESULT_H

#include "core/sync/sync_header.h"
#include "core/sync/sync_position.h"

struct sync_check_result {
    enum sync_fault fault; /* SYNC_FINE: the file may be imported */
    uint64_t fault_line;   /* from 1; 0: the whole file */
    slice fault_text;      /* what is to blame, such as the code of a field; SYNC_SHOWN_MAX characters, may be empty */
    const struct sync_header *header; /* NULL: not read yet. Its texts and fields live in the account */
    uint64_t upserts, deletes;        /* rows so far */
    uint64_t declared_rows;           /* by the footer; meaningful after the end, if the file has one */
    struct sync_position start;       /* of the first row; meaningful after the end */
};

#endif
