/* SPDX-License-Identifier: Apache-2.0 */
/* Records of every kind, written with calls of the store alone: for tests of code that reads all records (fsck, backup). */
#ifndef CAIS_TESTS_RECORDS_FIXTURE_H
#define CAIS_TESTS_RECORDS_FIXTURE_H

#include "world.h"

struct records_fixture {
    int64_t bucket_id;
    int64_t small_id,
        large_id;      /* parts of the composite: one inline, one of RECORDS_LARGE_BYTES bytes in the blob store */
    int64_t whole_id;  /* the composite: small, large, small again; under the key "whole" */
    int64_t upload_id; /* with part 1, which is "part" */
    int64_t part_id;
    struct file file; /* of a confirmed ticket; its bytes are "document" */
};
enum { RECORDS_LARGE_BYTES = 20000, RECORDS_OBJECTS = 6, RECORDS_BYTES = 5 + RECORDS_LARGE_BYTES + 4 + 8 + 5 };
#define RECORDS_LARGE_KEY S("00large")

/* Also charges the account. Fails the test on any error. */
void records_fixture_make(struct world *w, const struct principal *who, struct records_fixture *ret);
/* Run SQL statements on the database with foreign keys off, to write records that the program itself never would. */
void corrupt_records(struct world *w, const char *script);

#endif
