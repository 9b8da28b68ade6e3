/* SPDX-License-Identifier: Apache-2.0 */
/* The intake of an upload: every upload of every API goes through one. It checks limits, computes digests, stages the
 * bytes, and commits them together with their record.
 *
 *   intake_open ──► intake_write* ──► intake_finish ──► done      acknowledged: everything is on stable storage
 *        └───────────────┴──────────► intake_discard              nothing of the upload is kept
 *
 * The bytes of a small object (inline_limit.h) stay in memory until they are committed as a row. Those of a larger one
 * are written to the blob store as they come. At the end the bytes are synced first; then one metadata transaction
 * takes the room in the account and adds the object, what refers to it, and the event. A crash between the two leaves
 * an orphan for the sweep, never a record without bytes.
 *
 * Thread   one at a time, which may change between calls. */
#ifndef CAIS_CORE_OBJECT_INTAKE_H
#define CAIS_CORE_OBJECT_INTAKE_H

#include "core/core.h"
#include "core/grant.h"
#include "core/records/digest.h"
#include "core/records/file.h"
#include "core/records/object.h"

struct intake;

/* The complete upload. The slices live for the call. */
struct intake_result {
    struct object object;         /* to be added; it has no id yet */
    const struct digest *digests; /* those that the request asked for */
    size_t digest_count;
    int64_t at_ms; /* the time of the upload */
};
/* Adds the object (meta_object_add) and the record that refers to it, and takes the room in the account. Runs inside
 * the write, like meta_apply_fn of core/store/transaction.h: perhaps twice, so it changes nothing but the store and
 * what it returns through arg. It checks everything that may refuse the upload before it changes anything, since a
 * write that fails after a change makes the whole batch run again. */
typedef err_t intake_place_fn(struct meta_tx *, void *arg, const struct intake_result *, struct arena *a);

/* What happens to the file that an upload becomes, in the same write; runs inside it, perhaps twice. */
typedef err_t intake_file_fn(struct meta_tx *, void *arg, const struct file *, struct arena *a);

/* The upload that the caller permits. The slices are copied. */
struct intake_request {
    int64_t account_id, owner_id;
    slice owner_login;
    slice origin;       /* name of the API */
    slice name;         /* cleaned (core/file/file_name.h) */
    slice content_type; /* may be empty */
    slice request_id;
    struct grant grant;  /* what let the upload in; the last write asks whether it still holds. Zeros: nothing */
    uint64_t max_bytes;  /* TOO_LARGE above it; 0: no limit */
    int64_t exact_bytes; /* the length, if it is known before the first byte; -1: it is not */
    slice md5;           /* the 16 bytes that the sender declared; empty: none */
    unsigned digests;    /* 1 << enum digest_kind of each to be computed */
    /* Records the object. NULL: it becomes a file, made from the members above and below. With `place`, intake_open
     * does not check the quota: the object may replace another one and free its bytes, which only `place` knows. */
    intake_place_fn *place;
    void *place_arg;
    /* Of an upload that becomes a file. `admit` may refuse it, before anything is changed: the file has name, type and size, and no
     * id yet. `attach` gives it to a holder (core/file/hold.h) once it is added. Both NULL, or both given. */
    intake_file_fn *admit, *attach;
    void *attach_arg;
    int64_t purge_after_ms; /* > 0: the file is STORED, and purged that long after now if no reference holds it then;
                             * 0: it is READY and kept */
};

/* Have the disk, the account and the user room for a file of at least min_bytes? For an API that knows a bound before it can make
 * a request. Only reads: fit for a loop.
 * Errors: NO_SPACE; QUOTA; UNAVAILABLE. */
MUST_USE err_t intake_check_room(struct core *, const struct principal *who, uint64_t min_bytes, struct arena *a);
/* Errors: TOO_LARGE exact_bytes is above max_bytes, or `a` is over its limit; NO_SPACE (free_space.h); QUOTA; UNAVAILABLE. */
MUST_USE err_t intake_open(struct core *, const struct intake_request *, struct arena *a, struct intake **ret_intake);
/* Errors: TOO_LARGE, NO_SPACE, UNAVAILABLE. After an error only intake_discard may follow. */
MUST_USE err_t intake_write(struct intake *, slice bytes, struct arena *a);
uint64_t intake_received(const struct intake *); /* bytes written so far */
/* The bytes must have this digest, or intake_finish fails with DIGEST. The request asked for its kind. May be called
 * until intake_finish, since a digest may come in a trailer, after the bytes. */
void intake_expect(struct intake *, const struct digest *);
/* The same for MD5. */
void intake_expect_md5(struct intake *, const unsigned char md5[MD5_SIZE]);
/* Will intake_finish wait for a disk? Then it must not run on a loop. */
bool intake_blocks(const struct intake *);

/* Called once: with the file, whose slices live until done returns (NULL when `place` recorded the object), or with an
 * error and NULL. Runs before intake_finish returns, or later on the committer's thread: it must not block. */
typedef void intake_done_fn(void *arg, err_t e, const struct file *file);
/* Check the length and the digests, sync, commit. The intake is freed before done returns. An empty file is no error
 * here: an API that refuses empty files asks intake_received first.
 * Errors (through done): REVOKED, BLOCKED the grant has ended; DIGEST; TRUNCATED fewer bytes than exact_bytes; QUOTA; NO_SPACE; UNAVAILABLE; those of
 * place. */
void intake_finish(struct intake *, intake_done_fn *done, void *arg);
/* The same for a caller that may wait for the disk and the commit. The slices of *ret_file live in `a`; it is zeroed when `place`
 * recorded the object. Errors: as intake_finish. */
MUST_USE err_t intake_finish_and_wait(struct intake *, struct arena *a, struct file *ret_file);
void intake_discard(struct intake *); /* NULL is fine */
/* The same for one whose bytes came, of which only the MD5 is wanted. */
void intake_discard_with_md5(struct intake *, unsigned char ret_md5[MD5_SIZE]);

/* Is an upload in flight that writes to this blob key? If not, and no row has the key, then no row ever will. */
bool intake_in_flight(struct core *, slice blob_key);

#endif
