/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes coming in: the one pipeline of every way in. Limit → digests → staging → commit.
 *
 *   intake_open ──► intake_write* ──► intake_finish ──► done(file)      acknowledged: all of it is on stable storage
 *        └───────────────┴──────────► intake_discard                    nothing is left
 *
 * Small objects stay in memory until they are committed as a row; larger ones go to the blob store as they come.
 * Order at the end: bytes synced, then one metadata transaction (quota, object, file, event); a crash in between
 * leaves an orphan for the sweep, never a file without bytes.
 * Thread   one at a time, which may change between calls. */
#ifndef CAIS_CORE_OBJECT_INTAKE_H
#define CAIS_CORE_OBJECT_INTAKE_H

#include "core/core.h"
#include "core/records/digest.h"
#include "core/records/file.h"
#include "core/records/object.h"

struct intake;

/* What came in, whole. Slices live for the call. */
struct intake_result {
    struct object object;         /* to be recorded: it has no id yet */
    const struct digest *digests; /* those that were asked for */
    size_t digest_count;
    int64_t at_ms;
};
/* Records an object (meta_object_add) and puts it in its place. As a meta_apply_fn: may run twice, changes
 * nothing but the store and what it returns through arg. Asks everything that may refuse before it changes anything: a
 * write that fails later holds up those that run with it. Takes the account's room itself: what is there already may
 * make way for the object, so intake_open does not ask whether there is any. */
typedef err_t intake_place_fn(struct meta_tx *, void *arg, const struct intake_result *, struct arena *a);

/* What was permitted: the ticket of a direct upload. Slices are copied. */
struct intake_request {
    int64_t account_id, owner_id;
    slice owner_login;
    slice origin;       /* name of the API */
    slice name;         /* cleaned (file_name.h) */
    slice content_type; /* may be empty */
    slice request_id;
    uint64_t max_bytes;  /* TOO_LARGE above it; 0: no limit */
    int64_t exact_bytes; /* length when it is known before the first byte; -1: not known */
    slice md5;           /* 16 bytes the sender declared; empty: none */
    unsigned digests;    /* 1 << enum digest_kind of each to be computed */
    /* Where the object goes; NULL: it becomes a file of its own, by the fields above and below. */
    intake_place_fn *place;
    void *place_arg;
    int64_t purge_after_ms; /* > 0: the file is STORED and purged that long after now unless somebody holds on to it;
                               0: READY at once and kept */
};

/* May a file of at least that many bytes come in? For APIs that know so before they can give an order: whether the
 * disk and the account have room. Only reads: fit for a loop.
 * Errors: NO_SPACE; QUOTA; UNAVAILABLE. */
MUST_USE err_t intake_check_room(struct core *, int64_t account_id, uint64_t least_bytes, struct arena *a);
/* Errors: TOO_LARGE by exact_bytes; NO_SPACE free space would fall below the reserve; UNAVAILABLE. */
MUST_USE err_t intake_open(struct core *, const struct intake_request *, struct arena *a, struct intake **ret_intake);
/* Errors: TOO_LARGE, NO_SPACE, UNAVAILABLE. After an error only intake_discard may follow. */
MUST_USE err_t intake_write(struct intake *, slice bytes, struct arena *a);
uint64_t intake_received(const struct intake *);
/* The bytes must have this digest, or intake_finish fails with DIGEST. Its kind was asked for in the order. At any time
 * before intake_finish: a trailer comes after the bytes. */
void intake_expect(struct intake *, const struct digest *);
/* The same for MD5. */
void intake_expect_md5(struct intake *, const unsigned char md5[MD5_SIZE]);
/* True when intake_finish will wait for a disk: not on a loop then. */
bool intake_blocks(const struct intake *);

/* Called once: with the file (its slices live until done returns; NULL when `place` put the object elsewhere), or with
 * an error and NULL. May come before
 * intake_finish returns, or later on the committer's thread: must not block. */
typedef void intake_done_fn(void *arg, err_t e, const struct file *file);
/* Check length and digest, sync, commit. The intake is gone after done.
 * Errors (through done): EMPTY is not one: an API that refuses empty files asks intake_received first; DIGEST;
 * TRUNCATED fewer bytes than exact_bytes; QUOTA; NO_SPACE; UNAVAILABLE. */
void intake_finish(struct intake *, intake_done_fn *done, void *arg);
void intake_discard(struct intake *); /* NULL is fine */

/* Is an upload under way that writes under this key? When not, and no row names the key, none ever will. */
bool intake_in_flight(struct core *, slice blob_key);

#endif
