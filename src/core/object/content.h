/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a stored object, open for reading. A small object is in memory; a large one, and a composite, has a
 * reader. An object never changes, so what is open stays readable when the record that named it is replaced or removed
 * meanwhile (garbage.h says for how long).
 *
 * Thread   one at a time, which may change between calls. */
#ifndef CAIS_CORE_OBJECT_CONTENT_H
#define CAIS_CORE_OBJECT_CONTENT_H

#include "base/hash.h"
#include "core/core.h"

struct blob_reader;
struct object;

/* Memory that several readers share: the head of a block from must_malloc. The last reader frees the block. */
struct shared_memory {
    int64_t readers; /* atomic */
};
void shared_memory_release(struct shared_memory *); /* NULL is fine */

struct content {
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE];  /* the object's */
    slice bytes;                  /* .p not NULL: all of them, until content_close */
    struct blob_reader *reader;   /* else */
    bool is_unopened;             /* only entry_open_quickly leaves a content like this */
    struct shared_memory *memory; /* that holds `bytes`; NULL: they live in the arena of the call that opened them */
};

/* Open what the database holds: the bytes of a row, or a composite. The snapshot `tx` has the object, and
 * object->inline_bytes were read with it; `ret` borrows them. An object in the blob store (blob_key not empty) is left
 * to content_open_blob: then ret->reader is NULL and ret->bytes empty.
 * Errors: CORRUPT the bytes or parts are not what the record says; those of the store. */
MUST_USE err_t content_open_record(struct core *, struct meta_tx *tx, const struct object *, struct arena *a,
                                   struct content *ret);
/* Open the bytes of an object that is in the blob store. What is read from them is checked (checked_blob.h). Needs no snapshot, and waits for the disk: end yours first.
 * Errors: NOT_FOUND the bytes are gone, perhaps together with the record since it was read; CORRUPT they have another
 * length than the record says; UNAVAILABLE. */
MUST_USE err_t content_open_blob(struct core *, const struct object *, struct arena *a, struct content *ret);
/* Reads up to `size` bytes from `offset`, fewer only at the end. Errors: those of read_at in blob_store.h. */
MUST_USE err_t content_read_at(const struct content *, uint64_t offset, char *to, size_t size, struct arena *a,
                               size_t *ret_read);
/* A descriptor to send the bytes from (sendfile), which the content owns; -1: there is none, use content_read_at. */
int content_fd(const struct content *);
/* Checks what will be sent from that descriptor: the bytes from `from` up to and without `to`. What comes from `bytes` or
 * content_read_at is checked already. has_left: as in checked_blob_check. memory: CONTENT_CHECK_MEMORY bytes.
 * Errors: CORRUPT; those of the stores. */
#define CONTENT_CHECK_MEMORY ((size_t)64 * 1024)
MUST_USE err_t content_check(const struct content *, uint64_t from, uint64_t to, bool has_left, char *memory,
                             struct arena *a);
/* Sets all members to zero; closing such a content again does nothing. */
void content_close(struct content *);

#endif
