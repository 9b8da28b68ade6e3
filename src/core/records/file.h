/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_FILE_H
#define CAIS_CORE_RECORDS_FILE_H

#include "base/hash.h"
#include "base/slice.h"

/* ARCHITECTURE.md, "The states of a file", draws which function moves a file from one state to another. EXPIRED is
 * reserved for tickets that leave a record behind when they have expired; no function sets it yet. */
enum file_state { FILE_ISSUED, FILE_STORED, FILE_READY, FILE_EXPIRED };

/* A file as users see it: a name, an owner and a life cycle for the bytes of an object. */
struct file {
    int64_t id;
    unsigned char uuid[16]; /* version 4, random, so that clients cannot guess the UUIDs of others */
    int64_t account_id, owner_id;
    slice owner_login; /* set only by reading; not a column of the record */
    slice origin;      /* name of the API through which the file came in */
    slice name, content_type;
    enum file_state state;
    int64_t object_id;   /* 0 while the file has no bytes */
    uint64_t size_bytes; /* of the bytes that are there: 0 while ISSUED, whatever the ticket declares */
    unsigned char md5[MD5_SIZE];
    int64_t created_at_ms, stored_at_ms;
    int64_t purge_at_ms; /* at this time the file expires; 0: never */
    bool is_kept;        /* it was uploaded to be kept: it stays READY when its last holder releases it */
    bool is_pending;     /* its ticket is not confirmed, so only the owner may see it; set only by reading */
};
struct file_list {
    struct file *items;
    size_t count;
};
struct file_id_list {
    int64_t *items;
    size_t count;
};

#endif
