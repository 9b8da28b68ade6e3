/* SPDX-License-Identifier: Apache-2.0 */
/* A world with a bucket and a user of it, for tests of entries and uploads. Calls that take an arena may be made on any
 * thread; errors are made in that arena. The others fail the test on an error. */
#ifndef CAIS_TESTS_BUCKET_FIXTURE_H
#define CAIS_TESTS_BUCKET_FIXTURE_H

#include "core/bucket/entry.h"
#include "core/bucket/upload.h"
#include "world.h"

struct bucket_fixture {
    struct world *w;
    struct principal who; /* ana, of the account "default" */
    struct bucket bucket; /* "sample" */
};
struct bucket_fixture bucket_fixture_new(struct world *w);

/* ---- entries ---- */

/* A copy of struct entry_stored. */
struct stored_entry {
    slice etag;
    struct digest digest;
};
struct entry_request bucket_fixture_request(slice key); /* without limits and declarations */
/* Open a put, write the bytes in pieces, finish, and wait for the outcome. */
err_t bucket_fixture_put(const struct bucket_fixture *, const struct entry_request *, slice bytes, struct arena *a,
                         struct stored_entry *ret);
void bucket_fixture_store(const struct bucket_fixture *, slice key, slice bytes);
/* All bytes of the entry; bytes that are not in memory are read in pieces of odd sizes. */
err_t bucket_fixture_read(const struct bucket_fixture *, slice key, struct arena *a, slice *ret);
void bucket_fixture_expect(const struct bucket_fixture *, slice key, slice bytes);
bool bucket_fixture_has(const struct bucket_fixture *, slice key);
err_t bucket_fixture_remove(const struct bucket_fixture *, slice key, struct arena *a);

/* ---- uploads ---- */

slice bucket_fixture_upload(const struct bucket_fixture *,
                            slice key); /* the name of a new one; it expires in an hour */
struct upload_ref bucket_fixture_ref(const struct bucket_fixture *, slice key, slice name);
struct part_bytes {
    int64_t number;
    slice bytes;
};
/* ret: the part, as a request to complete the upload names it. */
err_t bucket_fixture_put_part(const struct bucket_fixture *, slice key, slice name, const struct part_bytes *,
                              struct arena *a, struct completed_part *ret);
struct complete_request bucket_fixture_complete_request(const struct bucket_fixture *, slice key, slice name,
                                                        const struct completed_part *parts, size_t count);
err_t bucket_fixture_complete(const struct bucket_fixture *, const struct complete_request *, struct arena *a,
                              struct entry *ret);
err_t bucket_fixture_abort(const struct bucket_fixture *, slice key, slice name, struct arena *a);

/* ---- a guarded bucket ---- */

/* The bucket "tickets", the operator whose key signs for it, and bob, who gets permission to put. Tickets are written with
 * calls of the store alone, without the checks of ticket.h. */
struct guarded_fixture {
    struct bucket_fixture s; /* its `who` is the operator */
    struct principal bob;
};
struct guarded_fixture guarded_fixture_new(struct world *w);
/* Issue a ticket: bytes may be put for ten minutes, and the file stays pending for twenty. Returns the file id. */
int64_t guarded_fixture_issue(const struct guarded_fixture *, slice key, uint64_t bytes);

/* ---- the whole store ---- */

int64_t count_objects(struct world *w); /* records of objects, whatever refers to them */
/* Expects that there are no objects and no used bytes, and after the periodic jobs no blobs. */
void expect_empty_store(struct world *w);

#endif
