/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_TICKET_H
#define CAIS_CORE_RECORDS_TICKET_H

#include "base/slice.h"
#include "core/records/holder.h"

/* Permission to put the bytes of one file under one key, given before the bytes arrive; until then the file is ISSUED.
 * The record stays as long as the file, because the key still names the file's bytes. */
struct ticket {
    int64_t file_id, bucket_id;
    slice key;
    uint64_t declared_bytes; /* the exact size that the bytes must have */
    int64_t expires_at_ms;   /* from this time on no bytes are accepted */
    int64_t confirmed_at_ms; /* 0: pending, and only the owner may see the file */
    struct holder
        holder; /* what holds the file once the ticket is confirmed; none: the file is kept. Confirmed: none */
};
struct ticket_list {
    struct ticket *items;
    size_t count;
};

#endif
