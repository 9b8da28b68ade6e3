/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_FILE_H
#define CAIS_CORE_RECORDS_FILE_H

#include "base/hash.h"
#include "base/slice.h"

/* ARCHITECTURE.md, "The states of a file", draws who moves a file from one to another. EXPIRED is kept for tickets that
 * leave a trace behind when their time is over; nothing makes one yet. */
enum file_state { FILE_ISSUED, FILE_STORED, FILE_READY, FILE_EXPIRED };

/* The record people see. */
struct file {
    int64_t id;
    unsigned char uuid[16]; /* random, version 4: what clients may guess at */
    int64_t account_id, owner_id;
    slice owner_login; /* filled by reads */
    slice origin;      /* name of the API through which it came in */
    slice name, content_type;
    enum file_state state;
    int64_t object_id;   /* 0 while there are no bytes */
    uint64_t size_bytes; /* of the bytes that are there: 0 while ISSUED, whatever the ticket declares */
    unsigned char md5[MD5_SIZE];
    int64_t created_at_ms, stored_at_ms;
    int64_t purge_at_ms; /* gone from then on; 0: never */
    bool is_pending;     /* by a ticket that is not confirmed: only its owner knows of it; filled by reads */
};
struct file_list {
    struct file *items;
    size_t count;
};

#endif
