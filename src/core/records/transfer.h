/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_TRANSFER_H
#define CAIS_CORE_RECORDS_TRANSFER_H

#include "base/hash_state.h"
#include "base/md5.h"
#include "core/records/digest.h"
#include "core/records/holder.h"

/* An upload whose bytes come in several requests, over restarts. The record stays for a while after it has become a file, so
 * that the sender can ask for the outcome. */
struct transfer {
    int64_t id, account_id, owner_id;
    slice owner_login;             /* set only by reading */
    slice name;                    /* random: by it clients know the transfer */
    slice origin;                  /* name of the API */
    slice file_name, content_type; /* of the file that it becomes */
    slice metadata;                /* as the sender gave it */
    slice blob_key;                /* of the growing blob (core/store/blob_store.h) */
    int64_t length;                /* bytes in all; -1: the sender has not said yet */
    int64_t offset;                /* bytes that are on stable storage */
    struct md5 md5;                /* of these bytes */
    struct holder holder;          /* what will hold the file; none: it is kept */
    int64_t
        section_id; /* it is a file in the inbox of that section, called file_name (core/sync/inbox.h); 0: it is none */
    int64_t link_id;          /* by which it comes (core/access/drop_link.h); 0: by none */
    bool is_part;             /* it becomes a part of another transfer, and no file */
    bool is_composed;         /* its bytes are those of parts; no request brings any */
    slice composition;        /* how the sender named the parts */
    bool has_digest;          /* the sender asked for a digest of the whole */
    struct hash_state digest; /* of these bytes */
    slice expected_digest;    /* what it must be in the end; empty: the sender has not said */
    int64_t created_at_ms, expires_at_ms;
    slice writer;                /* whoever may add bytes now; empty: nobody does */
    int64_t writer_until_ms;     /* from then on others may take over */
    int64_t finished_at_ms;      /* all bytes came, and it is a file, or a part; 0: not yet */
    unsigned char file_uuid[16]; /* once it is a file */
};
struct transfer_list {
    struct transfer *items;
    size_t count;
};

#endif
