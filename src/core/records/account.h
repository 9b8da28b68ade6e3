/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_ACCOUNT_H
#define CAIS_CORE_RECORDS_ACCOUNT_H

#include "base/slice.h"

/* A tenant. Every other record belongs to exactly one account, except the buckets of the server itself. */
struct account {
    int64_t id;
    slice name;
    int64_t created_at_ms;
    int64_t max_bytes, max_files;   /* 0: the account has no limit of its own, and those of core_options apply */
    int64_t used_bytes, used_files; /* by files that hold bytes and by entries; used_bytes also by parts of uploads */
    int64_t record_bytes;           /* by its records (record_size.h); max_bytes limits used_bytes + record_bytes */
    int64_t pending_files;          /* files that were issued and have no bytes yet */
    int64_t open_uploads;           /* uploads in parts that were neither completed nor ended */
    int64_t garbage_bytes;          /* that were replaced or removed and are still on the disk: core/object/garbage.h */
};
/* An amount of what an account uses. Negative numbers give room back. */
struct account_use {
    int64_t bytes, files, records; /* records: bytes of records */
    int64_t pending, uploads;      /* files without bytes; uploads in parts */
    int64_t garbage;               /* bytes that were given up and are still on the disk */
    int64_t owner_id;              /* the user who owns the bytes and files, and uses them, too; 0: there are none */
};
struct account_list {
    struct account *items;
    size_t count;
};

#endif
