/* SPDX-License-Identifier: Apache-2.0 */
/* A bucket in a world, and somebody who uses it: what tests of entries and uploads stand on. Calls that take an arena
 * may be made on any thread; what goes wrong is returned, made in that arena. */
#ifndef CAIS_TESTS_SHELF_H
#define CAIS_TESTS_SHELF_H

#include "core/bucket/entry.h"
#include "core/bucket/upload.h"
#include "world.h"

struct shelf {
    struct world *w;
    struct principal who; /* ana, of the account default */
    struct bucket bucket; /* "shelf" */
};
struct shelf shelf_new(struct world *w);

struct shelf_stored {
    slice etag;
    struct digest digest;
};
struct entry_request shelf_order(slice key); /* no limits, nothing declared */
/* Open, write in pieces, finish, wait. */
err_t shelf_put(const struct shelf *, const struct entry_request *, slice bytes, struct arena *a,
                struct shelf_stored *ret);
void shelf_store(const struct shelf *, slice key, slice bytes);
/* All bytes, read in pieces of odd sizes where they are not in memory. */
err_t shelf_read(const struct shelf *, slice key, struct arena *a, slice *ret);
void shelf_expect(const struct shelf *, slice key, slice bytes);
bool shelf_has(const struct shelf *, slice key);
err_t shelf_remove(const struct shelf *, slice key, struct arena *a);

slice shelf_upload(const struct shelf *, slice key); /* the name of a new one, good for an hour */
/* ret: the part as it is named when the upload is completed. */
err_t shelf_part(const struct shelf *, slice key, slice name, int64_t number, slice bytes, struct arena *a,
                 struct completed_part *ret);
struct complete_request shelf_complete_order(slice key, slice name, const struct completed_part *parts, size_t count);
err_t shelf_complete(const struct shelf *, const struct complete_request *, struct arena *a,
                     enum upload_refusal *ret_why, struct entry *ret);
err_t shelf_abort(const struct shelf *, slice key, slice name, struct arena *a);

/* A bucket of tickets, the server whose key signs for it, and bob, who gets permission. Tickets are made past core's
 * rules: issuing and confirming them is another's business (ticket.h). */
struct shelf_tickets {
    struct shelf s; /* its who is the server */
    struct principal bob;
};
struct shelf_tickets shelf_tickets_new(struct world *w);
/* Bytes may come for ten minutes, the file is kept pending for twenty. Its id. */
int64_t shelf_issue(const struct shelf_tickets *, slice key, uint64_t bytes);

int64_t shelf_object_count(struct world *w); /* records of objects, whoever refers to them */
/* Nothing is left of anything: no objects, no blobs once garbage and orphans are gone, nothing used. */
void shelf_expect_nothing(struct world *w);

#endif
