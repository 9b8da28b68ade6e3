/* SPDX-License-Identifier: Apache-2.0 */
/* What a client has open: files that it writes or reads, and folders that it lists. A client knows each by eight bytes, of which
 * four are different the next time the place is used, so a handle that was closed never means another file.
 *
 * Thread: one at a time; the total of all tables is counted atomically. */
#ifndef CAIS_SFTP_HANDLE_H
#define CAIS_SFTP_HANDLE_H

#include "sftp/upload.h"

#define HANDLES_MAX 256 /* of one client */
/* That a client may have whatever the others have open, so that a few clients cannot keep all others from opening anything. */
#define HANDLES_RESERVED 8
/* What the open files of a client may hold in memory when others have all that they share: the text of a result has half a MiB at most. */
#define READERS_RESERVE_BYTES ((size_t)2 << 20)
enum { HANDLE_NAME_SIZE = 8 };

enum handle_kind { HANDLE_NONE, HANDLE_UPLOAD, HANDLE_READER, HANDLE_LISTING };

struct listing {
    enum inbox_folder folder;
    struct inbox_cursor cursor;
};

struct handle {
    enum handle_kind kind;
    uint32_t use; /* how often the place was used */
    char *file;   /* name in /import of a file that is written */
    size_t memory_bytes;
    bool is_reserved; /* these are counted in the reserve of the client */
    union {
        struct upload *upload;
        struct inbox_reader *reader;
        struct listing *listing;
    };
};

/* How many are open, in all tables that share it, without the HANDLES_RESERVED of each. */
struct handle_total {
    int64_t max;
    int64_t open; /* atomic */
};

struct handles {
    struct handle places[HANDLES_MAX];
    size_t used; /* places that were ever used */
    size_t open;
    struct handle_total *total;
    struct memory_budget *memory;
    size_t reserve; /* bytes that are left of READERS_RESERVE_BYTES */
};

/* memory: counts what is read from memory; both are borrowed. */
void handles_init(struct handles *, struct handle_total *, struct memory_budget *memory);
/* Closes everything; what is written is cut. */
void handles_release(struct handles *);
/* A place of that kind, for the caller to fill; NULL: HANDLES_MAX are open, or HANDLES_RESERVED and the total. */
struct handle *handle_open(struct handles *, enum handle_kind);
/* Count the memory that its content holds, until it is closed. False: there is not so much left, and nothing was counted. Once for each. */
bool handle_count_memory(struct handles *, struct handle *, size_t bytes);
/* NULL: there is none. */
struct handle *handle_find(struct handles *, slice name);
void handle_name(const struct handles *, const struct handle *, char ret_name[HANDLE_NAME_SIZE]);
/* Closes what is in it, unless the caller did, and set it to NULL. */
void handle_close(struct handles *, struct handle *);
size_t handles_count(const struct handles *, enum handle_kind);

#endif
