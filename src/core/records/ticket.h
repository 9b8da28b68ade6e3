/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_TICKET_H
#define CAIS_CORE_RECORDS_TICKET_H

#include "base/slice.h"

/* Permission to put the bytes of one file under one key, handed out before they come (the file is ISSUED until then).
 * The row stays as long as the file: the key goes on naming its bytes. */
struct ticket {
    int64_t file_id, bucket_id;
    slice key;
    uint64_t declared_bytes; /* exactly so many must come */
    int64_t expires_at_ms;   /* no bytes from then on */
    int64_t confirmed_at_ms; /* 0: pending, and only its owner knows of it */
    int64_t task_id;         /* what the file is hung on when it is confirmed; 0: nothing */
    int64_t comment_id;      /* of that task; 0: the task itself */
};
struct ticket_list {
    struct ticket *items;
    size_t count;
};

#endif
