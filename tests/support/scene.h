/* SPDX-License-Identifier: Apache-2.0 */
/* A bucket with something of everything in it, written past core: for tests of what looks at records. */
#ifndef CAIS_TESTS_SCENE_H
#define CAIS_TESTS_SCENE_H

#include "world.h"

struct scene {
    int64_t bucket_id;
    int64_t small_id, large_id; /* parts of the whole: one inline, one of SCENE_LARGE bytes in the blob store */
    int64_t whole_id;           /* small, large, small again; under the key "whole" */
    int64_t upload_id;          /* with part 1, which is "part" */
    int64_t part_id;
    struct file file; /* came by a ticket, confirmed; "document" */
};
enum { SCENE_LARGE = 20000, SCENE_OBJECTS = 6, SCENE_BYTES = 5 + SCENE_LARGE + 4 + 8 + 5 };
#define SCENE_LARGE_KEY S("00large")

/* What the account uses is counted. Fails the test on any error. */
void scene_make(struct world *w, const struct principal *who, struct scene *ret);
/* Statements straight to the database, constraints off: what no code of ours would write. */
void scene_spoil(struct world *w, const char *script);

#endif
