/* SPDX-License-Identifier: Apache-2.0 */
/* A world with the workspace "W", its sections "B" and "other", a guarded bucket, and ana, whose key works there. */
#ifndef CAIS_TESTS_SYNC_FIXTURE_H
#define CAIS_TESTS_SYNC_FIXTURE_H

#include "bucket_fixture.h"
#include "core/sync/sync_file.h"
#include "core/sync/workspace.h"

#define SYNC_LIFETIME_MS minutes(15)
#define SYNC_PENDING_MS hours(24)
#define SYNC_IDLE_MS (30 * hours(24))

struct sync_fixture {
    struct guarded_fixture g; /* the bucket, and the operator who signs for it */
    struct world *w;
    struct principal ana; /* with her key: workspace W, section B */
    slice key;            /* its secret */
};
struct sync_fixture sync_fixture_new(struct world *);

struct sync_request sync_fixture_request(const struct sync_fixture *, slice name);
/* Issue a file and wait for the outcome, which is copied to w->a. */
err_t sync_fixture_try(const struct sync_fixture *, const struct principal *who, const struct sync_request *,
                       struct sync_file *ret);
/* The same, which must succeed. */
struct sync_file sync_fixture_issue(const struct sync_fixture *, slice name);
/* Put these bytes under its key, as with its link. Any thread. */
err_t sync_fixture_put(const struct sync_fixture *, const struct sync_file *, slice bytes, struct arena *a);
/* As it is now. */
struct sync_file sync_fixture_get(const struct sync_fixture *, const struct sync_file *);
/* Change the state as an import would. The purge still looks at it, and must leave it alone. */
void sync_fixture_move(const struct sync_fixture *, const struct sync_file *, enum sync_state from, enum sync_state to);
/* A key for sync files of ana, as a principal. */
struct principal sync_fixture_key(const struct sync_fixture *, const struct key_request *, slice *ret_secret);

#endif
